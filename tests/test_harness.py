"""What the other tests stand on does what they expect of it."""

import asyncio

from sqlalchemy import create_engine, make_url, text

from tests.mariadb import MariaDB

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
    mariadb_server.create_database("harness")
    engine = create_engine(mariadb_server.url("harness"))
    with engine.connect() as connection:
        for variable in ("character_set_database", "character_set_connection"):
            assert connection.scalar(text(f"SELECT @@{variable}")) == "utf8mb4"
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
