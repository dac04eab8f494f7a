"""The app's own database: a SQLite file in the state folder, or a database of ours on a server."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import REQUIRED_TABLES
from jobs_data.settings import Settings
from jobs_data.store import schema

log = logging.getLogger(__name__)

BRIEF_MILLISECONDS: Final = 500
"""How long a write that may be left out waits for another writer."""

FILE_NAME: Final = "state.sqlite"
BUSY_MILLISECONDS: Final = 30_000
"""How long SQLite waits for another writer: erasing a receipt of a million jobs takes seconds."""


class StoreUnavailable(DatabaseUnavailable):
    """The app's own database cannot be used. The message is a sentence that names the setting."""


class StoreBusy(StoreUnavailable):
    """Another writer is at work, so the app's own database can be written a moment later."""


class Store:
    """The app's own database, created at its first use."""

    def __init__(self, url: URL, setting: str) -> None:
        """Prepare to use the database of a URL; `setting` is what an operator must check."""
        self.setting = setting
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._engine = make_engine(url.render_as_string(hide_password=False))
        self._lock = threading.Lock()
        self._is_ready = False
        self._inode = 0
        if self._file:
            event.listen(self._engine, "do_connect", self._look_at_rights)
            event.listen(self._engine, "connect", _set_up_connection)

    @property
    def place(self) -> str:
        """Return where it is: the path of the file, or the server and the name of the database."""
        return str(self._file or f"{self._engine.url.host}/{self._engine.url.database}")

    def close(self) -> None:
        """Close all connections; further use opens new ones."""
        self._engine.dispose()

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction in which all reads see one snapshot. Raises StoreUnavailable."""
        return self._transaction(writes=False)

    def writing(self, milliseconds: int = BUSY_MILLISECONDS) -> AbstractContextManager[Connection]:
        """Open a transaction that is on the disk when this returns. Raises StoreUnavailable.

        A file is waited for so long if another writer is at work; then it raises StoreBusy.
        """
        return self._transaction(writes=True, milliseconds=milliseconds)

    @contextmanager
    def _transaction(
        self, *, writes: bool, milliseconds: int = BUSY_MILLISECONDS
    ) -> Iterator[Connection]:
        try:
            if not self._is_ready:
                self._set_up()
            with self._begin(writes=writes, milliseconds=milliseconds) as connection:
                yield connection
                self._look_for_file()
        except (SQLAlchemyError, OSError) as error:
            self._refuse(error)

    @contextmanager
    def _begin(self, *, writes: bool, milliseconds: int = BUSY_MILLISECONDS) -> Iterator[Connection]:
        with self._engine.connect().execution_options(writes=writes) as connection:
            if self._file:
                with closing(connection.connection.cursor()) as cursor:
                    cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
            with connection.begin():
                yield connection

    def _look_at_rights(self, *_: object) -> None:
        """Raise PermissionError instead of opening the file read-only, as SQLite would.

        Such a connection keeps all others of this process from writing, also when the file may be
        written again.
        """
        if self._file and self._file.exists() and not os.access(self._file, os.W_OK):
            raise PermissionError(errno.EACCES, "its file cannot be written")

    def _look_for_file(self) -> None:
        """Raise FileNotFoundError if the file was erased: anything written into it would be lost."""
        if self._file is None:
            return
        try:
            is_ours = self._file.stat().st_ino == self._inode
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            self._is_ready = False
            self._engine.dispose()
            raise FileNotFoundError(errno.ENOENT, "its file was erased meanwhile")

    def _refuse(self, error: Exception) -> NoReturn:
        cause = getattr(error, "orig", None) or error
        log.warning("the app's own database cannot be used: %s", cause)
        if isinstance(cause, sqlite3.Error):
            reason = str(cause)
        elif isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        else:  # a server's own words name hosts and users
            number = next(iter(getattr(cause, "args", ())), "")
            reason = f"{type(cause).__name__} {number if isinstance(number, int) else ''}".strip()
        refusal = StoreUnavailable(
            f"This app's own database cannot be used ({reason}). Check {self.setting}."
        )
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the other bits are details
        if code == sqlite3.SQLITE_BUSY:
            raise StoreBusy(str(refusal)) from error
        raise refusal from error

    def _set_up(self) -> None:
        """Create the file and the tables if they are missing; check the version."""
        with self._lock:
            if self._is_ready:
                return
            if self._file:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Only a new file is opened here: to close one that SQLite has open would release
                # the locks of this process on it ("How To Corrupt An SQLite Database File", 2.2).
                with suppress(FileExistsError):
                    os.close(os.open(self._file, os.O_CREAT | os.O_EXCL, 0o600))
                self._inode = self._file.stat().st_ino
            try:
                version = self._make_tables()
            except (IntegrityError, OperationalError):
                version = self._make_tables()  # or the one of another process that created them first
            if version != schema.VERSION:
                raise StoreUnavailable(
                    f"This app's own database has the tables of another version of the app ({version} "
                    f"instead of {schema.VERSION}), so it is not used. Install that version, or set "
                    f"another place in {self.setting}."
                )
            self._is_ready = True

    def _make_tables(self) -> int:
        with self._begin(writes=True) as connection:
            there = set(inspect(connection).get_table_names())
            if {table.name for table in REQUIRED_TABLES} <= there:
                raise StoreUnavailable(
                    "This app creates nothing in the platform's own database. "
                    f"Set another one in {self.setting}."
                )
            found = None
            if schema.schema_version.name in there:
                found = connection.execute(select(schema.schema_version.c.version)).scalar()
            # The tables of another version are left as they are.
            if found in {None, schema.VERSION}:
                schema.metadata.create_all(connection)
            if found is not None:
                return int(found)
            connection.execute(insert(schema.schema_version).values(id=1, version=schema.VERSION))
        return schema.VERSION


def _set_up_connection(connection: Any, _record: Any) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",  # overwrites erased content
    ):
        connection.execute(f"PRAGMA {pragma}")


def store_for(settings: Settings) -> Store:
    """Return the app's own database as the settings describe it; nothing is opened yet."""
    if url := settings.state_url:
        return Store(make_url(url), "HERATIO_JOBS_STATE_URL")
    return file_store(settings.state_dir)


def file_store(folder: Path) -> Store:
    """Return the app's own database as a file in a folder; nothing is opened yet."""
    return Store(
        URL.create("sqlite", database=str(folder / FILE_NAME)), "HERATIO_JOBS_STATE_DIR and its rights"
    )
