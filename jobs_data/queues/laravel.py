"""The framework's own queues: `jobs`, `failed_jobs` and `job_batches`.

Laravel forgets a job that completes, and knows no type, worker, batch or owner of a job. The class of
a job is the `displayName` of its payload.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    select,
    true,
)

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import laravel_batches, laravel_failed, laravel_jobs
from jobs_data.platform.types import UnixTime
from jobs_data.queues.filters import QueueFilter
from jobs_data.queues.listing import Listing, newest_only
from jobs_data.queues.model import (
    Batch,
    BatchDetails,
    JobDetails,
    JobKey,
    Kind,
    Queue,
    QueuedJob,
    QueueState,
    Source,
)
from jobs_data.queues.overview import Overview, age_seconds, by_queue, figures, number_of
from jobs_data.queues.present import PresentTable, first_line, long_text
from jobs_data.queues.progress import estimated_end, progress_text, share

_DISPLAY_NAME: Final = re.compile(r'"displayName"\s*:\s*("(?:[^"\\]|\\.)*")')


class Laravel:
    """The queues of the framework."""

    def __init__(self, database: Database) -> None:
        """Look nothing up yet."""
        self._zone = database.timezone
        self._jobs = PresentTable(database, laravel_jobs)
        self._failed = PresentTable(database, laravel_failed)
        self._batches = PresentTable(database, laravel_batches)

    def overview(self, connection: Connection, now: datetime) -> Overview:
        """Return the figures of its queues, counted in the newest rows of each table."""
        parts: list[Select[Any]] = []
        capped: list[str] = []
        if self._jobs.exists:
            newest, is_capped = newest_only(connection, laravel_jobs)
            capped += [laravel_jobs.name] * is_capped
            parts.append(self._counts(now).where(newest).group_by(self._jobs["queue"]))
        if self._failed.exists:
            newest, is_capped = newest_only(connection, laravel_failed)
            capped += [laravel_failed.name] * is_capped
            failed = figures(self._failed.queue, failed=func.count())
            # Without this there would be no FROM where the table has none of the columns.
            failed = failed.select_from(laravel_failed)
            parts.append(failed.where(newest).group_by(self._failed["queue"]))
        rows = connection.execute(by_queue(parts, UnixTime())).mappings().all() if parts else []
        return Overview([self._queue(row, now) for row in rows], capped=tuple(capped))

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the lists of the unfinished and of the failed jobs that a filter lets through."""
        if asked.type or asked.worker or asked.batch is not None:
            return []
        found = []
        states = self._states(now)
        if self._jobs.exists and asked.status in {None, *states}:
            where = true() if asked.status is None else states[asked.status]
            if asked.queue:
                where = and_(where, self._jobs.in_queue(asked.queue))
            columns = self._select(now, self._jobs.beginning("payload"))
            found.append(Listing(columns, laravel_jobs, where, self._job))
        if self._failed.exists and asked.status in {None, QueueState.FAILED}:
            where = self._failed.in_queue(asked.queue) if asked.queue else true()
            columns = self._select_failed(
                self._failed.beginning("payload"), self._failed.beginning("exception")
            )
            found.append(Listing(columns, laravel_failed, where, self._failed_job))
        return found

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""
        if key.source is Source.LARAVEL_FAILED:
            return self._read_failed(connection, key.id, now)
        if not self._jobs.exists:
            return None
        statement = self._select(now, *self._jobs.long_texts("payload"))
        row = connection.execute(statement.where(laravel_jobs.c.id == key.id)).mappings().first()
        if row is None:
            return None
        return JobDetails(
            **vars(self._job(row)),
            payload=long_text(row, "payload"),
            read_at=now,
        )

    def batches(self, now: datetime) -> Sequence[Listing[Batch]]:
        """Return the list of its batches, whose ids follow the time of their making."""
        if not self._batches.exists:
            return []

        def record(row: RowMapping) -> Batch:
            return self._batch(row, now)

        return [Listing(self._select_batches(), laravel_batches, true(), record)]

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""
        if not self._batches.exists:
            return None
        statement = self._select_batches(*self._batches.long_texts("options", "failed_job_ids"))
        row = connection.execute(statement.where(laravel_batches.c.id == batch_id)).mappings().first()
        if row is None:
            return None
        return BatchDetails(
            **vars(self._batch(row, now)),
            options=long_text(row, "options"),
            failed_ids=long_text(row, "failed_job_ids").text,
            read_at=now,
        )

    def _states(self, now: datetime) -> Mapping[QueueState, ColumnElement[bool]]:
        """Return the SQL condition of each state that a job in `jobs` can be in."""
        reserved, available = self._jobs["reserved_at"], self._jobs["available_at"]
        is_later = and_(available.is_not(None), available > literal(now, UnixTime()))
        return {
            QueueState.RUNNING: reserved.is_not(None),
            QueueState.DELAYED: and_(reserved.is_(None), is_later),
            QueueState.WAITING: and_(reserved.is_(None), not_(is_later)),
        }

    def _counts(self, now: datetime) -> Select[Any]:
        states = self._states(now)
        since: Any = func.coalesce(self._jobs["available_at"], self._jobs["created_at"])
        return figures(
            self._jobs.queue,
            **{state.value: number_of(condition) for state, condition in states.items()},
            since=func.min(case((states[QueueState.WAITING], since))),
        ).select_from(laravel_jobs)

    def _queue(self, row: RowMapping, now: datetime) -> Queue:
        return Queue(
            kind=Kind.LARAVEL,
            queue=values.text(row["queue"]),
            **{name: int(row[name]) for name in ("waiting", "delayed", "running", "failed")},
            completed=None,
            other=None,
            oldest_waiting_seconds=age_seconds(row["since"], now),
            completed_last_hour=None,
            workers=None,
            worker_seen=None,
        )

    def _select(self, now: datetime, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, except for `payload`, and other columns."""
        state = case(*((condition, name.value) for name, condition in self._states(now).items()))
        names = ("id", "attempts", "reserved_at", "available_at", "created_at")
        return select(
            *self._jobs.named(*names), self._jobs.queue.label("queue"), state.label("state"), *others
        )

    def _job(self, row: RowMapping) -> QueuedJob:
        state = QueueState(row["state"])
        return QueuedJob(
            source=Source.LARAVEL,
            id=row["id"],
            queue=values.text(row["queue"]),
            type=class_name_of(values.text(row["payload"])),
            status=state.value,
            state=state,
            attempts=row["attempts"],
            created=row["created_at"],
            available=row["available_at"],
            started=row["reserved_at"],
        )

    def _select_failed(self, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_failed_job` reads, except for its texts, and other columns."""
        named = self._failed.named("id", "failed_at")
        return select(*named, self._failed.queue.label("queue"), *others)

    def _failed_job(self, row: RowMapping) -> QueuedJob:
        return QueuedJob(
            source=Source.LARAVEL_FAILED,
            id=row["id"],
            queue=values.text(row["queue"]),
            type=class_name_of(values.text(row["payload"])),
            status=QueueState.FAILED.value,
            state=QueueState.FAILED,
            ended=times.utc(row["failed_at"], self._zone),
            error=first_line(values.text(row["exception"])),
        )

    def _read_failed(self, connection: Connection, failed_id: int, now: datetime) -> JobDetails | None:
        if not self._failed.exists:
            return None
        statement = self._select_failed(
            *self._failed.named("uuid"),
            self._failed.beginning("connection"),
            *self._failed.long_texts("payload", "exception"),
        )
        row = connection.execute(statement.where(laravel_failed.c.id == failed_id)).mappings().first()
        if row is None:
            return None
        return JobDetails(
            **vars(self._failed_job(row)),
            payload=long_text(row, "payload"),
            error_trace=long_text(row, "exception"),
            uuid=values.text(row["uuid"]),
            connection=values.text(row["connection"]),
            read_at=now,
        )

    def _select_batches(self, *others: ColumnElement[Any]) -> Select[Any]:
        names = ("id", "name", "total_jobs", "pending_jobs", "failed_jobs")
        moments = ("cancelled_at", "created_at", "finished_at")
        return select(*self._batches.named(*names, *moments), *others)

    def _batch(self, row: RowMapping, now: datetime) -> Batch:
        # A failed job stays among the pending ones, and a batch starts when it is made.
        total = row["total_jobs"] or 0
        completed = max(0, total - (row["pending_jobs"] or 0))
        failed = row["failed_jobs"] or 0
        done = min(total, completed + failed)
        status = "running" if done else "pending"
        if row["cancelled_at"] is not None:
            status = "cancelled"
        elif row["finished_at"] is not None:
            status = "completed"
        ended = row["finished_at"] or row["cancelled_at"]
        goes_on = status in {"running", "pending"}
        return Batch(
            kind=Kind.LARAVEL,
            id=values.text(row["id"]),
            name=values.name_of(row),
            queue=None,
            owner=None,
            status=status,
            progress=share(done, total),
            progress_text=progress_text(done, total),
            completed=completed,
            failed=failed,
            total=total,
            created=row["created_at"],
            started=row["created_at"],
            ended=ended,
            estimated_end=estimated_end(done, total, row["created_at"], now) if goes_on else None,
        )


def class_name_of(payload: str) -> str:
    """Return the class of a Laravel job: the `displayName` at the beginning of its payload."""
    found = _DISPLAY_NAME.search(payload)
    if not found:
        return values.UNKNOWN_NAME
    try:
        return values.text(json.loads(found.group(1))) or values.UNKNOWN_NAME
    except ValueError:
        return values.UNKNOWN_NAME
