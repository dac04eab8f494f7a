"""Rows of the database as pandas frames with fixed dtypes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data.platform import values
from jobs_data.platform.status import State, label_of, state_of
from jobs_data.platform.times import CLOCK_TOLERANCE, EARLIEST, utc

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
"""The columns of a frame of jobs. pandas would otherwise guess: a NULL turns integers
into floats, and an empty result has no types at all."""

LIST_COLUMNS: Final = {
    **JOB_COLUMNS,
    "started": _TIME,
    "seconds": "Int64",
    "record": "str",
    "reason": "str",
    "result": "str",
    "errors": "Int64",
    "warnings": "Int64",
    "did": "str",
    "hit": "str",
}
"""The columns of a page of the list, which has more than previews and dialogs."""

FrameRow = Mapping[Any, Any]
"""A row of a frame by its columns."""

FOLDED_COLUMNS: Final = {**LIST_COLUMNS, "jobs": "int64", "oldest": _TIME}
"""The columns of a frame of lines: one job, or several in a row."""


def jobs_frame(
    rows: Iterable[Mapping[Any, Any]], status_names: dict[int, str], timezone: ZoneInfo
) -> pd.DataFrame:
    """Return rows of the list's columns as a frame with the columns and dtypes of JOB_COLUMNS.

    `name` and `owner` are never empty, `status` is the chip's text, `state` a `State`, `slug` is
    empty where there is none, and the times are in UTC, read from the platform's `timezone`.
    """
    return _frame([_job(row, status_names, timezone) for row in rows], JOB_COLUMNS)


def list_frame(
    rows: Iterable[Mapping[Any, Any]],
    status_names: dict[int, str],
    timezone: ZoneInfo,
    reasons: Mapping[int, str],
    now: datetime,
    *,
    counts: Mapping[int, tuple[int, int]],
    did: Mapping[int, str],
    hits: Mapping[int, str],
) -> pd.DataFrame:
    """Return `jobs_frame` with the columns and dtypes of LIST_COLUMNS.

    `started` is in UTC, and empty if the recorded start is before the creation or after `now`,
    which is aware. `seconds` is how long a job took, NA for an active one and where that is not known.
    `record` is the related record's slug, else its number, `reason` one line of `reasons`, by the jobs'
    ids, and `result` the path of the result file as it is stored; each is empty where there is none.
    `errors` and `warnings` are how many a finished job's output has, from `counts`, NA where they were
    not read; `did` is one line of what it was about, `hit` the text that a search has found.
    """
    latest, never = now + CLOCK_TOLERANCE, EARLIEST.replace(tzinfo=UTC)
    records = []
    for row in rows:
        shown = _job(row, status_names, timezone)
        earliest = shown["created"] or never
        started = utc(row["started_at"], timezone, after=earliest)
        shown["started"] = started if started and earliest <= started <= latest else None
        shown["seconds"] = None if shown["state"] == State.ACTIVE else row["seconds"]
        number = "" if row["object_id"] is None else f"#{row['object_id']}"
        shown["record"] = shown["slug"] or number
        shown["reason"] = reasons.get(row["id"], "")
        shown["result"] = values.text(row["download_path"])
        shown["errors"], shown["warnings"] = counts.get(row["id"], (None, None))
        shown["did"] = did.get(row["id"], "")
        shown["hit"] = hits.get(row["id"], "")
        records.append(shown)
    return _frame(records, LIST_COLUMNS)


def _job(row: Mapping[Any, Any], status_names: dict[int, str], timezone: ZoneInfo) -> dict[str, Any]:
    """Return the values of JOB_COLUMNS."""
    state = state_of(row["status_id"], row["has_ended"])
    created = utc(row["created_at"], timezone)
    return {
        "id": row["id"],
        "name": values.name_of(row),
        "status": label_of(row["status_id"], state, status_names),
        "state": state.value,
        "owner": values.owner_of(row),
        "created": created,
        "completed": utc(row["completed_at"], timezone, after=created),
        "object_id": row["object_id"],
        "slug": values.text(row["slug"]),
    }


def _frame(records: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(records, columns=list(columns)).astype(dict(columns))


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


def records(frame: pd.DataFrame) -> list[FrameRow]:
    """Return the rows of a frame; `to_dict("records")` takes five times as long."""
    columns = [frame[name].tolist() for name in frame]
    return [dict(zip(frame, row, strict=True)) for row in zip(*columns, strict=True)]
