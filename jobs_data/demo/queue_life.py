"""The simulator of a demo's queues: one small change at each step."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from jobs_data.demo.queue_history import QUEUES, WORKERS
from jobs_data.platform.tables import present_tables, queue_batch, queue_job, queue_log

FEWEST_PENDING: Final = 3
MOST_RUNNING: Final = 4
TYPES: Final = ("arFindingAidJob", "arUpdateEsIoDocumentsJob", "arInformationObjectCsvExportJob")


def live(connection: Connection, rng: Random, now: datetime) -> None:
    """Let one queued job be added, start, progress or complete; do nothing without a queue.

    Only jobs with the status `running` progress, and only due ones start.
    """
    if not {queue_job.name, queue_log.name, queue_batch.name} <= present_tables(connection):
        return
    running = connection.execute(
        select(queue_job.c.id, queue_job.c.batch_id, queue_job.c.started_at)
        .where(queue_job.c.status == "running")
        .order_by(queue_job.c.id)
    ).all()
    due = connection.execute(
        select(queue_job.c.id, queue_job.c.batch_id)
        .where(queue_job.c.status == "pending", queue_job.c.available_at <= now)
        .order_by(queue_job.c.id)
    ).all()
    if len(due) < FEWEST_PENDING:
        _dispatch(connection, rng, now)
    elif len(running) < MOST_RUNNING and rng.random() < 0.3:
        _start(connection, rng, due[0], now)
    elif running:
        _go_on(connection, rng, rng.choice(running), now)


def _dispatch(connection: Connection, rng: Random, now: datetime) -> None:
    values = {
        "queue": rng.choice(QUEUES),
        "job_type": rng.choice(TYPES),
        "payload": '{"culture": "en"}',
        "status": "pending",
        "priority": 5,
        "max_attempts": 3,
        "available_at": now,
        "created_at": now,
        "updated_at": now,
    }
    job_id = connection.execute(queue_job.insert().values(**values)).lastrowid
    _log(connection, job_id, None, "dispatched", f"Put into the queue {values['queue']}.", now)


def _start(connection: Connection, rng: Random, job: Any, now: datetime) -> None:
    _set(
        connection,
        job.id,
        status="running",
        worker_id=rng.choice(WORKERS),
        reserved_at=now,
        started_at=now,
        updated_at=now,
        attempt_count=func.coalesce(queue_job.c.attempt_count, 0) + 1,
        progress_current=0,
        progress_total=rng.randint(20, 200),
        progress_message="reading rows",
    )
    _log(connection, job.id, job.batch_id, "started", "", now)


def _go_on(connection: Connection, rng: Random, job: Any, now: datetime) -> None:
    done, total = connection.execute(
        select(queue_job.c.progress_current, queue_job.c.progress_total).where(queue_job.c.id == job.id)
    ).one()
    further = (done or 0) + rng.randint(3, 30)
    if total and further < total:
        _set(connection, job.id, progress_current=further, updated_at=now)
        return
    milliseconds = int((now - job.started_at).total_seconds() * 1000) if job.started_at else None
    _set(
        connection,
        job.id,
        status="completed",
        progress_current=total,
        completed_at=now,
        updated_at=now,
        processing_time_ms=milliseconds,
        result_data='{"warnings": []}',
    )
    _log(connection, job.id, job.batch_id, "completed", "", now)
    connection.execute(
        update(queue_batch)
        .where(queue_batch.c.id == job.batch_id)
        .values(completed_jobs=queue_batch.c.completed_jobs + 1)
    )


def _set(connection: Connection, job_id: int, **values: Any) -> None:
    connection.execute(update(queue_job).where(queue_job.c.id == job_id).values(**values))


def _log(
    connection: Connection,
    job_id: int,
    batch_id: int | None,
    event: str,
    message: str,
    now: datetime,
) -> None:
    connection.execute(
        queue_log.insert().values(
            job_id=job_id, batch_id=batch_id, event_type=event, message=message, created_at=now
        )
    )
