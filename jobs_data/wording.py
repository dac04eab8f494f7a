"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str = "job") -> str:
    """Return a number of things as a sentence says it: `1 job`, `1,204 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
