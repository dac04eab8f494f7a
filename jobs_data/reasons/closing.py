"""Reads from the end of an output what the job did: `120 records imported`."""

from __future__ import annotations

import re
from typing import Final

from jobs_data.reasons import json_results
from jobs_data.reasons.lines import lines_of, read_record
from jobs_data.reasons.marks import ATOM_RECORD
from jobs_data.reasons.parameters import PARAMETERS

CLOSING_CHARACTERS: Final = 8_000
CLOSING_LINES: Final = 12
"""How many of the last lines may say what a job did."""

LAST_WORDS: Final = 6
"""AtoM's last record is `Job finished.` in the user's language: at most so many words."""

_SENTENCE: Final = re.compile(r"(?<=[.!。])\s+")
_NUMBER: Final = re.compile(
    r"(?<![\w#/.:,-])(?:\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+|\d+)(?![\w/-]|[.:,]\d)"
)
_NO_COUNT: Final = re.compile(
    r"\b(?:ids?|line|row|seconds?|ms|errors?|erreurs?|erros?)\b|[/\\\"#«»“”]|\d\d:\d\d|\d{4}-\d\d",
    re.IGNORECASE,
)
_PLURAL: Final = re.compile(r"\b([^\W\d]+)\(s\)")


def read_closing(part: str) -> str:
    """Return what the last lines say about the work, in one line; empty if they say nothing.

    The last sentence with a count counts, or else the last line.
    """
    text = part.strip()
    if text.startswith("{"):
        return _in_words(json_results.closing(text))
    lines = [line for line in lines_of(text[-CLOSING_CHARACTERS:]) if line.strip()][-CLOSING_LINES:]
    messages: list[str] = []
    for line in lines:
        atom = ATOM_RECORD.match(line)
        record = read_record(line)
        if atom and atom["level"] == "info":
            messages.append(line[atom.end() :].strip())
        elif not atom and record.level is None:
            messages.append(record.message.strip())
    if lines and ATOM_RECORD.match(lines[-1]) and messages and _says_nothing(messages[-1]):
        messages.pop()
    for message in reversed(messages):
        for sentence in reversed(_SENTENCE.split(message)):
            if _NUMBER.search(sentence) and not _NO_COUNT.search(sentence):
                return _in_words(sentence)
    last = messages[-1] if messages else ""
    return "" if last.startswith(PARAMETERS) else _in_words(last)


def _says_nothing(message: str) -> bool:
    return len(message.split()) <= LAST_WORDS and not any(map(str.isdigit, message))


def _in_words(sentence: str) -> str:
    number = _NUMBER.search(sentence)
    is_one = number is not None and number[0] == "1"
    words = _PLURAL.sub(lambda found: found[1] if is_one else f"{found[1]}s", sentence)
    return " ".join(words.split()).rstrip(".。… ") if any(map(str.isalpha, words)) else ""
