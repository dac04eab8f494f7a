"""Selecting jobs on several pages, and deleting what is selected, in a real browser."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.app_servers import AppServers
from tests.browser.conftest import Windows
from tests.browser.steps import (
    expect_jobs,
    query,
    select_rows,
)
from tests.store import NOON, Store

PAGE = 4


def test_a_selection_outlives_pages_orders_reloads_and_reports(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """What is ticked on two pages is what goes, wherever one has been in between."""
    for n in range(12):
        store.job(f"job {n:02}", 183 if n == 9 else 184, NOON - timedelta(hours=n))
    screen = new_page()
    page = screen.page
    screen.open(f"{app_server(HERATIO_JOBS_DATABASE_URL=store.url)}?limit={PAGE}")
    expect_jobs(page, [f"job {n:02}" for n in range(PAGE)])

    select_rows(page, 1)
    expect_selected(page, "1 job selected, 1 finished")
    page.get_by_role("button", name="Go to page 3").click()
    expect_jobs(page, [f"job {n:02}" for n in range(8, 12)])
    expect_ticked(page, [])
    select_rows(page, 1, 2)
    expect_selected(page, "3 jobs selected, 2 finished, 1 active")
    page.reload()
    expect_jobs(page, [f"job {n:02}" for n in range(8, 12)])
    expect_ticked(page, [1, 2])
    expect_selected(page, "3 jobs selected, 2 finished, 1 active")
    screen.screenshot("selection-wide", full_page=True)
    assert "selection" in query(page)


def expect_selected(page: Page, summary: str) -> None:
    """Wait until the bar below the table says what is selected."""
    expect(page.locator(".st-key-selection")).to_contain_text(summary)


def expect_ticked(page: Page, rows: list[int]) -> None:
    """Wait until exactly these rows of the page are ticked, 0 for the first."""
    expect(page.locator('canvas tr[role="row"][aria-selected="true"]')).to_have_count(len(rows))
    for row in rows:
        at = f'canvas tr[role="row"][aria-rowindex="{row + 2}"]'
        expect(page.locator(at)).to_have_attribute("aria-selected", "true")
