"""Whose the jobs of a period were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import func, select

from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import owner_names
from jobs_data.platform.status import COMPLETED, ERROR
from jobs_data.platform.tables import job
from jobs_data.statistics.period import DATED_JOBS, Narrowing, Period, created_since, newest_jobs

_BY_OWNER: Final = {"owner": "str", "total": "int64", "completed": "int64", "failed": "int64"}


@dataclass(frozen=True)
class Owners:
    """Whose jobs they were."""

    by_owner: pd.DataFrame
    """A row per owner, most jobs first: `owner` str, `total`, `completed`, `failed` int64."""
    looked_at: int
    has_more: bool
    """Whether the period has more jobs than were looked at, which are the newest."""


def read_owners(
    database: Database, order: Narrowing, period: Period, zone: ZoneInfo, now: datetime
) -> Owners:
    """Return whose the jobs of a period were; `now` is aware. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        since = created_since(connection, database, order, period.start(zone, now))
        scope = newest_jobs(connection, since)
        rows = connection.execute(
            select(job.c.user_id, job.c.status_id, func.count())
            .select_from(DATED_JOBS)
            .where(*scope.where)
            .group_by(job.c.user_id, job.c.status_id)
        ).all()
        owners = owner_names(connection, database, {row.user_id for row in rows})
    counts = [
        (
            owners.get(user_id, values.SYSTEM_OWNER),
            jobs,
            jobs * (status_id == COMPLETED),
            jobs * (status_id == ERROR),
        )
        for user_id, status_id, jobs in rows
    ]
    counted = pd.DataFrame(counts, columns=list(_BY_OWNER)).astype(_BY_OWNER)
    by_owner = counted.groupby("owner", as_index=False).sum()
    return Owners(
        by_owner.sort_values(["total", "owner"], ascending=[False, True], ignore_index=True),
        scope.looked_at,
        scope.has_more,
    )
