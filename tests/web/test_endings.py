"""The real server at its limits: clients that hang up, no descriptors left, and its own end."""

import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from jobs_data import addresses
from jobs_data.platform.tables import job
from jobs_data.store import receipts
from jobs_data.store.database import file_store
from tests.support.app_servers import ARTEFACTS, DEMO_SIGN_IN, AppServers
from tests.support.mariadb import MariaDB
from tests.support.store import Store
from tests.support.waiting import eventually

END_SECONDS = 30
"""What a service manager waits for at least."""

LOW_LIMIT = 64
HUNG_UP = 40
MANY = 200
SMALL_LOG = 20_000
JOBS = 2_000
LARGE_OUTPUT = 12_000_000
JSON = {"Accept": "application/json"}
STREAM = f"{addresses.BASE}/_stcore/stream"


class Site:
    """A running app, as a raw socket sees it."""

    def __init__(self, servers: AppServers, address: str) -> None:
        """Sign the administrator in."""
        self.origin = address.removesuffix(addresses.BASE)
        self.process = servers.processes[-1]
        self._log = ARTEFACTS / f"{servers.log_name}-{len(servers.processes)}.log"
        answer = httpx2.post(self.origin + addresses.SIGN_IN, data=DEMO_SIGN_IN)
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.address = ("127.0.0.1", int(self.origin.rsplit(":", 1)[1]))

    def send(self, method: str, path: str, *more: str, body: str = "") -> socket.socket:
        """Send a request, and return its connection; the answer is not read."""
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.address[1]}"]
        head += [f"Cookie: {self.cookie}", f"Origin: {self.origin}", *more]
        connection = socket.socket()
        # So little is taken that a large answer stands still.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(self.address)
        connection.sendall(("\r\n".join(head) + f"\r\n\r\n{body}").encode())
        return connection

    def websocket(self) -> socket.socket:
        """Open a websocket that reads nothing but its first byte, and never answers."""
        upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        connection = self.send("GET", STREAM, *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        assert connection.recv(12) == b"HTTP/1.1 101"
        return connection

    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text("utf-8", "replace")

    def answers(self) -> bool:
        """Return whether it lets somebody see the sign-in."""
        with suppress(httpx2.TransportError):
            return httpx2.get(self.origin + addresses.SIGN_IN, timeout=1).status_code == 200
        return False


def reset(connection: socket.socket) -> None:
    """End a connection as a client does that has crashed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def soft_limit(limit: int) -> Iterator[None]:
    """Lower this process's soft limit of open files, which programs that it starts inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_hangs_up_leaves_no_trace(app_server: AppServers, tmp_path: Path) -> None:
    """Amid a request, an answer, a body or a websocket, in order or not."""
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    with closing(store):
        job_id = store.job("arThere", output="a line of the output\n" * 100_000)
        site = Site(app_server, app_server(HERATIO_JOBS_DATABASE_URL=store.url))
        for end in (reset, socket.socket.close):
            for path in (f"{addresses.BASE}/export-csv", f"{addresses.BASE}/{job_id}/output"):
                connection = site.send("GET", path)
                connection.recv(10)
                end(connection)
                end(site.send("GET", path))
            for path in (addresses.SIGN_IN, f"{addresses.BASE}/clear-inactive"):
                for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                    length = ["Content-Length: 1000", f"Content-Type: {kind}"]
                    end(site.send("POST", path, *length, body="identifier=x"))
            for _ in range(3):
                end(site.websocket())
            half = site.websocket()
            half.sendall(b"\x82\xfe\x01")  # the beginning of a frame
            end(half)
        eventually(site.answers, "the server answers")
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(END_SECONDS)
        assert "Traceback" not in site.log()


def test_without_descriptors_the_log_stays_small_and_the_app_comes_back(
    app_server: AppServers, tmp_path: Path
) -> None:
    """The soft limit is raised at the start; where the hard one is reached, one line says so."""
    with closing(Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")) as store:
        store.job("arThere")
        with soft_limit(256):
            address = app_server(HERATIO_JOBS_DATABASE_URL=store.url)
        site = Site(app_server, address)
        pid = site.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        assert soft == (min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (LOW_LIMIT, LOW_LIMIT))
        with ExitStack() as stack:
            websockets = [stack.enter_context(closing(site.websocket())) for _ in range(3)]
            for _ in range(MANY):
                stack.enter_context(closing(socket.create_connection(site.address)))
            eventually(lambda: "file descriptors are in use" in site.log(), "the app says why")
            assert len([*Path(f"/proc/{pid}/fd").iterdir()]) == LOW_LIMIT
            # What is accepted already asks for more than there is.
            for each in websockets:
                each.close()
            time.sleep(2)  # it tries again each second
        eventually(site.answers, "the app answers again")
        log = site.log()
        assert log.count("file descriptors are in use") == 1
        assert len(log) < SMALL_LOG
        app_server.stop_last()


@pytest.fixture
def slow_store(mariadb_server: MariaDB) -> Iterator[Store]:
    """Give a platform with many finished jobs, each of which takes a while to delete."""
    with mariadb_server.database() as url, closing(Store(url)) as store:
        with store.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO object (class_name, created_at, updated_at, serial_number) SELECT "
                    f"'QubitJob', NOW(), NOW(), 0 FROM seq_1_to_{JOBS}"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO job (id, name, status_id, completed_at) "
                    "SELECT id, 'arDone', 184, NOW() FROM object WHERE class_name = 'QubitJob'"
                )
            )
            connection.execute(
                text(
                    "CREATE TRIGGER slow BEFORE DELETE ON object FOR EACH ROW SET @slept = SLEEP(0.003)"
                )
            )
        yield store


def test_a_removal_ends_with_the_server_and_tells_the_truth(
    slow_store: Store, app_server: AppServers, tmp_path: Path
) -> None:
    """Between two batches, though nobody waits for it; the receipt says what went."""
    site = clearing_site(slow_store, app_server, tmp_path)
    site.send("POST", f"{addresses.BASE}/clear-inactive", "Content-Length: 0").close()
    eventually(lambda: slow_store.rows(job) < JOBS, "the first jobs have gone")
    site.process.send_signal(signal.SIGINT)
    site.process.wait(END_SECONDS)
    assert_receipt_is_true(slow_store, tmp_path)
    assert "Traceback" not in site.log()


def test_the_server_ends_whatever_is_open(
    slow_store: Store, app_server: AppServers, tmp_path: Path
) -> None:
    """Websockets, a download that nobody reads, an endless body, a locked table, and a removal."""
    job_id = slow_store.job("arLarge", 183, output="x" * LARGE_OUTPUT)
    site = clearing_site(slow_store, app_server, tmp_path)
    answers: list[httpx2.Response] = []

    def clear() -> None:
        path = f"{site.origin}{addresses.BASE}/clear-inactive"
        answers.append(httpx2.post(path, headers=JSON | {"Cookie": site.cookie}, timeout=END_SECONDS))

    with ExitStack() as stack:
        other = stack.enter_context(slow_store.engine.connect())
        stack.enter_context(closing(site.websocket()))
        stalled = stack.enter_context(closing(site.send("GET", f"{addresses.BASE}/{job_id}/output")))
        assert stalled.recv(12) == b"HTTP/1.1 200"
        length = ["Content-Length: 1000", "Content-Type: application/x-www-form-urlencoded"]
        stack.enter_context(closing(site.send("POST", addresses.SIGN_IN, *length, body="identifier=x")))
        clearing = threading.Thread(target=clear)
        clearing.start()
        eventually(lambda: slow_store.rows(job) <= JOBS, "the first jobs have gone")
        other.execute(text("LOCK TABLES login_attempt WRITE"))
        body = "identifier=ada&password=secret"
        length = [f"Content-Length: {len(body)}", length[1]]
        stack.enter_context(closing(site.send("POST", addresses.SIGN_IN, *length, body=body)))
        began = time.monotonic()
        site.process.send_signal(signal.SIGTERM)
        clearing.join(END_SECONDS)
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(END_SECONDS - (time.monotonic() - began))
    [answer] = answers
    removed = assert_receipt_is_true(slow_store, tmp_path)
    assert answer.status_code == 503
    assert answer.json()["removed"] == removed
    assert answer.json()["message"].startswith(f"{removed:,} jobs deleted before")


def clearing_site(store: Store, app_server: AppServers, folder: Path) -> Site:
    """Serve a platform, with receipts in a folder of its own."""
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url, HERATIO_JOBS_STATE_DIR=str(folder))
    return Site(app_server, address)


def assert_receipt_is_true(store: Store, folder: Path) -> int:
    """Fail where the one receipt does not say what went; return how many jobs that were."""
    with closing(file_store(folder)) as own:
        [receipt] = receipts.list_receipts(own, "", 1, 10).items
    assert 0 < receipt.removed < JOBS
    assert receipt.pending == 0
    assert "being stopped" in receipt.error
    with store.engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM job WHERE status_id = 184")).scalar_one()
    assert receipt.removed == JOBS - left
    return receipt.removed
