"""The nginx of docs/connecting.md, before the real app."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from jobs_data import addresses
from jobs_data.jobs.view import JobFilter, ListView
from tests.support.app_servers import DEMO_SIGN_IN, AppServers
from tests.support.mariadb import free_port
from tests.support.nginx import documented_http, running_nginx
from tests.support.programs import require_program

NAMES = 25
# The third one's address is too long to be carried through the sign-in, encoded twice.
NAME_OF_EACH_SIZE = ("x" * 198, "案" * 78, "\U0001f363" * 190)


@pytest.fixture(scope="module")
def origin(app_server: AppServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of nginx, before a demo."""
    require_program("nginx", "nginx-light")
    app = app_server().removesuffix(addresses.BASE)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with running_nginx(tmp_path_factory.mktemp("nginx"), documented_http(app, port), origin):
        yield origin


@pytest.mark.parametrize("name", NAME_OF_EACH_SIZE, ids=["5 kB", "18 kB", "57 kB"])
def test_an_address_of_many_long_names_gets_through(origin: str, name: str) -> None:
    """To the list, to the export, and to the sign-in and back."""
    view = ListView(JobFilter(names=tuple(f"{n:02}{name}" for n in range(NAMES))))
    with httpx2.Client(base_url=origin, headers={"Accept": "text/html"}, timeout=30) as client:
        refused = client.get(addresses.list_url(view))
        assert refused.status_code == 303
        came_for = parse_qs(urlsplit(refused.headers["location"]).query)["next"][0]
        assert client.get(refused.headers["location"]).status_code == 200
        answer = client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN | {"next": came_for})
        assert (answer.status_code, answer.headers["location"]) == (303, came_for)
        if name != NAME_OF_EACH_SIZE[-1]:
            assert parse_qs(urlsplit(came_for).query)["name"] == list(view.filter.names)
        for url in (came_for, addresses.list_url(view), addresses.export_url(view)):
            assert client.get(url, follow_redirects=True).status_code == 200
