"""Reads JSON results: Heratio's jobs package stores one as a job's output.

Which names it has is up to each job. Source: Heratio's `JobsService::complete`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from jobs_data.reasons import documents

JSON_CHARACTERS: Final = 1_000_000
"""A longer text is not parsed: its counts are searched by name."""

DEPTH: Final = 3
"""How deep counts are searched in objects within objects."""

MOST_ITEMS: Final = 10_000
"""How many values of a list at the top are searched for counts."""

MOST_COUNTS: Final = 3
_ERRORS: Final = frozenset(
    ("error", "errors", "errorcount", "errorscount", "failed", "failures", "failedcount", "exception")
)
_WARNINGS: Final = frozenset(("warning", "warnings", "warningcount", "warningscount"))
_BEGINNING: Final = re.compile(r'\[?\{\s*"')
_PARTS_OF_NAMES: Final = ("rror", "fail", "Fail", "arning", "xception")
_NUMBER: Final = re.compile(
    r'"(errors?|error_?count|failed|failures|warnings?|warning_?count)"\s*:\s*(\d{1,9})(?![\d.])',
    re.IGNORECASE,
)


def counts(text: str) -> tuple[int, int] | None:
    """Return how many errors and warnings a JSON text counts or lists; None if it is no JSON.

    Of a list, the sum of its values. Of a text that is cut, or too long, the counts that stand beside
    their names.
    """
    if not any(part in text for part in _PARTS_OF_NAMES):
        return None
    if len(text) <= JSON_CHARACTERS:
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            pass
        else:
            items = value[:MOST_ITEMS] if isinstance(value, list) else [value]
            found = [_counts_in(item, DEPTH) for item in items]
            return sum(errors for errors, _ in found), sum(warnings for _, warnings in found)
    if not _BEGINNING.match(text):
        return None
    numbers = [(name.lower(), int(number)) for name, number in _NUMBER.findall(text)]
    errors = [number for name, number in numbers if not name.startswith("warn")]
    warnings = [number for name, number in numbers if name.startswith("warn")]
    return max(errors, default=0), max(warnings, default=0)


def _counts_in(value: Any, depth: int) -> tuple[int, int]:
    errors = warnings = 0
    for name, one in value.items() if isinstance(value, dict) else ():
        key = name.lower().replace("_", "").replace("-", "")
        if key in _ERRORS:
            errors = max(errors, _how_many(one))
        elif key in _WARNINGS:
            warnings = max(warnings, _how_many(one))
        elif depth and isinstance(one, dict):
            more_errors, more_warnings = _counts_in(one, depth - 1)
            errors, warnings = max(errors, more_errors), max(warnings, more_warnings)
    return errors, warnings


def _how_many(value: Any) -> int:
    """Return for how many errors a value stands: a list, a count, or a text."""
    if isinstance(value, list | dict):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return int(value is True or (isinstance(value, str) and documents.is_error(value)))


def closing(text: str) -> str:
    """Return the message of a JSON result, or its first counts: `120 processed, 118 imported`."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    for name in ("message", "summary", "description"):
        if isinstance(said := value.get(name), str) and said.strip():
            return said
    numbers = (
        f"{one:,} {name.replace('_', ' ')}"
        for name, one in value.items()
        if isinstance(one, int) and not isinstance(one, bool) and not name.lower().endswith("id")
    )
    return ", ".join(list(numbers)[:MOST_COUNTS])
