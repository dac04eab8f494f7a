"""Sessions: a signed cookie that says who signed in, and what this process knows of it since."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from jobs_data.accounts.accounts import Account

COOKIE: Final = "heratio_jobs_session"
MAX_SECONDS: Final = 12 * 60 * 60
DEFAULT_IDLE_SECONDS: Final = 30 * 60
RENEW_SECONDS: Final = 60
"""How old a cookie's last sight may become before the next answer carries a newer one."""


@dataclass(frozen=True)
class Session:
    """One sign-in of one account. Times are whole seconds since 1970."""

    id: str
    user_id: int
    fingerprint: str
    right: str
    signed_in_at: int
    seen_at: int


def session_cookie(token: str, *, secure: bool) -> str:
    """Return the Set-Cookie value that keeps a session's token in the browser, out of its scripts.

    An empty token takes it away.
    """
    age = MAX_SECONDS if token else 0
    tail = "; Secure" if secure else ""
    return f"{COOKIE}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{tail}"


class Sessions:
    """Issues, reads, renews and ends sessions."""

    def __init__(self, key: str, clock: Callable[[], float] = time.time) -> None:
        """Sign with a key."""
        self.idle_seconds = DEFAULT_IDLE_SECONDS
        """How long a session may go unseen; the platform's own setting, once it has been read."""
        self._serializer = URLSafeSerializer(key, salt="session")
        self._clock = clock
        # Used by the event loop alone. Both hold at most what twelve hours of sign-ins bring.
        self._seen: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._watched: dict[str, set[asyncio.Event]] = {}

    def begin(self, account: Account) -> Session:
        """Return a new session of an account that has a right."""
        now = self._now()
        right = account.right.value if account.right else ""
        self._forget_old(now)
        return Session(secrets.token_urlsafe(16), account.id, account.fingerprint, right, now, now)

    def token(self, session: Session) -> str:
        """Return the cookie's value."""
        return self._serializer.dumps(asdict(session))

    def read(self, token: str | None) -> Session | None:
        """Return the session of a cookie's value, None where it is forged, too old, idle or ended."""
        if not token:
            return None
        try:
            session = Session(**self._serializer.loads(token))
        except (BadData, TypeError):
            return None
        return session if self.is_alive(session) else None

    def is_alive(self, session: Session) -> bool:
        """Return whether a session is neither ended, nor older than 12 hours, nor idle for too long."""
        now = self._now()
        seen_at = max(session.seen_at, self._seen.get(session.id, 0))
        return (
            session.id not in self._ended
            and now - session.signed_in_at < MAX_SECONDS
            and now - seen_at < self.idle_seconds
        )

    def touch(self, session: Session) -> None:
        """Note that the session was seen now."""
        self._seen[session.id] = self._now()

    def renewed(self, session: Session) -> Session | None:
        """Return the session as seen now where its cookie has become old, else None."""
        now = self._now()
        return replace(session, seen_at=now) if now - session.seen_at >= RENEW_SECONDS else None

    def end(self, session: Session) -> None:
        """End a session everywhere: no copy of its cookie is taken any more."""
        self._ended[session.id] = self._now()
        for open_websocket in self._watched.get(session.id, ()):
            open_websocket.set()

    @contextmanager
    def watched(self, session: Session | None, ended: asyncio.Event) -> Iterator[None]:
        """Set the event as soon as the session is ended, for as long as the context lasts."""
        if session is None:
            yield
            return
        events = self._watched.setdefault(session.id, set())
        events.add(ended)
        try:
            yield
        finally:
            events.discard(ended)
            if not events:
                self._watched.pop(session.id, None)

    def _now(self) -> int:
        return int(self._clock())

    def _forget_old(self, now: int) -> None:
        for known in (self._seen, self._ended):
            for session_id in [key for key, at in known.items() if now - at > MAX_SECONDS]:
                del known[session_id]
