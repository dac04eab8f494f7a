"""The report in a real browser: its panels, a failure's jobs, the last visit, and how it looks."""

import re

from playwright.sync_api import Page, expect

from tests.app_servers import AppServers
from tests.browser.conftest import Windows
from tests.browser.steps import assert_nothing_went_wrong, download, query

PANELS = [
    "How jobs ended",
    "Failure rate",
    "Durations",
    "Busiest hours",
    "Owners",
    "Failures, grouped",
    "Possibly stuck",
    "Since you last looked",
]
FIRST_BUTTON_FROM_RIGHT, FIRST_ROW_CENTRE = 60, 55


def expect_whole(page: Page) -> None:
    """Wait until the report has all its panels and nothing runs any more."""
    expect(page.locator("h3")).to_have_text(PANELS, timeout=30_000)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(page.locator('[data-stale="true"], [data-testid="stSkeleton"]')).to_have_count(0)
    # A chart is drawn after its place is there.
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg, canvas").last).to_be_visible()


def press_first_button(page: Page, table: str) -> None:
    """Press the button of the first row of a table."""
    grid = page.locator(f".st-key-{table}_grid").get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] - FIRST_BUTTON_FROM_RIGHT, box["y"] + FIRST_ROW_CENTRE)


def test_the_report_tells(app_server: AppServers, new_page: Windows) -> None:
    """Panels, a failure with its jobs, a CSV, the period, and the visit before, wide and narrow."""
    address = app_server()
    screen = new_page(height=4800)
    page = screen.page
    screen.open(f"{address}/report")
    expect_whole(page)
    expect(page.get_by_text("This browser has no earlier visit")).to_be_visible()
    screen.screenshot("report-wide")

    csv = download(page, page.locator(".st-key-csv-failures").get_by_role("button"))
    assert csv.decode("utf-8-sig").startswith("Jobs,Error,Example,New,First seen,Last seen\r\n")

    press_first_button(page, "failures")
    expect(page.locator(".st-key-pattern").get_by_test_id("stCode")).to_be_visible()
    assert "failure" in query(page)
    screen.screenshot("report-failure")

    page.get_by_text("7 days", exact=True).click()
    expect_whole(page)
    page.wait_for_url(re.compile(r"[?&]period=7"))
    page.reload()
    expect_whole(page)
    expect(page.get_by_text(re.compile(r"^Since 20\d\d-"))).to_be_visible()

    press_first_button(page, "pattern_jobs")
    expect(page.get_by_role("button", name="Back to jobs")).to_be_visible()
    assert re.search(r"/job\?", page.url)
    assert_nothing_went_wrong(screen)

    for name, options in (
        ("report-narrow", {"width": 390, "height": 5200}),
        ("report-dark", {"height": 4200, "color_scheme": "dark"}),
    ):
        other = new_page(**options)
        other.open(f"{address}/report?period=all")
        expect_whole(other.page)
        other.screenshot(name)
        assert_nothing_went_wrong(other)
