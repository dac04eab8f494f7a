"""Clean up, run as Streamlit runs it but without a browser."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs.outcomes import Coverage, Outcomes
from jobs_data.platform import tables
from jobs_data.removal import retention
from jobs_data.removal.retention import Preview
from pages.parts.removal import preview
from tests.support.pages import introduce, press, show, until, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")
LONG_AGO = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=100)


def clean_up(**query: str) -> AppTest:
    """Open the page with some rules."""
    return show("cleanup.py", **query)


def labels(app: AppTest) -> list[str]:
    """Return what the buttons say."""
    return [button.label for button in app.button]


def test_exactly_the_previewed_jobs_are_deleted_and_undone(store: Store) -> None:
    """One that finished since stays, and so does one that became active; one press restores them."""
    old = [store.job(f"*old* {n}", 184 + n % 2, completed_at=LONG_AGO) for n in range(3)]
    restarted = store.job("restarted", completed_at=LONG_AGO)
    recent, later = store.job("recent", completed_at=datetime.now(UTC)), store.job("later", 183)
    app = clean_up(finished="over-90d")
    assert "4 jobs will be deleted: 3 completed and 1 failed." in words(app)
    assert list(app.dataframe[0].value["name"]) == ["*old* 0", "*old* 1", "*old* 2", "restarted"]
    links = [f"/admin/jobs/job?id={job_id}" for job_id in (*old, restarted)]
    assert list(app.dataframe[1].value["id"]) == links
    assert len(store.ids()) == 6
    store.set_status(restarted, 183)
    store.set_status(later, 184, LONG_AGO)
    press(app, "Delete 4 jobs")
    until(app, "3 jobs deleted.")
    assert "1 job not deleted: not finished." in words(app)
    assert store.ids() == [restarted, recent, later]
    assert "Delete 1 job" in labels(app)  # the one that has finished since, in a new preview
    press(app, "Undo")
    until(app, "3 jobs restored.")
    assert len(store.ids()) == 6
    assert "Undo" not in labels(app)
    assert "Delete 4 jobs" in labels(app)


def test_a_change_of_a_rule_starts_a_new_preview(store: Store) -> None:
    """The new rule is in the address, and what a late press meant is not deleted."""
    store.job(completed_at=LONG_AGO), store.job(status_id=185, completed_at=LONG_AGO)
    app = clean_up(finished="over-90d")
    [late] = [button for button in app.button if button.label == "Delete 2 jobs"]
    app.selectbox(key="cleanup_outcome").set_value("completed")
    late.click().run()
    assert "nothing was deleted" in words(app)
    assert len(store.ids()) == 2
    assert "Delete 1 job" in labels(app)
    assert app.query_params["status"] in ("completed", ["completed"])
    app.number_input(key="cleanup_days").set_value(101).run()
    app.number_input(key="keep_last").set_value(3).run()
    assert app.query_params["finished"] in ("over-101d", ["over-101d"])
    assert app.query_params["keep_last"] in ("3", ["3"])
    until(app, "No finished job matches these rules")


def test_rules_begin_with_the_platforms_own_age(store: Store) -> None:
    """Until a rule is in the address: one that was emptied stays empty."""
    store.insert(tables.ahg_settings, setting_key="jobs_cleanup_days", setting_value="14")
    app = clean_up()
    assert app.number_input(key="cleanup_days").value == 14
    assert app.number_input(key="keep_last").value == retention.USUAL_KEEP_LAST
    assert "older than 14 days" in words(app)
    app.number_input(key="keep_last").set_value(0).run()
    app.number_input(key="cleanup_days").set_value(None).run()
    assert app.number_input(key="cleanup_days").value is None
    assert "all finished jobs match" in words(app)
    assert "There is no finished job." in words(app)


def test_rules_of_the_list_come_along(store: Store) -> None:
    """Names and users have boxes, all else is a chip that can be dropped."""
    ada = store.user("ada", en="Ada")
    store.job("a", user_id=ada), store.job("a"), store.job("b", user_id=ada, download_path="x")
    app = clean_up(owner=str(ada), result="without", status="completed", keep_last="0")
    assert app.multiselect(key="cleanup_users").value == [ada]
    assert "1 job will be deleted" in words(app)
    press(app, "Result file: without ✕")
    app.multiselect(key="cleanup_names").set_value(["b"]).run()
    app.selectbox(key="cleanup_outcome").set_value("completed and failed").run()
    assert {"result", "status"}.isdisjoint(app.query_params)
    assert list(app.dataframe[0].value["name"]) == ["b"]
    assert "HERATIO_JOBS_RESULTS_ROOT is not set" in words(app)


def test_who_was_demoted_after_the_preview_deletes_nothing(store: Store) -> None:
    """The database is asked again when the button is pressed."""
    store.job(completed_at=LONG_AGO)
    app = clean_up(finished="over-90d")
    store.leave_groups(1)
    press(app, "Delete 1 job")
    assert len(store.ids()) == 1
    assert "may not delete or restore jobs" in words(app)


def test_a_reader_may_look_and_not_delete(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button says why not, and one pressed all the same deletes nothing."""
    store.job(completed_at=LONG_AGO)
    app = clean_up(finished="over-90d")
    introduce(monkeypatch, Right.READER)
    press(app, "Delete 1 job")
    assert len(store.ids()) == 1
    [button] = [button for button in app.button if button.label == "Delete 1 job"]
    assert button.disabled
    assert "only administrators can delete" in words(app)


def test_rules_that_ask_for_active_jobs_say_why_nothing_matches(store: Store) -> None:
    """Such jobs can never be deleted."""
    assert "these rules ask for active ones" in words(clean_up(status="active", keep_last="0"))


def test_rules_by_errors_say_how_far_outputs_have_been_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older job with errors counts as one without until its output has been read."""
    store.job("import")
    monkeypatch.setattr(Outcomes, "coverage", Coverage(4711, 10))
    assert "down to job 4711" in words(clean_up(errors="without"))
    assert "down to job 4711" not in words(clean_up())


def test_the_filter_of_the_list_begins_the_rules(store: Store) -> None:
    """Its state of active jobs is left behind."""
    store.job("x", 183)
    app = clean_up(status="active", name="x")
    assert app.multiselect(key="cleanup_names").value == ["x"]
    assert app.selectbox(key="cleanup_outcome").value == "completed and failed"


def test_a_preview_that_fails_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be asked for again."""
    store.job()
    with monkeypatch.context() as context:
        context.setattr(retention, "PREVIEW_SECONDS", 0)
        app = clean_up(finished="over-1d")
    assert "Narrow the rules" in app.error[0].value
    press(app, "Try again")
    assert not app.error


def test_a_preview_that_takes_its_time_is_dropped_by_new_rules(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what is going on meanwhile, and shows the preview of the last rules alone."""
    store.job("a"), store.job("b")
    goes_on = threading.Event()
    read, asked = retention.read_preview, []

    def slowly(*arguments: Any, **more: Any) -> Preview:
        asked.append(more["switch"])
        assert goes_on.wait(30)
        return read(*arguments, **more)

    monkeypatch.setattr(retention, "read_preview", slowly)
    monkeypatch.setattr(preview, "QUICK_SECONDS", 0.01)
    app = clean_up(finished="over-1d")
    assert "Counting the jobs that match" in words(app)
    app.multiselect(key="cleanup_names").set_value(["b"]).run()
    goes_on.set()
    until(app, "1 job will be deleted")
    assert list(app.dataframe[0].value["name"]) == ["b"]
    with pytest.raises(Exception, match="stopped"):
        asked[0].check()
