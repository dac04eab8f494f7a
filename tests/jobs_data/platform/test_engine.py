"""How long the database may work for us, on both kinds of database."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, text

from jobs_data.platform.database import Database
from jobs_data.platform.engine import EXTRA_CONNECTIONS, POOL_CONNECTIONS, make_engine
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.store import Store

SERVER = "mysql+pymysql://jobs:word@db/atom"

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "mysql": "SELECT SLEEP(30)",
}
BOUND = "SELECT @@max_statement_time"


def endless(store: Store) -> str:
    """Return a statement that outlasts its time."""
    return ENDLESS[store.engine.dialect.name]


def test_a_read_ends_when_its_time_is_over(store: Store) -> None:
    """The error has a sentence and no secrets, and the same connection reads on afterwards."""
    database = store.database()
    with (
        pytest.raises(TookTooLong, match="took too long") as caught,
        database.reading(0.3) as connection,
    ):
        connection.execute(text(endless(store)))
    assert isinstance(caught.value, DatabaseUnavailable)
    with database.reading() as connection:
        assert connection.execute(text("SELECT 7")).scalar() == 7
    assert store.engine.pool.status().count("Connections in pool: 1") == 1


def test_a_write_that_takes_too_long_leaves_nothing(store: Store) -> None:
    """What it had changed before is taken back."""
    job_id = store.job()

    def write() -> None:
        with store.database().writing(0.3) as connection:
            connection.execute(text(f"DELETE FROM job WHERE id = {job_id}"))
            connection.execute(text(endless(store)))

    with pytest.raises(TookTooLong):
        write()
    assert store.ids() == [job_id]


@on_mariadb
def test_the_bound_follows_the_transaction(store: Store) -> None:
    """A connection is bounded from the start, and a longer bound does not stay with it."""
    database = store.database()
    for seconds in (20, 3600, 20, 0.5):
        with database.reading(seconds) as connection:
            assert float(connection.execute(text(BOUND)).scalar_one()) == seconds
    with store.engine.connect() as fresh, store.engine.connect() as other:
        assert float(fresh.execute(text(BOUND)).scalar_one()) in (0.5, 20)
        assert float(other.execute(text(BOUND)).scalar_one()) == 20


@on_sqlite
def test_a_deadline_ends_with_its_transaction(store: Store) -> None:
    """Work on the same connection outside of it has no deadline."""
    database = store.database()
    with database.reading(0) as connection:
        assert "deadline" in connection.info
    with store.engine.connect() as connection:
        assert "deadline" not in connection.info
        statement = ENDLESS["sqlite"].removesuffix("FROM n") + "FROM (SELECT i FROM n LIMIT 100000)"
        assert connection.execute(text(statement)).scalar() == 100_000


def test_a_process_opens_as_many_connections_as_is_documented(store: Store) -> None:
    """No more stay open than are kept, and the rest can be used at the same time."""
    pool = store.engine.pool
    assert isinstance(pool, QueuePool)
    with ExitStack() as stack:
        for _ in range(POOL_CONNECTIONS + EXTRA_CONNECTIONS):
            stack.enter_context(store.engine.connect())
        assert (pool.size(), pool.overflow()) == (POOL_CONNECTIONS, EXTRA_CONNECTIONS)
    assert pool.checkedin() == POOL_CONNECTIONS
    document = Path(__file__).parents[3] / "docs" / "scaling.md"
    assert f"up to {POOL_CONNECTIONS + EXTRA_CONNECTIONS} connections" in document.read_text("utf-8")


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("mariadb://other:secret@db:3306/atom?charset=utf8mb4", True),
        ("mysql://jobs:word@db/atom2", False),
        ("mysql://jobs:word@db2/atom", False),
        ("mysql://jobs:word@db:3307/atom", False),
        ("mysql://jobs:word@db/atom?unix_socket=/run/other.sock", False),
        ("sqlite:///atom", False),
    ],
)
def test_a_database_is_the_same_for_every_account(url: str, *, is_same: bool) -> None:
    """What was removed by one account can be put back by another; another database is another."""
    names = [Database(make_engine(each)).identity for each in (SERVER, url)]
    assert (names[0] == names[1]) is is_same
