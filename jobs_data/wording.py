"""Numbers, sizes, durations and names in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

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


def brief_duration(seconds: float) -> str:
    """Return seconds in a few characters: `0.4 s`, `8 s`, `2 min 3 s`, `3 h 5 min`, `2 d 4 h`."""
    if seconds < 59.5:
        return (
            f"{seconds:.1f} s" if 0 < seconds < 9.95 and round(seconds, 1) % 1 else f"{seconds:.0f} s"
        )
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest} s"
    days, hours_left = divmod(hours, 24)
    return f"{days:,} d {hours_left} h" if days else f"{hours} h {minutes_left} min"


def relative_time(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a time as a person says it now: `2 min ago`, `today 17:57`, `Mon 17:57`, `24 Nov 2024`."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    seconds = (now - moment).total_seconds()
    if 0 <= seconds < 3_600:
        return "just now" if seconds < 60 else f"{seconds // 60:.0f} min ago"
    day = local.date()
    if day > today:
        return f"{local:%Y-%m-%d %H:%M}"
    if day == today:
        return f"today {local:%H:%M}"
    if day == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    if day > today - timedelta(days=7):
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b %H:%M}" if day.year == today.year else f"{local.day} {local:%b %Y}"


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])
