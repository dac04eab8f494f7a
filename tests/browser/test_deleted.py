"""Deleting, finding the deletion and restoring it, by keyboard in a real browser on the real app."""

import re

from playwright.sync_api import Page, expect

from jobs_data.audit import Actor
from jobs_data.store.receipt_writer import Action, Reason
from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.dumps import dump
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, query, tab_to
from tests.support.store import Store

pytestmark = on_mariadb


def press(page: Page, role: str, name: str) -> None:
    """Press a button or a link by keyboard."""
    control = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # roles are literals there
    expect(control).to_be_enabled()
    tab_to(page, control)
    page.keyboard.press("Enter")


def test_a_deletion_is_found_and_restored_by_keyboard(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """From the sidebar to the search, its details, and one press that restores the jobs."""
    address = app_server(
        HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_STATE_DIR=str(store.state_dir)
    )
    ids = [store.job(f"import {number}") for number in range(3)]
    store.belongings(ids[0])
    before = dump(store.engine)
    removals = store.removals()
    removals.remove_jobs([store.job("another")], Reason(Actor("eve"), Action.DELETE, "job 1"))
    removals.remove_jobs(ids, Reason(Actor("ada"), Action.DELETE, "3 selected jobs"))
    screen = new_page()
    page = screen.page
    screen.open(address)

    press(page, "link", "Deleted jobs")
    expect(page.get_by_text("eve deleted 1 job")).to_be_visible()
    tab_to(page, page.get_by_role("searchbox", name="Search"))
    page.keyboard.type("ada import")
    page.keyboard.press("Enter")
    expect(page.get_by_text("eve deleted 1 job")).to_have_count(0)
    press(page, "link", "ada deleted 3 jobs")
    expect(page.get_by_role("heading", name="ada deleted 3 jobs")).to_be_visible()
    assert query(page)["search"] == "ada import"
    link = page.get_by_role("link", name=re.compile("Download"))
    answer = page.request.get(str(link.evaluate("element => element.href")))
    assert answer.body().count(b'{"job": ') == 3

    press(page, "button", "Back to deleted jobs")
    expect(page.get_by_role("heading", name="Deleted jobs")).to_be_visible()
    press(page, "button", "Restore: ada deleted 3 jobs")
    expect(page.get_by_text("3 jobs restored.")).to_be_visible()
    assert query(page) == {"search": "ada import"}
    after = dump(store.engine)
    assert after == {**before, "login_attempt": after["login_attempt"]}
    expect(page.get_by_role("button", name="Restore:")).to_have_count(0)
    assert_nothing_went_wrong(screen)
