"""What tests share: a private MariaDB server, empty databases of both kinds, and the real app."""

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from jobs_data import live
from jobs_data.engine import get_database
from jobs_data.results import get_result_roots
from jobs_data.settings import get_settings
from tests import mariadb
from tests.app_servers import AppServers
from tests.mariadb import DidNotStart, MariaDB, ProgramMissing
from tests.store import Store


def pytest_configure() -> None:
    """Let SIGTERM end the session as Ctrl-C does, so that what tests have started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def find_program(name: str, package: str) -> str:
    """Return a program's path; where it is missing, skip the test, or fail it where CI=true."""
    try:
        return mariadb.find_program(name, package)
    except ProgramMissing as missing:
        _missing(str(missing))


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    """Start a private MariaDB server in a folder of its own; both are gone after the session."""
    # Not below tmp_path: pytest keeps those folders, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="mariadb-") as folder, ExitStack() as stack:
        try:
            server = stack.enter_context(
                mariadb.running(Path(folder), "--innodb-buffer-pool-size=256M")
            )
        except ProgramMissing as missing:
            _missing(str(missing))
        except DidNotStart as failed:
            pytest.fail(str(failed), pytrace=False)
        yield server


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
    monkeypatch.setenv("HERATIO_JOBS_FOLD", "false")  # tests make jobs of one name; few are of folding
    get_settings.cache_clear()
    get_database.cache_clear()
    get_result_roots.cache_clear()
    yield
    live.close_all()
    if get_database.cache_info().currsize:
        get_database().engine.dispose()
    get_settings.cache_clear()
    get_database.cache_clear()
    get_result_roots.cache_clear()


@pytest.fixture
def served(store: Store, settings_environment: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give the store of the database that the app serves in this test."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", store.url)
    monkeypatch.setenv("HERATIO_JOBS_RECEIPTS_DIR", str(store.receipts))
    return store


@pytest.fixture(scope="module")
def app_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServers]:
    """Give a function that starts the app; all are stopped after the module's tests."""
    servers = AppServers(request.path.stem, tmp_path_factory.mktemp("app"))
    yield servers
    servers.close()
