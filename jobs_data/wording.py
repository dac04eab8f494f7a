"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str = "job") -> str:
    """Return a number of things as a sentence says it: `1 job`, `1,204 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def one_of(names: Sequence[str]) -> str:
    """Return names as a sentence denies them: `a`, `a or b`, `a, b or c`."""
    return " or ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])
