"""Pages in a real Chromium, which remember what went wrong."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, Response

from jobs_data import addresses
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from tests.support.app_servers import ARTEFACTS
from web.sessions import COOKIE

# A machine that does other things too takes its time over the first page; only failures wait for it.
PATIENCE = 15_000
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

    def open(self, url: str) -> None:
        """Open an address of the app, signed in as its administrator."""
        if not self.page.context.cookies():
            sign_in(self.page.context, url)
        self.page.goto(url)

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


def sign_in(context: BrowserContext, url: str) -> None:
    """Sign a window in as the administrator, by the form but without showing it."""
    parts = urlsplit(url)
    answer = httpx2.post(
        f"{parts.scheme}://{parts.netloc}{addresses.SIGN_IN}",
        data={"identifier": DEMO_ADMINISTRATOR, "password": DEMO_PASSWORD},
    )
    assert answer.status_code == 303
    context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": answer.cookies[COOKIE],
                "domain": parts.hostname or "",
                "path": addresses.BASE,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


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
        *,
        java_script: bool = True,
    ) -> Screen:
        """Open an empty page."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            timezone_id=timezone,
            locale="en-GB",
            java_script_enabled=java_script,
        )
        self.contexts.append(context)
        return Screen(context.new_page())

    def take_pictures(self, name: str) -> None:
        """Save what each window shows as test-artefacts/{name}-{number}.png."""
        pages = [page for context in self.contexts for page in context.pages]
        for number, page in enumerate(pages):
            with suppress(Error):
                page.screenshot(path=ARTEFACTS / f"{name}-{number}.png", full_page=True)

    def close(self) -> None:
        """Close every window opened."""
        for context in self.contexts:
            context.close()
