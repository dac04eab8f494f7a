"""Sessions that watch the list with auto refresh on, over Streamlit's own websocket protocol."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.bench import FULL_SIZE, Bench, RunningApp, running_app
from benchmarks.figures import Figure, limited, percentile, seconds
from tests.support.mariadb import MariaDB
from web.sessions import COOKIE

MANY: Final = 100
INTERVAL_SECONDS: Final = 15.0
ROUNDS: Final = 4
"""How many times each session refreshes: four times 15 s are the minute that is measured."""

PATIENCE: Final = 60.0
P95_SECONDS: Final = 0.5
MORE_STATEMENTS: Final = 1.1
LIST_SECONDS: Final = 10.0
"""How old a cached page may be: one session, which asks every 15 seconds, always finds an older one."""

SESSION_MEGABYTES: Final = 3
MEMORY_PATIENCE: Final = 5.0


class NotShown(Exception):
    """A run of the page ended without the list, or with an error."""


@dataclass
class Watched:
    """What so many sessions took in a minute."""

    refreshes: list[float]
    questions: float
    """Statements that the database was asked, per minute."""
    selects: float
    memory: int
    """Bytes of the server's process at the end."""


def measure(bench: Bench) -> list[Figure]:
    """Return what a hundred watching sessions cost, beside what one costs."""
    with running_app(bench.url(FULL_SIZE)) as app:
        # Each signs in for itself, before anything is measured: a password's hash takes memory.
        cookies = [app.sign_in() for _ in range(MANY)]
        asyncio.run(watch(bench.server, app, cookies[:1], rounds=1))  # imports and first reads
        one = asyncio.run(watch(bench.server, app, cookies[:1]))
        many = asyncio.run(watch(bench.server, app, cookies))
    most = MORE_STATEMENTS * INTERVAL_SECONDS / LIST_SECONDS
    each = (many.memory - one.memory) / (MANY - 1) / 2**20
    return [
        Figure(
            f"Statements a minute with {MANY} watching sessions",
            f"{many.questions:.0f} ({many.selects:.0f} SELECT)",
            f"one session {one.questions:.0f} ({one.selects:.0f} SELECT)",
            f"{many.questions / one.questions:.2f} ×",
            f"at most {most:g} ×, a read every {LIST_SECONDS:g} s",
            many.questions <= one.questions * most,
        ),
        Figure(
            f"Refresh with {MANY} watching sessions, median",
            seconds(percentile(many.refreshes, 50)),
            f"one session {seconds(percentile(one.refreshes, 50))}",
        ),
        limited(
            f"Refresh with {MANY} watching sessions, 95 %",
            percentile(many.refreshes, 95),
            P95_SECONDS,
        ),
        Figure(
            "Memory of one watching session",
            f"{each:.2f} MB",
            asked=f"under {SESSION_MEGABYTES} MB",
            reached=each < SESSION_MEGABYTES,
        ),
    ]


async def watch(
    server: MariaDB, app: RunningApp, cookies: Sequence[str], rounds: int = ROUNDS
) -> Watched:
    """Let a session per cookie watch the list, spread evenly over the interval."""
    sessions = [Watcher(app, cookie) for cookie in cookies]
    try:
        for session in sessions:
            await session.open()
        before, began = _asked(server), time.monotonic()
        pause = INTERVAL_SECONDS / len(sessions)
        refreshes = await asyncio.gather(
            *(
                session.refresh_on(began + number * pause, rounds)
                for number, session in enumerate(sessions)
            )
        )
        await asyncio.sleep(max(0.0, began + rounds * INTERVAL_SECONDS - time.monotonic()))
        minutes = (time.monotonic() - began) / 60
        after = _asked(server)
        memory = app.memory()
    finally:
        for session in sessions:
            await session.close()
    # Asking for the number is a statement, too.
    questions, selects = (later - earlier for later, earlier in zip(after, before, strict=True))
    return Watched(
        [taken for session in refreshes for taken in session],
        max(1, questions - 1) / minutes,
        selects / minutes,
        memory,
    )


class Watcher:
    """One session: a websocket, opened and spoken to as the browser's side of Streamlit does."""

    def __init__(self, app: RunningApp, cookie: str) -> None:
        """Watch as the session of a cookie."""
        parts = urlsplit(app.address)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._address = f"ws://{parts.netloc}{parts.path}/_stcore/stream"
        self._page = f"{app.address}?auto=true"
        self._cookie = cookie
        self._connection: ClientConnection
        self._timer = ""
        self._count = 0
        self._known: dict[str, ForwardMsg] = {}

    async def open(self) -> None:
        """Connect and run the page for the first time, until its timer is mounted."""
        self._connection = await connect(
            self._address,
            origin=self._origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"{COOKIE}={self._cookie}"},
            # The browser puts its XSRF token second, and the session to come back to third.
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE,
        )
        await self._run()
        if not self._timer:
            raise NotShown("auto refresh has no timer")

    async def refresh_on(self, first: float, rounds: int) -> list[float]:
        """Refresh at a moment and then every interval, as the page's timer would."""
        runs = []
        for number in range(rounds):
            await asyncio.sleep(max(0.0, first + number * INTERVAL_SECONDS - time.monotonic()))
            self._count += 1
            runs.append(await self._run())
        return runs

    async def close(self) -> None:
        """Leave."""
        if hasattr(self, "_connection"):
            await self._connection.close()

    async def _run(self) -> float:
        """Ask for a run of the page, and return the seconds until it has ended. Raises NotShown."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = "auto=true"
        asked.context_info.timezone = "UTC"
        asked.context_info.locale = "en-GB"
        asked.context_info.url = self._page
        asked.cached_message_hashes.extend(self._known)
        if self._timer:
            timer = asked.widget_states.widgets.add()
            timer.id = self._timer
            timer.json_value = json.dumps(self._count)
        began = time.monotonic()
        await self._connection.send(message.SerializeToString())
        elements: set[str] = set()
        while True:
            received = ForwardMsg()
            raw = await asyncio.wait_for(self._connection.recv(), PATIENCE)
            received.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
            if received.WhichOneof("type") == "ref_hash":
                received = self._known[received.ref_hash]
            elif received.metadata.cacheable:
                self._known[received.hash] = received
            if received.WhichOneof("type") == "script_finished":
                break
            self._note(received, elements)
        taken = time.monotonic() - began
        missing = {"dataframe", "metric"} - elements
        if missing or "exception" in elements:
            raise NotShown(f"a run ended with {sorted(elements)}")
        return taken

    def _note(self, message: ForwardMsg, elements: set[str]) -> None:
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type") or ""
        elements.add(kind)
        if kind == "component_instance":
            self._timer = element.component_instance.id


def _asked(server: MariaDB) -> tuple[int, int]:
    """Return how many statements the server has been asked since it started, and SELECTs."""
    with server.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_select')")
        found: dict[str, str] = dict(cursor.fetchall())
    return int(found["Questions"]), int(found["Com_select"])
