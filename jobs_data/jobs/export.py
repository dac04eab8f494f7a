"""The CSV export: one generator that feeds the button and the streaming route alike."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from jobs_data import csv_lines
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.export_rows import ExportedJob, stream_jobs, stream_reports
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.view import ListView
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseBusy
from jobs_data.platform.times import utc

FILE_NAME: Final = "jobs-export.csv"
ALL_COLUMNS_FILE_NAME: Final = "jobs-export-all-columns.csv"
HEADER: Final = ("Name", "Status", "User", "Created", "Completed")
ALL_COLUMNS_HEADER: Final = (
    *("Id", "Name", "Status", "State", "User", "User id", "Type"),
    *("Created", "Started", "Completed", "Duration (s)"),
    *("Related record", "Related record id", "Result file", "Description", "Error text", "Stack trace"),
)
BUTTON_MAX_JOBS: Final = 50_000
"""Above this the button leads to the streaming route: Streamlit keeps a button's file in memory."""

PARALLEL_EXPORTS: Final = 5
"""A third of the connections that an engine keeps; the rest is for everybody else."""

_slots: Final = threading.BoundedSemaphore(PARALLEL_EXPORTS)


def csv_chunks(
    database: Database, view: ListView, *, all_columns: bool = False, order: CreationOrder | None = None
) -> Generator[bytes]:
    """Yield the CSV of all jobs of a view's filter, in its order, in pieces of constant size.

    It has the five columns of HEADER, or with `all_columns` those of ALL_COLUMNS_HEADER. UTF-8 with
    a byte-order mark, so that spreadsheets read it as such; texts quoted and defused, numbers
    as they are; lines end as in RFC 4180; times in ISO 8601 with the offset of the platform's time
    zone. `order` is what is known of the order by date. Raises DatabaseUnavailable, and DatabaseBusy at
    the first piece where too many exports are read.
    """
    # An export lasts as long as its reader takes, and holds a connection all the time.
    if not _slots.acquire(blocking=False):
        raise DatabaseBusy(
            f"{PARALLEL_EXPORTS} exports are being read already. Try again when one has ended."
        )
    try:
        yield csv_lines.header(ALL_COLUMNS_HEADER if all_columns else HEADER)
        if all_columns:
            for reports in stream_reports(database, view, order):
                yield _encode_all_columns(reports, database.timezone)
        else:
            for jobs in stream_jobs(database, view, order):
                yield _encode(jobs, database.timezone)
    finally:
        _slots.release()


def _encode(jobs: Iterable[ExportedJob], timezone: ZoneInfo) -> bytes:
    cell = csv_lines.text_cell
    return "".join(
        f"{cell(name)},{cell(status)},{cell(owner)},"
        f'"{_with_offset(created, timezone)}","{_with_offset(completed, timezone, created)}"\r\n'
        for name, status, owner, created, completed in jobs
    ).encode()


def _encode_all_columns(reports: Iterable[JobReport], timezone: ZoneInfo) -> bytes:
    return "".join(
        csv_lines.line(
            (
                *(job.id, job.name, job.status, job.state.value, job.owner, job.user_id, job.type),
                *(_iso(time, timezone) for time in (job.created, job.started, job.completed)),
                *(job.duration_seconds, job.slug, job.object_id, job.download_path, job.description),
                *("\n\n".join(error.text for error in job.errors), job.stack_trace),
            )
        )
        for job in reports
    ).encode()


# Hours come again and again, and to reckon with a zone would else take most of an export's time.
def _with_offset(time: str, timezone: ZoneInfo, after: str = "") -> str:
    """Return a time of the platform in ISO 8601 with its offset; empty where it is none.

    `after` is the job's creation time: one that lies before it may be of a repeated hour.
    """
    if not time:
        return ""
    if time < after:
        return _with_its_own_offset(time, timezone, after)
    hour, offset = _hour(time[:13], timezone)
    return f"{hour}{time[13:19]}{offset}" if offset else _with_its_own_offset(time, timezone)


@lru_cache(maxsize=10_000)
def _hour(text: str, timezone: ZoneInfo) -> tuple[str, str]:
    """Return an hour in ISO 8601 and its offset; both are empty where it is none or has not one."""
    first = _with_its_own_offset(f"{text}:00:00", timezone)
    last = _with_its_own_offset(f"{text}:59:59", timezone)
    return (first[:13], first[19:]) if first[:13] == last[:13] and first[19:] == last[19:] else ("", "")


def _with_its_own_offset(time: str, timezone: ZoneInfo, after: str = "") -> str:
    try:
        begin = utc(datetime.fromisoformat(after[:19]), timezone) if after else None
        return _iso(utc(datetime.fromisoformat(time[:19]), timezone, after=begin), timezone)
    except ValueError:  # 0000-00-00, for example
        return ""


def _iso(moment: datetime | None, timezone: ZoneInfo) -> str:
    return "" if moment is None else moment.astimezone(timezone).isoformat(timespec="seconds")
