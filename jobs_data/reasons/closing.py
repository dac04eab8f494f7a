"""Reads from the end of an output what the job did: `120 records imported`."""

from __future__ import annotations

import re
from typing import Final

from jobs_data.reasons import json_results
from jobs_data.reasons.lines import Level, lines_of, read_record
from jobs_data.reasons.marks import ATOM_RECORD, as_lines, line_at
from jobs_data.reasons.parameters import PARAMETERS

CLOSING_CHARACTERS: Final = 8_000
CLOSING_LINES: Final = 12
"""How many of the last lines may say what a job did."""

BARE_WORDS: Final = 4
"""A last line of at most this many words says no more than the name: `Finding aid complete.`"""

LAST_WORDS: Final = 6
"""AtoM's last record is `Job finished.` in the user's language: at most this many words."""

_SENTENCE: Final = re.compile(r"(?<=[.!。])\s+")
_NUMBER: Final = re.compile(
    r"(?<![\w#/.:,-])(?:\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+|\d+)(?=\s+[^\W\d])"
    r"|(?<=: )\d+(?=[.\s]*$)"
)
_NO_COUNT: Final = re.compile(
    r"\b(?:ids?|line|row|seconds?|secondes?|segundos?|ms|errors?|erreurs?|erros?)\b"
    r"|[/\\\"#«»“”]|\d\d:\d\d|\d{4}-\d\d",
    re.IGNORECASE,
)
_PATH: Final = re.compile(r"/\S*/")
_PLURAL: Final = re.compile(r"\b([^\W\d]+)\(s\)")


def read_closing(part: str) -> str:
    """Return what the last lines say about the work, in one line; empty if they say nothing.

    The last sentence with a count counts, or else the last line.
    """
    text = part.strip()
    if text.startswith("{"):
        return _in_words(json_results.closing(text))
    messages = _messages(text[-CLOSING_CHARACTERS:])
    for message in reversed(messages):
        for sentence in reversed(_SENTENCE.split(message)):
            if _NUMBER.search(sentence) and not _NO_COUNT.search(sentence):
                return _in_words(sentence)
    last = messages[-1] if messages else ""
    is_bare = len(last.split()) <= BARE_WORDS or last.startswith(PARAMETERS)
    return "" if is_bare or _PATH.search(last) else _in_words(last)


def _messages(text: str) -> list[str]:
    """Return what the last records say that have no other level than `info`."""
    text = as_lines(text)
    if records := list(ATOM_RECORD.finditer(text))[-CLOSING_LINES:]:
        levels = ["start" if not one.start() else one["level"] for one in records]
        said = [line_at(text, record.end()).strip() for record in records]
        if levels[-1] == "info" and _says_nothing(said[-1]):
            levels.pop()
        return [one for one, level in zip(said, levels, strict=False) if level == "info"]
    lines = map(read_record, [line for line in lines_of(text) if line.strip()][-CLOSING_LINES:])
    return [line.message.strip() for line in lines if line.level in {None, Level.INFO}]


def _says_nothing(message: str) -> bool:
    return len(message.split()) <= LAST_WORDS and not any(map(str.isdigit, message))


def _in_words(sentence: str) -> str:
    number = _NUMBER.search(sentence)
    is_one = number is not None and number[0] == "1"
    words = _PLURAL.sub(lambda found: found[1] if is_one else f"{found[1]}s", sentence)
    return " ".join(words.split()).rstrip(".。… ") if any(map(str.isalpha, words)) else ""
