"""How long the server takes over each screen, at first sight in a fresh process and from the cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import Final

from benchmarks.bench import FULL_SIZE, Bench
from benchmarks.figures import Figure, limited
from jobs_data.accounts.accounts import Right
from jobs_data.accounts.introductions import HEADER, Introduction
from tests.support.app_servers import ROOT

PROCESSES: Final = 3
ROUNDS: Final = 5
FIRST_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 0.1
PATIENCE: Final = 60.0
SCREENS: Final[dict[str, tuple[str, dict[str, str], str]]] = {
    "Jobs": ("", {}, "Jobs"),
    "Statistics, 30 days": ("report", {}, "Statistics"),
    "Statistics, all time": ("report", {"period": "all"}, "Statistics"),
    "Queues": ("queue-browse", {}, "Queues"),
    "Batches": ("queue-batches", {}, "Batches"),
    "One queued job": ("queue-job", {"id": "1"}, ""),
}
"""The address of each, its query and, where that is always the same, its title."""

ADMINISTRATOR: Final = Introduction(
    1, "Administrator", Right.ADMINISTRATOR, session="s", fingerprint="f", until=None
)


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of every screen with a million jobs."""
    url = bench.url(FULL_SIZE)
    figures = []
    for name in SCREENS:
        runs = [_in_a_fresh_process(url, name) for _ in range(PROCESSES)]
        first, again = (median(times) for times in zip(*runs, strict=True))
        figures.append(limited(f"Screen {name}, first in a process", first, FIRST_SECONDS))
        figures.append(limited(f"Screen {name}, again", again, AGAIN_SECONDS))
    return figures


def _in_a_fresh_process(url: str, name: str) -> tuple[float, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.screens", name],
        check=True,
        cwd=ROOT,
        env={**os.environ, "HERATIO_JOBS_DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    first, again = json.loads(answer.stdout.splitlines()[-1])
    return first, again


def main() -> None:
    """Run one screen in this process, which has just begun, and print what it took as JSON."""
    # Here and not above: to load these is part of no screen, for the server has them loaded.
    from streamlit.runtime.context import ContextProxy  # noqa: PLC0415
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415
    from streamlit.util import calc_hash  # noqa: PLC0415

    from pages.parts.shared.services import get_services  # noqa: PLC0415

    # What the gate tells the pages of who is there.
    token = get_services().introductions.sign(ADMINISTRATOR)
    ContextProxy.headers = {HEADER: token}  # type: ignore[assignment, method-assign]
    with get_services().database.engine.connect():
        pass  # what connecting takes is no part of the screen
    address, params, title = SCREENS[sys.argv[1]]
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=PATIENCE)
    # `switch_page` would need a first run of another page.
    app._page_hash = calc_hash(address) if address else ""
    for name, value in params.items():
        app.query_params[name] = value
    times = []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - began)
        titles = [found.value for found in app.title]
        if app.exception or app.error or (title and titles != [title]):
            raise RuntimeError(f"{sys.argv[1]} shows {titles} {app.error}")
    get_services().close()
    print(json.dumps([times[0], median(times[1:])]))


if __name__ == "__main__":
    main()
