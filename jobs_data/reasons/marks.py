"""Finds the lines of an output that are marked as errors and warnings.

AtoM writes `[err] [2026-11-25 09:14:02] Job 4711 "name": text`, of which the text is in the user's
language (source: its `arJobLogger`). Heratio writes `ERROR: text` (source: its `ImportJob` and
`FindingAidJob`), and its framework `[2026-11-25 09:14:02] production.ERROR: text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from jobs_data.reasons import json_results
from jobs_data.reasons import lines as log
from jobs_data.reasons.lines import Level, lines_of, read_record, without_colours

COLOURS: Final = r"(?:(?:\x1b\[|\x9b|\[)\d[\d;]{0,20}m)*"
ATOM: Final = (
    rf"^{COLOURS}\[(?P<level>%s)\] \[\d{{4}}-[^\]\n]{{0,40}}\] "
    r"Job \d+ \"[^\"]{0,300}\": ?"
)
ATOM_RECORD: Final = re.compile(ATOM % r"\w+", re.MULTILINE)
JSON: Final = ("{", "[{")
PROGRAM: Final = re.compile(r"ERROR\([^)\n]{1,40}\): ?")
"""Before each line of a program that failed, which AtoM logs as an error."""

_ATOM_MARK: Final = re.compile(ATOM % "emerg|alert|crit|err|warning", re.MULTILINE)
# AtoM logs an exception as three errors. Source: its `arBaseJob::run`.
_PLACE: Final = re.compile(r"(?:File: [^\n]*\.php|Line: \d+)[ \r]*$", re.MULTILINE)
# A CSV import of AtoM runs as a program, whose lines AtoM logs as `info`: never translated.
# Source: `logError` in its `QubitFlatfileImport`. Most of them report that a row was updated.
_ROW_REMARK: Final = re.compile(
    ATOM % "info" + r"(?=Row \d+: [^\n]{0,1000}?"
    r"(?:WARNING:|\b[Ss]kipping\b|\bcould not\b|\bUnable to\b|\bIgnoring values\b|\boutside the\b))",
    re.MULTILINE,
)
# A check of a CSV file ends in a report of several lines.
# Source: AtoM's `CsvValidatorResultCollection`.
_CHECKED: Final = re.compile(r"^Errors: (\d{1,9})\nWarnings: (\d{1,9})$", re.MULTILINE)
_CHECK_MARK: Final = re.compile(r"^(?P<level>ERROR|WARNING) \d{1,9} - ", re.MULTILINE)
# Heratio's finding aid is completed without its PDF. Source: its `FindingAidJob`.
_HERATIO_MARK: Final = re.compile(
    rf"^{COLOURS}(?:(?P<level>ERROR|WARNING|PDF generation failed): ?"
    r"|\[\d{4}-\d\d-\d\d[^\]\n]{0,30}\] [\w-]{1,40}"
    r"\.(?P<laravel>EMERGENCY|ALERT|CRITICAL|ERROR|WARNING): ?)",
    re.MULTILINE,
)
_FINISHED_WITH: Final = re.compile(
    rf"^{COLOURS}Import finished with (\d{{1,9}}) error\(s\)\.", re.MULTILINE
)
_CONTEXT: Final = ' {"exception":'
_OTHER_LINE_ENDS: Final = re.compile(r"[\x1b\b\r\x9b\v\f\x85\u2028\u2029]")


class Mark(NamedTuple):
    """A line that is marked as an error or as a warning."""

    start: int
    level: Level
    message: int
    """Where its message begins."""


def count_marks(output: str) -> tuple[int, int]:
    """Return how many errors and warnings an output has: see `outputs.count_errors`."""
    if output.startswith(JSON) and (counts := json_results.counts(output)):
        return counts
    if not _may_have_marks(output):
        return 0, 0
    output = as_lines(output)
    found = marks(output)
    errors = sum(1 for mark in found if mark.level >= Level.ERROR)
    closing_errors, closing_warnings = _closing_counts(output)
    return max(errors, closing_errors), max(len(found) - errors, closing_warnings)


def marked_lines(output: str) -> list[tuple[int, Level, str]]:
    """Return the lines of `lines_of` an output that `count_marks` counts: number, level and message.

    Where the output has only a number of errors, the line with the number.
    """
    lines = lines_of(output)
    output = "\n".join(lines)
    if output.startswith(JSON) and (counts := json_results.counts(output)):
        return _json_lines(lines, *counts)
    if not _may_have_marks(output):
        return []
    found, at, number = [], 0, 0
    for mark in marks(output):
        number += output.count("\n", at, mark.start)
        at = mark.start
        message = line_at(output, mark.message).partition(_CONTEXT)[0]
        found.append((number, mark.level, message.strip()))
    if _closing_counts(output)[0] and not any(level >= Level.ERROR for _, level, _ in found):
        closing = [at for at, one in enumerate(lines) if _FINISHED_WITH.match(one)]
        checked = [at for at, one in enumerate(lines) if one.startswith("Errors: ")]
        found += [(at, Level.ERROR, lines[at]) for at in (closing or checked)[-1:]]
    return sorted(found)


def line_at(output: str, position: int) -> str:
    """Return the rest of the line from a position on."""
    end = output.find("\n", position)
    return output[position : None if end < 0 else end]


def as_lines(output: str) -> str:
    """Return an output with LF between its lines and without colours."""
    return without_colours(output) if _OTHER_LINE_ENDS.search(output) else output


def marks(output: str) -> list[Mark]:
    """Return the marked lines of an output whose lines end with LF, in order."""
    if "] Job " not in output or not ATOM_RECORD.search(output):
        return [
            Mark(found.start(), _level(found["level"] or found["laravel"]), found.end())
            for found in _HERATIO_MARK.finditer(output)
        ]
    found = list(_atom_marks(output))
    if ": Row " in output:
        remarks = _ROW_REMARK.finditer(output)
        found += [Mark(one.start(), Level.WARNING, one.end()) for one in remarks]
    if "Errors: " in output:
        checked = _CHECK_MARK.finditer(output)
        found += [Mark(one.start(), _level(one["level"]), one.end()) for one in checked]
    return sorted(found)


def _may_have_marks(output: str) -> bool:
    return (
        "ERROR" in output
        or "[err]" in output
        or "WARNING" in output
        or "[warning]" in output
        or "error(s)" in output
        or ": Row " in output
        or "Errors: " in output
        or "PDF generation failed" in output
        or "[crit]" in output
        or "[alert]" in output
        or "[emerg]" in output
        or ".CRITICAL" in output
        or ".ALERT" in output
        or ".EMERGENCY" in output
    )


def _level(word: str) -> Level:
    return Level.ERROR if word.lower() not in {"warning", "pdf generation failed"} else Level.WARNING


def _atom_marks(output: str) -> Iterator[Mark]:
    program: list[tuple[Mark, str]] = []
    for found in _ATOM_MARK.finditer(output):
        mark = Mark(found.start(), _level(found["level"]), found.end())
        if own := PROGRAM.match(output, found.end()):
            program.append((mark, line_at(output, own.end())))
            continue
        yield from _of_program(program)
        program = []
        if not _PLACE.match(output, found.end()):
            yield mark
    yield from _of_program(program)


def _of_program(lines: list[tuple[Mark, str]]) -> list[Mark]:
    """Return the errors and warnings among the lines of one program that failed.

    Without a line that the program itself marked as an error, its first sentence is the error.
    Source: AtoM's older `arFindingAidJob::logCmdOutput`, which logs each line as an error.
    """
    found, unmarked = [], []
    for mark, own in lines:
        level = read_record(own).level
        if level is not None and level >= Level.WARNING:
            found.append(mark._replace(level=level))
        elif level is None and own.strip() and not log.is_frame(own.strip()):
            unmarked.append((mark, own))
    if any(mark.level >= Level.ERROR for mark in found):
        return found
    sentences = [mark for mark, own in unmarked if not log.is_java_header(own)]
    return sorted([*found, *(sentences or [mark for mark, _ in lines])[:1]])


def _closing_counts(output: str) -> tuple[int, int]:
    """Return how many errors and warnings the output itself says that there were."""
    if "error(s)" in output and (closing := _FINISHED_WITH.findall(output)):
        return int(closing[-1]), 0
    checked = _CHECKED.findall(output) if "Errors: " in output else []
    return sum(int(one) for one, _ in checked), sum(int(one) for _, one in checked)


def _json_lines(lines: list[str], errors: int, warnings: int) -> list[tuple[int, Level, str]]:
    """Return the first line of a JSON value that names errors, and the first that names warnings."""
    found = []
    for level, count, words in (
        (Level.ERROR, errors, ('"err', '"fail', '"exception', "_error")),
        (Level.WARNING, warnings, ('"warning', "_warning")),
    ):
        named = (at for at, one in enumerate(lines) if any(word in one.lower() for word in words))
        if count and (at := next(named, None)) is not None:
            found.append((at, level, lines[at].strip()))
    return sorted(found)
