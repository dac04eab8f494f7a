"""Rows of the platform's queues that make reading them slow."""

from sqlalchemy import text

from jobs_data.platform import tables
from tests.support.store import Store


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
