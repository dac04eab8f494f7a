"""The page of the receipts, run without a browser; it shows files, so one database is enough."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.store import schema
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.receipts import read_receipt
from jobs_data.store.schema import Outcome
from pages.parts.shared.services import get_services
from tests.support.pages import introduce, press, show, words
from tests.support.removals import remove
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")
HOSTILE = "[no](link) <b>"


def removed(store: Store) -> tuple[int, str]:
    """Remove a job with a hostile name; return its id and that of the receipt."""
    job_id = store.job(HOSTILE)
    return job_id, remove(store, [job_id], Reason(HOSTILE, Action.TIDY, HOSTILE))


def undo_button(app: AppTest) -> tuple[bool, str]:
    """Return whether the button is disabled, and what its tooltip says."""
    [button] = [button for button in app.button if button.label == "Undo…"]
    return button.disabled, button.help


def test_without_receipts_it_says_what_will_be_here(store: Store) -> None:
    """And for how long they are kept."""
    app = show("deleted.py")
    assert "There are no receipts." in words(app)
    assert "for 90 days" in words(app)


def test_the_list_and_a_search(store: Store) -> None:
    """A row for each receipt; what matches nothing says where was looked."""
    job_id, _ = removed(store)
    remove(store, [store.job("other")])
    app = show("deleted.py")
    assert list(app.dataframe[0].value["names"]) == ["other ×1", f"{HOSTILE} ×1"]
    app = show("deleted.py", search=str(job_id))
    row = app.dataframe[0].value.iloc[0]
    assert (row["by"], row["filter"], row["action"], row["removed"]) == (
        HOSTILE,
        HOSTILE,
        ["Tidied"],
        1,
    )
    app = show("deleted.py", search="nobody")
    assert "No receipt matches" in words(app)
    press(app, "Show all receipts")
    assert len(app.dataframe[0].value) == 2


def test_a_receipt_is_undone_after_a_question(store: Store) -> None:
    """The job is back, the page says so, and it cannot be done twice."""
    job_id, receipt_id = removed(store)
    app = show("deleted.py", receipt=receipt_id)
    assert f"{HOSTILE} ×1" in [text.value for text in app.text]
    assert list(app.dataframe[0].value["Job name"]) == [HOSTILE]
    press(app, "Undo…")
    assert "**1 job** will return" in words(app)
    press(app, "Undo")
    work = get_services().restores.last(receipt_id)
    assert work
    shown = words(app)
    work.wait()
    app.run()
    assert store.ids() == [job_id]
    assert "1 job restored, under the old numbers." in shown + words(app)
    assert "restored by *Ada* <b> on" in words(app)
    assert undo_button(app) == (True, "All of its jobs have been restored.")


def test_who_was_demoted_under_the_question_does_not_undo(store: Store) -> None:
    """The database is asked again when the button is pressed."""
    _, receipt_id = removed(store)
    app = show("deleted.py", receipt=receipt_id)
    press(app, "Undo…")
    store.leave_groups(1)
    press(app, "Undo")
    assert store.ids() == []
    assert "may not remove or restore jobs" in words(app)


def test_a_reader_looks_and_does_not_undo(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even by a question that was opened before."""
    _, receipt_id = removed(store)
    app = show("deleted.py", receipt=receipt_id)
    press(app, "Undo…")
    introduce(monkeypatch, Right.READER)
    press(app, "Undo")
    assert store.ids() == []
    assert undo_button(app) == (True, "Only administrators may undo a removal.")


def test_a_receipt_that_is_not_there_has_a_clear_page(store: Store) -> None:
    """It says what may have happened."""
    for name in ("20260102T030405Z-01234567", "../x", HOSTILE):
        assert "There is no receipt with this name." in words(show("deleted.py", receipt=name))


def change(store: Store, **values: Any) -> None:
    """Change the receipt behind the app's back."""
    with store.own.writing() as connection:
        connection.execute(update(schema.receipt).values(**values))


def test_a_receipt_of_another_database_says_so(store: Store) -> None:
    """It can be looked at and not undone."""
    _, receipt_id = removed(store)
    change(store, platform="another")
    app = show("deleted.py", receipt=receipt_id)
    assert undo_button(app)[1].startswith("This receipt is of another database")


def test_a_removal_that_was_killed_is_settled_when_its_receipt_is_opened(store: Store) -> None:
    """Without an end and an outcome: the platform's database tells that the job has gone."""
    _, receipt_id = removed(store)
    change(store, ended_at=None)
    with store.own.writing() as connection:
        connection.execute(update(schema.job).values(outcome=Outcome.PENDING))
    app = show("deleted.py", receipt=receipt_id)
    assert "was cut off before its end" in words(app)
    receipt = read_receipt(store.own, receipt_id)
    assert receipt
    assert (receipt.removed, receipt.pending) == (1, 0)
    assert not undo_button(app)[0]


def test_a_store_that_cannot_be_read_is_a_sentence(store: Store) -> None:
    """It names the setting, in place of a traceback."""
    get_services()  # before the folder is a file
    store.state_dir.write_text("a file where the folder should be")
    assert "HERATIO_JOBS_STATE_DIR" in words(show("deleted.py"))


def test_a_clock_that_jumps_is_said(store: Store) -> None:
    """Most receipts are too old at once: they are kept, and the page says why."""
    for _ in range(5):
        remove(store, [store.job()])
    change(store, at=datetime.now(UTC) - timedelta(days=100))
    app = show("deleted.py")
    assert "5 receipts older than 90 days" in words(app)
    assert len(app.dataframe[0].value) == 5
