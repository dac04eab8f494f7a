"""How soon a press shows what it asks for in Chromium, beside the same press on a bare page."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.bench import FULL_SIZE, Bench, RunningApp, new_window, running_app
from benchmarks.figures import Figure, limited, seconds, within
from benchmarks.first_sight import running_bare_page
from tests.support.programs import find_program
from tests.support.screen import CHROMIUM_OPTIONS

ROUNDS: Final = 9
RERUNS: Final = 40
IDLE_SECONDS: Final = 3.0
LIMIT: Final = 1.5
CPU_SECONDS: Final = 0.025
PATIENCE: Final = 60_000
SETTLED: Final = 400
"""Milliseconds that nothing runs before the next press."""

# `window.pressed` says how many milliseconds lie between the next press and the frame that shows what
# it asks for. The grid of the bare page is painted: its texts are noted as they are drawn.
MEASURE: Final = f"""
    const drawn = new Set()
    const fillText = CanvasRenderingContext2D.prototype.fillText
    CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {{
        drawn.add(text)
        return fillText.call(this, text, ...more)
    }}
    const rows = () => {{
        const hosts = [...document.querySelectorAll(".st-key-jobs *")]
        const host = hosts.find((each) => each.shadowRoot?.querySelector("tbody tr"))
        const lines = host?.shadowRoot.querySelectorAll("tbody tr") ?? []
        return [...lines].map((row) => row.dataset.id).join(" ")
    }}
    const report = () => document.querySelector(".st-key-job_heading h1")?.textContent ?? ""
    let shown = ""
    window.press = (kind, event) => {{
        shown = rows()
        drawn.clear()
        const isThere = {{
            rows: () => rows() && rows() !== shown,
            list: () => rows() !== "",
            report: () => report() !== "" && !rows(),
            bare: () => [...drawn].some((text) => /^(Row|Other) /.test(text)),
        }}[kind]
        window.pressed = new Promise((resolve, reject) => {{
            const begin = (pressed) => {{
                setTimeout(reject, {PATIENCE}, new Error(`no ${{kind}}`))
                const look = () => isThere()
                    ? requestAnimationFrame(() => resolve(performance.now() - pressed.timeStamp))
                    : requestAnimationFrame(look)
                requestAnimationFrame(look)
            }}
            addEventListener(event, begin, {{ capture: true, once: true }})
        }})
    }}
"""


class Presses:
    """A page in a window of its own, and how long each kind of press has taken."""

    def __init__(self, browser: Browser, address: str, cookie: str = "") -> None:
        """Open the page."""
        self.address = address
        self.page: Page = new_window(browser, address, cookie).new_page()
        self.page.add_init_script(f"{{ {MEASURE} }}")
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    def open(self) -> None:
        """Open the page at its address."""
        self.page.goto(self.address)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing runs."""
        self.page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE)
        self.page.wait_for_timeout(SETTLED)
        self.page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE)

    def take(self, name: str, kind: str, act: Callable[[Page], Any], event: str = "click") -> None:
        """Note how long a press takes until what it asks for is there."""
        self.page.evaluate("([kind, event]) => press(kind, event)", [kind, event])
        act(self.page)
        self.times[name].append(float(self.page.evaluate("pressed")) / 1000)
        self.settle()

    def median(self, name: str) -> float:
        """Return the median of a press; the first one, which imports and compiles, is left out."""
        return median(self.times[name][1:])


def measure(bench: Bench) -> list[Figure]:
    """Return how long the list's presses take, and what a rerun costs the server."""
    with (
        running_app(bench.url(FULL_SIZE)) as app,
        running_bare_page("bare_presses.py") as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium", "chromium"), args=CHROMIUM_OPTIONS
        )
        ours = Presses(browser, app.address, app.sign_in())
        bare = Presses(browser, address)
        for _ in range(ROUNDS + 1):
            _round(ours, bare)
        cpu = _cpu_of_a_rerun(ours, app)
        browser.close()

    def figure(what: str, name: str, beside: str, limit: float | None = LIMIT) -> Figure:
        took, least = ours.median(name), bare.median(beside)
        what = f"{what} in Chromium, 1,000,000 jobs"
        if limit is None:
            return Figure(what, seconds(took), f"bare page {seconds(least)}", f"{took / least:.2f} ×")
        return within(what, took, least, "bare page", limit)

    return [
        figure("Press on a status", "filter", "rows"),
        figure("Press on the next page", "next", "rows"),
        figure("Press on a header, by name, with the sort in the database", "sort", "rows", None),
        figure("Press on a header, by name, sorted already", "sorted", "rows"),
        figure("Search, with the search in the database", "search", "rows", None),
        figure("Search that another session has begun", "searched", "rows"),
        figure("Press on a job", "open", "open"),
        figure("Back to the list", "back", "back"),
        limited("Processor time of the server for a press on a status", cpu, CPU_SECONDS),
    ]


def _round(ours: Presses, bare: Presses) -> None:
    def other_rows() -> None:
        bare.take("rows", "bare", lambda page: page.get_by_text("Other rows").click())

    ours.open()
    bare.open()
    ours.take("filter", "rows", lambda page: page.get_by_role("radio", name="Completed").click())
    other_rows()
    ours.take("next", "rows", lambda page: page.get_by_role("button", name="Next page").click())
    other_rows()
    ours.take("open", "report", lambda page: page.locator("a.main").first.click())
    bare.take("open", "bare", lambda page: page.get_by_text("Other page").click())
    ours.take("back", "list", _back, "popstate")
    bare.take("back", "bare", _back, "popstate")
    for name in ("sort", "sorted"):
        ours.open()
        ours.take(name, "rows", lambda page: page.get_by_role("button", name="Job", exact=True).click())
        other_rows()
    for name in ("search", "searched"):
        ours.open()
        ours.page.get_by_role("searchbox", name="Find jobs").fill("finding aid")
        ours.take(name, "rows", lambda page: page.keyboard.press("Enter"), "keydown")
        other_rows()


def _back(page: Page) -> None:
    page.evaluate("history.back()")


def _click(place: Locator, _page: Page) -> None:
    place.click()


def _cpu_of_a_rerun(ours: Presses, app: RunningApp) -> float:
    """Return the seconds of processor time that one press takes, without what the app does anyway."""
    ours.open()
    idle, began = _cpu(app), time.monotonic()
    time.sleep(IDLE_SECONDS)
    rate = (_cpu(app) - idle) / (time.monotonic() - began)
    before, began = _cpu(app), time.monotonic()
    for number in range(RERUNS):
        status = ours.page.get_by_role("radio", name=("Completed", "Total")[number % 2])
        ours.take("rerun", "rows", partial(_click, status))
    spent, took = _cpu(app) - before, time.monotonic() - began
    return (spent - rate * took) / RERUNS


def _cpu(app: RunningApp) -> float:
    user, system = Path(f"/proc/{app.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
