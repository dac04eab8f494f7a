"""Sessions: a signed cookie that names the user, and in memory when it was last used or ended."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Final, Literal

from anyio import to_thread
from itsdangerous import BadData, URLSafeSerializer
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from jobs_data import addresses
from jobs_data.accounts.accounts import Account, Right
from jobs_data.signing import signer
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.ended_sessions import read_ended, store_end

COOKIE: Final = "heratio_jobs_session"
SECURE_COOKIE: Final = f"__Secure-{COOKIE}"
"""Its name under TLS: browsers accept this prefix over TLS alone."""
MAX_COOKIES: Final = 5
"""How many cookies of our name are read: another path of the host may set one, too."""
MAX_SECONDS: Final = 12 * 60 * 60
DEFAULT_IDLE_SECONDS: Final = 30 * 60
RENEW_SECONDS: Final = 60
"""How far a cookie may be behind the last activity before an answer renews it."""
SKEW_SECONDS: Final = 60
"""How far the clock of another process may be ahead."""
CHECK_SECONDS: Final = 2.0
"""How often the store is asked which sessions of open pages another process has ended."""
STORE_SECONDS: Final = 3.0
"""How long a request waits for the store."""
RETRY_SECONDS: Final = 10.0
"""How long to wait before a store that did not answer is asked again."""

_Seconds = Annotated[int, Field(ge=0, lt=2**40)]


# Strict: what is signed may still be malformed, and no field of it may break what reads it.
@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class Session:
    """One sign-in of one account. Times are whole seconds since 1970."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    user_id: Annotated[int, Field(ge=1, lt=2**63)]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]
    right: Literal["administrator", "reader"]
    signed_in_at: _Seconds
    seen_at: _Seconds
    by_oidc: bool
    """Whether a provider has signed the user in, who may still be signed in there afterwards."""

    @cached_property
    def digest(self) -> str:
        """Return the name of the session in the store and the pages; no cookie can be made from it."""
        return hashlib.sha256(self.id.encode()).hexdigest()


def session_cookie(token: str, *, secure: bool) -> str:
    """Return the Set-Cookie value that keeps a session's token in the browser, out of its scripts.

    An empty token deletes it. It is sent to our own addresses alone.
    """
    age = MAX_SECONDS if token else 0
    name, tail = (SECURE_COOKIE, "; Secure") if secure else (COOKIE, "")
    return f"{name}={token}; Path={addresses.BASE}; Max-Age={age}; HttpOnly; SameSite=Lax{tail}"


def _cookies(scope: Scope, wanted: str) -> list[str]:
    """Return the values of the cookies of a name, in the order of the request.

    Browsers send the cookie of the longer path first (RFC 6265, section 5.4): ours before one that
    another part of the host has set for all of it.
    """
    values = []
    for header, cookies in scope["headers"]:
        if header == b"cookie":
            for cookie in cookies.decode("latin-1").split(";"):
                name, _, value = cookie.strip().partition("=")
                if name == wanted:
                    values.append(value)
    return values[:MAX_COOKIES]


class Sessions:
    """Issues, reads, renews and ends sessions. `end`, `was_ended` and `check_ended` ask the store."""

    def __init__(
        self, key: str, clock: Callable[[], float] = time.time, store: Store | None = None
    ) -> None:
        """Sign with a key; keep ended sessions in a store where there is one."""
        self.idle_seconds = DEFAULT_IDLE_SECONDS
        """How long a session may be idle: the platform's own setting, once it has been read."""
        self._serializer = signer(URLSafeSerializer, key, "session")
        self._clock = clock
        self._store = store
        self._next_try = self._next_check = 0.0  # of time.monotonic()
        # Used by the event loop alone. Both hold at most what twelve hours of sign-ins bring.
        self._seen: dict[str, int] = {}
        self._ended: dict[str, int] = {}  # by digest
        self.open_pages = 0
        """How many websockets are open."""
        self._watched: dict[str, set[asyncio.Event]] = {}  # by digest

    def begin(self, account: Account, *, by_oidc: bool = False) -> Session:
        """Return a new session of an account that has a right."""
        now = self._now()
        self._forget_old(now)
        right: Literal["administrator", "reader"] = (
            "administrator" if account.right is Right.ADMINISTRATOR else "reader"
        )
        return Session(
            secrets.token_urlsafe(16), account.id, account.fingerprint, right, now, now, by_oidc
        )

    def token(self, session: Session) -> str:
        """Return the cookie's value."""
        return self._serializer.dumps(asdict(session))

    def find(self, scope: Scope, *, secure: bool) -> Session | None:
        """Return the session of a request's cookie, None without a valid one.

        Under TLS only the cookie with the `__Secure-` prefix is read.
        """
        found = map(self.read, _cookies(scope, SECURE_COOKIE if secure else COOKIE))
        return next(filter(None, found), None)

    def read(self, token: str | None) -> Session | None:
        """Return the session of a cookie's value.

        None where it is forged, malformed, from the future, too old, idle, or ended in this process.
        """
        if not token:
            return None
        try:
            session = Session(**self._serializer.loads(token))
        except (BadData, TypeError, ValidationError):
            return None
        return session if self.is_alive(session) else None

    def is_alive(self, session: Session) -> bool:
        """Return whether a session is neither ended, nor older than 12 hours, nor idle for too long."""
        now = self._now()
        return (
            session.digest not in self._ended
            and max(session.signed_in_at, session.seen_at) <= now + SKEW_SECONDS
            and now - session.signed_in_at < MAX_SECONDS
            and now - self._last_seen(session) < self.idle_seconds
        )

    async def was_ended(self, session: Session) -> bool:
        """Return whether a session was ended, by this process or by another one on the same store.

        A store that does not answer ends no session.
        """
        if session.digest not in self._ended:
            await self._read_ended([session.digest])
        return session.digest in self._ended

    async def check_ended(self) -> None:
        """Close the open pages whose sessions another process has ended; cheap to call often."""
        if self._watched and time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + CHECK_SECONDS
            await self._read_ended(list(self._watched))

    async def _read_ended(self, digests: Collection[str]) -> None:
        if self._store is None or time.monotonic() < self._next_try:
            return
        try:
            async with asyncio.timeout(STORE_SECONDS):
                # A timeout leaves the thread behind: the store may not answer at all.
                ended = await to_thread.run_sync(
                    read_ended, self._store, digests, abandon_on_cancel=True
                )
        except (StoreUnavailable, TimeoutError):
            self._next_try = time.monotonic() + RETRY_SECONDS
            return
        for digest in ended:
            self._end_here(digest)

    def touch(self, session: Session) -> None:
        """Record a user action of the session."""
        self._seen[session.id] = self._now()

    def renewed(self, session: Session) -> Session | None:
        """Return the session with its last activity where its cookie is far behind, else None."""
        seen_at = self._last_seen(session)
        is_old = seen_at - session.seen_at >= RENEW_SECONDS
        return replace(session, seen_at=seen_at) if is_old else None

    async def end(self, session: Session) -> bool:
        """End a session everywhere: no copy of its cookie is accepted any more.

        Returns False where that could not be stored: then only this process knows, while it runs.
        """
        self._end_here(session.digest)
        if self._store is None:
            return True
        valid_until = datetime.fromtimestamp(session.signed_in_at + MAX_SECONDS, UTC)
        try:
            await run_in_threadpool(store_end, self._store, session.digest, valid_until)
        except StoreUnavailable:
            return False
        return True

    def _end_here(self, digest: str) -> None:
        self._ended[digest] = self._now()
        for open_websocket in self._watched.get(digest, ()):
            open_websocket.set()

    @contextmanager
    def watched(self, session: Session | None, ended: asyncio.Event) -> Iterator[None]:
        """Set the event as soon as the session is ended, for as long as the context lasts."""
        events = self._watched.setdefault(session.digest, set()) if session else set()
        events.add(ended)
        self.open_pages += 1
        try:
            yield
        finally:
            self.open_pages -= 1
            events.discard(ended)
            if session and not events:
                self._watched.pop(session.digest, None)

    def _last_seen(self, session: Session) -> int:
        return max(session.seen_at, self._seen.get(session.id, 0))

    def _now(self) -> int:
        return int(self._clock())

    def _forget_old(self, now: int) -> None:
        for known in (self._seen, self._ended):
            for session_id in [key for key, at in known.items() if now - at > MAX_SECONDS]:
                del known[session_id]
