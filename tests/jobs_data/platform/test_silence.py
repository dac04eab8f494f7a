"""A server that falls silent: on connections that were there before, or altogether."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from threading import Barrier, Thread
from typing import TypeVar

import pytest
from sqlalchemy import text

from jobs_data.accounts.accounts import Groups
from jobs_data.accounts.rights import Rights
from jobs_data.jobs import export, export_rows, list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform import engine
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable
from tests.support.databases import on_mariadb
from tests.support.mariadb import MariaDB
from tests.support.silent_proxy import SilentProxy, in_front_of
from tests.support.store import Store
from web import gate
from web.gate import AccountCache

SILENCE = 1.5
PATIENCE = 20.0
PING = b"\x01\0\0\0\x0e"
FIRST, SECOND, THIRD = (ListView(limit=1, page=page) for page in (1, 2, 3))
T = TypeVar("T")

pytestmark = on_mariadb


def begun(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a thread that nobody waits for in the end."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def within_patience(call: Callable[[], T]) -> T:
    """Return what a call returns; one that hangs fails."""
    return begun(call).result(PATIENCE)


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any silence of more than a second be too long, whatever the statement."""
    monkeypatch.setattr(engine, "CONNECT_SECONDS", SILENCE)
    monkeypatch.setattr(engine, "PING_SECONDS", SILENCE)
    monkeypatch.setattr(engine, "answer_seconds", lambda _: SILENCE)


@pytest.fixture
def proxy(store: Store, mariadb_server: MariaDB) -> Iterator[SilentProxy]:
    """Give a proxy in front of the server of a store with three jobs."""
    for name in ("first", "second", "third"):
        store.job(name)
    with in_front_of(mariadb_server.port) as proxy:
        yield proxy


@pytest.fixture
def database(store: Store, mariadb_server: MariaDB, proxy: SilentProxy) -> Iterator[Database]:
    """Give the store's database behind the proxy."""
    url = store.url.replace(f":{mariadb_server.port}/", f":{proxy.port}/")
    database = Database(make_engine(url))
    assert database.tables
    yield database
    database.engine.dispose()


def limit_of(connection: object) -> float | None:
    """Return how long a connection waits for the server now."""
    connection.exec_driver_sql("SELECT 1")  # type: ignore[attr-defined]
    waits: float | None = connection.connection.dbapi_connection._sock.gettimeout()  # type: ignore[attr-defined]
    return waits


def total(database: Database) -> int:
    """Return how many jobs there are."""
    return list_page.count_jobs(database).total


def test_a_statement_that_gets_no_answer_is_given_up(proxy: SilentProxy, database: Database) -> None:
    """It ends with a sentence, its connection is thrown away, and the next read works at once."""

    def read() -> None:
        with database.reading() as connection:
            proxy.silence()
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable, match="stopped answering"):
        within_patience(read)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool
    assert within_patience(lambda: total(database)) == 3
    assert not proxy.links[0].swallowed.endswith(PING)


def test_a_pool_of_silent_connections_costs_one_wait(proxy: SilentProxy, database: Database) -> None:
    """One of them is tried; the others are as old, and are thrown away untried."""
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(database.reading())
    proxy.silence()
    assert within_patience(lambda: total(database)) == 3
    with ExitStack() as stack:
        for _ in range(4):
            within_patience(lambda: stack.enter_context(database.reading()))
    assert sum(link.swallowed.startswith(PING) for link in proxy.links) == 1


def test_a_server_without_a_greeting_is_not_waited_for(proxy: SilentProxy, database: Database) -> None:
    """New connections are accepted and stay silent, as those of a frozen server do."""
    proxy.silence_all()
    with pytest.raises(DatabaseUnavailable):
        within_patience(lambda: total(database))
    assert proxy.unanswered
    proxy.greet()
    assert within_patience(lambda: total(database)) == 3


def test_a_change_that_gets_no_answer_is_taken_back(
    proxy: SilentProxy, database: Database, store: Store
) -> None:
    """The server takes it back when the connection is gone."""

    def change() -> None:
        with database.writing() as connection:
            connection.execute(text("DELETE FROM job"))
            proxy.silence()
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable, match="stopped answering"):
        within_patience(change)
    proxy.links[0].close()
    assert len(store.ids()) == 3


def test_each_transaction_waits_a_little_longer_than_its_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A longer limit does not stay with the connection, and an export waits for its sort."""
    monkeypatch.undo()
    with database.reading() as connection:
        assert limit_of(connection) == 25
    with database.writing() as connection:
        assert limit_of(connection) == 65
    with database.reading(3600, silence=120) as connection:
        assert limit_of(connection) == 120
    with database.reading(2) as connection:
        assert limit_of(connection) == 7
    with database.engine.connect() as connection:
        assert limit_of(connection) == 25


def test_what_the_url_says_wins(store: Store) -> None:
    """An operator may let reads wait longer; what the URL does not name is as without it."""
    engine = make_engine(f"{store.url}&read_timeout=77")
    with Database(engine).reading() as connection:
        assert limit_of(connection) == 77
        assert connection.connection.dbapi_connection._write_timeout == SILENCE  # type: ignore[union-attr]
    engine.dispose()


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("sort", [Sort.DATE, Sort.NAME])
def test_an_export_ends_when_the_server_falls_silent(
    proxy: SilentProxy,
    database: Database,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    sort: Sort,
    every: bool,
) -> None:
    """In the middle of its rows too. Its reader is told, and its connection is thrown away."""
    monkeypatch.setattr(export_rows, "LONGEST_SILENCE_SECONDS", SILENCE)
    monkeypatch.setattr(export_rows, "EXPORT_CHUNK_ROWS", 1)
    for _ in range(100):
        store.job("a" * 255)
    chunks = export.csv_chunks(database, ListView(sort=sort), all_columns=every)
    next(chunks)
    proxy.silence(after=10_000)
    with pytest.raises(DatabaseUnavailable, match="stopped answering"):
        within_patience(lambda: list(chunks))
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool
    again = export.csv_chunks(database, ListView(sort=sort), all_columns=every)
    assert b"".join(within_patience(lambda: list(again))).count(b"\r\n") == 104


def test_an_export_waits_for_a_slow_reader(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only while the app waits for the server does its silence count."""
    monkeypatch.setattr(export_rows, "LONGEST_SILENCE_SECONDS", SILENCE)
    monkeypatch.setattr(export_rows, "EXPORT_CHUNK_ROWS", 1)
    chunks = export.csv_chunks(database, ListView(sort=Sort.NAME))
    first = next(chunks) + next(chunks)
    time.sleep(1.3 * SILENCE)
    assert (first + b"".join(within_patience(lambda: list(chunks)))).count(b"\r\n") == 4


def test_the_list_recovers(proxy: SilentProxy, database: Database) -> None:
    """The pool's connections fall silent; the next page comes from a new one."""
    shown = SharedList(database, CreationOrder(database))
    shown.read(FIRST)
    proxy.silence()
    assert within_patience(lambda: shown.read(SECOND)).rows["name"].tolist() == ["second"]


def test_all_who_wait_for_a_page_wait_once(proxy: SilentProxy, database: Database) -> None:
    """Five viewers of a silent database share one failed read."""
    shown = SharedList(database, CreationOrder(database))
    proxy.silence_all()
    together = Barrier(5)

    def look() -> None:
        together.wait(PATIENCE)
        shown.read(FIRST)

    looks = [begun(look) for _ in range(5)]
    for each in looks:
        assert isinstance(each.exception(PATIENCE), DatabaseUnavailable)
    assert len(proxy.unanswered) <= 2  # one page, and the survey in the background


def test_the_gate_answers_although_the_database_does_not(
    proxy: SilentProxy, database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who ask for an account wait for one read, no longer than told, and get what it comes to."""
    ada = store.account("ada", 100)
    monkeypatch.setattr(gate, "ANSWER_SECONDS", 0.2)
    accounts = AccountCache(Rights(database, store.own, Groups()), 28)

    async def ask() -> None:
        proxy.silence_all()
        asked = [accounts.get(ada) for _ in range(5)]
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(answer, DatabaseUnavailable)
        # What still is under way when they give up is not begun again, and ends by itself.
        assert accounts._reading
        while accounts._reading:
            await asyncio.sleep(0.05)
        assert len(proxy.unanswered) == 1
        proxy.greet()
        monkeypatch.setattr(gate, "ANSWER_SECONDS", PATIENCE)
        account = await accounts.get(ada)
        assert account is not None
        assert account.id == ada

    asyncio.run(asyncio.wait_for(ask(), PATIENCE))
