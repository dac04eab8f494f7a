"""The platform's database: its connections, and what it has."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
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
"""How long after a change of ours a replica may not have it yet; reads ask the primary until then."""

REPLICA_RETRY_SECONDS: Final = 30
"""How long a replica that did not answer is left alone."""

TABLES_SECONDS: Final = 10
"""For how long it is believed which tables there are: a database may be filled while the app runs."""


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

        `replica` is another such engine, of a copy that only reads use, and that may lag behind.
        """
        self.engine = engine
        self.culture = culture
        self.timezone = ZoneInfo(timezone)
        self.changes = 0
        """How often this process has changed jobs: nothing from before the last time is shown."""
        self._changing = threading.Lock()
        self._changed_at = -math.inf
        self._columns: Mapping[str, frozenset[str]] | None = None
        self._next_look = -math.inf
        self._replica = _Replica(replica) if replica else None

    @cached_property
    def identity(self) -> str:
        """Return a short name of the database, for receipts, locks and cache keys.

        It is the same by whichever account, driver and options the database is reached.
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

        They are looked up once, and again where a transaction begins and finds other tables. Raises
        DatabaseUnavailable where the database does not answer, and where a table that every platform
        has is missing.
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
                self._columns = None  # not known, should the next lines fail
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
        """Look after a while whether the tables are still the same, before a transaction begins.

        One that is missing at the first look may only not be there yet, in a database that is being
        restored. Without `user_totp_secret`, say, nobody would be asked for a code.
        """
        if self._columns is None or time.monotonic() >= self._next_look:
            self._look_at_tables()

    def close(self) -> None:
        """Close the connections that are not in use; the next read opens new ones."""
        self.engine.dispose()
        if self._replica:
            self._replica.engine.dispose()

    def changed(self) -> None:
        """Note that this process has changed jobs and committed the change."""
        # The time first: a reader of the new number must not ask a replica that lags behind.
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
        """Open one transaction in which every SELECT sees the same moment of the database.

        Where there is a replica, that is the replica's moment, unless `primary` asks for the
        primary's: whatever decides something does. `seconds` is what MariaDB and MySQL give each
        statement, and SQLite the whole transaction. A server that is silent for `silence` seconds, a
        little longer than a statement may take by default, has gone. Raises DatabaseUnavailable with
        a sentence where the database does not answer, and TookTooLong where the time runs out.
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
                        )  # to end a read is no work

    @contextmanager
    def writing(
        self, seconds: float = engines.WRITE_SECONDS, *, checks_keys: bool = True
    ) -> Iterator[Connection]:
        """Open one transaction that changes rows: all of it is kept, or, on an exception, nothing.

        Without `checks_keys` a row may refer to one that is not there.

        `seconds` and what it raises are as for `reading`; MySQL bounds the SELECTs alone. Raises
        CommitUnknown where the answer to COMMIT was lost. Its time zone is UTC, in which no TIMESTAMP
        is spelled as another one is.
        """
        with self._translated_errors():
            self._look_again()
            with (
                self.engine.connect() as connection,
                nullcontext() if checks_keys else engines.keys_unchecked_on_sqlite(connection),
            ):
                connection.execution_options(writes=True)
                settings = engines.TO_WRITE if checks_keys else engines.TO_WRITE_UNCHECKED
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
        """Do as `translated_errors`; where a table or column has gone, look anew the next time."""
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
    """A copy of the database, which is done without while it does not answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._retry_at = 0.0
        """When it is tried again; 0 while it answers."""

    def connect(self) -> Connection | None:
        """Return a connection, or None where the replica does not answer, or did not a moment ago."""
        if self._retry_at:
            if time.monotonic() < self._retry_at:
                return None
            # Set before the attempt: one read waits for what it comes to, and the others do not.
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
