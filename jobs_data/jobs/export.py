"""The CSV export: one generator for the button and the streaming route."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from jobs_data import csv_lines
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.export_rows import ExportedJob, stream_jobs, stream_reports
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.outcomes import Outcome, Outcomes
from jobs_data.jobs.view import ListView
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseBusy
from jobs_data.platform.times import utc, zone_named

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

PARALLEL_EXPORTS: Final = 5
"""A third of the engine's connections; other reads use the rest."""

_slots: Final = threading.BoundedSemaphore(PARALLEL_EXPORTS)


class Separator(StrEnum):
    """The separator of two cells, as an address spells it."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"

    @property
    def character(self) -> str:
        """Return the character itself."""
        return {Separator.COMMA: ",", Separator.SEMICOLON: ";", Separator.TAB: "\t"}[self]


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV writes cells and times."""

    separator: Separator = Separator.COMMA
    zone: ZoneInfo | None = None
    """Times are written without an offset in this zone, which the header names: spreadsheets read
    `2026-06-15 12:00:00` as a date. None: as `csv_chunks` writes them."""


STANDARD: Final = CsvFormat()


def parse_format(params: Mapping[str, str]) -> CsvFormat:
    """Return the format that an address asks for; a bad value falls back to its default.

    `separator` names a Separator; `times=local` writes times in the IANA zone `zone`, or in UTC.
    """
    separator = params.get("separator")
    return CsvFormat(
        Separator(separator) if separator in set(Separator) else Separator.COMMA,
        zone_named(params.get("zone")) if params.get("times") == "local" else None,
    )


def format_params(csv_format: CsvFormat) -> dict[str, str]:
    """Return the parameters that `parse_format` reads as this format."""
    is_comma = csv_format.separator is Separator.COMMA
    params = {} if is_comma else {"separator": csv_format.separator.value}
    if csv_format.zone:
        params |= {"times": "local", "zone": csv_format.zone.key}
    return params


def csv_chunks(
    database: Database,
    view: ListView,
    *,
    all_columns: bool = False,
    order: CreationOrder | None = None,
    csv_format: CsvFormat = STANDARD,
    outcomes: Outcomes | None = None,
) -> Generator[bytes]:
    """Yield the CSV of all jobs of a view's filter, in its order, in pieces of constant size.

    It has the five columns of HEADER, or with `all_columns` those of ALL_COLUMNS_HEADER. UTF-8 with
    a byte-order mark, so that spreadsheets read it as such; texts quoted and defused, numbers
    as they are; lines end as in RFC 4180; times in ISO 8601 with the offset of the platform's time
    zone, unless the format has another. `order` is the known order by date, and `outcomes` what is
    known of errors in outputs. Raises DatabaseUnavailable, and DatabaseBusy at the first piece if too
    many exports are running.
    """
    # An export keeps a connection for as long as its client reads.
    if not _slots.acquire(blocking=False):
        raise DatabaseBusy(f"{PARALLEL_EXPORTS} exports are running. Try again when one has ended.")
    clock = _Clock(database.timezone, csv_format.zone)
    separator = csv_format.separator.character
    names: tuple[str, ...] = ALL_COLUMNS_HEADER if all_columns else HEADER
    if csv_format.zone:
        names = tuple(f"{n} ({csv_format.zone.key})" if n in _TIMES else n for n in names)
    try:
        yield csv_lines.header(names, separator)
        if all_columns:
            for reports in stream_reports(database, view, order, outcomes):
                yield _encode_all_columns(reports, clock, separator)
        else:
            for jobs in stream_jobs(database, view, order):
                yield _encode(jobs, clock, separator)
    finally:
        _slots.release()


_TIMES: Final = frozenset({"Created", "Started", "Completed"})


class _Clock(NamedTuple):
    """The zone of the platform's times, and the zone of the CSV's times without an offset."""

    platform: ZoneInfo
    shown: ZoneInfo | None

    @property
    def quote(self) -> str:
        """Return the quotes around a time, if any."""
        return "" if self.shown else '"'

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


def _encode(jobs: Iterable[ExportedJob], clock: _Clock, separator: str) -> bytes:
    cell, quote = csv_lines.text_cell, clock.quote
    return "".join(
        separator.join(
            (
                *(cell(name), cell(status), cell(owner)),
                f"{quote}{_time(created, clock)}{quote}",
                f"{quote}{_time(completed, clock, created)}{quote}\r\n",
            )
        )
        for name, status, owner, created, completed in jobs
    ).encode()


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


# Hours repeat, and converting zones would otherwise take most of an export's time.
def _time(time: str, clock: _Clock, after: str = "") -> str:
    """Return a time of the platform as the CSV has it; empty for no time.

    `after` is the job's creation time: an earlier time may be in a repeated hour.
    """
    if not time:
        return ""
    if time < after:
        return _exact_time(time, clock, after)
    hour = _hour(time[:13], clock)
    return f"{hour[0]}{time[13:19]}{hour[1]}" if hour else _exact_time(time, clock)


@lru_cache(maxsize=10_000)
def _hour(text: str, clock: _Clock) -> tuple[str, str] | None:
    """Return the text before and after the minutes of an hour; None if the offset changes within it."""
    first, last = (_exact_time(f"{text}:{minute}", clock) for minute in ("00:00", "59:59"))
    is_one = first and first[:13] == last[:13] and first[19:] == last[19:]
    return (first[:13], first[19:]) if is_one else None


def _exact_time(time: str, clock: _Clock, after: str = "") -> str:
    try:
        begin = utc(datetime.fromisoformat(after[:19]), clock.platform) if after else None
        return clock.written(utc(datetime.fromisoformat(time[:19]), clock.platform, after=begin))
    except ValueError:  # 0000-00-00, for example
        return ""
