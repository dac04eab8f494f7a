"""The CSV of a million jobs over HTTP, beside the database's own client streaming the same rows."""

from __future__ import annotations

import os
import subprocess
import time
from statistics import median
from typing import Final

import httpx2

from benchmarks.bench import FULL_SIZE, Bench, RunningApp, running_app
from benchmarks.figures import Figure, limited, within
from jobs_data import addresses
from jobs_data.jobs.view import ListView
from tests.support.mariadb import MariaDB
from tests.support.programs import find_program
from web.sessions import COOKIE

ROUNDS: Final = 3
FIRST_BYTE_SECONDS: Final = 0.2
MEGABYTES: Final = 64
TIMES_THE_CLIENT: Final = 2.0

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
    """Return the figures of the export of a million jobs."""
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
    return [
        limited("Export of 1,000,000 jobs, first byte", median(firsts), FIRST_BYTE_SECONDS),
        within(
            "Export of 1,000,000 jobs, all of it",
            median(totals),
            median(client),
            "mariadb --quick --batch",
            TIMES_THE_CLIENT,
        ),
        within(
            "Export of 1,000,000 jobs, all of it, to a client that reads no gzip",
            median(plain),
            median(client),
            "mariadb --quick --batch",
            TIMES_THE_CLIENT,
        ),
        Figure(
            "Export of 1,000,000 jobs, memory above idle",
            f"{max(grown) / 2**20:.0f} MB",
            asked=f"at most {MEGABYTES} MB",
            reached=max(grown) <= MEGABYTES * 2**20,
        ),
    ]


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
