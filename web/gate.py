"""The gate: every request and every websocket passes it, and by default it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs_data import addresses
from jobs_data.accounts import accounts
from jobs_data.accounts.accounts import Account, Right
from jobs_data.platform.database import Database
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.settings import Network
from web import answers, peers
from web.process import is_out_of_files, say_out_of_files
from web.sessions import COOKIE, Session, Sessions, session_cookie

RETRY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""How long a request waits for its account to be read; what is read later is there for the next one."""

ACCOUNT_HEADER: Final = b"x-heratio-jobs-account"
"""How the gate tells the pages who is there; what a client sends under this name is dropped."""

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
WRITE_PATHS: Final = (f"{addresses.BASE}/delete", f"{addresses.BASE}/clear-inactive")

NO_RIGHT: Final = (
    "You are signed in, but your account may not see the background jobs. Ask an administrator of "
    "your archive to put it into the administrator group."
)
READERS_LOOK: Final = (
    "Your account may look at jobs but not remove them. Ask an administrator of your archive."
)

# 'unsafe-inline' and 'unsafe-eval': Streamlit's page has an inline script, styles itself inline, and
# draws charts with generated code; blob: carries our own small components.
CSP: Final = "content-security-policy"
SECURITY_HEADERS: Final = {
    CSP: "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' "
    "blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True)
class Doorkeeping:
    """What an installation has set about its door."""

    reader_groups: frozenset[int]
    proxy_user_header: str
    proxies: tuple[Network, ...]


class Standings:
    """The accounts behind open sessions, each believed for some seconds and then read again."""

    def __init__(
        self,
        database: Database,
        reader_groups: frozenset[int],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read accounts of a database; `clock` counts seconds."""
        self._database = database
        self._reader_groups = reader_groups
        self._seconds = seconds
        self._clock = clock
        self._known: dict[int | str, tuple[float, Account | None]] = {}
        self._reading: dict[int | str, asyncio.Task[Account | None]] = {}

    async def of(self, who: int | str) -> Account | None:
        """Return the account with an id, or, for a proxy's word, with a name, as it stands now.

        Raises DatabaseUnavailable.
        """
        until, account = self._known.get(who, (0.0, None))
        if self._clock() < until:
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
        account = await run_in_threadpool(self._read, who)
        self._forget_old()
        self._known[who] = (self._clock() + self._seconds, account)
        return account

    def _has_read(self, who: int | str, reading: asyncio.Task[Account | None]) -> None:
        del self._reading[who]
        if not reading.cancelled():
            reading.exception()  # looked at here, because all who wanted it may have left

    def _read(self, who: int | str) -> Account | None:
        if isinstance(who, int):
            return accounts.read_account(self._database, who, self._reader_groups)
        return accounts.find_account(self._database, who, self._reader_groups)

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


class Gate:
    """ASGI middleware that lets administrators, and readers to look, through, and nobody else."""

    def __init__(
        self, app: ASGIApp, sessions: Sessions, standings: Standings, door: Doorkeeping
    ) -> None:
        """Stand in front of an app."""
        self.app = app
        self.sessions = sessions
        self.standings = standings
        self.door = door

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
        scope, claimed = self._taken_out(scope)
        if scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        try:
            visitor = await self._visitor(HTTPConnection(scope), claimed)
        except DatabaseUnavailable as problem:
            await answers.unavailable(scope, str(problem))(scope, receive, send)
            return
        if visitor is None:
            await answers.unknown(scope)(scope, receive, send)
            return
        if refusal := _refusal(scope, visitor):
            await refusal(scope, receive, send)
            return
        if visitor.session:
            self.sessions.touch(visitor.session)
            send = self._renewing(scope, visitor.session, send)
        await self.app(_introduced(scope, visitor), receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, claimed = self._taken_out(scope)
        try:
            visitor = await self._visitor(HTTPConnection(scope), claimed)
        except DatabaseUnavailable:
            visitor = None
        if visitor is None or visitor.right is None:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        ended = asyncio.Event()
        with self.sessions.watched(visitor.session, ended):
            watcher = asyncio.create_task(self._watch(visitor, ended))
            try:
                await self.app(
                    _introduced(scope, visitor),
                    self._until(ended, receive, send, visitor),
                    _silent_after(ended, send),
                )
            finally:
                watcher.cancel()

    async def _watch(self, visitor: Visitor, ended: asyncio.Event) -> None:
        """Set the event when the account loses what let it in, or its session runs out."""
        while True:
            await asyncio.sleep(self.standings.seconds_left(visitor.who) + 0.05)
            try:
                account = await self.standings.of(visitor.who)
            except DatabaseUnavailable:
                # Nothing can be read or removed without the database either: nobody is thrown out.
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not self._stands(visitor, account):
                ended.set()
                return

    def _until(self, ended: asyncio.Event, receive: Receive, send: Send, visitor: Visitor) -> Receive:
        """Return a receive that, once the event is set, closes the websocket."""

        async def guarded() -> Message:
            message = asyncio.ensure_future(receive())
            end = asyncio.ensure_future(ended.wait())
            try:
                await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
                if not ended.is_set():
                    if visitor.session:
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
        if claimed is not None:
            account = await self.standings.of(claimed)
            if account is None:
                return Visitor(claimed, claimed, None, None)
            return Visitor(claimed, account.display_name, account.right, None)
        session = self.sessions.read(connection.cookies.get(COOKIE))
        if session is None:
            return None
        account = await self.standings.of(session.user_id)
        if account is None or not self._holds(session, account):
            self.sessions.end(session)
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
            # A sign-out has its own word on the cookie.
            if message["type"] == "http.response.start" and self.sessions.is_alive(session):
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return with_cookie

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        """Return a send that puts the headers of every answer on it."""
        headers = dict(SECURITY_HEADERS)
        if scope["path"].startswith(f"{addresses.BASE}/component/"):
            # A component's page is shown in a frame of our own.
            headers[CSP] = headers[CSP].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        if self._is_secure(scope):
            headers["strict-transport-security"] = "max-age=31536000"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in headers.items():
                    own.setdefault(name, value)
            await send(message)

        return with_headers

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


def _introduced(scope: Scope, visitor: Visitor) -> Scope:
    """Return the scope with a header that tells the pages who is there and what they may do."""
    told = json.dumps(
        {
            "who": visitor.who,
            "name": visitor.name,
            "right": visitor.right,
            "by_proxy": visitor.session is None,
        }
    )
    header = (ACCOUNT_HEADER, quote(told).encode())
    return {**scope, "headers": [*scope["headers"], header], "session_of_ours": visitor.session}


def visitor_name(connection: HTTPConnection) -> str:
    """Return the name of who has sent a request, as the gate has introduced them."""
    told = connection.headers[ACCOUNT_HEADER.decode()]
    return str(json.loads(unquote(told))["name"])


def _silent_after(ended: asyncio.Event, send: Send) -> Send:
    """Return a send that says nothing more once the event is set."""

    async def guarded(message: Message) -> None:
        if not ended.is_set():
            await send(message)

    return guarded
