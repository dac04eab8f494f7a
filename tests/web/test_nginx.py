"""The nginx of docs/connecting.md, as it is written there, on the site of a platform in PHP."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from jobs_data import addresses
from tests.support.app_servers import DEMO_SIGN_IN, DemoSite, open_websocket
from tests.support.mariadb import free_port
from tests.support.nginx import running_nginx
from web.streamlit_routes import STREAM

DOCUMENT = Path(__file__).parents[2] / "docs" / "connecting.md"
PROGRAM = {"Accept": "application/json"}
# What a site of the platform has, as in Heratio's and AtoM's own instructions.
PLATFORM = r"""
    location / { return 200 "platform"; }
    location ~ \.php(/|$) { return 200 "php"; }
    location ~* \.(js|css|png|jpg|svg|csv)$ { return 200 "file"; }
    location ~ ^/(admin|index)\b { return 200 "platform"; }
"""


@pytest.fixture(scope="module")
def site(demo_site: DemoSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Serve the app and the platform on one host, and ask it."""
    found = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found
    http, server = found.group(1).split("# In the server block of the platform's site.\n")
    assert server.count("http://127.0.0.1:8501;") == 1
    server = server.replace("http://127.0.0.1:8501;", f"{demo_site.origin};")
    port = free_port()
    block = f"{http} server {{ listen 127.0.0.1:{port}; {server} {PLATFORM} }}"
    origin = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("nginx")
    with (
        running_nginx(folder, block, origin),
        httpx2.Client(base_url=origin, timeout=20, headers=PROGRAM) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/index.php", "/x.php", "/1/download", "/export-csv", "/x.csv", "/static/js/x.js"]
)
def test_everything_below_the_address_is_the_apps(site: httpx2.Client, path: str) -> None:
    """Whatever it ends with."""
    assert site.get(f"{addresses.BASE}{path}").json() == {"message": "Sign in first."}


@pytest.mark.parametrize(
    "path", ["/", "/index.php", "/admin/jobsx", "/admin", "/admin/jobs.php", "/admin/jobs/../index.php"]
)
def test_everything_else_is_the_platforms(site: httpx2.Client, path: str) -> None:
    """An address that only begins alike, too."""
    assert site.get(path).text in {"platform", "php"}


def test_the_bare_address_and_the_platforms_other_one_lead_to_the_list(site: httpx2.Client) -> None:
    """With their query."""
    answer = site.get("/admin/jobs?status=failed")
    assert (answer.status_code, answer.headers["location"]) == (307, "/admin/jobs/?status=failed")
    answer = site.get("/jobs/browse?status=failed")
    assert answer.status_code == 307
    assert answer.headers["location"].endswith("/admin/jobs?status=failed")


def test_pages_and_changes_work_through_it(site: httpx2.Client) -> None:
    """Their origin is the proxy's, which hands over the host that was asked."""
    origin = str(site.base_url).rstrip("/")
    headers = {"Origin": origin}
    answer = site.post(addresses.SIGN_IN, data=DEMO_SIGN_IN, headers=headers)
    assert answer.status_code == 303
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    assert open_websocket(origin, STREAM, cookie) == 101
    assert open_websocket(origin, STREAM, cookie | {"Origin": "https://evil.example"}) == 403
    assert site.post(f"{addresses.BASE}/delete/0", headers=headers | cookie).status_code == 404
