"""What the other tests stand on does what they expect of it."""

import asyncio

import pytest
from sqlalchemy import create_engine, make_url, text

from jobs_data.platform import tables
from tests.support.databases import ReusedDatabase
from tests.support.dumps import dump
from tests.support.mariadb import MariaDB
from tests.support.store import Store

FOUR_BYTES = "🗄 Ünïcödé 𠮷"


def test_a_database_starts_empty_and_keeps_four_byte_characters(empty_database: str) -> None:
    """A text with characters beyond the basic plane comes back as it went in, on both databases."""
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE job (name varchar(255))"))
        connection.execute(text("INSERT INTO job VALUES (:name)"), {"name": FOUR_BYTES})
        assert connection.scalar(text("SELECT name FROM job")) == FOUR_BYTES
        connection.execute(text("DROP TABLE job"))
    engine.dispose()


def test_every_mariadb_database_is_utf8mb4(mariadb_server: MariaDB) -> None:
    """A database and a connection to it hold any character, whatever the machine's default."""
    with mariadb_server.database() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            for variable in ("character_set_database", "character_set_connection"):
                assert connection.scalar(text(f"SELECT @@{variable}")) == "utf8mb4"
        engine.dispose()


def test_a_reused_database_is_as_new(mariadb_server: MariaDB) -> None:
    """Neither rows nor used numbers nor altered tables of one test are there in the next."""
    reused = ReusedDatabase(mariadb_server, "harness")
    jobs, dumps = [], []
    for change in (
        None,
        "ALTER TABLE job ADD COLUMN more INTEGER",
        "DROP TABLE job",
        "CREATE TABLE other (id INTEGER)",
        "CREATE TRIGGER kept BEFORE DELETE ON job FOR EACH ROW SET @kept = 1",
        None,
    ):
        store = Store.on(reused.url)
        dumps.append(dump(store.engine))
        jobs.append(store.job())
        store.belongings(jobs[-1])
        if change:
            with store.engine.begin() as connection:
                connection.execute(text(change))
        store.close()
        reused.make_new()
    assert jobs == [187] * 6
    assert all(dump == dumps[0] for dump in dumps)
    mariadb_server.drop_database("harness")


def test_a_test_that_leaves_a_transaction_open_fails(mariadb_server: MariaDB) -> None:
    """It fails itself, and the next one is given a new database."""
    reused = ReusedDatabase(mariadb_server, "harness", lock_wait_seconds=1)
    engine = create_engine(reused.url)
    for statement in ("SELECT id FROM slug", "DELETE FROM term_i18n"):
        with engine.connect() as connection:
            connection.execute(text(statement))
            with pytest.raises(pytest.fail.Exception, match="left a transaction open"):
                reused.make_new()
            connection.invalidate()
        store = Store.on(reused.url)
        assert store.rows(tables.term_i18n) == 7
        assert store.job() == 187
        store.close()
        reused.make_new()
    engine.dispose()
    mariadb_server.drop_database("harness")


def test_mariadb_listens_on_loopback_alone(mariadb_server: MariaDB) -> None:
    """The server is no door to this machine, and lets nobody in without its password."""
    with mariadb_server.cursor() as cursor:
        cursor.execute("SELECT @@bind_address, @@skip_networking")
        assert cursor.fetchone() == ("127.0.0.1", 0)
    assert make_url(mariadb_server.url("any")).password == mariadb_server.password


def test_tests_may_run_an_event_loop() -> None:
    """The browser tests leave no event loop running that would forbid another."""
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"
