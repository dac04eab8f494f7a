"""Lines of a CSV that no spreadsheet runs as formulas, whatever its separator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from numbers import Number
from typing import Any, Final

# Full-width and small forms are those of East Asian keyboards, whose spreadsheets compute them too.
_FORMULA_STARTS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_SEPARATORS: Final = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029,;|\u060c\u061b"
# Characters that programs skip in front of a cell's text: white space, quotes, control characters
# and characters without a width.
_SKIPPED: Final = (
    _SEPARATORS + '\\s"\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f'
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_BEFORE_A_FORMULA: Final = re.compile(f"(?<![{_SKIPPED}])[{_SKIPPED}]++(?='*[{_FORMULA_STARTS}])")
_HAS_SEPARATOR: Final = re.compile(f"[{_SEPARATORS}]")
# Source: OWASP, "CSV Injection", for the tab and the line ends.
_STARTS_A_FORMULA: Final = re.compile(f"'*[{_FORMULA_STARTS}\t\r\n]")


class Plain(str):
    """A text of ours without quotes, so that spreadsheets recognize it: a time."""

    __slots__ = ()


def header(names: Iterable[str], separator: str = ",") -> bytes:
    """Return the first line, after the byte-order mark by which spreadsheets know UTF-8.

    The names are ours, and plain words.
    """
    return f"\ufeff{separator.join(names)}\r\n".encode()


def line(cells: Iterable[Any], separator: str = ",") -> str:
    """Return one line with CRLF: texts quoted and defused, other values unchanged."""
    return separator.join(map(_cell, cells)) + "\r\n"


def text_cell(text: str) -> str:
    """Return a text as a cell, always quoted: RFC 4180, section 2."""
    return _short_cell(text) if len(text) <= _SHORT else _quoted(text)


def defuse(text: str) -> str:
    """Return a text without formulas for any spreadsheet, whatever its separator.

    An apostrophe goes before what would start one: at the beginning, and after each separator or line
    break. Source: OWASP, "CSV Injection". It also goes before an apostrophe that stands there already,
    so that to take one away at each of these places gives the text back.
    """

    def defused(skipped: re.Match[str]) -> str:
        starts_cell = skipped.start() == 0 or _HAS_SEPARATOR.search(skipped[0])
        return f"{skipped[0]}'" if starts_cell else skipped[0]

    start = "'" if _STARTS_A_FORMULA.match(text) else ""
    return start + _BEFORE_A_FORMULA.sub(defused, text)


_SHORT: Final = 1_000


def _cell(value: Any) -> str:
    if value is None:
        return ""
    # SQLite can have texts and bytes in columns of numbers.
    return str(value) if isinstance(value, Number | Plain) else text_cell(str(value))


def _quoted(text: str) -> str:
    return '"' + defuse(text).replace('"', '""') + '"'


# Names, statuses and users repeat.
_short_cell: Final = lru_cache(maxsize=10_000)(_quoted)
