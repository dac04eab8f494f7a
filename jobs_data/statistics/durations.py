"""How long the finished jobs of a period took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.jobs.creation_counts import Bound
from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.durations import seconds_taken, with_execution
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly
from jobs_data.platform.status import ERROR, State, is_finished, is_in
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.platform.times import EARLIEST, to_platform
from jobs_data.statistics.period import Period, newest_created_since

LOWEST_JOBS: Final = 1_000
"""Among how many jobs with the lowest ids the earliest is looked for; a few may have any id."""

_RUNS: Final = {
    "name": "str",
    "seconds": "float64",
    "recorded": "bool",
    "is_late": "bool",
    "has_failed": "bool",
    "jobs": "int64",
    "last_job": "int64",
}
_BY_NAME: Final = {
    "name": "str",
    "runs": "int64",
    "failed": "int64",
    "failed_share": "float64",
    "with_errors": "int64",
    "timed": "int64",
    "slowest_job": "int64",
    "change": "float64",
}


@dataclass(frozen=True)
class Durations:
    """How long the finished jobs took, in seconds: see `jobs.durations`."""

    recorded: int
    derived: int
    unknown: int
    """How many finished jobs have no known duration; they are in no figure."""
    mean: float | None
    median: float | None
    by_name: pd.DataFrame
    """A row per job name, most runs first: `name` str, `runs` and `failed` int64, all finished jobs and
    those of them that failed, `failed_share` float64 0 to 1, `with_errors` int64 those that completed
    with errors in their output, `timed` int64 the runs whose duration is known; of these `median`,
    `p95`, `slowest` float64 seconds, NaN where there are none. `slowest_job` int64 is the id of the
    slowest, else of the newest. `change` float64 is how the median of the later half of the time
    compares to the earlier half's (0.5 is half as long again; NaN: no runs in one)."""
    bound: Bound | None
    """The newest jobs, which alone count; None where all of the period do."""


def read_durations(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Durations:
    """Return how long the jobs of a period took; `now` is aware. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        start = period.start(zone, now)
        where, bound = newest_created_since(connection, database, order, start)
        created = object_.c.created_at
        counted = select(created).select_from(with_object()).where(*where, created >= EARLIEST)
        lowest = counted.order_by(job.c.id).limit(LOWEST_JOBS).subquery()
        end = to_platform(now, database.timezone)
        began: datetime = connection.execute(select(func.min(lowest.c.created_at))).scalar() or end
        runs = read_runs(connection, database, where, now, middle=began + (end - began) / 2)
        with_errors = _read_with_errors(connection, database, where)
    timed = runs.dropna(subset="seconds")
    return Durations(
        recorded=int(timed["recorded"].sum()),
        derived=int((~timed["recorded"]).sum()),
        unknown=len(runs) - len(timed),
        mean=float(timed["seconds"].mean()) if len(timed) else None,
        median=float(timed["seconds"].median()) if len(timed) else None,
        by_name=_by_name(runs, with_errors),
        bound=bound,
    )


def read_runs(
    connection: Connection,
    database: Database,
    where: Sequence[ColumnElement[bool]],
    now: datetime,
    middle: datetime,
) -> pd.DataFrame:
    """Return a row per finished job, in groups of those that took the same: the database sends few.

    Columns: `name`, `seconds` (NaN where they are not known), `recorded` (not derived), `is_late`
    (created since `middle`, which is the platform's time), `has_failed`, `last_job` (the largest id of
    the group).
    """
    source, (recorded,) = with_execution(database, job_execution.c.duration)
    zone = database.timezone
    seconds = seconds_taken(object_.c.created_at, job.c.completed_at, recorded, zone, now)
    rows = connection.execute(
        select(
            exactly(job.c.name).label("called"),
            seconds.label("seconds"),
            recorded.is_not(None).label("recorded"),
            (object_.c.created_at >= middle).label("is_late"),
            (job.c.status_id == ERROR).label("has_failed"),
            func.count().label("jobs"),
            func.max(job.c.id).label("last_job"),
        )
        .select_from(source)
        .where(is_finished(), *where)
        .group_by("called", "seconds", "recorded", "is_late", "has_failed")
    )
    groups = [
        (values.name_called(name), seconds, *map(bool, flags), jobs, last_job)
        for name, seconds, *flags, jobs, last_job in rows
    ]
    runs = pd.DataFrame(groups, columns=list(_RUNS)).astype(_RUNS)
    return runs.loc[runs.index.repeat(runs.pop("jobs"))].reset_index(drop=True)


def _read_with_errors(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]]
) -> pd.Series[int]:
    """Return how many jobs of each name completed with errors in their output."""
    rows = connection.execute(
        select(exactly(job.c.name).label("called"), func.count())
        .select_from(with_object())
        .where(is_in(State.COMPLETED), in_set(database, WITH_ERRORS), *where)
        .group_by("called")
    )
    counts = [(values.name_called(name), jobs) for name, jobs in rows]
    found = pd.DataFrame(counts, columns=["name", "jobs"]).astype({"name": "str", "jobs": "int64"})
    return found.groupby("name")["jobs"].sum()


def _by_name(runs: pd.DataFrame, with_errors: pd.Series[int]) -> pd.DataFrame:
    by_name = runs.groupby("name")
    seconds = by_name["seconds"]
    halves = runs.groupby(["name", "is_late"])["seconds"].median().unstack()
    halves = halves.reindex(columns=[False, True])
    by_seconds = runs.sort_values(["seconds", "last_job"], na_position="first")
    slowest = by_seconds.groupby("name").tail(1).set_index("name")
    found = pd.DataFrame(
        {
            "runs": seconds.size(),
            "failed": by_name["has_failed"].sum(),
            "failed_share": by_name["has_failed"].mean(),
            "with_errors": with_errors.reindex(seconds.size().index, fill_value=0),
            "timed": seconds.count(),
            "median": seconds.median(),
            "p95": seconds.quantile(0.95),
            "slowest": slowest["seconds"],
            "slowest_job": slowest["last_job"],
            # There is no ratio to zero.
            "change": halves[True] / halves[False].where(halves[False] > 0) - 1,
        }
    ).reset_index(names="name")
    found = found.sort_values(["runs", "name"], ascending=[False, True], ignore_index=True)
    return found.astype(_BY_NAME)
