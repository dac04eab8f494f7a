"""Selecting jobs and acting on the selection, run without a browser."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import selections
from pages.parts.removal import dialogs
from tests.support.pages import (
    component,
    fire,
    introduce,
    names,
    pick_status,
    press,
    show,
    tick,
    until,
    words,
)
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


def test_pages_and_filters_add_to_a_selection(store: Store) -> None:
    """It says what it holds, and what of it is not in the filter; Clear selection leaves nothing."""
    fill(store, 184, 183, 185, 185, 184)
    app = show(limit="2")
    tick(app)
    assert "**2 selected** (1 finished, 1 active)" in words(app)
    pick_status(app, "failed")
    assert "**2 selected** (1 finished, 1 active, 2 not in this filter)" in words(app)
    tick(app)
    assert "**4 selected** (3 finished, 1 active, 2 not in this filter)" in words(app)
    pick_status(app, "all")
    press(app, "Select all 5")
    assert "**5 selected** (4 finished, 1 active)" in words(app)
    press(app, "Clear selection")
    assert "selected**" not in words(app)
    assert "selection" not in app.query_params


def test_a_selection_belongs_to_a_sign_in_and_to_no_address(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload finds it; an address that is shared carries none."""
    fill(store, 184, 184)
    app = show()
    tick(app)
    assert not app.query_params
    assert "**2 selected**" in words(show())
    introduce(monkeypatch, Right.ADMINISTRATOR, who=2)
    assert "selected**" not in words(show())


def test_ticks_that_overtake_a_run_are_all_kept(store: Store) -> None:
    """Each message has all ticks that no run has answered, and says which run knows of it."""
    ids = [str(each) for each in fill(store, 184, 184, 184)]
    app = show(limit="2")
    fire(app, "ticked", {"changed": {ids[0]: True}, "seq": 1})
    fire(app, "ticked", {"changed": {ids[0]: True, ids[1]: True}, "seq": 2})
    assert "**2 selected**" in words(app)
    assert component(app)["seq"] == 2
    assert component(app)["ticked"] == ids[:2]


def test_a_tick_that_is_handled_after_a_later_press_undoes_nothing_of_it(store: Store) -> None:
    """Where both arrive during one run, Streamlit calls the callback of the later one first."""
    ids = fill(store, 184, 184, 184)
    app = show()
    fire(app, "ticked", {"changed": {str(ids[0]): True}, "seq": 1})
    press(app, "Select all 3")
    fire(app, "ticked", {"changed": {str(ids[1]): True}, "seq": 2})
    assert "**3 selected**" in words(app)


@pytest.mark.parametrize("event", ["opened", "pressed", "ticked", "sorted"])
def test_a_forged_message_of_the_table_does_nothing(store: Store, event: str) -> None:
    """Only the rows shown can be meant, and neither a wrong type nor a wrong name fails."""
    store.job("job")
    app = show()
    forged: list[object] = [
        None,
        7,
        "x",
        "-1",
        [],
        {},
        {"row": 7},
        {"changed": {"x": True, "7": "abc"}},
        {"changed": ["7"]},
    ]
    for value in forged:
        fire(app, event, value)
        assert names(app) == ["job"]
    assert "selected**" not in words(app)
    assert "Delete" not in buttons(app)


def test_deleting_more_than_a_page_takes_exactly_what_was_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What finished since stays, what became active stays and is told, and all can be undone."""
    monkeypatch.setattr(dialogs, "MAX_PAGE_SIZE", 2)
    monkeypatch.setattr(dialogs, "NAMED", 3)
    ids = fill(store, 184, 184, 185, 185, 183, 184)
    app = show(limit="5")
    tick(app)
    press(app, "Delete…")
    assert "**4 finished jobs** will be deleted: 2 completed and 2 failed." in words(app)
    assert "1 job cannot be deleted" in words(app)
    assert "can be restored for 90 days" in words(app)
    store.set_status(ids[0], 183)
    store.set_status(ids[4], 184)
    press(app, "Delete 4 jobs")
    until(app, "3 jobs deleted. 1 job not deleted: not finished.")
    assert store.ids() == [ids[0], ids[4], ids[5]]
    assert "**1 selected**" in words(app)  # the one that could not be deleted then
    press(app, "Undo")
    until(app, "3 jobs restored.")
    assert store.ids() == ids


def test_undo_is_offered_until_the_view_changes(store: Store) -> None:
    """A refresh keeps what was just told; another filter does not."""
    fill(store, 184, 185, 185)
    app = show()
    tick(app)
    press(app, "Delete…")
    press(app, "Delete 3 jobs")
    assert "3 jobs deleted." in words(app)
    app.run()
    assert "3 jobs deleted." in words(app)
    assert "Undo" in buttons(app)
    pick_status(app, "failed")
    assert "deleted" not in words(app)
    assert "Undo" not in buttons(app)


def test_a_folded_line_stands_for_all_its_jobs(store: Store) -> None:
    """What looks like one row is selected as the jobs that it says it is."""
    for number in range(4):
        store.job("again", created=NOON - timedelta(hours=number))
    store.job("other", created=NOON - timedelta(days=1))
    app = show(fold="on")
    assert names(app) == ["4 × again", "other"]
    tick(app, "4 × again")
    assert "**4 selected** (4 finished)" in words(app)
    fire(app, "opened", component(app)["rows"][0]["id"])
    assert names(app) == ["again"] * 4
    assert component(app)["ticked"] == [row["id"] for row in component(app)["rows"]]


def test_active_jobs_can_be_selected_but_not_deleted(store: Store) -> None:
    """The button says why."""
    fill(store, 183)
    app = show()
    tick(app)
    [delete] = [button for button in app.button if button.label == "Delete…"]
    assert delete.disabled
    assert "None of them is finished" in delete.help


def test_a_reader_selects_but_deletes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no button for that."""
    introduce(monkeypatch, Right.READER)
    fill(store, 184)
    app = show()
    tick(app)
    assert "**1 selected**" in words(app)
    assert "Delete…" not in buttons(app)


def test_too_many_jobs_are_refused_with_the_way_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages can still be selected, up to the bound."""
    monkeypatch.setattr(selections, "MAX_JOBS", 1)
    fill(store, 184, 184)
    app = show()
    tick(app)
    assert "More than 1 jobs cannot be selected at once" in words(app)
    assert "selected**" not in words(app)
