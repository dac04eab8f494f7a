"""Reads the parameters of AtoM's jobs: the line `Parameters: {json}` behind the prefix of the log.

Source: AtoM's `arBaseJob::run`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from jobs_data.reasons.marks import ATOM, as_lines, line_at

MOST_PARAMETERS: Final = 100
NAME_CHARACTERS: Final = 200
VALUE_CHARACTERS: Final = 2_000
MOST_DEPTH: Final = 50

PARAMETERS: Final = "Parameters: "
_LINE: Final = re.compile(ATOM % r"\w+" + PARAMETERS + r"(?=[{\[])", re.MULTILINE)
_NAME: Final = re.compile(r'[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|/)")
_CUT_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its names as they stand, also two equal ones."""


def read_parameters(head: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters in the beginning of an output: of a cut line those that can be read.

    A nested value is compact JSON, with `…` below MOST_DEPTH levels. Long values are cut.
    """
    output = as_lines(head) if PARAMETERS in head else ""
    if (found := _LINE.search(output)) is None:
        return ()
    text = line_at(output, found.end()).strip()
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs, strict=False)
    except (ValueError, RecursionError):
        pairs = _pairs_of_cut(text)
    if not isinstance(pairs, _Pairs):
        return ()
    return tuple((_cut(name, NAME_CHARACTERS), _text(one)) for name, one in pairs[:MOST_PARAMETERS])


def _pairs_of_cut(text: str) -> _Pairs:
    """Return what can be read of a JSON object that is cut at its end or breaks the grammar."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=_Pairs)
    found, at = _Pairs(), 0
    while name := _NAME.match(text, at):
        try:
            key = str(json.loads(name[1], strict=False))
        except ValueError:  # an escape that JSON does not have
            break
        try:
            value, at = decoder.raw_decode(text, name.end())
        except (ValueError, RecursionError):
            rest = _CUT_ESCAPE.sub("", text[name.end() :]).strip('"')
            rest = _ESCAPE.sub(lambda code: chr(int(code[1], 16)) if code[1] else "/", rest)
            return _Pairs([*found, (key, f"{rest}…")]) if rest else found
        found.append((key, value))
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        value = json.dumps(_plain(value, MOST_DEPTH), ensure_ascii=False, separators=(",", ":"))
    return _cut(value, VALUE_CHARACTERS)


def _plain(value: Any, depth: int) -> Any:
    if not isinstance(value, list):
        return value
    if not depth:
        return "…"
    if isinstance(value, _Pairs):
        return {name: _plain(one, depth - 1) for name, one in value}
    return [_plain(one, depth - 1) for one in value]


def _cut(text: str, characters: int) -> str:
    # An escape of half a character has no UTF-8.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
