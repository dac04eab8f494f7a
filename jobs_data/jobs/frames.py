"""Rows of the database as pandas frames with fixed dtypes, and the words that stand for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data.platform.status import State, label_of, state_of

UNKNOWN_NAME: Final = "[Unknown]"
SYSTEM_OWNER: Final = "System"

JOB_COLUMNS: Final = {
    "id": "int64",
    "name": "str",
    "status": "str",
    "state": "str",
    "owner": "str",
    "created": "datetime64[us, UTC]",
    "completed": "datetime64[us, UTC]",
    "object_id": "Int64",
    "slug": "str",
}
"""The columns of a frame of jobs. pandas would otherwise guess by content: a NULL turns integers
into floats, and an empty result has no types at all."""

FOLDED_COLUMNS: Final = {**JOB_COLUMNS, "jobs": "int64", "oldest": "datetime64[us, UTC]"}
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
        records.append(
            (
                row["id"],
                name_of(row),
                label_of(row["status_id"], state, status_names),
                state.value,
                owner_of(row),
                utc(row["created_at"], timezone),
                utc(row["completed_at"], timezone),
                row["object_id"],
                text(row["slug"]),
            )
        )
    return pd.DataFrame(records, columns=list(JOB_COLUMNS)).astype(JOB_COLUMNS)


def folded_frame(
    newest: pd.DataFrame, jobs: Sequence[int], oldest: Iterable[datetime | None], timezone: ZoneInfo
) -> pd.DataFrame:
    """Return lines of a folded list with the columns and dtypes of FOLDED_COLUMNS.

    `newest` has the first job of each line, `jobs` for how many it stands, and `oldest` when the last
    of them was created, read from the platform's `timezone`.
    """
    times = pd.Series([utc(time, timezone) for time in oldest], dtype="datetime64[us, UTC]")
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
    columns = ["total", *(s.value for s in (State.ACTIVE, State.COMPLETED, State.FAILED))]
    return pd.DataFrame(
        {column: [jobs_of[day, column] for day in range(len(day_starts))] for column in columns},
        index=pd.DatetimeIndex(list(day_starts), name="day"),
        dtype="int64",
    )


def owner_of(row: Mapping[Any, Any]) -> str:
    """Return whose job it is: the display name, else the user name, else System."""
    return owner_called(row["username"], row["display_name"])


def owner_called(username: Any, display_name: Any) -> str:
    """Return what an owner with these names is called."""
    return filled(display_name) or filled(username) or SYSTEM_OWNER


def name_of(row: Mapping[Any, Any]) -> str:
    """Return what the job is called, as it is; `[Unknown]` where the name is empty."""
    return name_called(row["name"])


def name_called(name: Any) -> str:
    """Return what a job with this name is called."""
    return filled(name) or UNKNOWN_NAME


def filled(value: Any) -> str:
    """Return a text column's value as it is, but empty where it holds nothing but white space."""
    return found if (found := text(value)).strip() else ""


def utc(value: datetime | None, timezone: ZoneInfo) -> datetime | None:
    """Return a platform's naive time as an aware one in UTC; NULL stays None.

    An hour that a clock change repeats is taken as its first pass: the data does not say which.
    A time that is aware already, as Laravel's are, keeps its own zone.
    """
    if value is None:
        return None
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    try:
        return value.replace(tzinfo=timezone).astimezone(UTC)
    except OverflowError:  # the first hours of the year 1, which no platform means
        return None


def text(value: Any) -> str:
    """Return a text column's value as text that every part of the app can carry; NULL is empty.

    SQLite may hand out bytes where a stranger put them, and a lone surrogate would break both the
    CSV's UTF-8 and the browser's wire format.
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")
