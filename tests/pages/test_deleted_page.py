"""Deleted jobs, run without a browser."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.audit import Actor
from jobs_data.store import schema
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.receipts import read_receipt
from jobs_data.store.schema import Outcome
from pages.parts.removal import deleted_list
from pages.parts.shared.services import get_services
from tests.support.pages import introduce, press, show, until, words
from tests.support.removals import remove
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")
HOSTILE = "[no](link) <b>"


def removed(store: Store) -> tuple[int, str]:
    """Delete a job with a hostile name; return its id and that of the receipt."""
    job_id = store.job(HOSTILE)
    return job_id, remove(store, [job_id], Reason(Actor(HOSTILE), Action.CLEAN_UP, HOSTILE))


def restore_button(app: AppTest) -> tuple[bool, str]:
    """Return whether the button is disabled, and what its tooltip says."""
    [button] = [button for button in app.button if button.label == "Restore"]
    return button.disabled, button.help


def table(app: AppTest) -> str:
    """Return the data of the table, as the browser gets it."""
    [shown] = [each.proto.json for each in app.get("bidi_component") if '"rows"' in each.proto.json]
    return json.dumps(json.loads(shown), ensure_ascii=False)


def test_without_deleted_jobs_it_says_what_will_be_here(store: Store) -> None:
    """And for how long they are kept."""
    app = show("deleted.py")
    assert "No jobs have been deleted" in words(app)
    assert "last 90 days" in words(app)


def test_the_list_and_a_search(store: Store) -> None:
    """A row for each deletion, in words; what matches nothing says where was looked."""
    job_id, _ = removed(store)
    remove(
        store, [store.job("other"), store.job("other")], Reason(Actor("Layla"), Action.DELETE, "2 jobs")
    )
    shown = table(show("deleted.py"))
    assert "Layla deleted 2 jobs" in shown
    assert f"{HOSTILE} deleted 1 job" in shown
    assert "other ×2" in shown
    shown = table(show("deleted.py", search=str(job_id)))
    assert f"{HOSTILE} deleted 1 job" in shown
    assert "Layla" not in shown
    app = show("deleted.py", search="nobody")
    assert "No deletion matches" in words(app)
    press(app, "Clear search")
    assert "Layla" in table(app)


def test_a_deletion_is_restored_at_once(store: Store) -> None:
    """The job is back, the page says so, and it cannot be done twice."""
    job_id, receipt_id = removed(store)
    app = show("deleted.py", receipt=receipt_id)
    assert f"{HOSTILE} ×1" in [text.value for text in app.text]
    assert list(app.dataframe[0].value["Job name"]) == [HOSTILE]
    press(app, "Restore")
    until(app, "1 job restored.")
    assert store.ids() == [job_id]
    assert re.search(r"1 job restored by \*Ada\* <b> on", words(app))
    assert restore_button(app) == (True, "All of these jobs have been restored.")
    assert "Restored" in table(show("deleted.py"))


@pytest.mark.parametrize("is_demoted", [False, True])
def test_who_may_not_restore_does_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, is_demoted: bool
) -> None:
    """A reader's button says why not; the database is asked again when one is pressed."""
    _, receipt_id = removed(store)
    app = show("deleted.py", receipt=receipt_id)
    if is_demoted:
        store.leave_groups(1)
    else:
        introduce(monkeypatch, Right.READER)
    press(app, "Restore")
    assert store.ids() == []
    assert "may not delete or restore jobs" in words(app)
    if not is_demoted:
        assert restore_button(app) == (True, "Only administrators can restore jobs.")
        assert '"actions": []' in table(show("deleted.py"))


def test_a_deletion_that_is_not_there_has_a_clear_page(store: Store) -> None:
    """It says what may have happened."""
    for name in ("20260102T030405Z-01234567", "../x", HOSTILE):
        assert "There is no deletion with this number." in words(show("deleted.py", receipt=name))


def change(store: Store, **values: Any) -> None:
    """Change the receipt behind the app's back."""
    with store.own.writing() as connection:
        connection.execute(update(schema.receipt).values(**values))


def test_a_deletion_from_another_database_says_so(store: Store) -> None:
    """It can be looked at and not restored."""
    _, receipt_id = removed(store)
    change(store, platform="another")
    app = show("deleted.py", receipt=receipt_id)
    assert restore_button(app)[1].startswith("These jobs were deleted from another database")


def test_a_removal_that_was_killed_is_settled_when_its_receipt_is_opened(store: Store) -> None:
    """Without an end and an outcome: the platform's database tells that the job has gone."""
    _, receipt_id = removed(store)
    change(store, ended_at=None)
    with store.own.writing() as connection:
        connection.execute(update(schema.job).values(outcome=Outcome.PENDING))
    app = show("deleted.py", receipt=receipt_id)
    assert "stopped early" in words(app)
    receipt = read_receipt(store.own, receipt_id)
    assert receipt
    assert (receipt.removed, receipt.pending) == (1, 0)
    assert not restore_button(app)[0]


def test_a_store_that_cannot_be_read_is_a_sentence(store: Store) -> None:
    """It names the setting, in place of a traceback."""
    get_services()  # before the folder is a file
    store.state_dir.write_text("a file where the folder should be")
    assert "HERATIO_JOBS_STATE_DIR" in words(show("deleted.py"))


def test_a_clock_that_jumps_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most receipts are too old at once: they are kept, and the page says why."""
    monkeypatch.setattr(deleted_list, "PAGE_RECEIPTS", 2)
    for _ in range(5):
        remove(store, [store.job()])
    change(store, at=datetime.now(UTC) - timedelta(days=100))
    app = show("deleted.py", page="3")
    assert "older than 90 days" in words(app)
    assert "5–5 of 5 deletions" in words(app)
