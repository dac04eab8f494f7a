"""The load of a large institution on the running app: nothing may fail, leak or get lost.

Sessions watch the list, some of them open other pages; programs use the JSON API, exports, health and
metrics; a clean-up and its restore run again and again. The platform's workers change jobs.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import httpx2
import numpy as np
from sqlalchemy import select

from benchmarks.bench import SIGNING_KEY, RunningApp
from benchmarks.figures import circumstances, markdown, percentile, seconds
from benchmarks.watchers import cookies_like
from jobs_data import addresses, demo
from jobs_data.accounts.accounts import Account
from jobs_data.accounts.tokens import Scope, Tokens
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.settings import REFRESH_SECONDS, SHARED_SECONDS
from jobs_data.store import receipts, schema
from jobs_data.store.database import Store, file_store
from jobs_data.store.receipt_writer import Action
from tests.reliability.working_platform import WorkingPlatform
from tests.support import mariadb
from tests.support.app_servers import ARTEFACTS, AppServers
from tests.support.mariadb import MariaDB
from tests.support.watching import Run, Watcher

T = TypeVar("T")
Act = Callable[[], Awaitable[None]]

NAME: Final = "arUpdateEsIoDocumentsJob"
"""A fifth of the demo's jobs are called so; the clean-up deletes these."""

PAGES: Final = (
    ("report", ""),
    ("", "q=output:shelf"),
    ("job", "id={id}"),
    ("queue-browse", ""),
    ("", "status=failed&finished=30d&sort=name"),
    ("receipts", ""),
    ("", f"name={NAME}&page=7"),
)
"""What some sessions look at besides the list: pages by the end of their address, and queries."""

PATIENCE: Final = 1_800.0
"""How long a deletion, a restore or an answer may take."""

SETTLE_SECONDS: Final = 2.0
MEBIBYTE: Final = 2**20
MOST_SHOWN: Final = 20
APP: Final = "app"
"""The app's account at the server, so that its connections can be counted."""

AWAY: Final = ":material/cloud_off:"
"""The icon of every sentence that says that the database cannot be read."""

CONTENTS: Final = (
    "SELECT job.id, CRC32(CONCAT_WS('|', name, status_id, job.completed_at, user_id, object_id,"
    " download_path, output, created_at, updated_at)) FROM job JOIN object ON object.id = job.id"
)
FINISHED: Final = f"SELECT id FROM job WHERE name = '{NAME}' AND status_id IN (184, 185)"
COUNTS: Final = (
    "SELECT COUNT(*), SUM(completed_at IS NULL AND COALESCE(status_id, 0) NOT IN (184, 185)),"
    " SUM(status_id <=> 184), SUM(status_id <=> 185) FROM job"
)


@dataclass(frozen=True)
class Load:
    """How much is done, and for how long."""

    seconds: float = 300
    jobs: int = 100_000
    sessions: int = 100
    pause: float = REFRESH_SECONDS
    """Seconds between two refreshes of a session."""
    changes_a_second: float = 3_100 / 300
    warm_seconds: float = 30
    """The same load before: what it leaves in the app is there from then on."""
    left_seconds: float = 125
    """How long to wait after it: Streamlit keeps a session for two minutes."""
    may_grow: int = 30
    """By how many files, threads and connections: the pools of both databases fill when needed."""
    most_kept: int = 256
    """How many sessions may be kept after they have ended: Streamlit keeps 128."""


@dataclass(frozen=True)
class Used:
    """What the app's process has in use."""

    memory: int
    sessions: int
    """Ended ones, too: Streamlit keeps them for two minutes, and Python until it collects garbage."""
    files: int
    """Without the three of each session."""
    threads: int
    connections: int

    def __str__(self) -> str:
        """Return it as a cell of the table."""
        return (
            f"{self.memory / MEBIBYTE:.0f} MB, {self.sessions} sessions, {self.files} other files, "
            f"{self.threads} threads, {self.connections} connections"
        )


@dataclass
class Soak:
    """A load on a running app, and its result."""

    app: RunningApp
    server: MariaDB
    database: str
    own: Store
    """The app's own database."""
    load: Load
    problems: list[str] = field(default_factory=list)
    """Whatever was not as it should be; nothing else says that the load has failed."""
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long answers took, by their kind."""
    used: dict[str, Used] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    """Bytes in use, every few seconds."""
    cleaned: int = 0
    restored: int = 0
    deleted: int = 0
    """How many jobs clean-ups have deleted and restores restored; and how many went one by one."""

    async def run(self) -> None:
        """Load the app, and compare at the end."""
        self.before, self.random = dict(self._rows(CONTENTS)), Random(15)
        finished = [job_id for (job_id,) in self._rows(FINISHED)]
        url, speed = self.server.url(self.database), self.load.changes_a_second
        self.platform = WorkingPlatform(url, NAME, finished, speed)
        cookies = cookies_like(self.app.sign_in(), self.load.sessions + 2)
        *sessions, last = [Watcher(self.app.address, cookie) for cookie in cookies]
        self.client = httpx2.AsyncClient(
            base_url=self.app.address.removesuffix(addresses.BASE),
            headers={"Authorization": f"Bearer {self._token()}", "Accept": "application/json"},
            timeout=PATIENCE,
            limits=httpx2.Limits(keepalive_expiry=1),  # the server ends idle connections after 5 s
        )
        self.used["before the load"] = self._used()
        async with self.client:
            self.platform.start()
            try:
                for session in sessions:
                    await session.open()
                await self._round(sessions, self.load.warm_seconds)
                self.used["at its start"] = self._used()
                self.seconds.clear()
                self.memory.clear()
                statements, began = await self._statements(), time.monotonic()
                await self._round(sessions, self.load.seconds)
                self.statements = await self._statements() - statements
                self.took = time.monotonic() - began
                self.used["at its end"] = self._used()
            finally:
                self.platform.stop()
                for session in sessions:
                    await session.close()
            await asyncio.sleep(self.load.left_seconds)
            await self._compare(last)
            await asyncio.sleep(SETTLE_SECONDS)
        self.used["after all have left"] = self._used()
        self.problems += self.platform.problems

    async def _round(self, sessions: list[Watcher], seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        acts: list[tuple[Act, float]] = [
            (partial(self._clean_up, sessions[0]), 5),
            (self._program, 1),
            (self._follow, 2),
            (self._delete, 1),
            (self._export_some, 5),
            (self._monitor, 5),
        ]
        viewers = [self._view(number, session) for number, session in enumerate(sessions[1:])]
        await asyncio.gather(*(self._again(act, pause) for act, pause in acts), *viewers)
        await asyncio.sleep(SETTLE_SECONDS)

    async def _again(self, act: Act, pause: float) -> None:
        """Act until the round ends; a failure is noted, and it goes on."""
        while time.monotonic() < self._ends_at:
            try:
                await act()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is part of the result
                self.problems.append(f"{getattr(act, '__name__', 'a clean-up')}: {error!r}")
            await asyncio.sleep(min(pause, self.load.pause))

    # What people do.

    async def _view(self, number: int, session: Watcher) -> None:
        """Watch the list; every fifth session opens another page between two refreshes, or reloads."""
        pages, ids = itertools.cycle((*PAGES, None)), list(self.before)

        async def refresh() -> None:
            self._shown("Refresh", await session.run())
            if number % 5:
                return
            if page := next(pages):
                path, query = page
                self._shown("Page", await session.visit(path, query.format(id=self.random.choice(ids))))
                self._shown("Page", await session.visit())
            else:
                await session.close()
                self._shown("Page", await session.open())

        await asyncio.sleep(self.load.pause * number / self.load.sessions)
        await self._again(refresh, self.load.pause)

    def _shown(self, what: str, run: Run) -> Run:
        self.seconds[what].append(run.seconds)
        alerts = [each.alert for each in run.elements if each.WhichOneof("type") == "alert"]
        self.problems += [f"the page said: {each.body}" for each in alerts if each.icon == AWAY]
        return run

    async def _clean_up(self, session: Watcher) -> None:
        """Delete the jobs of one name on the screen Clean up, and restore them under Deleted jobs."""
        before = self._newest_receipt()
        await self._press(session, "cleanup", f"name={NAME}&keep_last=0", "delete_matching")
        receipt = await _eventually(lambda: self._receipt_after(before))
        self.cleaned += receipt.removed
        await self._press(session, "receipts", f"receipt={receipt.id}", "Restore")
        receipt = await _eventually(lambda: self._receipt_after(before))
        self.restored += receipt.restored
        if receipt.to_restore or receipt.error:
            self.problems.append(f"{receipt.to_restore} jobs were not restored; {receipt.error}")

    async def _press(self, session: Watcher, page: str, query: str, name: str) -> None:
        async def button() -> str:
            return self._shown("Page", await session.visit(page, query)).button(name)

        button_id = await _eventually(button)
        self._shown("Page", await session.run(is_whole=True, button=button_id))

    def _newest_receipt(self) -> str:
        own = schema.receipt.c
        newest = select(own.id).where(own.action == Action.CLEAN_UP).order_by(own.key.desc()).limit(1)
        with self.own.reading() as connection:
            return connection.execute(newest).scalar() or ""

    async def _receipt_after(self, before: str) -> receipts.Receipt | None:
        """Return the receipt of a newer clean-up, None while there is none or it is being written."""
        receipt = receipts.read_receipt(self.own, self._newest_receipt())
        return receipt if receipt and receipt.id != before and not receipt.is_busy else None

    # What programs do.

    async def _ask(
        self, what: str, path: str, *others: int, method: str = "GET", **headers: str
    ) -> httpx2.Response:
        """Return the answer, which must be 200 or one of the others."""
        began = time.monotonic()
        answer = await self.client.request(method, path, headers=headers)
        self.seconds[what].append(time.monotonic() - began)
        if answer.status_code not in {200, *others}:
            self.problems.append(f"{path} was answered with {answer.status_code}: {answer.text[:200]}")
        return answer

    async def _program(self) -> None:
        page = await self._ask("API answer", f"{addresses.LIST_JSON}?limit=100")
        await self._ask("API answer", page.json()["next"])
        known = {"If-None-Match": page.headers["etag"]}
        await self._ask("API answer", f"{addresses.LIST_JSON}?limit=100", 304, **known)
        await self._ask("API answer", f"{addresses.LIST_JSON}?q=output:shelf&limit=10")
        await self._ask("API answer", addresses.STATISTICS_JSON)
        await self._ask("API answer", addresses.QUEUES_JSON)

    async def _follow(self) -> None:
        job_id = max(self.platform.started)
        await self._ask("API answer", f"{addresses.BASE}/{job_id}.json", 404)
        await self._ask("API answer", f"{addresses.output_url(job_id)}?offset=0", 404)

    async def _delete(self) -> None:
        page = await self._ask("API answer", f"{addresses.LIST_JSON}?status=completed&limit=50")
        path = f"{addresses.BASE}/delete/{self.random.choice(page.json()['jobs'])['id']}"
        answer = await self._ask("API answer", path, 404, 409, method="POST")
        self.deleted += answer.json()["removed"]

    async def _export_some(self) -> None:
        await self._export(f"&name={NAME}")

    async def _export(self, query: str) -> set[int]:
        """Return the ids in an export, in which no job may be twice."""
        answer = await self._ask("Export", f"{addresses.BASE}/export-csv?columns=all{query}")
        lines = answer.text.removeprefix("\ufeff").splitlines(keepends=True)
        ids = await asyncio.to_thread(lambda: [int(row["Id"]) for row in csv.DictReader(lines)])
        if len(ids) > len(set(ids)):
            self.problems.append(f"{len(ids) - len(set(ids))} jobs were twice in an export")
        return set(ids)

    async def _monitor(self) -> None:
        await self._ask("Health check", addresses.HEALTH_READY)
        await self._statements()
        self.memory.append(self.app.memory())

    async def _statements(self) -> float:
        """Return how many statements the app's metrics have counted."""
        text = (await self._ask("Metrics", addresses.METRICS)).text
        found = re.search(r"^heratio_jobs_statement_seconds_count (\S+)", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    # What is compared and measured.

    async def _compare(self, session: Watcher) -> None:
        """Compare what is there, at rest, with what was there, was started, and was deleted."""
        platform, after = self.platform, dict(self._rows(CONTENTS))
        with self.own.reading() as connection:
            gone = select(schema.job.c.job_id).where(schema.job.c.outcome == schema.Outcome.REMOVED)
            receipted = set(connection.execute(gone).scalars())
        active = {job_id for (job_id,) in self._rows("SELECT id FROM job WHERE status_id = 183")}
        untouched = (self.before.keys() & after.keys()) - platform.restarted
        counts = tuple(map(int, self._rows(COUNTS)[0]))
        differences = {
            "active jobs are gone": set(platform.active) - active,
            "deleted jobs and receipts differ": ((self.before.keys() | platform.started) - after.keys())
            ^ receipted,
            "jobs have changed": {each for each in untouched if self.before[each] != after[each]},
            "jobs of the export are wrong": await self._export("") ^ after.keys(),
        }
        self.problems += [f"{len(ids)} {what}" for what, ids in differences.items() if ids]
        if (shown := await self._counts(session, counts)) != counts:
            self.problems.append(f"the list shows {shown}, the database has {counts}")

    async def _counts(self, session: Watcher, expected: tuple[int, ...]) -> tuple[int, ...]:
        """Return the counts that the list shows, as soon as they are as expected, or after a minute."""
        run, ends_at = await session.open(), time.monotonic() + 60
        while (shown := _cards(run)) != expected and time.monotonic() < ends_at:
            run = self._shown("Page", await session.run(is_whole=True, button=run.button("refresh")))
        await session.close()
        return shown

    def leaks(self) -> list[str]:
        """Return what has grown under the same load."""
        _, start, end, _ = self.used.values()
        most = dict.fromkeys(("files", "threads", "connections"), self.load.may_grow)
        most["sessions"] = self.load.most_kept
        grown = {what: getattr(end, what) - getattr(start, what) for what in most}
        return [f"{n} more {what} at the end" for what, n in grown.items() if n > most[what]]

    def rows(self) -> list[tuple[str, str]]:
        """Return the table of what was measured."""
        load = self.load
        times = [
            (
                f"{what}, {len(taken):,} times",
                f"median {seconds(percentile(taken, 50))}, 95 % {seconds(percentile(taken, 95))}, "
                f"longest {seconds(max(taken))}",
            )
            for what, taken in self.seconds.items()
        ]
        fifths = [f"{np.median(part) / MEBIBYTE:.0f}" for part in np.array_split(self.memory, 5)]
        return [
            ("What", "Measured"),
            ("Load", f"{load.sessions} sessions for {self.took / 60:.1f} minutes, {load.jobs:,} jobs"),
            ("Changes of jobs by the platform", f"{self.platform.changes:,}"),
            ("Deleted by clean-ups, restored", f"{self.cleaned:,}, {self.restored:,}"),
            ("Deleted one by one", f"{self.deleted:,}"),
            *sorted(times),
            ("Statements a second", f"{self.statements / self.took:.0f}"),
            ("Memory during the load, in fifths of the time", f"{', '.join(fifths)} MB"),
            *((f"In use {when}", str(used)) for when, used in self.used.items()),
            ("Errors, unexpected answers, lost or changed jobs", f"{len(self.problems) or 'none'}"),
        ]

    def _used(self) -> Used:
        process, targets = Path(f"/proc/{self.app.pid}"), []
        for each in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                targets.append(str(each.readlink()))
        # The server has one loop, and each session one with three descriptors.
        sessions = targets.count("anon_inode:[eventpoll]") - 1
        threads = sum(1 for _ in (process / "task").iterdir())
        own = f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{APP}'"
        [(connections,)] = self._rows(own)
        files = len(targets) - 3 * sessions
        return Used(self.app.memory(), sessions, files, threads, connections)

    def _rows(self, statement: str) -> list[Any]:
        with self.server.cursor(self.database) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _token(self) -> str:
        """Make an API token for the demo's administrator, as the screen for tokens does."""
        [(user,)] = self._rows(f"SELECT id FROM user WHERE email = '{demo.DEMO_ADMINISTRATOR}'")
        database = Database(make_engine(self.server.url(self.database)))
        return Tokens(database, self.own).make(Account(user, APP, None, ""), APP, Scope.DELETE, 1)[0]


async def _eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """Return the first answer that is not empty. Raises TimeoutError after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):
            await asyncio.sleep(0.2)
        return found


def _cards(run: Run) -> tuple[int, ...]:
    """Return the counts above a list: all jobs, active, completed and failed ones."""
    for each in reversed(run.elements):
        if '"cards"' in each.bidi_component.json:
            values = [card["value"] for card in json.loads(each.bidi_component.json)["cards"]]
            return tuple(int(value.replace(",", "").replace("–", "0")) for value in values)
    return ()


def soaked(server: MariaDB, folder: Path, load: Load, name: str = "soak") -> Soak:
    """Load the app on a demo in a database on a server; return the result. `name` is its log's."""
    with _database(server, "soak", load.jobs) as url, closing(file_store(folder / "state")) as own:
        with closing(AppServers(name, folder)) as servers:
            address = servers.start(
                HERATIO_JOBS_DATABASE_URL=url,
                HERATIO_JOBS_SECRET_KEY=SIGNING_KEY,
                HERATIO_JOBS_LIST_SECONDS=str(SHARED_SECONDS),
                HERATIO_JOBS_METRICS_NETWORKS="127.0.0.1",
            )
            soak = Soak(RunningApp(address, servers.processes[-1].pid), server, "soak", own, load)
            asyncio.run(soak.run())
        lines = (ARTEFACTS / f"{name}-1.log").read_text("utf-8", "replace").splitlines()
        wrong = [line for line in lines if re.search(r" (ERROR|CRITICAL) |^Traceback", line)]
        soak.problems += [f"the app logged: {line}" for line in wrong] + soak.leaks()
        return soak


@contextmanager
def _database(server: MariaDB, name: str, jobs: int) -> Iterator[str]:
    """Make a demo, and give the app's URL of it."""
    server.create_database(name)
    try:
        engine = make_engine(server.url(name))
        demo.create(engine, jobs=jobs, seed=15)
        engine.dispose()
        app = replace(server, user=APP)
        with server.cursor(name) as cursor:
            cursor.execute(
                f"CREATE OR REPLACE USER '{APP}'@'{app.host}' IDENTIFIED BY '{app.password}'"
            )
            cursor.execute(f"GRANT ALL ON `{name}`.* TO '{APP}'@'{app.host}'")
        yield app.url(name)
    finally:
        server.drop_database(name)


def measure(folder: Path) -> tuple[str, bool]:
    """Load the app for MINUTES, five unless set; return the table and whether nothing was wrong."""
    load = Load(seconds=60 * float(os.environ.get("MINUTES") or 5))
    with mariadb.running(folder, "--innodb-buffer-pool-size=1G", "--max-connections=300") as server:
        soak = soaked(server, folder, load)
        text = f"{markdown(soak.rows())}\n\n{circumstances(server)}."
    sys.stderr.writelines(f"{problem}\n" for problem in soak.problems[:MOST_SHOWN])
    return text, not soak.problems
