"""The statistics' page, run as Streamlit runs it but without a browser."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.jobs.outcomes import Coverage, Outcomes
from jobs_data.jobs.view import Dates, JobFilter
from jobs_data.jobs.view_url import parse_view
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform import tables
from jobs_data.platform.errors import TookTooLong
from jobs_data.platform.status import State
from jobs_data.statistics import failures, period
from jobs_data.statistics.failures import key_of
from pages.parts.shared.last_visit import visit_at
from pages.parts.shared.services import get_services
from pages.parts.statistics.panel import to_csv
from tests.support.pages import PANELS, fire, names, press, show, table, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "viewer")
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def statistics(**query: str) -> AppTest:
    """Return the statistics with a query."""
    return show("job_statistics.py", **query)


def fill(store: Store) -> None:
    """Put in three completed jobs and a failed one of today, and an old one."""
    for seconds in (10, 20, 60):
        job_id = store.job("export", created=NOW, completed_at=NOW + timedelta(seconds=seconds))
        store.execution(job_id, duration=seconds)
    failed = store.job("import", 185, created=NOW, completed_at=NOW)
    store.note(failed, en="Row 17: no such *parent* <b>")
    store.job("old", created=NOW - timedelta(days=50), completed_at=NOW - timedelta(days=50))


def test_the_answers_come_first(store: Store) -> None:
    """In one line, then in the panels, with the figures of 30 days where nothing is asked."""
    fill(store)
    store.job("import", 183, created=NOW - timedelta(hours=2), completed_at=None)
    store.job("old", 185, created=NOW - timedelta(days=50), completed_at=None)
    app = statistics()
    assert [panel.value for panel in app.header] == PANELS
    assert "**5 jobs** · **75 %** completed, +25 points · median **15 s**" in words(app)
    stuck = table(app, "May be stuck")
    assert [(row["state"], row["name"]) for row in stuck] == [("Never started", "import")]
    [error] = table(app, "Top errors")
    assert error["pattern"].startswith("Row <number>: no such *parent* <b> / New · first seen")
    assert [(row["name"], row["runs"], row["failed_share"]) for row in table(app, "By name")] == [
        ("export", "3", "0%"),
        ("import", "1", "100%"),
    ]
    assert "3 durations as the platform recorded them, 1 as completed" in words(app)


def test_the_url_says_which_period(store: Store) -> None:
    """A choice that makes no sense is 30 days; all time has nothing before it; a choice is shared."""
    fill(store)
    assert "**5 jobs** · **80 %** completed · median" in words(statistics(period="all"))
    assert "**5 jobs**" in words(statistics(period="90"))
    assert "**4 jobs**" in words(statistics(period="7"))
    app = statistics(period="<b>")
    assert "**4 jobs**" in words(app)
    app.button_group[0].set_value("All").run()
    assert not app.exception
    assert app.query_params["period"] in ("all", ["all"])
    assert "**5 jobs**" in words(app)


def test_refresh_reads_again(store: Store) -> None:
    """At once, though what was read would be shared for a minute."""
    app = statistics()
    store.job(created=NOW)
    app.run()
    assert "**0 jobs**" in words(app)
    press(app, "Refresh")
    assert "**1 job**" in words(app)


def test_a_count_opens_its_jobs_in_the_list(store: Store) -> None:
    """Those of its state and of the period."""
    fill(store)
    app = statistics(period="7")
    press(app, ":red[✖] 1 failed")
    view = parse_view({name: app.query_params[name] for name in ("status", "created")})
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert view.filter == JobFilter(State.FAILED, created=Dates(since=today - timedelta(days=6)))


def test_completed_jobs_with_errors_are_counted_and_explained(store: Store) -> None:
    """In the line, by day, by name and among the errors; the count and the name open their pages."""
    fill(store)
    for row in (17, 18):
        with_errors = store.job("import", created=NOW, output=f"ERROR: Row {row}: no such thing\n")
    get_services().database.job_sets[WITH_ERRORS] = lambda: [with_errors]
    app = statistics()
    assert "16.7 points · **1** with errors · median" in words(app)
    by_name = {row["name"]: (row["failed_share"], row["with_errors"]) for row in table(app, "By name")}
    assert by_name == {"export": ("0%", "0%"), "import": ("33%", "33%")}
    patterns = [row["pattern"].partition(" / ")[0] for row in table(app, "Top errors")]
    assert "Row <number>: no such thing" in patterns
    key = key_of("Row <number>: no such thing")
    error = statistics(failure=key)
    assert [row["state"] for row in table(error, "Jobs with this error")] == ["Completed with errors"]
    assert "1 job, 1 of them completed." in words(error)
    fire(app, "opened", "import", "rows-by-name")
    assert app.query_params["name"] in ("import", ["import"])
    assert "of 3 runs completed" in words(app)
    app = statistics()
    fire(app, "pressed", {"row": "import", "action": "list"}, "rows-by-name")
    assert names(app) == ["import"] * 3
    app = statistics()
    press(app, ":violet[▲] 1 with errors")
    assert names(app) == ["import"]


@pytest.mark.parametrize(
    ("coverage", "sentence"),
    [
        (Coverage(), "known of the jobs that were shown"),
        (Coverage(4711, 10), "down to job 4711, of 10 jobs"),
        (Coverage(0, 10, is_done=True), ""),
    ],
)
def test_it_says_how_far_outputs_have_been_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, coverage: Coverage, sentence: str
) -> None:
    """Not where all have been."""
    monkeypatch.setattr(Outcomes, "coverage", coverage)
    shown = words(statistics())
    assert sentence in shown
    assert ("Errors in outputs" in shown) == bool(sentence)


def test_rows_beyond_the_first_few_can_be_shown(store: Store) -> None:
    """Until the page is left."""
    for number in range(9):
        store.job(f"job {'abcdefghi'[number]}", created=NOW, completed_at=NOW)
    app = statistics()
    assert len(table(app, "By name")) == 6
    press(app, "Show all 9")
    assert len(table(app, "By name")) == 9
    app.switch_page("jobs.py").run()
    app.switch_page("job_statistics.py").run()
    assert len(table(app, "By name")) == 6


def test_an_error_opens_its_jobs(store: Store) -> None:
    """The address names the error; where the period lacks it, a sentence says where it may be."""
    fill(store)
    app = statistics()
    [shown] = [
        json.loads(part.proto.json)
        for part in app.get("bidi_component")
        if '"Top errors"' in part.proto.json
    ]
    app = statistics(failure=shown["rows"][0]["id"])
    assert [code.value for code in app.code] == ["Row <number>: no such *parent* <b>"]
    [job] = table(app, "Jobs with this error")
    assert job["name"] == "import / Row 17: no such *parent* <b>"
    assert job["state"] == "Failed"
    assert "A longer period may have one" in words(statistics(failure="nothing"))
    assert "No job has this error." in words(statistics(failure="nothing", period="all"))


def test_what_is_sampled_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations look at the newest jobs, errors at the newest failures."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 3)
    monkeypatch.setattr(failures, "NEWEST_FAILURES", 1)
    fill(store)
    store.job("import", 185, created=NOW, completed_at=NOW)
    app = statistics(failure="nothing")
    assert "Of the newest 3 jobs, since " in words(app)
    assert "Only the newest 1 of 2 jobs with errors." in words(app)
    assert "not among those of the period's 1 newest jobs with errors" in words(app)


def test_a_sample_that_goes_back_to_before_the_period_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not claim that the period has more jobs, though ones with lower ids may belong to it."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 2)
    for age in (90, 90, 90, 0):
        store.job("import", created=NOW - timedelta(days=age), completed_at=NOW)
    assert "created before this period" in words(statistics(period="7"))
    shown = words(statistics(period="all"))
    assert "Of the newest 2 jobs, since " in shown
    assert "before this period" not in shown


def test_jobs_that_no_day_has_are_counted(store: Store) -> None:
    """A sentence says why the days have fewer jobs than the total."""
    fill(store)
    store.job(created=datetime(1000, 1, 1))
    app = statistics(period="all")
    assert "**6 jobs**" in words(app)
    assert "1 job is on no day" in words(app)
    assert "on no day" not in words(statistics(period="7"))


@pytest.mark.parametrize(
    ("days", "bar", "label"),
    [(0, "day", "%d %b"), (366, "week from Monday", "%d %b %Y"), (1500, "month", "%b %Y")],
)
def test_the_axis_ends_today(store: Store, days: int, bar: str, label: str) -> None:
    """Its last label is of today's bar, with the year as soon as there are several."""
    store.job(created=NOW - timedelta(days=days))
    app = statistics(period="all")
    x = json.loads(app.get("vega_lite_chart")[0].proto.spec)["encoding"]["x"]
    today = datetime.now(UTC)
    start = {
        "day": today,
        "week from Monday": today - timedelta(days=today.weekday()),
        "month": today,
    }[bar]
    assert x["axis"]["values"][0] == x["scale"]["domain"][-1] == start.strftime(label).removeprefix("0")
    assert f"One bar per {bar}." in words(app)


def test_an_empty_database_has_statistics(store: Store) -> None:
    """Nothing is shown as a figure that is none."""
    app = statistics()
    assert "**0 jobs**\n" in words(app)
    assert "No job of this period failed or is known to have errors" in words(app)
    assert "No active job is silent" in words(app)
    assert words(app).count("in this period. Choose a longer one.") == 3
    assert not app.get("vega_lite_chart")


@pytest.mark.parametrize(
    ("reader", "panels"),
    [
        ("statistics.activity.read_activity", 3),
        ("statistics.durations.read_durations", 2),
        ("jobs.liveness.read_liveness", 1),
        ("statistics.failures.read_failures", 1),
    ],
)
def test_what_takes_too_long_costs_its_panel_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch, reader: str, panels: int
) -> None:
    """The sentence stands in its place, and everything else is there."""
    fill(store)

    def too_long(*_: object, **__: object) -> None:
        raise TookTooLong("That took too long.")

    monkeypatch.setattr(f"jobs_data.{reader}", too_long)
    app = statistics()
    assert [warning.value for warning in app.warning] == ["That took too long."] * panels
    assert [panel.value for panel in app.header] == PANELS


def test_each_missing_table_is_named(store: Store) -> None:
    """What AtoM, or an account's copy, lacks costs a sentence, not a panel."""
    for missing in (tables.note_i18n, tables.note, tables.job_execution, tables.actor_i18n):
        missing.drop(store.engine)
    store.job(created=NOW, completed_at=NOW + timedelta(seconds=8))
    store.job("import", 185, created=NOW, completed_at=NOW + timedelta(seconds=8), output="Disk full")
    app = statistics()
    for name, where in (
        ("note", "in a copy that was made without it"),
        ("note_i18n", "in a copy that was made without it"),
        ("ahg_job_execution", "on AtoM"),
    ):
        assert f"has no table {name}, as is normal {where}: " in words(app)
    assert [panel.value for panel in app.header] == PANELS
    assert not app.warning
    assert "median **8 s**" in words(app)
    assert table(app, "Top errors")[0]["pattern"].startswith("Disk full")
    app.session_state["hours_or_users"] = "Users"
    app.run()
    assert "has no table actor_i18n" in words(app)
    assert table(app, "Users") == [{"owner": "System", "total": "2", "completed": "1", "failed": "1"}]


def test_a_csv_is_defused() -> None:
    """It has the columns that have a name, times in UTC, and no formula."""
    at = pd.Timestamp("2026-06-15 12:00", tz="UTC")
    frame = pd.DataFrame({"name": ["=1+1"], "median": [float("nan")], "key": ["x"], "first": [at]})
    lines = to_csv(frame).decode("utf-8-sig").splitlines()
    assert lines == ["Job name,Median (s),First seen", '"\'=1+1",,"2026-06-15T12:00:00+00:00"']


@pytest.mark.parametrize("kept", ["", "x", "-1", "0", "99999999999999", 5, None])
def test_a_visit_that_makes_no_sense_is_none(kept: object) -> None:
    """A browser can say anything."""
    now = datetime(2026, 6, 15, tzinfo=UTC)
    assert visit_at(kept, now) is None
    assert visit_at(str(int(now.timestamp() * 1000)), now) == now
