"""The platform's own queues: `ahg_queue_job`, `ahg_queue_failed` and `ahg_queue_batch`."""

from __future__ import annotations

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
from jobs_data.platform.dialects import exactly, is_blank
from jobs_data.platform.tables import queue_batch, queue_failed, queue_job
from jobs_data.platform.types import PlatformTime
from jobs_data.queues import model
from jobs_data.queues.filters import QueueFilter
from jobs_data.queues.listing import Listing, newest_only
from jobs_data.queues.model import QueuedJob, QueueState
from jobs_data.queues.overview import Figures, Overview, is_called, number_of, queue_name
from jobs_data.queues.present import PresentTable, long_text, mentions, reason_in
from jobs_data.url_values import parse_number

PENDING: Final = "pending"
RUNNING_STATUSES: Final = ("reserved", "running", "processing")
UNFINISHED_BATCH_STATUSES: Final = ("pending", "running", "")
LAST_HOUR: Final = timedelta(hours=1)
MOST_IN_CHAIN: Final = 200
MOST_OPTIONS: Final = 200
"""How many types of job a filter offers."""


class Heratio:
    """The platform's own queues at a time: `now` is aware.

    Unknown values are None, and a missing table has no rows.
    """

    def __init__(self, database: Database, now: datetime) -> None:
        """Read nothing yet."""
        self.now = now
        self._zone = database.timezone
        self._jobs = PresentTable(database, queue_job)
        self._failed = PresentTable(database, queue_failed)
        self._batches = PresentTable(database, queue_batch)

    def overview(self, connection: Connection) -> Overview:
        """Return the figures of its queues.

        Failed are the jobs with that status, and the records of `ahg_queue_failed` whose job is not in
        `ahg_queue_job` any more, each such job once. A job waits since it was available, or else
        created. The last hour, workers and failed records are those of the newest MOST_ROWS rows.
        """
        figures = Figures()
        capped: list[str] = []
        workers: tuple[str, ...] = ()
        types: tuple[str, ...] = ()
        if self._jobs.exists:
            newest = newest_only(connection, self._jobs, capped)
            figures.add(connection, self._counts())
            figures.add(connection, self._recent().where(newest))
            seen = select(exactly(self._jobs["worker_id"])).where(newest).distinct()
            # The index gives one spelling of each type; newest rows give the other spellings.
            some = select(self._jobs["job_type"]).distinct().limit(MOST_OPTIONS)
            exact = select(exactly(self._jobs["job_type"])).where(newest).distinct().limit(MOST_OPTIONS)
            workers, types = _names(connection, seen), _names(connection, exact, some)
        if self._failed.exists:
            newest = newest_only(connection, self._failed, capped)
            figures.add(connection, self._without_job().where(newest))
            for known in figures.values():
                known["failed"] = known.get("failed", 0) + known.get("failed_and_gone", 0)
        counts = (*QueueState, "completed_last_hour", "workers")
        queues = figures.queues(model.Kind.HERATIO, counts, self._zone, self.now)
        return Overview(self.now, queues, workers, types, tuple(capped))

    def jobs(self, asked: QueueFilter) -> list[Listing[QueuedJob]]:
        """Return a listing of the jobs that match a filter."""
        names = {"queue": asked.queue, "job_type": asked.type, "worker_id": asked.worker}
        conditions = [is_called(self._jobs[column], name) for column, name in names.items()]
        searched = [self._jobs[name] for name in (*names, "error_message")]
        conditions.append(mentions(asked.search, self._jobs.key, *searched))
        if asked.batch:
            conditions.append(self._jobs["batch_id"] == asked.batch)
        if asked.status is not None:
            conditions.append(self._states()[asked.status])
        return [Listing(self._select_jobs(), self._jobs, and_(*conditions), self._job)]

    def job(self, connection: Connection, key: model.JobKey) -> model.JobDetails | None:
        """Return one queued job, None if it does not exist."""
        texts = self._jobs.long_texts("payload", "result_data", "error_message", "error_trace")
        statement = self._select_jobs(*texts, self._batch_name().label("batch_name"))
        row = self._jobs.find(connection, statement, key.id)
        if row is None:
            return None
        message, trace = long_text(row, "error_message"), long_text(row, "error_trace")
        return model.JobDetails(
            **vars(self._job(row)) | {"error": reason_in(message.text, trace.text)},
            payload=long_text(row, "payload"),
            error_trace=trace,
            error_message=message,
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
            processing_ms=row["processing_time_ms"],
            read_at=self.now,
        )

    def chain(self, connection: Connection, chain_id: int) -> list[QueuedJob]:
        """Return the jobs of a chain in its order, at most the first MOST_IN_CHAIN."""
        if not self._jobs.has("chain_id"):
            return []
        rows = connection.execute(
            self._select_jobs()
            .where(queue_job.c.chain_id == chain_id)
            .order_by(self._jobs["chain_order"], queue_job.c.id)
            .limit(MOST_IN_CHAIN)
        )
        return [self._job(row) for row in rows.mappings()]

    def batches(self) -> Listing[model.Batch]:
        """Return the list of its batches."""
        return Listing(self._batches.select_with_owner(), self._batches, true(), self._batch)

    def batch(self, connection: Connection, batch_id: str) -> model.BatchDetails | None:
        """Return one batch, None if it does not exist."""
        number = parse_number(batch_id)
        if number is None:
            return None
        statement = self._batches.select_with_owner(*self._batches.long_texts("options"))
        row = self._batches.find(connection, statement, number)
        if row is None:
            return None
        return model.BatchDetails(
            **vars(self._batch(row)),
            options=long_text(row, "options"),
            max_concurrent=row["max_concurrent"],
            delay_between_ms=row["delay_between_ms"],
            max_retries=row["max_retries"],
            read_at=self.now,
        )

    def _states(self) -> dict[QueueState, ColumnElement[bool]]:
        """Return the SQL condition of each state of a job."""
        is_pending, is_later = self._jobs["status"] == PENDING, self._is_later()
        return {
            QueueState.WAITING: and_(is_pending, not_(is_later)),
            QueueState.DELAYED: and_(is_pending, is_later),
            **_states_of_status(self._jobs["status"]),
        }

    def _is_later(self) -> ColumnElement[bool]:
        """Return the SQL condition, never NULL, of the jobs that may not start yet."""
        available = self._jobs["available_at"]
        return and_(available.is_not(None), available > self._platform_time(self.now))

    def _platform_time(self, moment: datetime) -> ColumnElement[datetime]:
        return literal(times.to_platform(moment, self._zone), PlatformTime())

    def _counts(self) -> Select[Any]:
        """Select how many jobs are in each state, from the index on queue, status and time alone."""
        queue, status, available = (self._jobs[n] for n in ("queue", "status", "available_at"))
        name, is_later = exactly(queue), self._is_later()
        # Grouped by status first: computing the state of a million rows takes three times as long.
        each: Any = (
            select(
                name.label("queue"),
                status.label("status"),
                func.count().label("jobs"),
                number_of(is_later).label("later"),
                func.min(case((not_(is_later), available))).label("available"),
                func.min(case((available.is_(None), queue_job.c.id))).label("undated"),
            )
            .group_by(name, status)
            .subquery("by_status")
            .c
        )
        is_pending = each.status == PENDING
        undated = queue_job.alias("undated")
        created = undated.c.created_at if self._jobs.has("created_at") else null()
        return select(
            queue_name(each.queue),
            number_of(is_pending, each.jobs - each.later).label("waiting"),
            number_of(is_pending, each.later).label("delayed"),
            *(
                number_of(condition, each.jobs).label(state)
                for state, condition in _states_of_status(each.status).items()
            ),
            func.min(case((is_pending, each.available))).label("available"),
            func.min(case((is_pending, created))).label("created"),
        ).outerjoin_from(each.queue.table, undated, undated.c.id == each.undated)

    def _recent(self) -> Select[Any]:
        """Select the figures of the last hour and the workers."""
        jobs = self._jobs
        is_recent = jobs["completed_at"] >= self._platform_time(self.now - LAST_HOUR)
        worker = case((not_(is_blank(jobs["worker_id"])), exactly(jobs["worker_id"])))
        seen = func.coalesce(jobs["completed_at"], jobs["started_at"], jobs["reserved_at"])
        return select(
            queue_name(jobs["queue"]),
            number_of(and_(jobs["status"] == "completed", is_recent)).label("completed_last_hour"),
            func.count(worker.distinct()).label("workers"),
            func.max(case((worker.is_not(None), seen))).label("seen"),
        ).select_from(queue_job)

    def _without_job(self) -> Select[Any]:
        """Select how many jobs have only a failed record left."""
        original = self._failed["original_job_id"]
        # A record without a job counts by itself; its negative id cannot equal a job's.
        job_id = func.coalesce(original, -queue_failed.c.id)
        records = select(
            queue_name(self._failed["queue"]),
            func.count(job_id.distinct()).label("failed_and_gone"),
        ).select_from(queue_failed)
        if not self._jobs.exists:
            return records
        records = records.outerjoin(queue_job, queue_job.c.id == original)
        return records.where(queue_job.c.id.is_(None))

    def _select_jobs(self, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, and other columns or else the beginning of the error."""
        *known, (other, _) = self._states().items()
        state = case(*((condition, name.value) for name, condition in known), else_=other.value)
        others = others or (*self._jobs.beginnings("error_message"),)
        return self._jobs.select_with_owner(state.label("state"), *others)

    def _job(self, row: RowMapping) -> QueuedJob:
        done, total = row["progress_current"], row["progress_total"]
        created, started, ended = self._times(row)
        return QueuedJob(
            source=model.Source.HERATIO,
            id=row["id"],
            queue=values.name_called(row["queue"]),
            type=values.name_called(row["job_type"]),
            status=values.text(row["status"]),
            state=QueueState(row["state"]),
            attempts=row["attempt_count"],
            max_attempts=row["max_attempts"],
            progress=model.share(done, total),
            progress_text=model.progress_text(done, total, values.text(row["progress_message"])),
            batch_id=row["batch_id"],
            worker=values.text(row["worker_id"]),
            owner=values.owner_of(row),
            created=created,
            available=times.utc(row["available_at"], self._zone, after=created),
            started=started,
            ended=ended,
            error=reason_in(values.text(row["error_message"])),
        )

    def _times(self, row: RowMapping) -> tuple[datetime | None, datetime | None, datetime | None]:
        """Return when a job or a batch was created, started and ended, in this order if they can be."""
        created = times.utc(row["created_at"], self._zone)
        started = times.utc(row["started_at"], self._zone, after=created)
        return created, started, times.utc(row["completed_at"], self._zone, after=started or created)

    def _batch_name(self) -> ColumnElement[Any]:
        """Return the name of a job's batch, by the batches' primary key."""
        if not self._jobs.has("batch_id") or not self._batches.has("name"):
            return null()
        own = queue_batch.c.id == queue_job.c.batch_id
        return select(queue_batch.c.name).where(own).scalar_subquery()

    def _batch(self, row: RowMapping) -> model.Batch:
        total = row["total_jobs"] or 0
        completed, failed = row["completed_jobs"] or 0, row["failed_jobs"] or 0
        done = completed + failed
        created, started, ended = self._times(row)
        status = values.text(row["status"])
        goes_on = status in UNFINISHED_BATCH_STATUSES
        return model.Batch(
            kind=model.Kind.HERATIO,
            id=str(row["id"]),
            name=values.name_of(row),
            queue=values.text(row["queue"]),
            owner=values.owner_of(row),
            status=status,
            progress=model.share(done, total) if total else model.share(row["progress_percent"], 100),
            progress_text=model.progress_text(done, total),
            completed=completed,
            failed=failed,
            total=total,
            created=created,
            started=started,
            ended=ended,
            estimated_end=model.estimated_end(done, total, started, self.now) if goes_on else None,
        )


def _states_of_status(status: ColumnElement[Any]) -> dict[QueueState, ColumnElement[bool]]:
    """Return the SQL condition of each state that depends on the status alone."""
    described = (PENDING, *RUNNING_STATUSES, "completed", "failed")
    return {
        QueueState.RUNNING: status.in_(RUNNING_STATUSES),
        QueueState.COMPLETED: status == "completed",
        QueueState.FAILED: status == "failed",
        QueueState.OTHER: or_(status.is_(None), status.not_in(described)),
    }


def _names(connection: Connection, *statements: Select[Any]) -> tuple[str, ...]:
    """Return the selected names, sorted, without blank ones."""
    found = (name for each in statements for name in connection.execute(each).scalars())
    return tuple(sorted(set(filter(None, map(values.filled, found)))))
