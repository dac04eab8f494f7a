"""Removing, looking at the receipt and undoing it, by keyboard in a real browser on the real app."""

import re

from playwright.sync_api import Page, expect

from jobs_data.store.receipt_writer import Action, Reason
from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.dumps import dump
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, query, select_rows, tab_to
from tests.support.store import Store

pytestmark = on_mariadb


def press(page: Page, name: str) -> None:
    """Press a button by keyboard."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    tab_to(page, button)
    page.keyboard.press("Enter")


def test_a_removal_is_found_and_undone_by_keyboard(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """From the sidebar to the search, the receipt, the question and the jobs that are back."""
    address = app_server(
        HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_STATE_DIR=str(store.state_dir)
    )
    ids = [store.job(f"import {number}") for number in range(3)]
    store.belongings(ids[0])
    before = dump(store.engine)
    database = store.database()
    store.removals(database).remove_job(store.job("another"), Reason("eve", Action.DELETE, "job 1"))
    store.removals(database).remove_jobs(ids, Reason("ada", Action.DELETE, "3 selected jobs"))
    screen = new_page()
    page = screen.page
    screen.open(address)

    tab_to(page, page.get_by_role("link", name="Receipts"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Showing 1–2 of 2 receipts")).to_be_visible()
    tab_to(page, page.get_by_role("searchbox", name="Search"))
    page.keyboard.type("ada import")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Showing 1–1 of 1 receipt")).to_be_visible()
    select_rows(page, 0)
    expect(page.get_by_text("1 receipt selected")).to_be_visible()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Receipt", exact=True)).to_be_visible()
    expect(page.get_by_text("3 selected jobs")).to_have_count(1)
    opened = query(page)
    assert opened["search"] == "ada import"

    link = page.get_by_role("link", name=re.compile("Download"))
    answer = page.request.get(str(link.evaluate("element => element.href")))
    assert answer.body().count(b'{"job": ') == 3

    press(page, "Undo…")
    expect(page.get_by_text("3 jobs will return")).to_be_visible()
    press(page, "Undo")
    expect(page.get_by_text("3 jobs restored, under the old numbers.")).to_be_visible()
    assert query(page) == opened
    after = dump(store.engine)
    assert after == {**before, "login_attempt": after["login_attempt"]}
    expect(page.get_by_role("button", name="Undo…")).to_be_disabled()
    press(page, "Back to receipts")
    expect(page.get_by_text("Showing 1–1 of 1 receipt")).to_be_visible()
    assert query(page) == {"search": "ada import"}
    assert_nothing_went_wrong(screen)
