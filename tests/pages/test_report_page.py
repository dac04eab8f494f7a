"""The report's page, run as Streamlit runs it but without a browser."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform import tables
from jobs_data.platform.errors import TookTooLong
from jobs_data.statistics import failures, period
from jobs_data.statistics.period import Period
from tests.support.pages import PANELS, introduce, show, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "viewer")
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Introduce a reader, and let no test see what another one has read."""
    introduce(monkeypatch, Right.READER)
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def report(**query: str) -> AppTest:
    """Return the report with a query."""
    return show("job_statistics.py", **query)


def metrics(app: AppTest) -> dict[str, str]:
    """Return the figures on the cards."""
    return {card.label: card.value for card in app.metric}


def fill(store: Store) -> None:
    """Put in three completed jobs and a failed one of today, and an old one."""
    for seconds in (10, 20, 60):
        job_id = store.job("export", created=NOW, completed_at=NOW + timedelta(seconds=seconds))
        store.execution(job_id, duration=seconds)
    failed = store.job("import", 185, created=NOW, completed_at=NOW)
    store.note(failed, en="Row 17: no such *parent* <b>")
    store.job("old", created=NOW - timedelta(days=50), completed_at=NOW - timedelta(days=50))


def test_every_panel_is_there(store: Store) -> None:
    """They come in the order of their questions, with the figures of 30 days where nothing is asked."""
    fill(store)
    app = report()
    assert [panel.value for panel in app.subheader] == PANELS
    assert metrics(app) == {
        "Total": "4",
        "Completed": "3",
        "Failed": "1",
        "Failed, of the finished jobs": "25.00%",
        "Average duration": "22.5 s",
        "Median duration": "15.0 s",
    }
    assert "In the 30 days before: 0.00%, that is 0 of 1 job" in words(app)
    assert "3 as the platform recorded them, 1 as completed" in words(app)
    assert "Looked at 1 of 1 failure." in words(app)
    assert "This browser has no earlier visit" in words(app)


def test_the_url_says_which_period(store: Store) -> None:
    """A choice that makes no sense is 30 days; all time has nothing before it."""
    fill(store)
    assert metrics(report(period="all"))["Total"] == "5"
    assert "All time has no period before it." in words(report(period="all"))
    assert metrics(report(period="90"))["Total"] == "5"
    assert metrics(report(period="7"))["Total"] == "4"
    assert metrics(report(period="<b>"))["Total"] == "4"


def test_picking_a_period_writes_the_url(store: Store) -> None:
    """What is written can be shared."""
    fill(store)
    app = report()
    app.button_group[0].set_value("All").run()
    assert not app.exception
    assert app.query_params["period"] in ("all", ["all"])
    assert metrics(app)["Total"] == "5"


def test_a_failure_opens_the_list_of_its_jobs(store: Store) -> None:
    """The address names the pattern."""
    fill(store)
    database = store.database()
    of_month = database, CreationOrder(database), Period.MONTH, ZoneInfo("UTC"), datetime.now(UTC)
    key = failures.read_failures(*of_month).patterns["key"][0]
    app = report(failure=key)
    assert [code.value for code in app.code] == ["Row <number>: no such *parent* <b>"]
    assert [list(table.value["name"]) for table in app.dataframe if "text" in table.value] == [
        ["import"]
    ]


def test_an_error_that_the_period_does_not_have_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link may be older than the period: the sentence says where the error may be found."""
    assert "A longer period may have one" in words(report(failure="nothing"))
    assert "No job has failed with this error." in words(report(failure="nothing", period="all"))
    monkeypatch.setattr(failures, "NEWEST_FAILURES", 1)
    st.cache_data.clear()
    for _ in range(2):
        store.job("import", 185, created=NOW, completed_at=NOW)
    app = report(failure="nothing")
    assert "not among the 1 newest failures of the period" in words(app)
    assert "Looked at 1 of 2 failures, the newest." in words(app)


def test_what_is_sampled_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations and owners each say that there are more."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 3)
    fill(store)
    assert words(report()).count("alone; there are older ones.") == 2


def test_jobs_that_no_day_has_are_counted(store: Store) -> None:
    """A sentence says why the days have fewer jobs than the total."""
    fill(store)
    store.job(created=datetime(1000, 1, 1))
    app = report(period="all")
    assert metrics(app)["Total"] == "6"
    assert "1 job of these numbers is on no day" in words(app)
    assert "on no day" not in words(report(period="7"))


def test_days_of_another_year_carry_their_year(store: Store) -> None:
    """The axis has the years as soon as it begins in an earlier one."""
    store.job(created=NOW)
    axes = day_axes(report(period="all"))
    assert "%d %b" in axes
    assert "%Y" not in axes
    store.job(created=NOW - timedelta(days=366))
    st.cache_data.clear()
    assert "%d %b %Y" in day_axes(report(period="all"))


def day_axes(app: AppTest) -> str:
    """Return the formats of the days' axes."""
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    axes = [spec["encoding"]["x"] for spec in specs if "encoding" in spec]
    return " ".join(axis["axis"]["format"] for axis in axes if axis["field"] == "day")


def test_an_empty_database_has_a_report(store: Store) -> None:
    """Nothing is shown as a figure that is none."""
    app = report()
    assert metrics(app)["Failed, of the finished jobs"] == "–"
    assert metrics(app)["Median duration"] == "–"
    assert "No job of this period has failed." in words(app)
    assert "No active job runs far longer" in words(app)


@pytest.mark.parametrize(
    ("reader", "panels"),
    [
        ("activity.read_activity", 3),
        ("durations.read_durations", 1),
        ("owners.read_owners", 1),
        ("stuck.read_stuck", 1),
    ],
)
def test_what_takes_too_long_costs_its_panel_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch, reader: str, panels: int
) -> None:
    """The sentence stands in its place, and everything else is there."""
    fill(store)

    def too_long(*_: object) -> None:
        raise TookTooLong("That took too long.")

    monkeypatch.setattr(f"jobs_data.statistics.{reader}", too_long)
    app = report()
    assert [warning.value for warning in app.warning] == ["That took too long."] * panels
    assert [panel.value for panel in app.subheader] == PANELS


def test_atom_is_told_what_it_lacks(store: Store) -> None:
    """Without execution records a duration is completed minus created, and that is normal."""
    tables.job_execution.drop(store.engine)
    store.job(created=NOW, completed_at=NOW + timedelta(seconds=8))
    app = report()
    assert metrics(app)["Median duration"] == "8.0 s"
    assert "has no table ahg_job_execution, as is normal on AtoM" in words(app)


def test_each_missing_table_is_named(store: Store) -> None:
    """What an account's copy lacks costs a sentence, not a panel."""
    for table in (
        tables.note_i18n,
        tables.note,
        tables.job_execution,
        tables.actor_i18n,
    ):
        table.drop(store.engine)
    store.job("import", 185, created=NOW, completed_at=NOW, output="Disk full")
    app = report()
    for name, where in (
        ("note", "in a copy that was made without it"),
        ("note_i18n", "in a copy that was made without it"),
        ("actor_i18n", "in a copy that was made without it"),
        ("ahg_job_execution", "on AtoM"),
    ):
        assert f"has no table {name}, as is normal {where}: " in words(app)
    assert [panel.value for panel in app.subheader] == PANELS
    assert not app.warning
    assert "Disk full" in set().union(
        *(table.value["pattern"] for table in app.dataframe if "pattern" in table.value)
    )
