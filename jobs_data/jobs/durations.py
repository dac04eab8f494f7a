"""How long a job took: one rule for its page, the filter, the export and the statistics.

The duration is the recorded one, else completed minus created. It is unknown if the end is in the
future or before the start, or if the recorded number is negative or too long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, FromClause, Integer, and_, case, func, literal, null

from jobs_data.jobs.creation_order import with_object
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import not_negative, seconds_between, seconds_in_zone
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.platform.times import CLOCK_TOLERANCE, EARLIEST, to_platform


def with_execution(
    database: Database, *columns: Column[Any]
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """Return the jobs with their objects and columns of `job_execution`; NULL for each missing one.

    The execution record comes first: of a job that it excludes the object is not read.
    """
    present = database.columns.get(job_execution.name, ())
    if not any(column.name in present for column in columns):
        return with_object(), [null() for _ in columns]
    source = job.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
    source = source.outerjoin(object_, object_.c.id == job.c.id)
    return source, [column if column.name in present else null() for column in columns]


def seconds_taken(
    created: ColumnElement[Any],
    completed: ColumnElement[Any],
    recorded: ColumnElement[Any],
    zone: ZoneInfo,
    now: datetime,
) -> ColumnElement[int]:
    """Return how long a job took, in whole seconds; NULL where that is not known.

    The columns are those of `object`, `job` and `job_execution`, NULL where one is missing; `zone` is
    the platform's, and `now` aware.
    """
    latest = to_platform(now + CLOCK_TOLERANCE, zone)
    first, last = literal(EARLIEST, created.type), literal(latest, created.type)
    derived = case(
        (
            and_(created >= first, completed <= last),
            not_negative(seconds_in_zone(created, completed, zone, latest.year)),
        )
    )
    # Without a usable creation time, a job can have run since the first platform at most.
    longest = case(
        (created >= first, seconds_between(created, last)),
        else_=int((latest - EARLIEST).total_seconds()),
    )
    return case(
        (recorded.is_(None), derived),
        (and_(recorded >= 0, recorded <= func.coalesce(longest, 0, type_=Integer)), recorded),
    )


def why_unknown(
    created: datetime | None, completed: datetime | None, recorded: Any, now: datetime
) -> str:
    """Return why a job has no duration, as the end of a sentence without a full stop.

    The times are aware; None where one is missing or unreadable.
    """
    if recorded is not None:
        return "the recorded duration is impossible"
    if created is None or completed is None:
        return f"the {'creation' if created is None else 'completion'} time is missing or unreadable"
    if completed > now + CLOCK_TOLERANCE:
        return "the completion time is in the future"
    if completed < created:
        return "the completion time is before the creation time"
    return "the creation time is impossible"
