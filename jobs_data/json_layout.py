"""JSON with one value a line: only the space between its tokens changes.

A parser would change values: `1e400` to infinity, `0.10` to `0.1`, two equal keys to one.
"""

from __future__ import annotations

import re
from typing import Final

INDENT: Final = "  "
DEEPEST_INDENT: Final = 32
"""Levels below this one are not indented any further: the text would grow with their square."""

MOST_CHARACTERS: Final = 2_000_000

# Source: RFC 8259, sections 2, 3, 6 and 7.
_TOKEN: Final = re.compile(
    r"""[ \t\n\r]*+(?:
      (?P<mark>[][{}:,])
    | (?P<text>"(?:[^"\\\0-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
    | (?P<number>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?(?![\w.+-]))
    | (?P<word>(?:true|false|null)(?!\w)))""",
    re.VERBOSE | re.ASCII,
)
_CLOSES: Final = {"{": "}", "[": "]"}


class _NotJson(Exception):
    """The text breaks the grammar."""


def indented(text: str) -> str:
    """Return a JSON text with one value a line.

    A text that is not JSON, or that would have more than MOST_CHARACTERS, is returned as it is.
    """
    try:
        result = "".join(_laid_out(text))
    except _NotJson:
        return text
    return result if len(result) <= MOST_CHARACTERS else text


def _laid_out(text: str) -> list[str]:
    """Return the tokens of a JSON text and the space between them. Raises _NotJson."""
    parts: list[str] = []
    open_ends: list[str] = []
    expected, at, end = "value", 0, len(text.rstrip(" \t\n\r"))
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise _NotJson
        at, kind = found.end(), found.lastgroup or ""
        piece = found[kind]
        is_first = expected.startswith("first")
        closes = kind == "mark" and open_ends and piece == open_ends[-1]
        if closes and (is_first or expected == "comma"):
            open_ends.pop()
            parts += [] if is_first else [_new_line(open_ends)]
            expected = "comma" if open_ends else "nothing"
        elif piece == "," and expected == "comma":
            expected = "key" if open_ends[-1] == "}" else "value"
            parts += [piece, _new_line(open_ends)]
            continue
        elif piece == ":" and expected == "colon":
            expected = "value"
            piece = ": "
        elif kind == "text" and expected in ("key", "first key"):
            parts += [_new_line(open_ends)] if is_first else []
            expected = "colon"
        elif expected in ("value", "first value") and (kind != "mark" or piece in _CLOSES):
            parts += [_new_line(open_ends)] if is_first else []
            if kind == "mark":
                open_ends.append(_CLOSES[piece])
                expected = "first key" if piece == "{" else "first value"
            else:
                expected = "comma" if open_ends else "nothing"
        else:
            raise _NotJson
        parts.append(piece)
    if expected != "nothing":
        raise _NotJson
    return parts


def _new_line(open_ends: list[str]) -> str:
    return "\n" + INDENT * min(len(open_ends), DEEPEST_INDENT)
