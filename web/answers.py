"""What the door itself answers: plain HTML for people, text or JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader
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

RETRY_SECONDS: Final = 15
"""After how many seconds a page that cannot be shown asks again."""

FOLDER: Final = Path(__file__).parent / "templates"
_templates: Final = Environment(loader=FileSystemLoader(FOLDER), autoescape=True)

# The door's own pages run no script at all.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}

LONGEST_ADDRESS: Final = 60_000
"""How many bytes of an address uvicorn takes, headers and a little more left out of its 64 kB."""


def page(name: str, status: int, **values: Any) -> Response:
    """Return a page of the door, filled from its template; every value is escaped."""
    html = _templates.get_template(name).render(links=addresses, **values)
    return HTMLResponse(html, status_code=status, headers=_HEADERS)


def unknown(scope: Scope) -> Response:
    """Send a person to the sign-in, and back afterwards; tell a program 401."""
    request = Request(scope)
    if not is_person(request):
        return plain(request, 401, "Sign in first.", _HEADERS)
    query = f"?{request.url.query}" if request.url.query else ""
    came_for = f"{scope['path']}{query}" if request.method in {"GET", "HEAD"} else addresses.BASE
    sign_in = f"{addresses.SIGN_IN}?{urlencode({'next': came_for})}"
    if len(sign_in) > LONGEST_ADDRESS:
        sign_in = f"{addresses.SIGN_IN}?{urlencode({'next': scope['path']})}"
    return RedirectResponse(
        sign_in,
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


def forbidden(scope: Scope, sentence: str, *, is_inside: bool = False) -> Response:
    """Tell somebody that this is not theirs to do; who is inside is led back to the jobs."""
    return _message(Request(scope), 403, "Not allowed", sentence, is_inside=is_inside)


def warning(request: Request, title: str, sentence: str) -> Response:
    """Tell that something was done, but not all of it."""
    return _message(request, 200, title, sentence)


def unavailable(scope: Scope, sentence: str) -> Response:
    """Say that no user can be checked while the database does not answer; a browser tries again."""
    request = Request(scope)
    # A reload must not repeat a change, nor ask for what only a change may ask for.
    seconds = RETRY_SECONDS if is_person(request) and request.method == "GET" else 0
    answer = _message(request, 503, "Not available right now", sentence, retries_in=seconds)
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    if seconds:
        answer.headers["Refresh"] = str(seconds)
    return answer


def missing(scope: Scope) -> Response:
    """Tell a signed-in user that nothing is served at an address."""
    sentence = "There is nothing at this address."
    return _message(Request(scope), 404, "No such page", sentence, is_inside=True)


def not_allowed(scope: Scope) -> Response:
    """Tell a signed-in user that an address can only be read."""
    sentence = "This address can only be read, so nothing was changed."
    answer = _message(Request(scope), 405, "Not possible", sentence, is_inside=True)
    answer.headers["Allow"] = "GET, HEAD"
    return answer


def unread(scope: Scope, status: int, sentence: str) -> Response:
    """Refuse a request whose body was not read to its end, and the rest of it."""
    answer = _message(Request(scope), status, "Not possible", sentence, is_inside=True)
    answer.headers["Connection"] = "close"
    return answer


def plain(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a sentence as text, or in JSON for a program that asks for it."""
    if wants_json(request):
        return JSONResponse({"message": sentence}, status_code=status, headers=headers)
    return PlainTextResponse(sentence, status_code=status, headers=headers)


def wants_json(request: Request) -> bool:
    """Return whether a program asks for its answer in JSON."""
    return "application/json" in request.headers.get("accept", "")


def is_person(request: Request) -> bool:
    """Return whether a browser asks, to show the answer as a page."""
    if mode := request.headers.get("sec-fetch-mode"):
        return mode == "navigate"
    return "text/html" in request.headers.get("accept", "")


def _message(request: Request, status: int, title: str, sentence: str, **values: object) -> Response:
    if is_person(request):
        return page("message.html", status, title=title, sentence=sentence, **values)
    return plain(request, status, sentence, _HEADERS)
