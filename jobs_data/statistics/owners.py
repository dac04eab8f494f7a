"""The users of a period's jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import func, select

from jobs_data.jobs.choices import distinct_labels
from jobs_data.jobs.creation_counts import Bound
from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.view import NO_OWNER
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import owner_names
from jobs_data.platform.status import COMPLETED, ERROR
from jobs_data.platform.tables import job
from jobs_data.statistics.period import Period, newest_created_since

_BY_OWNER: Final = ("id", "total", "completed", "failed")


@dataclass(frozen=True)
class Owners:
    """How many jobs each user had."""

    by_owner: pd.DataFrame
    """A row per owner, most jobs first: `id` int64, NO_OWNER for jobs without one, `owner` str,
    `total`, `completed`, `failed` int64."""
    bound: Bound | None
    """The newest jobs, which alone count; None where all of the period do."""


def read_owners(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Owners:
    """Return how many jobs each user had in a period; `now` is aware. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        start = period.start(zone, now)
        where, bound = newest_created_since(connection, database, order, start)
        rows = connection.execute(
            select(job.c.user_id, job.c.status_id, func.count())
            .select_from(with_object())
            .where(*where)
            .group_by(job.c.user_id, job.c.status_id)
        ).all()
        names = owner_names(connection, database, {row.user_id for row in rows})
    owners = {row.user_id or NO_OWNER: names.get(row.user_id, values.SYSTEM_OWNER) for row in rows}
    counts = [
        (
            user_id or NO_OWNER,
            jobs,
            jobs * (status_id == COMPLETED),
            jobs * (status_id == ERROR),
        )
        for user_id, status_id, jobs in rows
    ]
    counted = pd.DataFrame(counts, columns=_BY_OWNER).astype("int64")
    by_owner = counted.groupby("id", as_index=False).sum()
    by_owner.insert(1, "owner", by_owner["id"].map(distinct_labels(owners)).astype("str"))
    by_owner = by_owner.sort_values(["total", "owner"], ascending=[False, True], ignore_index=True)
    return Owners(by_owner, bound)
