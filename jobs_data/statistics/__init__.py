"""What the jobs of a period tell; one module for each panel."""
