"""A private MariaDB server for tests and benchmarks: started from nothing, and stopped after use."""

import os
import pwd
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.constants import CR
from pymysql.cursors import Cursor

from tests.support.programs import find_program

START_SECONDS = 60
STOP_SECONDS = 20
LOCK_WAIT_SECONDS = 10


class DidNotStart(Exception):
    """The server did not start; the message holds the end of its log."""


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB server, and the account in it that may do everything."""

    port: int
    socket_path: Path
    password: str
    user: str = "tests"
    host: str = "127.0.0.1"

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return int((self.socket_path.parent / "pid").read_text())

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of its databases.

        The server speaks no TLS; PyMySQL would load all certificates of the system to ask for it.
        """
        return (
            f"mysql+pymysql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"
            "?charset=utf8mb4&ssl_disabled=true"
        )

    def create_database(self, name: str) -> None:
        """Create an empty utf8mb4 database."""
        with self.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")

    def drop_database(self, name: str) -> None:
        """Drop a database, or fail where a transaction in it is still open."""
        with self.cursor() as cursor:
            cursor.execute(f"SET lock_wait_timeout = {LOCK_WAIT_SECONDS}")
            cursor.execute(f"DROP DATABASE `{name}`")

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of a new database, which is dropped afterwards."""
        name = f"test_{secrets.token_hex(8)}"
        self.create_database(name)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    @contextmanager
    def variables(self, **values: object) -> Iterator[None]:
        """Set global variables inside the block, with which new connections begin."""
        with self.cursor() as cursor:
            before = {}
            for name, value in values.items():
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                before[name] = cursor.fetchall()[0][0]
                cursor.execute(f"SET GLOBAL {name} = %s", [value])
            try:
                yield
            finally:
                for name, value in before.items():
                    cursor.execute(f"SET GLOBAL {name} = %s", [value])

    @contextmanager
    def cursor(self, database: str | None = None) -> Iterator[Cursor]:
        """Open a connection of its own to a database or to none; statements commit themselves."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            ssl_disabled=True,
        )
        with closing(connection), connection.cursor() as cursor:
            yield cursor


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, *options: str, again: MariaDB | None = None) -> Iterator[MariaDB]:
    """Run a server whose data lies below a folder, with more options of its own where given.

    The data of an earlier run in the folder is used again; `again` is that server, which comes back
    at its address. The folder's path must be short: a socket is made in it. Raises ProgramMissing and
    DidNotStart.
    """
    install = find_program("mariadb-install-db", "mariadb-server-core mariadb-client-core")
    daemon = find_program("mariadbd", "mariadb-server-core")
    server = again or MariaDB(free_port(), folder / "socket", secrets.token_hex(16))
    log = folder / "log"
    # A server that starts deletes what any other one has in a common folder.
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    account = folder / "account.sql"
    account.touch(mode=0o600)
    account.write_text(
        f"CREATE OR REPLACE USER '{server.user}'@'{server.host}' IDENTIFIED BY '{server.password}';\n"
        f"GRANT ALL ON *.* TO '{server.user}'@'{server.host}' WITH GRANT OPTION;\n",
        encoding="utf-8",
    )
    # root is let in through the socket alone, and by the operating system's word.
    where = [
        f"--datadir={folder / 'data'}",
        f"--tmpdir={temporary}",
        f"--user={_this_user()}",
    ]
    with log.open("wb") as output:
        if not (folder / "data" / "mysql").is_dir():
            subprocess.run(
                [install, "--no-defaults", "--skip-test-db", *where],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=START_SECONDS,
                check=False,
            )
        process = subprocess.Popen(
            [
                daemon,
                "--no-defaults",
                *where,
                f"--bind-address={server.host}",
                f"--port={server.port}",
                f"--socket={server.socket_path}",
                f"--pid-file={folder / 'pid'}",
                f"--init-file={account}",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                # Nothing here has to outlive a crash.
                "--skip-log-bin",
                "--sync-binlog=0",
                "--innodb-flush-log-at-trx-commit=2",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the program that started it, which then stops the server in order.
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(server: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with server.cursor():
                return
        except pymysql.err.OperationalError as error:
            if error.args[0] != CR.CR_CONN_HOST_ERROR:
                break
            time.sleep(0.1)
    raise DidNotStart(f"MariaDB did not start:\n{log.read_text('utf-8', 'replace')[-4000:]}")


def _this_user() -> str:
    # mariadbd refuses to be root unless root is named.
    return pwd.getpwuid(os.getuid()).pw_name
