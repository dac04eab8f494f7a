"""The script that the components share, which stands before their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ELEMENTS: Final = Path(__file__).with_suffix(".js").read_text("utf-8")
"""`make(tag, attributes, ...children)`, `drawing(viewBox, lines)`, `icon(id)` of the script's PATHS,
and `copy(text)`."""
