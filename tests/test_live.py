"""One moment of the list for all sessions: how often it is read, and what it never hides."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from jobs_data.engine import DatabaseUnavailable, TookTooLong
from jobs_data.filters import JobFilter, ListView
from jobs_data.live import Live
from jobs_data.queries import JobsList, Moment
from jobs_data.status import State
from sqlalchemy import event, text

from jobs_data import live, removal
from tests.support.databases import on_mariadb
from tests.support.store import CAUSE, Store
from tests.support.waiting import eventually

PATIENCE = 20.0
FIRST = ListView(limit=2)
SECOND = ListView(limit=2, page=2)


@pytest.fixture
def shown(store: Store) -> Iterator[Live]:
    """Give the list of a database that has three jobs."""
    for name in ("first", "second", "third"):
        store.job(name)
    shown = Live(store.database())
    yield shown
    shown.close()


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Collect the SELECTs that are sent to the database of a store."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def test_a_hundred_readers_cause_the_statements_of_one(store: Store, shown: Live) -> None:
    """However many ask at the same time, the counts and the page are read once."""
    shown.read(FIRST)  # looks up the tables, and makes the survey
    shown.close()
    with statements(store) as alone:
        shown.read(FIRST)
    shown.close()
    barrier = threading.Barrier(20)

    def ask(number: int) -> int:
        if number < 20:
            barrier.wait()
        return shown.read(FIRST).counts.total

    with statements(store) as together, ThreadPoolExecutor(20) as readers:
        assert set(readers.map(ask, range(100))) == {3}
    assert sorted(together) == sorted(alone)


def test_a_page_nobody_has_asked_for_agrees_with_the_counts_on_the_screen(
    store: Store, shown: Live
) -> None:
    """On a server it is read from the transaction that the counts came from; a file is read anew."""
    before = shown.read(FIRST)
    store.job("meanwhile")
    after = shown.read(SECOND)
    assert len(after.rows) == after.matching - 2
    if store.database().is_sqlite:
        assert after.counts.total == 4
    else:
        assert after.counts == before.counts
        assert after.read_at == before.read_at


def test_what_this_process_removes_is_gone_at_once(store: Store, shown: Live) -> None:
    """No moment from before a change of ours is shown after it."""
    gone = int(shown.read(FIRST).rows["id"][0])
    removal.remove_job(shown._database, gone, CAUSE)
    jobs = shown.read(FIRST)
    assert jobs.counts.total == 2
    assert gone not in jobs.rows["id"].tolist()


def test_who_wants_the_present_gets_it(store: Store, shown: Live) -> None:
    """A moment that is good enough for the timer is not for who has just opened the list."""
    shown.read(FIRST)
    store.job("meanwhile")
    assert shown.read(FIRST).counts.total == 3
    assert shown.read(FIRST, max_age=0).counts.total == 4


def test_without_sharing_each_reads_anew(store: Store, shown: Live) -> None:
    """A setting of 0 seconds leaves nothing to be shown twice, and no transaction open."""
    shown._database.list_seconds = 0
    shown.read(FIRST)
    store.job("meanwhile")
    assert shown.read(FIRST).counts.total == 4
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool


def test_it_is_renewed_as_long_as_somebody_looks(
    store: Store, shown: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next moment comes by itself; when nobody has looked since the last, all is let go."""
    shown._database.list_seconds = 0.05
    monkeypatch.setattr(live, "WATCHED_SECONDS", 0.2)
    shown.read(FIRST)
    store.job("meanwhile")
    eventually(lambda: shown.read(FIRST).counts.total == 4, "the next moment")

    def is_let_go() -> bool:
        with shown._reading:  # not between two moments
            return shown._shown is None

    eventually(is_let_go, "the end of the transaction")
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool
    with statements(store) as sent:
        time.sleep(0.3)
    assert not sent


@on_mariadb
def test_a_transaction_that_the_server_ends_is_begun_anew(store: Store, shown: Live) -> None:
    """An administrator of the database, or its idle timeout, may end it at any time."""
    shown.read(FIRST)
    with store.engine.connect() as connection:
        own = connection.execute(text("SELECT CONNECTION_ID()")).scalar()
        others = connection.execute(
            text("SELECT id FROM information_schema.processlist WHERE id <> :own AND db = DATABASE()"),
            {"own": own},
        ).scalars()
        for other in others.all():
            connection.execute(text(f"KILL {other}"))
    assert shown.read(SECOND).rows["name"].tolist() == ["first"]
    assert shown.read(ListView(JobFilter(State.FAILED))).matching == 0


def test_a_database_that_fails_is_told_and_tried_again(store: Store, shown: Live) -> None:
    """A failed read leaves nothing behind that would keep the next one from working."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job RENAME TO job_away")
    with pytest.raises(DatabaseUnavailable):
        shown.read(FIRST)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job_away RENAME TO job")
    assert shown.read(FIRST).counts.total == 3


def test_who_alters_a_table_need_not_wait_until_nobody_looks(store: Store, shown: Live) -> None:
    """Between two moments no transaction of ours is open, so an upgrade of the platform gets in."""
    shown._database.list_seconds = 0.2
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            shown.read(FIRST)
            time.sleep(0.01)

    with ThreadPoolExecutor(1) as watcher:
        looking = watcher.submit(look)
        try:
            with store.engine.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE job ADD COLUMN more INTEGER")
        finally:
            done.set()
        looking.result()
    assert shown.read(FIRST, max_age=0).counts.total == 3


def test_a_page_that_takes_too_long_costs_the_others_nothing(
    store: Store, shown: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told and asked once; the moment stays, and the next one comes without that page."""
    slow = ListView(limit=3)
    asked = []
    read = Moment.read

    def slowly(moment: Moment, view: ListView) -> JobsList:
        if view == slow:
            asked.append(view)
            raise TookTooLong
        return read(moment, view)

    monkeypatch.setattr(Moment, "read", slowly)
    before = shown.read(FIRST)
    with pytest.raises(TookTooLong):
        shown.read(slow)
    assert len(asked) == 1
    assert shown.read(FIRST).read_at == before.read_at
    shown._renew_if_watched()
    assert shown.read(FIRST).read_at > before.read_at


def test_what_is_shown_stays_until_the_next_moment_stands(
    store: Store, shown: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next one is being read, nobody waits for it."""
    before = shown.read(FIRST)
    read = Moment.read
    seen = []

    def look_meanwhile(moment: Moment, view: ListView) -> JobsList:
        seen.append(shown.read(FIRST).read_at)
        return read(moment, view)

    monkeypatch.setattr(Moment, "read", look_meanwhile)
    shown._renew_if_watched()
    assert seen == [before.read_at]
