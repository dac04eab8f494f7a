"""How many jobs were created on each of the last days."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from jobs_data.jobs import frames
from jobs_data.jobs.creation_counts import count_created, quarter_of
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform.database import Database
from jobs_data.platform.times import to_platform


def read_trend(
    database: Database, day_starts: Sequence[datetime], order: CreationOrder | None = None
) -> pd.DataFrame:
    """Return the jobs created on each day, by their state now, as `frames.trend_frame`.

    `day_starts` are the aware starts of the days, oldest first; `order` limits the search for their
    jobs. Of many jobs only the newest are counted; days before today that these do not cover are left
    out. Raises DatabaseUnavailable.
    """
    order = order or CreationOrder(database)
    starts = [to_platform(start, database.timezone) for start in day_starts]
    with database.reading() as connection:
        created = count_created(connection, database, order, day_starts[0])
    # A day begins with a quarter of an hour in every time zone.
    quarters = [quarter_of(start) for start in starts]
    counted = (
        (bisect(quarters, quarter) - 1, state, jobs)
        for (quarter, state), jobs in created.jobs.items()
        if quarter is not None
    )
    trend = frames.trend_frame(counted, day_starts)
    since = created.bound.since if created.bound else None
    return trend if since is None else trend[trend.index >= min(since, day_starts[-1])]
