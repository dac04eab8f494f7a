"""How long the finished jobs of a name usually take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Final

from sqlalchemy import select

from jobs_data.jobs.durations import seconds_taken, with_execution
from jobs_data.jobs.where import is_called
from jobs_data.platform.database import Database
from jobs_data.platform.status import is_finished
from jobs_data.platform.tables import job, job_execution, object_

FEWEST_RUNS: Final = 5
"""Fewer finished runs do not give a usual duration."""

NEWEST_RUNS: Final = 200
LOOKED_AT_JOBS: Final = 100_000
"""How many of the newest jobs are searched for runs: a name has no index."""

SECONDS: Final = 2


@dataclass(frozen=True)
class UsualDuration:
    """How long the newest finished runs of a name took."""

    runs: int
    """How many runs with a known duration were found, NEWEST_RUNS at most."""
    median_seconds: float | None
    """None, like `p95_seconds`, for fewer runs than FEWEST_RUNS."""
    p95_seconds: float | None
    """Nineteen of twenty runs took no longer."""


def usual_duration(database: Database, name: str) -> UsualDuration:
    """Return how long the newest finished jobs of exactly this name took.

    `values.UNKNOWN_NAME` means the jobs without a name. Raises DatabaseUnavailable, and TookTooLong
    after SECONDS.
    """
    now = datetime.now(UTC)
    source, recorded = with_execution(database, job_execution.c.duration)
    took = seconds_taken(object_.c.created_at, job.c.completed_at, recorded, database.timezone, now)
    oldest = select(job.c.id).order_by(job.c.id.desc()).offset(LOOKED_AT_JOBS).limit(1)
    runs = (
        select(took)
        .select_from(source)
        .where(is_finished(), is_called([name]), took.is_not(None))
        .order_by(job.c.id.desc())
        .limit(NEWEST_RUNS)
    )
    with database.reading(SECONDS) as connection:
        if (last := connection.execute(oldest).scalar()) is not None:
            runs = runs.where(job.c.id > last)
        seconds = connection.execute(runs).scalars().all()
    if len(seconds) < FEWEST_RUNS:
        return UsualDuration(len(seconds), None, None)
    return UsualDuration(
        len(seconds), float(median(seconds)), quantiles(seconds, n=20, method="inclusive")[-1]
    )
