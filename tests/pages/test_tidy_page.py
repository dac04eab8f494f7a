"""Tidying, run as Streamlit runs it but without a browser."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.removal import retention
from jobs_data.removal.retention import Preview
from pages.parts.removal import preview
from tests.support.pages import introduce, press, show, until, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")
LONG_AGO = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=100)


def tidy(**query: str) -> AppTest:
    """Open the page with some rules."""
    return show("cleanup.py", **query)


def labels(app: AppTest) -> list[str]:
    """Return what the buttons say."""
    return [button.label for button in app.button]


def test_exactly_the_previewed_jobs_are_removed(store: Store) -> None:
    """One that finished since stays, and so does one that became active, which is told."""
    goes = [store.job(f"*old* {n}", 184 + n % 2, completed_at=LONG_AGO) for n in range(3)]
    restarted = store.job("restarted", completed_at=LONG_AGO)
    recent, later = store.job("recent", completed_at=datetime.now(UTC)), store.job("later", 183)
    app = tidy(finished="over-90d")
    press(app, "Preview")
    assert app.subheader[0].value == "4 jobs would go: 3 completed and 1 failed."
    assert "finished more than 90 days ago" in words(app)
    assert list(app.dataframe[0].value["name"]) == ["*old* 0", "*old* 1", "*old* 2", "restarted"]
    reports = [f"/admin/jobs/job?id={job_id}" for job_id in (*goes, restarted)]
    assert list(app.dataframe[1].value["id"]) == reports
    assert len(store.ids()) == 6
    store.set_status(restarted, 183)
    store.set_status(later, 184, LONG_AGO)
    press(app, "Remove 4 jobs")
    until(app, "3 finished jobs removed.")
    assert "1 job was not finished" in words(app)
    assert store.ids() == [restarted, recent, later]
    assert "Remove 4 jobs" not in labels(app)


def test_a_change_of_a_rule_takes_the_preview_away(store: Store) -> None:
    """What can be confirmed is what is shown, and the new rule is in the address."""
    store.job(completed_at=LONG_AGO), store.job(status_id=185, completed_at=LONG_AGO)
    app = tidy(finished="over-90d")
    press(app, "Preview")
    assert "Remove 2 jobs" in labels(app)
    app.toggle(key="tidy_keep_failures").set_value(True).run()
    assert not [label for label in labels(app) if label.startswith("Remove")]
    assert app.query_params["keep_failures"] in ("true", ["true"])
    press(app, "Preview")
    assert "Remove 1 job" in labels(app)
    assert "1 failed job kept" in words(app)
    app.number_input(key="tidy_days").set_value(101).run()
    app.number_input(key="tidy_keep_last").set_value(3).run()
    assert app.query_params["finished"] in ("over-101d", ["over-101d"])
    assert app.query_params["keep_last"] in ("3", ["3"])
    press(app, "Preview")
    assert "No finished job meets these rules" in words(app)


def test_rules_of_the_list_come_along(store: Store) -> None:
    """Names and owners have boxes, all else is a chip that can be taken away."""
    ada = store.user("ada", en="Ada")
    store.job("a", user_id=ada), store.job("a"), store.job("b", user_id=ada, download_path="x")
    app = tidy(owner=str(ada), result="without", status="completed")
    assert app.multiselect(key="tidy_owners").value == [ada]
    press(app, "Preview")
    assert app.subheader[0].value.startswith("1 job would go")
    press(app, "Result file: without ✕")
    app.multiselect(key="tidy_names").set_value(["b"]).run()
    app.selectbox(key="tidy_outcome").set_value("Completed or failed").run()
    assert {"result", "status"}.isdisjoint(app.query_params)
    press(app, "Preview")
    assert list(app.dataframe[0].value["name"]) == ["b"]
    assert "HERATIO_JOBS_RESULTS_ROOT is not set" in words(app)


def test_who_was_demoted_after_the_preview_removes_nothing(store: Store) -> None:
    """The database is asked again when the button is pressed."""
    store.job(completed_at=LONG_AGO)
    app = tidy(finished="over-90d")
    press(app, "Preview")
    store.leave_groups(1)
    press(app, "Remove 1 job")
    assert len(store.ids()) == 1
    assert "may not remove or restore jobs" in words(app)


def test_a_reader_may_look_and_not_remove(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button says why not, and one pressed all the same removes nothing."""
    store.job(completed_at=LONG_AGO)
    app = tidy(finished="over-90d")
    press(app, "Preview")
    introduce(monkeypatch, Right.READER)
    press(app, "Remove 1 job")
    assert len(store.ids()) == 1
    [button] = [button for button in app.button if button.label == "Remove 1 job"]
    assert button.disabled
    assert "Only administrators may remove jobs" in words(app)


def test_rules_without_any_job_say_why(store: Store) -> None:
    """An empty database, and rules that ask for jobs that can never go."""
    app = tidy()
    assert "Without a rule all finished jobs are meant" in words(app)
    press(app, "Preview")
    assert "There is no finished job." in words(app)
    app = tidy(status="active")
    press(app, "Preview")
    assert "these rules ask for active ones" in words(app)


def test_the_list_leads_to_rules_with_its_filter(store: Store) -> None:
    """The state of active jobs is left behind, and ninety days are the usual rule."""
    store.job("x", 183)
    app = show(status="active", name="x")
    press(app, "Clean up…")
    assert app.title[0].value == "Tidy"
    assert app.query_params.keys() >= {"name", "finished"}
    assert "status" not in app.query_params


def test_a_preview_that_fails_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be asked for anew."""
    store.job()
    app = tidy(finished="over-1d")
    with monkeypatch.context() as context:
        context.setattr(retention, "PREVIEW_SECONDS", 0)
        press(app, "Preview")
    assert "Narrow the rules" in app.error[0].value
    press(app, "Preview")
    assert not app.error


def test_a_preview_that_takes_its_time_can_be_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what is going on meanwhile, and shows it when it is there."""
    store.job()
    goes_on = threading.Event()
    read = retention.read_preview

    def slowly(*arguments: Any, **more: Any) -> Preview:
        assert goes_on.wait(30)
        return read(*arguments, **more)

    monkeypatch.setattr(retention, "read_preview", slowly)
    monkeypatch.setattr(preview, "QUICK_SECONDS", 0.01)
    app = tidy(finished="over-1d")
    press(app, "Preview")
    assert "you may leave this page meanwhile" in words(app)
    goes_on.set()
    until(app, "1 job would go")
