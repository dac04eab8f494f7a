"""The gate: every request and every websocket passes it, and by default it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs_data import addresses
from jobs_data.accounts.accounts import Account, Groups, Right
from jobs_data.accounts.introductions import HEADER, Introduction, Introductions
from jobs_data.accounts.rights import Claim, Rights
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.settings import Network
from web import answers, limits, origins, peers
from web.activity import PageActivity, is_by_person
from web.headers import answer_headers, limit_caching
from web.process import is_out_of_files, say_out_of_files
from web.sessions import LOOK_SECONDS, MAX_SECONDS, Session, Sessions, session_cookie

RETRY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""How long a request waits for its account to be read; what is read later is there for the next one."""

ACCOUNT_HEADER: Final = HEADER.encode()

POLICY_VIOLATION: Final = 1008
"""The websocket protocol's code for a client that may not be here."""

TRY_AGAIN_LATER: Final = 1013
"""The websocket protocol's code for a server that is too busy."""

OUT_OF_FILES: Final = (
    "This server has no file descriptor left for one more viewer. Try again in a moment; if that "
    "happens often, its administrator has to raise the limit of open files."
)

OPEN_PATHS: Final = frozenset(
    {addresses.SIGN_IN, addresses.SIGN_IN_STYLE, addresses.SIGN_IN_ICON, addresses.LIVENESS}
)
ASSETS: Final = tuple(
    f"{addresses.BASE}/{folder}/" for folder in ("static", "component", "_stcore/bidi-components")
)
"""Streamlit's own scripts and those of components, the same for everybody."""
WRITE_PATHS: Final = (f"{addresses.BASE}/delete", f"{addresses.BASE}/clear-inactive")

_WHOLE_HOST: Final = re.compile(rb"path=/(?=;|$)", re.IGNORECASE)

NO_RIGHT: Final = (
    "You are signed in, but your account may not see the background jobs. Ask an administrator of "
    "your archive to put it into the administrator group."
)
READERS_LOOK: Final = (
    "Your account may look at jobs but not remove them. Ask an administrator of your archive."
)


@dataclass(frozen=True)
class Doorkeeping:
    """What an installation has set about its door."""

    groups: Groups
    proxy_user_header: str
    proxies: tuple[Network, ...]


class Standings:
    """The accounts behind open sessions, each believed for some seconds and then read again."""

    def __init__(
        self,
        rights: Rights,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read accounts; `clock` counts seconds."""
        self._rights = rights
        self._seconds = seconds
        self._clock = clock
        self._known: dict[int | str, tuple[float, Account | None]] = {}
        self._reading: dict[int | str, asyncio.Task[Account | None]] = {}

    async def of(self, who: int | str, *, however_old: bool = False) -> Account | None:
        """Return the account with an id, or, for a proxy's word, with a name, as it stands now.

        `however_old` takes what was read last, and so asks the database only about who is new. Raises
        DatabaseUnavailable.
        """
        until, account = self._known.get(who, (0.0, None))
        if self._clock() < until or (however_old and who in self._known):
            return account
        # It is read once; all who ask for the same account meanwhile wait for what that comes to.
        reading = self._reading.get(who)
        if reading is None:
            reading = self._reading[who] = asyncio.create_task(self._read_anew(who))
            reading.add_done_callback(partial(self._has_read, who))
        try:
            # Shielded: it goes on for the others, and for the next, when one of them waits no more.
            return await asyncio.wait_for(asyncio.shield(reading), ANSWER_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(NO_ANSWER) from None

    def learn(self, account: Account) -> None:
        """Take over an account that has just been read, because it has just signed in."""
        self._known[account.id] = (self._clock() + self._seconds, account)

    def seconds_left(self, who: int | str) -> float:
        """Return how long what is known of an account will still be believed."""
        return max(0.0, self._known.get(who, (0.0, None))[0] - self._clock())

    async def _read_anew(self, who: int | str) -> Account | None:
        account = await run_in_threadpool(self._rights.read, who)
        self._forget_old()
        self._known[who] = (self._clock() + self._seconds, account)
        return account

    def _has_read(self, who: int | str, reading: asyncio.Task[Account | None]) -> None:
        del self._reading[who]
        if not reading.cancelled():
            reading.exception()  # looked at here, because all who wanted it may have left

    def _forget_old(self) -> None:
        now = self._clock()
        for who in [key for key, (until, _) in self._known.items() if until < now]:
            del self._known[who]


@dataclass(frozen=True)
class Visitor:
    """Somebody who is known: by a session of ours, or by the word of a listed proxy."""

    who: int | str
    name: str
    right: Right | None
    session: Session | None

    @property
    def claim(self) -> Claim:
        """Return what is compared with the database before they change anything."""
        if self.session is None:
            return Claim(self.who, self.right, fingerprint="", session="")
        return Claim(self.who, self.right, self.session.fingerprint, self.session.digest)


class Gate:
    """ASGI middleware that lets administrators, and readers to look, through, and nobody else."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        standings: Standings,
        door: Doorkeeping,
        introductions: Introductions,
        policy: str,
    ) -> None:
        """Stand in front of an app; `policy` is the Content-Security-Policy of its pages."""
        self.app = app
        self.sessions = sessions
        self.standings = standings
        self.door = door
        self.introductions = introductions
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a websocket through, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, self._with_headers(scope, send))
            else:
                await self._websocket(scope, receive, send)
        except ClientDisconnect:
            pass  # a client that hangs up amid its request or its answer is no error of ours
        except OSError as error:
            if not is_out_of_files(error):
                raise
            say_out_of_files()
            with contextlib.suppress(RuntimeError):  # the answer has begun already
                await _refuse_for_want_of_files(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            receive = await limits.with_body(receive)
        except limits.BodyRefused as problem:
            await answers.unread(scope, problem.status, str(problem))(scope, receive, send)
            return
        if origins.is_foreign(scope, self.door.proxies):
            await answers.forbidden(scope, origins.FOREIGN, is_inside=True)(scope, receive, send)
            return
        await self._own_request(scope, receive, send)

    async def _own_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, claimed = self._taken_out(scope)
        if scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        try:
            visitor = await self._visitor(HTTPConnection(scope), claimed)
        except DatabaseUnavailable as problem:
            await answers.unavailable(scope, str(problem))(scope, receive, send)
            return
        if scope["path"] == addresses.HOST_CONFIG:  # open, but not while the database is away
            await self.app(scope, receive, send)
            return
        if visitor is None:
            await answers.unknown(scope)(scope, receive, send)
            return
        if refusal := _refusal(scope, visitor):
            await refusal(scope, receive, send)
            return
        if visitor.session:
            if is_by_person(scope):
                self.sessions.touch(visitor.session)
            send = self._renewing(scope, visitor.session, send)
        await self.app(self._introduced(scope, visitor), receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, claimed = self._taken_out(scope)
        visitor = None
        if not origins.is_foreign_websocket(scope, self.door.proxies):
            with contextlib.suppress(DatabaseUnavailable):
                visitor = await self._visitor(HTTPConnection(scope), claimed)
        if visitor is None or visitor.right is None:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        ended = asyncio.Event()
        with self.sessions.watched(visitor.session, ended):
            watcher = asyncio.create_task(self._watch(visitor, ended))
            try:
                await self.app(
                    self._introduced(scope, visitor),
                    self._until(ended, receive, send, visitor),
                    _silent_after(ended, send),
                )
            finally:
                watcher.cancel()

    async def _watch(self, visitor: Visitor, ended: asyncio.Event) -> None:
        """Set the event when the account loses what let it in, or its session runs out."""
        while True:
            believed = self.standings.seconds_left(visitor.who)
            await asyncio.sleep(min(believed, LOOK_SECONDS) + 0.05)
            await self.sessions.look()
            try:
                account = await self.standings.of(visitor.who)
            except DatabaseUnavailable:
                # Nothing can be removed without the database either: nobody is thrown out whose
                # session would still hold with it.
                if visitor.session and not self.sessions.is_alive(visitor.session):
                    ended.set()
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not self._stands(visitor, account):
                ended.set()
                return

    def _until(self, ended: asyncio.Event, receive: Receive, send: Send, visitor: Visitor) -> Receive:
        """Return a receive that, once the event is set, closes the websocket."""
        activity = PageActivity()

        async def guarded() -> Message:
            message = asyncio.ensure_future(receive())
            end = asyncio.ensure_future(ended.wait())
            try:
                await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
                if not ended.is_set():
                    if visitor.session and activity.is_by_person(message.result()):
                        self.sessions.touch(visitor.session)
                    return message.result()
            finally:
                end.cancel()
                if not message.done():
                    message.cancel()
            with contextlib.suppress(Exception):  # the client may be gone already
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

        return guarded

    async def _visitor(self, connection: HTTPConnection, claimed: str | None) -> Visitor | None:
        # No look into the store for each of these, and none into the database that may be away: an
        # open page that has to say so fetches what draws the sentence, and the timer that asks again.
        is_asset = connection.scope["path"].startswith(ASSETS)
        if claimed is not None:
            account = await self.standings.of(claimed, however_old=is_asset)
            if account is None:
                return Visitor(claimed, claimed, None, None)
            return Visitor(claimed, account.display_name, account.right, None)
        scope = connection.scope
        session = self.sessions.find(scope, secure=self._is_secure(scope))
        if session is None or (not is_asset and await self.sessions.was_ended(session)):
            return None
        account = await self.standings.of(session.user_id, however_old=is_asset)
        if account is None:
            return None  # not ended for good: the table of users may be restored right now
        if not self._holds(session, account):
            await self.sessions.end(session)
            return None
        return Visitor(session.user_id, account.display_name, account.right, session)

    def _stands(self, visitor: Visitor, account: Account | None) -> bool:
        """Return whether a visitor may still do what the account allowed when the visit began."""
        if visitor.session:
            return self._holds(visitor.session, account)
        return account is not None and account.right is visitor.right

    def _holds(self, session: Session, account: Account | None) -> bool:
        """Return whether a session still stands: same password, same right, not ended, not idle."""
        return (
            account is not None
            and account.right is not None
            and account.right.value == session.right
            and account.fingerprint == session.fingerprint
            and self.sessions.is_alive(session)
        )

    def _taken_out(self, scope: Scope) -> tuple[Scope, str | None]:
        """Return the scope without headers that only we or a proxy may set, and the proxy's word."""
        header = self.door.proxy_user_header.lower().encode()
        claimed = None
        if header and peers.is_listed(peers.peer_of(scope), self.door.proxies):
            values = [value for name, value in scope["headers"] if name == header]
            # Two of them, or one that is no text, is nobody's word.
            if len(values) == 1:
                claimed = values[0].decode("utf-8", "replace").strip() or None
        kept = [
            (name, value)
            for name, value in scope["headers"]
            # nginx and others write "_" for "-" and the other way round.
            if name.replace(b"_", b"-") not in {header.replace(b"_", b"-"), ACCOUNT_HEADER}
        ]
        return {**scope, "headers": kept}, claimed

    def _renewing(self, scope: Scope, session: Session, send: Send) -> Send:
        """Return a send that lets a cookie grow newer on the way out."""
        renewed = self.sessions.renewed(session)
        if renewed is None:
            return send
        cookie = session_cookie(self.sessions.token(renewed), secure=self._is_secure(scope))

        async def with_cookie(message: Message) -> None:
            # A sign-out sets the cookie itself.
            if message["type"] == "http.response.start" and self.sessions.is_alive(session):
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return with_cookie

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        """Return a send that puts the headers of every answer on it."""
        headers = answer_headers(self.policy, scope["path"], is_secure=self._is_secure(scope))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, _narrowed(value, self._is_secure(scope)) if name == b"set-cookie" else value)
                    for name, value in message.get("headers", ())
                ]
                own = MutableHeaders(scope=message)
                for name, value in headers.items():
                    own.setdefault(name, value)
                limit_caching(own)
            await send(message)

        return with_headers

    def _introduced(self, scope: Scope, visitor: Visitor) -> Scope:
        """Return the scope with who is there: for our routes, and in a signed header for the pages."""
        scope = {**scope, "session_of_ours": visitor.session, "visitor": visitor}
        if visitor.right is None:
            return scope
        session = visitor.session
        introduction = Introduction(
            visitor.who,
            visitor.name,
            visitor.right,
            session=visitor.claim.session,
            fingerprint=visitor.claim.fingerprint,
            until=session.signed_in_at + MAX_SECONDS if session else None,
        )
        header = (ACCOUNT_HEADER, self.introductions.sign(introduction).encode())
        return {**scope, "headers": [*scope["headers"], header]}

    def _is_secure(self, scope: Scope) -> bool:
        return peers.is_secure(scope, self.door.proxies)


async def _refuse_for_want_of_files(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
    else:
        await answers.unavailable(scope, OUT_OF_FILES)(scope, receive, send)


def _refusal(scope: Scope, visitor: Visitor) -> Response | None:
    if visitor.right is None:
        return answers.forbidden(scope, NO_RIGHT)
    if visitor.right is Right.READER and scope["path"].startswith(WRITE_PATHS):
        return answers.forbidden(scope, READERS_LOOK, is_inside=True)
    return None


def claim_of(connection: HTTPConnection) -> Claim:
    """Return who sent a request, and how they were authenticated."""
    visitor: Visitor = connection.scope["visitor"]
    return visitor.claim


def visitor_name(connection: HTTPConnection) -> str:
    """Return the name of who has sent a request that the gate has let through."""
    visitor: Visitor = connection.scope["visitor"]
    return visitor.name


def _narrowed(cookie: bytes, secure: bool) -> bytes:
    """Return a Set-Cookie value that stays with our own addresses: Streamlit sets one for the host."""
    narrowed = _WHOLE_HOST.sub(b"Path=" + addresses.BASE.encode(), cookie)
    is_plain = secure and narrowed != cookie and b"secure" not in cookie.lower()
    return narrowed + b"; Secure" if is_plain else narrowed


def _silent_after(ended: asyncio.Event, send: Send) -> Send:
    """Return a send that says nothing more once the event is set."""

    async def guarded(message: Message) -> None:
        if not ended.is_set():
            await send(message)

    return guarded
