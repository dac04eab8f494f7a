"""The overview of the platform's own queues, and the states of their jobs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, not_, or_, select

from jobs_data.platform import times, values
from jobs_data.platform.tables import queue_failed, queue_job
from jobs_data.platform.types import PlatformTime
from jobs_data.queues.listing import newest_only
from jobs_data.queues.model import Kind, Queue, QueueState
from jobs_data.queues.overview import Figures, Overview, age_seconds, number_of, queue_name
from jobs_data.queues.present import PresentTable

PENDING: Final = "pending"
RUNNING_STATUSES: Final = ("reserved", "running", "processing")
LAST_HOUR: Final = timedelta(hours=1)
MOST_OPTIONS: Final = 200
"""How many types of job a filter offers."""


def states(jobs: PresentTable, now: datetime) -> dict[QueueState, ColumnElement[bool]]:
    """Return the SQL condition of each state of a job in `ahg_queue_job`."""
    is_pending, is_later = jobs["status"] == PENDING, _is_later(jobs, now)
    return {
        QueueState.WAITING: and_(is_pending, not_(is_later)),
        QueueState.DELAYED: and_(is_pending, is_later),
        **_states_of_status(jobs["status"]),
    }


def read_overview(
    connection: Connection, jobs: PresentTable, failed: PresentTable, now: datetime
) -> Overview:
    """Return the figures of the platform's queues.

    Failed are the jobs with that status, and the records of `ahg_queue_failed` whose job is not in
    `ahg_queue_job` any more, each such job once. A job waits since it was available, or else created.
    The last hour, workers and failed records are those of the newest MOST_ROWS rows of a table.
    """
    figures = Figures()
    capped: list[str] = []
    workers: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    if jobs.exists:
        newest = newest_only(connection, jobs, capped)
        figures.add(connection, _counts(jobs, now))
        figures.add(connection, _recent(jobs, newest, now, figures))
        workers = _names(connection, select(jobs["worker_id"]).where(newest).distinct())
        types = _names(connection, select(jobs["job_type"]).distinct().limit(MOST_OPTIONS))
    if failed.exists:
        newest = newest_only(connection, failed, capped)
        figures.add(connection, _without_job(jobs, failed, newest, figures))
    created = _created(connection, jobs, [known.get("undated") for known in figures.values()])
    queues = [
        _queue(name, known, created.get(known.get("undated")), jobs, now)
        for name, known in figures.items()
    ]
    return Overview(now, tuple(queues), workers, types, tuple(capped))


def _is_later(jobs: PresentTable, now: datetime) -> ColumnElement[bool]:
    """Return the SQL condition, never NULL, of the jobs that may not start yet."""
    moment = literal(times.to_platform(now, jobs.database.timezone), PlatformTime())
    return and_(jobs["available_at"].is_not(None), jobs["available_at"] > moment)


def _states_of_status(status: ColumnElement[Any]) -> dict[QueueState, ColumnElement[bool]]:
    """Return the SQL condition of each state that the status alone decides."""
    described = (PENDING, *RUNNING_STATUSES, "completed", "failed")
    return {
        QueueState.RUNNING: status.in_(RUNNING_STATUSES),
        QueueState.COMPLETED: status == "completed",
        QueueState.FAILED: status == "failed",
        QueueState.OTHER: or_(status.is_(None), status.not_in(described)),
    }


def _counts(jobs: PresentTable, now: datetime) -> Select[Any]:
    """Select how many jobs are in each state; the index on queue, status and time has all of it."""
    available, is_later = jobs["available_at"], _is_later(jobs, now)
    # Grouped by status first: to tell the states of a million rows one by one takes thrice as long.
    by_status = (
        select(
            *jobs.named("queue", "status"),
            func.count().label("jobs"),
            number_of(is_later).label("later"),
            func.min(case((not_(is_later), available))).label("since"),
            func.min(case((available.is_(None), queue_job.c.id))).label("undated"),
        )
        .group_by(jobs["queue"], jobs["status"])
        .subquery("by_status")
    )
    each: Any = select(by_status, queue_name(by_status.c.queue).label("name")).subquery("each").c
    is_pending = each.status == PENDING
    others = _states_of_status(each.status).items()
    return select(
        each.name.label("queue"),
        number_of(is_pending, each.jobs - each.later).label("waiting"),
        number_of(is_pending, each.later).label("delayed"),
        *(number_of(condition, each.jobs).label(state.value) for state, condition in others),
        func.min(case((is_pending, each.since))).label("since"),
        func.min(case((is_pending, each.undated))).label("undated"),
    ).group_by(each.name)


def _recent(
    jobs: PresentTable, newest: ColumnElement[bool], now: datetime, known: Iterable[str]
) -> Select[Any]:
    """Select what the newest jobs tell of the last hour and the workers."""
    columns = jobs.named("status", "worker_id", "completed_at", "started_at", "reserved_at")
    name = queue_name(jobs["queue"], known)
    each: Any = select(name, *columns).where(newest).subquery("each").c
    hour_ago = literal(times.to_platform(now - LAST_HOUR, jobs.database.timezone), PlatformTime())
    is_completed = _states_of_status(each.status)[QueueState.COMPLETED]
    worker = func.nullif(func.trim(each.worker_id), "")
    seen = func.coalesce(each.completed_at, each.started_at, each.reserved_at)
    return select(
        each.queue,
        number_of(and_(is_completed, each.completed_at >= hour_ago)).label("completed_last_hour"),
        func.count(worker.distinct()).label("workers"),
        func.max(case((worker.is_not(None), seen))).label("seen"),
    ).group_by(each.queue)


def _without_job(
    jobs: PresentTable, failed: PresentTable, newest: ColumnElement[bool], known: Iterable[str]
) -> Select[Any]:
    """Select how many jobs have left a failed record alone."""
    original = failed["original_job_id"]
    # A record that names no job is one of its own; ids are positive, so these cannot meet.
    job_id = func.coalesce(original, -queue_failed.c.id).label("job_id")
    records = select(queue_name(failed["queue"], known), job_id).where(newest)
    if jobs.exists:
        records = records.outerjoin_from(queue_failed, queue_job, queue_job.c.id == original)
        records = records.where(queue_job.c.id.is_(None))
    each = records.subquery("each").c
    gone = func.count(each.job_id.distinct()).label("failed_and_gone")
    return select(each.queue, gone).group_by(each.queue)


def _created(
    connection: Connection, jobs: PresentTable, ids: Iterable[int | None]
) -> dict[int | None, datetime | None]:
    """Return when jobs were created, by their ids."""
    wanted = [number for number in ids if number is not None]
    if not wanted:
        return {}
    statement = select(queue_job.c.id, jobs["created_at"]).where(queue_job.c.id.in_(wanted))
    return dict(map(tuple, connection.execute(statement)))


def _queue(
    name: str,
    known: dict[str, Any],
    undated_created: datetime | None,
    jobs: PresentTable,
    now: datetime,
) -> Queue:
    zone = jobs.database.timezone
    waiting_since = [times.utc(known.get("since"), zone), times.utc(undated_created, zone)]
    counts = {state.value: int(known.get(state.value, 0)) for state in QueueState}
    counts["failed"] += known.get("failed_and_gone", 0)
    return Queue(
        kind=Kind.HERATIO,
        queue=name,
        **counts,
        oldest_waiting_seconds=age_seconds(min(filter(None, waiting_since), default=None), now),
        completed_last_hour=int(known.get("completed_last_hour", 0)),
        workers=known.get("workers", 0),
        worker_seen=times.utc(known.get("seen"), zone),
    )


def _names(connection: Connection, statement: Select[Any]) -> tuple[str, ...]:
    """Return the names that a statement selects, sorted, without those that say nothing."""
    found = (values.filled(name) for name in connection.execute(statement).scalars())
    return tuple(sorted(filter(None, found)))
