"""Search, filters, chips and order of the list, run as Streamlit runs them but without a browser."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import counts
from jobs_data.jobs.view import Dates
from jobs_data.jobs.view_url import parse_view
from tests.support.pages import cards, introduce, names, press, show, words
from tests.support.store import NOON, Store

pytestmark = pytest.mark.usefixtures("served", "viewer")


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Introduce a reader, and let no test see what another one has read."""
    introduce(monkeypatch, Right.READER)
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def chips(app: AppTest) -> list[str]:
    """Return the labels of the chips, as Markdown."""
    return [button.label.removesuffix(" ✕") for button in app.button if button.label.endswith(" ✕")]


def query_of(app: AppTest) -> dict[str, list[str]]:
    """Return the query of the page's address."""
    return {
        name: [value] if isinstance(value, str) else list(value)
        for name, value in app.query_params.items()
    }


def find(app: AppTest, text: str) -> None:
    """Type a text into the search box."""
    app.text_input[0].set_value(text).run()
    assert not app.exception


def open_form(app: AppTest) -> None:
    """Open the filters."""
    app.session_state["filters_open"] = True
    app.run()
    assert not app.exception


def test_a_text_is_looked_for_and_the_cards_say_so(store: Store) -> None:
    """Its chip takes it away again, and nothing else of the address."""
    ada = store.user("ada")
    store.job("by ada", user_id=ada)
    store.job("for 50% of ada")
    store.job("500 failed for ada", 185)
    store.job("other")
    app = show(sort="name", limit="50")
    assert "The cards count" not in words(app)
    find(app, " ada ")
    assert names(app) == ["500 failed for ada", "by ada", "for 50% of ada"]
    assert cards(app) == ["3", "0", "2", "1"]
    assert "The cards count what the search and the filters find: 3 of 4 jobs." in words(app)
    find(app, "50%")
    assert names(app) == ["for 50% of ada"]
    assert chips(app) == ["Text: 50%"]
    press(app, "Text: 50% ✕")
    assert names(app)[0] == "500 failed for ada"
    assert query_of(app) == {"sort": ["name"], "limit": ["50"]}


def test_a_number_leads_to_its_report_and_back(store: Store) -> None:
    """The list is then as it was; a number that no job has is a text like any other."""
    job_id, nobody = store.job("wanted"), 1_000_000
    store.job(f"import {nobody}")
    app = show(status="completed", sort="name")
    find(app, f"https://archive.example/admin/jobs/job?q=x&id={job_id}")
    assert "wanted" in "".join(str(part.proto) for part in app.get("html"))
    press(app, "Back to jobs")
    assert sorted(names(app)) == sorted(["wanted", f"import {nobody}"])
    assert parse_view(query_of(app)) == parse_view({"status": "completed", "sort": "name"})
    find(app, str(nobody))
    assert names(app) == [f"import {nobody}"]


def test_chips_show_what_is_in_force_and_go_one_by_one(store: Store) -> None:
    """Strangers' words are shown as they are, and a reset leaves the order alone."""
    ada = store.user("ada", en="*Ada* [x](http://e.org)")
    store.job("a", 186, user_id=ada)
    query = {"status": "other", "owner": str(ada), "name": "a", "longer": "0s", "dir": "asc"}
    app = show(**query)
    assert names(app) == ["a"]
    assert chips(app) == [
        "State: unknown",
        "Owner: \\*Ada\\* \\[x\\](http:\u2060//e.org)",
        "Name: a",
    ]
    assert app.button_group[0].value is None
    press(app, "State: unknown ✕")
    assert "status" not in query_of(app)
    assert len(chips(app)) == 2
    press(app, "Reset")
    assert chips(app) == []
    assert query_of(app) == {"dir": ["asc"]}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"name": "no"}, "Nothing found among 2 jobs. These were looked for: jobs named no."),
        ({"q": "job", "status": "failed"}, "In another state there are 2."),
        ({"status": "other"}, "2 jobs in all, none of them ended in an unknown way right now."),
    ],
)
def test_an_empty_list_says_what_was_looked_for(store: Store, query: dict[str, str], told: str) -> None:
    """And one press shows all jobs."""
    store.job("job 1"), store.job("job 2")
    app = show(**query)
    assert told in words(app)
    press(app, "Show all jobs")
    assert names(app) == ["job 2", "job 1"]


def test_a_search_that_runs_out_of_time_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far it came, what still looks at all jobs, and what to do."""
    store.job("job")
    monkeypatch.setattr(counts, "SEARCH_SECONDS", -1)
    app = show(q="job")
    told = words(app)
    assert "the newest 0 of 1 job only" in told
    assert "Export and tidying look at all" in told
    assert "Nothing found among the newest 0 of 1 job." in told
    assert [link.proto.label for link in app.get("link_button")] == ["Export CSV", "All columns"]


@pytest.mark.parametrize(
    ("order", "shown", "query"),
    [
        ("Oldest", ["b", "a"], {"dir": ["asc"]}),
        ("Name A–Z", ["a", "b"], {"sort": ["name"]}),
        ("Name Z–A", ["b", "a"], {"sort": ["name"], "dir": ["desc"]}),
        ("Completed first", ["a", "b"], {"sort": ["completed"], "dir": ["asc"]}),
        ("Newest", ["a", "b"], {}),
    ],
)
def test_every_order_is_picked_by_name(
    store: Store, order: str, shown: list[str], query: dict[str, list[str]]
) -> None:
    """And stands in the address."""
    store.job("b", completed_at=NOON + timedelta(hours=2))
    store.job("a", created=NOON + timedelta(hours=1))
    app = show(sort="status", page="3")
    app.selectbox[0].set_value(order).run()
    assert not app.exception
    assert names(app) == shown
    assert query_of(app) == query


def test_the_form_is_filled_from_the_address_and_writes_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left alone stays; days are those of the viewer's zone, and both included."""
    monkeypatch.setattr(ContextProxy, "timezone", "Europe/Berlin")
    ada = store.user("ada")
    job_id = store.job("wanted", 185, user_id=ada, download_path="x.zip", created=NOON)
    store.execution(job_id, type="import", duration=7200)
    store.job("unwanted")
    app = show(q="wanted", created="2026-06-01T07:00:00Z..", page="2")
    assert not app.multiselect
    open_form(app)
    owner, name, type_ = app.multiselect
    assert owner.options == ["System", "ada"]
    assert name.options == ["unwanted", "wanted"]
    created, finished = app.date_input[:2], app.date_input[2:]
    assert [day.value for day in created] == [date(2026, 6, 1), None]
    owner.set_value([ada])
    name.set_value(["wanted", "typed"])
    type_.set_value(["import"])
    finished[0].set_value(date(2026, 6, 15))
    finished[1].set_value(date(2026, 6, 15))
    app.selectbox(key=box(app, "Result file")).set_value("With")
    app.selectbox(key=box(app, "Errors")).set_value("With")
    app.number_input[0].set_value(119)
    press(app, "Show jobs")
    assert names(app) == ["wanted"]
    assert not app.multiselect
    assert query_of(app) == {
        "q": ["wanted"],
        "owner": [str(ada)],
        "name": ["wanted", "typed"],
        "type": ["import"],
        "created": ["2026-06-01T07:00:00Z.."],
        "finished": ["2026-06-14T22:00:00Z..2026-06-15T22:00:00Z"],
        "result": ["with"],
        "errors": ["with"],
        "longer": ["119m"],
    }


def box(app: AppTest, label: str) -> str:
    """Return the key of the box with a label."""
    [found] = [found for found in app.selectbox if found.label == label]
    assert found.key
    return found.key


def test_a_preset_takes_the_place_of_days_and_days_that_of_a_preset(store: Store) -> None:
    """Whichever was changed counts."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    store.job("new", created=now - timedelta(hours=1))
    store.job("old", created=NOON - timedelta(days=3000))
    app = show(created="2000-01-01..2020-01-01")
    open_form(app)
    offered = app.selectbox(key=box(app, "Created"))
    assert offered.value is None
    offered.set_value(Dates(last=timedelta(days=7)))
    press(app, "Show jobs")
    assert query_of(app) == {"created": ["7d"]}
    assert names(app) == ["new"]
    open_form(app)
    app.date_input[1].set_value(date(2020, 1, 1))
    press(app, "Show jobs")
    assert query_of(app) == {"created": ["..2020-01-02T00:00:00Z"]}
    assert names(app) == ["old"]


def test_where_no_types_are_recorded_the_form_says_so(store: Store) -> None:
    """The box is there, but nothing can be chosen in it."""
    store.job()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ahg_job_execution")
    app = show()
    open_form(app)
    [type_] = [found for found in app.multiselect if found.label == "Type"]
    assert type_.disabled
    assert type_.placeholder == "This platform records no types of jobs"


def test_auto_refresh_waits_for_the_form(store: Store) -> None:
    """It would take away what is not sent yet."""
    store.job()
    app = show(auto="true")
    open_form(app)
    assert "auto refresh waits while the filters are open" in words(app)
