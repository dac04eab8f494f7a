"""What the queues' screens show, from both systems together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pandas as pd
from sqlalchemy import Table

from jobs_data.page import Page
from jobs_data.platform.database import Database
from jobs_data.platform.tables import (
    laravel_batches,
    laravel_failed,
    laravel_jobs,
    queue_batch,
    queue_failed,
    queue_job,
    queue_log,
)
from jobs_data.queues.backend import Backend
from jobs_data.queues.filters import QueueView
from jobs_data.queues.frames import frame
from jobs_data.queues.heratio import Heratio
from jobs_data.queues.laravel import Laravel
from jobs_data.queues.listing import Listing, Record, read_list
from jobs_data.queues.model import Batch, BatchDetails, JobDetails, JobKey, Kind, Queue, QueuedJob
from jobs_data.wording import one_of

HERATIO_TABLES: Final = (queue_job, queue_failed, queue_batch, queue_log)
LARAVEL_TABLES: Final = (laravel_jobs, laravel_failed, laravel_batches)


@dataclass(frozen=True)
class QueuesOverview:
    """All queues of both systems, read at one moment."""

    rows: pd.DataFrame
    """A `Queue` each, sorted by kind and name."""
    workers: tuple[str, ...]
    """The workers seen, by name."""
    types: tuple[str, ...]
    """The types of job that there are, by name."""
    capped: tuple[str, ...]
    """The tables of which only the newest MOST_ROWS were looked at for some of the figures."""
    read_at: datetime


@dataclass(frozen=True)
class QueuePage:
    """One page of queued jobs or of batches, the platform's first, each table's newest first."""

    page: Page[pd.DataFrame]
    """A `QueuedJob` or a `Batch` each. `total` is at most MOST_ROWS."""
    has_more: bool
    """Whether there are more than `total`."""
    is_partial: bool
    """Whether only the newest MOST_ROWS rows of each table were searched: all took too long."""
    read_at: datetime


def backends(database: Database) -> dict[Kind, Backend]:
    """Return the two systems that a database may hold."""
    return {Kind.HERATIO: Heratio(database), Kind.LARAVEL: Laravel(database)}


def missing_sentence(database: Database, *tables: Table) -> str:
    """Return a sentence on those tables that this database lacks; empty where it has them all.

    Raises DatabaseUnavailable.
    """
    missing = [table for table in tables if table.name not in database.tables]
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
    """Return a row per queue, from one consistent read.

    Which spellings of a name are one queue is the database's to say. `now` is aware, by default the
    current time, here and below. Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    with database.reading() as connection:
        found = [backend.overview(connection, moment) for backend in backends(database).values()]
    queues = sorted(
        (queue for overview in found for queue in overview.queues),
        key=lambda queue: (queue.kind, queue.queue),
    )
    return QueuesOverview(
        rows=frame(Queue, queues),
        workers=tuple(worker for overview in found for worker in overview.workers),
        types=tuple(name for overview in found for name in overview.types),
        capped=tuple(table for overview in found for table in overview.capped),
        read_at=moment,
    )


def read_queue_jobs(database: Database, view: QueueView, *, now: datetime | None = None) -> QueuePage:
    """Return the page of queued jobs that a view asks for; past the end, the last one.

    Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    listings = [
        listing
        for kind, backend in backends(database).items()
        if view.filter.kind in {None, kind}
        for listing in backend.jobs(view.filter, moment)
    ]
    return _page(database, QueuedJob, listings, view.page, view.limit, moment)


def read_batches(
    database: Database, page: int = 1, limit: int = 25, *, now: datetime | None = None
) -> QueuePage:
    """Return a page of batches; past the end, the last one. Raises DatabaseUnavailable."""
    moment = now or datetime.now(UTC)
    listings = [
        listing for backend in backends(database).values() for listing in backend.batches(moment)
    ]
    return _page(database, Batch, listings, page, limit, moment)


def read_batch(
    database: Database, batch_id: str, *, now: datetime | None = None
) -> BatchDetails | None:
    """Return one batch, None where there is none. Raises DatabaseUnavailable.

    Its jobs are those of `read_queue_jobs` with the batch as their filter, its events those of
    `history.read_log`.
    """
    moment = now or datetime.now(UTC)
    with database.reading() as connection:
        found = (b.batch(connection, batch_id, moment) for b in backends(database).values())
        return next((batch for batch in found if batch is not None), None)


def read_queue_job(
    database: Database, key: JobKey, *, now: datetime | None = None
) -> JobDetails | None:
    """Return everything about one queued job, None where there is none. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        backend = backends(database)[key.source.kind]
        return backend.job(connection, key, now or datetime.now(UTC))


def read_chain(database: Database, chain_id: int, *, now: datetime | None = None) -> pd.DataFrame:
    """Return the jobs of a chain of the platform's in its order, a `QueuedJob` each.

    Laravel keeps no chains that can be read. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        jobs = Heratio(database).chain(connection, chain_id, now or datetime.now(UTC))
    return frame(QueuedJob, jobs)


def _page(
    database: Database,
    record_type: type[Record],
    listings: Sequence[Listing[Record]],
    number: int,
    limit: int,
    now: datetime,
) -> QueuePage:
    found = read_list(database, listings, number, limit)
    rows = frame(record_type, found.page.items)
    return QueuePage(
        page=Page(rows, found.page.total, found.page.number, limit),
        has_more=found.has_more,
        is_partial=found.is_partial,
        read_at=now,
    )
