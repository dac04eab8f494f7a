"""Reads the outputs of jobs: errors and warnings, rows, what the job did, its parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs_data.plain_text import encodable
from jobs_data.reasons import documents
from jobs_data.reasons import lines as log
from jobs_data.reasons.closing import read_closing
from jobs_data.reasons.lines import Level, lines_of, read_record
from jobs_data.reasons.marks import ATOM_RECORD, COLOURS, JSON, PROGRAM, count_marks, marked_lines
from jobs_data.reasons.parameters import PARAMETERS, read_parameters

CUT_CHARACTERS: Final = 65_534
"""How much of an output AtoM keeps. Source: its `arJobLogger`."""

CUT_BYTES: Final = 65_535
"""How much a column of the type TEXT has."""

LEAST_CUT_BYTES: Final = CUT_BYTES - 3
"""If the first character that does not fit has four bytes."""

MOST_ERRORS: Final = 999_999_999
"""A JSON value can have any number, but a column of a database cannot."""

LINE_CHARACTERS: Final = 200
RETRIES: Final = 2
_TIME: Final = re.compile(
    rf"^{COLOURS}(?:\[\w{{1,20}}\] )?[\[(]?(\d{{4}}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)", re.MULTILINE
)
_ROW: Final = re.compile(
    r"(?:XML parse error )?(?P<word>[^\W\d]{1,20})\.?\s{0,2}"
    r"(?P<row>\d{1,9})\s?[:\uff1a]\s*(?P<message>.*)"
)
_NO_ROWS: Final = frozenset(
    (*log.ERROR_WORDS, "code", "job", "errno", "http", "status", "exception", "id", "record")
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many errors and warnings an output has."""

    errors: int
    warnings: int


@dataclass(frozen=True)
class OutputFacts:
    """What the beginning and the end of an output say."""

    errors: int
    warnings: int
    first_error: str
    """The message of the first error without its prefix, in one line; empty without one."""
    closing: str
    """What the job did, from its last lines, such as `120 records imported`; one line or empty."""
    parameters: tuple[tuple[str, str], ...]
    """Names and values of AtoM's line `Parameters: {json}`; a nested value is compact JSON."""
    cut_at: str
    """Where the platform cut the output, whose end is lost, in words; empty where it is whole."""


@dataclass(frozen=True)
class RowError:
    """An error or a warning about one row of an imported file."""

    line: int
    """Its place in `lines_of` the output, from 0."""
    row: int
    message: str


_NONE: Final = Counts(0, 0)


def count_errors(output: str) -> Counts:
    """Return how many errors and warnings a job's output has.

    Heratio's imports end with the number of errors: of a cut output, the larger number counts. An
    exception that AtoM logs in three lines is one error, and so is a program that failed and marked
    none of its lines. Of a JSON value the counts and lists under names of errors count. Neither number
    is above MOST_ERRORS.
    """
    errors, warnings = (min(count, MOST_ERRORS) for count in count_marks(output))
    return Counts(errors, warnings) if errors or warnings else _NONE


def read_output(
    head: str, tail: str = "", *, characters: int | None = None, size: int | None = None
) -> OutputFacts:
    """Return what an output says, from its beginning and its end, which must not overlap.

    `characters` and `size` in bytes are those of the whole output, if these parts are not all of it.
    """
    whole = f"{head}\n{tail}" if tail else head
    counts = count_errors(whole)
    characters = len(head) + len(tail) if characters is None else characters
    size = len((head + tail).encode(errors="replace")) if size is None else size
    return OutputFacts(
        errors=counts.errors,
        warnings=counts.warnings,
        first_error=_first_error(whole) if counts.errors else "",
        closing=_on_one_line(read_closing(tail or head)),
        parameters=read_parameters(head),
        cut_at=cut_at(characters, size),
    )


def row_errors(output: str) -> list[RowError]:
    """Return the errors and warnings about rows of a file, in order: `Row 12: message`.

    The word before the number may be of any language. Of a very long output those in `lines_of` it.
    """
    found = []
    for line, _, message in marked_lines(output):
        row = _ROW.match(message)
        if row and row["word"].lower() not in _NO_ROWS:
            found.append(RowError(line, int(row["row"]), encodable(row["message"].strip())))
    return found


def cut_at(characters: int, size: int) -> str:
    """Return where the platform cut an output, in words, from its characters and its bytes of UTF-8.

    Empty where it did not.

    AtoM keeps the first CUT_CHARACTERS; a column of the type TEXT keeps CUT_BYTES, and no part of a
    character.
    """
    if characters == CUT_CHARACTERS:
        return f"{CUT_CHARACTERS:,} characters"
    least = CUT_BYTES if size == characters else LEAST_CUT_BYTES
    return f"{CUT_BYTES:,} bytes" if least <= size <= CUT_BYTES else ""


def _first_error(output: str) -> str:
    if output.startswith(JSON):
        return _on_one_line(documents.json_error(output) or "")
    errors = (message for _, level, message in marked_lines(output) if level >= Level.ERROR)
    message = next(errors, "")
    if own := PROGRAM.match(message):
        message = read_record(message[own.end() :]).message
    return _on_one_line(message.removeprefix("Exception: "))


def _on_one_line(text: str) -> str:
    text = " ".join(encodable(text[: LINE_CHARACTERS * 4]).split())
    return text if len(text) <= LINE_CHARACTERS else f"{text[: LINE_CHARACTERS - 1]}…"


def last_time_in(part: str) -> datetime | None:
    """Return the last time in a part of an output, naive, on the platform's clock."""
    for found in reversed(_TIME.findall(part)):
        try:
            return datetime.fromisoformat(found)
        except ValueError:
            continue
    return None


def is_waiting_in(head: str) -> bool:
    """Return whether AtoM's job has logged nothing since its start but the same line again and again.

    The line is in the user's language; the parameters follow it. Source: AtoM's `arBaseJob::run`.
    """
    if PARAMETERS in head:
        return False
    lines = [line for line in lines_of(head) if line.strip()]
    records = [ATOM_RECORD.match(line) for line in lines]
    if len(records) <= RETRIES or not all(one and one["level"] == "info" for one in records):
        return False
    retries = [line[one.end() :].strip() for line, one in zip(lines, records, strict=True) if one]
    return len(set(retries[-RETRIES:])) == 1
