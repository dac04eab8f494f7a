"""How the list shows how a job really ended, what it did, and whether it is alive."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import shared_counts
from jobs_data.jobs.liveness import Liveness, SharedLiveness
from jobs_data.jobs.outcomes import Coverage, Outcomes
from jobs_data.jobs.view_url import parse_view, view_params
from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.jobs import late
from pages.parts.jobs import table as table_of_jobs
from tests.support.pages import (
    component,
    fire,
    introduce,
    names,
    pick_status,
    press,
    rows,
    show,
    table,
    words,
)
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "viewer")


@pytest.fixture(autouse=True)
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count again after half a second: in these tests the background finds errors one after another."""
    monkeypatch.setattr(shared_counts, "SHARED_SECONDS", 0.5)


def now() -> datetime:
    """Return the present time, which may be long after the tests were collected."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


IMPORT = (
    "Importing accessions.csv\n{errors}Import finished with {n} error(s). 120 record(s) imported.\n"
)


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Introduce an administrator, and let no test see what another one has read."""
    introduce(monkeypatch, Right.ADMINISTRATOR)
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def with_errors(store: Store, name: str = "import", number: int = 2) -> int:
    """Insert a completed job with errors in its output."""
    lines = "".join(f"ERROR: Row {row}: no title\n" for row in range(number))
    return store.job(name, 184, output=IMPORT.format(errors=lines, n=number))


def active(store: Store, name: str, wrote: timedelta | None) -> int:
    """Insert a job that began six hours ago, and wrote some time ago, or nothing at all."""
    at = None if wrote is None else now() - wrote
    line = f'[info] [{at:%Y-%m-%d %H:%M:%S}] Job 1 "{name}": at work\n' if at else None
    return store.job(name, 183, now() - timedelta(hours=6), output=line)


def usually_a_minute(store: Store, name: str) -> None:
    """Let a name have finished runs of about a minute."""
    for run in range(8):
        begin = now() - timedelta(days=1, minutes=run)
        store.job(name, 184, begin, completed_at=begin + timedelta(seconds=60 + run))


def quick(app: AppTest) -> list[str]:
    """Return the quick filters."""
    found = [group for group in app.button_group if group.key == "quick"]
    return [option.content.split("] ")[-1] for group in found for option in group.proto.options]


def pick(app: AppTest, choice: str | None) -> None:
    """Press a quick filter; None presses the one in force."""
    app.button_group(key="quick").set_value(choice).run()
    assert not app.exception


def facts(app: AppTest) -> list[str]:
    """Return what stands beside the counts."""
    return [card["fact"] for card in component(app, "status")["cards"]]


def query(app: AppTest) -> dict[str, str | list[str]]:
    """Return the query that the address means."""
    params = {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in app.query_params.items()
    }
    return view_params(parse_view(params))


def test_a_completed_job_says_how_many_errors_it_has(store: Store) -> None:
    """On its row, beside the count and in a filter, which a second press removes; it is Completed."""
    with_errors(store)
    store.job("export", output="[info] 0 errors, error.csv written\n")
    store.job("warned", output='[warning] [2026-11-25 09:14:02] Job 7 "warned": no dates\n')
    app = show()
    assert [row["status"] for row in rows(app)] == ["Completed", "Completed", "Completed · 2 errors"]
    assert component(app)["rows"][0]["cells"]["status"]["title"] == "1 warning in its output"
    while not quick(app):  # until the background has read it
        app.run()
    assert facts(app)[2] == "1 with errors"
    assert quick(app) == ["With errors 1"]
    pick(app, "errors")
    assert query(app) == {"status": "completed", "errors": "with"}
    assert names(app) == ["import"]
    assert component(app)["rows"][0]["actions"] == ["delete"]
    fire(app, "pressed", {"row": component(app)["rows"][0]["id"], "action": "delete"})
    assert "Completed · 2 errors" in words(app)
    press(app, "Cancel")
    pick(app, None)
    assert query(app) == {}
    assert len(names(app)) == 3


def test_below_a_name_stands_what_says_most(store: Store) -> None:
    """What a search found, else why it failed, else what it did: one line, all of it in tooltips."""
    with_errors(store)
    store.note(store.job("export", 185), en="The disk is full")
    store.note(store.job("clipboard"), None, en="Exporting 1,204 descriptions")
    found = {row["name"].split(" / ")[0]: row["name"] for row in table(show(), "Jobs")}
    assert found["import"] == "import / 120 records imported"
    assert found["export"] == "export / The disk is full"
    assert found["clipboard"] == "clipboard / Exporting 1,204 descriptions"
    [row] = table(show(q="output:title"), "Jobs")
    assert "no title" in row["name"]


def test_active_jobs_say_whether_they_are_alive(store: Store) -> None:
    """By a word on the row and what shows it; a press filters, until another status is chosen."""
    usually_a_minute(store, "import")
    active(store, "import", timedelta(hours=5))
    active(store, "import", timedelta(seconds=30))
    active(store, "import", None)
    active(store, "rare", timedelta(seconds=30))
    app = show(status="active", sort="date", fold="off")
    states = {row["status"] for row in rows(app)}
    assert states == {"Silent", "Overdue", "Never started", "Cannot tell"}
    [silent] = [row for row in table(app, "Jobs") if row["status"] == "Silent"]
    assert "import / last wrote 5 h" in silent["name"]
    assert "ago · usually 1 min" in silent["name"]
    assert facts(app)[1] == "1 silent"
    assert quick(app) == ["Silent 1", "Never started 1", "Overdue 1"]
    pick(app, "silent")
    assert query(app).items() >= {"status": "active", "alive": "silent"}.items()
    assert [row["status"] for row in rows(app)] == ["Silent"]
    pick_status(app, "completed")
    assert "alive" not in query(app)
    assert "import" in names(app)


def test_rows_do_not_wait_for_what_active_jobs_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is drawn again once it is known; where it cannot be read the rows stay as they are."""
    usually_a_minute(store, "import")
    active(store, "import", timedelta(hours=5))
    read, show_table, is_drawn, is_away = (
        SharedLiveness.read,
        table_of_jobs.show_table,
        Event(),
        Event(),
    )

    def slow(self: SharedLiveness) -> Liveness:
        assert is_drawn.wait(30)
        if is_away.is_set():
            raise DatabaseUnavailable("away")
        return read(self)

    def drawn(*arguments: Any) -> None:
        show_table(*arguments)
        is_drawn.set()

    monkeypatch.setattr(SharedLiveness, "read", slow)
    monkeypatch.setattr(table_of_jobs, "show_table", drawn)
    app = show(status="active")
    assert [row["status"] for row in rows(app)] == ["Silent"]
    app.session_state["page_state"].clear()
    is_drawn.clear()
    is_away.set()
    monkeypatch.setattr(SharedLiveness, "last", None)
    app.run()
    assert [row["status"] for row in rows(app)] == ["Running"]


def test_what_is_known_stays_while_it_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the counts and in the quick filters, as on the rows."""
    usually_a_minute(store, "import")
    active(store, "import", timedelta(hours=5))
    assert facts(show(status="active"))[1] == "1 silent"
    may_read = Event()
    monkeypatch.setattr(SharedLiveness, "read", lambda _: may_read.wait(30))
    monkeypatch.setattr(late, "WAIT_SECONDS", 0.0)
    try:
        app = show(status="completed")
        assert facts(app)[1] == "1 silent"
        assert quick(app) == ["Silent 1"]
    finally:
        may_read.set()


def test_a_group_says_how_many_of_its_jobs_are_silent(store: Store) -> None:
    """Completed ones with errors have a row of their own, as failed ones have."""
    usually_a_minute(store, "index")
    for hours in (5, 4, 0):
        active(store, "index", timedelta(hours=hours, seconds=1))
    app = show(status="active", fold="on")
    assert names(app) == ["3 × index"]
    assert rows(app)[0]["status"] == "2 silent"
    for _ in range(3):
        store.job("export")
    with_errors(store, "export")
    for _ in range(3):
        store.job("export")
    app = show(status="completed", fold="on")
    while "With errors 1" not in quick(app):  # until the background has read it
        app.run()
    while names(app) == ["8 × index", "7 × export"]:  # until the page is read again
        press(app, "Refresh")
    assert names(app) == ["8 × index", "3 × export", "export", "3 × export"]


def test_the_list_says_how_far_errors_have_been_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where it matters."""
    with_errors(store)
    monkeypatch.setattr(Outcomes, "coverage", property(lambda _: Coverage(4711, 3)))
    assert "down to" not in words(show())
    assert "down to job 4711, of 3 jobs" in words(show(errors="with"))
    monkeypatch.setattr(Outcomes, "coverage", property(lambda _: Coverage(0, 3, is_done=True)))
    assert "down to" not in words(show(errors="with"))


def test_an_empty_list_says_what_was_looked_for(store: Store) -> None:
    """What makes a job silent, and that errors are found in finished jobs."""
    store.job("import", 183)
    text = words(show(status="active", alive="waiting"))
    assert "it waits for another job to finish" in text
    assert "when it has finished" in words(show(status="active", errors="with"))


def test_a_job_that_has_just_finished_is_not_alive(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the active jobs do may have been read before the row."""
    usually_a_minute(store, "import")
    job_id = active(store, "import", timedelta(hours=5))
    before = SharedLiveness(store.database()).read()
    store.set_job(job_id, status_id=184, completed_at=now(), output="ERROR: no title\n")
    monkeypatch.setattr(SharedLiveness, "read", lambda _: before)
    assert rows(show())[0]["status"] == "Completed · 1 error"
