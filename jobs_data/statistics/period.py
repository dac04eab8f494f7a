"""The periods of the statistics, and which jobs belong to one.

A job belongs to the period in which it was created, and counts by the state it is in now. Each read
starts from `job`: `object` holds every record of the platform, a thousand times as many as jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, select

from jobs_data.jobs.creation_counts import Bound, bound_of
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import ANY_TIME, Dates
from jobs_data.platform.database import Database
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform

NEWEST_JOBS: Final = 100_000
"""The most jobs of a period that are read one by one: the newest."""


class Period(StrEnum):
    """A period of the statistics, as the URL spells it: a number of days of which today is the last."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"
    ALL = "all"

    @property
    def days(self) -> int | None:
        """Return how many days it has, None without a beginning."""
        return None if self is Period.ALL else int(self.value)

    def start(self, zone: ZoneInfo, now: datetime, *, periods: int = 1) -> datetime | None:
        """Return the aware beginning, in a zone, of the last period or of several in a row."""
        if self.days is None:
            return None
        first = now.astimezone(zone).date() - timedelta(days=periods * self.days - 1)
        return datetime.combine(first, time(), zone)

    def created(self, zone: ZoneInfo, now: datetime) -> Dates:
        """Return when the jobs of the last period were created, as a filter of the list."""
        start = self.start(zone, now)
        return ANY_TIME if start is None else Dates(since=start.astimezone(UTC))


def ids_since(
    database: Database, order: CreationOrder, start: datetime | None
) -> list[ColumnElement[bool]]:
    """Return conditions on `job.id` that all jobs created since an aware time meet, and few others."""
    return [] if start is None else order.since(to_platform(start, database.timezone))


def created_since(
    database: Database, order: CreationOrder, start: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of the jobs created since an aware time; none for all time.

    Their source is `with_object`.
    """
    if start is None:
        return []
    moment = to_platform(start, database.timezone)
    return [object_.c.created_at >= moment, *ids_since(database, order, start)]


def newest_created_since(
    connection: Connection, database: Database, order: CreationOrder, start: datetime | None
) -> tuple[list[ColumnElement[bool]], Bound | None]:
    """Return the same for the newest jobs alone, and which these are; None for all of the period."""
    newest, oldest = newest_jobs(connection, ids_since(database, order, start))
    where = [*created_since(database, order, start), *newest]
    return where, bound_of(connection, database, NEWEST_JOBS, oldest) if oldest else None


def newest_jobs(
    connection: Connection, where: Sequence[ColumnElement[bool]] = ()
) -> tuple[list[ColumnElement[bool]], int | None]:
    """Return the conditions of the NEWEST_JOBS of the highest ids, and the oldest; None if it is all.

    `where` are conditions on `job` alone: a creation time would have to be looked up for each job.
    """
    ids = select(job.c.id).where(*where).order_by(job.c.id.desc())
    oldest = connection.execute(ids.offset(NEWEST_JOBS - 1).limit(2)).scalars().all()
    return ([*where, job.c.id >= oldest[0]], oldest[0]) if len(oldest) > 1 else ([*where], None)
