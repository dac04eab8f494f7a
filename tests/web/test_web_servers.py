"""The files of deploy/ for nginx and Apache, in the real servers, on a site of a platform with TLS."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import select

from jobs_data import addresses
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform import tables
from tests.support.app_servers import DEMO_SIGN_IN, DemoSite, open_websocket
from tests.support.mariadb import free_port
from tests.support.programs import require_program
from tests.support.store import Store
from tests.support.web_servers import Certificate, deployed_apache, deployed_nginx
from web.streamlit_routes import STREAM

PROGRAM = {"Accept": "application/json"}
PATIENCE = 20

NAMES = 25
# The third one's address is too long to be carried through the sign-in, encoded twice.
NAME_OF_EACH_SIZE = ("x" * 198, "案" * 78, "\U0001f363" * 190)

LARGE = 48 << 20
END = b"end\n"


@dataclass(frozen=True)
class Site:
    """One host with the app and the platform."""

    origin: str
    trusted: ssl.SSLContext
    run_before: Callable[[str], AbstractContextManager[str]]
    """Run the same web server before another app at an origin; gives the new host."""

    def client(self, headers: dict[str, str] | None = None, from_: str = "127.0.0.1") -> httpx2.Client:
        """Return what asks it, from an address."""
        transport = httpx2.HTTPTransport(verify=self.trusted, local_address=from_)
        headers = PROGRAM if headers is None else headers
        return httpx2.Client(
            base_url=self.origin, timeout=PATIENCE, headers=headers, transport=transport
        )


@pytest.fixture(scope="module", params=["nginx", "apache"])
def site(
    request: pytest.FixtureRequest, demo_site: DemoSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve the app and the platform on one host."""
    if request.param == "nginx":
        require_program("nginx", "nginx-light")
        running = deployed_nginx
    else:
        require_program("apache2", "apache2-bin")
        running = deployed_apache
    certificate = Certificate.in_folder(tmp_path_factory.mktemp("certificate"))

    @contextmanager
    def run_before(app: str) -> Iterator[str]:
        port = free_port()
        with running(tmp_path_factory.mktemp(request.param), port, certificate, app):
            yield f"https://127.0.0.1:{port}"

    with run_before(demo_site.origin) as origin:
        yield Site(origin, certificate.trusted(), run_before)


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx2.Client]:
    """Give a program that has not signed in."""
    with site.client() as client:
        yield client


def signed_in(client: httpx2.Client) -> dict[str, str]:
    """Sign in, and return the session's cookie as a header."""
    answer = client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN)
    assert answer.status_code == 303
    client.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def test_each_address_is_the_apps_or_the_platforms(client: httpx2.Client) -> None:
    """Whatever it ends with; one that only begins alike is the platform's."""
    for path in (
        "/",
        "/index.php",
        "/x.php",
        "/1/download",
        "/export-csv",
        "/x.csv",
        "/static/js/x.js",
        ".json",
    ):
        assert client.get(f"{addresses.BASE}{path}").json() == {"message": "Sign in first."}, path
    others = [
        "/",
        "/index.php",
        "/admin",
        "/admin/users",
        "/admin/jobsx",
        "/admin/jobs.php",
        "/admin/jobs.jsonx",
    ]
    for path in (*others, "/admin/jobs/../index.php", "/jobs/browser"):
        assert client.get(path).text in {"platform", "php"}, path


def test_the_bare_address_and_the_platforms_other_one_lead_to_the_list(client: httpx2.Client) -> None:
    """With their query."""
    for path in ("/admin/jobs", "/jobs/browse"):
        answer = client.get(f"{path}?status=failed")
        location = answer.headers["location"].removeprefix(str(client.base_url).rstrip("/"))
        assert (answer.status_code, location) == (307, "/admin/jobs/?status=failed")


def test_pages_and_changes_work_through_it(site: Site, client: httpx2.Client) -> None:
    """Their origin is the web server's, which hands over the host and the scheme that were asked."""
    cookie = signed_in(client)
    origin = {"Origin": site.origin}
    trusted = site.trusted
    assert open_websocket(site.origin, STREAM, cookie, trusted=trusted) == 101
    foreign = cookie | {"Origin": "https://evil.example"}
    assert open_websocket(site.origin, STREAM, foreign, trusted=trusted) == 403
    path = f"{addresses.BASE}/delete/0"
    assert client.post(path, headers=origin | cookie).status_code == 404
    unencrypted = {"Origin": site.origin.replace("https:", "http:")}
    assert client.post(path, headers=unencrypted | cookie).status_code == 403


def test_the_app_learns_the_clients_address_and_tls(site: Site, demo_site: DemoSite) -> None:
    """What a client writes into these headers itself is dropped."""
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    with site.client(PROGRAM | forged, from_="127.0.0.9") as client:
        answer = client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN)
        assert answer.headers["set-cookie"].startswith("__Secure-")
        assert "; secure" in answer.headers["set-cookie"].lower()
        for each in (answer, client.get(addresses.LIST_JSON)):
            assert "strict-transport-security" in each.headers
    with closing(Store.on(demo_site.database_url)) as store, store.engine.connect() as connection:
        newest = select(tables.login_attempt.c.ip_address).order_by(tables.login_attempt.c.id.desc())
        assert connection.scalar(newest) == "127.0.0.9"


@contextmanager
def running_app(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run another app, and give its origin."""
    app = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=app.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{app.server_port}"
    finally:
        app.shutdown()
        app.server_close()
        thread.join()


def test_no_header_that_a_proxy_writes_comes_from_a_client(site: Site) -> None:
    """Neither the number of the request nor an address, host or scheme, at any address of the app."""
    forged = {
        "X-Request-ID": "forged-number",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "forged.example",
        "X-Forwarded-Proto": "forged",
    }

    class Echo(BaseHTTPRequestHandler):
        """Answers with the headers that it gets."""

        def do_GET(self) -> None:
            """Answer."""
            body = str(self.headers).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with running_app(Echo) as app, site.run_before(app) as origin:
        for path in (f"{addresses.BASE}/", addresses.LIST_JSON, addresses.SIGN_IN):
            answer = httpx2.get(f"{origin}{path}", headers=forged, verify=site.trusted)
            assert answer.status_code == 200
            assert [value for value in forged.values() if value in answer.text] == []
            assert "X-Forwarded-Proto: https" in answer.text


@pytest.mark.parametrize("name", NAME_OF_EACH_SIZE, ids=["5 kB", "18 kB", "57 kB"])
def test_an_address_of_many_long_names_gets_through(site: Site, name: str) -> None:
    """To the list, to the export, and to the sign-in and back."""
    view = ListView(JobFilter(names=tuple(f"{n:02}{name}" for n in range(NAMES))))
    with site.client({"Accept": "text/html"}) as client:
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


def test_scripts_are_compressed(client: httpx2.Client) -> None:
    headers = signed_in(client) | {"Accept-Encoding": "gzip"}
    page = client.get(f"{addresses.BASE}/", headers=headers).text
    [script] = re.findall(r'src="\./(static/js/[^"]+)"', page)
    answer = client.get(f"{addresses.BASE}/{script}", headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()


@pytest.fixture(scope="module")
def large_result(demo_site: DemoSite) -> Iterator[str]:
    """Give a job a large result file for these tests; return the address of its download."""
    column = tables.job.c.download_path
    with closing(Store.on(demo_site.database_url)) as store, store.engine.connect() as connection:
        results = select(tables.job.c.id, column).where(column.is_not(None))
        files = [
            (key, demo_site.results_root / path.lstrip("/"))
            for key, path in connection.execute(results)
        ]
    job_id, file = next((key, file) for key, file in files if file.is_file())
    before = file.read_bytes()
    with file.open("wb") as large:
        large.truncate(LARGE)
        large.seek(LARGE - len(END))
        large.write(END)
    yield addresses.download_url(job_id)
    file.write_bytes(before)


def test_a_large_result_file_is_sent_whole_and_in_part(
    client: httpx2.Client, large_result: str
) -> None:
    """It is not compressed, so it keeps its length and its ranges."""
    headers = signed_in(client) | {"Accept-Encoding": "gzip"}
    with client.stream("GET", large_result, headers=headers) as answer:
        assert (answer.status_code, answer.headers["content-length"]) == (200, str(LARGE))
        assert sum(map(len, answer.iter_raw())) == LARGE
    rest = client.get(large_result, headers=headers | {"Range": f"bytes={LARGE - 6}-"})
    assert (rest.status_code, rest.content) == (206, b"\0\0" + END)


def test_an_export_arrives_while_it_is_made(site: Site) -> None:
    """The web server passes each piece on, and does not wait for more."""
    arrived = threading.Event()

    class Exporting(BaseHTTPRequestHandler):
        """Sends a second piece after the first one has arrived."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/csv")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            is_export = self.path.endswith("export-csv")
            for piece in (b"first", b"second"):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                if is_export and not arrived.wait(PATIENCE):
                    return
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    with running_app(Exporting) as app:
        url = f"{addresses.BASE}/export-csv"
        try:
            with (
                site.run_before(app) as origin,
                httpx2.Client(base_url=origin, verify=site.trusted, timeout=PATIENCE / 4) as client,
                client.stream("GET", url) as answer,
            ):
                pieces = answer.iter_raw()
                assert next(pieces) == b"first"
                arrived.set()
                assert b"".join(pieces) == b"second"
        finally:
            arrived.set()
