"""The parts of the text in the search box: plain words, and words to find in one text of a job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Within(StrEnum):
    """The prefixes: which text of a job a search reads."""

    ERROR = "error"
    OUTPUT = "output"
    NOTE = "note"
    PARAMETER = "param"


@dataclass(frozen=True)
class Part:
    """One part of a search; a job matches a search if it matches each part."""

    words: str
    within: Within | None = None
    """None for plain words: name, user and related record."""
    typed: str = ""
    """The part as the search box has it."""


_QUOTES: Final = '"“”„'
_PREFIXED: Final = re.compile(
    rf"(?<!\S)({'|'.join(Within)}):"
    rf"(?:[{_QUOTES}]\s*([^{_QUOTES}\s][^{_QUOTES}]*)(?:[{_QUOTES}]|$)|(?![{_QUOTES}]+(?!\S))(\S+))",
    re.IGNORECASE,
)


def parse_search(text: str) -> tuple[Part, ...]:
    """Return the parts of a search: the plain words as one part, then each part with a prefix.

    `import error:disk output:"no space left"` has three. Another prefix, and one without a word
    right behind it, is plain text, as in `12:30` or the pasted `Error: file not found`.
    """
    prefixed = [
        Part(" ".join((found[2] or found[3]).split()), Within(found[1].lower()), found[0])
        for found in _PREFIXED.finditer(text)
    ]
    rest = " ".join(_PREFIXED.sub(" ", text).split())
    return (*([Part(rest, typed=rest)] if rest else []), *dict.fromkeys(prefixed))


def without(parts: Sequence[Part], part: Part) -> str:
    """Return the search that has all parts but one."""
    return " ".join(other.typed for other in parts if other != part)
