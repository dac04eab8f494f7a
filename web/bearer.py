"""API tokens in requests: `Bearers` is the one place where a token is accepted or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from jobs_data import addresses
from jobs_data.accounts import tokens
from jobs_data.accounts.accounts import Account, Right
from jobs_data.accounts.tokens import Token, Tokens
from jobs_data.audit import Actor, Audit, Event
from jobs_data.platform.errors import DatabaseUnavailable, translated_errors
from web import answers

if TYPE_CHECKING:  # the gate imports this module
    from web.gate import AccountCache

_CHANGES: Final = re.compile(rf"{addresses.BASE}/(delete/[^/]+|clear-inactive)")
_READS: Final = re.compile(
    rf"{addresses.BASE}(\.json|/([0-9]+|statistics|queue-browse|openapi)\.json|/export-csv"
    r"|/[0-9]+/(output|download|row-errors)|/receipts/[^/]+)"
)
"""The addresses that a token opens; never a page, the websocket, the sign-in or the tokens' screen."""

INVALID: Final = "This token is unknown, expired or revoked, or its account is no administrator now."
LOCKED: Final = "Too many failed tokens from this address. Try again later."
UNCHECKED: Final = "Tokens cannot be checked now. Try again later."
NO_PAGE: Final = "A token opens only the addresses for programs. Sign in to see pages."
READ_ONLY: Final = "The scope of this token is Read. Nothing was deleted."

PARALLEL: Final = 4
"""How many tokens are looked up at a time: unknown ones must not use up the threads of all requests."""

TURN_SECONDS: Final = 10
"""How long a token waits to be looked up."""

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class TokenRefused(Exception):
    """A request with a token is refused. Its text is a sentence for the client."""

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None, *, reason: str
    ) -> None:
        """Keep the status of the answer, its headers, and the reason for the audit log."""
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.headers = headers or {}

    def answer(self, scope: Scope) -> Response:
        """Return the answer: never a page, and never a redirect to the sign-in."""
        headers = {"Cache-Control": "no-store", **self.headers}
        return answers.plain(Request(scope), self.status, str(self), headers)


def name_of(token: Token, account: Account | None) -> str:
    """Return how receipts and the audit log name who acts with a token."""
    return f"{account.display_name if account else token.by} (token {token.name})"


class Bearers:
    """Accepts and refuses the tokens of requests."""

    def __init__(self, known: Tokens, accounts: AccountCache, audit: Audit) -> None:
        """Look tokens up among the known ones, and their accounts in a cache."""
        self._known = known
        self._accounts = accounts
        self._audit = audit
        self._turns = CapacityLimiter(PARALLEL)

    async def accept(self, value: str, scope: Scope, client: str) -> tuple[Token, Account]:
        """Return a request's token and the account it acts for; `client` is the address it came from.

        The account must be an administrator's now, as far as the cache knows. The audit log gets each
        refusal, and a token's use once a minute. Raises TokenRefused.
        """
        token: Token | None = None
        account: Account | None = None
        try:
            with translated_errors(), fail_after(TURN_SECONDS):
                token = await to_thread.run_sync(self._known.find, value, limiter=self._turns)
            account = await self._accounts.get(token.user_id) if token else None
            refusal = self._refusal(token, account, scope["path"], client)
        except DatabaseUnavailable:
            retry = {"Retry-After": str(answers.RETRY_SECONDS)}
            refusal = TokenRefused(503, UNCHECKED, retry, reason="database away")
        actor = actor_of(token, account, client, scope.get("request_id", ""))
        request = {"method": scope["method"], "path": scope["path"]}
        if refusal:
            self._audit.write(Event.TOKEN_REFUSED, actor, reason=refusal.reason, **request)
            raise refusal
        assert token and account  # noqa: PT018, S101 - else it was refused
        if await run_in_threadpool(self._known.note_use, token):
            self._audit.write(Event.TOKEN_USED, actor, **request)
        return token, account

    def _refusal(
        self, token: Token | None, account: Account | None, path: str, client: str
    ) -> TokenRefused | None:
        """Decide about a token; one that was never made counts as a failure of the client."""
        if token is None and (locked := self._known.count_failure(client)):
            retry = {"Retry-After": str(int(locked.total_seconds()) + 1)}
            return TokenRefused(429, LOCKED, retry, reason="locked")
        if reason := _why_invalid(token, account):
            return TokenRefused(401, INVALID, _CHALLENGE, reason=reason)
        if _CHANGES.fullmatch(path):
            if token and token.scope is tokens.Scope.DELETE:
                return None
            return TokenRefused(403, READ_ONLY, reason="read only")
        return None if _READS.fullmatch(path) else TokenRefused(403, NO_PAGE, reason="not for programs")


def _why_invalid(token: Token | None, account: Account | None) -> str:
    if token is None:
        return "unknown"
    if (state := token.state(datetime.now(UTC))) != "Active":
        return state.lower()
    return "" if account and account.right is Right.ADMINISTRATOR else "no administrator"


def actor_of(token: Token | None, account: Account | None, client: str, request: str) -> Actor:
    """Return who makes a request with a token, for the audit log; nobody if it is unknown."""
    if token is None:
        return Actor("", None, client, request)
    return Actor(name_of(token, account), token.user_id, client, request, token.id)
