"""How long the finished jobs of a name usually take."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import pandas as pd
from sqlalchemy import Connection, func, select

from jobs_data.jobs.durations import seconds_taken, with_execution
from jobs_data.jobs.where import is_called
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly
from jobs_data.platform.status import is_finished
from jobs_data.platform.tables import job, job_execution, object_

FEWEST_RUNS: Final = 5
"""Fewer finished runs do not give a usual duration."""

NEWEST_RUNS: Final = 200
"""How many finished runs of a name are looked at, the newest."""

LOOKED_AT_JOBS: Final = 100_000
"""How many of the newest jobs are searched for runs: a name has no index."""

SPREADS: Final = 5
SHORTEST_LIMIT_SECONDS: Final = 600
_RUNS: Final = {"name": "str", "seconds": "float64"}


def read_usual_durations(
    connection: Connection, database: Database, names: Collection[str], now: datetime
) -> pd.DataFrame:
    """Return how long the newest finished jobs of exactly some names took, a row per name.

    The index is the name, `values.UNKNOWN_NAME` for the jobs without one. Columns, all float64: `runs`,
    those whose duration is known; and in seconds `usual`, the median, `p95`, which nineteen of twenty
    did not exceed, and `limit`, beyond which a job runs far longer than usual. These three are NaN for
    fewer runs than FEWEST_RUNS. `now` is aware.

    The limit is the median plus five times the median absolute deviation, which a few stuck jobs do not
    distort; at least ten minutes and `p95`, because one job in twenty is no alarm. Raises what the
    driver raises.
    """
    oldest = select(job.c.id).order_by(job.c.id.desc()).offset(LOOKED_AT_JOBS).limit(1)
    since = connection.execute(oldest).scalar() or 0 if names else 0
    called = exactly(job.c.name)
    place = func.row_number().over(partition_by=called, order_by=job.c.id.desc())
    newest = (
        select(job.c.id, called.label("called"), place.label("place"))
        .where(is_finished(), is_called(names), job.c.id > since)
        .subquery("newest")
    )
    source, (recorded,) = with_execution(database, job_execution.c.duration)
    took = seconds_taken(object_.c.created_at, job.c.completed_at, recorded, database.timezone, now)
    runs = (
        select(newest.c.called, took)
        .select_from(source.join(newest, newest.c.id == job.c.id))
        .where(newest.c.place <= NEWEST_RUNS, took.is_not(None))
    )
    rows = connection.execute(runs) if names else ()
    found = [(values.name_called(name), float(seconds)) for name, seconds in rows]
    frame = pd.DataFrame(found, columns=list(_RUNS)).astype(_RUNS)
    by_name = frame.groupby("name")["seconds"]
    usual = pd.DataFrame({"usual": by_name.median(), "p95": by_name.quantile(0.95)})
    deviations = (frame["seconds"] - by_name.transform("median")).abs().groupby(frame["name"])
    limit = usual["usual"] + SPREADS * deviations.median()
    usual["limit"] = limit.clip(lower=usual["p95"].clip(lower=SHORTEST_LIMIT_SECONDS))
    count = by_name.size()
    usual = usual[count >= FEWEST_RUNS].reindex(sorted(names))
    return usual.assign(runs=count.reindex(usual.index, fill_value=0)).astype("float64")
