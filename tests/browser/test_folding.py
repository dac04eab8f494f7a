"""Repeated jobs as one line, opened, selected and switched off, in a real browser."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import (
    assert_nothing_went_wrong,
    expect_jobs,
    expect_rows_ticked,
    press_box,
    press_report,
    query,
    select_rows,
)
from tests.support.store import NOON, Store

REPEATS = 7
FOLDED = f"{REPEATS} × index, all completed"


@on_mariadb
def test_repeats_are_one_line_until_they_are_wanted(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """A run of jobs is a line that its button or the keyboard opens, on any page of lines."""
    store.job("import", 183, NOON)
    for minute in range(REPEATS):
        store.job("index", 184, NOON - timedelta(minutes=10 + minute))
    for minute in range(3):
        store.job(f"export {minute}", 185, NOON - timedelta(minutes=30 + minute))
    screen = new_page()
    page = screen.page
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_FOLD="true")
    screen.open(f"{address}?limit=3")
    expect_jobs(page, ["import", FOLDED, "export 0"])
    expect(page.get_by_text("Showing 3 lines for 9 of 11 jobs")).to_be_visible()

    a_first_press_ticks(page)
    press_report(page, row=1)
    expect_jobs(page, ["index"] * 3)
    expect(page.get_by_text(f"Showing 1–3 of {REPEATS} jobs")).to_be_visible()
    page.go_back()

    expect_jobs(page, ["import", FOLDED, "export 0"])
    the_pages_of_lines_lead_there_and_back(page)
    a_line_is_selected_with_all_its_jobs(page)
    page.get_by_text("Group repeated jobs").click()
    expect_jobs(page, ["import", "index", "index"])
    assert query(page)["fold"] == "off"
    assert_nothing_went_wrong(screen)


def a_first_press_ticks(page: Page) -> None:
    """The table stays as it was pressed, though it takes the focus for the first time."""
    press_box(page, 2)
    expect(page.get_by_text("1 job selected")).to_be_visible()
    # What would take the tick back comes a moment later.
    page.wait_for_timeout(500)
    expect_rows_ticked(page, 1)
    press_box(page, 2)
    expect(page.get_by_text("1 job selected")).to_be_hidden()


def the_pages_of_lines_lead_there_and_back(page: Page) -> None:
    """Older shows the lines behind, Newer the first ones again."""
    page.get_by_role("button", name="Older").click()
    expect_jobs(page, ["export 1", "export 2"])
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    expect_jobs(page, ["import", FOLDED, "export 0"])
    expect(page.get_by_role("button", name="Newer")).to_be_disabled()


def a_line_is_selected_with_all_its_jobs(page: Page) -> None:
    """By keyboard alone: the line is ticked, and a button shows the jobs that it stands for."""
    select_rows(page, 1)
    expect(page.get_by_text(f"{REPEATS} jobs selected, {REPEATS} finished")).to_be_visible()
    page.get_by_role("button", name="Show these jobs").press("Enter")
    expect_jobs(page, ["index"] * 3)
    page.go_back()
    expect_jobs(page, ["import", FOLDED, "export 0"])
