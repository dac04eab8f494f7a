"""Signing in and out: a plain form that works without JavaScript."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from jobs_data import addresses
from jobs_data.accounts.accounts import Account
from jobs_data.accounts.sign_in import PARALLEL_SIGN_INS, Reason, SignInRefused, SignIns
from jobs_data.audit import Audit, Event
from jobs_data.platform.errors import DatabaseUnavailable, translated_errors
from web import answers, peers
from web.gate import NO_RIGHT, AccessSettings, AccountCache, actor_of
from web.sessions import Session, Sessions, session_cookie

MAX_FIELDS: Final = 8
MAX_SHOWN: Final = 255
TURN_SECONDS: Final = 45
"""How long a sign-in waits for those before it."""

SIGN_OUT_NOT_STORED: Final = (
    "You are signed out, but the app could not store that in its own database. A copy of your cookie "
    "may work again after a restart or in another process, until it expires. Please tell an "
    "administrator of your archive."
)

_OUR_ADDRESS: Final = re.compile(rf"{addresses.BASE}(/[A-Za-z0-9_-]+)*/?(\?[!-\[\]-~]*)?")
NO_STORE: Final = {"Cache-Control": "no-store"}


def safe_next(wanted: str) -> str:
    """Return the address to go to after signing in: one of ours, else the list.

    Otherwise a foreign link could lead from our sign-in page to another site, or to another page of
    the platform. No path of ours has a dot or a percent sign, so a browser has nothing to decode or to
    shorten.
    """
    is_ours = _OUR_ADDRESS.fullmatch(wanted)
    leads_on = not wanted.startswith((addresses.SIGN_IN, addresses.SIGN_OUT, addresses.SESSION_CHECK))
    return wanted if is_ours and leads_on and len(wanted) <= answers.LONGEST_ADDRESS else addresses.BASE


def list_address(wanted: str) -> str:
    """Return the list's own address for its other one, to which no cookie is sent."""
    path, mark, query = wanted.partition("?")
    return f"{addresses.BASE}{mark}{query}" if path == addresses.BROWSE else wanted


@dataclass(frozen=True)
class DemoAccounts:
    """The accounts of the demo: the page shows them, and fills in the administrator's."""

    administrator: str
    reader: str
    password: str


class SignIn:
    """The sign-in page, and the routes that start and end a session."""

    def __init__(
        self,
        sign_ins: SignIns,
        sessions: Sessions,
        accounts: AccountCache,
        access: AccessSettings,
        audit: Audit,
        *,
        site_host: str = "",
        demo: DemoAccounts | None = None,
        has_oidc: bool = False,
    ) -> None:
        """Start and end sessions; `site_host` names the platform's site on the page."""
        self.has_oidc = has_oidc
        self.sign_ins = sign_ins
        self.sessions = sessions
        self.accounts = accounts
        self.access = access
        self.audit = audit
        self.site_host = site_host
        self.demo = demo
        # Waiting sign-ins must not use up the threads that serve all other requests.
        self._turns = CapacityLimiter(PARALLEL_SIGN_INS)

    def routes(self) -> list[BaseRoute]:
        """Return the routes, for all methods, so that Streamlit answers none."""
        every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return [
            Route(addresses.SIGN_IN, self.sign_in, methods=every),
            Route(addresses.SIGN_OUT, self.sign_out, methods=every),
            Route(addresses.SESSION_CHECK, check_session),
            Route(addresses.SIGN_IN_STYLE, style),
            Route(addresses.SIGN_IN_ICON, icon),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Show the form, or sign in with its fields."""
        if request.method in {"GET", "HEAD"}:
            next_url = safe_next(list_address(request.query_params.get("next", "")))
            if await self.session_of(request):
                return RedirectResponse(next_url, status_code=303, headers=NO_STORE)
            return self._form(200, next_url)
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "GET, HEAD, POST"})
        fields = await _fields(request)
        if fields is None:
            return self._form(400, addresses.BASE, "The form could not be read. Try again.")
        return await self._post(request, fields)

    async def _post(self, request: Request, fields: dict[str, str]) -> Response:
        next_url = safe_next(list_address(fields.get("next") or request.query_params.get("next", "")))
        identifier = fields.get("identifier", "")
        try:
            # Only the wait for a turn is bounded, not the sign-in itself.
            with translated_errors(), fail_after(TURN_SECONDS):
                account = await to_thread.run_sync(
                    self.sign_ins.sign_in,
                    identifier,
                    fields.get("password", ""),
                    fields.get("code", ""),
                    peers.client_of(request.scope, self.access.proxies),
                    self.access.groups,
                    limiter=self._turns,
                )
        except SignInRefused as refusal:
            self._write(request, Event.SIGN_IN_REFUSED, refusal.account, reason=refusal.word)
            return self._form(
                429 if refusal.reason is Reason.LOCKED else 401,
                next_url,
                str(refusal),
                identifier=identifier,
                asks_code=refusal.reason in {Reason.CODE_NEEDED, Reason.CODE_WRONG},
            )
        except DatabaseUnavailable as problem:
            self._write(request, Event.SIGN_IN_REFUSED, None, reason="database away")
            return self._form(503, next_url, str(problem), identifier=identifier)
        return await self.enter(request, account, next_url)

    def refuse(
        self, request: Request, status: int, sentence: str, reason: str, next_url: str
    ) -> Response:
        """Show the form with the sentence that says why the sign-in failed, and log the reason.

        With 403 the provider knows the user, who can sign out there to use another account.
        """
        self._write(request, Event.SIGN_IN_REFUSED, None, reason=reason)
        return self._form(status, next_url, sentence, is_known_there=status == 403)

    async def enter(
        self, request: Request, account: Account, next_url: str, by: str = "password"
    ) -> Response:
        """Begin a session of a user who was authenticated, and lead to an address of ours."""
        if account.right is None:
            self._write(request, Event.SIGN_IN_REFUSED, account, reason="no right")
            return self._form(403, next_url, NO_RIGHT, is_known_there=by == "oidc")
        # The browser's earlier session must not go on beside the new one.
        if before := await self.session_of(request):
            await self.sessions.end(before)
        await run_in_threadpool(self.read_idle_timeout)
        # A cached account with an older password would end the new session.
        self.accounts.put(account)
        self._write(request, Event.SIGN_IN, account, right=account.right.value, by=by)
        token = self.sessions.token(self.sessions.begin(account, by_oidc=by == "oidc"))
        return self._with_cookie(request, RedirectResponse(next_url, status_code=303), token)

    def read_idle_timeout(self) -> bool:
        """Read after how many idle minutes sessions end; return False where the database is away."""
        try:
            minutes = self.sign_ins.read_idle_minutes()
        except DatabaseUnavailable:
            return False
        self.sessions.idle_seconds = minutes * 60
        return True

    async def sign_out(self, request: Request) -> Response:
        """End the session, in every tab and for every copy of its cookie."""
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        session = request.scope["visitor"].session
        self.audit.write(Event.SIGN_OUT, actor_of(request))
        is_oidc = self.has_oidc and session is not None and session.by_oidc
        if session is None or await self.sessions.end(session):
            goal = addresses.OIDC_SIGNED_OUT if is_oidc else addresses.SIGN_IN
            answer: Response = RedirectResponse(goal, status_code=303)
        else:
            answer = answers.warning(request, "Signed out", SIGN_OUT_NOT_STORED, is_known_there=is_oidc)
        return self._with_cookie(request, answer, "")

    def _write(
        self, request: Request, event: Event, account: Account | None, **details: object
    ) -> None:
        """Note a sign-in; never what was typed: a name that no account has may be a password."""
        nobody = actor_of(request)
        named = replace(nobody, name=account.display_name, id=account.id) if account else nobody
        self.audit.write(event, named, **details)

    async def session_of(self, request: Request) -> Session | None:
        """Return the valid session of a request, None without one."""
        secure = peers.is_secure(request.scope, self.access.proxies)
        session = self.sessions.find(request.scope, secure=secure)
        return None if session is None or await self.sessions.was_ended(session) else session

    def _form(
        self,
        status: int,
        next_url: str,
        problem: str = "",
        *,
        identifier: str = "",
        asks_code: bool = False,
        is_known_there: bool = False,
    ) -> Response:
        return answers.page(
            "sign_in.html",
            status,
            next_url=next_url,
            problem=problem,
            identifier=identifier[:MAX_SHOWN],
            asks_code=asks_code,
            site_host=self.site_host,
            demo=self.demo,
            has_oidc=self.has_oidc,
            is_known_there=is_known_there,
        )

    def _with_cookie(self, request: Request, response: Response, token: str) -> Response:
        secure = peers.is_secure(request.scope, self.access.proxies)
        response.headers["Set-Cookie"] = session_cookie(token, secure=secure)
        response.headers["Cache-Control"] = "no-store"
        return response


async def check_session(_request: Request) -> Response:
    """Answer an open page that asks whether its session is still valid; that does not prolong it."""
    return Response(status_code=204, headers=NO_STORE)


async def style(_request: Request) -> Response:
    """Return the style of the sign-in page."""
    return FileResponse(answers.FOLDER / "sign-in.css", media_type="text/css")


async def icon(_request: Request) -> Response:
    """Return the app's icon."""
    return FileResponse(answers.FOLDER / "icon.svg", media_type="image/svg+xml")


async def _fields(request: Request) -> dict[str, str] | None:
    """Return the fields of a posted form, None where it is none."""
    body = await request.body()  # the gate bounds it
    try:
        fields = parse_qs(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}
