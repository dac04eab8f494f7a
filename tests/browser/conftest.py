"""A real Chromium for the tests of this folder."""

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.app_servers import ARTEFACTS
from tests.support.programs import require_program
from tests.support.screen import CHROMIUM_OPTIONS, PATIENCE, Windows


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the installed Chromium."""
    return require_program("chromium", "chromium")


# Not the session's: Playwright keeps an event loop running in this thread, which would forbid
# tests in other folders to run one.
@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Run one browser for all tests of this folder."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of what a test that fails has on the screen."""
    report = yield
    windows = item.funcargs.get("new_page")
    if call.when == "call" and report.failed and isinstance(windows, Windows):
        windows.take_pictures(re.sub(r"[^\w-]+", "-", item.name))
    return report


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Windows]:
    """Give a function that opens a page; all are closed after the test."""
    ARTEFACTS.mkdir(exist_ok=True)
    windows = Windows(browser)
    yield windows
    windows.close()
