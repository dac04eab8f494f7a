"""Rows of the database as pandas frames with fixed dtypes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data.platform import values
from jobs_data.platform.status import State, label_of, state_of
from jobs_data.platform.times import utc

_TIME: Final = "datetime64[us, UTC]"
JOB_COLUMNS: Final = {
    "id": "int64",
    "name": "str",
    "status": "str",
    "state": "str",
    "owner": "str",
    "created": _TIME,
    "completed": _TIME,
    "object_id": "Int64",
    "slug": "str",
}
"""The columns of a frame of jobs. pandas would otherwise guess by content: a NULL turns integers
into floats, and an empty result has no types at all."""

FOLDED_COLUMNS: Final = {**JOB_COLUMNS, "jobs": "int64", "oldest": _TIME}
"""The columns of a frame of lines, each of which stands for one job or several in a row."""


def jobs_frame(
    rows: Iterable[Mapping[Any, Any]], status_names: dict[int, str], timezone: ZoneInfo
) -> pd.DataFrame:
    """Return rows of the list's columns as a frame with the columns and dtypes of JOB_COLUMNS.

    `name` and `owner` are never empty, `status` is the chip's text, `state` a `State`, `slug` is
    empty where there is none, and the times are in UTC, read from the platform's `timezone`.
    """
    records = []
    for row in rows:
        state = state_of(row["status_id"], row["has_ended"])
        status = label_of(row["status_id"], state, status_names)
        created = utc(row["created_at"], timezone)
        times = created, utc(row["completed_at"], timezone, after=created)
        record = (row["object_id"], values.text(row["slug"]))
        names = (values.name_of(row), status, state.value, values.owner_of(row))
        records.append((row["id"], *names, *times, *record))
    return pd.DataFrame(records, columns=list(JOB_COLUMNS)).astype(JOB_COLUMNS)


def folded_frame(
    newest: pd.DataFrame, jobs: Sequence[int], oldest: Iterable[datetime | None], timezone: ZoneInfo
) -> pd.DataFrame:
    """Return lines of a folded list with the columns and dtypes of FOLDED_COLUMNS.

    `newest` has the first job of each line, `jobs` for how many it stands, and `oldest` when the last
    of them was created, read from the platform's `timezone`.
    """
    times = pd.Series([utc(time, timezone) for time in oldest], dtype=_TIME)
    return newest.assign(jobs=list(jobs), oldest=times).astype(FOLDED_COLUMNS)


def trend_frame(
    counted: Iterable[tuple[int, State, int]], day_starts: Sequence[datetime]
) -> pd.DataFrame:
    """Return how many jobs were created on each day: a row per day and these int64 columns.

    `total`, `active`, `completed` and `failed`, by the state the jobs are in now. The index is the
    start of the day, aware, oldest first. `counted` holds (day's number, state, jobs).
    """
    jobs_of: Counter[tuple[int, str]] = Counter()
    for day, state, jobs in counted:
        jobs_of[day, "total"] += jobs
        jobs_of[day, state.value] += jobs
    columns = ("total", "active", "completed", "failed")
    return pd.DataFrame(
        {column: [jobs_of[day, column] for day in range(len(day_starts))] for column in columns},
        index=pd.DatetimeIndex(list(day_starts), name="day"),
        dtype="int64",
    )
