"""The figures of a period; one module for each panel."""
