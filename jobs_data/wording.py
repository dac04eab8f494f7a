"""Numbers, sizes, durations, times and names, as screens write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from math import isnan
from pathlib import PurePath
from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_SHORT_UNITS: Final = ("d", "h", "min", "s")
_WEEK_DAYS: Final = 7
_KIND_CHARACTERS: Final = 5


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


def file_kind_and_size(name: str, number: int) -> str:
    """Return what a file is, by the end of its name, and its bytes in words: `PDF 36.0 kB`."""
    kind = PurePath(name).suffix[1:]
    is_kind = kind.isascii() and kind.isalnum() and len(kind) <= _KIND_CHARACTERS
    return f"{kind.upper() if is_kind else 'File'} {size(number)}"


def duration(seconds: int, *, units: int = len(_UNITS)) -> str:
    """Return seconds in words: `1 day, 2 hours and 5 seconds`.

    Names at most `units` units, from the largest down; the rest is dropped.
    """
    if seconds < 0:
        return f"minus {duration(-seconds, units=units)}"
    numbers = zip(_in_units(seconds), _UNITS, strict=True)
    parts = [counted(number, unit) for number, (unit, _) in numbers if number]
    return _listed(parts[:units], "and") or "0 seconds"


def ran(seconds: float) -> str:
    """Return how long a job took, in short: `48 s`, `4 min 12 s`, `3 h 10 min`.

    The largest unit and the next smaller one; the rest is dropped. Less than nothing is `0 s`.
    """
    numbers = _in_units(max(0, int(seconds)))
    first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    parts = list(zip(numbers, _SHORT_UNITS, strict=True))[first : first + 2]
    return " ".join(f"{number:,} {unit}" for number, unit in parts if number) or "0 s"


def elapsed(seconds: float) -> str:
    """Return for how long a job has been running, as a clock: `2:13`, `1:02:13`, `3 d 04:10`."""
    days, hours, minutes, rest = _in_units(max(0, int(seconds)))
    if days:
        return f"{days:,} d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _in_units(seconds: int) -> list[int]:
    numbers = []
    for _, length in _UNITS:
        number, seconds = divmod(seconds, length)
        numbers.append(number)
    return numbers


def relative_time(moment: datetime | None, now: datetime, zone: tzinfo) -> str:
    """Return an aware time as seen from `now`, on the clock of a zone; empty for None and NaT.

    `just now`, `2 min ago`, `today 17:57`, `yesterday 17:57`, `Mon 17:57` up to six days ago, `24 Nov
    17:57` in this year, `24 Nov 2024`. A time more than a minute ahead is exact: `24 Nov 2027 17:57`.
    """
    if moment is None or isnan(moment.year):  # pandas has NaN for the year of NaT
        return ""
    age = now - moment
    if abs(age) < timedelta(minutes=1):
        return "just now"
    if timedelta() < age < timedelta(hours=1):
        return f"{age // timedelta(minutes=1)} min ago"
    try:
        local, today = moment.astimezone(zone), now.astimezone(zone).date()
    except (OverflowError, ValueError):  # the first and the last hours of the calendar
        local, today = moment, now.date()
    day, clock, days = f"{local.day} {local:%b}", f"{local:%H:%M}", (today - local.date()).days
    if age < timedelta():
        return f"{day} {local.year} {clock}"
    if days < _WEEK_DAYS:
        named = {0: "today", 1: "yesterday"}.get(days, f"{local:%a}")
        return f"{named} {clock}"
    return f"{day} {clock}" if local.year == today.year else f"{day} {local.year}"


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])
