"""Repeated jobs as one line, opened, selected and switched off, in a real browser."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    expect_jobs,
    expect_selected,
    expect_ticked,
    open_row,
    query,
    row,
)
from tests.support.store import NOON, Store

REPEATS = 7
GROUPED = f"{REPEATS} × index"


@on_mariadb
def test_repeats_are_one_line_until_they_are_wanted(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """A run of jobs is a line that its link or the keyboard opens, on any page of lines."""
    store.job("import", 183, NOON)
    for minute in range(REPEATS):
        store.job("index", 184, NOON - timedelta(minutes=10 + minute))
    for minute in range(3):
        store.job(f"export {minute}", 185, NOON - timedelta(minutes=30 + minute))
    screen = new_page()
    page = screen.page
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_FOLD="true")
    screen.open(f"{address}?limit=3")
    expect_jobs(page, ["import", GROUPED, "export 0"])
    expect(page.get_by_text("Showing 3 lines for 9 of 11 jobs")).to_be_visible()

    open_row(page, GROUPED)
    expect_jobs(page, ["index"] * 3)
    expect(page.get_by_text(f"1–3 of {REPEATS} jobs")).to_be_visible()
    page.go_back()

    expect_jobs(page, ["import", GROUPED, "export 0"])
    the_pages_of_lines_lead_there_and_back(page)
    a_line_is_selected_with_all_its_jobs(page)
    page.get_by_role("button", name=re.compile("Filters")).click()
    page.get_by_text("Group repeated jobs").click()
    expect_jobs(page, ["import", "index", "index"])
    assert query(page)["fold"] == "off"
    assert_nothing_went_wrong(screen)


def the_pages_of_lines_lead_there_and_back(page: Page) -> None:
    """Older shows the lines behind, Newer the first ones again."""
    page.get_by_role("button", name="Older").click()
    expect_jobs(page, ["export 1", "export 2"])
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    expect_jobs(page, ["import", GROUPED, "export 0"])
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()


def a_line_is_selected_with_all_its_jobs(page: Page) -> None:
    """By keyboard alone; they are ticked one by one, too, where they are shown so."""
    row(page, GROUPED).get_by_role("checkbox").press("Space")
    expect_selected(page, f"{REPEATS} selected ({REPEATS} finished)")
    row(page, GROUPED).get_by_role("link", name=GROUPED).press("Enter")
    expect_jobs(page, ["index"] * 3)
    expect_ticked(page, *["index"] * 3)
    page.go_back()
    expect_jobs(page, ["import", GROUPED, "export 0"])
