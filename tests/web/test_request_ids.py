"""Each request has a number: in its answer, in the log lines of the request, and on error pages."""

import logging
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from web import answers
from web.request_ids import RequestIds, WithRequestId

PROXY = "10.0.0.5"
GIVEN = "req-4f2a9c31.7"
log = logging.getLogger("heratio_jobs.test")


async def fine(request: Request) -> Response:
    """Answer with the headers that pages get."""
    log.warning("something of this request")
    added = [request.headers.getlist(name) for name in ("x-request-id", "x-heratio-jobs-client")]
    return PlainTextResponse(repr(added))


async def refused(request: Request) -> Response:
    """Answer with an error page."""
    return answers.not_found(request.scope)


async def broken(_request: Request) -> Response:
    """Fail."""
    raise ValueError("a secret of the server")


def client_from(address: str) -> TestClient:
    """Ask from an address."""
    numbers = Middleware(RequestIds, proxies=(ip_network(PROXY),))
    routes = [Route("/fine", fine), Route("/refused", refused), Route("/broken", broken)]
    app = Starlette(routes=routes, middleware=[numbers])
    return TestClient(app, "http://jobs.example.org", client=(address, 4711))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Give the log as the app formats it."""
    with_number = WithRequestId()
    caplog.handler.addFilter(with_number)
    before = caplog.handler.formatter
    caplog.handler.setFormatter(logging.Formatter("%(name)s%(request)s: %(message)s"))
    yield caplog
    caplog.handler.removeFilter(with_number)
    caplog.handler.setFormatter(before)


def test_a_number_is_made_for_each_request(lines: pytest.LogCaptureFixture) -> None:
    """The answer has it, and so have log lines; what a client claims is dropped."""
    client = client_from("10.0.0.6")
    claimed = {"X-Request-ID": GIVEN, "X_Request_ID": GIVEN, "X-Heratio-Jobs-Client": "10.0.0.1"}
    answer, other = client.get("/fine", headers=claimed), client.get("/fine")
    number = answer.headers["x-request-id"]
    assert answer.text == repr([[number], ["10.0.0.6"]])
    assert number not in {GIVEN, other.headers["x-request-id"]}
    assert f"heratio_jobs.test [{number}]: something of this request" in lines.text
    log.warning("something outside")
    assert "heratio_jobs.test: something outside" in lines.text


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        (GIVEN, True),
        ("short", False),
        ("x" * 65, False),
        ("bad number\t1", False),
        ("<b>12345678", False),
    ],
)
def test_a_listed_proxys_number_is_taken_if_it_is_sane(given: str, is_taken: bool) -> None:
    """Another one could be a line of the log, or HTML."""
    headers = {"X-Request-ID": given, "X-Forwarded-For": "192.0.2.7"}
    answer = client_from(PROXY).get("/fine", headers=headers)
    number = answer.headers["x-request-id"]
    assert (number == given) is is_taken
    assert answer.text == repr([[number], ["192.0.2.7"]])


def test_error_pages_show_it(lines: pytest.LogCaptureFixture) -> None:
    """That of an unexpected error too, which is logged under the number and shows nothing else."""
    client = client_from("10.0.0.6")
    for path, status in (("/refused", 404), ("/broken", 500)):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        assert answer.headers["x-request-id"] in answer.text
        assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert f"[{answer.headers['x-request-id']}]: a request failed" in lines.text
    assert "a secret of the server" in lines.text
