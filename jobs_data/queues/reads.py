"""What the queues' screens show, from both systems together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import pandas as pd
from sqlalchemy import Connection, Table

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
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.frames import frame
from jobs_data.queues.heratio import Heratio
from jobs_data.queues.laravel import Laravel
from jobs_data.queues.listing import Listing, QueuePage, read_page
from jobs_data.queues.model import Batch, BatchDetails, JobDetails, JobKey, Kind, QueuedJob
from jobs_data.queues.overview import Overview
from jobs_data.wording import one_of

HERATIO_TABLES: Final = (queue_job, queue_failed, queue_batch, queue_log)
LARAVEL_TABLES: Final = (laravel_jobs, laravel_failed, laravel_batches)


class Backend(Protocol):
    """One system's queues. What it does not tell is None, and a table that is missing has no rows.

    `now` is aware. Methods with a connection read within its transaction.
    """

    def overview(self, connection: Connection, now: datetime) -> Overview:
        """Return the figures of its queues."""

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the lists of the queued jobs that a filter lets through, one for each table."""

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""

    def batches(self, now: datetime) -> Listing[Batch]:
        """Return the list of its batches."""

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""


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


def read_overview(database: Database, *, now: datetime | None = None) -> Overview:
    """Return all queues, sorted by kind and name, from one consistent read.

    `now` is aware, by default the current time, here and below. Raises DatabaseUnavailable.
    """
    moment = now or datetime.now(UTC)
    with database.reading() as connection:
        found = [backend.overview(connection, moment) for backend in backends(database).values()]
    return Overview(
        queues=tuple(
            queue
            for overview in found
            for queue in sorted(overview.queues, key=lambda queue: queue.queue)
        ),
        workers=tuple(worker for overview in found for worker in overview.workers),
        types=tuple(name for overview in found for name in overview.types),
        capped=tuple(table for overview in found for table in overview.capped),
        read_at=moment,
    )


def read_queue_jobs(database: Database, view: QueueView, *, now: datetime | None = None) -> QueuePage:
    """Return the page of queued jobs that a view asks for. Raises DatabaseUnavailable."""
    moment = now or datetime.now(UTC)
    listings = [
        listing
        for kind, backend in backends(database).items()
        if view.filter.kind in {None, kind}
        for listing in backend.jobs(view.filter, moment)
    ]
    return read_page(database, QueuedJob, listings, (view.page, view.limit), moment)


def read_batches(
    database: Database, page: int = 1, limit: int = 25, *, now: datetime | None = None
) -> QueuePage:
    """Return a page of batches. Raises DatabaseUnavailable."""
    moment = now or datetime.now(UTC)
    listings = [backend.batches(moment) for backend in backends(database).values()]
    return read_page(database, Batch, listings, (page, limit), moment)


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
