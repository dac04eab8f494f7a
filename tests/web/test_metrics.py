"""Who may read the metrics: nobody unless it is set up, then the token and the listed addresses."""

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobs_data import addresses
from jobs_data.monitoring.metrics import Metrics
from jobs_data.services import Services
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from web.metrics import NOT_ALLOWED, OFF, MetricsRoute
from web.sessions import Sessions

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
VIA_PROXY = {"X-Forwarded-For": "203.0.113.7"}
PROMETHEUS = {"Accept": "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"}


def client_of(
    token: str = "", networks: str = "", proxies: str = "", address: str = "10.0.0.5", port: int = 5000
) -> TestClient:
    """Return a client at an address, of an app that serves metrics so, behind the gate."""

    async def services() -> Services:
        return get_services()

    metrics = Metrics(get_services().database, lambda: 0) if token or networks else None
    lists = [tuple(map(ip_network, filter(None, each.split(",")))) for each in (networks, proxies)]
    app, _ = gated_app(MetricsRoute(metrics, services, token, *lists).routes())
    return TestClient(app, client=(address, port))


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.usefixtures("served")
def test_only_the_token_and_listed_addresses_read_them() -> None:
    def status(headers: Any = None, **setup: Any) -> int:
        return client_of(**setup).get(addresses.METRICS, headers=headers).status_code

    assert status(BEARER) == status({"Authorization": "Bearer "}) == 404
    assert status(BEARER, token=TOKEN) == 200
    assert status({"authorization": f"bearer {TOKEN}"}, token=TOKEN) == 200
    for header in ("", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"):
        assert status({"Authorization": header.encode("latin-1")}, token=TOKEN) == 403
    assert status(token=TOKEN) == 403
    assert status(networks="10.0.0.0/24") == 200
    assert status(networks="10.0.1.0/24") == status(BEARER, networks="10.0.1.0/24") == 403
    # A proxy that is not trusted: all its clients would have its address.
    assert status(VIA_PROXY, networks="10.0.0.0/24") == 403
    assert status({"Via": "1.1 proxy"}, networks="10.0.0.0/24") == 403
    assert status(VIA_PROXY, networks="203.0.113.0/24") == 403
    # uvicorn puts the address that a proxy on this machine sends in the place of the peer's.
    local = {"networks": "127.0.0.1,203.0.113.7", "address": "203.0.113.7", "port": 0}
    assert status(VIA_PROXY, **local) == 403
    assert status(VIA_PROXY, proxies="127.0.0.1", **local) == 200
    # A trusted proxy: the client's address counts, not the proxy's.
    proxied = {"proxies": "10.0.0.5", "networks": "10.0.0.5,192.0.2.1"}
    assert status(VIA_PROXY, **proxied) == 403
    assert status({"X-Forwarded-For": "10.0.0.5, 203.0.113.7"}, **proxied) == 403
    assert status({"X-Forwarded-For": "192.0.2.1"}, **proxied) == 200
    assert status(BEARER | VIA_PROXY, token=TOKEN, **proxied) == 200


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.usefixtures("served")
def test_the_answer_says_why_not_and_is_in_the_format_that_is_asked_for() -> None:
    off, on = client_of(), client_of(TOKEN)
    json = {"Accept": "application/json"}
    assert off.get(addresses.METRICS, headers=json).json() == {"message": OFF}
    assert on.get(addresses.METRICS).text == NOT_ALLOWED
    plain, openmetrics = (on.get(addresses.METRICS, headers=BEARER | each) for each in ({}, PROMETHEUS))
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")
    assert "\nheratio_jobs_jobs{" in plain.text
    assert plain.headers["cache-control"] == "no-store"


def test_open_pages_are_counted_with_and_without_a_session() -> None:
    """A proxy may sign users in, and then there is no session."""
    sessions = Sessions("k" * 32)
    with sessions.watched(None, asyncio.Event()), sessions.watched(None, asyncio.Event()):
        assert sessions.open_pages == 2
    assert sessions.open_pages == 0
