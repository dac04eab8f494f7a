"""Finds the error in a JSON answer or in a page of HTML or XML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

JSON_CHARACTERS: Final = 1_000_000
MARKUP_CHARACTERS: Final = 100_000
MOST_VALUES: Final = 20
"""How many entries of a list are read."""

MOST_DEPTH: Final = 10
_SAYS_WHY: Final = (
    *("message", "reason", "detail", "details", "error_description", "error_message", "errormessage"),
    *("description", "msg", "title", "text", "stderr"),
)
_HOLDS_WHY: Final = (
    *("error", "errors", "err", "exception", "failure", "failures", "fault", "previous", "cause"),
    *("result", "data", "response", "body", "root_cause"),
)
_NAMES_OF_ERRORS: Final = (
    "error",
    "errors",
    "err",
    "exception",
    "failures",
    "failure",
    "fault",
    "stderr",
)
_NAMES_OF_STATES: Final = ("status", "state", "level", "level_name", "severity", "type", "result")
_FAILED_WORDS: Final = frozenset(
    ("failed", "failure", "fail", "error", "fatal", "critical", "exception", "alert", "emergency")
)
_CODES: Final = (
    *("status", "code", "status_code", "statuscode", "http_code", "errno", "error_code", "errorcode"),
)
_CODE: Final = re.compile(r"(?=.*\d)\w{2,12}")
_CLASS: Final = re.compile(r"(?!error$)[\w\\.]*(?:exception|error)", re.IGNORECASE)
_IN_PART: Final = re.compile(
    r'"(?:message|reason|detail|error_description|description|msg|error|exception)"\s*:\s*"((?:[^"\\]|\\.)+)',
    re.I,
)
_MARKUP: Final = re.compile(
    r"\A\s*(?:<\?xml|<!doctype|<[a-z][\w:.-]*[\s>/])|<html\b|<!doctype html", re.IGNORECASE
)
_IN_MARKUP: Final = re.compile(
    r"<(?P<tag>(?:\w+:)?(?:message|faultstring|title|h1|reason|detail|msg|error|description)\b)[^<>]{0,300}>\s*"
    r"(?P<text>[^<\s][^<]{0,1000})<|<(?:str|lst) name=\"msg\">(?P<solr>[^<]{1,1000})<",
    re.IGNORECASE,
)
_MARKUP_CODE: Final = re.compile(r"<(?:\w+:)?code>\s*(\w{1,60})\s*<", re.IGNORECASE)


def json_error(text: str) -> str | None:
    """Return the error in a JSON value of a text, with its code, or None.

    The value may follow other words, and may be cut at its end.
    """
    start = next((at for at in (text.find("{"), text.find("[{"), text.find('["')) if at >= 0), -1)
    if text.lstrip().startswith('"'):
        start = text.index('"')
    if start < 0 or len(text) > JSON_CHARACTERS:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        found = _IN_PART.search(text, start)
        return _unescaped(found[1]) if found else None
    if isinstance(value, str):  # JSON within JSON, or a text with its line breaks escaped
        return value if text.strip().endswith('"') and value.strip() else None
    return _message_of(value, 0) if _speaks_of_failure(value, 0) else None


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _speaks_of_failure(value: Any, depth: int) -> bool:
    if depth > MOST_DEPTH:
        return False
    if isinstance(value, list):
        return any(_speaks_of_failure(one, depth + 1) for one in value[:MOST_VALUES])
    if not isinstance(value, dict):
        return False
    known = _lower(value)
    status = known.get("status", known.get("statuscode", known.get("code")))
    return (
        any(is_error(known.get(key)) for key in _NAMES_OF_ERRORS)
        or any(str(known.get(key)).lower() in _FAILED_WORDS for key in _NAMES_OF_STATES)
        or re.fullmatch(r"[45]\d\d", str(status)[:9]) is not None
        or any(known.get(key) is False for key in ("success", "ok"))
        or any(_speaks_of_failure(known[key], depth + 1) for key in _HOLDS_WHY if key in known)
    )


def is_error(value: Any) -> bool:
    """Return whether a value under a name of errors is one: a number is a count and no reason."""
    # A number is a count and no reason.
    is_number = isinstance(value, int | float)
    return bool(value) and not is_number and str(value).lower() not in {"null", "none", "false", "0"}


def _message_of(value: Any, depth: int) -> str | None:
    """Return the best text of a value, with its class before it and its code after it."""
    if isinstance(value, str):
        return value.strip() or None
    if depth > MOST_DEPTH:
        return None
    if isinstance(value, list):
        return _first_message(value[:MOST_VALUES], depth)
    if not isinstance(value, dict):
        return None
    known = _lower(value)
    keys = ("root_cause", *_SAYS_WHY, *_HOLDS_WHY)
    found = _first_message([known[key] for key in keys if key in known], depth)
    # Such as Laravel's {"email": ["The e-mail is missing."]}.
    found = found or _first_message([one for one in known.values() if isinstance(one, list)], depth)
    return found and _with_code(_with_class(found, known), known)


def _first_message(found: Iterable[Any], depth: int) -> str | None:
    return next((text for one in found if (text := _message_of(one, depth + 1))), None)


def _with_class(message: str, known: Mapping[str, Any]) -> str:
    kind = known.get("type", known.get("class", known.get("exception")))
    if not isinstance(kind, str) or kind in message or not _CLASS.fullmatch(kind):
        return message
    return f"{kind}: {message}"


def _with_code(message: str, known: Mapping[str, Any]) -> str:
    for name in _CODES:
        code = known.get(name)
        is_number = isinstance(code, int) and not isinstance(code, bool) and code != 0
        is_code = is_number or (isinstance(code, str) and _CODE.fullmatch(code))
        if is_code and str(code) not in message:
            return f"{message} ({'status' if 'stat' in name or 'http' in name else 'code'} {code})"
    return message


def _lower(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).lower(): one for key, one in value.items()}


def markup_error(text: str) -> tuple[str, int] | None:
    """Return the error in HTML or XML of a text, and where it begins; None without one."""
    if "<" not in text:
        return None
    text = text[:MARKUP_CHARACTERS]
    if not _MARKUP.search(text):
        return None
    found = _IN_MARKUP.search(text)
    if found is None:
        return None
    message = " ".join(html.unescape(found["text"] or found["solr"]).split())
    code = _MARKUP_CODE.search(text)
    return (
        f"{message} (code {code[1]})" if code and code[1] not in message else message
    ), found.start()
