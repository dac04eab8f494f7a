"""The connection to the platform's database: one engine per process, and what the database has."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ManagesConnection

from jobs_data.jobs.creation_order import Survey
from jobs_data.platform import tables
from jobs_data.settings import DEFAULT_RECEIPTS_DIR, Settings, get_settings, with_driver

log = logging.getLogger(__name__)

ANSWER_MARGIN_SECONDS: Final = 5
"""How much longer than its statement an answer may take: for the way, and where the server is busy."""

CONNECT_SECONDS: Final = 5
DEFAULT_PORT: Final = 3306
LOCK_WAIT_SECONDS: Final = 5
LONGEST_SILENCE_SECONDS: Final = 120
"""How long a server may be silent in an export, which it sorts first: nothing waits longer for it."""

PING_SECONDS: Final = 3
"""How long a server may take to answer at once: whether it is there, and the end of a read."""

POOL_RECYCLE_SECONDS: Final = 1800
READ_SECONDS: Final = 20
CAUGHT_UP_SECONDS: Final = 30
"""How long after a change of ours a replica may not have it yet; reads ask the primary until then."""

REPLICA_RETRY_SECONDS: Final = 30
"""How long a replica that did not answer is left alone."""

TABLES_SECONDS: Final = 10
"""For how long it is believed which tables there are: a database may be filled while the app runs."""

WRITE_SECONDS: Final = 60
TOO_LONG_CODES: Final = frozenset({1969, 3024, "interrupted"})
"""What MariaDB, MySQL and SQLite say of a statement that they stopped because its time was over."""

SILENCE_OPTIONS: Final = ("read_timeout", "write_timeout")
STEPS_BETWEEN_LOOKS: Final = 10_000
"""How many of its instructions SQLite runs between two looks at the clock: some milliseconds."""

DENIED_CODES: Final = frozenset({1044, 1142, 1143, 1227})
"""Their errors for an account that lacks a right on a database, a table, a column or a command."""

BUSY_CODES: Final = frozenset({1020, 1205, 1213, 3572})
"""MySQL's and MariaDB's errors for a row changed since it was read, a lock waited for too long, a
deadlock lost, and a lock that was not to be waited for."""

LOST_CODES: Final = frozenset({2006, 2013})
"""The drivers' errors for a connection that was closed, or on which no answer came in time."""

TOO_LARGE_CODES: Final = frozenset({1180})
"""A Galera cluster's error for a transaction of more rows than `wsrep_max_ws_rows` allows."""

NO_ANSWER: Final = "The database has not answered in time. Try again in a moment."


class DatabaseUnavailable(Exception):
    """The database cannot be used now; the message is a sentence for the screen, without secrets."""


class DatabaseBusy(DatabaseUnavailable):
    """Another connection was in the way; the same again a moment later is likely to work."""


class TookTooLong(DatabaseUnavailable):
    """A statement was stopped because it had used up its time; the connection is sound."""


class ChangeTooLarge(DatabaseUnavailable):
    """A transaction has changed more rows than the database allows; a smaller one may succeed."""


class RowsReferredTo(DatabaseUnavailable):
    """A foreign key forbids a removal: a row of some other table still points at the job's."""


class Database:
    """One platform database: its engine, its tables, and how its text and times are to be read."""

    def __init__(
        self,
        engine: Engine,
        culture: str = "en",
        timezone: str = "UTC",
        *,
        replica: Engine | None = None,
        list_seconds: float = 10,
        receipts_dir: Path = DEFAULT_RECEIPTS_DIR,
        receipts_days: int = 90,
    ) -> None:
        """Bind an engine made by `make_engine` to the culture and zone of its texts and times.

        `replica` is another such engine, of a copy that only reads use, and that may lag behind;
        `list_seconds` is how long all sessions are shown the same reading of the list, `receipts_dir`
        the folder for the rows of the jobs that are removed, and `receipts_days` for how many days
        they are kept.
        """
        self.engine = engine
        self.culture = culture
        self.timezone = ZoneInfo(timezone)
        self.list_seconds = list_seconds
        self.receipts_dir = receipts_dir
        self.receipts_days = receipts_days
        self.survey = Survey()
        self.changes = 0
        """How often this process has changed jobs: nothing from before the last time is shown."""
        self._changed_at = -math.inf
        self._columns: Mapping[str, frozenset[str]] | None = None
        self._next_look = -math.inf
        self._replica = _Replica(replica) if replica else None

    @property
    def is_sqlite(self) -> bool:
        """Return whether it is a file, and not a server's."""
        return self.engine.dialect.name == "sqlite"

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """Return the columns of each platform table that exists.

        They are looked up once, and again where a transaction begins and finds other tables. Raises
        DatabaseUnavailable where the database does not answer, and where a table that every platform
        has is missing.
        """
        columns = self._columns
        if columns is None:
            columns = self._columns = self._read_columns()
        return columns

    def _read_columns(self) -> Mapping[str, frozenset[str]]:
        self._next_look = time.monotonic() + TABLES_SECONDS
        with translated_errors(), self.engine.connect() as connection:
            present = tables.present_columns(connection)
        missing = [t.name for t in tables.REQUIRED_TABLES if t.name not in present]
        if missing:
            raise DatabaseUnavailable(
                f"This database has no table named {' or '.join(missing)}, so it is not a Heratio or "
                "AtoM database: check HERATIO_JOBS_DATABASE_URL."
            )
        return present

    @property
    def tables(self) -> frozenset[str]:
        """Return the names of the platform tables that exist. Raises as `columns` does."""
        return frozenset(self.columns)

    def _look_for_tables(self) -> None:
        """Learn which tables there are, and after a while whether these are still all.

        One that is missing at the first look may only not be there yet, in a database that is being
        restored. Without `user_totp_secret`, say, nobody would be asked for a code.
        """
        known = self.tables
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + TABLES_SECONDS
        with translated_errors(), self.engine.connect() as connection:
            found = tables.present_tables(connection)
        if found != known:
            self._columns = None  # not known, should the next line fail
            self._columns = self._read_columns()

    def changed(self) -> None:
        """Tell that this process has changed jobs, when that is in the database."""
        # The time first: who sees the new number must not go to a replica that lags behind.
        self._changed_at = time.monotonic()
        self.changes += 1

    @contextmanager
    def reading(
        self, seconds: float = READ_SECONDS, *, primary: bool = False, silence: float | None = None
    ) -> Iterator[Connection]:
        """Open one transaction in which every SELECT sees the same moment of the database.

        Where there is a replica, that is the replica's moment, unless `primary` asks for the
        primary's: whatever decides something does. `seconds` is what MariaDB and MySQL give each
        statement, and SQLite the whole transaction. A server that is silent for `silence` seconds, a
        little longer than a statement may take unless told, has gone. Raises DatabaseUnavailable with
        a sentence where the database does not answer, and TookTooLong where the time runs out.
        """
        with translated_errors():
            self._look_for_tables()  # before the transaction, so that its error comes first
            with (
                self._connect_to_read(primary=primary) as connection,
                connection.begin(),
                _bounded(connection, seconds, silence=silence),
            ):
                try:
                    yield connection
                finally:
                    if not connection.invalidated:
                        _limit_silence(connection.connection, PING_SECONDS)  # to end a read is no work

    @contextmanager
    def writing(self, seconds: float = WRITE_SECONDS) -> Iterator[Connection]:
        """Open one transaction that changes rows: all of it is kept, or, on an exception, nothing.

        `seconds` and what it raises are as for `reading`; MySQL bounds the SELECTs alone. Its time
        zone is UTC, in which no TIMESTAMP is spelled as another one is.
        """
        with translated_errors():
            self._look_for_tables()
            with self.engine.connect() as connection:
                connection.execution_options(writes=True)
                with connection.begin(), _bounded(connection, seconds, zone=_UTC):
                    yield connection

    def _connect_to_read(self, *, primary: bool) -> Connection:
        lags = time.monotonic() - self._changed_at < CAUGHT_UP_SECONDS
        if self._replica and not primary and not lags and (found := self._replica.connect()):
            return found
        return self.engine.connect()


class _Replica:
    """A copy of the database, which is done without while it does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_away = False
        self._next_try = -math.inf

    def connect(self) -> Connection | None:
        """Return a connection, or None where the replica does not answer, or did not a moment ago."""
        if self._is_away:
            if time.monotonic() < self._next_try:
                return None
            # Set before the attempt: one read waits for what it comes to, and the others do not.
            self._next_try = time.monotonic() + REPLICA_RETRY_SECONDS
        try:
            connection = self._engine.connect()
        except exc.DBAPIError as error:
            if not self._is_away:
                self._next_try = time.monotonic() + REPLICA_RETRY_SECONDS
                log.warning("the replica does not answer, so the primary is read: %s", error.orig)
            self._is_away = True
            return None
        if self._is_away:
            log.warning("the replica answers again, and is read")
        self._is_away = False
        return connection


_ITS_ZONE: Final = "SESSION time_zone = COALESCE(@zone_before, @@SESSION.time_zone)"
_UTC: Final = "@zone_before = COALESCE(@zone_before, @@SESSION.time_zone), SESSION time_zone = '+00:00'"


@contextmanager
def _bounded(
    connection: Connection, seconds: float, *, zone: str = _ITS_ZONE, silence: float | None = None
) -> Iterator[None]:
    """Let no statement of a transaction run longer, nor the server be silent longer, and set its zone.

    It takes a round trip only where statements or zone change.
    """
    info = connection.info  # taken now: a connection that was invalidated meanwhile has none
    if connection.dialect.name == "sqlite":
        info["deadline"] = time.monotonic() + seconds
        try:
            yield
        finally:
            info.pop("deadline", None)
        return
    _limit_silence(connection.connection, silence or answer_seconds(seconds))
    if info.get("bounds") != (seconds, zone):
        connection.exec_driver_sql(f"{_session_settings(seconds)}, {zone}")
        info["bounds"] = (seconds, zone)
    yield


def answer_seconds(seconds: float) -> float:
    """Return how long an answer is waited for where the statement may take so many seconds."""
    return seconds + ANSWER_MARGIN_SECONDS


def _limit_silence(connection: ManagesConnection, seconds: float) -> None:
    """Let a connection of the pool wait no longer than this for any one answer of the server.

    PyMySQL takes these limits only when it connects, but looks at them before each read and write: so
    its own attributes are set, for which it has no method.
    """
    for attribute in connection.info.get("silence_limits", ()):
        setattr(connection.dbapi_connection, attribute, seconds)


def _session_settings(seconds: float) -> str:
    """Return one statement for both servers: each reads the other's setting as a comment.

    Source: "Comment Syntax" of MariaDB, which skips what is marked for MySQL 5.7, and of MySQL.
    """
    return (
        f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS} "
        f"/*M!100101 , max_statement_time = {seconds} */ "
        f"/*!50708 , max_execution_time = {math.ceil(seconds * 1000)} */"
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's error into DatabaseUnavailable: its text names hosts, users and statements.

    The same for a TimeoutError: another thread has not read in time what this one waits for.
    """
    try:
        yield
    except TimeoutError as error:
        raise DatabaseUnavailable(NO_ANSWER) from error
    except SQLAlchemyError as error:
        log.warning("the database refused: %s", getattr(error, "orig", None) or type(error).__name__)
        raise _as_sentence(error) from error


def _as_sentence(error: SQLAlchemyError) -> DatabaseUnavailable:
    name = _error_name(error)
    if isinstance(error, exc.TimeoutError):
        return DatabaseBusy("Too many people are reading at this moment. Try again in a moment.")
    if isinstance(error, IntegrityError):
        return RowsReferredTo(
            "Something else in the platform's database still refers to this job, so it was not removed."
        )
    if not isinstance(error, OperationalError):
        return DatabaseUnavailable(
            f"The database refused the statement ({name}). Nothing was changed; the log of this app "
            "has the details."
        )
    return _as_operational_sentence(error, name)


def _as_operational_sentence(error: OperationalError, name: str) -> DatabaseUnavailable:
    if _code(error) in TOO_LONG_CODES:
        return TookTooLong(
            "The database took too long over this, so it was stopped. Nothing was changed; try again "
            "when the platform is less busy."
        )
    if _code(error) in LOST_CODES:
        # Not that nothing was changed: the answer to a COMMIT may be what is missing.
        return DatabaseUnavailable(
            f"The database has stopped answering ({name}). Try again in a moment."
        )
    if _is_busy(error):
        return DatabaseBusy(
            "Another program is using these rows right now. Nothing was changed; try again in a moment."
        )
    if _code(error) in TOO_LARGE_CODES:
        return ChangeTooLarge(
            f"The database does not allow a change of so many rows ({name}). Nothing was changed; the "
            "log of this app has the details."
        )
    if _code(error) in DENIED_CODES:
        return DatabaseUnavailable(
            f"This app's database account may not do that ({name}). Nothing was changed; "
            "docs/connecting.md lists the rights it needs."
        )
    return DatabaseUnavailable(
        f"The database does not answer or does not let us in ({name}). Nothing was changed; try "
        "again in a moment."
    )


def _is_busy(error: OperationalError) -> bool:
    code = _code(error)
    return code in BUSY_CODES or "database is locked" in str(code)


def _code(error: SQLAlchemyError) -> object:
    """Return what a driver's error starts with: a number, or SQLite's sentence."""
    return next(iter(getattr(getattr(error, "orig", None), "args", ())), None)


def _error_name(error: SQLAlchemyError) -> str:
    code = _code(error)
    name = type(getattr(error, "orig", None) or error).__name__
    return f"{name} {code}" if isinstance(code, int) else name


def make_engine(url: str) -> Engine:
    """Return an engine for a MySQL, MariaDB or SQLite URL; nothing is connected yet.

    MySQL and MariaDB URLs without a driver use PyMySQL. Transactions are REPEATABLE READ, so that all
    reads of one see one moment, and so that a removal's range of jobs stands still while it works.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    parsed = with_driver(parsed)
    driver = parsed.get_driver_name()
    arguments: dict[str, Any] = {}
    if driver in {"pymysql", "mysqldb"}:
        # PyMySQL's are those of connecting, greeting included: it is given others for each transaction.
        silence = CONNECT_SECONDS if driver == "pymysql" else LONGEST_SILENCE_SECONDS
        limits = {"connect_timeout": CONNECT_SECONDS, **dict.fromkeys(SILENCE_OPTIONS, silence)}
        # Without those that the URL sets itself: it would be overruled.
        arguments = {name: limits[name] for name in limits if name not in parsed.query}
        arguments["init_command"] = _session_settings(READ_SECONDS)
    engine = create_engine(
        parsed,
        connect_args=arguments,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
    )
    _raise_errors_of_the_driver(engine)
    if arguments:
        own = [f"_{option}" for option in SILENCE_OPTIONS if option not in parsed.query]
        _look_after_connections(engine, own if driver == "pymysql" else [])
    return engine


def _raise_errors_of_the_driver(engine: Engine) -> None:
    """Let whatever goes wrong while a connection is made be an error of the driver.

    PyMySQL lets others through: FileNotFoundError where a certificate is gone by now, and RuntimeError
    where an account needs a package that is not installed.
    """

    @event.listens_for(engine, "do_connect")
    def _connect(dialect: Dialect, _record: Any, positional: Any, named: Any) -> Any:
        driver = dialect.loaded_dbapi
        try:
            return dialect.connect(*positional, **named)
        except driver.Error:
            raise
        except Exception as error:
            raise driver.OperationalError(f"{type(error).__name__}: {error}") from error


def _look_after_connections(engine: Engine, silence_limits: Sequence[str]) -> None:
    """Let an engine's connections wait for an answer as long as reads do, but for a ping's shortly.

    `silence_limits` are the attributes that `_limit_silence` sets.
    """

    @event.listens_for(engine, "connect")
    def _connected(_connection: Any, record: ManagesConnection) -> None:
        record.info["bounds"] = (READ_SECONDS, _ITS_ZONE)
        record.info["silence_limits"] = silence_limits

    @event.listens_for(engine, "checkout")
    def _taken(_connection: Any, record: ManagesConnection, _proxy: Any) -> None:
        _limit_silence(record, answer_seconds(READ_SECONDS))

    @event.listens_for(engine, "checkin")
    def _returned(connection: Any, record: ManagesConnection) -> None:
        # The next thing that it is used for is a ping. One that was thrown away is None.
        if connection is not None:
            _limit_silence(record, PING_SECONDS)

    @event.listens_for(engine, "invalidate")
    def _thrown_away(connection: Any, _record: ManagesConnection, _error: object) -> None:
        # PyMySQL would still fetch the rest of an export from it, unless its result has ended.
        unread = getattr(connection, "_result", None)
        if unread is not None:
            unread.unbuffered_active = False


def _sqlite_engine(url: URL) -> Engine:
    # check_same_thread: Streamlit and Starlette move work between threads, one at a time.
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": LOCK_WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        info = record.info
        connection.set_progress_handler(
            lambda: time.monotonic() > info.get("deadline", math.inf), STEPS_BETWEEN_LOOKS
        )
        # Python's sqlite3 would begin a transaction only before a write; ours begin at once.
        connection.isolation_level = None
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at the start: a reader that turns writer could meet another one.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@cache
def get_database() -> Database:
    """Return this process's one Database, made from its settings on the first call."""
    return database_for(get_settings())


def database_for(settings: Settings) -> Database:
    """Return a Database as the settings describe it."""
    return Database(
        make_engine(settings.database_url),
        settings.culture,
        settings.database_timezone,
        replica=make_engine(settings.read_database_url) if settings.read_database_url else None,
        list_seconds=settings.list_seconds,
        receipts_dir=settings.receipts_dir,
        receipts_days=settings.receipts_days,
    )


def identity(database: Database) -> str:
    """Return a short name of the database, for receipts, locks and cache keys.

    It is the same by whichever account, driver and options the database is reached.
    """
    url = database.engine.url
    server = [url.host, url.port or DEFAULT_PORT, url.query.get("unix_socket")]
    where = ["sqlite" if database.is_sqlite else server, url.database]
    return hashlib.sha256(json.dumps(where).encode()).hexdigest()[:16]
