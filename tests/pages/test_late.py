"""The list before its counts are known, and while its search goes on."""

from collections.abc import Iterator
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import paging, shared_counts, shared_list
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.list_page import JobsList, Overview
from jobs_data.jobs.searching import Searches, SearchResult
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform.errors import TookTooLong
from pages.parts.jobs import filter_bar, late
from pages.parts.shared.services import get_services
from tests.support.pages import cards, introduce, names, press, show, tick, until, words
from tests.support.store import CAUSE, Store

pytestmark = pytest.mark.usefixtures("served", "viewer")

PATIENCE = 30.0


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Introduce an administrator, who does not wait for what is late."""
    introduce(monkeypatch, Right.ADMINISTRATOR)
    monkeypatch.setattr(late, "WAIT_SECONDS", 0.0)


@pytest.fixture
def may_count(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let counting wait for an event."""
    count, may_count = SharedList._count, Event()

    def waiting(self: SharedList) -> Overview:
        assert may_count.wait(PATIENCE)
        return count(self)

    monkeypatch.setattr(SharedList, "_count", waiting)
    yield may_count
    may_count.set()


def pages_of(app: AppTest) -> list[int]:
    """Return how many pages the pager offers."""
    return [pager.proto.num_pages for pager in app.get("pagination")]


def test_the_page_does_not_wait_for_its_counts(store: Store, may_count: Event) -> None:
    """Its rows, the next page and the menus work; the cards have no numbers until they are known."""
    for _ in range(12):
        store.job("import")
    app = show()
    assert len(names(app)) == 10
    assert cards(app) == ["–"] * 4
    assert pages_of(app) == [2]
    assert "being counted" in words(app)
    [menu] = app.get("menu_button")
    assert list(menu.proto.options) == ["Clean up…", "Delete all finished…"]
    assert len(app.get("link_button")) == 1  # the export
    assert len(names(show(page="2"))) == 2
    assert "Nothing found yet. The jobs are still being counted." in words(show(status="failed"))
    may_count.set()
    while cards(app) != ["12", "0", "12", "0"]:
        app.run()
    assert "being counted" not in words(app)
    assert "Found no failed jobs among 12 jobs." in words(show(status="failed"))


def test_counts_from_before_a_change_of_ours_are_drawn_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where counting takes longer than a run waits for it."""
    monkeypatch.setattr(shared_list, "CHANGE_SECONDS", 0.0)
    monkeypatch.setattr(late, "WAIT_SECONDS", PATIENCE)
    gone = store.job("import")
    store.job("import")
    app = show()
    assert cards(app)[0] == "2"
    get_services().removals.remove_jobs([gone], CAUSE)
    app.run()
    assert cards(app)[0] == "1"


def test_counts_that_are_not_of_now_say_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside their number, and only when they are old."""
    store.job()
    app = show()
    while "1 job" not in words(app).splitlines():
        app.run()
    monkeypatch.setattr(filter_bar, "OLD_SECONDS", 0)
    assert "1 job · counted " in words(show())


def test_a_search_says_how_far_it_got(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what it has found so far, and says that nothing was found only when it has ended."""
    older, newer = store.job("import"), store.job("import")
    found: dict[str, SearchResult] = {}
    monkeypatch.setattr(Searches, "latest", lambda _self, asked, *_: found[asked.search])

    def result(*ids: int, is_done: bool, looked_at: int | None) -> SearchResult:
        counts = Counts(total=len(ids), active=0, completed=len(ids), failed=0)
        floor = None if looked_at is None else newer
        return SearchResult(counts, floor, looked_at, ids, is_done)

    found["import"] = result(is_done=False, looked_at=0)
    app = show(q="import")
    until(app, "Searched the newest 0 of 2 jobs · 0 found so far")
    assert "Nothing found yet. The search goes on." in words(app)
    found["import"] = result(newer, is_done=False, looked_at=1)
    until(app, "Searched the newest 1 of 2 jobs · 1 found so far")
    assert names(app) == ["import"]
    assert cards(app) == ["1+", "0+", "1+", "0+"]
    assert "1–1 of those found so far" in words(app)
    assert "was stopped" not in words(app)
    found["import"] = result(newer, is_done=True, looked_at=1)
    until(app, "1 of 1 searched match")
    assert "was stopped" in words(app)
    found["import"] = result(newer, older, is_done=True, looked_at=None)
    press(app, "Search older jobs")
    assert "below" in app.query_params
    assert names(app) == ["import", "import"]
    assert "2 of 2 match" in words(app)


def test_a_bounded_sort_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what narrows it."""
    for name in ("a", "b", "c"):
        store.job(name)
    assert "sorted among" not in words(show(sort="name", dir="asc"))
    monkeypatch.setattr(paging, "MOST_SORTED", 2)
    app = show(sort="name", dir="asc", status="completed")
    assert names(app) == ["b", "c"]
    assert "3 of 3 match · sorted among the newest 2" in words(app)
    assert "Filter by date to sort fewer" in words(app)
    assert "1–2 of 2 jobs sorted" in words(app)


def test_the_pager_of_a_bounded_sort_offers_the_pages_that_exist(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer jobs match among those that were sorted than were sorted, and than match."""
    for status_id in (185, 185, 185, 184):
        store.job("import", status_id)
    monkeypatch.setattr(paging, "MOST_SORTED", 2)
    app = show(sort="name", status="failed", limit="1")
    assert "1–1 of 1 job sorted" in words(app)
    assert pages_of(app) in ([], [1])


def test_a_sort_that_takes_too_long_offers_one_that_does_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one by Created, whose pages are found without sorting."""
    store.job("import")
    read = SharedList.read

    def slow(self: SharedList, view: ListView, max_age: float | None = None) -> JobsList:
        if view.sort is Sort.OWNER:
            raise TookTooLong("It took too long.")
        return read(self, view, max_age)

    monkeypatch.setattr(SharedList, "read", slow)
    app = show(sort="owner")
    assert "It took too long." in words(app)
    press(app, "Sort by Created")
    assert names(app) == ["import"]


def test_counts_come_beside_a_selection_too(
    store: Store, may_count: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there were none when it was made."""
    store.job("import")
    app = show()
    monkeypatch.setattr(late, "WAIT_SECONDS", PATIENCE)
    monkeypatch.setattr(late, "sleep", lambda _: may_count.set())
    app.session_state["page_state"].clear()
    tick(app, "import")
    assert "1 selected" in words(app)
    assert cards(app)[0] == "1"


def test_refresh_counts_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though counting takes so long that it rests for long."""
    monkeypatch.setattr(shared_counts, "REST_TIMES", 1_000_000)
    for seconds in ("QUICK_SECONDS", "CHANGE_SECONDS", "FRESH_SECONDS"):
        monkeypatch.setattr(shared_list, seconds, 0)
    store.job("import")
    app = show()
    while cards(app)[0] != "1":
        app.run()
    store.job("export")
    app.run()
    assert cards(app)[0] == "1"
    monkeypatch.setattr(late, "WAIT_SECONDS", PATIENCE)
    press(app, "Refresh")
    assert cards(app)[0] == "2"
