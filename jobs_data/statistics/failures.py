"""Why the jobs of a period failed, grouped by the pattern of their error texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.failure_reasons import read_reasons
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.status import ERROR
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform
from jobs_data.reasons.finding import Reason, Weight
from jobs_data.statistics.error_patterns import fold
from jobs_data.statistics.period import Period, created_since

NEWEST_FAILURES: Final = 3_000
"""The most failures of a period that are read, text by text: the newest."""

FAILURES_BEFORE: Final = 2_000
"""The most failures before the period that are read: an error that is not among them is new."""

JOBS_OF_PATTERN: Final = 200
EXAMPLE_CHARACTERS: Final = 300
ENDS_WELL: Final = "(no reason: the output ends without an error)"
NO_TEXT: Final = "(no reason: the platform kept no error text and no output)"
_FAILED: Final = {"id": "int64", "name": "str", "at": "datetime64[us, UTC]", "text": "str"}


@dataclass(frozen=True)
class Failures:
    """The failures of a period, grouped by the pattern of their error texts."""

    patterns: pd.DataFrame
    """A row per pattern, most failures first: `key` str (a short name for addresses), `pattern` and
    `example` (a whole reason) str, `jobs` int64, `first` and `last` UTC (completed, else created),
    `first_job` int64 the least id, `is_new` bool: not among the failures looked at before the period;
    always false for all time."""
    jobs: pd.DataFrame
    """The newest 200 jobs of each pattern, newest first: `pattern` str, `id` int64, `name` str, `at`
    UTC, `text` str, the reason."""
    looked_at: int
    of: int
    """How many failures the period has; the newest of them were read."""
    looked_at_before: int


def read_failures(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Failures:
    """Return why the jobs of a period failed; `now` is aware. Raises DatabaseUnavailable.

    The reason is what `failure_reasons` finds in a job's texts.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        since = created_since(connection, database, order, start)
        failed = select(func.count()).select_from(with_object()).where(job.c.status_id == ERROR, *since)
        of = connection.execute(failed).scalar_one()
        found = _read_failed(connection, database, since, NEWEST_FAILURES)
        earlier = found[:0]
        if start is not None:
            before = object_.c.created_at < to_platform(start, database.timezone)
            earlier = _read_failed(connection, database, [before], FAILURES_BEFORE)
    by_pattern = found.groupby("pattern", sort=False)
    patterns = by_pattern.agg(
        example=("text", "first"),
        jobs=("id", "size"),
        first=("at", "min"),
        last=("at", "max"),
        first_job=("id", "min"),
    ).reset_index()
    patterns["key"] = patterns["pattern"].map(_key).astype("str")
    patterns["is_new"] = ~patterns["pattern"].isin(earlier["pattern"]) & (start is not None)
    return Failures(
        patterns=patterns.sort_values(["jobs", "last"], ascending=False, ignore_index=True),
        jobs=by_pattern.head(JOBS_OF_PATTERN).reset_index(drop=True),
        looked_at=len(found),
        of=of,
        looked_at_before=len(earlier),
    )


@dataclass(frozen=True)
class SimilarFailures:
    """Other failed jobs whose reason has the same pattern as a job's."""

    others: int
    """How many more there are among the failures read."""
    key: str
    """The pattern's `key` in `Failures.patterns`."""
    pattern: str


def similar_failures(failures: Failures, job_id: int, reason: str) -> SimilarFailures:
    """Return which of the failures that were read have the pattern of a failed job's reason.

    `reason` is `JobReport.reason`; without one there are none. Nothing is read.
    """
    pattern = fold(reason) if reason else ""
    key = _key(pattern)
    alike = failures.patterns[failures.patterns["key"] == key] if reason else failures.patterns[:0]
    if alike.empty:
        return SimilarFailures(0, key, pattern)
    newest = failures.jobs.loc[failures.jobs["pattern"] == pattern, "id"]
    jobs, first_job = int(alike["jobs"].iloc[0]), int(alike["first_job"].iloc[0])
    # Beyond JOBS_OF_PATTERN the ids are not kept, but ids and times nearly always ascend together.
    is_counted = (newest == job_id).any() or (jobs > len(newest) and first_job <= job_id < newest.min())
    return SimilarFailures(jobs - int(is_counted), key, pattern)


def _key(pattern: str) -> str:
    return hashlib.sha256(pattern.encode()).hexdigest()[:10]


def _shown(reason: Reason | None) -> str:
    """Return a reason's text; a report of success is no reason, as on the job's page."""
    if reason is None:
        return NO_TEXT
    return reason.text if reason.weight > Weight.FINE else ENDS_WELL


def _read_failed(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]], limit: int
) -> pd.DataFrame:
    """Return the newest failed jobs that meet some conditions, with the pattern of each."""
    newest = (
        select(job.c.id, job.c.name, job.c.completed_at, object_.c.created_at)
        .select_from(with_object())
        .where(job.c.status_id == ERROR, *where)
        .order_by(job.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(newest).all()
    reasons = read_reasons(connection, database, [row.id for row in rows])
    failed = [
        (
            row.id,
            values.name_called(row.name),
            times.utc(row.completed_at or row.created_at, database.timezone),
            _shown(reasons.get(row.id)),
        )
        for row in rows
    ]
    found = pd.DataFrame(failed, columns=list(_FAILED)).astype(_FAILED)
    patterns = {text: fold(text) for text in found["text"].unique()}
    pattern = found["text"].map(patterns).astype("str")
    return found.assign(
        pattern=pattern, text=found["text"].str.slice(stop=EXAMPLE_CHARACTERS).astype("str")
    )
