"""People and programs that use the app while faults are injected, and what they get."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from websockets.exceptions import WebSocketException

from jobs_data import addresses
from tests.reliability.installation import ALWAYS_THERE, PATIENCE, Installation
from tests.support.open_pages import Page, opened

PAUSE_SECONDS: Final = 0.1
SENTENCE: Final = re.compile(r"[A-Z][^<>{}]+\.\s*", re.DOTALL)
AGE: Final = re.compile(r"As of \d\d:\d\d:\d\d")
SECRETS: Final = ("127.0.0.1", "mysql", "SELECT ", "/state", "Traceback")
RIGHT: Final = "as usual"
OLD: Final = "old, with its age and the reason"
REASON: Final = "refused with a reason"
CUT: Final = "cut off"
WRONG: Final = "WRONG"


class Broken(Exception):
    """A promise was not kept, so that what follows cannot be tried."""


@dataclass
class Users:
    """Each uses the app again and again, in a thread of its own."""

    site: Installation
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    """How often each use was answered how."""
    wrong: set[str] = field(default_factory=set)
    """What nobody may get: a traceback, an error without a sentence."""
    unready: str = ""
    """The last reason of the health check."""
    longest: float = 0.0
    """How many seconds somebody has waited at most."""
    _right: dict[str, float] = field(default_factory=dict)
    """When the last use began that was answered as usual, of each user."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def are_served_since(self, moment: float) -> bool:
        """Return whether each has begun a use since then that was answered as usual."""
        return min(self._right.values()) > moment

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds. Raises Broken, with what users have got, where it never does."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise Broken(f"not {what}: {self.seen} {self.wrong}")
            time.sleep(0.01)

    def use(self, user: str, what: str, ask: Callable[[], str]) -> None:
        """Use the app until it is enough."""
        while not self._ended.wait(PAUSE_SECONDS):
            began = time.monotonic()
            try:
                answer = ask()
            except (WebSocketException, httpx2.TransportError, OSError):
                answer = CUT
            with self._lock:
                self.seen.setdefault(what, Counter())[answer] += 1
                self.longest = max(self.longest, time.monotonic() - began)
                if answer == RIGHT:
                    self._right[user] = began

    def list_of(self, client: httpx2.Client, stack: ExitStack) -> Callable[[], str]:
        """Return what looks at the list, in a browser's tab that stays open."""
        tab: list[Page] = []

        def look() -> str:
            page = tab.pop() if tab else stack.enter_context(opened(client))
            shown = page.run()
            tab.append(page)
            kinds = [each.WhichOneof("type") for each in page.elements]
            alerts = [each.alert.body for each in page.elements if each.WhichOneof("type") == "alert"]
            has_list = ALWAYS_THERE.encode() in shown
            if "exception" in kinds or not (alerts or has_list):
                return self._wrong(f"a list with {Counter(kinds)}")
            if not has_list:
                return self._reason("\n".join(alerts))
            # Other alerts tell how a deletion has ended.
            return OLD if any(AGE.search(alert) for alert in alerts) else RIGHT

        return look

    def get(self, client: httpx2.Client, path: str, whole: str) -> Callable[[], str]:
        """Return what gets an address, whose whole answer ends with a text."""

        def ask() -> str:
            answer = client.get(path, headers={"Accept": "application/json"})
            if answer.status_code == 200:
                return RIGHT if answer.text.endswith(whole) else self._wrong(answer.text[-200:])
            sentence = str(answer.json().get("message", ""))
            if path == addresses.HEALTH_READY:
                self.unready = sentence
            if answer.status_code not in {404, 429, 503}:
                return self._wrong(f"{answer.status_code} {sentence}")
            return self._reason(sentence)

        return ask

    def _reason(self, sentence: str) -> str:
        is_clear = SENTENCE.match(sentence) and not any(word in sentence for word in SECRETS)
        return REASON if is_clear else self._wrong(sentence)

    def _wrong(self, what: str) -> str:
        with self._lock:
            self.wrong.add(what)
        return WRONG


@contextmanager
def using(site: Installation, lists: int) -> Iterator[Users]:
    """Let so many sessions look at the list, one export, one download, and a monitor check the app."""
    users = Users(site)
    with ExitStack() as stack:
        clients = [stack.enter_context(site.sign_in()) for _ in range(lists + 1)]
        client = clients.pop()
        uses = [(f"list {n}", "lists", users.list_of(each, stack)) for n, each in enumerate(clients)]
        paths = {
            "exports": ("/export-csv?sort=date&dir=asc&columns=all", "\r\n"),
            "downloads": (f"/{site.always_there}/download", "a result\n"),
            "health checks": (addresses.HEALTH_READY.removeprefix(addresses.BASE), '"ok"}'),
        }
        for what, (path, whole) in paths.items():
            uses.append((what, what, users.get(client, addresses.BASE + path, whole)))
        users._right = dict.fromkeys([user for user, *_ in uses], 0.0)
        threads = [threading.Thread(target=users.use, args=each, daemon=True) for each in uses]
        for thread in threads:
            thread.start()
        try:
            users.wait_until(lambda: users.are_served_since(0.0), "everybody is served")
            yield users
        finally:
            users._ended.set()
            for thread in threads:
                thread.join(PATIENCE)
