"""Numbers, sizes, durations and names in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def counted(number: int, noun: str = "job") -> str:
    """Return a number of things as a sentence says it: `1 job`, `1,204 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def one_of(names: Sequence[str]) -> str:
    """Return names as a sentence denies them: `a`, `a or b`, `a, b or c`."""
    return _listed(names, "or")


def size(number: int) -> str:
    """Return a number of bytes in words: `1 byte`, `999 bytes`, `1.2 kB`; a kB is 1,000 bytes."""
    if number < 1_000:
        return counted(number, "byte")
    amount = number / 1_000
    for unit in ("kB", "MB", "GB"):
        if round(amount, 1) < 1_000:
            return f"{amount:.1f} {unit}"
        amount /= 1_000
    return f"{amount:,.1f} TB"


def duration(seconds: int, *, units: int = len(_UNITS)) -> str:
    """Return seconds in words: `1 day, 2 hours and 5 seconds`.

    Names at most `units` units, from the largest down; the rest is dropped.
    """
    if seconds < 0:
        return f"minus {duration(-seconds, units=units)}"
    parts = []
    for unit, length in _UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(counted(number, unit))
    return _listed(parts[:units], "and") or "0 seconds"


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])
