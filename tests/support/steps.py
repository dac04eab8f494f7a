"""What a person does on the jobs screen, sees there, and may never meet on the way."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.screen import Screen

MAX_TABS = 60
FOCUSED = "(document.activeElement?.ariaLabel || document.activeElement?.outerHTML || '').slice(0, 160)"
LONGER_THAN_THE_INTERVAL = 20_000

# On a deep link Streamlit's client does not know its base path yet: it asks for the server's health
# below the deepest path first, is told 404, and goes on with the next one, which answers.
STREAMLIT_PROBE = re.compile(r"GET http://[^/]+/admin/jobs/[a-z-]+/_stcore/(health|host-config): 404")


def assert_nothing_went_wrong(screen: Screen, *provoked: str) -> None:
    """Fail on any error in the console and any failed request.

    Streamlit's own probes are neither, nor is what the test provoked, such as "POST .*/sign-in: 401".
    """
    known = [STREAMLIT_PROBE, *map(re.compile, provoked)]
    failed = []
    errors = list(screen.console_errors)
    for request in screen.failed_requests:
        if not any(pattern.fullmatch(request) for pattern in known):
            failed.append(request)
            continue
        # Chromium writes a line for what the server refused, none for what it stopped itself.
        line = f"Failed to load resource: the server responded with a status of {request[-3:]} "
        if told := [error for error in errors if error.startswith(line)]:
            errors.remove(told[0])
    assert not failed
    assert not errors


def query(page: Page) -> dict[str, str]:
    """Return the query of the page's address."""
    return dict(parse_qsl(urlsplit(page.url).query))


def table(page: Page, name: str = "Jobs") -> Locator:
    """Return a table of rows by its name, also where the open filters hide it from screen readers."""
    return page.get_by_role("table", name=name, exact=True, include_hidden=True)


def row(page: Page, name: str, of: str = "Jobs") -> Locator:
    """Return the row of a table whose link has this name, the first where there are several."""
    link = page.get_by_role("link", name=name, exact=True)
    return table(page, of).get_by_role("row").filter(has=link).first


def names(page: Page, of: str = "Jobs") -> Locator:
    """Return the links that open the rows of a table."""
    return table(page, of).locator("a.main")


def expect_jobs(page: Page, shown: Sequence[str]) -> None:
    """Wait until the list shows exactly these jobs, in this order."""
    expect(names(page)).to_have_text(list(shown))


def open_row(page: Page, name: str, of: str = "Jobs") -> None:
    """Press the name of a row."""
    row(page, name, of).get_by_role("link", name=name, exact=True).click()


def sort_by(page: Page, column: str) -> None:
    """Press the header of a column."""
    table(page).get_by_role("button", name=column, exact=True).click()


def delete_button(page: Page, name: str) -> Locator:
    """Return the delete button of a row."""
    return row(page, name).get_by_role("button", name="Delete")


def tick(page: Page, *shown: str) -> None:
    """Tick rows, or untick them."""
    for name in shown:
        row(page, name).get_by_role("checkbox").click()


def expect_ticked(page: Page, *shown: str) -> None:
    """Wait until exactly these rows of the page are ticked."""
    ticked = table(page).get_by_role("row").filter(has=page.get_by_role("checkbox", checked=True))
    # The box above all is ticked, too, where all rows are.
    expect(ticked.locator("a.main")).to_have_text(list(shown))


def expect_selected(page: Page, summary: str) -> None:
    """Wait until the line above the table says what is selected."""
    expect(page.locator(".st-key-line").get_by_text(summary, exact=True)).to_be_visible()


def tab_to(page: Page, control: Locator) -> None:
    """Press Tab until a control has the focus, once the page is through with what came before."""
    expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)
    passed = []
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(FOCUSED))
        # Of the page, or of the shadow that a component lives in; a table may hand it to a cell.
        if control.evaluate("element => element.contains(element.getRootNode().activeElement)"):
            return
    pytest.fail(f"{control} cannot be reached by Tab, which leads to {passed}")


def download(page: Page, control: Locator) -> bytes:
    """Press a control and return the file that it downloads."""
    # A button that a run is about to replace asks for a file that the server has dropped.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    with page.expect_download() as downloading:
        control.click()
    return Path(downloading.value.path()).read_bytes()


def let_the_timer_fire(page: Page) -> None:
    """Move the browser's clock beyond the interval of auto refresh, once its timer is set."""
    timer = page.frame_locator("iframe[title*=autorefresh]")
    # Its first style comes with its first arguments, and so does its timer.
    expect(timer.locator("style").first).to_be_attached()
    page.clock.fast_forward(LONGER_THAN_THE_INTERVAL)


def send_to_background(page: Page, *, hidden: bool = True) -> None:
    """Make the tab believe that another one is in front of it, or that it is in front again."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true})
            document.dispatchEvent(new Event("visibilitychange"))
        }""",
        hidden,
    )
