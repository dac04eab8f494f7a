"""The background jobs of Heratio and AtoM."""

from typing import Final

__version__: Final = "1.0.0"
"""The version of the app, which CHANGELOG.md describes."""
