"""The gate: authenticates every request and every websocket. It is closed by default."""

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
from jobs_data.accounts.tokens import Scope as TokenScope
from jobs_data.accounts.tokens import Tokens
from jobs_data.audit import Actor, Audit, Event
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.settings import Network
from web import answers, bearer, limits, origins, peers
from web.activity import PageActivity, is_user_action
from web.headers import answer_headers, limit_caching
from web.process import is_out_of_files, log_out_of_files
from web.sessions import CHECK_SECONDS, MAX_SECONDS, Session, Sessions, session_cookie

RETRY_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""How long a request waits for its account. The read goes on, and the next request gets its result."""

ACCOUNT_HEADER: Final = HEADER.encode()

POLICY_VIOLATION: Final = 1008
"""The websocket protocol's code for a client without access."""

TRY_AGAIN_LATER: Final = 1013
"""The websocket protocol's code for a server that is too busy."""

OUT_OF_FILES: Final = (
    "This server has reached its limit of open files. Try again in a moment. If this happens often, "
    "ask the server's administrator to raise the limit."
)

OPEN_PATHS: Final = frozenset(
    {
        addresses.SIGN_IN,
        addresses.SIGN_IN_STYLE,
        addresses.SIGN_IN_ICON,
        addresses.OIDC,
        addresses.OIDC_CALLBACK,
        addresses.OIDC_SIGNED_OUT,
        addresses.LIVENESS,
        addresses.HEALTH_LIVE,
        addresses.HEALTH_READY,
        addresses.METRICS,  # it has rules of its own
    }
)
ASSETS: Final = tuple(
    f"{addresses.BASE}/{folder}/" for folder in ("static", "component", "_stcore/bidi-components")
)
"""Streamlit's own scripts and those of components, the same for all users."""
WRITE_PATHS: Final = (f"{addresses.BASE}/delete", f"{addresses.BASE}/clear-inactive")

_WHOLE_HOST: Final = re.compile(rb"path=/(?=;|$)", re.IGNORECASE)

NO_RIGHT: Final = (
    "Your account may not see the background jobs. Ask an administrator of your archive to add it to "
    "the administrator group."
)
READ_ONLY: Final = (
    "Your account can view jobs but not delete them. Ask an administrator of your archive."
)


@dataclass(frozen=True)
class AccessSettings:
    """The settings that decide who gets in."""

    groups: Groups
    proxy_user_header: str
    proxies: tuple[Network, ...]


class AccountCache:
    """The accounts of signed-in users, each cached for some seconds."""

    def __init__(
        self,
        rights: Rights,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Cache accounts for `seconds`; `clock` counts seconds."""
        self._rights = rights
        self._seconds = seconds
        self._clock = clock
        self._cached: dict[int | str, tuple[float, Account | None]] = {}
        self._reading: dict[int | str, asyncio.Task[Account | None]] = {}

    async def get(self, who: int | str, *, any_age: bool = False) -> Account | None:
        """Return the account with an id, or, where a proxy signs users in, with a name.

        `any_age` accepts a cached account however old, so that the database is asked only for new
        ones. Raises DatabaseUnavailable.
        """
        until, account = self._cached.get(who, (0.0, None))
        if self._clock() < until or (any_age and who in self._cached):
            return account
        # One read for all who wait for the same account.
        reading = self._reading.get(who)
        if reading is None:
            reading = self._reading[who] = asyncio.create_task(self._read(who))
            reading.add_done_callback(partial(self._end_reading, who))
        try:
            # Shielded: the read goes on for the others when one stops waiting.
            return await asyncio.wait_for(asyncio.shield(reading), ANSWER_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(NO_ANSWER) from None

    def put(self, account: Account) -> None:
        """Cache an account that has just been read, because its user has just signed in."""
        self._cached[account.id] = (self._clock() + self._seconds, account)

    def seconds_left(self, who: int | str) -> float:
        """Return for how many seconds a cached account is still valid, 0 without one."""
        return max(0.0, self._cached.get(who, (0.0, None))[0] - self._clock())

    async def _read(self, who: int | str) -> Account | None:
        account = await run_in_threadpool(self._rights.read, who)
        self._forget_old()
        self._cached[who] = (self._clock() + self._seconds, account)
        return account

    def _end_reading(self, who: int | str, reading: asyncio.Task[Account | None]) -> None:
        del self._reading[who]
        if not reading.cancelled():
            reading.exception()  # or asyncio logs it when nobody waits any more

    def _forget_old(self) -> None:
        now = self._clock()
        for who in [key for key, (until, _) in self._cached.items() if until < now]:
            del self._cached[who]


@dataclass(frozen=True)
class Visitor:
    """A signed-in user: by a session of ours, by a listed proxy, or by an API token."""

    who: int | str
    name: str
    right: Right | None
    session: Session | None
    token_id: int | None = None

    @property
    def claim(self) -> Claim:
        """Return what is compared with the database before each change."""
        if self.session is None:
            return Claim(self.who, self.right, fingerprint="", session="")
        return Claim(self.who, self.right, self.session.fingerprint, self.session.digest)


@dataclass(eq=False)
class Gate:
    """ASGI middleware that admits administrators and readers, and adds headers to every answer."""

    app: ASGIApp
    sessions: Sessions
    accounts: AccountCache
    access: AccessSettings
    introductions: Introductions
    tokens: Tokens
    policy: str
    """The Content-Security-Policy of the pages."""
    audit: Audit

    def __post_init__(self) -> None:
        """Let tokens be accepted."""
        self.bearers = bearer.Bearers(self.tokens, self.accounts, self.audit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a websocket on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, self._with_headers(scope, send))
            else:
                await self._websocket(scope, receive, send)
        except ClientDisconnect:
            pass  # a client that hangs up is no error of ours
        except OSError as error:
            if not is_out_of_files(error):
                raise
            log_out_of_files()
            with contextlib.suppress(RuntimeError):  # the answer has begun already
                await _refuse_out_of_files(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            receive = await limits.with_body(receive)
        except limits.BodyRefused as problem:
            await answers.body_refused(scope, problem.status, str(problem))(scope, receive, send)
            return
        if origins.is_foreign(scope, self.access.proxies):
            self._write_refusal(scope, None, "another site")
            await answers.forbidden(scope, origins.FOREIGN, is_inside=True)(scope, receive, send)
            return
        await self._same_site_request(scope, receive, send)

    async def _same_site_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, proxy_user = self._split_proxy_user(scope)
        if scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        if (value := peers.token_of(scope)) is not None:
            await self._with_token(value, scope, receive, send)
            return
        try:
            visitor = await self._visitor(HTTPConnection(scope), proxy_user)
        except DatabaseUnavailable as problem:
            await answers.unavailable(scope, str(problem))(scope, receive, send)
            return
        if scope["path"] == addresses.HOST_CONFIG:  # open, but not while the database is away
            await self.app(scope, receive, send)
            return
        if visitor is None:
            await answers.sign_in_first(scope)(scope, receive, send)
            return
        if refusal := _refusal(scope, visitor):
            self._write_refusal(scope, visitor, "read only" if visitor.right else "no right")
            await refusal(scope, receive, send)
            return
        if visitor.session:
            if is_user_action(scope):
                self.sessions.touch(visitor.session)
            send = self._with_renewed_cookie(scope, visitor.session, send)
        await self.app(self._with_introduction(scope, visitor), receive, send)

    async def _with_token(self, value: str, scope: Scope, receive: Receive, send: Send) -> None:
        client = peers.client_of(scope, self.access.proxies)
        try:
            token, account = await self.bearers.accept(value, scope, client)
        except bearer.TokenRefused as refusal:
            await refusal.answer(scope)(scope, receive, send)
            return
        right = account.right if token.scope is TokenScope.DELETE else Right.READER
        visitor = Visitor(account.id, bearer.name_of(token, account), right, None, token.id)
        await self.app({**scope, "visitor": visitor}, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, proxy_user = self._split_proxy_user(scope)
        visitor = None
        if origins.is_foreign_websocket(scope, self.access.proxies):
            self._write_refusal(scope, None, "another site")
        else:
            with contextlib.suppress(DatabaseUnavailable):
                visitor = await self._visitor(HTTPConnection(scope), proxy_user)
        if visitor is None or visitor.right is None:
            if visitor:
                self._write_refusal(scope, visitor, "no right")
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        ended = asyncio.Event()
        with self.sessions.watched(visitor.session, ended):
            watcher = asyncio.create_task(self._watch(visitor, ended))
            try:
                await self.app(
                    self._with_introduction(scope, visitor),
                    self._receive_until_end(ended, receive, send, visitor),
                    _send_until_end(ended, send),
                )
            finally:
                watcher.cancel()

    def _write_refusal(self, scope: Scope, visitor: Visitor | None, why: str) -> None:
        """Note that access was refused; not to who only has to sign in first."""
        self.audit.write(
            Event.ACCESS_REFUSED,
            _actor(scope, visitor),
            reason=why,
            method=scope.get("method", "websocket"),
            path=scope["path"],
        )

    async def _watch(self, visitor: Visitor, ended: asyncio.Event) -> None:
        """Set the event when the session ends or the account changes."""
        while True:
            believed = self.accounts.seconds_left(visitor.who)
            await asyncio.sleep(min(believed, CHECK_SECONDS) + 0.05)
            await self.sessions.check_ended()
            try:
                account = await self.accounts.get(visitor.who)
            except DatabaseUnavailable:
                # The session stays open, unless it has expired: without the database nobody can
                # delete anything either.
                if visitor.session and not self.sessions.is_alive(visitor.session):
                    ended.set()
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not self._still_allowed(visitor, account):
                ended.set()
                return

    def _receive_until_end(
        self, ended: asyncio.Event, receive: Receive, send: Send, visitor: Visitor
    ) -> Receive:
        """Return a receive that closes the websocket once the event is set."""
        activity = PageActivity()

        async def guarded() -> Message:
            message = asyncio.ensure_future(receive())
            end = asyncio.ensure_future(ended.wait())
            try:
                await asyncio.wait({message, end}, return_when=asyncio.FIRST_COMPLETED)
                if not ended.is_set():
                    if visitor.session and activity.is_user_action(message.result()):
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

    async def _visitor(self, connection: HTTPConnection, proxy_user: str | None) -> Visitor | None:
        # Assets need neither store nor database: an open page fetches them to show that the database
        # is away, and to retry.
        is_asset = connection.scope["path"].startswith(ASSETS)
        if proxy_user is not None:
            account = await self.accounts.get(proxy_user, any_age=is_asset)
            if account is None:
                return Visitor(proxy_user, proxy_user, None, None)
            return Visitor(proxy_user, account.display_name, account.right, None)
        scope = connection.scope
        session = self.sessions.find(scope, secure=self._is_secure(scope))
        if session is None or (not is_asset and await self.sessions.was_ended(session)):
            return None
        account = await self.accounts.get(session.user_id, any_age=is_asset)
        if account is None:
            return None  # the session stays: the table of users may be restored right now
        if not self._is_valid(session, account):
            await self.sessions.end(session)
            return None
        return Visitor(session.user_id, account.display_name, account.right, session)

    def _still_allowed(self, visitor: Visitor, account: Account | None) -> bool:
        """Return whether the account still has the right it had when the page was opened."""
        if visitor.session:
            return self._is_valid(visitor.session, account)
        return account is not None and account.right is visitor.right

    def _is_valid(self, session: Session, account: Account | None) -> bool:
        """Return whether a session is valid: same password, same right, not ended, not idle."""
        return (
            account is not None
            and account.right is not None
            and account.right.value == session.right
            and account.fingerprint == session.fingerprint
            and self.sessions.is_alive(session)
        )

    def _split_proxy_user(self, scope: Scope) -> tuple[Scope, str | None]:
        """Return the scope without the headers reserved for us and proxies, and the proxy's user."""
        header = self.access.proxy_user_header.lower().encode()
        proxy_user = None
        if header and peers.is_listed(peers.peer_of(scope), self.access.proxies):
            values = [value for name, value in scope["headers"] if name == header]
            # Two of them name no user.
            if len(values) == 1:
                proxy_user = values[0].decode("utf-8", "replace").strip() or None
        kept = [
            (name, value)
            for name, value in scope["headers"]
            # nginx and others write "_" for "-" and the other way round.
            if name.replace(b"_", b"-") not in {header.replace(b"_", b"-"), ACCOUNT_HEADER}
        ]
        return {**scope, "headers": kept}, proxy_user

    def _with_renewed_cookie(self, scope: Scope, session: Session, send: Send) -> Send:
        """Return a send that renews the session's cookie where it is old."""
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
        """Return a send that adds the headers of every answer."""
        headers = answer_headers(self.policy, scope["path"], is_secure=self._is_secure(scope))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (
                        name,
                        _with_own_path(value, self._is_secure(scope))
                        if name == b"set-cookie"
                        else value,
                    )
                    for name, value in message.get("headers", ())
                ]
                own = MutableHeaders(scope=message)
                for name, value in headers.items():
                    own.setdefault(name, value)
                limit_caching(own)
            await send(message)

        return with_headers

    def _with_introduction(self, scope: Scope, visitor: Visitor) -> Scope:
        """Return the scope with the user: for our routes, and in a signed header for the pages."""
        scope = {**scope, "visitor": visitor}
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
        return peers.is_secure(scope, self.access.proxies)


async def _refuse_out_of_files(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
    else:
        await answers.unavailable(scope, OUT_OF_FILES)(scope, receive, send)


def _refusal(scope: Scope, visitor: Visitor) -> Response | None:
    if visitor.right is None:
        return answers.forbidden(scope, NO_RIGHT)
    if visitor.right is Right.READER and scope["path"].startswith(WRITE_PATHS):
        return answers.forbidden(scope, READ_ONLY, is_inside=True)
    return None


def claim_of(connection: HTTPConnection) -> Claim:
    """Return the user of a request and how they were authenticated."""
    visitor: Visitor = connection.scope["visitor"]
    return visitor.claim


def actor_of(connection: HTTPConnection) -> Actor:
    """Return who makes a request and from where, for the audit log."""
    return _actor(connection.scope, connection.scope.get("visitor"))


def _actor(scope: Scope, visitor: Visitor | None) -> Actor:
    return Actor(
        visitor.name if visitor else "",
        visitor.who if visitor else None,
        scope.get("client_address", ""),
        scope.get("request_id", ""),
        visitor.token_id if visitor else None,
    )


def _with_own_path(cookie: bytes, secure: bool) -> bytes:
    """Return a Set-Cookie value for our own path: Streamlit sets its cookie for the whole host."""
    narrowed = _WHOLE_HOST.sub(b"Path=" + addresses.BASE.encode(), cookie)
    is_plain = secure and narrowed != cookie and b"secure" not in cookie.lower()
    return narrowed + b"; Secure" if is_plain else narrowed


def _send_until_end(ended: asyncio.Event, send: Send) -> Send:
    """Return a send that sends nothing more once the event is set."""

    async def guarded(message: Message) -> None:
        if not ended.is_set():
            await send(message)

    return guarded
