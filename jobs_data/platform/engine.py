"""The connection to the platform's database: one engine per process, and what the database has."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ManagesConnection

from jobs_data.settings import with_driver

ANSWER_MARGIN_SECONDS: Final = 5
"""How much longer than its statement an answer may take, for the network and a busy server."""

CONNECT_SECONDS: Final = 5
LOCK_WAIT_SECONDS: Final = 5
LONGEST_SILENCE_SECONDS: Final = 120
"""How long a server may be silent in an export, which it sorts first."""

PING_SECONDS: Final = 3
"""How long a ping and the end of a read may take."""

POOL_RECYCLE_SECONDS: Final = 1800

SQL_MODE: Final = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
"""The `sql_mode` of every session, which MySQL and MariaDB both know. An empty text is a text, quotes
and operators mean what SQLAlchemy means by them, 0000-00-00 and 0 are values like any other, and what
does not fit is an error."""

_FIXED_SETTINGS: Final = (
    f"SET SESSION sql_mode = '{SQL_MODE}', SESSION foreign_key_checks = 1, SESSION unique_checks = 1, "
    "SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615, "
    "SESSION sql_big_selects = 1, SESSION sql_auto_is_null = 0, SESSION completion_type = 0"
)
"""Settings that a server, an account or `init_connect` could change, so that statements fail or return
something else: modes, unchecked keys, cut results, a COMMIT that disconnects."""

POOL_CONNECTIONS: Final = 5
EXTRA_CONNECTIONS: Final = 10
"""Closed after use. Starlette has 40 threads and each Streamlit session one, but a read takes some
milliseconds, and MySQL has 151 connections for all its clients, which the platform needs more."""

READ_SECONDS: Final = 20
WRITE_SECONDS: Final = 60

SILENCE_OPTIONS: Final = ("read_timeout", "write_timeout")
_POOL: Final[dict[str, Any]] = {
    "pool_size": POOL_CONNECTIONS,
    "max_overflow": EXTRA_CONNECTIONS,
    "pool_timeout": 10,  # seconds that a thread waits for a connection: downloads may use all
}

STEPS_BETWEEN_LOOKS: Final = 10_000
"""How many instructions SQLite runs between two checks of the clock: some milliseconds."""


_ITS_ZONE: Final = "SESSION time_zone = COALESCE(@zone_before, @@SESSION.time_zone)"
_UTC_ZONE: Final = (
    "@zone_before = COALESCE(@zone_before, @@SESSION.time_zone), SESSION time_zone = '+00:00'"
)
_KEYS_CHECKED: Final = (
    "SESSION foreign_key_checks = COALESCE(@keys_before, @@SESSION.foreign_key_checks)"
)
_KEYS_UNCHECKED: Final = (
    "@keys_before = COALESCE(@keys_before, @@SESSION.foreign_key_checks), "
    "SESSION foreign_key_checks = 0"
)
TO_READ: Final = f"{_ITS_ZONE}, {_KEYS_CHECKED}"
TO_WRITE: Final = f"{_UTC_ZONE}, {_KEYS_CHECKED}"
TO_WRITE_UNCHECKED: Final = f"{_UTC_ZONE}, {_KEYS_UNCHECKED}"
TO_WRITE_AT_ONCE: Final = (
    f"{TO_WRITE}, SESSION innodb_lock_wait_timeout = 1 /*M!100303 , innodb_lock_wait_timeout = 0 */"
)
"""Instead of a wait for a lock DatabaseBusy; MySQL waits one second at least."""


@contextmanager
def bounded(
    connection: Connection, seconds: float, *, settings: str = TO_READ, silence: float | None = None
) -> Iterator[None]:
    """Limit the time of a transaction's statements and of the server's silence.

    `settings` are other settings of its session, on a server. It takes a round trip only if the
    settings or the limit change.
    """
    info = connection.info  # read it now: an invalidated connection has no info
    if connection.dialect.name == "sqlite":
        info["deadline"] = time.monotonic() + seconds
        try:
            yield
        finally:
            info.pop("deadline", None)
        return
    limit_silence(connection.connection, silence or answer_seconds(seconds))
    if info.get("bounds") != (seconds, settings):
        connection.exec_driver_sql(f"SET {_limits(seconds)}, {settings}")
        info["bounds"] = (seconds, settings)
    yield


@contextmanager
def keys_unchecked_on_sqlite(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off for a transaction that begins and ends within this."""
    driver_connection = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite" or driver_connection is None:
        yield
        return
    with closing(driver_connection.cursor()) as cursor:
        [checked] = cursor.execute("PRAGMA foreign_keys").fetchone()
        cursor.execute("PRAGMA foreign_keys = OFF")  # works only outside of a transaction
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA foreign_keys = {checked}")


def answer_seconds(seconds: float) -> float:
    """Return how many seconds to wait for the answer to a statement with this limit."""
    return seconds + ANSWER_MARGIN_SECONDS


def limit_silence(connection: ManagesConnection, seconds: float) -> None:
    """Limit how long a pooled connection waits for one answer of the server.

    PyMySQL takes these limits when it connects, but reads them before each read and write. It has no
    method to change them, so this sets its attributes.
    """
    for attribute in connection.info.get("silence_limits", ()):
        setattr(connection.dbapi_connection, attribute, seconds)


def _limits(seconds: float) -> str:
    """Return the end of one SET for both servers: each reads the other's setting as a comment.

    Source: "Comment Syntax" of MariaDB, which skips what is marked for MySQL 5.7, and of MySQL.
    """
    return (
        f"SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS} "
        f"/*M!100101 , max_statement_time = {seconds} */ "
        f"/*!50708 , max_execution_time = {math.ceil(seconds * 1000)} */"
    )


def make_engine(url: str) -> Engine:
    """Return an engine for a MySQL, MariaDB or SQLite URL; nothing is connected yet.

    MySQL and MariaDB URLs without a driver use PyMySQL. Transactions are REPEATABLE READ: all reads of
    one see the same snapshot, and the jobs in a deletion's range do not change within it.
    """
    parsed = with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    driver = parsed.get_driver_name()
    arguments: dict[str, Any] = {}
    if driver in {"pymysql", "mysqldb"}:
        # PyMySQL's are those of connecting, greeting included: it is given others for each transaction.
        silence = CONNECT_SECONDS if driver == "pymysql" else LONGEST_SILENCE_SECONDS
        limits = {"connect_timeout": CONNECT_SECONDS, **dict.fromkeys(SILENCE_OPTIONS, silence)}
        # Without those that the URL sets: these would override it.
        arguments = {name: limits[name] for name in limits if name not in parsed.query}
    engine = create_engine(
        parsed,
        connect_args=arguments,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
        **_POOL,
    )
    event.listen(engine, "do_connect", _connect)
    if arguments:
        own = [f"_{option}" for option in SILENCE_OPTIONS if option not in parsed.query]
        _look_after_connections(engine, own if driver == "pymysql" else [])
    return engine


def _connect(dialect: Dialect, _record: Any, positional: Any, named: Any) -> Any:
    """Return a new connection with our settings. Every failure is raised as an error of the driver.

    PyMySQL itself raises others too: FileNotFoundError for a missing certificate, and RuntimeError
    if an account needs a package that is not installed.
    """
    driver = dialect.loaded_dbapi
    try:
        connection = dialect.connect(*positional, **named)
        # Before SQLAlchemy asks the first connection for its sql_mode, to quote names as it says.
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"{_FIXED_SETTINGS}, {_limits(READ_SECONDS)}")
        return connection
    except driver.Error:
        raise
    except Exception as error:
        raise driver.OperationalError(f"{type(error).__name__}: {error}") from error


def _look_after_connections(engine: Engine, silence_limits: Sequence[str]) -> None:
    """Limit the waits of an engine's connections: those of reads, and shorter ones of pings.

    `silence_limits` are the attributes that `limit_silence` sets.
    """

    @event.listens_for(engine, "connect")
    def _connected(_connection: Any, record: ManagesConnection) -> None:
        record.info["bounds"] = (READ_SECONDS, TO_READ)
        record.info["silence_limits"] = silence_limits

    @event.listens_for(engine, "checkout")
    def _taken(_connection: Any, record: ManagesConnection, _proxy: Any) -> None:
        limit_silence(record, answer_seconds(READ_SECONDS))

    @event.listens_for(engine, "checkin")
    def _returned(connection: Any, record: ManagesConnection) -> None:
        # Its next use is a ping. A dropped connection is None.
        if connection is not None:
            limit_silence(record, PING_SECONDS)

    @event.listens_for(engine, "invalidate")
    def _thrown_away(connection: Any, _record: ManagesConnection, _error: object) -> None:
        # PyMySQL would still fetch the rest of an export from it, unless its result has ended.
        unread = getattr(connection, "_result", None)
        if unread is not None:
            unread.unbuffered_active = False


def _sqlite_engine(url: URL) -> Engine:
    # check_same_thread: Streamlit and Starlette move work between threads, one at a time.
    arguments = {"check_same_thread": False, "timeout": LOCK_WAIT_SECONDS}
    engine = create_engine(url, connect_args=arguments, **_POOL)

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
        # A writer locks at the start: a reader that becomes a writer could meet another writer.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
