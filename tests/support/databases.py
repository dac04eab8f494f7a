"""Platform databases for tests: each is prepared once, and new to every test that is given it."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from jobs_data.platform.tables import HERATIO_ONLY, metadata
from tests.support.mariadb import LOCK_WAIT_SECONDS, MariaDB
from tests.support.store import Store, insert_statuses

on_sqlite = pytest.mark.parametrize("kind", ["sqlite"])
on_mariadb = pytest.mark.parametrize("kind", ["mariadb"])

RAM_DISK = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
RAM_DISK_BYTES = 2 << 30
"""Two servers, the files of the tests that run and what Chromium keeps come to less than half of it."""


def use_ram_disk() -> None:
    """Make temporary files on a RAM disk, where there is one with space and TMPDIR names no folder.

    A commit on a disk takes up to 25 ms, in memory less than one.
    """
    if "TMPDIR" in os.environ or not os.access(RAM_DISK, os.W_OK):
        return
    if shutil.disk_usage(RAM_DISK).free >= RAM_DISK_BYTES:
        os.environ["TMPDIR"] = str(RAM_DISK)
        tempfile.tempdir = None  # so that it is looked up again


class Lend(Protocol):
    """Lends a platform database to one test after the other, and gives its URL."""

    def __call__(self, *, atom: bool) -> AbstractContextManager[str]:
        """Lend one that is as if new; with `atom` it has no table that only Heratio has."""


class PreparedDatabases:
    """The platform databases of this session, each made when a test first needs it."""

    def __init__(self, folder: Path) -> None:
        """Keep files to be copied in a folder."""
        self._folder = folder
        self._reused: dict[bool, ReusedDatabase] = {}

    @contextmanager
    def copy(self, path: Path, *, atom: bool) -> Iterator[str]:
        """Lend a SQLite database at a path, as `Lend` does."""
        template = self._folder / f"{atom=}.sqlite"
        if not template.exists():
            Store(f"sqlite:///{template}", atom=atom).close()
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"

    @contextmanager
    def reuse(self, server: MariaDB, *, atom: bool) -> Iterator[str]:
        """Lend the session's one database on a MariaDB server, as `Lend` does."""
        if atom not in self._reused:
            self._reused[atom] = ReusedDatabase(server, f"reused_{atom=}", atom=atom)
        database = self._reused[atom]
        try:
            yield database.url
        finally:
            database.make_new()


class ReusedDatabase:
    """A platform database on a MariaDB server, which each test is given as if it were new."""

    def __init__(
        self,
        server: MariaDB,
        name: str,
        *,
        atom: bool = False,
        lock_wait_seconds: int = LOCK_WAIT_SECONDS,
    ) -> None:
        """Create it; with `atom` it has no table that only Heratio has.

        What a test has left open is waited for as many seconds.
        """
        self._server = server
        self._name = name
        self._atom = atom
        self._lock_wait_seconds = lock_wait_seconds
        self.url = server.url(name)
        self._tables = [
            table.name for table in metadata.sorted_tables if not (atom and table.name in HERATIO_ONLY)
        ]
        self._engine = create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._create()

    def _create(self) -> None:
        self._server.create_database(self._name)
        Store(self.url, atom=self._atom).close()
        with self._engine.connect() as connection:
            self._definition = self._read_definition(connection)

    def make_new(self) -> None:
        """Take away what a test has left: rows, used numbers, altered tables.

        Fails the test where it has left a transaction open.
        """
        try:
            with self._engine.connect() as connection:
                connection.execute(text(f"SET lock_wait_timeout = {self._lock_wait_seconds}"))
                if self._read_definition(connection) == self._definition:
                    self._empty(connection)
                    return
        except ProgrammingError:
            pass  # a table is missing
        except OperationalError as error:
            self._end_connections()
            self._recreate()
            pytest.fail(f"The test has left a transaction open: {error.orig}", pytrace=False)
        self._recreate()

    def _read_definition(self, connection: Connection) -> list[str]:
        found = connection.execute(text("SHOW TABLES")).scalars().all()
        tables = [connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one()[1] for name in found]
        triggers = connection.execute(text("SHOW TRIGGERS")).all()
        return [re.sub(r" AUTO_INCREMENT=\d+", "", table) for table in tables] + list(
            map(str, triggers)
        )

    def _empty(self, connection: Connection) -> None:
        """Truncate what has rows or has numbered some; TRUNCATE, unlike DELETE, numbers anew."""
        # A lock on all of them waits for every transaction that has so much as read one.
        connection.execute(text("LOCK TABLES " + ", ".join(f"`{t}` WRITE" for t in self._tables)))
        used = connection.execute(
            text(
                " UNION ALL ".join(
                    f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM `{t}`)" for t in self._tables
                )
                + " UNION ALL SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = DATABASE() AND auto_increment > 1"
            )
        )
        connection.execute(text("SET foreign_key_checks = 0"))
        for table in set(used.scalars()):
            connection.execute(text(f"TRUNCATE `{table}`"))
        connection.execute(text("UNLOCK TABLES"))
        insert_statuses(connection)

    def _end_connections(self) -> None:
        with self._server.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", [self._name])
            for [number] in cursor.fetchall():
                cursor.execute(f"KILL {number}")

    def _recreate(self) -> None:
        self._server.drop_database(self._name)
        self._create()
