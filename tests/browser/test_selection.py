"""Selecting jobs on several pages, and deleting what is selected, in a real browser."""

import re
from collections.abc import Sequence
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import (
    NAME_COLUMN,
    assert_nothing_went_wrong,
    expect_jobs,
    press_header,
    press_report,
    query,
    select_rows,
)
from tests.support.store import NOON, Store

PAGE = 4
JOBS = 12
ACTIVE = 9


def names(*numbers: int) -> list[str]:
    """Return the names of some jobs."""
    return [f"job {number:02}" for number in numbers]


@on_mariadb
def test_a_selection_outlives_pages_orders_reloads_and_reports(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """What is ticked on two pages is what goes, wherever one has been in between, and comes back."""
    for number, name in enumerate(names(*range(JOBS))):
        store.job(name, 183 if number == ACTIVE else 184, NOON - timedelta(hours=number))
    screen = new_page()
    page = screen.page
    screen.open(f"{app_server(HERATIO_JOBS_DATABASE_URL=store.url)}?limit={PAGE}")
    expect_jobs(page, names(0, 1, 2, 3))
    tick(page, 1)
    expect_selected(page, "1 job selected, 1 finished")
    page.get_by_role("button", name="Page 3").click()
    expect_jobs(page, names(8, 9, 10, 11))
    expect_ticked(page)
    tick(page, 1, 2)
    expect_selected(page, "3 jobs selected, 2 finished, 1 active")

    it_is_there_after_a_reload_and_a_report(page)
    it_is_shown_in_every_order(page)
    it_goes_and_comes_back_by_keyboard(page, store)
    everything_is_selected_and_nothing(page)
    assert_nothing_went_wrong(screen)


def it_is_there_after_a_reload_and_a_report(page: Page) -> None:
    """The address has a token for it."""
    token = query(page)["selection"]
    page.reload()
    expect_ticked(page, 1, 2)
    press_report(page, row=0)
    expect(page.get_by_role("heading", level=1)).to_have_text("job 08")
    assert query(page)["selection"] == token
    page.get_by_role("button", name="Back to jobs").click()
    expect_ticked(page, 1, 2)
    expect_selected(page, "3 jobs selected, 2 finished, 1 active")


def it_is_shown_in_every_order(page: Page) -> None:
    """A header sorts all pages, pressed again the other way round; what is ticked goes along."""
    press_header(page, NAME_COLUMN)
    expect_jobs(page, names(0, 1, 2, 3))
    expect_ticked(page, 1)
    expect(page.locator('canvas [role="columnheader"]').first).to_have_text("Job name ↑")
    press_header(page, NAME_COLUMN)
    expect_jobs(page, names(11, 10, 9, 8))
    expect_ticked(page, 1, 2)
    expect(page.locator('canvas [role="columnheader"]').first).to_have_text("Job name ↓")
    page.get_by_role("radio", name="Completed").click()
    expect_jobs(page, names(11, 10, 8, 7))
    expect_ticked(page, 1)
    expect_selected(page, "3 jobs selected, 2 finished, 1 active, 1 not in this filter")


def it_goes_and_comes_back_by_keyboard(page: Page, store: Store) -> None:
    """The dialog names the finished ones; what was deleted can be undone from the notice."""
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Delete selected…").press("Enter")
    expect(dialog).to_contain_text("job 01")
    expect(dialog).to_contain_text("job 10")
    expect(dialog).to_contain_text("1 of them cannot be deleted")
    dialog.get_by_role("button", name="Delete 2 jobs").press("Enter")
    expect(page.get_by_text("2 finished jobs deleted.")).to_be_visible()
    assert store.ids(column="name") == sorted(set(names(*range(JOBS))) - set(names(1, 10)))
    expect_selected(page, "1 job selected, 0 finished, 1 active, 1 not in this filter")
    page.get_by_role("button", name="Undo…").press("Enter")
    dialog.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_text("2 jobs restored")).to_be_visible()
    page.get_by_role("button", name="Select none").press("Enter")
    assert store.ids(column="name") == names(*range(JOBS))


def everything_is_selected_and_nothing(page: Page) -> None:
    """Select all takes all pages of the filter, and a row unticked on one of them leaves it."""
    everything = page.get_by_role("button", name="Select all 11 matching")
    expect(everything).to_have_count(1)  # a run may still draw the one before
    everything.click()
    expect_ticked(page, 0, 1, 2, 3)
    page.get_by_role("button", name="Page 2").click()
    expect_jobs(page, names(6, 5, 4, 3))
    expect_ticked(page, 0, 1, 2, 3)
    tick(page, 2)
    expect_ticked(page, 0, 1, 3)
    expect_selected(page, "10 jobs selected, 10 finished")
    page.get_by_role("button", name="Select none").click()
    expect_ticked(page)
    expect(page.locator(".st-key-selection")).not_to_contain_text("selected")


def tick(page: Page, *rows: int) -> None:
    """Tick rows, or untick them, by keyboard once the page is through with what came before."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    select_rows(page, *rows)


def expect_selected(page: Page, summary: str) -> None:
    """Wait until the bar below the table says what is selected, and no more."""
    told = page.locator(".st-key-selection").get_by_text(re.compile(f"^{re.escape(summary)}$", re.M))
    expect(told).to_be_visible()


def expect_ticked(page: Page, *rows: int) -> None:
    """Wait until exactly these rows of the page are ticked, 0 for the first."""
    at: Sequence[str] = [str(row + 2) for row in rows]
    ticked = page.locator('canvas tr[role="row"][aria-selected="true"]')
    expect(ticked).to_have_count(len(at))
    for row, index in enumerate(at):
        expect(ticked.nth(row)).to_have_attribute("aria-rowindex", index)
