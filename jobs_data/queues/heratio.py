"""The platform's own queues: `ahg_queue_job`, `ahg_queue_failed` and `ahg_queue_batch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
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
    null,
    or_,
    select,
    true,
)

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import queue_batch, queue_failed, queue_job
from jobs_data.platform.types import PlatformTime
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
from jobs_data.queues.overview import SUMS, Overview, age_seconds, by_queue, figures, number_of
from jobs_data.queues.present import PresentTable, first_line, long_text
from jobs_data.queues.progress import estimated_end, progress_text, share
from jobs_data.url_values import parse_number

RUNNING_STATUSES: Final = ("reserved", "running", "processing")
UNFINISHED_BATCH_STATUSES: Final = ("pending", "running", "")
LAST_HOUR: Final = timedelta(hours=1)
MOST_OPTIONS: Final = 200
"""How many types of job a filter offers."""


MOST_IN_CHAIN: Final = 200

_COLUMNS: Final = (
    "id",
    "job_type",
    "status",
    "attempt_count",
    "max_attempts",
    "progress_current",
    "progress_total",
    "progress_message",
    "batch_id",
    "worker_id",
    "created_at",
    "available_at",
    "started_at",
    "completed_at",
)
_DETAILS: Final = (
    "priority",
    "rate_limit_group",
    "chain_id",
    "chain_order",
    "delay_seconds",
    "backoff_strategy",
    "reserved_at",
    "updated_at",
    "processing_time_ms",
    "error_code",
)
_BATCH_COLUMNS: Final = (
    "id",
    "name",
    "queue",
    "status",
    "total_jobs",
    "completed_jobs",
    "failed_jobs",
    "progress_percent",
    "created_at",
    "started_at",
    "completed_at",
)


class Heratio:
    """The queues of the platform itself."""

    def __init__(self, database: Database) -> None:
        """Look nothing up yet."""
        self._zone = database.timezone
        self._jobs = PresentTable(database, queue_job)
        self._failed = PresentTable(database, queue_failed)
        self._batches = PresentTable(database, queue_batch)

    def overview(self, connection: Connection, now: datetime) -> Overview:
        """Return the figures of its queues.

        Failed are the jobs with that status, and the records of `ahg_queue_failed` whose job is not in
        `ahg_queue_job` any more, each such job once. A job waits since it was available, or else
        created. The last hour, workers and failed records are those of the newest rows.
        """
        parts: list[Select[Any]] = []
        capped: list[str] = []
        workers: tuple[str, ...] = ()
        types: tuple[str, ...] = ()
        if self._jobs.exists:
            newest, is_capped = newest_only(connection, queue_job)
            capped += [queue_job.name] * is_capped
            parts += [self._counts(now), self._recent(newest, now)]
            workers = _names(connection, select(self._jobs["worker_id"]).where(newest).distinct())
            job_type = self._jobs["job_type"]
            types = _names(connection, select(job_type).distinct().limit(MOST_OPTIONS))
        if self._failed.exists:
            newest, is_capped = newest_only(connection, queue_failed)
            capped += [queue_failed.name] * is_capped
            parts.append(self._without_job(newest))
        rows = connection.execute(by_queue(parts, PlatformTime())).mappings().all() if parts else []
        created = self._created(connection, [row["undated"] for row in rows])
        return Overview(
            [self._queue(row, created.get(row["undated"]), now) for row in rows],
            workers,
            types,
            tuple(capped),
        )

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the list of the jobs that a filter lets through."""
        if not self._jobs.exists:
            return []
        wanted = {"job_type": asked.type, "worker_id": asked.worker, "batch_id": asked.batch}
        conditions = [self._jobs[name] == value for name, value in wanted.items() if value]
        if asked.queue:
            conditions.append(self._jobs.in_queue(asked.queue))
        if asked.status is not None:
            conditions.append(self._states(now)[asked.status])
        columns = self._select(now, self._jobs.beginning("error_message"))
        return [Listing(columns, queue_job, and_(true(), *conditions), self._job)]

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""
        if not self._jobs.exists:
            return None
        statement = self._select(
            now,
            *self._jobs.long_texts("payload", "result_data", "error_message", "error_trace"),
            *self._jobs.named(*_DETAILS),
            self._batch_name().label("batch_name"),
        )
        row = connection.execute(statement.where(queue_job.c.id == key.id)).mappings().first()
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

    def batches(self, now: datetime) -> Sequence[Listing[Batch]]:
        """Return the list of its batches."""
        if not self._batches.exists:
            return []

        def record(row: RowMapping) -> Batch:
            return self._batch(row, now)

        return [Listing(self._select_batches(), queue_batch, true(), record)]

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""
        number = parse_number(batch_id)
        if number is None or not self._batches.exists:
            return None
        settings = ("max_concurrent", "delay_between_ms", "max_retries")
        statement = self._select_batches().add_columns(
            *self._batches.named(*settings), *self._batches.long_texts("options")
        )
        row = connection.execute(statement.where(queue_batch.c.id == number)).mappings().first()
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

    def _states(self, now: datetime) -> Mapping[QueueState, ColumnElement[bool]]:
        """Return the SQL condition of each state: the only place that says what a status means."""
        status, available = self._jobs["status"], self._jobs["available_at"]
        moment = literal(times.to_platform(now, self._zone), PlatformTime())
        is_later = and_(available.is_not(None), available > moment)
        described = ("pending", *RUNNING_STATUSES, "completed", "failed")
        return {
            QueueState.WAITING: and_(status == "pending", not_(is_later)),
            QueueState.DELAYED: and_(status == "pending", is_later),
            QueueState.RUNNING: status.in_(RUNNING_STATUSES),
            QueueState.COMPLETED: status == "completed",
            QueueState.FAILED: status == "failed",
            QueueState.OTHER: or_(status.is_(None), status.not_in(described)),
        }

    def _counts(self, now: datetime) -> Select[Any]:
        """Select how many jobs are in each state; the index on queue, status and time has all of it."""
        states = self._states(now)
        available: Any = self._jobs["available_at"]
        waits = states[QueueState.WAITING]
        return figures(
            self._jobs.queue,
            **{state.value: number_of(condition) for state, condition in states.items()},
            since=func.min(case((waits, available))),
            undated=func.min(case((and_(waits, available.is_(None)), queue_job.c.id))),
        ).group_by(self._jobs["queue"])

    def _recent(self, newest: ColumnElement[bool], now: datetime) -> Select[Any]:
        """Select what the newest jobs tell of the last hour and the workers."""
        completed, started, reserved = (
            self._jobs[name] for name in ("completed_at", "started_at", "reserved_at")
        )
        worker = func.nullif(func.trim(self._jobs["worker_id"]), "")
        hour_ago = literal(times.to_platform(now - LAST_HOUR, self._zone), PlatformTime())
        seen = case((worker.is_not(None), func.coalesce(completed, started, reserved)))
        return (
            figures(
                self._jobs.queue,
                completed_last_hour=number_of(
                    and_(self._states(now)[QueueState.COMPLETED], completed >= hour_ago)
                ),
                workers=func.count(worker.distinct()),
                seen=func.max(seen),
            )
            .where(newest)
            .group_by(self._jobs["queue"])
        )

    def _without_job(self, newest: ColumnElement[bool]) -> Select[Any]:
        """Select how many jobs have left a failed record alone."""
        original = self._failed["original_job_id"]
        # A record that names no job is one of its own; ids are positive, so these cannot meet.
        each_job = func.coalesce(original, -queue_failed.c.id)
        statement = figures(self._failed.queue, failed=func.count(each_job.distinct())).where(newest)
        if self._jobs.exists:
            statement = statement.outerjoin_from(
                queue_failed, queue_job, queue_job.c.id == original
            ).where(queue_job.c.id.is_(None))
        return statement.group_by(self._failed["queue"])

    def _created(
        self, connection: Connection, ids: Sequence[int | None]
    ) -> dict[int | None, datetime | None]:
        """Return when jobs were created; None for None."""
        wanted = [number for number in ids if number is not None]
        if not wanted:
            return {}
        statement = select(queue_job.c.id, self._jobs["created_at"]).where(queue_job.c.id.in_(wanted))
        return dict(map(tuple, connection.execute(statement)))

    def _queue(self, row: RowMapping, created: datetime | None, now: datetime) -> Queue:
        waiting_since = [
            moment
            for stored in (row["since"], created)
            if (moment := times.utc(stored, self._zone)) is not None
        ]
        return Queue(
            kind=Kind.HERATIO,
            queue=values.text(row["queue"]),
            **{name: int(row[name]) for name in SUMS},
            oldest_waiting_seconds=age_seconds(min(waiting_since, default=None), now),
            worker_seen=times.utc(row["seen"], self._zone),
        )

    def _select(self, now: datetime, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, except for `error_message`, and other columns."""
        *known, (other, _) = self._states(now).items()
        state = case(*((condition, name.value) for name, condition in known), else_=other.value)
        return self._jobs.select_with_owner(
            *self._jobs.named(*_COLUMNS), self._jobs.queue.label("queue"), state.label("state"), *others
        )

    def _job(self, row: RowMapping) -> QueuedJob:
        done, total = row["progress_current"], row["progress_total"]
        return QueuedJob(
            source=Source.HERATIO,
            id=row["id"],
            queue=values.text(row["queue"]),
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

    def _select_batches(self) -> Select[Any]:
        return self._batches.select_with_owner(*self._batches.named(*_BATCH_COLUMNS))

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


def _names(connection: Connection, statement: Select[Any]) -> tuple[str, ...]:
    """Return the names that a statement selects, sorted, without those that say nothing."""
    found = (values.filled(name) for name in connection.execute(statement).scalars())
    return tuple(sorted(filter(None, found)))
