"""Values in addresses: untrusted text read as numbers, durations and short texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

MAX_PAGE_SIZE: Final = 200

MAX_PAGE: Final = 10**9
"""The highest page: the position of its rows must be a number that a database can count to."""

MAX_TEXT: Final = 200
"""How many characters of a search text are used."""


MAX_CHOICES: Final = 50
"""How many users, names or types one filter can have."""


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)


Params = Mapping[str, str | Sequence[str]]
"""A URL's query; a repeated parameter is a sequence."""


def parse_number(text: str | None) -> int | None:
    """Return the whole number in an untrusted text, or None; never more than 18 digits."""
    if text is None or not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        return None
    return int(text)


def clamp_limit(value: int) -> int:
    """Return a usable number of rows on a page, 1 to MAX_PAGE_SIZE."""
    return max(1, min(MAX_PAGE_SIZE, value))


def parse_duration(text: str) -> timedelta | None:
    """Return the duration of `90s`, `5m`, `2h` or `30d`, or None for anything else, including zero."""
    found = _SPAN.fullmatch(text.strip().lower())
    if not found or not int(found[1]):
        return None
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def spell_duration(duration: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, in the largest whole unit."""
    seconds = int(duration.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def clean_text(text: str) -> str:
    """Return an untrusted text as one that a database can search for: no NULs, not too long."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return " ".join(text.split())[:MAX_TEXT].strip()


def whole_text(text: str) -> str:
    """Return an untrusted text to compare unchanged; a lone surrogate becomes U+FFFD, as in a URL."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def last_of(params: Params, name: str) -> str:
    """Return a parameter's value, the last of several, empty without one."""
    return next(reversed(all_of(params, name)), "")


def all_of(params: Params, name: str) -> Sequence[str]:
    """Return all values of a parameter, at most MAX_CHOICES."""
    value = params.get(name, ())
    return [value] if isinstance(value, str) else list(value)[:MAX_CHOICES]
