"""The platform's database: its connections, and what it has."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, exc, inspect

from jobs_data.platform import engine as engines
from jobs_data.platform.errors import (
    CUT_OFF,
    CommitUnknown,
    DatabaseUnavailable,
    TablesChanged,
    code_of,
    translated_errors,
)
from jobs_data.platform.tables import REQUIRED_TABLES, present_tables
from jobs_data.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_PORT: Final = 3306

CAUGHT_UP_SECONDS: Final = 30
"""How long a replica may lag: for that long after a change of ours, reads use the primary."""

REPLICA_RETRY_SECONDS: Final = 30
"""How long a replica that did not answer is not tried again."""

LONG_READS: Final = 5
"""A third of the engine's connections; other reads use the rest."""

TABLES_SECONDS: Final = 10
"""How long the list of tables is cached: a database may be filled while the app runs."""


class Database:
    """One platform database: its engine, its tables, and how to read its texts and times."""

    def __init__(
        self,
        engine: Engine,
        culture: str = "en",
        timezone: str = "UTC",
        *,
        replica: Engine | None = None,
    ) -> None:
        """Bind an engine made by `make_engine` to the culture and zone of its texts and times.

        `replica` is such an engine of a copy for reads, which may lag.
        """
        self.engine = engine
        self.culture = culture
        self.timezone = ZoneInfo(timezone)
        self.changes = 0
        """How often this process has changed jobs: nothing older than the last change is shown."""
        self.job_sets: dict[str, Callable[[], Iterable[int]]] = {}
        """Sets of jobs that no column tells and this process found by reading, each as ids by its
        name: see `jobs.where.in_set`."""
        self.long_reads = threading.BoundedSemaphore(LONG_READS)
        """For reads that keep a connection for as long as a client takes to receive them."""
        self._changing = threading.Lock()
        self._changed_at = -math.inf
        self._columns: Mapping[str, frozenset[str]] | None = None
        self._next_look = -math.inf
        self._replica = _Replica(replica) if replica else None

    @cached_property
    def identity(self) -> str:
        """Return a short name of the database, for receipts, locks and cache keys.

        It does not depend on account, driver and options.
        """
        url = self.engine.url
        server = [url.host, url.port or DEFAULT_PORT, url.query.get("unix_socket")]
        where = ["sqlite" if self.is_sqlite else server, url.database]
        return hashlib.sha256(json.dumps(where).encode()).hexdigest()[:16]

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is a file of SQLite."""
        return self.engine.dialect.name == "sqlite"

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """Return the columns of each platform table that exists.

        They are read once, and again if a transaction finds other tables at its start. Raises
        DatabaseUnavailable if the database does not answer, or a required table is missing.
        """
        return self._columns or self._look_at_tables()

    @property
    def tables(self) -> frozenset[str]:
        """Return the names of the platform tables that exist. Raises as `columns` does."""
        return frozenset(self.columns)

    def _look_at_tables(self) -> Mapping[str, frozenset[str]]:
        self._next_look = time.monotonic() + TABLES_SECONDS
        with translated_errors(), self.engine.connect() as connection:
            names, columns = present_tables(connection), self._columns
            if columns is None or names != columns.keys():
                self._columns = None  # unknown if the next lines fail
                inspector = inspect(connection)
                columns = {n: frozenset(c["name"] for c in inspector.get_columns(n)) for n in names}
        missing = [table.name for table in REQUIRED_TABLES if table.name not in columns]
        if missing:
            raise DatabaseUnavailable(
                f"This database has no table named {' or '.join(missing)}, so it is not a database of "
                "Heratio or AtoM, or is being restored. Check HERATIO_JOBS_DATABASE_URL, or wait."
            )
        self._columns = columns
        return columns

    def _look_again(self) -> None:
        """Check after a while, before a transaction begins, whether the tables are still the same.

        A missing table may come later, in a database that is being restored. Without
        `user_totp_secret`, for example, no sign-in would need a code.
        """
        if self._columns is None or time.monotonic() >= self._next_look:
            self._look_at_tables()

    @property
    def all_engines(self) -> tuple[Engine, ...]:
        """Return the engine of the primary, and that of the replica if there is one."""
        return (self.engine, self._replica.engine) if self._replica else (self.engine,)

    def close(self) -> None:
        """Close the connections that are not in use; the next read opens new ones."""
        for engine in self.all_engines:
            engine.dispose()

    def changed(self) -> None:
        """Note that this process has changed jobs and committed the change."""
        # The time first: a reader of the new number must not use a lagging replica.
        with self._changing:
            self._changed_at = time.monotonic()
            self.changes += 1

    @contextmanager
    def reading(
        self,
        seconds: float = engines.READ_SECONDS,
        *,
        primary: bool = False,
        silence: float | None = None,
    ) -> Iterator[Connection]:
        """Open one transaction in which every SELECT sees the same snapshot.

        It uses the replica if there is one; with `primary` it uses the primary, which every decision
        needs. `seconds` limits each statement on MariaDB and MySQL, and the whole transaction on
        SQLite. A server that is silent for `silence` seconds, by default a little longer than a
        statement may take, counts as gone. Raises DatabaseUnavailable with a sentence if the database
        does not answer, and TookTooLong at the time limit.
        """
        with self._translated_errors():
            self._look_again()  # before the transaction, so that its error comes first
            with (
                self._connect_to_read(primary=primary) as connection,
                connection.begin(),
                engines.bounded(connection, seconds, silence=silence),
            ):
                try:
                    yield connection
                finally:
                    if not connection.invalidated:
                        engines.limit_silence(
                            connection.connection, engines.PING_SECONDS
                        )  # ending a read is fast

    @contextmanager
    def writing(
        self,
        seconds: float = engines.WRITE_SECONDS,
        *,
        checks_keys: bool = True,
        waits: bool = True,
    ) -> Iterator[Connection]:
        """Open one transaction that changes rows: an exception rolls it back.

        Without `checks_keys` a row may refer to a missing one. Without `waits` a server raises
        DatabaseBusy where it would wait for a lock.

        `seconds` and exceptions are as for `reading`; MySQL limits only SELECTs. Raises CommitUnknown
        if the answer to COMMIT is lost. The time zone is UTC, in which every TIMESTAMP is unique.
        """
        with self._translated_errors():
            self._look_again()
            with (
                self.engine.connect() as connection,
                nullcontext() if checks_keys else engines.keys_unchecked_on_sqlite(connection),
            ):
                connection.execution_options(writes=True)
                checked = engines.TO_WRITE if waits else engines.TO_WRITE_AT_ONCE
                settings = checked if checks_keys else engines.TO_WRITE_UNCHECKED
                is_committing = False
                try:
                    with (
                        connection.begin(),
                        engines.bounded(connection, seconds, settings=settings),
                    ):
                        yield connection
                        is_committing = True
                except exc.DBAPIError as error:
                    is_cut_off = error.connection_invalidated or (
                        error.orig is not None and code_of(error.orig) in CUT_OFF
                    )
                    if is_committing and is_cut_off:
                        raise CommitUnknown from error
                    raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """As `translated_errors`; after a missing table or column, read the tables again."""
        try:
            with translated_errors():
                yield
        except TablesChanged:
            self._columns = None
            raise

    def _connect_to_read(self, *, primary: bool) -> Connection:
        lags = time.monotonic() - self._changed_at < CAUGHT_UP_SECONDS
        if self._replica and not primary and not lags and (found := self._replica.connect()):
            return found
        return self.engine.connect()


class _Replica:
    """A copy of the database, which is skipped while it does not answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._retry_at = 0.0
        """When it is tried again; 0 while it answers."""

    def connect(self) -> Connection | None:
        """Return a connection, or None if the replica does not answer or failed a moment ago."""
        if self._retry_at:
            if time.monotonic() < self._retry_at:
                return None
            # Set before the attempt: only one read waits for it.
            self._retry_at = time.monotonic() + REPLICA_RETRY_SECONDS
        try:
            connection = self.engine.connect()
        except exc.DBAPIError as error:
            if not self._retry_at:
                self._retry_at = time.monotonic() + REPLICA_RETRY_SECONDS
                log.warning("the replica does not answer, so the primary is used: %s", error.orig)
            return None
        if self._retry_at:
            log.warning("the replica answers again and is used")
            self._retry_at = 0.0
        return connection


def database_for(settings: Settings) -> Database:
    """Return a Database as the settings describe it."""
    return Database(
        engines.make_engine(settings.database_url),
        settings.culture,
        settings.database_timezone,
        replica=engines.make_engine(settings.read_database_url) if settings.read_database_url else None,
    )
