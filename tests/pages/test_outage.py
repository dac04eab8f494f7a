"""What the pages show while the database does not answer: what was read last, its age, and a way on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.shared import reads, refresh
from pages.parts.shared.services import get_services
from tests.support.pages import cards, log, names, pick_in_menu, press, rows, show, table, words
from tests.support.queue_rows import queued
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("administrator")

AGE = re.compile(r"As of \d\d:\d\d:\d\d \(UTC\)\. .*cannot be opened", re.DOTALL)


@contextmanager
def away(store: Store) -> Iterator[None]:
    """Let the database be away: its file has another name."""
    path = Path(str(store.engine.url.database))
    hidden = path.with_suffix(".hidden")
    get_services().database.close()
    path.rename(hidden)
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        hidden.rename(path)


def has_timer(app: AppTest) -> bool:
    """Return whether the page runs again by itself."""
    return any("autorefresh" in str(each.proto) for each in app.get("component_instance"))


@pytest.fixture(autouse=True)
def nothing_shared(served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run of a page read for itself."""
    monkeypatch.setenv("HERATIO_JOBS_LIST_SECONDS", "0")
    reads.forget()


def test_the_list_stays_while_the_database_is_away(served: Store) -> None:
    """With its age and the timer; what would change something says why it cannot; then all is back."""
    served.job("arThere", 184)
    app = show(auto="true")
    assert not app.warning
    with away(served):
        for _ in range(2):
            app.run()
            assert not app.exception
            assert not app.error
            assert names(app) == ["arThere"]
            assert cards(app)[0] == "1"
            assert AGE.search(words(app))
            assert "again every 15 seconds" in words(app)
            assert has_timer(app)
        press(app, "Refresh")
        assert names(app) == ["arThere"]
        pick_in_menu(app, "Delete all finished…")
        assert "cannot be opened" in app.error[0].value
        press(app, "Close")
    served.job("arBack", 184)
    app.run()
    assert names(app) == ["arBack", "arThere"]
    assert not app.warning


@pytest.mark.parametrize(
    ("runs", "is_leaving"), [(["timer"], False), (["timer"], True), (["timer", "list"], False)]
)
def test_where_the_timer_finds_the_database_away_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch, runs: list[str], is_leaving: bool
) -> None:
    """Its callback has no place for it, so the list runs again, but not beside a press or a link."""
    looked, reran = list[str](), list[str]()

    def look() -> datetime:
        looked.append("looked")
        raise DatabaseUnavailable("away")

    in_fragment = SimpleNamespace(fragment_ids_this_run=runs)
    monkeypatch.setattr(refresh, "get_script_run_ctx", lambda: in_fragment)
    monkeypatch.setattr(refresh, "is_leaving", lambda: is_leaving)
    monkeypatch.setattr(st, "rerun", reran.append)
    refresh._Watch(datetime.now(UTC), look, "list").fired()
    assert (looked, reran) == (
        (["looked"], ["list"]) if runs == ["timer"] and not is_leaving else ([], [])
    )


def test_without_a_list_the_page_tries_again_by_itself(served: Store) -> None:
    """Of another filter nothing was read: the error is shown, and goes when the database is back."""
    served.job("arThere", 184)
    app = show(auto="true")
    with away(served):
        app.query_params["status"] = "failed"
        app.run()
        assert "cannot be opened" in app.error[0].value
        assert names(app) == []
        assert has_timer(app)
        assert "Tries again every 15 seconds." in words(app)
    app.run()
    assert not app.error
    assert "Found no failed jobs" in words(app)
    assert app.query_params["auto"] == "true"


def test_the_first_page_of_a_session_tries_again_by_itself(served: Store) -> None:
    """Without auto refresh, too."""
    served.job("arThere", 184)
    with away(served):
        app = show()
        assert "cannot be opened" in app.error[0].value
        assert has_timer(app)
    press(app, "Try again")
    assert names(app) == ["arThere"]


def test_a_report_of_a_job_stays(served: Store) -> None:
    """With its age, and without the ways to the jobs beside it."""
    job_id = served.job("arThere", 183, output="a line")
    app = show("job.py", id=str(job_id), auto="true")
    with away(served):
        app.run()
        assert not app.exception
        assert not app.error
        assert log(app) == ["a line"]
        assert AGE.search(words(app))
        assert has_timer(app)
    served.set_status(job_id, 184)
    app.run()
    assert not app.warning


def test_the_queues_stay(served: Store) -> None:
    """Each part says its age by itself."""
    queued(served, queue="default", job_type="arQueued")
    app = show("queues.py", auto="true")
    before = rows(app, "queue_jobs")
    assert before
    with away(served):
        reads.forget()
        app.run()
        assert not app.exception
        assert rows(app, "queue_jobs") == before
        assert AGE.search(words(app))
        assert has_timer(app)


def test_the_panels_of_the_statistics_stay(served: Store) -> None:
    """The numbers are those that were read last, and their age stands above them once."""
    served.job("arThere", 184)
    app = show("job_statistics.py", auto="true", period="all")
    before = table(app, "By name")
    assert before
    with away(served):
        st.cache_data.clear()
        app.run()
        assert not app.exception
        assert table(app, "By name") == before
        assert words(app).count("As of ") == 1
        assert has_timer(app)


@pytest.mark.parametrize("page", ["queues.py", "job_statistics.py"])
def test_a_page_of_parts_tries_again_by_itself(served: Store, page: str) -> None:
    """Without auto refresh, too, as long as a part of it was never read; then it stops."""
    queued(served, queue="default", job_type="arQueued")
    served.job("arThere", 184)
    show()  # the tables that there are have been looked for
    st.cache_data.clear()
    with away(served):
        app = show(page)
        assert not app.exception
        assert "cannot be opened" in words(app)
        assert has_timer(app)
    st.cache_data.clear()
    app.run()
    assert "cannot be opened" not in words(app)
    assert not has_timer(app)
