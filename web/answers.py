"""The gate's own answers: plain HTML for browsers, text or JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.types import Scope

from jobs_data import addresses
from web.peers import token_of

if TYPE_CHECKING:  # see `_templates`
    from jinja2 import Environment

RETRY_SECONDS: Final = 15
"""After how many seconds a page that cannot be shown asks again."""

FOLDER: Final = Path(__file__).parent / "templates"

# These pages run no script.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}

LONGEST_ADDRESS: Final = 60_000
"""The longest address in bytes: uvicorn takes 64 kB with the headers."""


class BadQuery(Exception):
    """A query has a parameter that makes no sense. The message is a sentence."""


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - no start waits for it

    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True)


def page(name: str, status: int, **values: Any) -> Response:
    """Return a page made from a template; every value is escaped."""
    html = _templates().get_template(name).render(links=addresses, **values)
    return HTMLResponse(html, status_code=status, headers=_HEADERS)


def sign_in_first(scope: Scope) -> Response:
    """Redirect a browser to the sign-in, and back afterwards; answer 401 to a program."""
    request = Request(scope)
    if not is_browser(request):
        challenge = {"WWW-Authenticate": "Bearer"}  # RFC 9110, section 11.6.1
        return plain(request, 401, "Sign in first.", _HEADERS | challenge)
    query = f"?{request.url.query}" if request.url.query else ""
    next_url = f"{scope['path']}{query}" if request.method in {"GET", "HEAD"} else addresses.BASE
    sign_in = f"{addresses.SIGN_IN}?{urlencode({'next': next_url})}"
    if len(sign_in) > LONGEST_ADDRESS:
        sign_in = f"{addresses.SIGN_IN}?{urlencode({'next': scope['path']})}"
    return RedirectResponse(
        sign_in,
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


def forbidden(scope: Scope, sentence: str, *, is_inside: bool = False) -> Response:
    """Refuse with 403; the page leads a user with access back to the jobs."""
    return _message(Request(scope), 403, "Not allowed", sentence, is_inside=is_inside)


def warning(request: Request, title: str, sentence: str, *, is_known_there: bool = False) -> Response:
    """Answer 200 with a warning: something was not done completely.

    It leads to the provider's sign-out if the user is known there.
    """
    return _message(request, 200, title, sentence, is_known_there=is_known_there)


def unavailable(scope: Scope, sentence: str) -> Response:
    """Answer 503 while the database cannot be used; a browser retries by itself."""
    request = Request(scope)
    # A retry must not repeat a change.
    seconds = RETRY_SECONDS if is_browser(request) and request.method == "GET" else 0
    answer = _message(request, 503, "Not available right now", sentence, retries_in=seconds)
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    if seconds:
        answer.headers["Refresh"] = str(seconds)
    return answer


def not_found(scope: Scope) -> Response:
    """Answer 404 to a signed-in user."""
    sentence = "There is no page at this address."
    return _message(Request(scope), 404, "Page not found", sentence, is_inside=True)


def method_not_allowed(scope: Scope) -> Response:
    """Answer 405 to a signed-in user: the address is read-only."""
    sentence = "This address is read-only. Nothing was changed."
    answer = _message(Request(scope), 405, "Not possible", sentence, is_inside=True)
    answer.headers["Allow"] = "GET, HEAD"
    return answer


def body_refused(scope: Scope, status: int, sentence: str) -> Response:
    """Refuse a request whose body was not read to its end, and close its connection."""
    answer = _message(Request(scope), status, "Not possible", sentence, is_inside=True)
    answer.headers["Connection"] = "close"
    return answer


def failed(scope: Scope) -> Response:
    """Answer 500 to a request that ended with an unexpected error, which has been logged."""
    sentence = (
        "This request failed because of an unexpected error. Try again. The server's log has the "
        "details, under the number of the request."
    )
    return _message(Request(scope), 500, "Something went wrong", sentence, is_inside=True)


def plain(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a sentence as text, or in JSON for a program that asks for it."""
    if wants_json(request):
        return JSONResponse({"message": sentence}, status_code=status, headers=headers)
    return PlainTextResponse(sentence, status_code=status, headers=headers)


def wants_json(request: Request) -> bool:
    """Return whether a program wants its answer in JSON: by its header, its token or the address."""
    is_program = request.url.path.endswith(".json") or token_of(request.scope) is not None
    return is_program or "application/json" in request.headers.get("accept", "")


def is_browser(request: Request) -> bool:
    """Return whether a browser asks, to show the answer as a page."""
    if mode := request.headers.get("sec-fetch-mode"):
        return mode == "navigate"
    return "text/html" in request.headers.get("accept", "")


def _message(request: Request, status: int, title: str, sentence: str, **values: object) -> Response:
    if is_browser(request):
        number = request.scope.get("request_id", "")
        return page("message.html", status, title=title, sentence=sentence, request_id=number, **values)
    return plain(request, status, sentence, _HEADERS)
