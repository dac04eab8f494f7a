"""People and programs that use the app while faults are injected, and what they get."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from websockets.exceptions import WebSocketException

from jobs_data import addresses
from tests.reliability.installation import ALWAYS_THERE, PATIENCE, Installation
from tests.support.open_pages import Page, opened

PAUSE_SECONDS: Final = 0.2
SENTENCE: Final = re.compile(r"[A-Z\d][^<>{}]+\.\s*", re.DOTALL)
SECRETS: Final = ("127.0.0.1", "mysql", "SELECT ", "/state", "Traceback")
AGE: Final = re.compile(r"As of \d\d:\d\d:\d\d")
READY: Final = "health checks"
RIGHT, OLD, REFUSED, CUT, WRONG = "as usual", "old", "refused", "cut off", "WRONG"
"""What a use comes to. Old is the list of before, with its age; a refusal has a reason."""


class Broken(Exception):
    """A promise was not kept, so that what follows cannot be tried."""


@dataclass
class Users:
    """Each uses the app again and again, in a thread of its own."""

    seen: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each use came to what."""
    wrong: set[str] = field(default_factory=set)
    """What nobody may get: a traceback, or an error without a reason."""
    unready: str = ""
    """The last reason of the health check."""
    longest: float = 0.0
    """How many seconds a user has waited at most."""
    right: dict[str, float] = field(default_factory=dict)
    """When the last use began that was answered as usual, of each user."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def are_served_since(self, moment: float) -> bool:
        """Return whether each has begun a use since then that was answered as usual."""
        return min(self.right.values()) > moment

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds. Raises Broken, with what users have got, where it never does."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise Broken(f"not {what}: {dict(self.seen)} {self.wrong} {self.unready}")
            time.sleep(0.01)

    def use(self, user: str, what: str, ask: Callable[[], str]) -> None:
        """Use the app until it is enough."""
        while not self.ended.wait(PAUSE_SECONDS):
            began = time.monotonic()
            try:
                answer = ask()
            except (WebSocketException, httpx2.TransportError, OSError):
                answer = CUT
            with self.lock:
                self.seen[what][answer] += 1
                self.longest = max(self.longest, time.monotonic() - began)
                if answer == RIGHT:
                    self.right[user] = began

    def list_of(self, client: httpx2.Client, stack: ExitStack) -> Callable[[], str]:
        """Return what looks at the list, in a browser's tab that stays open."""
        tabs: list[Page] = []

        def look() -> str:
            page = tabs.pop() if tabs else stack.enter_context(opened(client))
            has_list = ALWAYS_THERE.encode() in page.run()
            tabs.append(page)
            kinds = [each.WhichOneof("type") for each in page.elements]
            alerts = "\n".join(each.alert.body for each in page.elements if each.HasField("alert"))
            if "exception" in kinds or not (alerts or has_list):
                return self.note_wrong(f"a list of {Counter(kinds)}")
            if not has_list:
                return self.judge(alerts)
            # Other alerts tell how a deletion has ended.
            return OLD if AGE.search(alerts) else RIGHT

        return look

    def get(self, client: httpx2.Client, what: str, path: str, end: str) -> Callable[[], str]:
        """Return what gets an address, whose whole answer ends with a text."""

        def ask() -> str:
            answer = client.get(path)
            if answer.status_code == 200:
                return RIGHT if answer.text.endswith(end) else self.note_wrong(answer.text[-200:])
            if answer.status_code not in {404, 429, 503}:
                return self.note_wrong(f"{answer.status_code} {answer.text[-200:]}")
            reason = str(answer.json()["message"])
            if what == READY:
                self.unready = reason
            return self.judge(reason)

        return ask

    def judge(self, reason: str) -> str:
        """Return that a use was refused, or that its reason is none for users."""
        is_clear = SENTENCE.match(reason) and not any(word in reason for word in SECRETS)
        return REFUSED if is_clear else self.note_wrong(reason)

    def note_wrong(self, what: str) -> str:
        """Note what nobody may get."""
        with self.lock:
            self.wrong.add(what)
        return WRONG


@contextmanager
def using(site: Installation, lists: int) -> Iterator[Users]:
    """Let a number of users read the list, one export, one download, and a monitor check the app."""
    users = Users()
    with ExitStack() as stack:
        *people, program = [stack.enter_context(site.sign_in()) for _ in range(lists + 1)]
        uses = [(f"list {n}", "lists", users.list_of(each, stack)) for n, each in enumerate(people)]
        for what, path, end in (
            ("exports", f"{addresses.BASE}/export-csv?columns=all", "\r\n"),
            ("downloads", f"{addresses.BASE}/{site.always_there}/download", "a result\n"),
            (READY, addresses.HEALTH_READY, '"ok"}'),
        ):
            uses.append((what, what, users.get(program, what, path, end)))
        users.right = dict.fromkeys([user for user, *_ in uses], 0.0)
        threads = [threading.Thread(target=users.use, args=each, daemon=True) for each in uses]
        for thread in threads:
            thread.start()
        try:
            users.wait_until(lambda: users.are_served_since(0.0), "all users served")
            yield users
        finally:
            users.ended.set()
            for thread in threads:
                thread.join(PATIENCE)
