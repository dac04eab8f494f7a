"""How many jobs were created in a period and when, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, false, func, select

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import seconds_since_1970, whole_quotient
from jobs_data.platform.status import State, is_finished, is_in, is_unfinished, state_of
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import EARLIEST, to_platform
from jobs_data.statistics.period import Period, created_since

_QUARTER_SECONDS: Final = 900
_LAST_QUARTER: Final = 2**23
"""In 2209: a creation time before EARLIEST or after this means none."""

_1970: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in the platform's zone, as the times in the tables
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
    """The same for the period before, of the same length; None for all time."""
    by_day: pd.DataFrame
    """A row per day of the period in the viewer's zone, whose index `day` is the naive midnight: int64
    columns `total`, one per State, and `with_errors` of the completed ones; today is the last. Jobs
    created after it, before EARLIEST or at no time are on no day."""
    by_hour: pd.DataFrame
    """168 rows: int64 columns `weekday` (0 is Monday), `hour`, `jobs`, in the viewer's zone."""
    read_at: datetime


def read_activity(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Activity:
    """Return the counts of a period and of the one before it; `now` is aware.

    Raises DatabaseUnavailable.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        start_before = period.start(zone, now, periods=2)
        since = created_since(connection, database, order, start_before)
        counts = _read_counts(connection, database, since)
    before = None
    if start is not None:
        # Every time zone of today is some quarters of an hour from UTC: no quarter is in both periods.
        first = (to_platform(start, database.timezone) - _1970) // timedelta(seconds=_QUARTER_SECONDS)
        before = _outcomes(counts[counts["quarter"] < first])
        counts = counts[~(counts["quarter"] < first)]
    first_quarter = (EARLIEST - _1970) // timedelta(seconds=_QUARTER_SECONDS)
    dated = counts[counts["quarter"].between(first_quarter, _LAST_QUARTER)]
    moments = pd.to_datetime(dated["quarter"] * _QUARTER_SECONDS, unit="s")
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
        read_at=now,
    )


def _read_counts(
    connection: Connection, database: Database, where: list[ColumnElement[bool]]
) -> pd.DataFrame:
    """Return how many jobs of a state were created in each quarter of an hour since 1970.

    Those with errors are in rows of their own, which count no job a second time.
    """
    quarter = whole_quotient(seconds_since_1970(object_.c.created_at), _QUARTER_SECONDS)
    counts = []
    # The state of a finished job is in the index on the status; that of another one needs its row.
    # The jobs with errors are few, and found by their ids.
    for which, ended, is_counted in (
        (is_finished(), false(), True),
        (is_unfinished(), job.c.completed_at.is_not(None), True),
        (and_(is_in(State.COMPLETED), in_set(database, WITH_ERRORS)), false(), False),
    ):
        rows = connection.execute(
            select(quarter.label("quarter"), job.c.status_id, ended.label("ended"), func.count())
            .select_from(with_object())
            .where(which, *where)
            .group_by("quarter", job.c.status_id, "ended")
        )
        counts += [
            (number, state_of(status, bool(ended)), *((jobs, 0) if is_counted else (0, jobs)))
            for number, status, ended, jobs in rows
        ]
    return pd.DataFrame(counts, columns=list(_COUNTS)).astype(_COUNTS)


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
