"""What a person does on the jobs screen, sees there, and may never meet on the way."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.support.screen import Screen

HEADER_CENTRE = 18
FIRST_ROW_CENTRE = 55
ROW_HEIGHT = 35
NAME_COLUMN, CREATED_COLUMN, DELETE_COLUMN = 1, 4, 8
HEADER_FROM_LEFT = {NAME_COLUMN: 60, CREATED_COLUMN: 540}
REPORT_FROM_RIGHT, DELETE_FROM_RIGHT = 92, 30
BOX_FROM_LEFT = 16
MAX_TABS = 60
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


def cells(page: Page, column: int) -> Locator:
    """Return a column's cells, counted from 1, as the canvas tells them to a screen reader."""
    return page.locator(f'canvas [role="gridcell"][aria-colindex="{column}"]')


def expect_jobs(page: Page, names: Sequence[str]) -> None:
    """Wait until the list shows exactly these jobs, in this order."""
    expect(cells(page, NAME_COLUMN)).to_have_text(list(names))


def pick_order(page: Page, order: str) -> None:
    """Pick an order of the list beside it."""
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name=order).click()


def press_header(page: Page, column: int) -> None:
    """Press the header of the name or the created column."""
    box = _grid(page)
    page.mouse.click(box["x"] + HEADER_FROM_LEFT[column], box["y"] + HEADER_CENTRE)


def press_report(page: Page, row: int) -> None:
    """Press the report button of a row, 0 for the first."""
    _press(page, row, REPORT_FROM_RIGHT)


def press_delete(page: Page, row: int) -> None:
    """Press where the delete button of a row is, or would be."""
    _press(page, row, DELETE_FROM_RIGHT)


def tab_to(page: Page, control: Locator) -> None:
    """Press Tab until a control has the focus, once the page is through with what came before."""
    expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        # Of the page, or of the shadow that a component lives in; a table may hand it to a cell.
        if control.evaluate("element => element.contains(element.getRootNode().activeElement)"):
            return
    pytest.fail(f"{control} cannot be reached by Tab")


def select_rows(page: Page, *rows: int) -> None:
    """Select rows by keyboard alone, the first being 0 and each below the one before."""
    tab_to(page, page.get_by_test_id("data-grid-canvas"))
    at = 0
    _expect_cursor(page, at)
    for row in rows:
        while at < row:
            page.keyboard.press("ArrowDown")
            at += 1
            _expect_cursor(page, at)
        page.keyboard.press("Shift+Space")


def press_box(page: Page, row: int) -> None:
    """Press the box in front of a row, 0 for the first."""
    box = _grid(page)
    page.mouse.click(box["x"] + BOX_FROM_LEFT, box["y"] + FIRST_ROW_CENTRE + row * ROW_HEIGHT)


def expect_rows_ticked(page: Page, rows: int) -> None:
    """Wait until so many rows are ticked."""
    expect(page.locator('canvas [role="row"][aria-selected="true"]')).to_have_count(rows)


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


def _expect_cursor(page: Page, row: int) -> None:
    # Keys that come before the grid has moved its cursor are lost.
    expect(cells(page, NAME_COLUMN).nth(row)).to_be_focused()


def _press(page: Page, row: int, from_right: int) -> None:
    box = _grid(page)
    page.mouse.click(
        box["x"] + box["width"] - from_right, box["y"] + FIRST_ROW_CENTRE + row * ROW_HEIGHT
    )


def _grid(page: Page) -> FloatRect:
    grid = page.get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box is not None
    return box
