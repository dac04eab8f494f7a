"""The jobs that have ended since a user's last visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pandas as pd
from sqlalchemy import func, select

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.status import COMPLETED, ERROR, is_finished
from jobs_data.platform.tables import job
from jobs_data.statistics.period import newest_jobs

LISTED_FAILURES: Final = 50
_FAILURES: Final = {"id": "int64", "name": "str", "at": "datetime64[us, UTC]"}


@dataclass(frozen=True)
class News:
    """The jobs that have ended since a time, among the newest ones."""

    completed: int
    failed: int
    failures: pd.DataFrame
    """The latest 50 failures: `id` int64, `name` str, `at` UTC (its completion time)."""
    has_more: bool
    """Whether there are older jobs, which were not read."""


def read_news(database: Database, since: datetime) -> News:
    """Return what completed and what failed since an aware time. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        where, oldest = newest_jobs(connection)
        where.append(job.c.completed_at >= times.to_platform(since, database.timezone))
        count = func.count().label("jobs")
        counted = select(job.c.status_id, count).where(is_finished(), *where).group_by(job.c.status_id)
        counts = {row.status_id: row.jobs for row in connection.execute(counted)}
        latest = connection.execute(
            select(job.c.id, job.c.name, job.c.completed_at)
            .where(job.c.status_id == ERROR, *where)
            .order_by(job.c.completed_at.desc(), job.c.id.desc())
            .limit(LISTED_FAILURES)
        ).all()
    failures = [
        (job_id, values.name_called(name), times.utc(at, database.timezone))
        for job_id, name, at in latest
    ]
    return News(
        completed=counts.get(COMPLETED, 0),
        failed=counts.get(ERROR, 0),
        failures=pd.DataFrame(failures, columns=list(_FAILURES)).astype(_FAILURES),
        has_more=oldest is not None,
    )
