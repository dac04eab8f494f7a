"""Two processes of the app behind a real nginx, set up as docs/scaling.md shows, on one MariaDB."""

import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from jobs_data import addresses, demo
from jobs_data.platform import tables
from tests.support.app_servers import AppServers
from tests.support.mariadb import MariaDB, free_port
from tests.support.open_pages import SERVED_BY, opened
from tests.support.programs import require_program
from tests.support.store import Store
from tests.support.waiting import eventually
from tests.support.web_servers import running_nginx

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"
PATIENCE = 60.0
PROGRAM = {"Accept": "application/json"}
SIGN_IN = {"identifier": demo.DEMO_ADMINISTRATOR, "password": demo.DEMO_PASSWORD}


@dataclass
class Site:
    """The two processes, and nginx before them; each is the beginning of an address."""

    store: Store
    job_id: int
    """The job that one of the tests deletes; all others are active."""
    apps: list[str]
    proxy: str
    kill: Callable[[int], None]
    restart: Callable[[int], None]


def documented(port: int, apps: list[str]) -> str:
    """Return what docs/scaling.md puts into the http block, for other ports."""
    found = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found
    http, server = found.group(1).split("# In the server block of the platform's site.\n")
    for example, app in zip(("127.0.0.1:8501", "127.0.0.1:8502"), apps, strict=True):
        assert http.count(f"server {example};") == 1
        http = http.replace(f"server {example};", f"server {urlsplit(app).netloc};")
    # The only addition: the test has to see which process has answered.
    opening = "location ^~ /admin/jobs/ {\n"
    assert server.count(opening) == 1
    server = server.replace(opening, f"{opening}add_header {SERVED_BY} $upstream_addr always;\n")
    return f"{http} server {{ listen 127.0.0.1:{port}; {server} }}"


@pytest.fixture(scope="module")
def site(
    mariadb_server: MariaDB, app_server: AppServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Start two processes with one key on one database, and nginx before them."""
    require_program("nginx", "nginx-light")  # before the processes are started for nothing
    name = f"test_{secrets.token_hex(8)}"
    mariadb_server.create_database(name)
    store = Store(mariadb_server.url(name))
    # Before the processes start, and read the list for the first time.
    job_id = store.job("Deleted elsewhere")
    store.job("Always there", 183)
    settings = {
        "HERATIO_JOBS_DATABASE_URL": store.url,
        "HERATIO_JOBS_SECRET_KEY": secrets.token_hex(32),
        "HERATIO_JOBS_PROXY_ADDRESSES": "127.0.0.1",
    }
    apps = [app_server(**settings).removesuffix(addresses.BASE) for _ in range(2)]
    running = dict(zip(apps, app_server.processes, strict=True))

    def kill(number: int) -> None:
        running[apps[number]].kill()
        running[apps[number]].wait()

    def restart(number: int) -> None:
        port = apps[number].rpartition(":")[2]
        app_server(STREAMLIT_SERVER_PORT=port, **settings)
        running[apps[number]] = app_server.processes[-1]

    port = free_port()
    proxy = f"http://127.0.0.1:{port}"
    try:
        with running_nginx(tmp_path_factory.mktemp("nginx"), documented(port, apps), proxy):
            yield Site(store, job_id, apps, proxy, kill, restart)
    finally:
        app_server.close()
        store.engine.dispose()
        mariadb_server.drop_database(name)


@contextmanager
def signed_in(origin: str) -> Iterator[httpx2.Client]:
    """Sign in as a browser does, and give what keeps its cookies."""
    with httpx2.Client(base_url=origin, timeout=PATIENCE) as client:
        client.get(addresses.SIGN_IN)
        assert client.post(addresses.SIGN_IN, data=SIGN_IN).status_code == 303
        yield client


def served_by(client: httpx2.Client) -> str:
    """Return which process answers a client now."""
    return str(client.get(addresses.LIVENESS).headers[SERVED_BY])


def test_a_visitor_stays_with_one_process(site: Site) -> None:
    """From the first answer on, requests and the websocket alike; visitors are spread over both."""
    with signed_in(site.proxy) as client, opened(client) as page:
        assert {page.served_by} == {served_by(client) for _ in range(20)}
    first_visits = [
        httpx2.get(f"{site.proxy}{addresses.SIGN_IN}").headers[SERVED_BY] for _ in range(40)
    ]
    assert set(first_visits) == {urlsplit(app).netloc for app in site.apps}


def test_a_deletion_in_one_process_shows_in_the_other(site: Site) -> None:
    """A page that is open there loses the job as soon as its moment of the list has passed."""
    with (
        signed_in(site.apps[0]) as here,
        signed_in(site.apps[1]) as there,
        opened(there) as page,
    ):
        assert b"Deleted elsewhere" in page.run()
        answer = here.post(f"{addresses.BASE}/delete/{site.job_id}", headers=PROGRAM)
        assert answer.json()["removed"] == 1

        def has_gone() -> bool:
            shown = page.run()
            return b"Always there" in shown and b"Deleted elsewhere" not in shown

        eventually(has_gone, "a list without the deleted job")


def test_a_sign_out_in_one_process_holds_in_the_other(site: Site) -> None:
    """At once for a copy of the cookie, and soon for a page that is open there."""
    with signed_in(site.apps[0]) as here, httpx2.Client(base_url=site.apps[1]) as there:
        there.cookies.update(here.cookies)
        with opened(there) as page:
            page.run()
            assert here.post(addresses.SIGN_OUT).status_code == 303
            assert there.get(addresses.SESSION_CHECK, headers=PROGRAM).status_code == 401
            with pytest.raises(ConnectionClosed):
                page.run()


def test_what_one_process_says_after_a_redirect_the_other_shows(site: Site) -> None:
    """The sentence is signed with the key that both have."""
    gone = site.store.job()
    with signed_in(site.apps[0]) as here, signed_in(site.apps[1]) as there:
        answer = here.post(f"{addresses.BASE}/delete/{gone}")
        assert answer.status_code == 303
        with opened(there) as page:
            shown = page.run(urlsplit(answer.headers["location"]).query)
        assert f"Job {gone} was deleted.".encode() in shown


def test_two_processes_do_not_clear_at_the_same_time(site: Site) -> None:
    """While one is at it, the other refuses; what the first one had to do gets done."""
    note_id = site.store.note(site.store.job())
    path = f"{addresses.BASE}/clear-inactive"
    with (
        signed_in(site.apps[0]) as here,
        signed_in(site.apps[1]) as there,
        ThreadPoolExecutor(1) as meanwhile,
    ):
        with site.store.engine.connect() as other, other.begin():
            # The clearing waits for a note that another program holds.
            held = tables.note.select().where(tables.note.c.id == note_id).with_for_update()
            other.execute(held)
            clearing = meanwhile.submit(here.post, path, headers=PROGRAM)
            eventually(lambda: lock_is_taken(site.store), "the lock of a clearing")
            refused = there.post(path, headers=PROGRAM)
        assert refused.status_code == 409
        assert "are being deleted" in refused.json()["message"]
        assert clearing.result().json()["removed"] >= 1
        assert there.post(path, headers=PROGRAM).json()["removed"] == 0


def lock_is_taken(store: Store) -> bool:
    """Return whether some session holds the lock of a clearing."""
    name = f"heratio-jobs clearing {store.engine.url.database}"
    with store.engine.connect() as connection:
        answer = connection.exec_driver_sql("SELECT IS_USED_LOCK(%s)", (name,))
        return answer.scalar() is not None


def test_when_one_process_dies_its_visitors_go_on_in_the_other(site: Site) -> None:
    """Without signing in again; the first one, started anew, takes them too."""
    with signed_in(site.proxy) as client:
        number = [urlsplit(app).netloc for app in site.apps].index(served_by(client))
        with opened(client) as page:
            page.run()
            site.kill(number)
            with pytest.raises(ConnectionClosed):
                page.run()
        export = client.get(f"{addresses.BASE}/export-csv", headers=PROGRAM)
        assert (export.status_code, b"Always there" in export.content) == (200, True)
        assert export.headers[SERVED_BY].split(", ")[-1] == urlsplit(site.apps[1 - number]).netloc
        with opened(client) as page:
            assert b"Always there" in page.run()
        site.restart(number)
        again = f"{site.apps[number]}{addresses.BASE}/export-csv"
        assert client.get(again, headers=PROGRAM).status_code == 200
