"""A real Chromium, pages in it that remember what went wrong, and the real app to look at."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright

from tests.conftest import find_program, free_port

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "test-artefacts"
START_SECONDS = 60
STOP_SECONDS = 10
OWN_SETTINGS = ("HERATIO_JOBS_", "STREAMLIT_")
CHROMIUM_OPTIONS = [
    # Its sandbox needs rights that a container rarely has; the only pages shown are ours.
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # A page that asks another host is a failure, with a network as without one.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@dataclass
class Screen:
    """One page in a window of its own, and what has gone wrong in it so far."""

    page: Page
    console_errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the start."""
        self.page.on("console", lambda m: self._note_console(m.type, m.text))
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("response", self._note_response)

    def screenshot(self, name: str, *, full_page: bool = False) -> Path:
        """Save what the window, or the whole page, shows as test-artefacts/{name}.png."""
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=full_page)
        return path

    def _note_console(self, kind: str, text: str) -> None:
        if kind == "error":
            self.console_errors.append(text)

    def _note_failure(self, request: Request) -> None:
        # A page that is left and a download that begins cancel requests: that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.failed_requests.append(f"{request.method} {request.url}: {request.failure}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.failed_requests.append(f"{response.request.method} {response.url}: {response.status}")


@dataclass
class Windows:
    """Opens windows in one browser; each has cookies and storage of its own."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self,
        width: int = 1280,
        height: int = 800,
        color_scheme: Literal["light", "dark"] = "light",
        timezone: str = "UTC",
    ) -> Screen:
        """Open an empty page."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            timezone_id=timezone,
            locale="en-GB",
        )
        self.contexts.append(context)
        return Screen(context.new_page())

    def close(self) -> None:
        """Close every window opened."""
        for context in self.contexts:
            context.close()


@dataclass
class AppServers:
    """Starts the app as `make run` does, each time with settings of its own."""

    log_name: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, **environment: str) -> str:
        """Start the app with these environment variables and return the address of its list."""
        port = free_port()
        address = f"http://127.0.0.1:{port}/admin/jobs"
        log = ARTEFACTS / f"{self.log_name}-{len(self.processes) + 1}.log"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN_SETTINGS)}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")],
                env=inherited | {"STREAMLIT_SERVER_PORT": str(port)} | environment,
                # Not the checkout, whose .env would add settings of its own.
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                httpx2.get(f"{address}/_stcore/health", timeout=5)
            except httpx2.TransportError:
                time.sleep(0.1)
            else:
                return address
        text = log.read_text("utf-8", "replace")
        pytest.fail(f"The app did not start:\n{text[-4000:]}", pytrace=False)

    def close(self) -> None:
        """Stop every app started."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the installed Chromium."""
    return find_program("chromium", "chromium")


# Not the session's: Playwright keeps an event loop running in this thread, which would forbid
# tests in other folders to run one.
@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Run one browser for all tests of this folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Windows]:
    """Give a function that opens a page; all are closed after the test."""
    ARTEFACTS.mkdir(exist_ok=True)
    windows = Windows(browser)
    yield windows
    windows.close()


@pytest.fixture(scope="module")
def app_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServers]:
    """Give a function that starts the app; all are stopped after the module's tests."""
    ARTEFACTS.mkdir(exist_ok=True)
    servers = AppServers(request.path.stem, tmp_path_factory.mktemp("app"))
    yield servers
    servers.close()
