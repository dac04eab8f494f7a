"""The periods of the statistics, and which jobs belong to one.

A job belongs to the period in which it was created, and counts by the state it is in now. Each read
starts from `job`: `object` holds every record of the platform, a thousand times as many as jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform

NEWEST_JOBS: Final = 100_000
"""At most so many jobs of a period, the newest, are read one by one."""

DATED_JOBS: Final = job.outerjoin(object_, object_.c.id == job.c.id)
"""Every job, with its creation time where it has one."""


class Narrowing(Protocol):
    """What is known of the order in which jobs were created; `jobs.creation_order` knows it."""

    def since(self, connection: Connection, moment: datetime) -> list[ColumnElement[bool]]:
        """Return conditions on `job.id` that every job created since a time meets.

        The time is naive, in the platform's zone. The list is empty where nothing is known.
        """


class NothingKnown:
    """A narrowing that leaves every job to be looked at."""

    def since(self, connection: Connection, moment: datetime) -> list[ColumnElement[bool]]:  # noqa: ARG002 - Narrowing's signature
        """Return no condition."""
        return []


class Period(StrEnum):
    """A period of the statistics, as the URL spells it: a number of days of which today is the last."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"
    ALL = "all"

    @property
    def days(self) -> int | None:
        """Return how many days it has, None where it has no beginning."""
        return None if self is Period.ALL else int(self.value)

    def start(self, zone: ZoneInfo, now: datetime) -> datetime | None:
        """Return the aware beginning of its first day in a zone, None where it has no beginning."""
        return None if self.days is None else _day_start(zone, now, self.days)

    def start_before(self, zone: ZoneInfo, now: datetime) -> datetime | None:
        """Return the aware beginning of the period of the same length before it."""
        return None if self.days is None else _day_start(zone, now, 2 * self.days)


def _day_start(zone: ZoneInfo, now: datetime, days: int) -> datetime:
    return datetime.combine(now.astimezone(zone).date() - timedelta(days=days - 1), time(), zone)


def parse_period(value: str | None) -> Period:
    """Return the period that a URL asks for, 30 days where it asks for none that there is."""
    try:
        return Period((value or "").strip().lower())
    except ValueError:
        return Period.MONTH


@dataclass(frozen=True)
class Scope:
    """The newest jobs of a period."""

    where: Sequence[ColumnElement[bool]]
    """Their conditions on `DATED_JOBS`; on `job` alone where the period has no beginning."""
    looked_at: int
    has_more: bool
    """Whether the period has older jobs too."""


def created_since(
    connection: Connection, database: Database, order: Narrowing, start: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions on `DATED_JOBS` of those created since an aware time; none for all time."""
    if start is None:
        return []
    moment = to_platform(start, database.timezone)
    return [object_.c.created_at >= moment, *order.since(connection, moment)]


def newest_jobs(connection: Connection, where: Sequence[ColumnElement[bool]] = ()) -> Scope:
    """Return the `NEWEST_JOBS` of the highest ids among the jobs that `created_since` describes."""
    newest = (
        select(job.c.id)
        .select_from(DATED_JOBS)
        .where(*where)
        .order_by(job.c.id.desc())
        .limit(NEWEST_JOBS + 1)
        .subquery()
    )
    found, lowest = connection.execute(select(func.count(), func.min(newest.c.id))).one()
    if found <= NEWEST_JOBS:
        return Scope(where, found, has_more=False)
    return Scope([*where, job.c.id > lowest], NEWEST_JOBS, has_more=True)
