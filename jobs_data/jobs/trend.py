"""How many jobs were created on each of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import case, func, literal, select

from jobs_data.jobs import frames
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform.database import Database
from jobs_data.platform.status import state_of
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import to_platform


def read_trend(
    database: Database, day_starts: Sequence[datetime], order: CreationOrder | None = None
) -> pd.DataFrame:
    """Return the jobs created on each day, by their state now, as `frames.trend_frame`.

    `day_starts` are the aware starts of the days, oldest first; `order` limits the search for their
    jobs. Raises DatabaseUnavailable.
    """
    order = order or CreationOrder(database)
    created = object_.c.created_at
    starts = [to_platform(start, database.timezone) for start in day_starts]
    is_since = [created >= literal(start, created.type) for start in starts]
    # One CASE branch per day instead of a date function, because the days are the user's.
    latest_first = reversed([(since, day) for day, since in enumerate(is_since)])
    ended = job.c.completed_at.is_not(None).label("ended")
    statement = (
        select(case(*latest_first).label("day"), job.c.status_id, ended, func.count())
        .select_from(job.join(object_, object_.c.id == job.c.id))
        .group_by("day", job.c.status_id, "ended")
    )
    with database.reading() as connection:
        where = (is_since[0], *order.since(connection, starts[0]))
        rows = connection.execute(statement.where(*where)).all()
    counted = ((day, state_of(status_id, bool(ended)), jobs) for day, status_id, ended, jobs in rows)
    return frames.trend_frame(counted, day_starts)
