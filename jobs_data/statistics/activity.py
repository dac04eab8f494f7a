"""How many jobs were created in a period and when, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Row, func, select

from jobs_data.jobs.creation_counts import (
    QUARTER_SECONDS,
    Bound,
    count_created,
    created_quarter,
    quarter_of,
)
from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.platform.database import Database
from jobs_data.platform.status import State, is_in
from jobs_data.platform.tables import job
from jobs_data.platform.times import EARLIEST, to_platform
from jobs_data.statistics.period import Period, created_since

_LAST_QUARTER: Final = 2**23
"""In 2209: a creation time before EARLIEST or after this means none."""

_COUNTS: Final = {"quarter": "float64", "state": "str", "jobs": "int64", "with_errors": "int64"}
_STATES: Final = [state.value for state in State]


@dataclass(frozen=True)
class Outcomes:
    """How many jobs were created in a period, and how many of them are in each state now."""

    total: int
    completed: int
    failed: int
    active: int
    with_errors: int = 0
    """How many of the completed jobs have errors in their output, as far as outputs have been read."""

    @property
    def failure_rate(self) -> float | None:
        """Return the share of the finished jobs that failed, 0 to 1; None without finished jobs."""
        finished = self.completed + self.failed
        return self.failed / finished if finished else None


@dataclass(frozen=True)
class Activity:
    """When the jobs of a period were created, and how they ended. All its jobs count."""

    outcomes: Outcomes
    """For all time, with the jobs that have no creation time."""
    before: Outcomes | None
    """The same for the period before, of the same length; None for all time and with a bound."""
    by_day: pd.DataFrame
    """A row per day of the period in the viewer's zone, whose index `day` is the naive midnight: int64
    columns `total`, one per State, and `with_errors` of the completed ones; today is the last. Jobs
    created after it, before EARLIEST or at no time are on no day."""
    by_hour: pd.DataFrame
    """168 rows: int64 columns `weekday` (0 is Monday), `hour`, `jobs`, in the viewer's zone."""
    bound: Bound | None
    """The newest jobs, which alone count; None where all of the period do."""
    read_at: datetime

    def shows_the_same(self, other: Activity) -> bool:
        """Return whether the figures are the same, whenever they were read."""
        counts = (self.outcomes, self.before) == (other.outcomes, other.before)
        return counts and self.by_day.equals(other.by_day) and self.by_hour.equals(other.by_hour)


def read_activity(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Activity:
    """Return the counts of a period and of the one before it; `now` is aware.

    Raises DatabaseUnavailable.
    """
    start, start_before = period.start(zone, now), period.start(zone, now, periods=2)
    with database.reading() as connection:
        created = count_created(connection, database, order, start_before)
        since = created_since(database, order, start_before)
        with_errors = _read_with_errors(connection, database, [*since, job.c.id >= created.floor])
    rows = [(quarter, state, jobs, 0) for (quarter, state), jobs in created.jobs.items()]
    rows += [(quarter, State.COMPLETED, 0, jobs) for quarter, jobs in with_errors]
    counts = pd.DataFrame(rows, columns=list(_COUNTS)).astype(_COUNTS)
    before, bound = None, created.bound
    if start is not None:
        # Every time zone of today is some quarters of an hour from UTC: no quarter is in both periods.
        is_before = counts["quarter"] < quarter_of(to_platform(start, database.timezone))
        before = None if bound else _outcomes(counts[is_before])
        counts = counts[~is_before]
        if created.has_all_since(order, to_platform(start, database.timezone)):
            bound = None
    first_quarter = quarter_of(EARLIEST)
    dated = counts[counts["quarter"].between(first_quarter, _LAST_QUARTER)]
    moments = pd.to_datetime(dated["quarter"] * QUARTER_SECONDS, unit="s")
    # A repeated hour counts as its first pass, as in `times.utc`.
    is_first_pass = np.ones(len(moments), bool)
    aware = moments.dt.tz_localize(database.timezone, is_first_pass, "shift_forward")
    dated = dated.assign(local=aware.dt.tz_convert(zone).dt.tz_localize(None))
    today = pd.Timestamp(now.astimezone(zone).date())
    first_day = None if start is None else pd.Timestamp(start.date())
    return Activity(
        outcomes=_outcomes(counts),
        before=before,
        by_day=_by_day(dated, first_day, today),
        by_hour=_by_hour(dated),
        bound=bound,
        read_at=now,
    )


def _read_with_errors(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]]
) -> Sequence[Row[int, int]]:
    """Return how many jobs that completed with errors were created in each quarter of an hour."""
    return connection.execute(
        select(created_quarter().label("quarter"), func.count())
        .select_from(with_object())
        .where(is_in(State.COMPLETED), in_set(database, WITH_ERRORS), *where)
        .group_by("quarter")
    ).all()


def _outcomes(counts: pd.DataFrame) -> Outcomes:
    jobs = counts.groupby("state")["jobs"].sum().reindex(_STATES, fill_value=0)
    return Outcomes(
        total=int(jobs.sum()),
        completed=int(jobs[State.COMPLETED]),
        failed=int(jobs[State.FAILED]),
        active=int(jobs[State.ACTIVE]),
        with_errors=int(counts["with_errors"].sum()),
    )


def _by_day(dated: pd.DataFrame, first: pd.Timestamp | None, today: pd.Timestamp) -> pd.DataFrame:
    day = dated["local"].dt.normalize()
    days = pd.date_range(first or min([*day, today]), today, name="day")
    jobs = dated["jobs"].groupby([day, dated["state"]]).sum().unstack(fill_value=0)
    jobs = jobs.reindex(index=days, columns=_STATES, fill_value=0).astype("int64")
    errors = dated["with_errors"].groupby(day).sum().reindex(days, fill_value=0)
    return jobs.assign(total=jobs.sum(axis="columns"), with_errors=errors.astype("int64"))


def _by_hour(dated: pd.DataFrame) -> pd.DataFrame:
    local = dated["local"].dt
    jobs = dated["jobs"].groupby([local.day_of_week, local.hour]).sum()
    hours = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    return jobs.reindex(hours, fill_value=0).rename("jobs").reset_index().astype("int64")
