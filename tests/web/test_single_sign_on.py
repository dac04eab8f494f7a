"""The trusted header: through a real nginx, and forged by clients that go past it."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from jobs_data import addresses, demo
from jobs_data.platform.engine import make_engine
from tests.support.app_servers import AppServers, open_websocket
from tests.support.mariadb import free_port
from tests.support.programs import require_program
from tests.support.web_servers import running_nginx
from web.sessions import COOKIE

HEADER = "X-Forwarded-Email"
PROGRAM = {"Accept": "application/json"}
STREAM = f"{addresses.BASE}/_stcore/stream"
SIGN_IN = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}
ADMINISTRATOR = {HEADER: demo.DEMO_ADMINISTRATOR}

# What stands for oauth2-proxy is the value that the header is set to; docs/connecting.md has the rest.
UPGRADE = """
    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      close;
    }
"""
SERVER = """
    server {{
        listen 127.0.0.1:{port};
        location /admin/jobs {{
            proxy_pass {app};
            proxy_bind {proxy_address};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto {scheme};
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header {header} "{who}";
        }}
    }}
"""


@dataclass(frozen=True)
class Proxied:
    """The app, and nginx before it; each is the beginning of an address."""

    proxy_address: str
    app: str
    signed_in: str
    """As somebody whom the proxy knows."""
    anonymous: str
    """As somebody whom it does not."""
    encrypted: str
    """As the former, on a server that says https."""


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a demo's database."""
    url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'jobs.sqlite'}"
    engine = make_engine(url)
    demo.create(engine, jobs=20, seed=1)
    engine.dispose()
    return url


# uvicorn takes the first one's word on the client before the app sees it, and not the second one's.
@pytest.fixture(scope="module", params=["127.0.0.1", "127.0.0.3"])
def site(
    request: pytest.FixtureRequest,
    database_url: str,
    app_server: AppServers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxied]:
    """Start the app, and nginx before it, which connects from an address that the app believes."""
    require_program("nginx", "nginx-light")  # before the app is started for nothing
    address = app_server(
        HERATIO_JOBS_DATABASE_URL=database_url,
        HERATIO_JOBS_PROXY_USER_HEADER=HEADER,
        HERATIO_JOBS_PROXY_ADDRESSES=request.param,
    )
    app = address.removesuffix(addresses.BASE)
    folder = tmp_path_factory.mktemp("nginx")
    ports = {"signed_in": free_port(), "anonymous": free_port(), "encrypted": free_port()}
    servers = "".join(
        SERVER.format(
            port=port,
            app=app,
            proxy_address=request.param,
            scheme="https" if name == "encrypted" else "$scheme",
            header=HEADER,
            who="" if name == "anonymous" else demo.DEMO_ADMINISTRATOR,
        )
        for name, port in ports.items()
    )
    origins = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with running_nginx(folder, UPGRADE + servers, origins["signed_in"]):
        yield Proxied(request.param, app, **origins)


def ask(origin: str, headers: dict[str, str] | None = None, *, from_: str = "127.0.0.1") -> int:
    """Return the status of a program's request for an export, connecting from an address."""
    transport = httpx2.HTTPTransport(local_address=from_)
    with httpx2.Client(transport=transport, timeout=20) as client:
        answer = client.get(f"{origin}{addresses.BASE}/export-csv", headers=PROGRAM | (headers or {}))
        return answer.status_code


def stream(origin: str, headers: dict[str, str] | None = None, *, from_: str = "127.0.0.1") -> int:
    """Return the status with which the pages' websocket is answered, 101 when it is accepted."""
    return open_websocket(origin, STREAM, headers or {}, from_=from_)


def test_whom_the_proxy_names_gets_in(site: Proxied) -> None:
    """Pages, exports and the websocket; the pages know that a proxy let them in."""
    assert ask(site.signed_in) == 200
    assert stream(site.signed_in) == 101
    page = httpx2.get(f"{site.signed_in}{addresses.BASE}/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert COOKIE not in page.cookies


def test_whom_the_proxy_does_not_name_does_not(site: Proxied) -> None:
    """They are led to the sign-in, which works through the proxy too."""
    assert ask(site.anonymous) == 401
    assert stream(site.anonymous) == 403
    with httpx2.Client(base_url=site.anonymous, headers={"Accept": "text/html"}) as client:
        refused = client.get(addresses.BASE)
        assert (refused.status_code, refused.headers["location"].split("?")[0]) == (
            303,
            addresses.SIGN_IN,
        )
        answer = client.post(addresses.SIGN_IN, data=SIGN_IN)
        assert answer.status_code == 303
        assert "Secure" not in answer.headers["set-cookie"]
        assert "strict-transport-security" not in answer.headers
        cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    assert ask(site.anonymous, cookie) == 200
    assert stream(site.anonymous, cookie) == 101


def test_the_proxy_overwrites_what_a_client_forges(site: Proxied) -> None:
    """It cannot become anybody, and whoever the proxy names stays that."""
    assert ask(site.anonymous, ADMINISTRATOR) == 401
    assert ask(site.anonymous, {"X_Forwarded_Email": demo.DEMO_ADMINISTRATOR}) == 401
    assert stream(site.anonymous, ADMINISTRATOR) == 403
    # The reader has no right here, since no group of readers is set.
    assert ask(site.signed_in, {HEADER: demo.DEMO_READER}) == 200


def test_a_client_that_goes_past_the_proxy_is_not_believed(site: Proxied) -> None:
    """Not by HTTP, not by websocket."""
    assert ask(site.app, ADMINISTRATOR, from_="127.0.0.2") == 401
    assert ask(site.app, {"X_Forwarded_Email": demo.DEMO_ADMINISTRATOR}, from_="127.0.0.2") == 401
    assert stream(site.app, ADMINISTRATOR, from_="127.0.0.2") == 403
    # Nor is the proxy's own address believed without the header.
    assert ask(site.app, from_=site.proxy_address) == 401
    assert ask(site.app, ADMINISTRATOR, from_=site.proxy_address) == 200


@pytest.mark.parametrize(
    "claim",
    [
        "{proxy}",
        "{proxy}:4711",
        "[{proxy}]:4711",
        "::ffff:{proxy}",
        "[::ffff:{proxy}]:4711",
        "{proxy}, {proxy}",
        "{peer}",
        "{peer}:4711",
        "{peer}, {proxy}",
        "{proxy}, {peer}",
        "203.0.113.7, {proxy}",
        "",
    ],
)
def test_an_address_that_is_claimed_makes_nobody_a_proxy(site: Proxied, claim: str) -> None:
    """Neither the proxy's nor one's own, and not from where uvicorn takes such claims for true."""
    peers = {"127.0.0.1", "127.0.0.2"} - {site.proxy_address}
    for peer in sorted(peers):
        forwarded = claim.format(proxy=site.proxy_address, peer=peer)
        headers = ADMINISTRATOR | {"X-Forwarded-For": forwarded}
        assert (peer, ask(site.app, headers, from_=peer)) == (peer, 401)
        assert (peer, stream(site.app, headers, from_=peer)) == (peer, 403)


def test_behind_tls_cookies_are_secure(site: Proxied) -> None:
    """The proxy's word on it counts, for HSTS too; nobody else's does."""
    answer = httpx2.post(f"{site.encrypted}{addresses.SIGN_IN}", data=SIGN_IN)
    assert answer.status_code == 303
    assert "; Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    transport = httpx2.HTTPTransport(local_address="127.0.0.2")
    with httpx2.Client(transport=transport) as client:
        claimed = {"X-Forwarded-Proto": "https"}
        answer = client.post(f"{site.app}{addresses.SIGN_IN}", data=SIGN_IN, headers=claimed)
    assert answer.status_code == 303
    assert "Secure" not in answer.headers["set-cookie"]
    assert "strict-transport-security" not in answer.headers
