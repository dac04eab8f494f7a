"""Signing in at an OpenID Connect provider: the second door, to the same accounts of the platform.

The provider only says who it is, by a verified e-mail; the right is that of the platform's account.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from authlib.oidc.core import UserInfo
from httpx2 import HTTPError, InvalidURL
from itsdangerous import BadData, URLSafeTimedSerializer
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from jobs_data import addresses
from jobs_data.accounts.accounts import Account
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.settings import oidc_metadata_url
from jobs_data.signing import signer
from web import answers, origins, peers
from web.sign_in import NO_STORE, SignIn, list_address, safe_next

log = logging.getLogger(__name__)

PROVIDER_SECONDS: Final = 10
"""How long the provider may take to answer."""

RETRY_SECONDS: Final = 5
"""After how long a provider that did not answer is asked again."""

METADATA_SECONDS: Final = 60
"""How long its metadata and keys are used: a key that it has withdrawn is not accepted for longer."""

FLOW_SECONDS: Final = 600
"""How long a user may take at the provider."""

MAX_USED: Final = 10_000
"""How many used states are kept; with one more, the oldest is forgotten."""

LONGEST_FLOW: Final = 3_500
"""The longest flow in characters: browsers keep no cookie over 4,096 bytes with its name."""

SIGNATURES: Final = frozenset(
    {f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)} | {"EdDSA", "Ed25519"}
)
"""How a provider may sign. Some also offer `none`, which Authlib would take (OWASP ASVS 5, 9.1.2)."""

_COOKIE: Final = "heratio_jobs_oidc"
_NEXT: Final = "next"
_STATE: Final = "state"
_BASIC: Final = "client_secret_basic"
_POST: Final = "client_secret_post"
_BAD_ANSWER: Final = (
    AuthlibBaseError,
    JoseError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What Authlib raises for a provider's refusal, and for an answer or metadata that are not valid."""

AWAY: Final = "Your organisation's sign-in service does not answer. Try again in a moment."
NOT_VALID: Final = (
    "Your organisation's sign-in service did not sign you in, or it took too long. Start again."
)
NO_EMAIL: Final = (
    "Your organisation's sign-in service has not verified an e-mail address of yours. Ask its "
    "administrator."
)
NO_ACCOUNT: Final = (
    "No account here has the e-mail address that your organisation's sign-in service knows. Ask an "
    "administrator of your archive."
)


@dataclass(frozen=True)
class Provider:
    """The provider, and this app as its client."""

    issuer: str
    client_id: str
    client_secret: str
    is_email_trusted: bool = False
    """Whether an e-mail counts of which the provider does not say whether it is verified."""


class Oidc:
    """The routes that lead to the provider and back: authorization code with state, nonce and PKCE."""

    def __init__(
        self,
        provider: Provider,
        sign_in: SignIn,
        find: Callable[[str], Account | None],
        key: str,
    ) -> None:
        """Sign in the account that `find` returns for an e-mail; `key` signs the flow's cookie.

        Nothing is asked of the provider yet.
        """
        self._provider = provider
        self._sign_in = sign_in
        self._find = find
        self._flows = signer(URLSafeTimedSerializer, key, "oidc")
        self._loading = asyncio.Lock()
        self._next_try = 0.0  # of time.monotonic()
        self._client: Any = None
        self._used: dict[str, None] = {}  # states, the oldest first

    def routes(self) -> list[BaseRoute]:
        """Return the three routes."""
        return [
            Route(addresses.OIDC, self.start),
            Route(addresses.OIDC_CALLBACK, self.finish),
            Route(addresses.OIDC_SIGNED_OUT, self.signed_out),
        ]

    async def start(self, request: Request) -> Response:
        """Redirect to the provider."""
        next_url = safe_next(list_address(request.query_params.get(_NEXT, "")))
        flow: dict[str, Any] = {_NEXT: next_url, _STATE: secrets.token_urlsafe(16)}
        try:
            client = await self._load_client()
            answer: Response = await client.authorize_redirect(
                _with_flow(request, flow), self._callback(request), state=flow[_STATE]
            )
        except (HTTPError, *_BAD_ANSWER) as problem:
            return self._refuse(request, 503, AWAY, next_url, problem, reason="provider away")
        signed = str(self._flows.dumps(flow))
        if len(signed) > LONGEST_FLOW:
            signed = str(self._flows.dumps(flow | {_NEXT: addresses.BASE}))
        return self._with_cookie(request, answer, signed)

    async def finish(self, request: Request) -> Response:
        """Sign in whom the provider names, and lead to where the user wanted to go.

        Users also come here after a sign-out at the provider, so that one address is registered there.
        """
        if not request.query_params.keys() & {"code", "error"}:
            return RedirectResponse(addresses.SIGN_IN, status_code=303)
        flow = self._flow_of(request)
        state = request.query_params.get(_STATE)
        # The provider is asked for nothing that was not begun here; the flow of another tab stays.
        if not state or state != flow.get(_STATE):
            reason = "not begun, or too long ago"
            return self._refuse(request, 401, NOT_VALID, safe_next(""), reason=reason)
        if self._is_first_use(state):
            answer = await self._finish(request, flow)
        else:
            answer = self._refuse(request, 401, NOT_VALID, safe_next(""), reason="used before")
        return self._with_cookie(request, answer, "")

    def _is_first_use(self, state: str) -> bool:
        """Return whether a state is used for the first time in this process, and keep it."""
        is_first = state not in self._used
        self._used[state] = None
        if len(self._used) > MAX_USED:
            del self._used[next(iter(self._used))]
        return is_first

    async def _finish(self, request: Request, flow: dict[str, Any]) -> Response:
        next_url = safe_next(str(flow.get(_NEXT, "")))
        wanted = {
            "iss": {"essential": True, "value": self._provider.issuer},
            "aud": {"essential": True, "value": self._provider.client_id},
        }
        try:
            client = await self._load_client()
            token = await client.authorize_access_token(
                _with_flow(request, flow), claims_options=wanted
            )
            claims = await _claims(client, token)
        except HTTPError as problem:
            return self._refuse(request, 503, AWAY, next_url, problem, reason="provider away")
        except _BAD_ANSWER as problem:
            return self._refuse(request, 401, NOT_VALID, next_url, problem, reason="provider refused")
        email = claims.get("email")
        if not isinstance(email, str) or not self._is_verified(claims):
            return self._refuse(request, 403, NO_EMAIL, next_url, reason="no verified e-mail")
        try:
            account = await run_in_threadpool(self._find, email)
        except DatabaseUnavailable as problem:
            return self._refuse(request, 503, str(problem), next_url, reason="database away")
        if account is None:
            return self._refuse(request, 403, NO_ACCOUNT, next_url, reason=f"no account of {email}")
        return await self._sign_in.enter(request, account, next_url, by="oidc")

    async def signed_out(self, request: Request) -> Response:
        """Say that the provider may still know the user, with a link to its sign-out if it has one.

        A user who is signed in here is led to the list.
        """
        if await self._sign_in.session_of(request):
            return RedirectResponse(addresses.BASE, status_code=303, headers=NO_STORE)
        sign_out = ""
        with suppress(HTTPError, *_BAD_ANSWER):  # which it is without an address for a sign-out, too
            client = await self._load_client()
            url = await client.create_logout_url(
                self._callback(request), client_id=self._provider.client_id
            )
            sign_out = url["url"]
        return answers.page("signed_out.html", 200, sign_out=sign_out)

    def _is_verified(self, claims: dict[str, Any]) -> bool:
        is_verified = claims.get("email_verified")
        if is_verified is None:
            return self._provider.is_email_trusted
        return str(is_verified).lower() == "true"  # some send it as text

    async def _load_client(self) -> Any:
        """Return a client with the provider's metadata, read once for all who wait.

        Only SIGNATURES are left in them; without any of these, Authlib takes RS256. Raises HTTPError.
        """
        async with self._loading:
            if monotonic() < self._next_try:
                if self._client is None:
                    raise HTTPError("it did not answer a moment ago")
                return self._client
            self._client, client = None, self._new_client()
            try:
                metadata = await client.load_server_metadata()
                name = "id_token_signing_alg_values_supported"
                metadata[name] = [each for each in metadata.get(name) or () if each in SIGNATURES]
                methods = metadata.get("token_endpoint_auth_methods_supported") or [_BASIC]
                if _BASIC not in methods:
                    client.client_kwargs["token_endpoint_auth_method"] = _POST
            except (HTTPError, InvalidURL, ValueError, TypeError) as problem:
                self._next_try = monotonic() + RETRY_SECONDS
                if isinstance(problem, HTTPError):
                    raise
                raise HTTPError("it did not answer with its metadata") from problem
            self._client, self._next_try = client, monotonic() + METADATA_SECONDS
            return client

    def _new_client(self) -> Any:
        return OAuth().register(
            "oidc",
            client_id=self._provider.client_id,
            client_secret=self._provider.client_secret,
            server_metadata_url=oidc_metadata_url(self._provider.issuer),
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "timeout": PROVIDER_SECONDS,
            },
        )

    def _callback(self, request: Request) -> str:
        return f"{origins.own_origin(request.scope, self._proxies)}{addresses.OIDC_CALLBACK}"

    @property
    def _proxies(self) -> tuple[Any, ...]:
        return self._sign_in.access.proxies

    def _refuse(
        self,
        request: Request,
        status: int,
        sentence: str,
        next_url: str,
        problem: Exception | None = None,
        *,
        reason: str,
    ) -> Response:
        if problem:
            # Not its text, which may be the client's.
            word = getattr(problem, "claim", "") or getattr(problem, "error", "")
            log.warning("a sign-in by OIDC failed: %s %r", type(problem).__name__, str(word)[:100])
        return self._sign_in.refuse(request, status, sentence, f"oidc: {reason}", next_url)

    def _flow_of(self, request: Request) -> dict[str, Any]:
        """Return what `start` left in the browser; empty without it, or where it is too old."""
        try:
            flow = self._flows.loads(
                request.cookies.get(self._cookie_name(request), ""), max_age=FLOW_SECONDS
            )
        except BadData:
            return {}
        return dict(flow)

    def _cookie_name(self, request: Request) -> str:
        is_secure = peers.is_secure(request.scope, self._proxies)
        return f"__Secure-{_COOKIE}" if is_secure else _COOKIE

    def _with_cookie(self, request: Request, answer: Response, value: str) -> Response:
        name = self._cookie_name(request)
        answer.set_cookie(
            name,
            value,
            max_age=FLOW_SECONDS if value else 0,
            path=addresses.SIGN_IN,
            secure=name != _COOKIE,
            httponly=True,
            samesite="lax",
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


async def _claims(client: Any, token: dict[str, Any]) -> dict[str, Any]:
    """Return what the provider says of the user.

    That is in the signed token, whose nonce was checked. Without an e-mail there, it is at the userinfo
    address (OpenID Connect Core 1.0, section 5.4). Raises ValueError where that is about another user
    (section 5.3.2), and without a token.
    """
    claims = token.get("userinfo")
    if not isinstance(claims, UserInfo):  # it is a field of the answer, which nobody has signed
        raise ValueError("no ID token")
    claims = dict(claims)
    if "email" in claims or "userinfo_endpoint" not in client.server_metadata:
        return claims
    more = dict(await client.userinfo(token=token))
    if more.get("sub") != claims["sub"]:
        raise ValueError("another user")
    return more


def _with_flow(request: Request, flow: dict[str, Any]) -> Request:
    """Return a request whose session is the flow: there Authlib keeps state, nonce and code verifier.

    The request's own scope has Streamlit's session, which must stay.
    """
    return Request({**request.scope, "session": flow}, request.receive)
