"""How many jobs were created on each of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import (
    Connection,
    case,
    func,
    literal,
    select,
)

from jobs_data.jobs import frames
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform.database import Database
from jobs_data.platform.status import state_of
from jobs_data.platform.tables import (
    job,
    object_,
)
from jobs_data.platform.times import to_platform


def read_trend(
    database: Database, day_starts: Sequence[datetime], order: CreationOrder | None = None
) -> pd.DataFrame:
    """Return the jobs created on each day as `frames.trend_frame`.

    `day_starts` are the aware starts of the days, oldest first; `order` tells where jobs of these days
    can be. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        return _trend(connection, database, day_starts, order or CreationOrder(database))


def _trend(
    connection: Connection,
    database: Database,
    day_starts: Sequence[datetime],
    order: CreationOrder,
) -> pd.DataFrame:
    """Count the jobs created on each day, by their state now."""
    created = object_.c.created_at
    naive = [to_platform(start, database.timezone) for start in day_starts]
    # One CASE branch per day rather than a date function: it is the viewer's days that count.
    latest_first = [(created >= literal(start, created.type), day) for day, start in enumerate(naive)][
        ::-1
    ]
    day = case(*latest_first).label("day")
    ended = job.c.completed_at.is_not(None).label("ended")
    statement = (
        select(day, job.c.status_id, ended, func.count().label("jobs"))
        .select_from(job.join(object_, object_.c.id == job.c.id))
        .where(created >= literal(naive[0], created.type), *order.since(connection, naive[0]))
        .group_by("day", job.c.status_id, "ended")
    )
    counted = [
        (row.day, state_of(row.status_id, bool(row.ended)), row.jobs)
        for row in connection.execute(statement)
    ]
    return frames.trend_frame(counted, day_starts)
