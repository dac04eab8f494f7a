"""The reads of the queues' screens, from both systems."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Table

from jobs_data.platform.database import Database
from jobs_data.queues.filters import QueueView
from jobs_data.queues.heratio import Heratio
from jobs_data.queues.laravel import Laravel
from jobs_data.queues.listing import QueuePage, read_page
from jobs_data.queues.model import Batch, BatchDetails, JobDetails, JobKey, Kind, QueuedJob
from jobs_data.queues.overview import Overview
from jobs_data.wording import one_of


def missing_sentence(database: Database, *tables: Table) -> str:
    """Return a sentence about the missing ones of some tables; empty if none is missing.

    Raises DatabaseUnavailable.
    """
    missing = [table.name for table in tables if table.name not in database.tables]
    if not missing:
        return ""
    return (
        f"This database has no table named {one_of(missing)}. That is normal on AtoM, which keeps no "
        "queue in its database, and on a Heratio that does not use this queue."
    )


def has_any(database: Database, *tables: Table) -> bool:
    """Return whether a database has any of these tables. Raises DatabaseUnavailable."""
    return any(table.name in database.tables for table in tables)


def read_overview(database: Database, *, now: datetime | None = None) -> Overview:
    """Return all queues, sorted by kind and name, from one consistent read.

    `now` is aware, by default the current time, here and below. Raises DatabaseUnavailable.
    """
    heratio, laravel = _both(database, now)
    with database.reading() as connection:
        own, framework = heratio.overview(connection), laravel.overview(connection)
    queues, capped = own.queues + framework.queues, own.capped + framework.capped
    return replace(own, queues=queues, capped=capped)


def read_queue_jobs(
    database: Database, view: QueueView, *, now: datetime | None = None
) -> QueuePage[QueuedJob]:
    """Return the page of queued jobs that a view asks for. Raises DatabaseUnavailable."""
    heratio, laravel = _both(database, now)
    listings = []
    if view.filter.kind is not Kind.LARAVEL:
        listings += heratio.jobs(view.filter)
    if view.filter.kind is not Kind.HERATIO:
        listings += laravel.jobs(view.filter)
    return read_page(database, listings, (view.page, view.limit), heratio.now)


def read_batches(
    database: Database, page: int = 1, limit: int = 25, *, now: datetime | None = None
) -> QueuePage[Batch]:
    """Return a page of batches. Raises DatabaseUnavailable."""
    heratio, laravel = _both(database, now)
    listings = [heratio.batches(), laravel.batches()]
    return read_page(database, listings, (page, limit), heratio.now)


def read_batch(
    database: Database, batch_id: str, *, now: datetime | None = None
) -> BatchDetails | None:
    """Return one batch, None if it does not exist. Raises DatabaseUnavailable.

    Its jobs are those of `read_queue_jobs` with the batch as their filter, its events those of
    `history.read_log`.
    """
    heratio, laravel = _both(database, now)
    with database.reading() as connection:
        return heratio.batch(connection, batch_id) or laravel.batch(connection, batch_id)


def read_queue_job(
    database: Database, key: JobKey, *, now: datetime | None = None
) -> JobDetails | None:
    """Return one queued job, None if it does not exist. Raises DatabaseUnavailable."""
    heratio, laravel = _both(database, now)
    with database.reading() as connection:
        return (heratio if key.source.kind is Kind.HERATIO else laravel).job(connection, key)


def read_chain(database: Database, chain_id: int, *, now: datetime | None = None) -> list[QueuedJob]:
    """Return the jobs of a chain of the platform's in its order.

    Laravel keeps no chains that can be read. Raises DatabaseUnavailable.
    """
    heratio, _ = _both(database, now)
    with database.reading() as connection:
        return heratio.chain(connection, chain_id)


def _both(database: Database, now: datetime | None) -> tuple[Heratio, Laravel]:
    moment = now or datetime.now(UTC)
    return Heratio(database, moment), Laravel(database, moment)
