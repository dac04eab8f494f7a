"""A replica for reads: what is read there, what never is, and what happens when it lags or is away."""

import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyotp
import pytest
from sqlalchemy import event

from jobs_data.accounts import accounts
from jobs_data.accounts.accounts import Groups, Right
from jobs_data.accounts.sign_in import SignInRefused, SignIns
from jobs_data.jobs import export, job_report, list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import ListView
from jobs_data.platform import database as database_module
from jobs_data.platform.database import Database, database_for
from jobs_data.platform.engine import make_engine
from jobs_data.platform.tables import ADMINISTRATOR_GROUP_ID, user_totp_secret
from jobs_data.settings import get_settings
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.period import Period
from jobs_data.store.schema import Outcome
from tests.support.databases import on_mariadb
from tests.support.lists import read_list
from tests.support.mariadb import free_port
from tests.support.removals import cleared
from tests.support.store import CAUSE, PASSWORD, Store

ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 16, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOBODY = Groups()


@pytest.fixture
def replica_url(store: Store, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a second database of the same kind, which is not there yet."""
    name = f"replica_{secrets.token_hex(8)}"
    if store.url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / name / 'jobs.sqlite'}"
        return
    server = request.getfixturevalue("mariadb_server")
    yield server.url(name)
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def database(store: Store, replica_url: str) -> Iterator[Database]:
    """Give the app's view of the store, with a replica that is not there yet."""
    replica = make_engine(replica_url)
    yield Database(store.engine, replica=replica)
    replica.dispose()


@pytest.fixture
def replica(store: Store, replica_url: str) -> Iterator[Store]:
    """Give the second database, which has none of the first one's rows."""
    copy = create(replica_url, store)
    yield copy
    copy.engine.dispose()


def create(url: str, beside: Store) -> Store:
    """Create a database, with the platform's tables, where another one is."""
    parsed = make_engine(url).url
    if beside.url.startswith("sqlite"):
        assert parsed.database
        Path(parsed.database).parent.mkdir()
        Path(parsed.database).touch()
    else:
        with beside.engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {parsed.database} CHARACTER SET utf8mb4")
    return Store(url)


def names(database: Database) -> list[str]:
    """Return the names on the first page of the list."""
    return read_list(database, ListView()).rows["name"].tolist()


def exported(database: Database) -> bytes:
    """Return the whole export."""
    return b"".join(export.csv_chunks(database, ListView()))


def report_name(database: Database, job_id: int) -> str:
    """Return the name in a job's report."""
    report = job_report.read_report(database, job_id)
    assert report
    return report.name


def test_what_is_only_shown_comes_from_the_replica(
    store: Store, replica: Store, database: Database
) -> None:
    """The list, the export, reports with neighbours, outputs and result files, and the statistics."""
    for each, name in ((store, "of the primary"), (replica, "of the replica")):
        job_id = each.job(name, status_id=185, job_id=500, output=name, download_path=name)
    older = replica.job("older", job_id=400, created=datetime(2026, 6, 1))
    shared_list = SharedList(database, CreationOrder(database))
    assert shared_list.read(ListView()).rows["name"].tolist() == ["of the replica", "older"]
    assert names(database) == ["of the replica", "older"]
    assert b"of the replica" in exported(database)
    assert report_name(database, job_id) == "of the replica"
    assert job_report.read_neighbours(database, ListView(), job_id) == (None, older)
    assert job_report.read_download_path(database, job_id) == "of the replica"
    assert b"".join(job_report.stream_output(database, job_id)) == b"of the replica"
    of_all_time = database, CreationOrder(database), Period.ALL, ZONE, NOW
    assert read_activity(*of_all_time).outcomes.total == 2
    assert read_failures(*of_all_time).patterns["jobs"].tolist() == [1]


def test_nothing_that_decides_asks_the_replica(
    store: Store, replica: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removals with their looks before, rights, sign-ins and their count never go there."""
    monkeypatch.setattr(
        database_module, "CAUGHT_UP_SECONDS", 0
    )  # not even when the replica has caught up
    active, finished, also_finished = store.job(status_id=183), store.job(), store.job()
    user_id = store.account("ada", ADMINISTRATOR_GROUP_ID)
    store.insert(user_totp_secret, user_id=user_id, secret=SECRET, enabled_at=datetime(2026, 1, 1))
    asked: list[str] = []
    assert database._replica
    event.listen(database._replica.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    names(database)
    assert asked
    asked.clear()

    assert list_page.read_jobs(database, [active, finished])["id"].tolist() == [finished, active]
    assert list_page.count_jobs(database).finished == 2
    assert store.removals(database).remove_jobs([active], CAUSE).outcome is Outcome.ACTIVE
    assert store.removals(database).remove_jobs([finished], CAUSE).outcome is Outcome.REMOVED
    clearing = cleared(store, database)
    assert (clearing.total, clearing.removed, clearing.error) == (1, 1, "")
    assert also_finished not in store.ids()

    code = pyotp.TOTP(SECRET).at(NOW)
    sign_ins = SignIns(database)
    signed_in = sign_ins.sign_in("ada", PASSWORD, code, "", NOBODY, now=NOW)
    assert signed_in.id == user_id
    found = accounts.read_account(database, user_id, NOBODY)
    assert found
    assert found.right is Right.ADMINISTRATOR
    assert accounts.find_account(database, "ada", NOBODY) == found
    with pytest.raises(SignInRefused):
        sign_ins.sign_in("ada", "wrong", "", "", NOBODY)
    assert sign_ins.read_idle_minutes() == 30
    assert asked == []


def test_what_this_process_changed_is_shown_at_once(
    store: Store, replica: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the replica has surely caught up, the primary is read; then it is the replica again."""
    for each in (store, replica):
        each.job("to be removed", job_id=500)
    shared_list = SharedList(database, CreationOrder(database))
    shown = shared_list.wait_for_counts(shared_list.read(ListView()), 20)
    assert shown.counts.total == 1
    assert store.removals(database).remove_jobs([500], CAUSE).outcome is Outcome.REMOVED
    shown = shared_list.wait_for_counts(shared_list.read(ListView()), 20)
    assert (len(shown.rows), shown.counts.total) == (0, 0)
    assert names(database) == []
    monkeypatch.setattr(database_module, "CAUGHT_UP_SECONDS", 0)
    assert names(database) == ["to be removed"]


def test_a_clearing_is_shown_at_once_too(store: Store, replica: Store, database: Database) -> None:
    """Whoever has waited for it finds the list without the jobs that it removed."""
    for each in (store, replica):
        each.job()
    assert len(names(database)) == 1
    cleared(store, database)
    assert names(database) == []


def test_a_replica_that_is_away_is_done_without(
    store: Store,
    replica_url: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The primary is read meanwhile; the log says so once, and once more when it is back."""
    caplog.set_level(logging.WARNING, "jobs_data.platform.database")
    monkeypatch.setattr(database_module, "REPLICA_RETRY_SECONDS", 0)
    store.job("of the primary")
    assert names(database) == ["of the primary"]
    assert names(database) == ["of the primary"]
    [away] = caplog.messages
    assert away.startswith("the replica does not answer, so the primary is used")
    replica = create(replica_url, store)
    replica.job("of the replica")
    assert names(database) == names(database) == ["of the replica"]
    assert caplog.messages[1:] == ["the replica answers again and is used"]
    replica.engine.dispose()


def test_a_replica_that_is_away_is_not_tried_each_time(
    store: Store, replica_url: str, database: Database
) -> None:
    """Else each read would wait until the connection is given up."""
    store.job("of the primary")
    assert names(database) == ["of the primary"]
    replica = create(replica_url, store)
    assert names(database) == ["of the primary"]
    replica.engine.dispose()


@on_mariadb
def test_a_replica_whose_server_is_down_is_done_without(store: Store) -> None:
    """No connection at all is as good as one that is refused."""
    store.job("of the primary")
    down = make_engine(f"mysql://user:word@127.0.0.1:{free_port()}/atom")
    assert names(Database(store.engine, replica=down)) == ["of the primary"]


def test_the_setting_names_the_replica(
    served: Store, replica: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app reads where it says, and removes where the other one says."""
    for each, name in ((served, "of the primary"), (replica, "of the replica")):
        each.job(name, job_id=500)
    monkeypatch.setenv("HERATIO_JOBS_READ_DATABASE_URL", replica.url)
    database = database_for(get_settings())
    assert names(database) == ["of the replica"]
    assert served.removals(database).remove_jobs([500], CAUSE).outcome is Outcome.REMOVED
    assert (served.ids(), replica.ids()) == ([], [500])
    assert database._replica
    database._replica.engine.dispose()
