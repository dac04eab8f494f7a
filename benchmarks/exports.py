"""The CSV of a million jobs over HTTP, beside the database's own client streaming the same rows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

import httpx2

from benchmarks.bench import FULL_SIZE, Bench, RunningApp, running_app
from benchmarks.figures import Figure, limited, within
from jobs_data import addresses
from jobs_data.jobs.view import ListView, Sort
from tests.support.mariadb import MariaDB
from tests.support.programs import find_program
from tests.support.watching import Watcher
from web.sessions import COOKIE

ROUNDS: Final = 3
FIRST_BYTE_SECONDS: Final = 0.2
MEGABYTES: Final = 64
TIMES_THE_CLIENT: Final = 1.5
TIMES_ALONE: Final = 2.0
"""Two exports at once may take as long as one after the other."""

OPEN_SECONDS: Final = 2.0
"""How long a user waits for the list at most while others export."""

# The same rows, columns and order as the export of the default list.
SAME_ROWS: Final = """
    SELECT job.name, term_i18n.name, coalesce(actor_i18n.authorized_form_of_name, user.username),
        object.created_at, job.completed_at
    FROM job
    LEFT JOIN object ON object.id = job.id
    LEFT JOIN user ON user.id = job.user_id
    LEFT JOIN actor_i18n ON actor_i18n.id = job.user_id AND actor_i18n.culture = 'en'
    LEFT JOIN term_i18n ON term_i18n.id = job.status_id AND term_i18n.culture = 'en'
    ORDER BY object.created_at DESC, job.id DESC
"""


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of the export of a million jobs, and of the first byte of more."""
    url = bench.url(FULL_SIZE)
    client, firsts, totals, plain, grown = [], [], [], [], []
    with running_app(url) as app:
        cookie = app.sign_in()
        download(app, cookie, rows=1_000)  # loads what only a first export needs
        for _ in range(ROUNDS):
            client.append(client_seconds(bench.server, f"jobs_{FULL_SIZE}"))
            idle = app.memory()
            with app.peak_memory() as peak:
                first, total = download(app, cookie)
            plain.append(download(app, cookie, encoding="identity")[1])
            firsts.append(first)
            totals.append(total)
            grown.append(peak[0] - idle)
        together = measure_two(app, cookie)
        by_name = median(seconds_to_begin(app, cookie, ListView(sort=Sort.NAME)) for _ in range(ROUNDS))
    size, beside = f"Export of {FULL_SIZE:,} jobs", (median(client), "mariadb --quick --batch")
    return [
        limited(f"{size}, first byte", median(firsts), FIRST_BYTE_SECONDS),
        limited(f"{size}, sorted by name, until the response begins", by_name, FIRST_BYTE_SECONDS),
        *(
            limited(
                f"Export of {jobs:,} jobs, first byte, new process",
                first_byte_after_start(bench.url(jobs)),
                FIRST_BYTE_SECONDS,
            )
            for jobs in bench.sizes
            if jobs >= FULL_SIZE
        ),
        within(f"{size}, all of it", median(totals), *beside, TIMES_THE_CLIENT),
        within(
            f"{size}, all of it, without gzip",
            median(plain),
            *beside,
            TIMES_THE_CLIENT,
        ),
        _memory(f"{size}, memory above idle", max(grown)),
        within(
            f"Two exports of {FULL_SIZE:,} jobs at once, the slower one",
            together.slower,
            median(totals),
            "one alone",
            TIMES_ALONE,
        ),
        _memory(f"Two exports of {FULL_SIZE:,} jobs at once, memory above idle", together.grown),
        limited("The list is opened while two exports run", together.opened, OPEN_SECONDS),
    ]


@dataclass
class Together:
    """Two exports at the same time."""

    slower: float
    """Seconds until both were complete."""
    grown: int
    """Bytes of memory above idle."""
    opened: float
    """Seconds until a new session has the list during the exports: the median."""


def measure_two(app: RunningApp, cookie: str) -> Together:
    """Download the export twice at once, and open the list repeatedly until both have ended."""
    asyncio.run(_open_list(app, cookie))
    idle, began, opened = app.memory(), time.perf_counter(), []
    with app.peak_memory() as peak, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(download, app, cookie) for _ in range(2)]
        while not all(one.done() for one in both):
            opened.append(asyncio.run(_open_list(app, cookie)))
        slower = max(one.result()[1] for one in both)
    print(f"two exports took {time.perf_counter() - began:.1f} s, with {len(opened)} lists opened")
    return Together(slower, peak[0] - idle, median(opened))


async def _open_list(app: RunningApp, cookie: str) -> float:
    began = time.perf_counter()
    watcher = Watcher(app.address, cookie)
    try:
        await watcher.open()
        return time.perf_counter() - began
    finally:
        await watcher.close()


def first_byte_after_start(url: str) -> float:
    """Return the median of the seconds until an export's first jobs, of processes just started."""
    firsts = []
    for _ in range(ROUNDS):
        with running_app(url) as app:
            firsts.append(download(app, app.sign_in(), rows=1_000)[0])
    return median(firsts)


def _memory(what: str, grown: int) -> Figure:
    return Figure(
        what,
        f"{grown / 2**20:.0f} MB",
        asked=f"at most {MEGABYTES} MB",
        reached=grown <= MEGABYTES * 2**20,
    )


def client_seconds(server: MariaDB, database: str) -> float:
    """Return the seconds in which the database's own client streams the same rows to nowhere."""
    began = time.perf_counter()
    subprocess.run(
        [
            find_program("mariadb", "mariadb-client-core"),
            *("--no-defaults", "--quick", "--batch", f"--host={server.host}"),
            *(f"--port={server.port}", f"--user={server.user}", f"--execute={SAME_ROWS}", database),
        ],
        check=True,
        env={**os.environ, "MYSQL_PWD": server.password},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def seconds_to_begin(app: RunningApp, cookie: str, view: ListView) -> float:
    """Return the seconds until the response of an export begins; then read the rest of it."""
    address = app.address.removesuffix(addresses.BASE) + addresses.export_url(view)
    began = time.perf_counter()
    with httpx2.stream("GET", address, headers={"Cookie": f"{COOKIE}={cookie}"}, timeout=600) as answer:
        answer.raise_for_status()
        taken = time.perf_counter() - began
        for _ in answer.iter_raw():
            pass
    return taken


def download(
    app: RunningApp, cookie: str, rows: int | None = None, encoding: str = "gzip"
) -> tuple[float, float]:
    """Return the seconds until the export's first byte and until its last; `rows` ends it early.

    Browsers ask for it compressed, as this does.
    """
    address = app.address.removesuffix(addresses.BASE) + addresses.export_url(ListView())
    lines = 0
    first = 0.0
    began = time.perf_counter()
    headers = {"Cookie": f"{COOKIE}={cookie}", "Accept-Encoding": encoding}
    with httpx2.stream("GET", address, headers=headers, timeout=600) as answer:
        for chunk in answer.iter_bytes():
            first = first or time.perf_counter() - began
            lines += chunk.count(b"\n")
            if rows is not None and lines >= rows:
                break
    total = time.perf_counter() - began
    # Some names hold line ends of their own.
    if rows is None and lines <= FULL_SIZE:
        raise RuntimeError(f"the export has {lines:,} lines, fewer than {FULL_SIZE + 1:,}")
    return first, total
