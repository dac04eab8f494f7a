"""The platform's own queues: `ahg_queue_job`, `ahg_queue_failed` and `ahg_queue_batch`."""

from __future__ import annotations

from collections.abc import Sequence
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
    null,
    select,
    true,
)

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import queue_batch, queue_failed, queue_job
from jobs_data.queues.filters import QueueFilter
from jobs_data.queues.heratio_overview import read_overview, states
from jobs_data.queues.listing import Listing
from jobs_data.queues.model import (
    Batch,
    BatchDetails,
    JobDetails,
    JobKey,
    Kind,
    QueuedJob,
    QueueState,
    Source,
    estimated_end,
    progress_text,
    share,
)
from jobs_data.queues.overview import Overview, in_queue
from jobs_data.queues.present import PresentTable, first_line, long_text
from jobs_data.url_values import parse_number

UNFINISHED_BATCH_STATUSES: Final = ("pending", "running", "")
MOST_IN_CHAIN: Final = 200


class Heratio:
    """The queues of the platform itself."""

    def __init__(self, database: Database) -> None:
        """Look nothing up yet."""
        self._zone = database.timezone
        self._jobs = PresentTable(database, queue_job)
        self._failed = PresentTable(database, queue_failed)
        self._batches = PresentTable(database, queue_batch)

    def overview(self, connection: Connection, now: datetime) -> Overview:
        """Return the figures of its queues; see `heratio_overview`."""
        return read_overview(connection, self._jobs, self._failed, now)

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the list of the jobs that a filter lets through."""
        wanted = {"job_type": asked.type, "worker_id": asked.worker, "batch_id": asked.batch}
        conditions = [self._jobs[name] == value for name, value in wanted.items() if value]
        if asked.queue:
            conditions.append(in_queue(self._jobs["queue"], asked.queue))
        if asked.status is not None:
            conditions.append(states(self._jobs, now)[asked.status])
        columns = self._select(now, self._jobs.beginning("error_message"))
        return [Listing(columns, self._jobs, and_(true(), *conditions), self._job)]

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""
        statement = self._select(
            now,
            *self._jobs.long_texts("payload", "result_data", "error_message", "error_trace"),
            self._batch_name().label("batch_name"),
        )
        row = self._jobs.find(connection, statement, key.id)
        return None if row is None else self._details(row, now)

    def chain(self, connection: Connection, chain_id: int, now: datetime) -> list[QueuedJob]:
        """Return the jobs of a chain in its order, at most the first MOST_IN_CHAIN."""
        if not self._jobs.has("chain_id"):
            return []
        rows = connection.execute(
            self._select(now, self._jobs.beginning("error_message"))
            .where(queue_job.c.chain_id == chain_id)
            .order_by(self._jobs["chain_order"], queue_job.c.id)
            .limit(MOST_IN_CHAIN)
        )
        return [self._job(row) for row in rows.mappings()]

    def batches(self, now: datetime) -> Listing[Batch]:
        """Return the list of its batches."""
        record = partial(self._batch, now=now)
        return Listing(self._select_batches(), self._batches, true(), record)

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""
        number = parse_number(batch_id)
        if number is None:
            return None
        statement = self._select_batches(*self._batches.long_texts("options"))
        row = self._batches.find(connection, statement, number)
        if row is None:
            return None
        return BatchDetails(
            **vars(self._batch(row, now)),
            options=long_text(row, "options"),
            max_concurrent=row["max_concurrent"],
            delay_between_ms=row["delay_between_ms"],
            max_retries=row["max_retries"],
            read_at=now,
        )

    def _select(self, now: datetime, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, except for `error_message`, and other columns."""
        *known, (other, _) = states(self._jobs, now).items()
        state = case(*((condition, name.value) for name, condition in known), else_=other.value)
        return self._jobs.select_with_owner(*self._jobs.short, state.label("state"), *others)

    def _job(self, row: RowMapping) -> QueuedJob:
        done, total = row["progress_current"], row["progress_total"]
        return QueuedJob(
            source=Source.HERATIO,
            id=row["id"],
            queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
            type=values.filled(row["job_type"]) or values.UNKNOWN_NAME,
            status=values.text(row["status"]),
            state=QueueState(row["state"]),
            attempts=row["attempt_count"],
            max_attempts=row["max_attempts"],
            progress=share(done, total),
            progress_text=progress_text(done, total, values.text(row["progress_message"])),
            batch_id=row["batch_id"],
            worker=values.text(row["worker_id"]),
            owner=values.owner_of(row),
            created=times.utc(row["created_at"], self._zone),
            available=times.utc(row["available_at"], self._zone),
            started=times.utc(row["started_at"], self._zone),
            ended=times.utc(row["completed_at"], self._zone),
            error=first_line(values.text(row["error_message"])),
        )

    def _details(self, row: RowMapping, now: datetime) -> JobDetails:
        return JobDetails(
            **vars(self._job(row)),
            payload=long_text(row, "payload"),
            error_trace=long_text(row, "error_trace"),
            error_message=long_text(row, "error_message"),
            error_code=values.text(row["error_code"]),
            result=long_text(row, "result_data"),
            priority=row["priority"],
            rate_limit_group=values.text(row["rate_limit_group"]),
            batch_name=values.text(row["batch_name"]),
            chain_id=row["chain_id"],
            chain_order=row["chain_order"],
            delay_seconds=row["delay_seconds"],
            backoff=values.text(row["backoff_strategy"]),
            reserved=times.utc(row["reserved_at"], self._zone),
            updated=times.utc(row["updated_at"], self._zone),
            processing_ms=row["processing_time_ms"],
            read_at=now,
        )

    def _batch_name(self) -> ColumnElement[Any]:
        """Return the name of a job's batch, by the batches' primary key."""
        if not self._jobs.has("batch_id") or not self._batches.has("name"):
            return null()
        own = queue_batch.c.id == queue_job.c.batch_id
        return select(queue_batch.c.name).where(own).scalar_subquery()

    def _select_batches(self, *others: ColumnElement[Any]) -> Select[Any]:
        return self._batches.select_with_owner(*self._batches.short, *others)

    def _batch(self, row: RowMapping, now: datetime) -> Batch:
        total = row["total_jobs"] or 0
        completed, failed = row["completed_jobs"] or 0, row["failed_jobs"] or 0
        done = completed + failed
        percent = row["progress_percent"]
        started = times.utc(row["started_at"], self._zone)
        status = values.text(row["status"])
        goes_on = status in UNFINISHED_BATCH_STATUSES
        return Batch(
            kind=Kind.HERATIO,
            id=str(row["id"]),
            name=values.name_of(row),
            queue=values.text(row["queue"]),
            owner=values.owner_of(row),
            status=status,
            progress=share(done, total) if total else share(percent, 100),
            progress_text=progress_text(done, total),
            completed=completed,
            failed=failed,
            total=total,
            created=times.utc(row["created_at"], self._zone),
            started=started,
            ended=times.utc(row["completed_at"], self._zone),
            estimated_end=estimated_end(done, total, started, now) if goes_on else None,
        )
