"""The CSV export: one generator that feeds the button and the streaming route alike."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data import queries
from jobs_data.engine import Database, DatabaseBusy
from jobs_data.filters import ListView

FILE_NAME: Final = "jobs-export.csv"
HEADER: Final = ("Name", "Status", "User", "Created", "Completed")
BUTTON_MAX_JOBS: Final = 50_000
"""Above this the button leads to the streaming route: Streamlit keeps a button's file in memory."""

PARALLEL_EXPORTS: Final = 5
"""A third of the connections that an engine keeps; the rest is for everybody else."""

_slots: Final = threading.BoundedSemaphore(PARALLEL_EXPORTS)

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_chunks(database: Database, view: ListView) -> Generator[bytes]:
    """Yield the CSV of all jobs of a view's filter, in its order, in pieces of constant size.

    UTF-8 with a byte-order mark, so that spreadsheets read it as such; RFC 4180 quoting and line ends;
    times in ISO 8601 with the offset of the platform's time zone. Raises DatabaseUnavailable, and
    DatabaseBusy at the first piece where too many exports are being read.
    """
    # An export lasts as long as its reader takes, and holds a connection all the time.
    if not _slots.acquire(blocking=False):
        raise DatabaseBusy(
            f"{PARALLEL_EXPORTS} exports are being read already. Try again when one has ended."
        )
    try:
        yield "\ufeff".encode() + _encode([HEADER])
        for jobs in queries.stream_jobs(database, view):
            yield _encode(_lines(jobs, database.timezone))
    finally:
        _slots.release()


def defuse(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    Source: OWASP, "CSV Injection": a leading apostrophe makes the rest text.
    """
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _lines(jobs: pd.DataFrame, timezone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    columns = jobs[["name", "status", "owner", "created", "completed"]]
    for name, status, owner, *times in columns.itertuples(index=False, name=None):
        yield (
            *(defuse(cell) for cell in (name, status, owner)),
            *(
                "" if pd.isna(time) else time.astimezone(timezone).isoformat(timespec="seconds")
                for time in times
            ),
        )


def _encode(lines: Iterable[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(lines)
    return buffer.getvalue().encode()
