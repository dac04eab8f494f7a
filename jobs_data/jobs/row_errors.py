"""The errors of rows of an import as a CSV, to be sent to the person who made the file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import Final

from jobs_data import csv_lines
from jobs_data.jobs.job_report import stream_output
from jobs_data.platform.database import Database
from jobs_data.reasons.outputs import row_errors

COLUMNS: Final = ("row", "message")
BLOCK_BYTES: Final = 200_000
"""How much is read at a time: less than `reasons.lines.lines_of` would cut."""


def csv_of_row_errors(database: Database, job_id: int) -> Generator[bytes]:
    """Yield a CSV with the row and the message of each row error of an output, of any size, in order.

    Raises DatabaseUnavailable.
    """
    yield csv_lines.header(COLUMNS)
    for block in _blocks(stream_output(database, job_id)):
        found = row_errors(block.decode("utf-8", "replace"))
        if found:
            yield "".join(csv_lines.line((one.row, one.message)) for one in found).encode()


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in blocks of whole lines, unless a line is longer than a block."""
    rest = b""
    for piece in chain(pieces, [b""]):
        rest += piece
        while len(rest) > BLOCK_BYTES or (rest and not piece):
            end = len(rest) if len(rest) <= BLOCK_BYTES else rest.rfind(b"\n", 0, BLOCK_BYTES) + 1
            yield rest[: end or BLOCK_BYTES]
            rest = rest[end or BLOCK_BYTES :]
