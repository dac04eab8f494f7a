"""The statistics in a real browser: what opens the list and a job, a CSV, and how they look."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.app_servers import DEMO_FAILURES, DEMO_PATTERN, DemoSite
from tests.support.pages import PANELS
from tests.support.screen import Screen, Windows
from tests.support.steps import assert_nothing_went_wrong, download, query, tab_to

LEFT_AT_ONCE = 1_500  # in milliseconds: a page that is left sooner leaves no entry in the history


@pytest.fixture
def address(demo_site: DemoSite) -> str:
    """Give the address of a demo."""
    return demo_site.address


def open_whole(screen: Screen, url: str) -> list[str]:
    """Open the statistics, wait until nothing is drawn any more, and return the list of warnings."""
    warnings: list[str] = []
    screen.page.on("console", lambda m: warnings.append(m.text) if m.type == "warning" else None)
    screen.open(url)
    expect_whole(screen.page)
    return warnings


def expect_whole(page: Page) -> None:
    """Wait until all panels are there and nothing runs any more."""
    expect(page.locator("h2")).to_have_text(PANELS, timeout=30_000)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    expect(page.locator('[data-stale="true"], [data-testid="stSkeleton"]')).to_have_count(0)
    # A chart is drawn after its place is there.
    expect(page.get_by_test_id("stVegaLiteChart").last.locator("svg")).to_be_visible()


def go_back(page: Page) -> None:
    """Go back to the statistics, once the page that they led to is through."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    page.go_back()
    expect_whole(page)


def top_error(page: Page) -> Locator:
    """Return the link of the demo's error that is known."""
    return page.get_by_role("table", name="Top errors").get_by_role("link", name=DEMO_PATTERN)


def expect_jobs_of_the_error(page: Page) -> None:
    """Wait until the jobs with the error are in sight."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("stCode")).to_have_text(DEMO_PATTERN)
    expect(dialog.get_by_text(f"{DEMO_FAILURES} jobs.")).to_be_in_viewport()
    assert "failure" in query(page)


def test_each_answer_leads_to_its_jobs(address: str, new_page: Windows) -> None:
    """By mouse: a count to the list, a name and an error to their jobs and one of them; with a CSV."""
    screen = new_page()
    page = screen.page
    warnings = open_whole(screen, f"{address}/report?period=90")
    assert warnings == []
    csv = download(page, page.locator(".st-key-csv-top-errors").get_by_role("button"))
    assert csv.decode("utf-8-sig").startswith("Error,Example,Jobs,Completed,First seen,Last seen,")
    page.get_by_role("button", name=re.compile("^✖ .* failed$")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Jobs")
    assert query(page)["status"] == "failed"
    assert query(page)["created"].endswith("Z..")
    go_back(page)
    names = page.get_by_role("table", name="By name").get_by_role("link")
    newest = page.get_by_role("list", name="The newest jobs of this name").get_by_role("link")
    failed = newest.and_(page.get_by_role("link", name=re.compile(": failed · ")))
    for number in range(10):
        names.nth(number).click()
        page.wait_for_url(re.compile(r"/name\?name="))
        expect(newest.first).to_be_visible()
        if failed.count():  # which names have one depends on when the demo was made
            break
        page.wait_for_timeout(LEFT_AT_ONCE)
        go_back(page)
    tab_to(page, failed.first)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/job\?"))
    expect(page.locator('.st-key-marks [aria-current="true"]')).to_have_text("✖")
    page.get_by_role("link", name="This name").click()
    page.wait_for_url(re.compile(r"/name\?name=.*&job="))
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_be_visible()
    for _ in range(2):
        page.go_back()
        page.wait_for_timeout(LEFT_AT_ONCE)
    go_back(page)
    assert query(page) == {"period": "90"}
    top_error(page).click()
    expect_jobs_of_the_error(page)
    page.reload()
    expect_jobs_of_the_error(page)
    page.get_by_role("dialog").get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/job\?"))
    assert_nothing_went_wrong(screen)


def test_the_keyboard_reaches_an_error_and_its_jobs(address: str, new_page: Windows) -> None:
    """Enter opens a row, Escape closes the dialog, and the focus stays where it can be seen."""
    screen = new_page()
    page = screen.page
    open_whole(screen, f"{address}/report")
    tab_to(page, top_error(page))
    page.keyboard.press("Enter")
    expect_jobs_of_the_error(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url(re.compile(r"/report$"))
    assert_nothing_went_wrong(screen)


def test_a_phone_in_the_dark_shows_it_all(address: str, new_page: Windows) -> None:
    """Nothing scrolls sideways, no year is cut off, and the numbers of a chart can be unfolded."""
    screen = new_page(390, 844, "dark")
    page = screen.page
    open_whole(screen, f"{address}/report?period=365")
    for width in (390, 480, 600):
        page.set_viewport_size({"width": width, "height": 844})
        expect_whole(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        labels = page.get_by_test_id("stVegaLiteChart").first.locator("svg text")
        room = labels.filter(has_text=re.compile(r"20\d\d$")).evaluate_all(
            """texts => texts.map(text => text.ownerSVGElement.getBoundingClientRect().right
               - text.getBoundingClientRect().right)"""
        )
        assert min(room) > -1, width
    page.get_by_text("The numbers").first.click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    # Streamlit's own CSV, of a table or of a chart's data, would not be defused.
    page.get_by_test_id("stVegaLiteChart").last.hover()
    own = page.get_by_role("button", name=re.compile(r"Show data|Download as CSV"))
    expect(own).to_have_count(0)
    top_error(page).click()
    expect_jobs_of_the_error(page)
    assert_nothing_went_wrong(screen)
