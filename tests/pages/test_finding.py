"""Search, filters, chips and order of the list, run as Streamlit runs them but without a browser."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from jobs_data.jobs import searching
from jobs_data.jobs.view import Dates
from jobs_data.jobs.view_url import parse_view
from tests.support.pages import (
    answer,
    cards,
    component,
    export_menu,
    fire,
    names,
    press,
    show,
    words,
)
from tests.support.store import NOON, Store

pytestmark = pytest.mark.usefixtures("served", "viewer")


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


def open_filters(app: AppTest) -> None:
    """Open the filters."""
    app.session_state["filters_open"] = True
    app.run()
    assert not app.exception


def type_into(app: AppTest, key: str, text: str) -> None:
    """Type into a box what is none of its options."""
    box = app.selectbox(key=key)
    states = app._tree.get_widget_states()
    for state in states.widgets:
        if state.id == box.id:
            state.string_value = text
    app._run(states)
    assert not app.exception


def choose(box: Widget, value: object) -> None:
    """Choose a value in a box, which is applied at once."""
    box.set_value(value).run()
    assert not box.root.exception


def test_a_search_counts_and_lists_what_matches(store: Store) -> None:
    """Its chip removes it, and nothing else of the address."""
    ada = store.user("ada")
    store.job("by ada", user_id=ada)
    store.job("for 50% of ada")
    store.job("500 failed for ada", 185)
    store.job("other")
    app = show(sort="name", limit="50")
    assert "match" not in words(app)
    find(app, " ada ")
    assert names(app) == ["500 failed for ada", "by ada", "for 50% of ada"]
    assert cards(app) == ["3", "0", "2", "1"]
    assert "3 of 4 match" in words(app)
    find(app, "50%")
    assert names(app) == ["for 50% of ada"]
    assert chips(app) == ["Search: 50%"]
    press(app, "Search: 50% ✕")
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
    """Untrusted words are shown as they are, and Clear filters leaves the order alone."""
    ada = store.user("ada", en="*Ada* [x](http://e.org)")
    store.job("a", 186, user_id=ada)
    query = {"status": "other", "owner": str(ada), "name": "a", "longer": "0s", "dir": "asc"}
    app = show(**query)
    assert names(app) == ["a"]
    assert chips(app) == [
        "Status: other",
        "User: \\*Ada\\* \\[x\\](http:\u2060//e.org)",
        "Name: a",
    ]
    assert component(app, "status")["current"] == "other"
    press(app, "Status: other ✕")
    assert "status" not in query_of(app)
    assert len(chips(app)) == 2
    press(app, "Clear filters")
    assert chips(app) == []
    assert query_of(app) == {"dir": ["asc"]}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"name": "no"}, "Found no jobs named no among 2 jobs."),
        ({"q": "job", "status": "failed"}, "2 match in another status."),
        ({"status": "other"}, "Found no jobs with another status among 2 jobs."),
    ],
)
def test_an_empty_list_says_what_was_searched(store: Store, query: dict[str, str], reason: str) -> None:
    """And one press shows all jobs."""
    store.job("job 1"), store.job("job 2")
    app = show(**query)
    assert reason in words(app)
    app.button[-1].click().run()
    assert names(app) == ["job 2", "job 1"]


def test_a_search_that_runs_out_of_time_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far it came, what still covers all jobs, and what to do; the export is offered."""
    store.job("job"), store.job("export")
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 1)
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 1e-9)
    app = show(q="job")
    shown = words(app)
    assert "among the newest 1 of 2 jobs." in shown
    assert "Export and Clean up" in shown
    assert export_menu(app)["reason"] == ""


def test_a_stopped_search_goes_on_when_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the last job that it covered. The chip leads back, and so does a new search."""
    output = "no space left"
    for n in range(9):
        store.job(f"job {n}", output=output if n in {0, 8} else None)
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 3)
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 1e-9)
    app = show(q='output:"no space"')
    assert (names(app), "1 of 3 searched" in words(app)) == (["job 8"], True)
    press(app, "Search older jobs")
    assert "among the next 3 of 9 jobs" in words(app)
    press(app, "Search older jobs")
    assert names(app) == ["job 0"]
    assert "1 of 9" in words(app)
    assert query_of(app)["q"] == ['output:"no space"']
    assert "Search older jobs" not in [button.label for button in app.button]
    older = chips(app)[-1]
    press(app, f"{older} ✕")
    assert names(app) == ["job 8"]
    press(app, "Search older jobs")
    find(app, "job 7")
    assert names(app) == ["job 7"]


def test_a_row_shows_where_a_search_has_found_its_words(store: Store) -> None:
    """Untrusted texts as they are; each part has a chip of its own."""
    store.job("import", 185, output="Killed\n<b>no space</b> left on /srv")
    store.job("export", output="no space left")
    app = show()
    find(app, 'import output:"no space"')
    [row] = component(app)["rows"]
    assert row["cells"]["name"]["detail"] == "Output: <b>no space</b> left on /srv"
    assert chips(app) == ["Search: import", "Output: no space"]
    press(app, "Search: import ✕")
    assert sorted(names(app)) == ["export", "import"]


@pytest.mark.parametrize(
    ("order", "shown", "query"),
    [
        ("Oldest first", ["b", "a"], {"dir": ["asc"]}),
        ("Longest first", ["b", "a"], {"sort": ["duration"]}),
        ("Name A–Z", ["a", "b"], {"sort": ["name"]}),
        ("Name Z–A", ["b", "a"], {"sort": ["name"], "dir": ["desc"]}),
        ("Completed first", ["a", "b"], {"sort": ["completed"], "dir": ["asc"]}),
        ("Newest first", ["a", "b"], {}),
    ],
)
def test_every_order_is_picked_by_name(
    store: Store, order: str, shown: list[str], query: dict[str, list[str]]
) -> None:
    """And stands in the address, as the header of its column does."""
    store.job("b", created=NOON, completed_at=NOON + timedelta(hours=2))
    store.job("a", created=NOON + timedelta(hours=1), completed_at=NOON + timedelta(minutes=70))
    app = show(sort="status", page="3")
    open_filters(app)
    choose(app.selectbox(key="filter_order"), order)
    assert names(app) == shown
    assert query_of(app) == query


def test_a_header_sorts_and_pressed_again_sorts_the_other_way(store: Store) -> None:
    """A column that there is none of is no order."""
    store.job("b"), store.job("a")
    app = show(page="2")
    for shown, query in (
        (["a", "b"], {"sort": ["name"]}),
        (["b", "a"], {"sort": ["name"], "dir": ["desc"]}),
    ):
        fire(app, "sorted", "name")
        assert names(app) == shown
        assert query_of(app) == query
    fire(app, "sorted", "output")
    assert query_of(app) == {"sort": ["name"], "dir": ["desc"]}


def test_each_choice_is_applied_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left alone stays; days are those of the viewer's zone, and both included."""
    monkeypatch.setattr(ContextProxy, "timezone", "Europe/Berlin")
    ada = store.user("ada")
    job_id = store.job("wanted", 185, user_id=ada, download_path="x.zip", created=NOON)
    store.execution(job_id, type="import", duration=7200)
    store.job("unwanted")
    app = show(q="wanted", created="2026-06-01T07:00:00Z..", page="2")
    assert not app.multiselect
    open_filters(app)
    owner, name, _ = app.multiselect
    assert owner.options == ["System", "ada"]
    assert name.options == ["unwanted", "wanted"]
    assert [day.value for day in app.date_input] == [date(2026, 6, 1), None]
    choose(owner, [ada])
    choose(app.multiselect[1], ["wanted", "typed"])
    choose(app.multiselect[2], ["import"])
    choose(app.selectbox(key="filter_finished"), "Between these days")
    choose(app.date_input(key="filter_finished_first"), date(2026, 6, 15))
    choose(app.date_input(key="filter_finished_last"), date(2026, 6, 15))
    choose(app.button_group(key="filter_has_result"), "With")
    choose(app.button_group(key="filter_has_errors"), "With")
    type_into(app, "filter_longer", "119 minutes")
    choose(app.selectbox(key="filter_limit"), 25)
    assert names(app) == ["wanted"]
    assert app.multiselect[1].value == ["wanted", "typed"]
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
        "limit": ["25"],
    }


def test_what_is_no_duration_is_refused_with_a_sentence(store: Store) -> None:
    """It changes nothing, and says what can be typed."""
    store.job()
    app = show(longer="5m")
    open_filters(app)
    type_into(app, "filter_longer", "*long*")
    assert r"“\*long\*” is no duration" in words(app)
    assert query_of(app) == {"longer": ["5m"]}
    assert app.selectbox(key="filter_longer").value == 300


def test_days_begin_with_those_of_the_choice_before(store: Store) -> None:
    """Each is applied at once; the first cannot be after the last, and none means any time."""
    now = datetime.now(UTC)
    store.job("new", created=now.replace(tzinfo=None) - timedelta(hours=1))
    store.job("old", created=NOON - timedelta(days=3000))
    app = show()
    open_filters(app)
    choose(app.selectbox(key="filter_created"), Dates(ago=timedelta(days=90)))
    assert query_of(app) == {"created": ["over-90d"]}
    assert names(app) == ["old"]
    choose(app.selectbox(key="filter_created"), "Between these days")
    last = (now - timedelta(days=89)).date()
    assert query_of(app) == {"created": [f"..{last}T00:00:00Z"]}
    choose(app.date_input(key="filter_created_first"), date(2300, 1, 1) - timedelta(days=40_000))
    assert names(app) == []
    assert app.date_input(key="filter_created_last").value == date(2190, 6, 26)
    choose(app.date_input(key="filter_created_first"), None)
    choose(app.date_input(key="filter_created_last"), None)
    assert query_of(app) == {}
    assert app.selectbox(key="filter_created").value == Dates()
    assert not app.date_input


def test_where_no_types_are_recorded_the_box_says_so(store: Store) -> None:
    """The box is there, but nothing can be chosen in it."""
    store.job()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ahg_job_execution")
    app = show()
    open_filters(app)
    [type_] = [found for found in app.multiselect if found.label == "Type"]
    assert type_.disabled
    assert type_.placeholder == "This platform records no types of jobs"


def test_what_ended_since_the_last_visit_is_one_line(store: Store) -> None:
    """What failed since then is one press away; a first visit and a forged time show nothing."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    store.job("before", 185, completed_at=now - timedelta(days=2))
    store.job("failed", 185, completed_at=now - timedelta(minutes=1))
    store.job("completed", completed_at=now - timedelta(minutes=1))
    app = show()
    for kept in ("", "soon", str(10**17)):
        answer(app, "visit", before=kept)
        assert "Since" not in words(app)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    answer(app, "visit", before=str(int(yesterday.timestamp() * 1000)))
    assert f"Since your last visit (yesterday {yesterday:%H:%M}): 1 completed" in words(app)
    press(app, ":red[1 failed]")
    assert names(app) == ["failed"]
    assert query_of(app) == {
        "status": ["failed"],
        "finished": [f"{yesterday:%Y-%m-%dT%H:%M}:00Z.."],
    }


def defaults(app: AppTest, kind: str) -> list[list[str]]:
    """Return the options that boxes of a kind have as their default."""
    boxes: Any = app.get(kind)
    return [[box.options[at] for at in _numbers(box.proto.default)] for box in boxes]


def _numbers(default: Any) -> list[int]:
    return [default] if isinstance(default, int) else list(default)


def test_each_box_has_what_the_address_says_as_its_default(store: Store) -> None:
    """A browser that missed the run that set the box shows its default, and sends it with a press."""
    ada = store.user("ada")
    for _ in range(3):
        store.job("import", 183, user_id=ada)
    of_ada = {
        "owner": str(ada),
        "name": "import",
        "created": "7d",
        "finished": "2026-06-01..2026-06-30",
    }
    more = {"longer": "2h", "alive": "silent", "sort": "name", "dir": "desc", "limit": "2"}
    app = show(**of_ada, **more, result="with", errors="without")
    open_filters(app)
    app.run()
    assert defaults(app, "multiselect") == [["ada"], ["import"], []]
    chosen = ["Last 7 days", "Between these days", "2 hours", "Silent", "Name Z–A", "2"]
    assert defaults(app, "selectbox") == [[each] for each in chosen]
    groups = {group.key: list(group.proto.default) for group in app.get("button_group")}
    assert groups == {"filter_has_result": [1], "filter_has_errors": [2], "quick": [0]}
    assert [list(day.proto.default) for day in app.date_input] == [["2026-06-01"], ["2026-06-30"]]
    app = show(limit="1", page="2")
    app.run()
    assert app.get("pagination")[0].proto.default == 2
    app = show(fold="on")
    open_filters(app)
    app.run()
    assert app.toggle(key="fold").proto.default
