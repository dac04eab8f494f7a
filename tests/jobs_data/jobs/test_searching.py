"""A search reads slices of ids in the background, the newest first, in turns with other searches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import delete, select

from jobs_data.jobs import searching
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.durations import seconds_taken
from jobs_data.jobs.searching import Searches, SearchResult
from jobs_data.jobs.view import Dates, JobFilter
from jobs_data.jobs.where import WITH_ERRORS, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.platform.status import Alive, State
from jobs_data.platform.tables import job, job_execution, object_
from tests.support.lists import LONG, ended
from tests.support.store import NOON, Store
from tests.support.waiting import eventually

IMPORTS = JobFilter(search="import")


@pytest.fixture
def database(store: Store) -> Database:
    """Give the database as the app sees it."""
    return store.database()


@pytest.fixture
def searches(database: Database) -> Iterator[Searches]:
    """Give its searches."""
    with closing(Searches(database, CreationOrder(database))) as searches:
        yield searches


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Make thirty jobs, of which each third is an import and each sixth one that failed."""
    return [
        store.job("import" if n % 3 == 0 else "export", 185 if n % 6 == 0 else 184) for n in range(30)
    ]


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slice have three jobs."""
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 3)
    monkeypatch.setattr(searching, "MOST_SLICE_JOBS", 3)
    monkeypatch.setattr(searching, "SLICE_SECONDS", LONG)


class BlockedSlices:
    """Counts the slices that are read, and blocks each until `go_on` is set."""

    def __init__(self) -> None:
        """Block from now on."""
        self.number = 0
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> None:
        """Be called before a slice is read."""
        self.number += 1
        self.begun.set()
        self.go_on.wait(LONG)


@pytest.fixture
def before_slices(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., object]]:
    """Give functions that are called before a slice is read, as `matching` is."""
    called: list[Callable[..., object]] = []

    def noted(*args: Any) -> Any:
        for each in called:
            each(*args)
        return matching(*args)

    monkeypatch.setattr(searching, "matching", noted)
    return called


def of_one_statement(database: Database, job_filter: JobFilter) -> list[int]:
    """Return what one statement for all jobs finds, the largest id first."""
    with database.reading() as connection:
        where = matching(job_filter, database)
        found = select(job.c.id).where(*where).order_by(job.c.id.desc())
        return list(connection.execute(found).scalars())


FILTERS = (
    *(JobFilter(search=text) for text in ("import", "ada", "error:disk", "error:trace", "output:disk")),
    *(JobFilter(search=text) for text in ("note:disk", "param:csv", "import error:disk note:disk")),
    *(JobFilter(has_errors=has_errors) for has_errors in (True, False)),
    *(JobFilter(longer_than=seconds) for seconds in (0, 59, 60)),
    JobFilter(types=("csv",)),
    JobFilter(created=Dates(since=datetime(2026, 6, 15, 11, 59, 30, tzinfo=UTC))),
    JobFilter(search="import", has_errors=True, longer_than=59),
    JobFilter(below=9_999, has_errors=True),
)


@pytest.mark.usefixtures("small_slices")
def test_slices_find_what_one_statement_finds(
    store: Store, database: Database, searches: Searches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each state, whatever a job has of notes, durations, errors and times."""
    user = store.user("ada")
    disk, blank = "no disk", "  "
    with_set = set()
    for n, created in enumerate(
        [NOON, NOON - timedelta(seconds=60), NOON - timedelta(seconds=61)] * 12
    ):
        status = (184, 185, 183, None, 186)[n % 5]
        name, output = "import" if n % 2 else "export", None if n % 4 else disk
        job_id = store.job(name, status, created, output=output)
        if n % 7 == 0:
            store.set_job(job_id, user_id=user, completed_at=datetime(2999, 1, 1))
        if n % 3:
            duration = (None, 60, 61, -1, 2_000_000_000)[n % 5]
            message = (disk, None, blank)[n % 3]
            trace = "disk trace" if n % 11 == 0 else None
            store.execution(
                job_id, duration=duration, error_message=message, stack_trace=trace, type="csv"
            )
        if n % 6 == 1:
            store.note(job_id, (197, None)[n % 2], en=disk)
        if n % 8 == 0:
            store.property(job_id, '{"format": "csv"}', "parameters")
        if n % 13 == 0:
            with_set.add(job_id)
    database.job_sets[WITH_ERRORS] = lambda: with_set
    monkeypatch.setattr(searching, "FEW_JOBS", 9)
    for job_filter in FILTERS:
        for state in (None, *State):
            found = ended(searches, replace(job_filter, state=state))
            expected = of_one_statement(database, replace(job_filter, state=state))
            assert (found.ids, found.has_all_ids) == (tuple(expected[:9]), len(expected) <= 9), (
                job_filter
            )
        in_state = [len(of_one_statement(database, replace(job_filter, state=s))) for s in State]
        active, completed, failed, _ = in_state
        assert found.counts == Counts(sum(in_state), active, completed, failed), job_filter
        assert (found.floor, found.looked_at) == (None, None)


def test_longer_jobs_are_those_that_their_durations_say(
    store: Store, database: Database, searches: Searches
) -> None:
    """The filter leaves jobs out before it computes their durations, and loses none by that."""
    recorded = (None, 0, 60, 61, -1, 2_000_000_000, "no execution")
    completed = (None, NOON, datetime(2999, 1, 1))
    created = (NOON, NOON - timedelta(seconds=61), NOON + timedelta(seconds=1), datetime(1970, 1, 1))
    for n, (seconds, end, begin) in enumerate(
        (seconds, end, begin) for seconds in recorded for end in completed for begin in created
    ):
        job_id = store.job(f"{n}", created=begin, completed_at=end)
        if seconds != "no execution":
            store.execution(job_id, duration=seconds)
    source = job.outerjoin(object_, object_.c.id == job.c.id)
    source = source.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
    took = seconds_taken(
        *(object_.c.created_at, job.c.completed_at, job_execution.c.duration),
        *(database.timezone, datetime.now(UTC)),
    )
    with database.reading() as connection:
        longer = select(job.c.id).select_from(source).where(took > 60).order_by(job.c.id.desc())
        expected = tuple(connection.execute(longer).scalars())
    assert 0 < len(expected) < n
    assert ended(searches, JobFilter(longer_than=60)).ids == expected


@pytest.mark.usefixtures("small_slices")
def test_active_jobs_are_found_in_one_slice(
    store: Store,
    database: Database,
    searches: Searches,
    ids: list[int],
    before_slices: list[Callable[..., object]],
) -> None:
    """There are few, and the oldest are those that are stuck."""
    store.set_job(ids[1], status_id=183, completed_at=None)
    database.job_sets[Alive.SILENT] = lambda: ids[:2]
    slices = count()
    before_slices.append(lambda *_: next(slices))
    found = searches.latest(JobFilter(alive=Alive.SILENT), 10, LONG)
    assert (found.ids, found.is_done, next(slices)) == ((ids[1],), True, 1)


def test_where_there_is_no_job_a_search_ends(searches: Searches) -> None:
    """An empty table has no ids to begin with."""
    assert searches.latest(IMPORTS, 10, LONG) == SearchResult(Counts(0, 0, 0, 0), ids=())


@pytest.mark.usefixtures("small_slices")
def test_a_search_returns_with_its_first_hits(
    searches: Searches, ids: list[int], before_slices: list[Callable[..., object]]
) -> None:
    """It says how far it is, goes on in the background, and ends with all hits."""
    turns, more = count(), threading.Event()
    before_slices.append(lambda *_: next(turns) and more.wait(LONG))
    first = searches.latest(IMPORTS, 1, LONG)
    assert (first.ids, first.floor, first.looked_at) == ((ids[27],), ids[27], 3)
    assert (first.is_done, first.has_all_ids, first.counts.total) == (False, True, 1)
    more.set()
    whole = ended(searches, IMPORTS)
    assert (whole.ids, whole.floor, whole.looked_at) == (tuple(ids[::3][::-1]), None, None)
    assert whole.counts == Counts(total=10, active=0, completed=5, failed=5)


@pytest.mark.usefixtures("small_slices")
def test_a_search_that_ends_at_its_limit_goes_on_below(
    searches: Searches, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them together find each job once, and each says how many jobs it covered."""
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 1e-9)
    below: int | None = None
    found: list[int] = []
    covered = []
    while True:
        result = ended(searches, replace(IMPORTS, below=below))
        found += result.ids or ()
        covered.append(result.looked_at)
        if result.floor is None:
            break
        below = result.floor
    assert found == ids[::3][::-1]
    assert covered == [3] * 9 + [None]


@pytest.mark.usefixtures("small_slices", "ids")
def test_sessions_share_a_search(
    searches: Searches, before_slices: list[Callable[..., object]]
) -> None:
    """Whatever state they ask for, each slice is read once."""
    slices = []
    before_slices.append(lambda _, __, ___, within: slices.append(within))
    threads = [
        threading.Thread(target=ended, args=(searches, replace(IMPORTS, state=state)))
        for state in (None, State.FAILED, State.COMPLETED, None)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(slices) == len(set(slices)) == 10


@pytest.mark.usefixtures("small_slices", "ids")
def test_twenty_searches_take_turns(
    searches: Searches, before_slices: list[Callable[..., object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two slices of one search, each other one has a slice; a new one is the next."""
    monkeypatch.setattr(searching, "THREADS", 1)
    monkeypatch.setattr(searching, "HEAD_START_SECONDS", 0)
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 10)
    monkeypatch.setattr(searching, "MOST_SLICE_JOBS", 10)
    turns: list[str] = []
    all_wait = threading.Event()

    def note(job_filter: JobFilter, *_: Any) -> None:
        all_wait.wait(LONG)
        turns.append(job_filter.search)
        if len(turns) == 30:
            searches.latest(JobFilter(search="new"), 1, 0)

    before_slices.append(note)
    asked = [JobFilter(search=f"word {n}") for n in range(20)]
    for job_filter in asked:
        assert not searches.latest(job_filter, 1, 0).is_done
    all_wait.set()
    for job_filter in asked:
        ended(searches, job_filter)
    ended(searches, JobFilter(search="new"))
    assert turns[30] == "new"
    old = [turn for turn in turns if turn != "new"]
    assert len(old) == 20 * 3
    assert old == old[:20] * 3


@pytest.mark.usefixtures("ids")
def test_a_slice_has_as_many_jobs_as_can_be_read_in_time(
    searches: Searches,
    ids: list[int],
    before_slices: list[Callable[..., object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More after a fast slice, fewer after a slow one, and fewer at once if one cannot be read."""
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 4)
    lows: list[int] = []

    def note(_: Any, __: Any, ___: Any, within: tuple[int, int]) -> None:
        lows.append(within[0])
        if len(lows) == 1:
            monkeypatch.setattr(searching, "SLICE_SECONDS", LONG)
            raise TookTooLong("The database takes too long.")
        if len(lows) == 3:
            monkeypatch.setattr(searching, "SLICE_SECONDS", 1e-9)

    before_slices.append(note)
    assert ended(searches, IMPORTS).ids == tuple(ids[::3][::-1])
    top = ids[-1] + 1
    assert lows[:5] == [top - 4, top - 1, top - 5, top - 6, top - 7]


@pytest.mark.usefixtures("ids")
def test_a_search_that_cannot_be_read_in_time_ends(
    searches: Searches, before_slices: list[Callable[..., object]]
) -> None:
    """It has covered nothing and says so."""

    def refuse(*_: Any) -> None:
        raise TookTooLong("The database takes too long.")

    before_slices.append(refuse)
    found = ended(searches, IMPORTS)
    assert (found.looked_at, found.ids, found.floor is None) == (0, (), False)


def test_a_failure_is_raised_and_not_kept(
    searches: Searches, ids: list[int], before_slices: list[Callable[..., object]]
) -> None:
    """The next call starts a new search."""

    def fail(*_: Any) -> None:
        before_slices.clear()
        raise DatabaseUnavailable("The database does not answer.")

    before_slices.append(fail)
    with pytest.raises(DatabaseUnavailable):
        searches.latest(IMPORTS, 1, LONG)
    assert ended(searches, IMPORTS).ids == tuple(ids[::3][::-1])


@pytest.mark.usefixtures("small_slices")
def test_a_search_that_nobody_wants_stops(
    store: Store,
    searches: Searches,
    ids: list[int],
    before_slices: list[Callable[..., object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Later it begins with the newest jobs again."""
    slices = BlockedSlices()
    before_slices.append(slices)
    searches.latest(IMPORTS, 1, 0)
    assert slices.begun.wait(LONG)
    monkeypatch.setattr(searching, "WANTED_SECONDS", -LONG)
    [search] = searches._searches.values()
    search.wanted_until = 0.0  # the time has passed
    assert searches.latest(IMPORTS, 1, 0).looked_at == 0
    slices.go_on.set()
    assert not searches.latest(IMPORTS, 1, LONG).is_done
    assert slices.number == 1
    monkeypatch.setattr(searching, "WANTED_SECONDS", LONG)
    monkeypatch.setattr(searching, "FRESH_SECONDS", -1)
    new = store.job("import")
    assert ended(searches, IMPORTS).ids == (new, *ids[::3][::-1])


def test_an_ended_search_is_read_again(
    store: Store, searches: Searches, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds new jobs at once, and shows what it knew until it has ended."""
    for name, value in (("FIRST_SLICE_JOBS", 3), ("HEAD_START_SECONDS", 0), ("PAUSE_TIMES", 1e9)):
        monkeypatch.setattr(searching, name, value)
    monkeypatch.setattr(searching, "FRESH_SECONDS", -1)
    assert ended(searches, IMPORTS).counts.total == 10
    new = store.job("import")
    store.set_job(ids[0], name="export")
    found = searches.latest(IMPORTS, 1, LONG)
    assert (found.is_done, found.counts.total, found.ids) == (True, 11, (new, *ids[::3][::-1]))
    searches._searches[IMPORTS]._pause_ends = 0
    assert ended(searches, IMPORTS).ids == (new, *ids[3::3][::-1])


def test_no_hit_is_left_out_between_others(
    store: Store, searches: Searches, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if those that were newest are gone, and only their slice has been read again."""
    for name, value in (("FIRST_SLICE_JOBS", 12), ("FEW_JOBS", 2), ("PAUSE_TIMES", 1e9)):
        monkeypatch.setattr(searching, name, value)
    monkeypatch.setattr(searching, "HEAD_START_SECONDS", 0)
    monkeypatch.setattr(searching, "FRESH_SECONDS", -1)
    store.set_job(ids[18], name="export")
    assert ended(searches, IMPORTS).ids == (ids[27], ids[24])
    for gone in (ids[27], ids[21]):
        store.set_job(gone, name="export")
    found = searches.latest(IMPORTS, 1, LONG)
    assert (found.ids, found.has_all_ids, found.counts.total) == ((ids[24],), False, 7)


def test_a_change_of_ours_shows_at_once(
    store: Store, database: Database, searches: Searches, ids: list[int]
) -> None:
    """Nothing that is older is shown."""
    assert ended(searches, IMPORTS).counts.total == 10
    with store.engine.begin() as connection:
        connection.execute(delete(job).where(job.c.id == ids[0]))
    assert ended(searches, IMPORTS).counts.total == 10
    database.changed()
    assert ended(searches, IMPORTS).counts.total == 9


def test_few_searches_are_kept(searches: Searches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were last asked for."""
    monkeypatch.setattr(searching, "MOST_SEARCHES", 3)
    for n in range(5):
        ended(searches, JobFilter(search=str(n)))
    assert [kept.search for kept in searches._searches] == ["2", "3", "4"]
    for n in range(5, 10):  # a program's pages
        searches.latest(JobFilter(search=str(n)), 1, LONG, goes_on=False)
    assert [kept.search for kept in searches._searches] == ["2", "3", "4", "7", "8", "9"]


@pytest.mark.usefixtures("small_slices", "ids")
def test_a_program_that_asks_for_a_search_does_not_end_it_for_a_screen(
    searches: Searches, before_slices: list[Callable[..., object]]
) -> None:
    slices = BlockedSlices()
    before_slices.append(slices)
    searches.latest(IMPORTS, 1, 0)
    assert slices.begun.wait(LONG)
    searches.latest(IMPORTS, 1, 0, goes_on=False)
    slices.go_on.set()
    eventually(lambda: slices.number == 10, "all slices are read")


@pytest.mark.usefixtures("small_slices")
def test_closing_ends_the_slice_that_is_read_and_no_other_follows(
    searches: Searches, ids: list[int], before_slices: list[Callable[..., object]]
) -> None:
    """A later call starts a new search."""
    slices = BlockedSlices()
    before_slices.append(slices)
    searches.latest(IMPORTS, 1, 0)
    assert slices.begun.wait(LONG)
    closing_ = threading.Thread(target=searches.close)
    closing_.start()
    slices.go_on.set()
    closing_.join(LONG)
    assert not any(thread.name.startswith("search") for thread in threading.enumerate())
    assert slices.number <= 2
    assert ended(searches, IMPORTS).ids == tuple(ids[::3][::-1])
