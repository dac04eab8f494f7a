"""How soon the list's table is on the screen in Chromium, beside a page that holds nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import httpx2
from playwright.sync_api import Browser, sync_playwright

from benchmarks.bench import FULL_SIZE, Bench, new_window, running_app
from benchmarks.figures import Figure, within
from tests.support.app_servers import ROOT, START_SECONDS, own_environment, stop
from tests.support.mariadb import free_port
from tests.support.programs import find_program
from tests.support.screen import CHROMIUM_OPTIONS

ROUNDS: Final = 9
COLD: Final = 1.1
RELOAD: Final = 1.2
PATIENCE: Final = 60_000

# The list's table has its rows, or the grid of the bare page its cells; the frame after that is drawn.
# A promise, for the page's policy forbids what Playwright's own wait makes of text.
NOTE_WHEN_SEEN: Final = f"""
    window.tableSeen = new Promise((resolve, reject) => {{
        setTimeout(reject, {PATIENCE}, new Error("no table"))
        const look = () => {{
            const hosts = [...document.querySelectorAll(".st-key-jobs *")]
            const isList = hosts.some((host) => host.shadowRoot?.querySelector("tbody tr"))
            if (isList || document.querySelector('canvas [role="gridcell"]'))
                requestAnimationFrame(() => resolve(performance.now()))
            else
                requestAnimationFrame(look)
        }}
        requestAnimationFrame(look)
    }})
"""


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of the first sight, with nothing in the browser's cache and on a reload."""
    with (
        running_app(bench.url(FULL_SIZE)) as app,
        running_bare_page() as bare,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium", "chromium"), args=CHROMIUM_OPTIONS
        )
        cookie = app.sign_in()
        ours, theirs = [], []
        # One round more than counts: the servers have to import what they need.
        for _ in range(ROUNDS + 1):
            theirs.append(seconds_until_seen(browser, bare))
            ours.append(seconds_until_seen(browser, app.address, cookie))
        browser.close()
    (cold, reload), (bare_cold, bare_reload) = (
        tuple(map(median, zip(*rounds[1:], strict=True))) for rounds in (ours, theirs)
    )
    return [
        within("Table in Chromium, 1,000,000 jobs, cold", cold, bare_cold, "bare page", COLD),
        within("Table in Chromium, 1,000,000 jobs, reload", reload, bare_reload, "bare page", RELOAD),
    ]


def seconds_until_seen(browser: Browser, address: str, cookie: str = "") -> tuple[float, float]:
    """Return the seconds from the navigation to the painted rows: in a new window, and on a reload."""
    with new_window(browser, address, cookie) as context:
        page = context.new_page()
        page.add_init_script(NOTE_WHEN_SEEN)
        times = []
        for is_reload in (False, True):
            if is_reload:
                page.reload()
            else:
                page.goto(address)
            times.append(float(page.evaluate("window.tableSeen")) / 1000)
            # What is drawn after the table, and written to the cache, is not to disturb the next.
            page.wait_for_timeout(500)
        return times[0], times[1]


@contextmanager
def running_bare_page(script: str = "bare_page.py") -> Iterator[str]:
    """Serve a bare page with the app's own configuration, and yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "benchmarks" / script)],
        env=own_environment() | {"STREAMLIT_SERVER_PORT": str(port)},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}/admin/jobs"
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx2.get(f"{address}/_stcore/health", timeout=5)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        stop(process)
