"""Which line of a text says why something failed: job outputs, error texts, traces and answers."""
