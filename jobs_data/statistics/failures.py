"""Why the jobs of a period failed or completed with errors, by the pattern of their error texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, func, select

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.failure_reasons import TEXT_CHARACTERS, read_reasons
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import first_characters
from jobs_data.platform.status import ERROR, State, is_in, state_of
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform
from jobs_data.reasons.finding import Reason, Weight
from jobs_data.reasons.outputs import read_output
from jobs_data.statistics.error_patterns import fold
from jobs_data.statistics.period import Period, created_since, ids_since

NEWEST_FAILURES: Final = 2_000
"""The most jobs with errors of a period that are read, text by text: the newest."""

FAILURES_BEFORE: Final = 1_000
"""The most before the period that are read: an error that is not among them is new."""

COUNTED_FAILURES: Final = 50_000
"""The most jobs with errors that are counted, failed and completed ones each: the newest."""

JOBS_OF_PATTERN: Final = 200
EXAMPLE_CHARACTERS: Final = 300
ENDS_WELL: Final = "(no reason: the output ends without an error)"
NO_TEXT: Final = "(no reason: the platform kept no error text and no output)"
_JOBS: Final = {
    "id": "int64",
    "name": "str",
    "state": "str",
    "at": "datetime64[us, UTC]",
    "text": "str",
}


@dataclass(frozen=True)
class Failures:
    """The jobs of a period that failed or completed with errors, by the pattern of their errors."""

    patterns: pd.DataFrame
    """A row per pattern, most jobs first: `key` str (a short name for addresses), `pattern` and
    `example` (a whole reason) str, `jobs` int64, `completed` int64 those of them that completed, with
    errors, `first` and `last` UTC (completed, else created), `first_job` int64 the least id, `is_new`
    bool: not among those looked at before the period; always false for all time."""
    jobs: pd.DataFrame
    """The newest 200 jobs of each pattern, newest first: `pattern` str, `id` int64, `name` str,
    `state` str a State, `at` UTC, `text` str, the reason."""
    looked_at: int
    of: int
    """How many such jobs the period has; the newest of them were read."""
    is_counted: bool
    """Whether these are all, and not those among the COUNTED_FAILURES alone."""
    looked_at_before: int


def read_failures(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Failures:
    """Return why the jobs of a period failed or completed with errors; `now` is aware.

    The reason is that of `read_errors`. Raises DatabaseUnavailable.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        since = created_since(database, order, start)
        near = ids_since(database, order, start)  # the creation time would be looked up for each job
        bad = [_newest_of(connection, each, near) for each in has_errors(database)]
        is_counted = all(is_whole for _, is_whole in bad)
        found = _read_newest(connection, database, bad, since, NEWEST_FAILURES)
        of = len(found)
        if of == NEWEST_FAILURES:
            counted = select(func.count()).select_from(with_object()).where(*since)
            of = sum(connection.execute(counted.where(each)).scalar_one() for each, _ in bad)
        earlier = found[:0]
        if start is not None:
            before = object_.c.created_at < to_platform(start, database.timezone)
            if near:
                bad = [_newest_of(connection, each) for each in has_errors(database)]
            earlier = _read_newest(connection, database, bad, [before], FAILURES_BEFORE)
    by_pattern = found.groupby("pattern", sort=False)
    is_completed = found["state"].eq(State.COMPLETED)
    patterns = (
        found.assign(is_completed=is_completed)
        .groupby("pattern", sort=False)
        .agg(
            example=("text", "first"),
            jobs=("id", "size"),
            completed=("is_completed", "sum"),
            first=("at", "min"),
            last=("at", "max"),
            first_job=("id", "min"),
        )
        .reset_index()
    )
    patterns["completed"] = patterns["completed"].astype("int64")
    patterns["key"] = patterns["pattern"].map(key_of).astype("str")
    patterns["is_new"] = ~patterns["pattern"].isin(earlier["pattern"]) & (start is not None)
    return Failures(
        patterns=patterns.sort_values(["jobs", "last"], ascending=False, ignore_index=True),
        jobs=by_pattern.head(JOBS_OF_PATTERN).reset_index(drop=True),
        looked_at=len(found),
        of=of,
        is_counted=is_counted,
        looked_at_before=len(earlier),
    )


@dataclass(frozen=True)
class SimilarFailures:
    """Other jobs whose error has the same pattern as a job's, whether they failed or completed."""

    others: int
    """How many more there are among the jobs read."""
    key: str
    """The pattern's `key` in `Failures.patterns`."""
    pattern: str


def similar_failures(failures: Failures, job_id: int, reason: str) -> SimilarFailures:
    """Return which of the jobs that were read have the pattern of a job's reason.

    `reason` is `JobReport.reason`; without one there are none. Nothing is read.
    """
    pattern = fold(reason) if reason else ""
    key = key_of(pattern)
    alike = failures.patterns[failures.patterns["key"] == key] if reason else failures.patterns[:0]
    if alike.empty:
        return SimilarFailures(0, key, pattern)
    newest = failures.jobs.loc[failures.jobs["pattern"] == pattern, "id"]
    jobs, first_job = int(alike["jobs"].iloc[0]), int(alike["first_job"].iloc[0])
    # Beyond JOBS_OF_PATTERN the ids are not kept, but ids and times nearly always ascend together.
    is_counted = (newest == job_id).any() or (jobs > len(newest) and first_job <= job_id < newest.min())
    return SimilarFailures(jobs - int(is_counted), key, pattern)


def has_errors(database: Database) -> list[ColumnElement[bool]]:
    """Return the conditions of the jobs that failed and of those that completed with errors.

    Each for a statement of its own: no index serves both.
    """
    return [is_in(State.FAILED), and_(is_in(State.COMPLETED), in_set(database, WITH_ERRORS))]


def key_of(pattern: str) -> str:
    """Return a short name of a pattern for addresses."""
    return hashlib.sha256(pattern.encode()).hexdigest()[:10]


def read_errors(
    connection: Connection, database: Database, failed: Sequence[int], completed: Sequence[int]
) -> dict[int, str]:
    """Return the error of each of some jobs, by its id, ENDS_WELL or NO_TEXT if there is none.

    Of a failed job it is the reason that `failure_reasons` finds, of a completed one the first error
    in the beginning of its output, else such a reason. Raises what the database driver raises, inside
    `Database.reading`.
    """
    head = first_characters(job.c.output, TEXT_CHARACTERS)
    heads = select(job.c.id, head).where(job.c.id.in_(completed))
    first = {
        job_id: read_output(values.text(text)).first_error
        for job_id, text in (connection.execute(heads) if completed else ())
    }
    others = [job_id for job_id in (*failed, *completed) if not first.get(job_id)]
    reasons = read_reasons(connection, database, others)
    return first | {job_id: _in_words(reasons.get(job_id)) for job_id in others}


def _in_words(reason: Reason | None) -> str:
    """Return a reason's text; a report of success is no reason, as on the job's page."""
    if reason is None:
        return NO_TEXT
    return reason.text if reason.weight > Weight.FINE else ENDS_WELL


def _newest_of(
    connection: Connection, which: ColumnElement[bool], near: Sequence[ColumnElement[bool]] = ()
) -> tuple[ColumnElement[bool], bool]:
    """Return the condition of the newest COUNTED_FAILURES of some jobs, and whether these are all."""
    ids = select(job.c.id).where(which, *near).order_by(job.c.id.desc())
    older = connection.execute(ids.offset(COUNTED_FAILURES).limit(1)).scalar()
    return (which, True) if older is None else (and_(which, job.c.id > older), False)


def _read_newest(
    connection: Connection,
    database: Database,
    bad: Sequence[tuple[ColumnElement[bool], bool]],
    where: Sequence[ColumnElement[bool]],
    limit: int,
) -> pd.DataFrame:
    """Return the newest of those jobs with errors that meet some conditions, with their patterns."""
    newest = (
        select(job.c.id, job.c.name, job.c.status_id, job.c.completed_at, object_.c.created_at)
        .select_from(with_object())
        .where(*where)
        .order_by(job.c.id.desc())
        .limit(limit)
    )
    found_rows = [row for each, _ in bad for row in connection.execute(newest.where(each))]
    rows = sorted(found_rows, key=lambda row: -row.id)[:limit]
    is_failed = {row.id: row.status_id == ERROR for row in rows}
    failed, completed = ([i for i in is_failed if is_failed[i] is which] for which in (True, False))
    texts = read_errors(connection, database, failed, completed)
    jobs = [
        (
            row.id,
            values.name_called(row.name),
            state_of(row.status_id, has_ended=True),
            times.utc(row.completed_at or row.created_at, database.timezone),
            texts[row.id],
        )
        for row in rows
    ]
    found = pd.DataFrame(jobs, columns=list(_JOBS)).astype(_JOBS)
    patterns = {text: fold(text) for text in found["text"].unique()}
    pattern = found["text"].map(patterns).astype("str")
    return found.assign(
        pattern=pattern, text=found["text"].str.slice(stop=EXAMPLE_CHARACTERS).astype("str")
    )
