"""Rows of the queues' tables."""

from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import text

from jobs_data.platform import tables
from jobs_data.queues.overview import Overview
from tests.support.store import NOON, Store

NOW = NOON.replace(tzinfo=UTC)
QUEUE_TABLES = (
    *(tables.queue_job, tables.queue_failed, tables.queue_batch, tables.queue_log),
    *(tables.laravel_jobs, tables.laravel_failed, tables.laravel_batches),
)


def minutes(number: float) -> timedelta:
    """Return some minutes."""
    return timedelta(minutes=number)


def queued(store: Store, status: str = "pending", **values: Any) -> int:
    """Insert a job of the platform's queue, created at eleven, and return its id."""
    values = {"queue": "default", "job_type": "arX", "created_at": NOON - minutes(60), **values}
    return store.insert(tables.queue_job, status=status, **values)


def make_long_without_index(store: Store) -> None:
    """Fill the log and the failed records with rows of no job, and take their indexes away."""
    sqlite = store.engine.dialect.name == "sqlite"
    for table in (tables.queue_log, tables.queue_failed):
        with store.engine.begin() as connection:
            for index in table.indexes:
                on = "" if sqlite else f" ON {table.name}"
                connection.execute(text(f"DROP INDEX {index.name}{on}"))
            if table is tables.queue_log:
                names, values = "job_id, batch_id", "-1, -1"
            else:
                names, values = "original_job_id", "-1"
            connection.execute(text(f"INSERT INTO {table.name} ({names}) VALUES ({values})"))
            for _ in range(17):
                connection.execute(
                    text(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name}")
                )


def row_of(overview: Overview, kind: str, queue: str) -> dict[str, Any]:
    """Return the figures of a queue, with None for what its system does not tell."""
    [found] = [each for each in overview.queues if (each.kind, each.queue) == (kind, queue)]
    return vars(found)
