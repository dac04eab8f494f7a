"""One cached list for all sessions: how often it is read, and what it never hides."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import delete

from jobs_data.jobs import paging, shared_counts, shared_list
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.list_page import JobsList, Overview, Snapshot
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.platform.tables import job
from jobs_data.settings import REFRESH_SECONDS, SHARED_SECONDS
from tests.support.databases import on_mariadb
from tests.support.statements import statements
from tests.support.store import CAUSE, NOON, Store

FIRST = ListView(limit=2)
SECOND = ListView(limit=2, page=2)
PATIENCE = 20.0


@pytest.fixture
def shown(store: Store) -> SharedList:
    """Give the list of a database that has three jobs, which are counted, and whose order is known."""
    for name in ("first", "second", "third"):
        store.job(name)
    return list_of(store)


def list_of(store: Store, list_seconds: float = SHARED_SECONDS) -> SharedList:
    """Return the list of a database, without a survey or a count in the background."""
    order = CreationOrder(store.database())
    order.survey()
    shown = SharedList(order._database, order, list_seconds)
    shown._counts.read_now()
    return shown


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let counts be read again at once where that is asked for, and pass for quick."""
    monkeypatch.setattr(shared_counts, "REST_TIMES", 0)
    monkeypatch.setattr(shared_list, "CHANGE_SECONDS", PATIENCE)


def total(shown: SharedList, view: ListView, max_age: float | None = None) -> int:
    """Return how many jobs there are beside a page, once they are counted."""
    return shown.wait_for_counts(shown.read(view, max_age), PATIENCE).counts.total


def test_a_hundred_readers_cause_the_statements_of_one(store: Store, shown: SharedList) -> None:
    """However many ask at the same time, the counts and the page are read once."""
    with statements(store.engine, "SELECT") as alone:
        list_of(store).read(FIRST)
    barrier = threading.Barrier(20)

    def ask(number: int) -> int:
        if number < 20:
            barrier.wait()
        return shown.read(FIRST).counts.total

    with statements(store.engine, "SELECT") as together, ThreadPoolExecutor(20) as readers:
        assert set(readers.map(ask, range(100))) == {3}
    assert len(together) <= len(alone)


def test_a_page_nobody_has_asked_for_shares_the_counts(store: Store, shown: SharedList) -> None:
    """Counts take longest: another page, and another state, are read without them."""
    first = shown.read(FIRST)
    with statements(store.engine, "SELECT") as sent:
        second = shown.read(SECOND)
        completed = shown.read(replace(FIRST, filter=JobFilter(State.COMPLETED)))
    assert first.counts == second.counts == completed.counts
    assert not [statement for statement in sent if "count(" in statement]


def test_a_page_that_disagrees_with_shared_counts_has_them_read_anew(
    store: Store, shown: SharedList
) -> None:
    """What the screen says of the pages there are, and the rows that it shows, agree."""
    store.job("new")
    after = shown.read(SECOND)
    after = shown.wait_for_counts(after, PATIENCE)
    assert (after.counts.total, len(after.rows)) == (4, 2)


def test_what_this_process_removes_is_gone_at_once(store: Store, shown: SharedList) -> None:
    """No page and no count from before a change of ours is shown after it."""
    gone = int(shown.read(FIRST).rows["id"][0])
    shown.read(SECOND)
    store.removals(shown._database).remove_jobs([gone], CAUSE)
    for view in (FIRST, SECOND):
        assert gone not in shown.read(view).rows["id"].tolist()
        assert total(shown, view) == 2


def test_counts_from_before_a_change_of_ours_lead_to_no_page(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of the list by status are found by them, and would be cached."""
    monkeypatch.setattr(shared_list, "CHANGE_SECONDS", 0)
    gone, *completed = sorted(store.ids(job))
    ended = [store.job(status_id=185) for _ in range(3)]
    shown._counts.read_now()
    store.removals(shown._database).remove_jobs([gone], CAUSE)
    shown._counts._reading = Future()  # so that none are read
    view = ListView(sort=Sort.STATUS, limit=1)
    pages = [shown.read(replace(view, page=page)).rows["id"].tolist() for page in range(1, 6)]
    assert pages == [[job_id] for job_id in (*completed[::-1], *ended[::-1])]


@on_mariadb
def test_older_active_jobs_follow_the_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many unfinished jobs a first page looks at the newest alone, and says so; the next has all."""
    monkeypatch.setattr(paging, "UNFINISHED_JOBS", 1)
    active = store.job(status_id=183)
    for _ in range(4):
        store.job(status_id=186, completed_at=NOON)
    shown = SharedList(store.database(), CreationOrder(store.database()))
    shown._counts._reading = Future()  # so that none are read
    view = ListView(JobFilter(State.ACTIVE), limit=2)
    first = shown.read(view)
    assert (first.rows["id"].tolist(), first.lacks_active, first.is_counted) == ([], True, False)
    assert not shown.read(replace(view, limit=9)).lacks_active
    shown._counts._reading = None
    shown._counts.read_now()
    then = shown.read(view)
    assert (then.rows["id"].tolist(), then.lacks_active, then.is_counted) == ([active], False, True)


def test_a_fresh_read_accepts_no_old_page(store: Store, shown: SharedList) -> None:
    """Refresh reads a page again that the timer would still show."""
    shown.read(FIRST)
    store.job("new")
    assert total(shown, FIRST) == 3
    assert total(shown, FIRST, max_age=0) == 4


def test_without_sharing_each_reads_anew(store: Store, shown: SharedList) -> None:
    """A setting of 0 seconds leaves nothing to be shown twice."""
    unshared = list_of(store, list_seconds=0)
    unshared.read(FIRST)
    store.job("new")
    assert total(unshared, FIRST) == 4


def test_no_transaction_stays_open(store: Store, shown: SharedList) -> None:
    """Who wants to alter a table need not wait until nobody looks."""
    shown.read(FIRST)
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job ADD COLUMN more INTEGER")
    assert total(shown, FIRST, max_age=0) == 3


def test_three_hundred_watchers_cause_the_statements_of_one(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reads page and counts at each refresh, and many no more often."""
    clock = monotonic()
    monkeypatch.setattr(shared_list, "monotonic", lambda: clock)
    monkeypatch.setattr(shared_counts, "monotonic", lambda: clock)

    def watch(sessions: int) -> int:
        nonlocal clock
        with statements(store.engine, "SELECT") as sent:
            for _ in range(12 * sessions):
                clock += REFRESH_SECONDS / sessions
                total(shown, FIRST)
        return len(sent)

    with statements(store.engine, "SELECT") as once:
        total(shown, FIRST, max_age=0)
    alone = watch(1)
    assert alone == 12 * len(once)
    assert watch(300) <= 1.1 * alone


class BlockedCounts:
    """Blocks the counting until `goes_on` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Block all counting from now on."""
        self.goes_on = threading.Event()
        self.readings = 0
        self.error: Exception | None = None
        read = Snapshot.overview

        def overview(*asked: Any) -> Overview:
            self.readings += 1
            assert self.goes_on.wait(PATIENCE)
            if self.error:
                raise self.error
            return read(*asked)

        monkeypatch.setattr(Snapshot, "overview", overview)


def test_pages_come_before_their_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages are read, one thread counts, and all of them get its counts."""
    ids = [store.job(str(number)) for number in range(3)]
    blocked = BlockedCounts(monkeypatch)
    shown = SharedList(store.database(), CreationOrder(store.database()))
    first, second = shown.read(FIRST), shown.read(SECOND)
    assert (first.rows["id"].tolist(), second.rows["id"].tolist()) == (ids[:0:-1], ids[:1])
    assert not first.is_counted
    assert (first.matching, second.matching) == (2, 3)  # at least
    assert shown.wait_for_counts(first, 0.01) is first
    blocked.goes_on.set()
    assert shown.wait_for_counts(first, PATIENCE).counts.total == 3
    assert shown.read(SECOND).counts.total == 3
    assert blocked.readings == 1


def test_closing_waits_for_the_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would open connections after all have been closed."""
    blocked = BlockedCounts(monkeypatch)
    shown = SharedList(store.database(), CreationOrder(store.database()))
    shown.read(FIRST)
    threading.Timer(0.2, blocked.goes_on.set).start()
    shown.close()
    assert blocked.goes_on.is_set()


def test_a_page_past_the_end_waits_for_the_counts(store: Store, shown: SharedList) -> None:
    """It becomes the last page, also of a list that has become shorter."""
    assert shown.read(replace(SECOND, page=9)).view.page == 2
    with store.engine.begin() as connection:
        connection.execute(delete(job).where(job.c.id < max(store.ids(job))))
    last = shown.read(SECOND, max_age=0)
    assert (last.view.page, len(last.rows)) == (1, 1)


def test_a_page_past_the_end_is_found_by_the_last_counts(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting ten million jobs takes ten seconds: nobody waits for it again."""
    blocked = BlockedCounts(monkeypatch)
    blocked.goes_on.set()
    last = shown.read(replace(SECOND, page=9))
    assert (last.view.page, len(last.rows), blocked.readings) == (2, 1, 0)


def test_refresh_begins_to_count(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where counting takes long, the counts rest longer, but Refresh counts at once."""
    monkeypatch.setattr(shared_counts, "REST_TIMES", 10**9)
    store.job("new")
    assert total(shown, FIRST) == 3
    assert total(shown, FIRST, max_age=0) == 4


def test_a_failure_to_count_leaves_the_pages(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They keep the last counts, and the next look tries again."""
    blocked = BlockedCounts(monkeypatch)
    blocked.error = DatabaseUnavailable("It took too long.")
    blocked.goes_on.set()
    store.job("new")
    assert total(shown, FIRST, max_age=0) == 3
    assert shown.read(FIRST).rows["name"].tolist() == ["new", "third"]
    blocked.error = None
    assert total(shown, FIRST, max_age=0) == 4


def test_a_database_that_fails_is_asked_again(store: Store, shown: SharedList) -> None:
    """A failed read leaves nothing behind that would keep the next one from working."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job RENAME TO job_away")
    with pytest.raises(DatabaseUnavailable):
        shown.read(FIRST)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job_away RENAME TO job")
    assert shown.read(FIRST).counts.total == 3


class SlowReads:
    """Holds up the reads of a page until it is told to let them go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, view: ListView) -> None:
        """Hold up the reads of one view."""
        self.began, self.goes_on = threading.Semaphore(0), threading.Event()
        self.reads = 0
        self.error: Exception | None = None
        read = SharedList._read_rows

        def slowly(shown: SharedList, asked: ListView) -> JobsList:
            if asked == view:
                self.reads += 1
                self.began.release()
                assert self.goes_on.wait(PATIENCE)
                if self.error:
                    raise self.error
            return read(shown, asked)

        monkeypatch.setattr(SharedList, "_read_rows", slowly)


def test_who_waits_for_a_read_that_fails_gets_its_error(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Viewers of a locked table do not wait for it one after the other."""
    slow = SlowReads(monkeypatch, FIRST)
    slow.error = DatabaseUnavailable("The table is locked.")
    with ThreadPoolExecutor(5) as viewers:
        asked = [viewers.submit(shown.read, FIRST)]
        assert slow.began.acquire(timeout=PATIENCE)
        asked += [viewers.submit(shown.read, FIRST) for _ in range(4)]
        wait_for_waiters(shown, 4)
        slow.goes_on.set()
        assert [each.exception(PATIENCE) for each in asked] == [slow.error] * 5
    assert slow.reads == 1


def test_who_waits_too_long_is_told(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No wait for another thread goes on for ever."""
    slow = SlowReads(monkeypatch, FIRST)
    monkeypatch.setattr(shared_list, "WAIT_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as viewers:
        first = viewers.submit(shown.read, FIRST)
        assert slow.began.acquire(timeout=PATIENCE)
        with pytest.raises(DatabaseUnavailable):
            shown.read(FIRST)
        slow.goes_on.set()
        assert first.result(PATIENCE).counts.total == 3


def test_a_slow_page_keeps_nobody_else_waiting(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a search takes its time, another page is read."""
    slow = SlowReads(monkeypatch, FIRST)
    with ThreadPoolExecutor(1) as viewers:
        searching = viewers.submit(shown.read, FIRST)
        assert slow.began.acquire(timeout=PATIENCE)
        assert len(shown.read(SECOND).rows) == 1
        slow.goes_on.set()
        searching.result(PATIENCE)


def test_a_read_that_began_before_a_change_is_not_shown_after_it(
    store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has removed a job does not wait for a page that may still have it, but reads another."""
    slow = SlowReads(monkeypatch, FIRST)
    with ThreadPoolExecutor(2) as viewers:
        before = viewers.submit(shown.read, FIRST)
        assert slow.began.acquire(timeout=PATIENCE)
        shown._database.changed()
        after = viewers.submit(shown.read, FIRST)
        assert slow.began.acquire(timeout=PATIENCE)  # it reads, too
        slow.goes_on.set()
        assert before.result(PATIENCE) is not after.result(PATIENCE)


def test_few_pages_are_kept(store: Store, shown: SharedList, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for ever other searches does not fill the memory."""
    monkeypatch.setattr(shared_list, "MAX_PAGES", 3)
    views = [ListView(JobFilter(search=f"word {n}")) for n in range(9)]
    for view in views:
        shown.read(view)
    with statements(store.engine, "SELECT") as sent:
        shown.read(views[-1])
    assert not sent
    assert len(shown._pages) == 3


def wait_for_waiters(shown: SharedList, waiters: int) -> None:
    """Return when so many threads wait for the first page."""
    condition = shown._pages[FIRST].jobs._condition
    for _ in range(int(PATIENCE * 100)):
        with condition:
            if len(condition._waiters) >= waiters:  # type: ignore[attr-defined] # of Condition
                return
        threading.Event().wait(0.01)
    pytest.fail("nobody waits")
