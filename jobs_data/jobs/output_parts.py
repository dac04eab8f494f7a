"""A part of a job's output: whole lines, where they are in it, and which number the first has.

Numbers count line feeds, as programs do that show the downloaded file. An output may be of any size:
a part is PART_BYTES long or a little more, and never the whole of a long one.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, literal, select

from jobs_data.jobs.job_report import CUT_LINE_CHARACTERS, OUTPUT_READ_BYTES, OUTPUT_TAIL_BYTES
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import in_utf8, line_breaks
from jobs_data.platform.status import State, state_of
from jobs_data.platform.tables import job

PART_BYTES: Final = OUTPUT_TAIL_BYTES
MOST_BYTES: Final = 2 * PART_BYTES
"""No more than `reasons.lines.lines_of` reads: else the errors in it would be others."""

RANGE_BYTES: Final = 1_000_000
"""How much of an output a program gets at once."""

MOST_LINES: Final = 20_000
"""What a browser still draws at once."""

_WITHIN_CHARACTER: Final = bytes(range(0x80, 0xC0))
"""Bytes with which no character of UTF-8 begins."""


@dataclass(frozen=True)
class OutputPart:
    """Some lines of an output. Positions are bytes of UTF-8."""

    text: str
    """As the platform wrote it, cut only where a line is very long."""
    start: int
    end: int
    size: int
    """The size of the whole output."""
    first: int
    """The number of its first line, from 1."""

    @property
    def is_whole(self) -> bool:
        """Return whether it is all of the output."""
        return self.start == 0 and self.end == self.size

    @property
    def has_later(self) -> bool:
        """Return whether lines come after it."""
        return self.end < self.size


@dataclass(frozen=True)
class OutputRange:
    """Some characters of an output. Positions are bytes of UTF-8."""

    text: str
    """As the platform wrote it."""
    start: int
    end: int
    """Where the next range begins; the size of an output that has become shorter than `start`."""
    size: int
    """The size of the whole output."""
    state: State
    """An active job may write more."""


NOTHING: Final = OutputPart("", 0, 0, 0, 1)


def read_range(database: Database, job_id: int, start: int) -> OutputRange | None:
    """Return up to RANGE_BYTES of an output from a position on, cut only between characters.

    None if there is no such job. Raises DatabaseUnavailable.
    """
    output = in_utf8(job.c.output)
    some = select(
        func.substr(output, start + 1, RANGE_BYTES).label("data"),
        func.length(output).label("size"),
        job.c.status_id,
        job.c.completed_at.is_not(None).label("has_ended"),
    )
    with database.reading() as connection:
        row = connection.execute(some.where(job.c.id == job_id)).one_or_none()
    if row is None:
        return None
    data: bytes = row.data or b""
    size = row.size or 0
    begun = data.lstrip(_WITHIN_CHARACTER) if start else data
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(begun, final=start + len(data) >= size)
    first = min(start, size)
    return OutputRange(
        text,
        first + len(data) - len(begun),
        first + len(data) - len(decoder.getstate()[0]),
        size,
        state_of(row.status_id, row.has_ended),
    )


def read_end(database: Database, job_id: int, seen: OutputPart = NOTHING) -> OutputPart:
    """Return the end of an output, from where the part that was `seen` begins, if that is not too long.

    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        size = _read_size(connection, job_id)
        start = max(0, size - PART_BYTES)
        if seen.size and size - MOST_BYTES <= seen.start <= start:
            start = seen.start
        return _read(connection, job_id, size, (start, size, size), seen)


def read_earlier(database: Database, job_id: int, seen: OutputPart) -> OutputPart:
    """Return a part with the lines before one that was seen. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        size = _read_size(connection, job_id)
        start = max(0, seen.start - PART_BYTES)
        end = min(seen.end, start + MOST_BYTES)
        return _read(connection, job_id, size, (start, end, seen.start), seen)


def read_later(database: Database, job_id: int, seen: OutputPart) -> OutputPart:
    """Return a part with the lines after one that was seen. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        size = _read_size(connection, job_id)
        end = min(size, seen.end + PART_BYTES)
        start = max(seen.start, end - MOST_BYTES)
        return _read(connection, job_id, size, (start, end, seen.end), seen)


def read_around(database: Database, job_id: int, number: int) -> OutputPart | None:
    """Return the part around the line of a number; None if there is no such line.

    The server counts line breaks; only the part is read. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        size = _read_size(connection, job_id)
        at = _position_of(connection, job_id, size, number)
        if at is None or at >= size:
            return None
        start = max(0, at - PART_BYTES // 2)
        known = OutputPart("", at, at, size, number)
        end = min(size, start + PART_BYTES)
        return _read(connection, job_id, size, (start, end, at), known)


def _position_of(connection: Connection, job_id: int, size: int, number: int) -> int | None:
    """Return where the line of a number begins; None if the output has fewer lines."""
    output = in_utf8(job.c.output)

    def read(of: ColumnElement[Any]) -> Any:
        return connection.execute(select(of).where(job.c.id == job_id)).scalar()

    def breaks(low: int, high: int) -> int:
        return read(line_breaks(func.substr(output, low + 1, high - low))) or 0

    if number == 1:
        return 0
    if number > size:  # a line before it has one byte at least
        return None
    low, high, break_ = _halved(breaks, (0, size), number - 1, OUTPUT_READ_BYTES)
    data: bytes = read(func.substr(output, low + 1, high - low)) or b""
    at, end, break_ = _halved(lambda *part: data.count(b"\n", *part), (0, len(data)), break_, 1)
    return low + end if break_ == 1 and data[at:end] == b"\n" else None


def _halved(
    breaks: Callable[[int, int], int], part: tuple[int, int], number: int, least: int
) -> tuple[int, int, int]:
    """Return where a part of a part is that has the line break of a number, and its number there.

    It has `least` bytes or fewer; `breaks` counts those between two positions.
    """
    low, high = part
    while high - low > least:
        middle = (low + high) // 2
        before = breaks(low, middle)
        if before >= number:
            high = middle
        else:
            low, number = middle, number - before
    return low, high, number


def _read_size(connection: Connection, job_id: int) -> int:
    size = select(func.length(in_utf8(job.c.output))).where(job.c.id == job_id)
    return connection.execute(size).scalar() or 0


def _read(
    connection: Connection,
    job_id: int,
    size: int,
    positions: tuple[int, int, int],
    known: OutputPart,
) -> OutputPart:
    """Return the lines between the first two positions; of very many lines, those around the third.

    The line breaks up to the start are counted from the start of the part that is `known`.
    """
    start, end, keep = positions
    output = in_utf8(job.c.output)
    low, high = sorted((start, known.start))
    breaks = line_breaks(func.substr(output, low + 1, high - low)) if low < high else literal(0)
    lines = func.substr(output, start + 1, end - start)
    row = connection.execute(select(lines, breaks).where(job.c.id == job_id)).one_or_none()
    data, counted = (row[0] or b"", row[1] or 0) if row else (b"", 0)
    first = known.first + (counted if start >= known.start else -counted) if start else 1
    part = OutputPart("", start, start + len(data), size, first)
    return _near(*_whole_lines(part, data, is_cut=start not in {0, known.start}), keep)


def _whole_lines(part: OutputPart, data: bytes, *, is_cut: bool) -> tuple[OutputPart, bytes]:
    """Return a part and its bytes without the lines that are cut, unless they are long.

    `is_cut` says whether the first line may be.
    """
    start, end, first = part.start, part.end, part.first
    if is_cut and 0 <= (cut := data.find(b"\n")) < CUT_LINE_CHARACTERS and cut + 1 < len(data):
        data, start, first = data[cut + 1 :], start + cut + 1, first + 1
    if end < part.size and len(data) - (cut := data.rfind(b"\n") + 1) < CUT_LINE_CHARACTERS and cut:
        data, end = data[:cut], start + cut
    return replace(part, start=start, end=end, first=first), data


def _near(part: OutputPart, data: bytes, keep: int) -> OutputPart:
    """Return a part with its text; of more than MOST_LINES those around a position."""
    start, end, first = part.start, part.end, part.first
    if data.count(b"\n") + (not data.endswith(b"\n")) > MOST_LINES:
        rows = data.split(b"\n")
        begin = data.count(b"\n", 0, max(0, keep - start)) - MOST_LINES // 2
        begin = max(0, min(begin, len(rows) - MOST_LINES))
        before, kept = rows[:begin], rows[begin : begin + MOST_LINES]
        skipped = sum(len(row) + 1 for row in before)
        data = data[skipped : skipped + sum(len(row) + 1 for row in kept)]
        start, end, first = start + skipped, start + skipped + len(data), first + begin
    text = (data.lstrip(_WITHIN_CHARACTER) if start else data).decode("utf-8", "replace")
    return replace(part, text=text, start=start, end=end, first=first)
