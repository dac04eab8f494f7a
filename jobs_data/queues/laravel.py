"""The framework's own queues: `jobs`, `failed_jobs` and `job_batches`.

Laravel forgets a job that completes, and knows no type, worker, batch or owner of a job. The class of
a job is the `displayName` of its payload.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
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
    estimated_end,
    progress_text,
    share,
)
from jobs_data.queues.overview import Figures, Overview, age_seconds, in_queue, number_of, queue_name
from jobs_data.queues.present import PresentTable, first_line, long_text

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
        figures = Figures()
        capped: list[str] = []
        if self._jobs.exists:
            newest = newest_only(connection, self._jobs, capped)
            figures.add(connection, self._counts(newest, now))
        if self._failed.exists:
            newest = newest_only(connection, self._failed, capped)
            name = queue_name(self._failed["queue"], figures)
            each = select(name).select_from(laravel_failed).where(newest).subquery("each").c
            failed = select(each.queue, func.count().label("failed")).group_by(each.queue)
            figures.add(connection, failed)
        queues = [self._queue(name, known, now) for name, known in figures.items()]
        return Overview(now, tuple(queues), capped=tuple(capped))

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the lists of the unfinished and of the failed jobs that a filter lets through."""
        if asked.heratio_alone:
            return []
        found = []
        states = self._states(now)
        if asked.status in {None, *states}:
            where = true() if asked.status is None else states[asked.status]
            if asked.queue:
                where = and_(where, in_queue(self._jobs["queue"], asked.queue))
            columns = self._select(now, self._jobs.beginning("payload"))
            found.append(Listing(columns, self._jobs, where, self._job))
        if asked.status in {None, QueueState.FAILED}:
            where = in_queue(self._failed["queue"], asked.queue) if asked.queue else true()
            columns = self._select_failed(
                self._failed.beginning("payload"), self._failed.beginning("exception")
            )
            found.append(Listing(columns, self._failed, where, self._failed_job))
        return found

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""
        if key.source is Source.LARAVEL_FAILED:
            return self._read_failed(connection, key.id, now)
        statement = self._select(now, *self._jobs.long_texts("payload"))
        row = self._jobs.find(connection, statement, key.id)
        if row is None:
            return None
        return JobDetails(**vars(self._job(row)), payload=long_text(row, "payload"), read_at=now)

    def batches(self, now: datetime) -> Listing[Batch]:
        """Return the list of its batches, whose ids follow the time of their making."""
        record = partial(self._batch, now=now)
        return Listing(select(*self._batches.short), self._batches, true(), record)

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""
        texts = self._batches.long_texts("options", "failed_job_ids")
        statement = select(*self._batches.short, *texts)
        row = self._batches.find(connection, statement, batch_id)
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

    def _counts(self, newest: ColumnElement[bool], now: datetime) -> Select[Any]:
        """Select how many jobs are in each state, and since when the oldest of them waits."""
        states = self._states(now)
        since: Any = func.coalesce(self._jobs["available_at"], self._jobs["created_at"])
        is_in = [condition.label(state.value) for state, condition in states.items()]
        waits_since = case((states[QueueState.WAITING], since)).label("since")
        name = queue_name(self._jobs["queue"])
        rows = select(name, *is_in, waits_since).select_from(laravel_jobs).where(newest)
        each = rows.subquery("each").c
        counts = [number_of(each[state.value]).label(state.value) for state in states]
        return select(each.queue, *counts, func.min(each.since).label("since")).group_by(each.queue)

    def _queue(self, name: str, known: dict[str, Any], now: datetime) -> Queue:
        return Queue(
            kind=Kind.LARAVEL,
            queue=name,
            waiting=int(known.get("waiting", 0)),
            delayed=int(known.get("delayed", 0)),
            running=int(known.get("running", 0)),
            failed=known.get("failed", 0),
            oldest_waiting_seconds=age_seconds(known.get("since"), now),
        )

    def _select(self, now: datetime, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, except for `payload`, and other columns."""
        state = case(*((condition, name.value) for name, condition in self._states(now).items()))
        return select(*self._jobs.short, state.label("state"), *others)

    def _job(self, row: RowMapping) -> QueuedJob:
        state = QueueState(row["state"])
        return QueuedJob(
            source=Source.LARAVEL,
            id=row["id"],
            queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
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
        return select(*self._failed.short, *self._failed.named("queue"), *others)

    def _failed_job(self, row: RowMapping) -> QueuedJob:
        return QueuedJob(
            source=Source.LARAVEL_FAILED,
            id=row["id"],
            queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
            type=class_name_of(values.text(row["payload"])),
            status=QueueState.FAILED.value,
            state=QueueState.FAILED,
            ended=times.utc(row["failed_at"], self._zone),
            error=first_line(values.text(row["exception"])),
        )

    def _read_failed(self, connection: Connection, failed_id: int, now: datetime) -> JobDetails | None:
        statement = self._select_failed(
            self._failed.beginning("connection"),
            *self._failed.long_texts("payload", "exception"),
        )
        row = self._failed.find(connection, statement, failed_id)
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
