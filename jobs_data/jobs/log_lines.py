"""The lines of an output as a log viewer shows them: number, level, time, message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from jobs_data import json_layout
from jobs_data.jobs.output_parts import MOST_LINES, OutputPart
from jobs_data.plain_text import as_printed
from jobs_data.platform import times
from jobs_data.reasons.finding import error_lines
from jobs_data.reasons.lines import Level, without_colours
from jobs_data.reasons.marks import marked_lines
from jobs_data.reasons.outputs import row_errors
from jobs_data.wording import counted

_PREFIX: Final = re.compile(
    r"\[(?P<level>[a-z]{1,20})\] \[(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[^\]]{0,20}\] "
    r"Job \d+ \"[^\"]{0,300}\": ?"
    r"|\[(?P<time_of_laravel>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[^\]]{0,20}\] [\w-]{1,40}"
    r"\.(?P<level_of_laravel>[A-Z]{4,9}): ?"
    r"|(?:ERROR|WARNING): ?"
)
_OTHER_LINE_ENDS: Final = re.compile(r"[\r\x1b\x08\x90-\x9f\v\f\x85\u2028\u2029]")
_INFO: Final = frozenset(("info", "notice", "debug"))


class LineLevel(StrEnum):
    """What a line is, for people."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DETAIL = "detail"
    """It belongs to the error before it, and is none of its own."""
    NONE = ""


class LogLine(NamedTuple):
    """One line of an output."""

    number: int | None
    """From 1; None where a line of the output has more than one line on a screen."""
    level: LineLevel
    time: datetime | None
    """Aware, in UTC."""
    prefix: str
    """What stands before the message: level, time and job."""
    message: str


def log_lines(part: OutputPart, timezone: ZoneInfo, *, is_failed: bool = False) -> list[LogLine]:
    """Return the lines of a part of an output; a whole output in JSON has one value a line.

    They are MOST_LINES at most: JSON that would have more stays as it is written, and of lines that a
    terminal shows in more, the last are kept, below one that says how many are left out.
    Their times are read in the platform's time zone. Which lines are errors and warnings is what
    `reasons.outputs.count_errors` counts; see `reasons.finding.error_lines` for `is_failed`.
    """
    numbered = _numbered(part)
    output = "\n".join(line for _, line in numbered)
    levels = {
        line: LineLevel.ERROR if level >= Level.ERROR else LineLevel.WARNING
        for line, level, _ in marked_lines(output)
    }
    if is_failed and LineLevel.ERROR not in levels.values():
        levels |= dict.fromkeys(error_lines(output, is_failed=True), LineLevel.ERROR)
    return [
        _read(number, line, levels.get(at, LineLevel.NONE), timezone)
        for at, (number, line) in enumerate(numbered)
    ]


class RowLine(NamedTuple):
    """An error or a warning about one row of an imported file."""

    number: int
    """The number of its line."""
    row: int
    message: str
    is_warning: bool


def row_lines(lines: Sequence[LogLine]) -> list[RowLine]:
    """Return the lines that `reasons.outputs.row_errors` finds, in order."""
    output = "\n".join(f"{line.prefix}{line.message}" for line in lines)
    found = []
    for one in row_errors(output):
        numbers = (lines[at].number for at in range(one.line, -1, -1))
        number = next(number for number in numbers if number is not None)
        is_warning = lines[one.line].level is LineLevel.WARNING
        found.append(RowLine(number, one.row, one.message, is_warning))
    return found


def _numbered(part: OutputPart) -> list[tuple[int | None, str]]:
    """Return what a terminal shows of each line, with the line's number at its first."""
    text = json_layout.indented(part.text) if part.is_whole else part.text
    rows = _rows(text)
    if len(rows) > MOST_LINES:
        rows = _rows(part.text)
    room = max(0, MOST_LINES - len(rows))  # for lines without a number
    backwards: list[tuple[int | None, str]] = []
    for number in range(part.first + len(rows) - 1, part.first - 1, -1):
        row = rows[number - part.first]
        lines = [row]
        if _OTHER_LINE_ENDS.search(row):
            lines = as_printed(row.rstrip("\r")).split("\n")
        if len(lines) - 1 > room:
            more = len(lines) - room
            lines = [f"… {counted(more, 'line')} left out", *lines[more:]]
        room -= len(lines) - 1
        backwards += [(None, line) for line in lines[:0:-1]]
        backwards.append((number, lines[0]))
    return backwards[::-1]


def _rows(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _read(number: int | None, line: str, level: LineLevel, timezone: ZoneInfo) -> LogLine:
    line = without_colours(line) if "[" in line else line
    found = _PREFIX.match(line)
    if found is None:
        return LogLine(number, level, None, "", line)
    if level is LineLevel.NONE:
        word = (found["level"] or found["level_of_laravel"] or "").lower()
        if word in _INFO:
            level = LineLevel.INFO
        elif word:
            level = LineLevel.DETAIL
    moment = None
    if written := found["time"] or found["time_of_laravel"]:
        try:
            moment = times.utc(datetime.fromisoformat(written), timezone)
        except ValueError:  # no day of the calendar
            moment = None
    return LogLine(number, level, moment, line[: found.end()], line[found.end() :])
