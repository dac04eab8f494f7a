"""What every measurement stands on: a MariaDB server with databases of the demo, and the app."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, BrowserContext

from jobs_data import addresses
from jobs_data.demo import DEMO_ADMINISTRATOR, DEMO_PASSWORD
from jobs_data.settings import SHARED_SECONDS
from tests.support.app_servers import ROOT, AppServers
from tests.support.mariadb import MariaDB
from web.sessions import COOKIE

SEED: Final = 3
FULL_SIZE: Final = 1_000_000
"""The number of jobs that the limits are about."""

USUAL_JOBS: Final = 1_000
"""What a platform usually holds: few jobs among a million records."""

USUAL_RECORDS: Final = (
    "INSERT INTO object (class_name, created_at, updated_at)"
    " SELECT 'QubitInformationObject', NOW(), NOW() FROM seq_1_to_1000000"
)

SIGNING_KEY: Final = "a key for measurements that nobody needs to guess"
SECONDS_BETWEEN_LOOKS: Final = 0.02


@dataclass(frozen=True)
class Bench:
    """A running server, and the sizes of the databases in it."""

    server: MariaDB
    sizes: tuple[int, ...]
    made_in: dict[int, float] = field(default_factory=dict)
    """The seconds in which the demo command made a database in this run, by its number of jobs."""

    def url(self, jobs: int) -> str:
        """Return the SQLAlchemy URL of the database with so many jobs, which is made if need be."""
        name = f"jobs_{jobs}"
        if not self._has(name):
            # Under another name first: a database that was left half made is not used.
            self._create(f"making_{jobs}", jobs)
            self._rename(f"making_{jobs}", name)
        return self.server.url(name)

    def usual_url(self) -> str:
        """Return the URL of a database of the usual shape, which is made if need be."""
        if not self._has("usual"):
            self._create("making_usual", USUAL_JOBS)
            with self.server.cursor("making_usual") as cursor:
                cursor.execute(USUAL_RECORDS)
            self._rename("making_usual", "usual")
        return self.server.url("usual")

    def copy(self, jobs: int, name: str) -> str:
        """Return the URL of another database with so many jobs, made anew under a name."""
        self._create(name, jobs)
        return self.server.url(name)

    def drop(self, name: str) -> None:
        """Drop a database."""
        self.server.drop_database(name)

    def _has(self, name: str) -> bool:
        with self.server.cursor() as cursor:
            cursor.execute("SHOW DATABASES LIKE %s", (name,))
            return cursor.fetchone() is not None

    def _create(self, name: str, jobs: int) -> None:
        print(f"Making a database of {jobs:,} jobs", flush=True)
        with self.server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        self.server.create_database(name)
        began = time.perf_counter()
        subprocess.run(
            [
                *(sys.executable, "-m", "jobs_data", "demo", self.server.url(name)),
                *("--jobs", str(jobs), "--seed", str(SEED)),
            ],
            check=True,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        self.made_in[jobs] = time.perf_counter() - began

    def _rename(self, before: str, after: str) -> None:
        self.server.create_database(after)
        with self.server.cursor(before) as cursor:
            cursor.execute("SHOW TABLES")
            moves = [f"`{before}`.`{name}` TO `{after}`.`{name}`" for (name,) in cursor.fetchall()]
            cursor.execute(f"RENAME TABLE {', '.join(moves)}")
            cursor.execute(f"ANALYZE TABLE {', '.join(f'`{after}`.`{n}`' for n in ('job', 'object'))}")
            cursor.execute(f"DROP DATABASE `{before}`")


@dataclass(frozen=True)
class RunningApp:
    """The real app, as `make run` starts it."""

    address: str
    """The address of its list."""
    pid: int

    def memory(self) -> int:
        """Return the bytes that its process holds in memory now."""
        return resident_bytes(self.pid)

    @contextmanager
    def peak_memory(self) -> Iterator[list[int]]:
        """Watch its memory meanwhile; the list holds the most that was seen, in bytes."""
        peak = [self.memory()]
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                peak[0] = max(peak[0], self.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield peak
        finally:
            ended.set()
            watcher.join()

    def sign_in(self) -> str:
        """Sign in as the demo's administrator, and return the value of the session's cookie."""
        parts = urlsplit(self.address)
        answer = httpx2.post(
            f"{parts.scheme}://{parts.netloc}{addresses.SIGN_IN}",
            data={"identifier": DEMO_ADMINISTRATOR, "password": DEMO_PASSWORD},
            timeout=60,
        )
        if answer.status_code != 303:
            raise RuntimeError(f"signing in was answered with {answer.status_code}")
        return answer.cookies[COOKIE]


@contextmanager
def running_app(database_url: str) -> Iterator[RunningApp]:
    """Run the app on a database."""
    with tempfile.TemporaryDirectory() as folder:
        servers = AppServers("benchmark", Path(folder))
        try:
            address = servers(
                HERATIO_JOBS_DATABASE_URL=database_url,
                HERATIO_JOBS_SECRET_KEY=SIGNING_KEY,
                HERATIO_JOBS_LIST_SECONDS=str(SHARED_SECONDS),
            )
            yield RunningApp(address, servers.processes[-1].pid)
        finally:
            servers.close()


def in_fresh_process(module: str, *arguments: str) -> Any:
    """Return the JSON that a module of the benchmarks prints as a program."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    return json.loads(answer.stdout)


def new_window(browser: Browser, address: str, cookie: str = "") -> BrowserContext:
    """Return a window of the browser, signed in by a session's cookie if there is one."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, timezone_id="UTC", locale="en-GB"
    )
    if cookie:
        context.add_cookies(
            [
                {
                    "name": COOKIE,
                    "value": cookie,
                    "domain": urlsplit(address).hostname or "",
                    "path": addresses.BASE,
                }
            ]
        )
    return context


def resident_bytes(pid: int) -> int:
    """Return the bytes that a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def quiet(server: MariaDB, patience: float = 60) -> None:
    """Wait until the server has written down what earlier work left, so that it costs no other."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with server.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'")
            row = cursor.fetchone()
        if row is None or int(row[1]) < 100:
            return
        time.sleep(0.5)
