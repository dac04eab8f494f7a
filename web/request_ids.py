"""Gives each request a number that stands in its answer, in the logs and on error pages."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from jobs_data.request_headers import CLIENT_HEADER, REQUEST_HEADER
from jobs_data.settings import Network
from web import answers, peers
from web.headers import answer_headers

log = logging.getLogger(__name__)

_SANE: Final = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_number: Final = ContextVar("request_id", default="")
"""It holds nothing itself: each request's task and threads have their own value."""

_OURS: Final = (REQUEST_HEADER.encode(), CLIENT_HEADER.encode())


class RequestIds:
    """ASGI middleware, outside of all others, that gives each request and each websocket its number.

    It also answers what fails without an answer, and tells the pages number and client's address in
    headers; a client's own copies of these are dropped.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[Network]) -> None:
        """Take numbers from these proxies, and make them for other requests."""
        self.app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its number."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        number, client = self._number_of(scope), peers.client_of(scope, self._proxies)
        added = zip(_OURS, (number.encode(), client.encode("utf-8", "replace")), strict=True)
        # nginx and others write "_" for "-".
        kept = [each for each in scope["headers"] if each[0].replace(b"_", b"-") not in _OURS]
        scope = {**scope, "headers": [*kept, *added], "request_id": number, "client_address": client}
        has_begun = False

        async def with_number(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                MutableHeaders(scope=message)[REQUEST_HEADER] = number
            await send(message)

        before = _number.set(number)
        try:
            await self.app(scope, receive, with_number)
        except Exception:
            if has_begun or scope["type"] == "websocket":
                raise  # the server closes the connection, and logs it
            log.exception("a request failed: %s %r", scope["method"], scope["path"])
            answer = answers.failed(scope)
            is_secure = peers.is_secure(scope, self._proxies)
            for name, value in answer_headers("", scope["path"], is_secure=is_secure).items():
                answer.headers.setdefault(name, value)
            await answer(scope, receive, with_number)
        finally:
            _number.reset(before)

    def _number_of(self, scope: Scope) -> str:
        given = Headers(scope=scope).getlist(REQUEST_HEADER)
        is_given = len(given) == 1 and bool(_SANE.fullmatch(given[0]))
        if is_given and peers.is_listed(peers.peer_of(scope), self._proxies):
            return given[0]
        return secrets.token_hex(8)


def request_id() -> str:
    """Return the number of the request that runs now, or of the page's websocket; empty outside."""
    if number := _number.get():
        return number
    # Streamlit's threads, in which pages run, do not have the request's context.
    if get_script_run_ctx(suppress_warning=True) is None:
        return ""
    return st.context.headers.get(REQUEST_HEADER, "")


class WithRequestId(logging.Filter):
    """Lets every record through, with `request` for the format: the number in brackets, or nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True."""
        number = request_id()
        record.request = f" [{number}]" if number else ""
        return True
