"""Every route that the running server knows, Streamlit's own included: closed, but for five."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from jobs_data import addresses, demo
from tests.support.app_servers import ROOT, DemoSite, open_websocket, own_environment
from web.sessions import COOKIE

PERSON = {"Accept": "text/html"}
PROGRAM = {"Accept": "application/json"}
EVERY = "DELETE GET HEAD OPTIONS PATCH POST PUT"
READ = "GET HEAD"
STREAM = "/admin/jobs/_stcore/stream"


class Known(NamedTuple):
    """A route of the server: its kind, its path, and the methods it serves."""

    kind: str
    path: str
    methods: str


OPEN = {
    Known("http", "/admin/jobs/sign-in", EVERY): {"GET": 200, "HEAD": 200, "POST": 401},
    Known("http", "/admin/jobs/sign-in.css", READ): {"GET": 200, "HEAD": 200},
    Known("http", "/admin/jobs/sign-in.svg", READ): {"GET": 200, "HEAD": 200},
    Known("http", "/admin/jobs/health/live", READ): {"GET": 200, "HEAD": 200},
    Known("http", "/admin/jobs/health/ready", READ): {"GET": 200, "HEAD": 200},
    Known("http", "/admin/jobs/metrics", READ): {"GET": 404, "HEAD": 404},  # it is off
    Known("http", "/admin/jobs/_stcore/health", READ): {"GET": 200, "HEAD": 200},
    Known("http", "/admin/jobs/_stcore/health", "OPTIONS"): {},
    Known("http", "/admin/jobs/_stcore/host-config", READ): {"GET": 200, "HEAD": 200},
}
"""What each answers to a stranger; 405 to any other method."""

CLOSED = [
    Known("http", "/", READ),
    Known("http", "/jobs/browse", READ),
    Known("http", "/admin/jobs/sign-out", EVERY),
    Known("http", "/admin/jobs/queue/{job_id:id}", READ),
    Known("http", "/admin/jobs/session", READ),
    Known("http", "/admin/jobs/export-csv", READ),
    Known("http", "/admin/jobs/clear-inactive", EVERY),
    Known("http", "/admin/jobs/delete/{job_id}", EVERY),
    Known("http", "/admin/jobs/receipts/{receipt_id}", READ),
    Known("http", "/admin/jobs/{job_id:id}", READ),
    Known("http", "/admin/jobs/{job_id:id}/download", READ),
    Known("http", "/admin/jobs/{job_id:id}/output", READ),
    Known("http", "/admin/jobs/{job_id:id}/row-errors", READ),
    Known("http", "/admin/jobs.json", READ),
    Known("http", "/admin/jobs/statistics.json", READ),
    Known("http", "/admin/jobs/queue-browse.json", READ),
    Known("http", "/admin/jobs/openapi.json", READ),
    Known("http", "/admin/jobs/{job_id:id}.json", READ),
    Known("http", "/admin/jobs/_stcore/metrics", READ),
    Known("http", "/admin/jobs/_stcore/metrics", "OPTIONS"),
    Known("http", "/admin/jobs/media/{file_id:path}", READ),
    Known("http", "/admin/jobs/media/{file_id:path}", "OPTIONS"),
    Known("http", "/admin/jobs/_stcore/upload_file/{session_id}/{file_id}", "PUT"),
    Known("http", "/admin/jobs/_stcore/upload_file/{session_id}/{file_id}", "DELETE"),
    Known("http", "/admin/jobs/_stcore/upload_file/{session_id}/{file_id}", "OPTIONS"),
    Known("http", "/admin/jobs/component/{path:path}", READ),
    Known("http", "/admin/jobs/component/{path:path}", "OPTIONS"),
    Known("http", "/admin/jobs/_stcore/bidi-components/{path:path}", READ),
    Known("http", "/admin/jobs/_stcore/bidi-components/{path:path}", "OPTIONS"),
    Known("websocket", STREAM, ""),
    Known("http", "/admin/jobs/auth/login", READ),
    Known("http", "/admin/jobs/auth/logout", READ),
    Known("http", "/admin/jobs/oauth2callback", READ),
    Known("http", "/admin/jobs/_stcore/agent/interact", EVERY),
    Known("http", "/admin/jobs/_stcore/agent/openapi.json", EVERY),
    Known("http", "/admin/jobs/_stcore/agent/mcp", EVERY),
    Known("Mount", "/admin/jobs", "any"),
]

NOT_SERVED = Known("NotServed", "?", "any")
"""Between our routes and Streamlit's."""

NEEDED = {
    "/admin/jobs/_stcore/health",
    "/admin/jobs/_stcore/host-config",
    "/admin/jobs/media/1",
    "/admin/jobs/component/1",
    "/admin/jobs/_stcore/bidi-components/1",
    "/admin/jobs",
}
"""What of Streamlit's own the pages ask for; everything else of it is closed to everybody."""

PATHS = sorted({re.sub(r"\{.*?\}", "1", route.path) for route in [*OPEN, *CLOSED]})
OPEN_PATHS = sorted({route.path for route in OPEN})
UNNEEDED = [
    "/admin/jobs/_stcore/metrics",
    "/admin/jobs/_stcore/upload_file/1/1",
    "/admin/jobs/auth/login",
    "/admin/jobs/auth/logout",
    "/admin/jobs/oauth2callback",
    "/admin/jobs/_stcore/agent/interact",
    "/admin/jobs/_stcore/agent/openapi.json",
    "/admin/jobs/_stcore/agent/mcp",
]
CLOSED_PATHS = sorted(set(PATHS) - set(OPEN_PATHS))
# The pages and the assets lie in the Mount; the last two are nobody's.
MORE_PATHS = ["/admin/jobs/", "/admin/jobs/job", "/admin/jobs/index.html", "/admin/jobs/static/x.js"]
MORE_PATHS += ["/admin/jobs/1/nothing", "/favicon.ico"]


@pytest.fixture(scope="module")
def site(demo_site: DemoSite) -> Iterator[httpx2.Client]:
    """Ask the app without a session."""
    with httpx2.Client(base_url=demo_site.origin, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def cookie(site: httpx2.Client) -> dict[str, str]:
    """Give the header of a session of an administrator."""
    fields = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
    answer = site.post(addresses.SIGN_IN, data=fields)
    site.cookies.clear()
    assert answer.status_code == 303
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def methods_of(path: str) -> list[str]:
    """Return what the routes of a closed path serve, all methods for one that serves any or none."""
    served = {
        method
        for route in CLOSED
        if re.sub(r"\{.*?\}", "1", route.path) == path
        for method in route.methods.split()
    }
    return sorted(served - {"any"}) if served and "any" not in served else [*EVERY.split(), "BREW"]


def test_the_server_knows_these_routes_alone(demo_site: DemoSite, tmp_path: Path) -> None:
    """A new route has to be told here whether it is open or closed; so has one that disappears."""
    listed = subprocess.run(
        [sys.executable, "-m", "tests.support.list_routes"],
        env=own_environment()
        | {"HERATIO_JOBS_DATABASE_URL": demo_site.database_url, "PYTHONPATH": str(ROOT)},
        # Not the checkout, whose .env would add settings of its own.
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    known = [Known(*route) for route in json.loads(listed.stdout)]
    assert sorted(known) == sorted([*OPEN, *CLOSED, NOT_SERVED])
    first_of_streamlit = known.index(NOT_SERVED) + 1
    streamlit = {re.sub(r"\{.*?\}", "1", route.path) for route in known[first_of_streamlit:]}
    assert streamlit == NEEDED | set(UNNEEDED) | {STREAM}


@pytest.mark.parametrize("path", [*CLOSED_PATHS, *MORE_PATHS])
def test_a_closed_route_is_refused_without_a_session(site: httpx2.Client, path: str) -> None:
    """With every method it serves: 401 for a program, the sign-in for a person."""
    for method in methods_of(path):
        answer = site.request(method, path, headers=PROGRAM)
        assert (method, answer.status_code) == (method, 401)
        answer = site.request(method, path, headers=PERSON)
        came_for = path if method in {"GET", "HEAD"} else addresses.BASE
        location = f"{addresses.SIGN_IN}?{urlencode({'next': came_for})}"
        assert (method, answer.status_code, answer.headers["location"]) == (method, 303, location)
        assert COOKIE not in answer.cookies


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_an_open_route_answers(site: httpx2.Client, path: str) -> None:
    """As far as the table says, and no further."""
    expected = {
        method: status
        for route, answers in OPEN.items()
        if route.path == path
        for method, status in answers.items()
    }
    for method in EVERY.split():
        answer = site.request(method, path, headers=PERSON)
        assert (method, answer.status_code) == (method, expected.get(method, 405))
        assert COOKIE not in answer.cookies


@pytest.mark.parametrize("path", [*PATHS, *MORE_PATHS])
def test_no_websocket_opens_without_a_session(site: httpx2.Client, path: str) -> None:
    """Wherever it is asked for, the open addresses included."""
    assert open_websocket(str(site.base_url).rstrip("/"), path, {}) == 403


@pytest.mark.parametrize("path", [*PATHS, *MORE_PATHS])
def test_every_text_names_its_encoding(site: httpx2.Client, cookie: dict[str, str], path: str) -> None:
    """For a person with a session, and a program without one."""
    for headers in (PERSON | cookie, PROGRAM):
        answer = site.get(path, headers=headers)
        kind = answer.headers.get("content-type", "")
        assert kind or not answer.content
        assert not kind.startswith("text/") or "charset=utf-8" in kind


@pytest.mark.parametrize("path", [*CLOSED_PATHS, *MORE_PATHS])
def test_with_a_session_the_gate_lets_through(
    site: httpx2.Client, cookie: dict[str, str], path: str
) -> None:
    """So it was the gate that refused; whether there is something behind it is another matter."""
    answer = site.get(path, headers=PROGRAM | cookie)
    assert answer.status_code not in {401, 403}
    assert urlsplit(answer.headers.get("location", "")).path != addresses.SIGN_IN


def test_with_a_session_the_pages_websocket_opens(site: httpx2.Client, cookie: dict[str, str]) -> None:
    """The one that all pages talk over."""
    assert open_websocket(str(site.base_url).rstrip("/"), STREAM, cookie) == 101


@pytest.mark.parametrize("path", [*UNNEEDED, STREAM, "/admin/jobs/_stcore/x", "/admin/jobs/job/x"])
def test_what_no_page_needs_is_served_to_nobody(
    site: httpx2.Client, cookie: dict[str, str], path: str
) -> None:
    """An administrator gets a sentence."""
    answer = site.get(path, headers=PROGRAM | cookie)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["message"]


@pytest.mark.parametrize("path", [*sorted(NEEDED), *UNNEEDED, STREAM])
def test_what_is_streamlits_own_can_only_be_read(
    site: httpx2.Client, cookie: dict[str, str], path: str
) -> None:
    """Uploads above all: no page takes one."""
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
        answer = site.request(method, path, headers=PROGRAM | cookie, content=b"x" * 100)
        assert (method, answer.status_code, answer.headers["allow"]) == (method, 405, "GET, HEAD")
        assert answer.json()["message"]


@pytest.mark.parametrize("path", ["/", "/admin/jobs", "/admin/jobs/", "/admin/jobs/_stcore/health"])
def test_no_other_websocket_opens(site: httpx2.Client, cookie: dict[str, str], path: str) -> None:
    """Not even with a session."""
    assert open_websocket(str(site.base_url).rstrip("/"), path, cookie) == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://evil.example", "null", ""])
def test_no_websocket_opens_for_another_site(
    site: httpx2.Client, cookie: dict[str, str], origin: str
) -> None:
    """Not for what Streamlit itself would let in, either."""
    headers = cookie | {"Origin": origin}
    assert open_websocket(str(site.base_url).rstrip("/"), STREAM, headers) == 403


def test_a_websocket_without_an_origin_is_refused(site: httpx2.Client, cookie: dict[str, str]) -> None:
    """Every browser sends one."""
    assert open_websocket(str(site.base_url).rstrip("/"), STREAM, cookie, with_origin=False) == 403
