"""Finds the line that says why something failed, in outputs, error texts, traces and answers."""
