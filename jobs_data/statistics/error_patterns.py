"""Error texts whose varying parts are folded, so that the same reason has the same pattern."""

from __future__ import annotations

import re
from typing import Final

PATTERN_CHARACTERS: Final = 300

_STACK_LINE: Final = re.compile(r"\s*(#\d+ |at |thrown in |Stack trace:)", re.IGNORECASE)

_FOLDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"\b[a-z][a-z0-9+.-]{1,10}://[^\s'\"<>]+", "<address>"),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<e-mail>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d?:\d\d(?::\d\d)?\b", "<time>"),
        # An apostrophe within a word is no quotation mark.
        (r"(?<!\w)'[^'\n]*'(?!\w)", "'…'"),
        (r'"[^"\n]*"', '"…"'),
        (r"“[^”\n]*”|«[^»\n]*»|`[^`\n]*`", "“…”"),
        (r"(?<![\w/<])(?:[a-z]:[\\/]|~/|\.{0,2}/)[^\s'\",;:()\[\]<>]+", "<path>"),
        (r"\b[\w.-]+(?:/[\w.-]+){2,}", "<path>"),
        (r"\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b", "<hex>"),
    )
)

# What follows one of these is a code of few digits: it says what went wrong, the same each time.
_CODE: Final = r"""
    \bSQLSTATE\[\w+\] (?: :? \s* \[?\d{1,5}\b | :\s [^\d:\n]* :\s \d{1,5}\b )?
  | \bHTTP(?:/\d(?:\.\d)?)? \s+ (?: (?:error|code|status|status\s+code) [\s:=]+ )? \d{3}\b
  | \b(?:error|errno|code|status) (?: \s+ (?:code|number|no\.|nr\.?) )? \s?[:=\#(\[]{0,2}\s? \d{1,5}\b
  | \bUTF-\d+
"""
_NUMBER: Final = r"(?<![a-z\d])\d+(?:[.,]\d+)* | (?<=[a-z])\d{3,}"
_NUMBERS: Final = re.compile(f"(?P<code>{_CODE}) | {_NUMBER}", re.IGNORECASE | re.VERBOSE)


def fold(text: str) -> str:
    """Return a text with its addresses, paths, names in quotes, times, ids and numbers folded.

    An error's code stays as it is, for another code is another reason: a number of up to five digits
    directly after "error", "errno", "code", "status", "HTTP" or "SQLSTATE[…]", where a colon, an equals
    sign, a number sign or a bracket may stand between, and PDO's code after the words of a SQLSTATE
    ("SQLSTATE[40001]: Serialization failure: 1213").
    """
    for varying, put in _FOLDS:
        text = varying.sub(put, text)
    text = _NUMBERS.sub(lambda number: number["code"] or "<number>", text)
    return " ".join(text.split())


def first_line(text: str) -> str:
    """Return what a text says first; with the next line where it only announces that."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines[0] += f" {lines[1]}"
    return lines[0][:PATTERN_CHARACTERS] if lines else ""


def last_line(text: str) -> str:
    """Return what a text says last, but for a stack trace at its end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _STACK_LINE.match(line)] or lines
    return telling[-1][:PATTERN_CHARACTERS] if telling else ""
