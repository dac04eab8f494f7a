"""Queues, queued jobs, batches and logs as pandas frames with fixed dtypes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data.platform import times, values
from jobs_data.queues.queue_filters import Kind, QueueState

_TIME: Final = "datetime64[us, UTC]"

QUEUE_COLUMNS: Final = {
    "kind": "str",
    "queue": "str",
    "waiting": "int64",
    "delayed": "int64",
    "running": "int64",
    "completed": "Int64",
    "failed": "int64",
    "other": "Int64",
    "oldest_waiting_seconds": "Int64",
    "completed_last_hour": "Int64",
    "workers": "Int64",
    "worker_seen": _TIME,
}
"""A queue each. NA stands for what the tables do not tell: Laravel forgets a completed job and has
no workers' names, and where nothing waits nothing is the oldest."""

QUEUE_JOB_COLUMNS: Final = {
    "kind": "str",
    "id": "int64",
    "queue": "str",
    "type": "str",
    "status": "str",
    "state": "str",
    "attempts": "str",
    "progress": "Float64",
    "progress_text": "str",
    "batch_id": "Int64",
    "worker": "str",
    "owner": "str",
    "created": _TIME,
    "available": _TIME,
    "started": _TIME,
    "ended": _TIME,
    "error": "str",
}
"""A queued job each. `progress` is a share from 0 to 1, NA where none is told; `state` is a
`QueueState`, `status` the platform's own word, `error` the beginning of the error's text."""

BATCH_COLUMNS: Final = {
    "kind": "str",
    "id": "str",
    "name": "str",
    "queue": "str",
    "owner": "str",
    "status": "str",
    "progress": "Float64",
    "progress_text": "str",
    "completed": "int64",
    "failed": "int64",
    "total": "int64",
    "created": _TIME,
    "started": _TIME,
    "ended": _TIME,
    "estimated_end": _TIME,
}
"""A batch each; `progress` is a share from 0 to 1, `estimated_end` NaT where it cannot be told."""

LOG_COLUMNS: Final = {
    "time": _TIME,
    "event": "str",
    "message": "str",
    "details": "str",
    "job_id": "Int64",
}
"""An event each, oldest first."""

RUNNING_STATUSES: Final = ("reserved", "running", "processing")
UNFINISHED_BATCH_STATUSES: Final = ("pending", "running", "")
FIRST_CHARACTERS: Final = 300
"""How much of an error's text, and of a name in a payload, a table shows."""

_DISPLAY_NAME: Final = re.compile(r'"displayName"\s*:\s*("(?:[^"\\]|\\.)*")')


def framed(records: Iterable[Sequence[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return records as a frame with these columns and dtypes."""
    return pd.DataFrame(list(records), columns=list(columns)).astype(dict(columns))


def state_of(status: str, available: datetime | None, now: datetime) -> QueueState:
    """Return the state of a platform's queued job; the times are aware."""
    if status == "pending":
        is_later = available is not None and available > now
        return QueueState.DELAYED if is_later else QueueState.WAITING
    if status in RUNNING_STATUSES:
        return QueueState.RUNNING
    if status in {QueueState.COMPLETED, QueueState.FAILED}:
        return QueueState(status)
    return QueueState.OTHER


def laravel_state_of(row: Mapping[Any, Any], now: datetime) -> QueueState:
    """Return the state of a row of Laravel's `jobs`; `now` is aware."""
    if row["reserved_at"] is not None:
        return QueueState.RUNNING
    is_later = row["available_at"] is not None and row["available_at"] > now
    return QueueState.DELAYED if is_later else QueueState.WAITING


def share(done: int | None, total: int | None) -> float | None:
    """Return which share is done, from 0 to 1; None where nothing is told."""
    if done is None or not total or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def progress_text(done: int | None, total: int | None, message: str) -> str:
    """Return a progress in words, such as `34 of 100 · reading rows`."""
    # Workers count before they know the total, and some say a message alone.
    count = f"{done or 0:,} of {total:,}" if total else f"{done:,}" if done else ""
    return " · ".join(part for part in (count, message) if part)


def attempts_text(attempts: int | None, most: int | None) -> str:
    """Return how often a job was tried of how often it may be: `1 of 3`."""
    return f"{attempts or 0} of {most}" if most else str(attempts or 0)


def estimated_end(done: int, total: int, started: datetime | None, now: datetime) -> datetime | None:
    """Return when a batch will end at its rate so far; None where that cannot be told.

    That is so before the first job has ended, when all have, and where the start is not known.
    """
    if started is None or done <= 0 or done >= total or now <= started:
        return None
    try:
        return now + (now - started) * ((total - done) / done)
    except OverflowError:
        return None


def class_name_of(payload: str) -> str:
    """Return the class of a Laravel job: the `displayName` at the beginning of its payload."""
    found = _DISPLAY_NAME.search(payload)
    if not found:
        return values.UNKNOWN_NAME
    try:
        return values.text(json.loads(found.group(1))) or values.UNKNOWN_NAME
    except ValueError:
        return values.UNKNOWN_NAME


def first_line(text: str) -> str:
    """Return the first line of an error's text that says anything, cut where it is long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{line[:FIRST_CHARACTERS]}…" if len(line) > FIRST_CHARACTERS else line


def heratio_job(row: Mapping[Any, Any], zone: ZoneInfo, now: datetime) -> tuple[Any, ...]:
    """Return a row of `ahg_queue_job` as a record of QUEUE_JOB_COLUMNS."""
    status = values.text(row["status"])
    available = times.utc(row["available_at"], zone)
    done, total = row["progress_current"], row["progress_total"]
    return (
        Kind.HERATIO.value,
        row["id"],
        values.filled(row["queue"]) or values.UNKNOWN_NAME,
        values.filled(row["job_type"]) or values.UNKNOWN_NAME,
        status,
        state_of(status, available, now).value,
        attempts_text(row["attempt_count"], row["max_attempts"]),
        share(done, total),
        progress_text(done, total, values.text(row["progress_message"])),
        row["batch_id"],
        values.text(row["worker_id"]),
        values.owner_of(row),
        times.utc(row["created_at"], zone),
        available,
        times.utc(row["started_at"], zone),
        times.utc(row["completed_at"], zone),
        first_line(values.text(row["error"])),
    )


def laravel_job(row: Mapping[Any, Any], now: datetime) -> tuple[Any, ...]:
    """Return a row of Laravel's `jobs` as a record of QUEUE_JOB_COLUMNS."""
    state = laravel_state_of(row, now)
    return (
        Kind.LARAVEL.value,
        row["id"],
        values.filled(row["queue"]) or values.UNKNOWN_NAME,
        class_name_of(values.text(row["payload"])),
        state.value,
        state.value,
        attempts_text(row["attempts"], None),
        None,
        "",
        None,
        "",
        values.SYSTEM_OWNER,
        row["created_at"],
        row["available_at"],
        row["reserved_at"],
        None,
        "",
    )


def laravel_failed_job(row: Mapping[Any, Any], zone: ZoneInfo) -> tuple[Any, ...]:
    """Return a row of Laravel's `failed_jobs` as a record of QUEUE_JOB_COLUMNS."""
    state = QueueState.FAILED.value
    return (
        Kind.LARAVEL.value,
        row["id"],
        values.filled(row["queue"]) or values.UNKNOWN_NAME,
        class_name_of(values.text(row["payload"])),
        state,
        state,
        "",
        None,
        "",
        None,
        "",
        values.SYSTEM_OWNER,
        None,
        None,
        None,
        times.utc(row["failed_at"], zone),
        first_line(values.text(row["exception"])),
    )


def heratio_batch(row: Mapping[Any, Any], zone: ZoneInfo, now: datetime) -> tuple[Any, ...]:
    """Return a row of `ahg_queue_batch` as a record of BATCH_COLUMNS."""
    total = row["total_jobs"] or 0
    completed, failed = row["completed_jobs"] or 0, row["failed_jobs"] or 0
    done = completed + failed
    percent = row["progress_percent"]
    started = times.utc(row["started_at"], zone)
    status = values.text(row["status"])
    goes_on = status in UNFINISHED_BATCH_STATUSES
    return (
        Kind.HERATIO.value,
        str(row["id"]),
        values.name_of(row),
        values.text(row["queue"]),
        values.owner_of(row),
        status,
        share(done, total) if total else None if percent is None else min(1.0, percent / 100),
        progress_text(done, total, ""),
        completed,
        failed,
        total,
        times.utc(row["created_at"], zone),
        started,
        times.utc(row["completed_at"], zone),
        estimated_end(done, total, started, now) if goes_on else None,
    )


def laravel_batch(row: Mapping[Any, Any], now: datetime) -> tuple[Any, ...]:
    """Return a row of Laravel's `job_batches` as a record of BATCH_COLUMNS.

    A failed job stays among its pending ones; a batch starts when it is made.
    """
    total = row["total_jobs"] or 0
    completed = max(0, total - (row["pending_jobs"] or 0))
    failed = row["failed_jobs"] or 0
    done = min(total, completed + failed)
    if row["cancelled_at"] is not None:
        status = "cancelled"
    elif row["finished_at"] is not None:
        status = "completed"
    else:
        status = "running" if done else "pending"
    goes_on = status in UNFINISHED_BATCH_STATUSES
    return (
        Kind.LARAVEL.value,
        values.text(row["id"]),
        values.name_of(row),
        "",
        values.SYSTEM_OWNER,
        status,
        share(done, total),
        progress_text(done, total, ""),
        completed,
        failed,
        total,
        row["created_at"],
        row["created_at"],
        row["finished_at"] or row["cancelled_at"],
        estimated_end(done, total, row["created_at"], now) if goes_on else None,
    )


def log_record(row: Mapping[Any, Any], zone: ZoneInfo) -> tuple[Any, ...]:
    """Return a row of `ahg_queue_log` as a record of LOG_COLUMNS."""
    return (
        times.utc(row["created_at"], zone),
        values.text(row["event_type"]),
        values.text(row["message"]),
        values.text(row["details"]),
        row["job_id"],
    )


def age_seconds(since: datetime | None, now: datetime) -> int | None:
    """Return how many whole seconds ago something was, at least 0."""
    return None if since is None else max(0, (now - since) // timedelta(seconds=1))
