"""Active jobs that are possibly stuck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd
from sqlalchemy import Connection, false, func, select

from jobs_data.jobs.durations import with_execution
from jobs_data.jobs.usual_duration import FEWEST_RUNS
from jobs_data.jobs.where import is_called
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.status import State, is_in
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.statistics.durations import read_runs
from jobs_data.statistics.period import newest_jobs

ACTIVE_JOBS: Final = 2_000
"""How many active jobs are checked: the oldest, which are the likeliest to be stuck."""

SPREADS: Final = 5
SHORTEST_STUCK_SECONDS: Final = 600
_ACTIVE: Final = {"id": "int64", "name": "str", "since": "datetime64[us, UTC]", "seconds": "float64"}


@dataclass(frozen=True)
class Stuck:
    """Active jobs that run far longer than usual for their name."""

    jobs: pd.DataFrame
    """Longest first: `id` int64, `name` str, `since` UTC, `seconds`, `usual` (the name's median) and
    `limit` float64 seconds. `since` is the recorded start, else the creation."""
    cannot_tell: pd.DataFrame
    """Those that run longer than ten minutes and whose name has fewer than 5 finished runs: the same
    columns, the last two NaN."""
    active: int
    looked_at: int
    """How many active jobs were checked, the oldest first."""


def read_stuck(database: Database, now: datetime) -> Stuck:
    """Return the active jobs that run far longer than the finished runs of their name.

    Only jobs that have run for ten minutes are compared, with runs among the newest jobs. Far longer
    means longer than ten minutes and than the median plus five times the median absolute deviation;
    stuck runs would distort quartiles or standard deviations. `now` is aware. Raises
    DatabaseUnavailable.
    """
    with database.reading() as connection:
        active = _active(connection, database, now)
        of = connection.execute(select(func.count()).where(is_in(State.ACTIVE))).scalar_one()
        long = active[active["seconds"] > SHORTEST_STUCK_SECONDS]
        where, _ = newest_jobs(connection)
        where.append(is_called(set(long["name"])) if len(long) else false())
        middle = times.to_platform(now, database.timezone)
        runs = read_runs(connection, database, where, now, middle).dropna(subset="seconds")
    by_name = runs.groupby("name")["seconds"]
    deviation = (runs["seconds"] - by_name.transform("median")).abs().groupby(runs["name"]).median()
    usual = by_name.agg(usual="median", runs="size")
    usual["limit"] = (usual["usual"] + SPREADS * deviation).clip(lower=SHORTEST_STUCK_SECONDS)
    usual = usual.loc[usual["runs"] >= FEWEST_RUNS, ["usual", "limit"]].astype("float64")
    known = long.join(usual, on="name").sort_values("seconds", ascending=False, ignore_index=True)
    return Stuck(
        jobs=known[known["seconds"] > known["limit"]].reset_index(drop=True),
        cannot_tell=known[known["usual"].isna()].reset_index(drop=True),
        active=of,
        looked_at=len(active),
    )


def _active(connection: Connection, database: Database, now: datetime) -> pd.DataFrame:
    source, started = with_execution(database, job_execution.c.started_at)
    rows = connection.execute(
        select(job.c.id, job.c.name, started, object_.c.created_at)
        .select_from(source)
        .where(is_in(State.ACTIVE))
        .order_by(job.c.id)
        .limit(ACTIVE_JOBS)
    )
    active = [
        (job_id, values.name_called(name), since, (now - since).total_seconds())
        for job_id, name, started_at, created_at in rows
        if (begin := started_at or created_at) is not None
        and begin >= times.EARLIEST
        and (since := times.utc(begin, database.timezone)) is not None
    ]
    return pd.DataFrame(active, columns=list(_ACTIVE)).astype(_ACTIVE)
