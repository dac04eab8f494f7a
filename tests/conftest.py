"""What tests share: a private MariaDB server, empty databases of both kinds, and the real app."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from jobs_data.accounts.account_services import get_account_services
from jobs_data.settings import get_settings
from pages.parts.shared.services import get_services
from tests.support import mariadb
from tests.support.app_servers import AppServers, DemoSite, serving_demo
from tests.support.databases import Lend, PreparedDatabases, use_ram_disk
from tests.support.mariadb import DidNotStart, MariaDB
from tests.support.programs import ProgramMissing, skip_or_fail
from tests.support.store import Store


def pytest_configure() -> None:
    """Let SIGTERM end the session as Ctrl-C does, so that what tests have started is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    use_ram_disk()


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
            skip_or_fail(str(missing))
        except DidNotStart as failed:
            pytest.fail(str(failed), pytrace=False)
        yield server


@pytest.fixture(params=["sqlite", "mariadb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of a kind of database; a test of a database runs on each kind."""
    name: str = request.param
    return name


@pytest.fixture
def empty_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a new database without a table, on each kind; most tests need only `store`."""
    if kind == "sqlite":
        path = tmp_path / "jobs.sqlite"
        path.touch()
        yield f"sqlite:///{path}"
        return
    server: MariaDB = request.getfixturevalue("mariadb_server")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedDatabases:
    """Give the platform databases that tests are given one after another, or copies of."""
    return PreparedDatabases(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def lend(
    kind: str, prepared: PreparedDatabases, request: pytest.FixtureRequest, tmp_path: Path
) -> Lend:
    """Give what lends a platform database that is as if new, on each kind."""
    if kind == "sqlite":
        return partial(prepared.copy, tmp_path / "jobs.sqlite")
    return partial(prepared.reuse, request.getfixturevalue("mariadb_server"))


@pytest.fixture
def store(lend: Lend) -> Iterator[Store]:
    """Give an empty platform database of Heratio to be filled, on each kind of database."""
    with lend(atom=False) as url, closing(Store.on(url)) as store:
        yield store


@pytest.fixture
def store_without_foreign_keys(lend: Lend) -> Iterator[Store]:
    """Give one whose connections delete rows as if there were no foreign key, on each kind."""
    with lend(atom=False) as url, closing(Store.on(url, foreign_keys=False)) as store:
        yield store


@pytest.fixture
def atom_store(lend: Lend) -> Iterator[Store]:
    """Give an empty platform database of AtoM, which has no ahg_ tables, on each kind."""
    with lend(atom=True) as url, closing(Store.on(url)) as store:
        yield store


@pytest.fixture
def settings_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let the app read its settings anew, in a folder without a `.env`, and forget them after."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("HERATIO_JOBS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HERATIO_JOBS_FOLD", "false")  # tests make jobs of one name; few are of folding
    _forget()
    yield
    if get_services.cache_info().currsize:
        get_services().close()
    _forget()


def _forget() -> None:
    for cached in (get_settings, get_account_services, get_services):
        cached.cache_clear()


@pytest.fixture
def served(store: Store, settings_environment: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give the store of the database that the app serves in this test."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", store.url)
    monkeypatch.setenv("HERATIO_JOBS_STATE_DIR", str(store.state_dir))
    return store


@pytest.fixture(scope="module")
def app_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServers]:
    """Give a function that starts the app; all are stopped after the module's tests."""
    servers = AppServers(request.path.stem, tmp_path_factory.mktemp("app"))
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """Serve a demo that tests only look at; one app is enough for all of them."""
    with serving_demo(tmp_path_factory.mktemp("demo")) as site:
        yield site
