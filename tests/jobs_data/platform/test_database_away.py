"""A database that is away, or not filled yet: what reads first says so, and nothing remembers it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Table

from jobs_data.accounts import accounts
from jobs_data.accounts.accounts import Groups
from jobs_data.accounts.lockout import Lockout
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.sign_in import SignIns
from jobs_data.jobs import choices, export, job_report
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import read_liveness
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import ListView
from jobs_data.platform import database as database_module
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import job, queue_job, user_totp_secret
from jobs_data.queues import reads
from jobs_data.removal.job_tables import look_at_tables
from jobs_data.removal.removal import Removals
from jobs_data.store.database import file_store
from tests.support.databases import on_mariadb
from tests.support.mariadb import MariaDB, free_port
from tests.support.store import CAUSE, CLEARING, Store, new_state_dir

NOW = datetime(2026, 6, 16, tzinfo=UTC)
NOBODY = Groups(frozenset())
SECRET = "hunter2"


def begin(transaction: object) -> None:
    """Begin and end a transaction."""
    with transaction:  # type: ignore[attr-defined]  # reading() and writing() give context managers
        pass


def look(database: Database) -> None:
    """Read the list that all sessions share."""
    SharedList(database, CreationOrder(database)).read(ListView())


def removals(database: Database) -> Removals:
    """Return removals with their receipts in a store of their own."""
    return Removals(database, file_store(new_state_dir()))


def remove_one(database: Database) -> None:
    """Remove a job, and raise what stops that."""
    if error := removals(database).remove_jobs([1], CAUSE).error:
        raise DatabaseUnavailable(error)


FIRST_READS: dict[str, Callable[[Database], object]] = {
    "tables": lambda database: database.tables,
    "columns": lambda database: database.columns,
    "reading": lambda database: begin(database.reading()),
    "writing": lambda database: begin(database.writing()),
    "account": lambda database: accounts.read_account(database, 1, NOBODY),
    "account by name": lambda database: accounts.find_account(database, "ada", NOBODY),
    "idle timeout": lambda database: SignIns(database).read_idle_minutes(),
    "lock": lambda database: Lockout(database, OptionalWrites(database)).remaining(["ada"], "", NOW),
    "types": choices.has_types,
    "choices": choices.read_choices,
    "missing table": lambda database: reads.missing_sentence(database, queue_job),
    "queues": lambda database: reads.has_any(database, queue_job),
    "queue": reads.read_overview,
    "list": look,
    "report": lambda database: job_report.read_report(database, 1),
    "export": lambda database: list(export.csv_chunks(database, ListView())),
    "statistics": lambda database: read_liveness(database, NOW),
    "tables of a job": look_at_tables,
    "removal": remove_one,
    "clearing": lambda database: removals(database).start(None, CLEARING).wait(),
}


@dataclass
class Away:
    """The URL of a database that cannot be used, and what changes that."""

    url: str
    come: Callable[[], None]


@pytest.fixture
def wrong_password(mariadb_server: MariaDB) -> Iterator[Away]:
    """Give a filled database and an account with another password."""
    with a_name(mariadb_server) as name, an_account(mariadb_server, name):
        mariadb_server.create_database(name)
        fill(mariadb_server, name)
        where = f"127.0.0.1:{mariadb_server.port}"

        def come() -> None:
            with mariadb_server.cursor() as cursor:
                cursor.execute(f"ALTER USER {name}@127.0.0.1 IDENTIFIED BY '{SECRET}'")

        yield Away(f"mysql://{name}:{SECRET}@{where}/{name}", come)


@pytest.fixture
def unknown_database(mariadb_server: MariaDB) -> Iterator[Away]:
    """Give a database that is not made yet."""
    with a_name(mariadb_server) as name:

        def come() -> None:
            mariadb_server.create_database(name)
            fill(mariadb_server, name)

        yield Away(mariadb_server.url(name), come)


@pytest.fixture
def empty_server_database(mariadb_server: MariaDB) -> Iterator[Away]:
    """Give a database without tables."""
    with a_name(mariadb_server) as name:
        mariadb_server.create_database(name)
        yield Away(mariadb_server.url(name), lambda: fill(mariadb_server, name))


@pytest.fixture
def empty_file(tmp_path: Path) -> Away:
    """Give an SQLite file without tables."""
    file = tmp_path / "jobs.sqlite"
    file.touch()
    url = f"sqlite:///{file}"

    def come() -> None:
        Store(url).engine.dispose()

    return Away(url, come)


@contextmanager
def a_name(server: MariaDB) -> Iterator[str]:
    """Give the name of a database that is not there yet; if it is there then, drop it afterwards."""
    name = f"away_{secrets.token_hex(8)}"
    yield name
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@contextmanager
def an_account(server: MariaDB, name: str) -> Iterator[None]:
    """Make an account for the database of the same name; drop it afterwards."""
    with server.cursor() as cursor:
        cursor.execute(f"CREATE USER {name}@127.0.0.1 IDENTIFIED BY 'another one'")
        cursor.execute(f"GRANT ALL ON {name}.* TO {name}@127.0.0.1")
    yield
    with server.cursor() as cursor:
        cursor.execute(f"DROP USER {name}@127.0.0.1")


def fill(server: MariaDB, name: str) -> None:
    """Give a database the platform's tables."""
    Store(server.url(name)).engine.dispose()


@pytest.mark.parametrize(
    "kind", ["wrong_password", "unknown_database", "empty_server_database", "empty_file"]
)
def test_whatever_reads_first_says_that_the_database_is_away(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """In a sentence without secrets; as soon as the database is there, the same calls work."""
    away: Away = request.getfixturevalue(kind)
    database = Database(make_engine(away.url))
    for name, read in FIRST_READS.items():
        with pytest.raises(DatabaseUnavailable) as caught:
            read(database)
        assert SECRET not in str(caught.value), name
    away.come()
    for read in FIRST_READS.values():
        read(database)
    database.engine.dispose()


def test_a_closed_port_is_told_in_a_sentence() -> None:
    """Outside of a transaction too."""
    database = Database(make_engine(f"mysql://jobs:{SECRET}@127.0.0.1:{free_port()}/atom"))
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        database.tables  # noqa: B018 - reading them is what is tested


def test_what_goes_wrong_before_the_server_is_asked_is_told_too() -> None:
    """The certificate was there when the app started, say."""
    database = Database(make_engine(f"mysql://jobs:{SECRET}@127.0.0.1/atom?ssl_ca=/no/such.pem"))
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        database.tables  # noqa: B018 - reading them is what is tested


@on_mariadb
def test_a_replica_that_can_never_be_reached_is_done_without(store: Store) -> None:
    """An error that is no driver's is as good as a refusal."""
    replica = make_engine(f"{store.url}&ssl_ca=/no/such.pem")
    database = Database(store.engine, replica=replica)
    job_id = store.job()
    with database.reading() as connection:
        assert connection.execute(job.select()).one().id == job_id


@pytest.mark.parametrize("late", [user_totp_secret, queue_job], ids=str)
def test_a_table_that_comes_later_is_noticed(
    store: Store, late: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump that is restored brings them one by one, and the first look may find half of them."""
    monkeypatch.setattr(database_module, "TABLES_SECONDS", 0)
    database = store.database()
    late.drop(store.engine)
    begin(database.reading())
    assert late.name not in database.columns
    late.create(store.engine)
    begin(database.reading())
    assert database.columns[late.name] == {column.name for column in late.columns}


def test_a_table_that_goes_is_missed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own sentence comes each time, and no longer when it is back."""
    monkeypatch.setattr(database_module, "TABLES_SECONDS", 0)
    database = store.database()
    begin(database.reading())
    job.drop(store.engine)
    monkeypatch.setattr(database_module, "TABLES_SECONDS", 3600)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="no table named job"):
            begin(database.reading())
    job.create(store.engine)
    begin(database.reading())
