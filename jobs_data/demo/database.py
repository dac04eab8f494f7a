"""Creates a demo database: the tables, then what jobs refer to, then the jobs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Engine

from jobs_data.demo.history import History
from jobs_data.demo.queue_history import create_queues
from jobs_data.demo.result_files import write_result
from jobs_data.demo.rows import Chunk
from jobs_data.demo.surroundings import create_surroundings
from jobs_data.platform.tables import HERATIO_ONLY, job, metadata, present_tables

CHUNK_JOBS: Final = 5000


class DatabaseNotEmpty(Exception):
    """The database already has tables of the platform. The message is a sentence."""


def create(
    engine: Engine,
    *,
    jobs: int,
    seed: int,
    now: datetime | None = None,
    atom: bool = False,
    results_root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Fill an empty database with the platform's tables and `jobs` believable jobs.

    The jobs end at `now`, naive UTC, by default the current time; the same `jobs`, `seed`, `now`
    and `atom` give the same rows. With `atom` the tables are those of a plain AtoM. The newest
    jobs' result files are written below `results_root`. `progress` is called with the number of
    jobs inserted so far and `jobs`.

    Raises DatabaseNotEmpty, before it changes anything, where a table of the platform exists.
    """
    rng = Random(seed)
    moment = (now or datetime.now(UTC)).replace(microsecond=0, tzinfo=None)
    _create_tables(engine, atom)
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        _insert_faster(connection)
        with connection.begin():
            surroundings = create_surroundings(connection, rng, moment)
        history = History(rng, jobs, moment, surroundings, atom=atom)

        def insert(chunk: Chunk, done: int) -> None:
            with connection.begin():
                chunk.insert(connection)
            if progress:
                progress(done, jobs)

        # Each chunk is inserted while the next one is made.
        with ThreadPoolExecutor(1, thread_name_prefix="demo") as inserter:
            inserted: Future[Any] = inserter.submit(int)
            done = 0
            for chunk in history.chunks(CHUNK_JOBS):
                if results_root:
                    for file in chunk.files:
                        write_result(results_root, file)
                inserted.result()
                done += chunk.jobs
                inserted = inserter.submit(insert, chunk, done)
            inserted.result()
        if not atom:
            # With their own random numbers, so that the queues do not change the jobs.
            with connection.begin():
                create_queues(connection, Random(seed), jobs, moment, surroundings.user_ids)


def _create_tables(engine: Engine, atom: bool) -> None:
    with engine.begin() as connection:
        present = present_tables(connection)
        if present:
            name = job.name if job.name in present else min(present)
            raise DatabaseNotEmpty(
                f"The database already has a table named {name}, and a demo is only ever put into "
                "an empty database: give the URL of a new one."
            )
        tables = [t for t in metadata.sorted_tables if not (atom and t.name in HERATIO_ONLY)]
        metadata.create_all(connection, tables)
    if engine.dialect.name == "sqlite":
        # So that neither a page being read nor a long export locks the simulator out. The setting
        # stays with the file; it cannot be made inside a transaction, which SQLAlchemy would begin.
        with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")


def _insert_faster(connection: Connection) -> None:
    """Skip checks that these rows cannot fail, on a connection that is not used afterwards."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.detach()
        connection.exec_driver_sql("SET SESSION foreign_key_checks = 0, unique_checks = 0")
        connection.commit()
