"""Every SELECT on the queues: the platform's own tables and Laravel's, any of which may be missing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    RowMapping,
    Select,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import with_owner
from jobs_data.platform.tables import (
    laravel_batches,
    laravel_failed,
    laravel_jobs,
    queue_batch,
    queue_failed,
    queue_job,
    queue_log,
)
from jobs_data.queues import queue_frames
from jobs_data.queues.queue_filters import Kind, QueueFilter, QueueState, QueueView
from jobs_data.queues.queue_frames import RUNNING_STATUSES
from jobs_data.wording import one_of

MOST_ROWS: Final = 20_000
"""How many of the newest rows are looked at where no index answers."""

MOST_CHARACTERS: Final = 200_000
"""How much of a payload, a result or a trace is shown."""

MOST_EVENTS: Final = 500
MOST_IN_CHAIN: Final = 200
MOST_OPTIONS: Final = 200
PAYLOAD_BEGINNING: Final = 4_000
LOOKUP_SECONDS: Final = 5
"""What a look into the log and the failed records may take: nothing promises that they have an index
on the job or the batch, and without one a long table is read whole."""

LAST_HOUR: Final = timedelta(hours=1)
LAST_YEAR: Final = 9999

HERATIO_TABLES: Final = (queue_job, queue_failed, queue_batch, queue_log)
LARAVEL_TABLES: Final = (laravel_jobs, laravel_failed, laravel_batches)

_JOB_COLUMNS: Final = (
    "id",
    "queue",
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


@dataclass(frozen=True)
class QueuesOverview:
    """All queues of both kinds, read at one moment."""

    rows: pd.DataFrame
    """See `queue_frames.QUEUE_COLUMNS`; sorted by kind and name."""
    workers: tuple[str, ...]
    """The workers seen, by name."""
    types: tuple[str, ...]
    """The types of job that there are, by name; at most MOST_OPTIONS."""
    capped: tuple[str, ...]
    """The tables of which only the newest MOST_ROWS were looked at for some of the figures."""
    read_at: datetime


@dataclass(frozen=True)
class QueueJobsPage:
    """One page of queued jobs."""

    view: QueueView
    """The view as shown: its page lies within the pages there are."""
    rows: pd.DataFrame
    """See `queue_frames.QUEUE_JOB_COLUMNS`; the platform's first, each table's newest first."""
    total: int
    """How many jobs the filter lets through, on all pages."""
    read_at: datetime

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // self.view.limit))

    @property
    def first(self) -> int:
        """Return the position of the first row shown, counted from 1; 0 where there is none."""
        return (self.view.page - 1) * self.view.limit + 1 if self.total else 0


@dataclass(frozen=True)
class BatchesPage:
    """One page of batches."""

    page: int
    limit: int
    rows: pd.DataFrame
    """See `queue_frames.BATCH_COLUMNS`; the platform's first, newest first."""
    total: int
    read_at: datetime

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // self.limit))

    @property
    def first(self) -> int:
        """Return the position of the first row shown, counted from 1; 0 where there is none."""
        return (self.page - 1) * self.limit + 1 if self.total else 0


@dataclass(frozen=True)
class Log:
    """The events of a job or a batch."""

    rows: pd.DataFrame
    """See `queue_frames.LOG_COLUMNS`; oldest first."""
    is_cut: bool
    """Whether there are more events, older than these MOST_EVENTS."""


@dataclass(frozen=True)
class LongText:
    """A text of which at most the first MOST_CHARACTERS are held."""

    text: str
    size: int
    """The size of the whole in bytes."""
    is_cut: bool

    @property
    def pretty(self) -> str:
        """Return JSON with one value a line; what is not JSON, or was cut, as it is."""
        try:
            return values.text(json.dumps(json.loads(self.text), indent=2, ensure_ascii=False))
        except (ValueError, RecursionError):
            return self.text


@dataclass(frozen=True)
class Batch:
    """Everything the screen shows of one batch beside its jobs and its log. Times are aware, in UTC."""

    facts: Mapping[str, Any]
    """Its row of a frame with `queue_frames.BATCH_COLUMNS`; a missing value is None."""
    settings: Mapping[str, str]
    """How it runs, by the columns' names in words."""
    options: LongText
    failed_ids: str
    """The uuids that Laravel notes of the jobs that failed."""
    read_at: datetime

    @property
    def kind(self) -> Kind:
        """Return whose batch it is."""
        return Kind(self.facts["kind"])


@dataclass(frozen=True)
class FailedRecord:
    """What `ahg_queue_failed` keeps of a job that was given up."""

    id: int
    failed: datetime | None
    attempts: int | None
    message: str
    trace: LongText


@dataclass(frozen=True)
class QueueJob:
    """What `ahg_queue_job` knows of one of its jobs. Times are aware and in UTC.

    Its chain, failed record and log are read apart, so that each can fail alone.
    """

    id: int
    queue: str
    type: str
    status: str
    state: QueueState
    priority: int | None
    owner: str
    worker: str
    rate_limit_group: str
    batch_id: int | None
    batch_name: str
    chain_id: int | None
    chain_order: int | None
    attempts: int
    max_attempts: int | None
    delay_seconds: int | None
    backoff: str
    progress: float | None
    """A share from 0 to 1."""
    progress_text: str
    created: datetime | None
    available: datetime | None
    reserved: datetime | None
    started: datetime | None
    completed: datetime | None
    updated: datetime | None
    processing_ms: int | None
    payload: LongText
    result: LongText
    error_message: LongText
    error_code: str
    error_trace: LongText
    read_at: datetime

    @property
    def next_attempt(self) -> datetime | None:
        """Return from when on a pending job may be tried; None where it may at once, or none knows."""
        # The platform holds jobs of a batch or a chain back with the last second of the year 9999.
        is_held_back = self.available is not None and self.available.year >= LAST_YEAR
        return self.available if self.state is QueueState.DELAYED and not is_held_back else None

    @property
    def retry_sentence(self) -> str:
        """Return what will become of the job, without the moment: that is the viewer's to spell."""
        of = f" of {self.max_attempts}" if self.max_attempts else ""
        following = f"attempt {self.attempts + 1}{of}"
        match self.state:
            case QueueState.WAITING:
                return f"Waits for a worker, which will start {following}."
            case QueueState.DELAYED:
                held_back = "It waits until its batch or its chain lets it start."
                return f"Then a worker may start {following}." if self.next_attempt else held_back
            case QueueState.RUNNING:
                return "A worker has taken it."
            case QueueState.FAILED if self.max_attempts and self.attempts < self.max_attempts:
                return f"It failed after {self.attempts} attempts{of}, and nothing says when next."
            case QueueState.FAILED:
                return "It was given up: it will not be tried again by itself."
            case _:
                return ""


@dataclass(frozen=True)
class LaravelJob:
    """One of Laravel's jobs that has not ended. Times are aware and in UTC."""

    id: int
    queue: str
    type: str
    state: QueueState
    attempts: int
    created: datetime | None
    available: datetime | None
    reserved: datetime | None
    payload: LongText
    read_at: datetime

    @property
    def status(self) -> str:
        """Return the state in a word: Laravel has none of its own."""
        return self.state.value


@dataclass(frozen=True)
class LaravelFailed:
    """One of Laravel's jobs that failed."""

    id: int
    uuid: str
    connection: str
    queue: str
    type: str
    failed: datetime | None
    """Aware and in UTC."""
    exception: LongText
    """Its message, and below it the trace."""
    payload: LongText
    read_at: datetime
    state: QueueState = QueueState.FAILED

    @property
    def status(self) -> str:
        """Return the state in a word."""
        return self.state.value


def missing_sentence(database: Database, *tables: Table) -> str:
    """Return a sentence on those tables that this database lacks; empty where it has them all.

    Raises DatabaseUnavailable.
    """
    missing = [table for table in tables if table.name not in database.tables]
    if not missing:
        return ""
    heratio = [table.name for table in missing if table not in LARAVEL_TABLES]
    laravel = [table.name for table in missing if table in LARAVEL_TABLES]
    sentences = []
    if heratio:
        sentences.append(
            f"This database has no table named {one_of(heratio)}. That is normal on AtoM, which keeps "
            "no queue in its database: only Heratio makes these tables."
        )
    if laravel:
        sentences.append(
            f"It has none of Laravel's own named {one_of(laravel)}{' either' if heratio else ''}. That "
            "is normal on AtoM, and where Heratio does without the framework's queue."
        )
    return " ".join(sentences)


def has_any(database: Database, *tables: Table) -> bool:
    """Return whether a database has one of these tables at least. Raises DatabaseUnavailable."""
    return any(table.name in database.tables for table in tables)


def read_overview(database: Database, *, now: datetime | None = None) -> QueuesOverview:
    """Return a row per queue over both kinds, from one consistent read.

    Failed are the jobs with that status, and the records of `ahg_queue_failed` whose job is not in
    `ahg_queue_job` any more, each such job once. Waiting since is the time from which a job was
    available, else that of its creation. Completed in the last hour, workers, failed records and
    Laravel's figures are those of the newest MOST_ROWS rows of a table. `now` is aware, by default
    the current time. Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    queues: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    capped: list[str] = []
    workers: set[str] = set()
    types: list[str] = []
    with database.reading() as connection:
        if queue_job.name in database.tables:
            _count_heratio(connection, database, queues, moment)
            if _count_recent(connection, database, queues, workers, moment) >= MOST_ROWS:
                capped.append(queue_job.name)
            types = _types(connection, database)
        if (
            queue_failed.name in database.tables
            and _count_failed_records(connection, database, queues) >= MOST_ROWS
        ):
            capped.append(queue_failed.name)
        if (
            laravel_jobs.name in database.tables
            and _count_laravel(connection, database, queues, moment) >= MOST_ROWS
        ):
            capped.append(laravel_jobs.name)
        if (
            laravel_failed.name in database.tables
            and _count_laravel_failed(connection, database, queues) >= MOST_ROWS
        ):
            capped.append(laravel_failed.name)
    records = [
        (kind, name, *(counts.get(column, _nothing(column, kind)) for column in _COUNTED))
        for (kind, name), counts in sorted(queues.items())
    ]
    return QueuesOverview(
        rows=queue_frames.framed(records, queue_frames.QUEUE_COLUMNS),
        workers=tuple(sorted(workers)),
        types=tuple(types),
        capped=tuple(capped),
        read_at=moment,
    )


def read_queue_jobs(
    database: Database, view: QueueView, *, now: datetime | None = None
) -> QueueJobsPage:
    """Return the page of queued jobs that a view asks for; past the end, the last one.

    The platform's jobs come first, then Laravel's unfinished and its failed ones, each newest first.
    Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    with database.reading() as connection:
        sources = list(_sources(database, view.filter, moment))
        totals = [
            connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
            for table, where, _ in sources
        ]
        total = sum(totals)
        shown = view.on_page(min(view.page, max(1, -(-total // view.limit))))
        records: list[tuple[Any, ...]] = []
        offset = (shown.page - 1) * shown.limit
        for (table, where, statement), own in zip(sources, totals, strict=True):
            wanted = shown.limit - len(records)
            if wanted > 0 and offset < own:
                rows = connection.execute(
                    statement.where(where).order_by(table.c.id.desc()).limit(wanted).offset(offset)
                )
                records += [_job_record(table, row, database, moment) for row in rows.mappings()]
            offset = max(0, offset - own)
    return QueueJobsPage(
        view=shown,
        rows=queue_frames.framed(records, queue_frames.QUEUE_JOB_COLUMNS),
        total=total,
        read_at=moment,
    )


def read_batches(
    database: Database, page: int = 1, limit: int = 25, *, now: datetime | None = None
) -> BatchesPage:
    """Return a page of batches, past the end the last one; the platform's first, newest first.

    Laravel's ids follow the time of their making, so that their order is that of the ids.
    Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    tables = [t for t in (queue_batch, laravel_batches) if t.name in database.tables]
    with database.reading() as connection:
        totals = [connection.execute(select(func.count(t.c.id))).scalar_one() for t in tables]
        total = sum(totals)
        page = min(page, max(1, -(-total // limit)))
        records: list[tuple[Any, ...]] = []
        offset = (page - 1) * limit
        for table, own in zip(tables, totals, strict=True):
            wanted = limit - len(records)
            if wanted > 0 and offset < own:
                rows = connection.execute(
                    _batch_columns(database, table)
                    .order_by(table.c.id.desc())
                    .limit(wanted)
                    .offset(offset)
                )
                records += [_batch_record(table, row, database, moment) for row in rows.mappings()]
            offset = max(0, offset - own)
    return BatchesPage(
        page=page,
        limit=limit,
        rows=queue_frames.framed(records, queue_frames.BATCH_COLUMNS),
        total=total,
        read_at=moment,
    )


def read_batch(database: Database, batch_id: str, *, now: datetime | None = None) -> Batch | None:
    """Return one batch, None where there is none; a number is one of the platform's.

    Its jobs are those of `read_queue_jobs` with the batch as their filter, its events those of
    `read_log`. Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    is_number = batch_id.isascii() and batch_id.isdigit() and len(batch_id) <= 18
    table = queue_batch if is_number else laravel_batches
    if table.name not in database.tables:
        return None
    own = ("options",) if table is queue_batch else ("options", "failed_job_ids")
    settings = ("max_concurrent", "delay_between_ms", "max_retries") if table is queue_batch else ()
    with database.reading() as connection:
        statement = _batch_columns(database, table).add_columns(
            *(part for name in own for part in _bounded(database, table, name)),
            *(_column(database, table, name) for name in settings),
        )
        key = int(batch_id) if is_number else batch_id
        row = connection.execute(statement.where(table.c.id == key)).mappings().first()
    if row is None:
        return None
    record = _batch_record(table, row, database, moment)
    return Batch(
        facts=dict(zip(queue_frames.BATCH_COLUMNS, record, strict=True)),
        settings={
            label: f"{row[name]:,}"
            for name, label in (
                ("max_concurrent", "At once"),
                ("delay_between_ms", "Pause between jobs (ms)"),
                ("max_retries", "Retries"),
            )
            if name in settings and row[name] is not None
        },
        options=_long_text(row, "options"),
        failed_ids=_long_text(row, "failed_job_ids").text if "failed_job_ids" in own else "",
        read_at=moment,
    )


def read_queue_job(database: Database, job_id: int, *, now: datetime | None = None) -> QueueJob | None:
    """Return what is known of one job of the platform's queue, None where there is no such job.

    Raises DatabaseUnavailable.
    """
    if queue_job.name not in database.tables:
        return None
    moment = now or datetime.now(UTC)
    statement = _queue_job_columns(database).where(queue_job.c.id == job_id)
    with database.reading() as connection:
        row = connection.execute(statement).mappings().first()
    return None if row is None else _queue_job(database, row, moment)


def read_chain(database: Database, chain_id: int, *, now: datetime | None = None) -> pd.DataFrame:
    """Return the jobs of a chain in its order, at most the first MOST_IN_CHAIN.

    For the columns see `queue_frames.QUEUE_JOB_COLUMNS`. Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    records: list[tuple[Any, ...]] = []
    if "chain_id" in database.columns.get(queue_job.name, ()):
        with database.reading() as connection:
            rows = connection.execute(
                _heratio_columns(database)
                .where(queue_job.c.chain_id == chain_id)
                .order_by(_column(database, queue_job, "chain_order"), queue_job.c.id)
                .limit(MOST_IN_CHAIN)
            )
            records = [
                queue_frames.heratio_job(row, database.timezone, moment) for row in rows.mappings()
            ]
    return queue_frames.framed(records, queue_frames.QUEUE_JOB_COLUMNS)


def read_failed_record(database: Database, job_id: int) -> FailedRecord | None:
    """Return the newest failed record of a job of the platform's queue, if it has one.

    Raises TookTooLong after LOOKUP_SECONDS, and DatabaseUnavailable.
    """
    if "original_job_id" not in database.columns.get(queue_failed.name, ()):
        return None
    statement = (
        select(
            queue_failed.c.id,
            _column(database, queue_failed, "failed_at"),
            _column(database, queue_failed, "attempt_count"),
            *_bounded(database, queue_failed, "error_message"),
            *_bounded(database, queue_failed, "error_trace"),
        )
        .where(queue_failed.c.original_job_id == job_id)
        .order_by(queue_failed.c.id.desc())
        .limit(1)
    )
    with database.reading(LOOKUP_SECONDS) as connection:
        row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    return FailedRecord(
        id=row["id"],
        failed=times.utc(row["failed_at"], database.timezone),
        attempts=row["attempt_count"],
        message=_long_text(row, "error_message").text,
        trace=_long_text(row, "error_trace"),
    )


def read_log(database: Database, *, job_id: int | None = None, batch_id: int | None = None) -> Log:
    """Return the newest events of a job, or else of a batch, of the platform's queue.

    Raises TookTooLong after LOOKUP_SECONDS, and DatabaseUnavailable.
    """
    of, key = (queue_log.c.batch_id, batch_id) if job_id is None else (queue_log.c.job_id, job_id)
    if of.name not in database.columns.get(queue_log.name, ()):
        return Log(queue_frames.framed([], queue_frames.LOG_COLUMNS), is_cut=False)
    statement = (
        select(
            *(
                _column(database, queue_log, name)
                for name in ("job_id", "event_type", "message", "created_at")
            ),
            _beginning(database, queue_log, "details", PAYLOAD_BEGINNING).label("details"),
        )
        .where(of == key)
        .order_by(queue_log.c.id.desc())
        .limit(MOST_EVENTS + 1)
    )
    with database.reading(LOOKUP_SECONDS) as connection:
        rows = connection.execute(statement).mappings().all()
    records = [queue_frames.log_record(row, database.timezone) for row in rows[:MOST_EVENTS]]
    return Log(
        rows=queue_frames.framed(records[::-1], queue_frames.LOG_COLUMNS),
        is_cut=len(rows) > MOST_EVENTS,
    )


def read_laravel_job(
    database: Database, job_id: int, *, now: datetime | None = None
) -> LaravelJob | None:
    """Return one of Laravel's jobs that has not ended, None where there is none.

    Raises DatabaseUnavailable.
    """
    if laravel_jobs.name not in database.tables:
        return None
    moment = now or datetime.now(UTC)
    columns = ("id", "queue", "attempts", "reserved_at", "available_at", "created_at")
    statement = select(
        *(_column(database, laravel_jobs, name) for name in columns),
        *_bounded(database, laravel_jobs, "payload"),
    ).where(laravel_jobs.c.id == job_id)
    with database.reading() as connection:
        row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    payload = _long_text(row, "payload")
    return LaravelJob(
        id=row["id"],
        queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
        type=queue_frames.class_name_of(payload.text),
        state=queue_frames.laravel_state_of(row, moment),
        attempts=row["attempts"] or 0,
        created=row["created_at"],
        available=row["available_at"],
        reserved=row["reserved_at"],
        payload=payload,
        read_at=moment,
    )


def read_laravel_failed(
    database: Database, failed_id: int, *, now: datetime | None = None
) -> LaravelFailed | None:
    """Return one of Laravel's failed jobs, None where there is none. Raises DatabaseUnavailable."""
    if laravel_failed.name not in database.tables:
        return None
    statement = select(
        *(_column(database, laravel_failed, name) for name in ("id", "uuid", "queue", "failed_at")),
        _beginning(database, laravel_failed, "connection", PAYLOAD_BEGINNING).label("connection"),
        *_bounded(database, laravel_failed, "exception"),
        *_bounded(database, laravel_failed, "payload"),
    ).where(laravel_failed.c.id == failed_id)
    with database.reading() as connection:
        row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    payload = _long_text(row, "payload")
    return LaravelFailed(
        id=row["id"],
        uuid=values.text(row["uuid"]),
        connection=values.text(row["connection"]),
        queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
        type=queue_frames.class_name_of(payload.text),
        failed=times.utc(row["failed_at"], database.timezone),
        exception=_long_text(row, "exception"),
        payload=payload,
        read_at=now or datetime.now(UTC),
    )


_COUNTED: Final = tuple(queue_frames.QUEUE_COLUMNS)[2:]


def _nothing(column: str, kind: str) -> int | None:
    """Return what an overview says of a queue where nothing was counted: none, or not known."""
    if column in {"oldest_waiting_seconds", "worker_seen"}:
        return None
    untold = {"completed", "other", "completed_last_hour", "workers"}
    return None if kind == Kind.LARAVEL and column in untold else 0


def _count_heratio(
    connection: Connection,
    database: Database,
    queues: dict[tuple[str, str], dict[str, Any]],
    now: datetime,
) -> None:
    """Count by queue and status; the index on them, with available_at, answers all of it."""
    queue, status, available, created = (
        _column(database, queue_job, name) for name in ("queue", "status", "available_at", "created_at")
    )
    counted = select(queue, status, func.count().label("jobs")).group_by(queue, status)
    for row in connection.execute(counted):
        # A pending job counts as waiting until the next statement finds that it is delayed.
        state = queue_frames.state_of(values.text(row.status), None, now)
        _add(_of(queues, Kind.HERATIO, row.queue), state.value, row.jobs)
    is_later = _is_later(database, now)
    pending = (
        select(
            queue,
            func.sum(case((is_later, 1), else_=0)).label("later"),
            type_coerce(func.min(case((~is_later, available))), available.type).label("since"),
            func.min(case((available.is_(None), queue_job.c.id))).label("undated"),
        )
        .where(status == "pending")
        .group_by(queue)
    )
    rows = connection.execute(pending).all()
    undated = [row.undated for row in rows if row.undated is not None]
    made = connection.execute(select(queue_job.c.id, created).where(queue_job.c.id.in_(undated)))
    created_of: dict[int, datetime | None] = {row.id: row.created_at for row in made}
    for row in rows:
        counts = _of(queues, Kind.HERATIO, row.queue)
        _add(counts, "waiting", -int(row.later))
        _add(counts, "delayed", int(row.later))
        since = [
            moment
            for naive in (row.since, created_of.get(row.undated))
            if (moment := times.utc(naive, database.timezone))
        ]
        counts["oldest_waiting_seconds"] = queue_frames.age_seconds(min(since, default=None), now)


def _count_recent(
    connection: Connection,
    database: Database,
    queues: dict[tuple[str, str], dict[str, Any]],
    workers: set[str],
    now: datetime,
) -> int:
    """Count the last hour's completed jobs and the workers; return how many jobs were looked at."""
    names = ("queue", "status", "worker_id", "completed_at", "started_at", "reserved_at")
    newest = (
        select(*(_column(database, queue_job, name) for name in names))
        .order_by(queue_job.c.id.desc())
        .limit(MOST_ROWS)
        .subquery("newest")
    )
    seen = func.coalesce(newest.c.completed_at, newest.c.started_at, newest.c.reserved_at)
    hour_ago = literal(
        times.to_platform(now - LAST_HOUR, database.timezone), queue_job.c.completed_at.type
    )
    in_last_hour = and_(newest.c.status == "completed", newest.c.completed_at >= hour_ago)
    statement = select(
        newest.c.queue,
        newest.c.worker_id,
        func.count().label("jobs"),
        func.sum(case((in_last_hour, 1), else_=0)).label("completed"),
        type_coerce(func.max(seen), queue_job.c.completed_at.type).label("seen"),
    ).group_by(newest.c.queue, newest.c.worker_id)
    looked_at = 0
    for row in connection.execute(statement):
        counts = _of(queues, Kind.HERATIO, row.queue)
        _add(counts, "completed_last_hour", int(row.completed))
        looked_at += row.jobs
        if worker := values.filled(row.worker_id):
            workers.add(worker)
            _add(counts, "workers", 1)
            seen_at = [
                t for t in (counts.get("worker_seen"), times.utc(row.seen, database.timezone)) if t
            ]
            counts["worker_seen"] = max(seen_at, default=None)
    return looked_at


def _count_failed_records(
    connection: Connection, database: Database, queues: dict[tuple[str, str], dict[str, Any]]
) -> int:
    newest = (
        select(
            queue_failed.c.id,
            _column(database, queue_failed, "queue"),
            _column(database, queue_failed, "original_job_id"),
        )
        .order_by(queue_failed.c.id.desc())
        .limit(MOST_ROWS)
        .subquery("newest")
    )
    looked_at: int = connection.execute(select(func.count()).select_from(newest)).scalar_one()
    # A record that names no job is one of its own; ids are positive, so these cannot meet.
    each_job = func.coalesce(newest.c.original_job_id, -newest.c.id)
    statement = select(newest.c.queue, func.count(each_job.distinct()).label("jobs"))
    if queue_job.name in database.tables:
        statement = statement.outerjoin(queue_job, queue_job.c.id == newest.c.original_job_id).where(
            queue_job.c.id.is_(None)
        )
    for row in connection.execute(statement.group_by(newest.c.queue)):
        _add(_of(queues, Kind.HERATIO, row.queue), "failed", row.jobs)
    return looked_at


def _count_laravel(
    connection: Connection,
    database: Database,
    queues: dict[tuple[str, str], dict[str, Any]],
    now: datetime,
) -> int:
    names = ("queue", "reserved_at", "available_at", "created_at")
    newest = (
        select(*(_column(database, laravel_jobs, name) for name in names))
        .order_by(laravel_jobs.c.id.desc())
        .limit(MOST_ROWS)
        .subquery("newest")
    )
    is_later = newest.c.available_at > literal(now, laravel_jobs.c.available_at.type)
    state = case(
        (newest.c.reserved_at.is_not(None), QueueState.RUNNING.value),
        (is_later, QueueState.DELAYED.value),
        else_=QueueState.WAITING.value,
    ).label("state")
    since = func.min(func.coalesce(newest.c.available_at, newest.c.created_at))
    statement = select(
        newest.c.queue,
        state,
        func.count().label("jobs"),
        type_coerce(since, laravel_jobs.c.available_at.type).label("since"),
    ).group_by(newest.c.queue, state)
    looked_at = 0
    for row in connection.execute(statement):
        counts = _of(queues, Kind.LARAVEL, row.queue)
        _add(counts, row.state, row.jobs)
        looked_at += row.jobs
        if row.state == QueueState.WAITING:
            counts["oldest_waiting_seconds"] = queue_frames.age_seconds(row.since, now)
    return looked_at


def _count_laravel_failed(
    connection: Connection, database: Database, queues: dict[tuple[str, str], dict[str, Any]]
) -> int:
    newest = (
        select(_column(database, laravel_failed, "queue"))
        .order_by(laravel_failed.c.id.desc())
        .limit(MOST_ROWS)
        .subquery("newest")
    )
    looked_at = 0
    for row in connection.execute(
        select(newest.c.queue, func.count().label("jobs")).group_by(newest.c.queue)
    ):
        _add(_of(queues, Kind.LARAVEL, row.queue), "failed", row.jobs)
        looked_at += row.jobs
    return looked_at


def _of(queues: dict[tuple[str, str], dict[str, Any]], kind: Kind, queue: object) -> dict[str, Any]:
    return queues[kind.value, values.filled(queue) or values.UNKNOWN_NAME]


def _add(counts: dict[str, Any], column: str, jobs: int) -> None:
    counts[column] = counts.get(column, 0) + jobs


def _types(connection: Connection, database: Database) -> list[str]:
    column = _column(database, queue_job, "job_type")
    found = connection.execute(select(column).distinct().order_by(column).limit(MOST_OPTIONS))
    return [name for value in found.scalars() if (name := values.filled(value))]


def _sources(
    database: Database, asked: QueueFilter, now: datetime
) -> Iterator[tuple[Table, ColumnElement[bool], Select[Any]]]:
    """Yield each table that has jobs for a filter: the condition, and what is read of a job."""
    if queue_job.name in database.tables and asked.kind in {None, Kind.HERATIO}:
        yield queue_job, _heratio_where(database, asked, now), _heratio_columns(database)
    if asked.kind is Kind.HERATIO or asked.heratio_alone:
        return
    unfinished = {None, QueueState.WAITING, QueueState.DELAYED, QueueState.RUNNING}
    if laravel_jobs.name in database.tables and asked.status in unfinished:
        columns = ("id", "queue", "attempts", "reserved_at", "available_at", "created_at")
        statement = select(
            *(_column(database, laravel_jobs, name) for name in columns),
            _beginning(database, laravel_jobs, "payload", PAYLOAD_BEGINNING).label("payload"),
        )
        yield laravel_jobs, _laravel_where(database, asked, now), statement
    if laravel_failed.name in database.tables and asked.status in {None, QueueState.FAILED}:
        statement = select(
            *(_column(database, laravel_failed, name) for name in ("id", "queue", "failed_at")),
            _beginning(database, laravel_failed, "payload", PAYLOAD_BEGINNING).label("payload"),
            _beginning(database, laravel_failed, "exception", PAYLOAD_BEGINNING).label("exception"),
        )
        yield laravel_failed, _in_queue(database, laravel_failed, asked), statement


def _job_record(table: Table, row: RowMapping, database: Database, now: datetime) -> tuple[Any, ...]:
    if table is queue_job:
        return queue_frames.heratio_job(row, database.timezone, now)
    if table is laravel_jobs:
        return queue_frames.laravel_job(row, now)
    return queue_frames.laravel_failed_job(row, database.timezone)


def _in_queue(database: Database, table: Table, asked: QueueFilter) -> ColumnElement[bool]:
    if not asked.queue:
        return true()
    if "queue" not in database.columns[table.name]:
        return false()
    queue = table.c.queue
    if asked.queue == values.UNKNOWN_NAME:
        return or_(queue == asked.queue, queue == "", queue.is_(None))
    return queue == asked.queue


def _heratio_where(database: Database, asked: QueueFilter, now: datetime) -> ColumnElement[bool]:
    present = database.columns[queue_job.name]
    conditions = [_in_queue(database, queue_job, asked)]
    for name, value in (
        ("job_type", asked.type),
        ("worker_id", asked.worker),
        ("batch_id", asked.batch),
    ):
        if value:
            conditions.append(queue_job.c[name] == value if name in present else false())
    if asked.status is not None:
        conditions.append(_is_in(database, asked.status, now) if "status" in present else false())
    return and_(*conditions)


def _is_in(database: Database, state: QueueState, now: datetime) -> ColumnElement[bool]:
    """Return the SQL condition of the platform's jobs in a state; mirrors `state_of`."""
    status, is_later = queue_job.c.status, _is_later(database, now)
    match state:
        case QueueState.WAITING:
            return and_(status == "pending", ~is_later)
        case QueueState.DELAYED:
            return and_(status == "pending", is_later)
        case QueueState.RUNNING:
            return status.in_(RUNNING_STATUSES)
        case QueueState.COMPLETED | QueueState.FAILED:
            return status == state.value
        case QueueState.OTHER:
            known = ("pending", *RUNNING_STATUSES, "completed", "failed")
            return or_(status.is_(None), status.not_in(known))


def _is_later(database: Database, now: datetime) -> ColumnElement[bool]:
    """Return the SQL condition, never NULL, of the platform's jobs that may not start yet."""
    available: Any = queue_job.c.available_at
    if available.name not in database.columns[queue_job.name]:
        return false()
    return and_(
        available.is_not(None),
        available > literal(times.to_platform(now, database.timezone), available.type),
    )


def _laravel_where(database: Database, asked: QueueFilter, now: datetime) -> ColumnElement[bool]:
    reserved, available = (
        _bare(database, laravel_jobs, name) for name in ("reserved_at", "available_at")
    )
    is_later = available > literal(now, laravel_jobs.c.available_at.type)
    in_queue = _in_queue(database, laravel_jobs, asked)
    match asked.status:
        case QueueState.RUNNING:
            return and_(in_queue, reserved.is_not(None))
        case QueueState.DELAYED:
            return and_(in_queue, reserved.is_(None), is_later)
        case QueueState.WAITING:
            return and_(in_queue, reserved.is_(None), or_(available.is_(None), ~is_later))
        case _:
            return in_queue


def _heratio_columns(database: Database) -> Select[Any]:
    """Select what a table of queued jobs shows."""
    source, owner = with_owner(database, queue_job, _user_id(database, queue_job))
    return select(
        *(_column(database, queue_job, name) for name in _JOB_COLUMNS),
        _beginning(database, queue_job, "error_message", PAYLOAD_BEGINNING).label("error"),
        *owner,
    ).select_from(source)


def _queue_job_columns(database: Database) -> Select[Any]:
    """Select all that there is of a queued job."""
    long = ("payload", "result_data", "error_message", "error_trace")
    return _heratio_columns(database).add_columns(
        *(
            _column(database, queue_job, column.name)
            for column in queue_job.c
            if column.name not in {*_JOB_COLUMNS, *long}
        ),
        *(part for name in long for part in _bounded(database, queue_job, name)),
        _batch_name(database).label("batch_name"),
    )


def _queue_job(database: Database, row: RowMapping, now: datetime) -> QueueJob:
    zone = database.timezone
    status, available = values.text(row["status"]), times.utc(row["available_at"], zone)
    done, total = row["progress_current"], row["progress_total"]
    return QueueJob(
        id=row["id"],
        queue=values.filled(row["queue"]) or values.UNKNOWN_NAME,
        type=values.filled(row["job_type"]) or values.UNKNOWN_NAME,
        status=status,
        state=queue_frames.state_of(status, available, now),
        priority=row["priority"],
        owner=values.owner_of(row),
        worker=values.text(row["worker_id"]),
        rate_limit_group=values.text(row["rate_limit_group"]),
        batch_id=row["batch_id"],
        batch_name=values.text(row["batch_name"]),
        chain_id=row["chain_id"],
        chain_order=row["chain_order"],
        attempts=row["attempt_count"] or 0,
        max_attempts=row["max_attempts"],
        delay_seconds=row["delay_seconds"],
        backoff=values.text(row["backoff_strategy"]),
        progress=queue_frames.share(done, total),
        progress_text=queue_frames.progress_text(done, total, values.text(row["progress_message"])),
        created=times.utc(row["created_at"], zone),
        available=available,
        reserved=times.utc(row["reserved_at"], zone),
        started=times.utc(row["started_at"], zone),
        completed=times.utc(row["completed_at"], zone),
        updated=times.utc(row["updated_at"], zone),
        processing_ms=row["processing_time_ms"],
        payload=_long_text(row, "payload"),
        result=_long_text(row, "result_data"),
        error_message=_long_text(row, "error_message"),
        error_code=values.text(row["error_code"]),
        error_trace=_long_text(row, "error_trace"),
        read_at=now,
    )


def _batch_name(database: Database) -> ColumnElement[Any]:
    """Return the name of a job's batch, by the batches' primary key."""
    has_batch = "batch_id" in database.columns[queue_job.name]
    if not has_batch or "name" not in database.columns.get(queue_batch.name, ()):
        return null()
    return select(queue_batch.c.name).where(queue_batch.c.id == queue_job.c.batch_id).scalar_subquery()


def _batch_columns(database: Database, table: Table) -> Select[Any]:
    if table is laravel_batches:
        own = ("id", "name", "total_jobs", "pending_jobs", "failed_jobs")
        times = ("cancelled_at", "created_at", "finished_at")
        return select(*(_column(database, table, name) for name in (*own, *times)))
    left_out = {"options", "max_concurrent", "delay_between_ms", "max_retries"}
    source, owner = with_owner(database, table, _user_id(database, table))
    columns = [_column(database, table, c.name) for c in table.c if c.name not in left_out]
    return select(*columns, *owner).select_from(source)


def _batch_record(table: Table, row: RowMapping, database: Database, now: datetime) -> tuple[Any, ...]:
    if table is laravel_batches:
        return queue_frames.laravel_batch(row, now)
    return queue_frames.heratio_batch(row, database.timezone, now)


def _user_id(database: Database, table: Table) -> ColumnElement[Any] | None:
    return table.c.user_id if "user_id" in database.columns[table.name] else None


def _column(database: Database, table: Table, name: str) -> ColumnElement[Any]:
    """Return a table's column, or NULL under its name where this database lacks it."""
    column = table.c[name]
    if name in database.columns.get(table.name, ()):
        return column
    return type_coerce(null(), column.type).label(name)


def _beginning(database: Database, table: Table, name: str, characters: int) -> ColumnElement[Any]:
    return func.substr(_bare(database, table, name), 1, characters)


def _bounded(database: Database, table: Table, name: str) -> tuple[ColumnElement[Any], ...]:
    """Return the beginning of a long text, and the size of the whole in bytes as `…_bytes`."""
    whole = _bare(database, table, name)
    is_sqlite = database.engine.dialect.name == "sqlite"
    size = func.length(cast(whole, LargeBinary) if is_sqlite else whole)
    return (
        func.substr(whole, 1, MOST_CHARACTERS).label(name),
        size.label(f"{name}_bytes"),
        (func.char_length(whole) if not is_sqlite else func.length(whole)).label(f"{name}_characters"),
    )


def _bare(database: Database, table: Table, name: str) -> ColumnElement[Any]:
    present = name in database.columns.get(table.name, ())
    return table.c[name] if present else null()


def _long_text(row: RowMapping, name: str) -> LongText:
    return LongText(
        text=values.text(row[name]),
        size=row[f"{name}_bytes"] or 0,
        is_cut=(row[f"{name}_characters"] or 0) > MOST_CHARACTERS,
    )
