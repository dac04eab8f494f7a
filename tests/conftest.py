"""What tests share: a private MariaDB server, empty databases of both kinds, and the real app."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pymysql
import pytest
from pymysql.constants import CR
from pymysql.cursors import Cursor

from jobs_data import live
from jobs_data.engine import get_database
from jobs_data.settings import get_settings
from tests.app_servers import AppServers, free_port
from tests.store import Store

START_SECONDS = 60
STOP_SECONDS = 20
LOCK_WAIT_SECONDS = 10


def pytest_configure() -> None:
    """Let SIGTERM end the session as Ctrl-C does, so that what tests have started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB server, and the account in it that may do everything."""

    port: int
    socket_path: Path
    password: str
    user: str = "tests"
    host: str = "127.0.0.1"

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return (
            f"mysql+pymysql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"
            "?charset=utf8mb4"
        )

    def create_database(self, name: str) -> None:
        """Create an empty utf8mb4 database."""
        with self.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")

    def drop_database(self, name: str) -> None:
        """Drop a database, or fail where a test has left a transaction open in it."""
        with self.cursor() as cursor:
            cursor.execute(f"SET lock_wait_timeout = {LOCK_WAIT_SECONDS}")
            cursor.execute(f"DROP DATABASE `{name}`")

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """Open a connection to the server, to no database, whose statements commit themselves."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            charset="utf8mb4",
            autocommit=True,
        )
        with closing(connection), connection.cursor() as cursor:
            yield cursor


def find_program(name: str, package: str) -> str:
    """Return a program's path; where it is missing, skip the test, or fail it where CI=true."""
    # A daemon lives in a folder that is not on everybody's path.
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    return path or _missing(f"{name} is not installed (Debian: apt install {package})")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    """Start a private MariaDB server in a folder of its own; both are gone after the session."""
    install = find_program("mariadb-install-db", "mariadb-server-core mariadb-client-core")
    daemon = find_program("mariadbd", "mariadb-server-core")
    # Not below tmp_path: pytest keeps those folders, and a socket's path must be short.
    with (
        tempfile.TemporaryDirectory(prefix="mariadb-") as folder,
        _running(install, daemon, Path(folder)) as server,
    ):
        yield server


@contextmanager
def _running(install: str, daemon: str, folder: Path) -> Iterator[MariaDB]:
    server = MariaDB(free_port(), folder / "socket", secrets.token_hex(16))
    log = folder / "log"
    account = folder / "account.sql"
    account.touch(mode=0o600)
    account.write_text(
        f"CREATE USER '{server.user}'@'{server.host}' IDENTIFIED BY '{server.password}';\n"
        f"GRANT ALL ON *.* TO '{server.user}'@'{server.host}' WITH GRANT OPTION;\n",
        encoding="utf-8",
    )
    # root is let in through the socket alone, and by the operating system's word.
    options = [f"--datadir={folder / 'data'}", f"--user={_this_user()}"]
    with log.open("wb") as output:
        subprocess.run(
            [install, "--no-defaults", "--skip-test-db", *options],
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
                *options,
                f"--bind-address={server.host}",
                f"--port={server.port}",
                f"--socket={server.socket_path}",
                f"--init-file={account}",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                # Nothing here has to outlive a crash.
                "--skip-log-bin",
                "--sync-binlog=0",
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-buffer-pool-size=256M",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for pytest, which then stops the server in order.
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
    text = log.read_text("utf-8", "replace")
    pytest.fail(f"MariaDB did not start:\n{text[-4000:]}", pytrace=False)


def _this_user() -> str:
    # mariadbd refuses to be root unless root is named.
    return pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the SQLAlchemy URL of an empty database; a test that asks for it runs on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "jobs.sqlite"
        path.touch()
        yield f"sqlite:///{path}"
        return
    server: MariaDB = request.getfixturevalue("mariadb_server")
    name = f"test_{secrets.token_hex(8)}"
    server.create_database(name)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


@pytest.fixture
def store(empty_database: str) -> Iterator[Store]:
    """Give an empty platform database of Heratio to be filled, on each kind of database."""
    store = Store(empty_database)
    yield store
    store.engine.dispose()


@pytest.fixture
def atom_store(empty_database: str) -> Iterator[Store]:
    """Give an empty platform database of AtoM, which has no ahg_ tables, on each kind."""
    store = Store(empty_database, atom=True)
    yield store
    store.engine.dispose()


@pytest.fixture
def settings_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let the app read its settings anew, in a folder without a `.env`, and forget them after."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("HERATIO_JOBS_"):
            monkeypatch.delenv(name)
    get_settings.cache_clear()
    get_database.cache_clear()
    yield
    live.close_all()
    if get_database.cache_info().currsize:
        get_database().engine.dispose()
    get_settings.cache_clear()
    get_database.cache_clear()


@pytest.fixture
def served(store: Store, settings_environment: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give the store of the database that the app serves in this test."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", store.url)
    return store


@pytest.fixture(scope="module")
def app_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServers]:
    """Give a function that starts the app; all are stopped after the module's tests."""
    servers = AppServers(request.path.stem, tmp_path_factory.mktemp("app"))
    yield servers
    servers.close()
