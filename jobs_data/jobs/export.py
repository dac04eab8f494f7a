"""The CSV export: one generator for the button and the streaming route."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jobs_data import csv_lines
from jobs_data.audit import Actor, Audit, Event
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.csv_format import STANDARD, CsvFormat
from jobs_data.jobs.export_rows import ExportedJob, Who, exporting
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.outcomes import Outcome, Outcomes
from jobs_data.jobs.view import ListView
from jobs_data.jobs.view_url import view_params
from jobs_data.platform.database import LONG_READS, Database
from jobs_data.platform.errors import DatabaseBusy
from jobs_data.platform.times import utc

FILE_NAME: Final = "jobs-export.csv"
ALL_COLUMNS_FILE_NAME: Final = "jobs-export-all-columns.csv"
HEADER: Final = ("Name", "Status", "User", "Created", "Completed")
ALL_COLUMNS_HEADER: Final = (
    *("Id", "Name", "Status", "State", "User", "User id", "Type"),
    *("Created", "Started", "Completed", "Duration (s)"),
    *("Related record", "Related record id", "Result file", "Description"),
    *("Errors", "Warnings", "Error text", "Stack trace"),
)
BUTTON_MAX_JOBS: Final = 50_000
"""With more jobs the button links to the streaming route: Streamlit keeps a button's file in memory."""


def csv_chunks(
    database: Database,
    view: ListView,
    *,
    all_columns: bool = False,
    order: CreationOrder | None = None,
    csv_format: CsvFormat = STANDARD,
    outcomes: Outcomes | None = None,
    on_end: Callable[[int, bool], None] | None = None,
) -> Generator[bytes]:
    """Yield the CSV of all jobs of a view's filter, in its order: its header, then jobs in pieces.

    It has the five columns of HEADER, or with `all_columns` those of ALL_COLUMNS_HEADER. UTF-8 with
    a byte-order mark, so that spreadsheets read it as such; texts quoted and defused, numbers
    as they are; lines end as in RFC 4180; times in ISO 8601 with the offset of the platform's time
    zone, unless the format has another. `order` is the known order by date, and `outcomes` what is
    known of errors in outputs. At the end, also an early one, `on_end` gets how many jobs were
    exported, and whether these are all. The header comes as soon as the database answers. Raises
    DatabaseUnavailable, and DatabaseBusy at the header if too many exports are running.
    """
    # An export keeps a connection for as long as its client reads.
    if not database.long_reads.acquire(blocking=False):
        raise DatabaseBusy(f"{LONG_READS} exports are running. Try again when one has ended.")
    clock = _Clock(database.timezone, csv_format.zone)
    separator = csv_format.separator.character
    names: tuple[str, ...] = ALL_COLUMNS_HEADER if all_columns else HEADER
    if csv_format.zone:
        names = tuple(f"{n} ({csv_format.zone.key})" if n in _TIMES else n for n in names)
    jobs, is_whole = 0, False
    try:
        with exporting(database, view, order) as rows:
            yield csv_lines.header(names, separator)
            lines = _Lines(clock, separator)
            pieces: Generator[tuple[int, bytes]] = (
                (
                    (len(each), _encode_all_columns(each, clock, separator))
                    for each in rows.reports(outcomes)
                )
                if all_columns
                else ((len(each), lines.encoded(each)) for each in rows.jobs())
            )
            with closing(pieces):  # before the transaction
                for number, piece in pieces:
                    yield piece
                    jobs += number
        is_whole = True
    finally:
        database.long_reads.release()
        if on_end:
            on_end(jobs, is_whole)


def write_audit(audit: Audit, actor: Actor, view: ListView, jobs: int, is_whole: bool) -> None:
    """Note an export that has ended, as the `on_end` of `csv_chunks` once the first three are given.

    The filter is that of the list's address.
    """
    query = urlencode(view_params(view.unpaged), doseq=True)
    result = "complete" if is_whole else "ended early"
    audit.write(Event.EXPORT, actor, filter=query or "all jobs", jobs=jobs, result=result)


_TIMES: Final = frozenset({"Created", "Started", "Completed"})


class _Clock(NamedTuple):
    """The zone of the platform's times, and the zone of the CSV's times without an offset."""

    platform: ZoneInfo
    shown: ZoneInfo | None

    def written(self, moment: datetime | None) -> str:
        """Return a moment as the CSV has it; empty where there is none."""
        if moment is None:
            return ""
        if self.shown is None:
            return moment.astimezone(self.platform).isoformat(timespec="seconds")
        try:
            local = moment.astimezone(self.shown)
        except OverflowError:  # the last hours of the year 9999, which mean never
            return ""
        return local.replace(tzinfo=None).isoformat(" ", timespec="seconds")


class _Lines:
    """Writes the lines of one export. Names, users and hours repeat, and most of a line is cached."""

    def __init__(self, clock: _Clock, separator: str) -> None:
        self._clock = clock
        self._separator = separator
        self._quote = "" if clock.shown else '"'
        self._start = lru_cache(maxsize=10_000)(self._read_start)
        self._hour = lru_cache(maxsize=10_000)(self._read_hour)

    def encoded(self, jobs: Iterable[ExportedJob]) -> bytes:
        """Return the lines of some jobs."""
        start, hour, separator = self._start, self._hour, self._separator
        lines = []
        for who, created, completed in jobs:
            begin, end = hour(created[:13]), hour(completed[:13])
            if begin and end and created <= completed:
                lines.append(
                    f"{start(who)}{begin[0]}{created[13:19]}{begin[1]}{separator}"
                    f"{end[0]}{completed[13:19]}{end[1]}\r\n"
                )
            else:
                # A job that ended before it began may have done so in a repeated hour.
                times = (self._time(created), self._time(completed, created))
                lines.append(f"{start(who)}{separator.join(times)}\r\n")
        return "".join(lines).encode()

    def _read_start(self, who: Who) -> str:
        """Return the cells before the times, with the separator after them."""
        return "".join(f"{csv_lines.text_cell(text)}{self._separator}" for text in who)

    def _read_hour(self, text: str) -> tuple[str, str] | None:
        """Return a cell's text before and after the minutes of an hour.

        None without an hour, and if the offset changes within it.
        """
        first, last = (self._time(f"{text}:{minute}") for minute in ("00:00", "59:59"))
        at = 13 + len(self._quote)
        is_one = len(first) > at and first[:at] == last[:at] and first[at + 6 :] == last[at + 6 :]
        return (first[:at], first[at + 6 :]) if is_one else None

    def _time(self, time: str, after: str = "") -> str:
        """Return the cell of a time of the platform; empty, in quotes or not, for no time.

        `after` is the job's creation time.
        """
        zone = self._clock.platform
        try:
            begin = utc(datetime.fromisoformat(after[:19]), zone) if after else None
            moment = utc(datetime.fromisoformat(time[:19]), zone, after=begin)
        except ValueError:  # 0000-00-00, for example
            moment = None
        return f"{self._quote}{self._clock.written(moment)}{self._quote}"


def _encode_all_columns(
    reports: Iterable[tuple[JobReport, Outcome | None]], clock: _Clock, separator: str
) -> bytes:
    time = csv_lines.Plain if clock.shown else str
    return "".join(
        csv_lines.line(
            (
                *(job.id, job.name, job.status, job.state.value, job.owner, job.user_id, job.type),
                *(time(clock.written(each)) for each in (job.created, job.started, job.completed)),
                *(job.duration_seconds, job.slug, job.object_id, job.download_path, job.description),
                *((outcome.errors, outcome.warnings) if outcome else (None, None)),
                *("\n\n".join(error.text for error in job.errors), job.stack_trace),
            ),
            separator,
        )
        for job, outcome in reports
    ).encode()
