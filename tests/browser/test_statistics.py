"""The report in a real browser: its panels, a failure's jobs, the last visit, and how it looks."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.app_servers import DEMO_FAILURES, DEMO_PATTERN, DemoSite
from tests.support.pages import PANELS
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, download, query, tab_to

# Columns are stretched where there is room, and a button is in the middle of its cell.
BUTTON_FROM_LEFT = {"failures": 80, "pattern_jobs": 110}
FIRST_ROW_CENTRE = 55


@pytest.fixture
def address(demo_site: DemoSite) -> str:
    """Give the address of a demo."""
    return demo_site.address


def expect_whole(page: Page) -> None:
    """Wait until the report has all its panels and nothing runs any more."""
    expect(page.locator("h3")).to_have_text(PANELS, timeout=30_000)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(page.locator('[data-stale="true"], [data-testid="stSkeleton"]')).to_have_count(0)
    # A chart is drawn after its place is there.
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg, canvas").last).to_be_visible()


def grid(page: Page, table: str) -> Locator:
    """Return a table that has been drawn."""
    canvas = page.locator(f".st-key-{table}_grid").get_by_test_id("data-grid-canvas")
    expect(canvas.locator('[role="gridcell"]').first).to_be_attached()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return canvas


def press_first_button(page: Page, table: str) -> None:
    """Press the button of the first row of a table, once nothing moves any more."""
    grid(page, table)
    page.locator(f".st-key-{table}_grid").get_by_test_id("stDataFrame").click(
        position={"x": BUTTON_FROM_LEFT[table], "y": FIRST_ROW_CENTRE}
    )


def select_first_row(page: Page, table: str) -> None:
    """Go to a table by Tab, and select its first row."""
    canvas = grid(page, table)
    tab_to(page, canvas)
    # Keys that come before the grid has moved its cursor are lost.
    expect(canvas.locator('[role="gridcell"]:focus')).to_have_count(1)
    page.keyboard.press("Shift+Space")


def expect_jobs_of_the_error(page: Page) -> None:
    """Wait until the jobs with the error are in sight."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("stCode")).to_have_text(DEMO_PATTERN)
    expect(dialog.get_by_text(f"{DEMO_FAILURES} jobs.")).to_be_in_viewport()
    assert "failure" in query(page)


def test_the_report_tells(address: str, new_page: Windows) -> None:
    """Panels, a failure with its jobs, a CSV, the period, and the visit before."""
    screen = new_page()
    page = screen.page
    screen.open(f"{address}/report")
    expect_whole(page)
    expect(page.get_by_text("This browser has no earlier visit")).to_be_visible()

    csv = download(page, page.locator(".st-key-csv-failures").get_by_role("button"))
    assert csv.decode("utf-8-sig").startswith("Jobs,Error,Example,New,First seen,Last seen\r\n")

    # Streamlit's own CSV, of a table or of a chart's data, would not be defused.
    page.get_by_test_id("stVegaLiteChart").last.hover()
    expect(page.get_by_role("button", name="Fullscreen: Jobs by owner")).to_be_visible()
    own = re.compile(r"Show data|Download as CSV")
    expect(page.get_by_role("button", name=own)).to_have_count(0)

    page.get_by_text("7 days", exact=True).click()
    page.wait_for_url(re.compile(r"[?&]period=7"))
    expect(page.get_by_text("In the 7 days before")).to_be_visible()
    expect_whole(page)
    press_first_button(page, "failures")
    expect_jobs_of_the_error(page)
    page.reload()
    expect_jobs_of_the_error(page)
    expect(page.get_by_text(re.compile(r"^Since 20\d\d-"))).to_be_attached()
    press_first_button(page, "pattern_jobs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stocktaking")
    assert re.search(r"/job\?", page.url)
    assert_nothing_went_wrong(screen)


def test_the_keyboard_opens_a_failure_and_a_job(address: str, new_page: Windows) -> None:
    """The grid's buttons take no key, selecting a row does the same; Escape closes the list."""
    screen = new_page()
    page = screen.page
    screen.open(f"{address}/report")
    expect_whole(page)
    page.locator("summary").last.focus()
    select_first_row(page, "failures")
    expect_jobs_of_the_error(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url(re.compile(r"/report$"))
    expect_whole(page)
    # The same row again: its selection was forgotten.
    page.locator("summary").last.focus()
    select_first_row(page, "failures")
    expect_jobs_of_the_error(page)
    select_first_row(page, "pattern_jobs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stocktaking")
    assert_nothing_went_wrong(screen)


def test_a_failures_jobs_are_in_sight_on_a_phone(address: str, new_page: Windows) -> None:
    """Without scrolling sideways, in the dark."""
    screen = new_page(390, 844, "dark")
    page = screen.page
    screen.open(f"{address}/report?period=all")
    expect_whole(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    press_first_button(page, "failures")
    expect_jobs_of_the_error(page)
    assert_nothing_went_wrong(screen)


def test_no_year_is_cut_off_at_the_end_of_an_axis(address: str, new_page: Windows) -> None:
    """Whichever label is the last one, in windows of several widths."""
    screen = new_page(390, 844)
    page = screen.page
    screen.open(f"{address}/report?period=365")
    for width in (390, 420, 450, 480, 540, 600):
        page.set_viewport_size({"width": width, "height": 844})
        expect_whole(page)
        labels = page.get_by_test_id("stVegaLiteChart").first.locator("svg text")
        room = labels.filter(has_text=re.compile(r"20\d\d$")).evaluate_all(
            """texts => texts.map(text => text.ownerSVGElement.getBoundingClientRect().right
               - text.getBoundingClientRect().right)"""
        )
        assert min(room) > -1, width
