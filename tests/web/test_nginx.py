"""The nginx of docs/connecting.md, as it is written there, on the site of a platform in PHP."""

import re
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import select

from jobs_data import addresses
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform import tables
from tests.support.app_servers import DEMO_SIGN_IN, DemoSite, open_websocket
from tests.support.mariadb import free_port
from tests.support.nginx import documented_http, running_nginx
from tests.support.programs import require_program
from tests.support.store import Store
from web.streamlit_routes import STREAM

PROGRAM = {"Accept": "application/json"}
# What a site of the platform has, as in Heratio's and AtoM's own instructions.
PLATFORM = r"""
    location / { return 200 "platform"; }
    location ~ \.php(/|$) { return 200 "php"; }
    location ~* \.(js|css|png|jpg|svg|csv)$ { return 200 "file"; }
    location ~ ^/(admin|index)\b { return 200 "platform"; }
"""

NAMES = 25
# The third one's address is too long to be carried through the sign-in, encoded twice.
NAME_OF_EACH_SIZE = ("x" * 198, "案" * 78, "\U0001f363" * 190)


@pytest.fixture(scope="module")
def site(demo_site: DemoSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Serve the app and the platform on one host, and ask it."""
    require_program("nginx", "nginx-light")
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("nginx")
    with (
        running_nginx(folder, documented_http(demo_site.origin, port, PLATFORM), origin),
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


@pytest.mark.parametrize("name", NAME_OF_EACH_SIZE, ids=["5 kB", "18 kB", "57 kB"])
def test_an_address_of_many_long_names_gets_through(site: httpx2.Client, name: str) -> None:
    """To the list, to the export, and to the sign-in and back."""
    view = ListView(JobFilter(names=tuple(f"{n:02}{name}" for n in range(NAMES))))
    origin, person = str(site.base_url), {"Accept": "text/html"}
    with httpx2.Client(base_url=origin, headers=person, timeout=30) as client:
        refused = client.get(client.get(addresses.list_url(view)).headers["location"])
        assert refused.status_code == 303
        came_for = parse_qs(urlsplit(refused.headers["location"]).query)["next"][0]
        assert client.get(refused.headers["location"]).status_code == 200
        answer = client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN | {"next": came_for})
        assert (answer.status_code, answer.headers["location"]) == (303, came_for)
        if name != NAME_OF_EACH_SIZE[-1]:
            assert parse_qs(urlsplit(came_for).query)["name"] == list(view.filter.names)
        for url in (came_for, addresses.list_url(view), addresses.export_url(view)):
            assert client.get(url, follow_redirects=True).status_code == 200


def test_only_scripts_are_compressed(site: httpx2.Client, demo_site: DemoSite) -> None:
    """A result file keeps its length and its ranges."""
    cookie = site.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).headers["set-cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    page = site.get(f"{addresses.BASE}/", headers=headers).text
    [script] = re.findall(r'src="\./(static/js/[^"]+)"', page)
    answer = site.get(f"{addresses.BASE}/{script}", headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    with closing(Store.on(demo_site.database_url)) as store, store.engine.connect() as connection:
        jobs = connection.scalars(
            select(tables.job.c.id).where(tables.job.c.download_path.is_not(None))
        ).all()
    urls = map(addresses.download_url, jobs)
    result = next(url for url in urls if site.head(url, headers=headers).status_code == 200)
    answer = site.get(result, headers=headers | {"Range": "bytes=2-5"})
    assert (answer.status_code, len(answer.content)) == (206, 4)
    assert "content-encoding" not in answer.headers
    assert int(site.head(result, headers=headers).headers["content-length"]) > 0
