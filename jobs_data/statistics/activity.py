"""How many jobs were created in a period and when, and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, false, func, select

from jobs_data.jobs import frames
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import seconds_since_1970, whole_quotient
from jobs_data.platform.status import State, is_finished, is_unfinished, state_of
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform
from jobs_data.statistics.period import DATED_JOBS, Narrowing, Period, created_since

_QUARTER_SECONDS: Final = 900
_QUARTERS_MEANT: Final = range(2**23)
"""From 1970 to 2209: any other creation time stands for never, or for nothing."""

_1970: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in the platform's zone, as the times in the tables


@dataclass(frozen=True)
class Outcomes:
    """How many jobs were created in a period, and how many of them are in each state now."""

    total: int
    completed: int
    failed: int
    active: int

    @property
    def failure_rate(self) -> float | None:
        """Return which share of the finished jobs failed, 0 to 1; None where none is finished."""
        finished = self.completed + self.failed
        return self.failed / finished if finished else None


@dataclass(frozen=True)
class Activity:
    """When the jobs of a period were created, and how they ended. Every job of it is counted."""

    outcomes: Outcomes
    """For all time, with the jobs that have no creation time."""
    before: Outcomes | None
    """The same of the period before, of the same length; None where there is no such period."""
    by_day: pd.DataFrame
    """As `frames.trend_frame`, for every day of the period in the viewer's zone. Jobs created after
    tomorrow, before 1970 or at no time are on no day."""
    by_hour: pd.DataFrame
    """168 rows: int64 columns `weekday` (0 is Monday), `hour`, `jobs`, in the viewer's zone."""
    read_at: datetime

    @property
    def rate_change(self) -> float | None:
        """Return by how much the failure rate grew on the period before, None where one is missing."""
        now = self.outcomes.failure_rate
        before = self.before.failure_rate if self.before else None
        return None if now is None or before is None else now - before


class _Count(NamedTuple):
    """How many jobs in a state were created in a quarter of an hour, by its number since 1970."""

    quarter: int | None
    state: State
    jobs: int


def read_activity(
    database: Database, order: Narrowing, period: Period, zone: ZoneInfo, now: datetime
) -> Activity:
    """Return the counts of a period and of the one before it; `now` is aware.

    Raises DatabaseUnavailable.
    """
    start, start_before = period.start(zone, now), period.start_before(zone, now)
    with database.reading() as connection:
        where = created_since(connection, database, order, start_before)
        counts = _read_counts(connection, where)
    before = None
    if start is not None:
        # Every time zone of today is some quarters of an hour from UTC: no quarter is in both periods.
        first = (to_platform(start, database.timezone) - _1970) // timedelta(seconds=_QUARTER_SECONDS)
        before = _outcomes(c for c in counts if c.quarter is not None and c.quarter < first)
        counts = [c for c in counts if c.quarter is None or c.quarter >= first]
    dated = _dated(counts, database.timezone, zone)
    return Activity(
        outcomes=_outcomes(counts),
        before=before,
        by_day=_by_day(dated, start, zone, now),
        by_hour=_by_hour(dated),
        read_at=now,
    )


def _read_counts(connection: Connection, where: Sequence[ColumnElement[bool]]) -> list[_Count]:
    quarter = _quarter().label("quarter")

    def read(which: ColumnElement[bool], ended: ColumnElement[bool]) -> list[_Count]:
        rows = connection.execute(
            select(quarter, job.c.status_id, ended.label("ended"), func.count().label("jobs"))
            .select_from(DATED_JOBS)
            .where(which, *where)
            .group_by("quarter", job.c.status_id, "ended")
        )
        return [_Count(r.quarter, state_of(r.status_id, bool(r.ended)), r.jobs) for r in rows]

    # The state of a finished job is in the index on the status; that of another one needs its row.
    return read(is_finished(), false()) + read(is_unfinished(), job.c.completed_at.is_not(None))


def _quarter() -> ColumnElement[int]:
    """Return the number of the quarter of an hour since 1970 in which a job was created."""
    return whole_quotient(seconds_since_1970(object_.c.created_at), _QUARTER_SECONDS)


def _outcomes(counts: Iterable[_Count]) -> Outcomes:
    jobs: Counter[State] = Counter()
    for count in counts:
        jobs[count.state] += count.jobs
    return Outcomes(jobs.total(), jobs[State.COMPLETED], jobs[State.FAILED], jobs[State.ACTIVE])


def _dated(counts: Iterable[_Count], platform_zone: ZoneInfo, zone: ZoneInfo) -> pd.DataFrame:
    """Return the counts that have a time: `local`, the viewer's, `state` and `jobs`."""
    dated = pd.DataFrame(
        [count for count in counts if count.quarter is not None and count.quarter in _QUARTERS_MEANT],
        columns=["quarter", "state", "jobs"],
    ).astype({"quarter": "int64", "state": "str", "jobs": "int64"})
    moments = pd.to_datetime(dated["quarter"] * _QUARTER_SECONDS, unit="s")
    # An hour that a clock change repeats is taken as its first pass, as `times.utc` does.
    is_first_pass = np.ones(len(moments), bool)
    local = moments.dt.tz_localize(platform_zone, is_first_pass, "shift_forward").dt.tz_convert(zone)
    return dated.assign(local=local)


def _by_day(dated: pd.DataFrame, start: datetime | None, zone: ZoneInfo, now: datetime) -> pd.DataFrame:
    dates = dated["local"].dt.date
    today = now.astimezone(zone).date()
    first = start.date() if start else min([*dates, today])
    # A clock that runs ahead puts a job into tomorrow; what lies beyond has no day here.
    last = min(max([*dates, today]), today + timedelta(days=1))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    per_day = dated.assign(day=dates).groupby(["day", "state"], as_index=False)["jobs"].sum()
    counted = (
        ((day - first).days, State(state), jobs)
        for day, state, jobs in per_day.itertuples(index=False, name=None)
    )
    return frames.trend_frame(counted, [datetime.combine(day, time(), zone) for day in days])


def _by_hour(dated: pd.DataFrame) -> pd.DataFrame:
    local = dated["local"].dt
    jobs = dated["jobs"].groupby([local.day_of_week, local.hour]).sum()
    hours = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    return jobs.reindex(hours, fill_value=0).rename("jobs").reset_index().astype("int64")
