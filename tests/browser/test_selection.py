"""Selecting jobs on several pages, and deleting what is selected, in a real browser."""

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
    sort_by,
    table,
    tick,
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
    ticks_made_quickly_are_all_kept(page)
    page.get_by_role("button", name="Page 3").click()
    expect_jobs(page, names(8, 9, 10, 11))
    expect_ticked(page)
    tick(page, *names(9, 10))
    expect_selected(page, "3 selected (2 finished, 1 active)")

    it_is_there_after_a_reload_and_a_report(page)
    it_is_shown_in_every_order(page)
    it_goes_and_comes_back_by_keyboard(page, store)
    everything_is_selected_and_nothing(page)
    assert_nothing_went_wrong(screen)


def ticks_made_quickly_are_all_kept(page: Page) -> None:
    """Each comes before the page has answered the one before, and none is lost."""
    boxes = table(page).get_by_role("checkbox")
    boxes.evaluate_all("boxes => boxes.slice(1).forEach((box) => box.click())")
    expect_selected(page, f"{PAGE} selected ({PAGE} finished)")
    expect_ticked(page, *names(0, 1, 2, 3))
    boxes.evaluate_all("boxes => [1, 3, 4].forEach((at) => boxes[at].click())")
    expect_selected(page, "1 selected (1 finished)")
    expect_ticked(page, *names(1))


def it_is_there_after_a_reload_and_a_report(page: Page) -> None:
    """The address, which may be shared, has nothing of it."""
    assert set(query(page)) == {"limit", "page"}
    page.reload()
    expect_ticked(page, *names(9, 10))
    open_row(page, "job 08")
    expect(page.get_by_role("heading", level=1)).to_have_text("job 08")
    page.get_by_role("button", name="Back to jobs").click()
    expect_ticked(page, *names(9, 10))
    expect_selected(page, "3 selected (2 finished, 1 active)")


def it_is_shown_in_every_order(page: Page) -> None:
    """A header sorts all pages, pressed again the other way round; what is ticked goes along."""
    header = page.get_by_role("columnheader", name="Job", exact=True)
    sort_by(page, "Job")
    expect_jobs(page, names(0, 1, 2, 3))
    expect_ticked(page, *names(1))
    expect(header).to_have_attribute("aria-sort", "ascending")
    sort_by(page, "Job")
    expect_jobs(page, names(11, 10, 9, 8))
    expect_ticked(page, *names(10, 9))
    expect(header).to_have_attribute("aria-sort", "descending")
    page.get_by_role("radio", name="Completed").click()
    expect_jobs(page, names(11, 10, 8, 7))
    expect_ticked(page, *names(10))
    expect_selected(page, "3 selected (2 finished, 1 active, 1 not in this filter)")


def it_goes_and_comes_back_by_keyboard(page: Page, store: Store) -> None:
    """The dialog names the finished ones; what was deleted can be undone from the notice."""
    dialog = page.get_by_role("dialog")
    page.locator(".st-key-line").get_by_role("button", name="Delete…").press("Enter")
    expect(dialog).to_contain_text("job 01")
    expect(dialog).to_contain_text("job 10")
    expect(dialog).to_contain_text("1 job cannot be deleted")
    dialog.get_by_role("button", name="Delete 2 jobs").press("Enter")
    expect(page.get_by_text("2 jobs deleted.")).to_be_visible()
    assert store.ids(column="name") == sorted(set(names(*range(JOBS))) - set(names(1, 10)))
    expect_selected(page, "1 selected (0 finished, 1 active, 1 not in this filter)")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_text("2 jobs restored")).to_be_visible()
    page.get_by_role("button", name="Clear selection").press("Enter")
    assert store.ids(column="name") == names(*range(JOBS))


def everything_is_selected_and_nothing(page: Page) -> None:
    """Select all takes all pages of the filter, and a row unticked on one of them leaves it."""
    expect_ticked(page)
    tick(page, "job 11")
    page.get_by_role("button", name="Select all 11 matching").click()
    expect_ticked(page, *names(11, 10, 8, 7))
    page.get_by_role("button", name="Page 2").click()
    expect_jobs(page, names(6, 5, 4, 3))
    expect_ticked(page, *names(6, 5, 4, 3))
    tick(page, *names(4))
    expect_ticked(page, *names(6, 5, 3))
    expect_selected(page, "10 selected (10 finished)")
    page.get_by_role("button", name="Clear selection").click()
    expect_ticked(page)
    expect(page.locator(".st-key-line")).not_to_contain_text("selected")
