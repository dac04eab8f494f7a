"""Sessions that watch the list with auto refresh on, over Streamlit's own websocket protocol.

They run in this process, on the same cores as the app. Each sends what a browser sends when the timer
fires, and reads what comes back without drawing it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Final

from benchmarks.bench import SIGNING_KEY, Bench, RunningApp, running_app
from benchmarks.figures import Figure, limited, percentile, seconds
from jobs_data.settings import REFRESH_SECONDS
from tests.support.mariadb import MariaDB
from tests.support.watching import NotShown, Run, Watcher
from web.sessions import Sessions

JOBS: Final = 10_000
"""How many jobs the list has. More take no longer, as they are read once for all sessions; but of a
million the app reads outputs for a quarter of an hour, which would be measured, too."""

MANY: Final = 300
FEW: Final = 20
"""How many sessions run the whole page, for comparison."""

ROUNDS: Final = 4
"""How many times each session refreshes: four times 15 s are the minute that is measured."""

COUNTED_ROUNDS: Final = 12
"""The same where statements are compared: in one minute chance decides whether a read more is in it."""

WRITE_SECONDS: Final = 5.0
"""How often a job changes where there is news: each refresh then has some."""

SETTLE_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 5.0
IDLE: Final = 0.06
"""The share of a core that the app takes for one session, and less than for reading outputs."""

P95_SECONDS: Final = 0.5
MORE_STATEMENTS: Final = 1.1

QUIET_CPU_SECONDS: Final = 0.01
SESSION_MEGABYTES: Final = 0.3


@dataclass
class Watched:
    """The cost of a number of watching sessions."""

    refreshes: list[float]
    a_minute: float
    """How many refreshes there were per minute."""
    questions: float
    """Statements that the database was asked, per minute."""
    selects: float
    memory: int
    """Bytes of the server's process at the end."""
    cpu: float
    """Seconds of the processor that the server's process took, per minute."""
    elements: float
    """How many elements a refresh sent, on average."""

    def cpu_beyond(self, other: Watched) -> float:
        """Return the seconds of the processor of one refresh, without what happens anyway."""
        return (self.cpu - other.cpu) / (self.a_minute - other.a_minute)


def measure(bench: Bench) -> list[Figure]:
    """Return what 300 watching sessions cost, beside what one costs, with and without news."""
    with running_app(bench.url(JOBS)) as app:
        cookies = cookies_like(app.sign_in(), MANY)
        asyncio.run(settle(app, cookies[0]))
        one = asyncio.run(watch(bench.server, app, cookies[:1], COUNTED_ROUNDS))
        whole = asyncio.run(watch(bench.server, app, cookies[:FEW], is_whole=True))
        many = asyncio.run(watch(bench.server, app, cookies, COUNTED_ROUNDS))
        with changes(bench.server, f"jobs_{JOBS}"):
            busy = asyncio.run(watch(bench.server, app, cookies))
    return figures(one, whole, many, busy)


async def settle(app: RunningApp, cookie: str) -> None:
    """Watch until the app has read the outputs of all jobs, which it does while a list is open."""
    session, end = Watcher(app.address, cookie), time.monotonic() + SETTLE_SECONDS
    await session.open()
    busy = 1.0
    while busy > IDLE and time.monotonic() < end:
        before = cpu_seconds(app.pid)
        await asyncio.sleep(LOOK_SECONDS)
        busy = (cpu_seconds(app.pid) - before) / LOOK_SECONDS
        await session.run()
    await session.close()


def figures(one: Watched, whole: Watched, many: Watched, busy: Watched) -> list[Figure]:
    """Return the lines of the table."""
    each = (many.memory - one.memory) / (MANY - 1) / 2**20
    quiet, full = many.cpu_beyond(one), whole.cpu_beyond(one)
    return [
        Figure(
            f"Statements a minute with {MANY} watching sessions",
            f"{many.questions:.0f} ({many.selects:.0f} SELECT)",
            f"one session {one.questions:.0f} ({one.selects:.0f} SELECT)",
            f"{many.questions / one.questions:.2f} ×",
            f"at most {MORE_STATEMENTS:g} ×",
            many.questions <= one.questions * MORE_STATEMENTS,
        ),
        Figure(
            f"Refresh without news, {MANY} sessions, median",
            seconds(percentile(many.refreshes, 50)),
            f"one session {seconds(percentile(one.refreshes, 50))}",
        ),
        limited(
            f"Refresh without news, {MANY} sessions, 95 %",
            percentile(many.refreshes, 95),
            P95_SECONDS,
        ),
        Figure("Refresh without news, elements sent", f"{many.elements:.1f}"),
        Figure(
            "Refresh without news, processor time",
            seconds(quiet),
            f"a run of the whole page {seconds(full)}",
            f"{quiet / full:.2f} ×",
            f"at most {seconds(QUIET_CPU_SECONDS)}",
            quiet <= QUIET_CPU_SECONDS,
        ),
        Figure(
            f"Refresh with news each time, {MANY} sessions, median",
            seconds(percentile(busy.refreshes, 50)),
        ),
        limited(
            f"Refresh with news each time, {MANY} sessions, 95 %",
            percentile(busy.refreshes, 95),
            P95_SECONDS,
        ),
        Figure("Refresh with news each time, processor time", seconds(busy.cpu_beyond(one))),
        Figure(
            "Memory of one watching session",
            f"{each:.2f} MB",
            asked=f"under {SESSION_MEGABYTES} MB",
            reached=each < SESSION_MEGABYTES,
        ),
    ]


def cookies_like(cookie: str, many: int) -> list[str]:
    """Return cookies of several sessions of one account, without hashing its password each time."""
    sessions = Sessions(SIGNING_KEY)
    found = sessions.read(cookie)
    if found is None:
        raise NotShown("the app did not accept the sign-in")
    return [sessions.token(replace(found, id=secrets.token_urlsafe(16))) for _ in range(many)]


@contextmanager
def changes(server: MariaDB, database: str) -> Iterator[None]:
    """Change the newest job's name every few seconds in the block, and restore it at the end."""
    ended = Event()
    with server.cursor(database) as cursor:
        cursor.execute("SELECT id, name FROM job ORDER BY id DESC LIMIT 1")
        job_id, name = cursor.fetchone() or (0, "")

        def change() -> None:
            number = 0
            while not ended.wait(WRITE_SECONDS):
                number += 1
                cursor.execute("UPDATE job SET name = %s WHERE id = %s", (f"{name} ({number})", job_id))

        writer = Thread(target=change)
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join()
            cursor.execute("UPDATE job SET name = %s WHERE id = %s", (name, job_id))


async def refresh_on(session: Watcher, first: float, rounds: int, *, is_whole: bool) -> list[Run]:
    """Refresh at a moment and then every interval, as the page's timer would."""
    runs = []
    for number in range(rounds):
        await asyncio.sleep(max(0.0, first + number * REFRESH_SECONDS - time.monotonic()))
        runs.append(await session.run(is_whole=is_whole))
    return runs


async def watch(
    server: MariaDB,
    app: RunningApp,
    cookies: Sequence[str],
    rounds: int = ROUNDS,
    *,
    is_whole: bool = False,
) -> Watched:
    """Let a session per cookie watch the list, spread evenly over the interval.

    With `is_whole` each refresh runs the whole page, as Back does.
    """
    sessions = [Watcher(app.address, cookie) for cookie in cookies]
    try:
        for session in sessions:
            await session.open()
        # Its timer fires one interval after a page is open.
        await asyncio.sleep(REFRESH_SECONDS)
        before, began, cpu = _asked(server), time.monotonic(), cpu_seconds(app.pid)
        pause = REFRESH_SECONDS / len(sessions)
        refreshes = await asyncio.gather(
            *(
                refresh_on(session, began + number * pause, rounds, is_whole=is_whole)
                for number, session in enumerate(sessions)
            )
        )
        await asyncio.sleep(max(0.0, began + rounds * REFRESH_SECONDS - time.monotonic()))
        minutes = (time.monotonic() - began) / 60
        after, cpu = _asked(server), cpu_seconds(app.pid) - cpu
        memory = app.memory()
    finally:
        for session in sessions:
            await session.close()
    # Asking for the number is a statement, too.
    questions, selects = (later - earlier for later, earlier in zip(after, before, strict=True))
    runs = [run for session in refreshes for run in session]
    return Watched(
        [run.seconds for run in runs],
        len(runs) / minutes,
        max(1, questions - 1) / minutes,
        selects / minutes,
        memory,
        cpu / minutes,
        sum(len(run.elements) for run in runs) / len(runs),
    )


def cpu_seconds(pid: int) -> float:
    """Return the seconds of the processor that a process has taken, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _asked(server: MariaDB) -> tuple[int, int]:
    """Return how many statements the server has been asked since it started, and SELECTs."""
    with server.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_select')")
        found: dict[str, str] = dict(cursor.fetchall())
    return int(found["Questions"]), int(found["Com_select"])
