"""A search counts from the newest numbers down, and says how far it got when its time is over."""

from dataclasses import replace

import pytest

from jobs_data.jobs import list_page, searching
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.status import State
from tests.support.store import Store

IMPORTS = ListView(JobFilter(search="import"), limit=5)


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Make thirty jobs, of which each third is an import and each sixth one that failed."""
    return [
        store.job("import" if n % 3 == 0 else "export", 185 if n % 6 == 0 else 184) for n in range(30)
    ]


def read(store: Store, view: ListView) -> JobsList:
    """Return a page of the list."""
    return list_page.read_list(store.database(), view)


def test_the_cards_count_what_is_searched_for_in_any_state(store: Store, ids: list[int]) -> None:
    """The state narrows the list alone, so that the cards tell what the other states hold."""
    jobs = read(store, replace(IMPORTS, filter=replace(IMPORTS.filter, state=State.FAILED)))
    assert jobs.counts == Counts(total=10, active=0, completed=5, failed=5)
    assert (jobs.matching, jobs.everything.total, jobs.looked_at) == (5, 30, None)
    assert jobs.rows["id"].tolist() == ids[::6][::-1]


def test_small_slices_find_the_same(
    store: Store, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No job is counted twice, or not at all, where one slice ends and the next begins."""
    monkeypatch.setattr(searching, "FIRST_SLICE_IDS", 3)
    monkeypatch.setattr(searching, "MOST_SLICE_IDS", 1)
    jobs = read(store, replace(IMPORTS, page=2))
    assert (jobs.matching, jobs.looked_at) == (10, None)
    assert jobs.rows["id"].tolist() == ids[::3][::-1][5:]


def test_a_search_whose_time_is_over_says_how_far_it_got(
    store: Store, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list then has, and counts, what is among the newest numbers alone."""
    monkeypatch.setattr(searching, "FIRST_SLICE_IDS", 6)
    monkeypatch.setattr(searching, "MOST_SLICE_IDS", 1)
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 1e-9)
    jobs = read(store, replace(IMPORTS, limit=50))
    assert jobs.looked_at == 6
    assert jobs.rows["id"].tolist() == [i for i in ids[::3][::-1] if i >= ids[-6]]
    assert jobs.matching == len(jobs.rows)


def test_where_there_is_no_job_a_search_ends(store: Store) -> None:
    """An empty table has no numbers to begin with."""
    jobs = read(store, IMPORTS)
    assert (jobs.matching, jobs.looked_at) == (0, None)


def test_many_jobs_found_are_counted_where_few_are_remembered(
    store: Store, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a search keeps the ids that it finds or not, it counts and shows the same."""
    monkeypatch.setattr(searching, "FIRST_SLICE_IDS", 7)
    monkeypatch.setattr(searching, "MOST_SLICE_IDS", 1)
    shown = []
    for few in (1, 3, 10, 100):
        monkeypatch.setattr(searching, "FEW_JOBS", few)
        jobs = read(store, replace(IMPORTS, page=2))
        shown.append((jobs.counts, jobs.rows["id"].tolist()))
    assert shown == [(Counts(total=10, active=0, completed=5, failed=5), ids[::3][::-1][5:])] * 4


def test_a_search_goes_on_below_the_job_at_which_another_one_was_stopped(
    store: Store, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them together find each job once, page by page, and read no newer job again."""
    monkeypatch.setattr(searching, "FIRST_SLICE_IDS", 6)
    monkeypatch.setattr(searching, "MOST_SLICE_IDS", 1)
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 1e-9)
    below: int | None = None
    found: list[int] = []
    looked_at = []
    for _ in range(5):
        asked = replace(IMPORTS, limit=3, filter=replace(IMPORTS.filter, below=below))
        jobs = read(store, asked)
        of_this = [
            i for n in range(jobs.pages) for i in read(store, replace(asked, page=n + 1)).rows["id"]
        ]
        assert len(of_this) == jobs.matching == jobs.counts.total
        found += of_this
        looked_at.append(jobs.looked_at)
        if jobs.floor is None:
            break
        below = jobs.floor
    assert found == ids[::3][::-1]
    assert looked_at == [6, 6, 6, 6, None]
