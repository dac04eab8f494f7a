"""Selecting jobs and acting on the selection, run without a browser."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import selections
from pages.parts.removal import dialogs
from tests.support.pages import introduce, press, show, until, words
from tests.support.store import NOON, Store

pytestmark = pytest.mark.usefixtures("served", "administrator")


def fill(store: Store, *statuses: int) -> list[int]:
    """Insert jobs with some statuses, each an hour older than the one before; their ids."""
    return [
        store.job(f"job *{number}*", status, NOON - timedelta(hours=number))
        for number, status in enumerate(statuses)
    ]


def buttons(app: AppTest) -> list[str]:
    """Return what the buttons say."""
    return [button.label for button in app.button]


def token(app: AppTest) -> str:
    """Return the token of the selection in the address."""
    found = app.query_params["selection"]
    return found if isinstance(found, str) else found[0]


def test_pages_and_filters_add_to_a_selection(store: Store) -> None:
    """It says what it holds, and what of it is not in the filter; Select none leaves nothing."""
    fill(store, 184, 183, 185, 185, 184)
    app = show(limit="2")
    press(app, "Select page")
    assert "**2 jobs selected**, 1 finished, 1 active" in words(app)
    app.button_group[0].set_value("Failed").run()
    assert "**2 jobs selected**, 1 finished, 1 active, 2 not in this filter" in words(app)
    press(app, "Select page")
    assert "**4 jobs selected**, 3 finished, 1 active, 2 not in this filter" in words(app)
    assert r"1 × job \*0\*" in words(app)
    app.button_group[0].set_value("All").run()
    press(app, "Select all 5")
    assert "**5 jobs selected**, 4 finished, 1 active" in words(app)
    press(app, "Select none")
    assert "selected**" not in words(app)
    assert "selection" not in app.query_params


def test_another_session_of_the_account_finds_the_selection(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload does; for another account it is not known, which is said once."""
    fill(store, 184, 184)
    app = show()
    press(app, "Select page")
    again = show(selection=token(app))
    assert "**2 jobs selected**" in words(again)
    introduce(monkeypatch, Right.ADMINISTRATOR, who=2)
    other = show(selection=token(app))
    assert "is not known any more" in words(other)
    assert "selected**" not in words(other)
    assert "selection" not in other.query_params
    other.run()
    assert "is not known any more" not in words(other)


def test_deleting_more_than_a_page_takes_exactly_what_was_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What finished since stays, what became active stays and is told, and all can be undone."""
    monkeypatch.setattr(dialogs, "MAX_PAGE_SIZE", 2)
    monkeypatch.setattr(dialogs, "NAMED", 3)
    ids = fill(store, 184, 184, 185, 185, 183, 184)
    app = show(limit="5")
    press(app, "Select page")
    press(app, "Delete selected…")
    assert "**4 finished jobs** will be deleted: 2 completed and 2 failed." in words(app)
    assert "1 job cannot be deleted" in words(app)
    assert "can be restored for 90 days" in words(app)
    store.set_status(ids[0], 183)
    store.set_status(ids[4], 184)
    press(app, "Delete 4 jobs")
    until(app, "3 jobs deleted. 1 job not deleted: not finished.")
    assert store.ids() == [ids[0], ids[4], ids[5]]
    assert "**1 job selected**" in words(app)  # the one that could not be deleted then
    press(app, "Undo")
    until(app, "3 jobs restored.")
    assert store.ids() == ids


def test_undo_is_offered_until_the_view_changes(store: Store) -> None:
    """A refresh keeps what was just told; another filter does not."""
    fill(store, 184, 185, 185)
    app = show()
    press(app, "Select page")
    press(app, "Delete selected…")
    press(app, "Delete 3 jobs")
    assert "3 jobs deleted." in words(app)
    app.run()
    assert "3 jobs deleted." in words(app)
    assert "Undo" in buttons(app)
    app.button_group[0].set_value("Failed").run()
    assert "deleted" not in words(app)
    assert "Undo" not in buttons(app)


def test_a_folded_line_stands_for_all_its_jobs(store: Store) -> None:
    """What looks like one row is selected as the jobs that it says it is."""
    for number in range(4):
        store.job("again", created=NOON - timedelta(hours=number))
    store.job("other", created=NOON - timedelta(days=1))
    app = show(fold="on")
    assert len(app.dataframe[0].value) == 2
    press(app, "Select page")
    assert "**5 jobs selected**, 5 finished" in words(app)
    assert "4 × again, 1 × other" in words(app)


def test_active_jobs_can_be_selected_but_not_deleted(store: Store) -> None:
    """The button says why."""
    fill(store, 183)
    app = show()
    press(app, "Select page")
    [delete] = [button for button in app.button if button.label == "Delete selected…"]
    assert delete.disabled
    assert "None of them is finished" in delete.help
    assert "Open report" in buttons(app)


def test_a_reader_selects_but_deletes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no button for that."""
    introduce(monkeypatch, Right.READER)
    fill(store, 184)
    app = show()
    press(app, "Select page")
    assert "**1 job selected**" in words(app)
    assert "Delete selected…" not in buttons(app)


def test_too_many_jobs_are_refused_with_the_way_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages can still be selected, up to the bound."""
    monkeypatch.setattr(selections, "MAX_JOBS", 1)
    fill(store, 184, 184)
    app = show()
    press(app, "Select page")
    assert "More than 1 jobs cannot be selected at once" in words(app)
    assert "selection" not in app.query_params
