"""Clients that hang up in the middle, before a real server on both kinds of database."""

import logging
import os
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import insert

from jobs_data import addresses, demo
from jobs_data.accounts.accounts import Groups, find_account
from jobs_data.platform import tables
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.removals import remove
from tests.support.store import NOON, Store
from tests.support.waiting import eventually
from web.sessions import COOKIE

# No answer fits into the buffers of a connection.
JOBS = range(100_000, 115_000)
NAME = "x" * 250
OUTPUT = "x" * 6_000_000
REMOVED = 60


@dataclass
class Site:
    """The app's own routes behind the gate, served by uvicorn."""

    store: Store
    port: int
    cookie: str
    server: uvicorn.Server

    def hang_up(self, request: str, after_bytes: int, *, rudely: bool) -> None:
        """Send a request and hang up after some bytes of the answer, in order or with a reset."""
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", self.port))
            client.sendall(request.replace("\n", "\r\n").encode())
            while after_bytes > 0:
                after_bytes -= len(client.recv(4096)) or after_bytes
            if rudely:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def head(self, line: str, *headers: str) -> str:
        """Return the beginning of a signed-in request."""
        lines = [f"{line} HTTP/1.1", "Host: jobs.example.org", f"Cookie: {COOKIE}={self.cookie}"]
        return "\n".join([*lines, *headers, "", ""])


@pytest.fixture
def site(served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve a database with an administrator, and a folder with result files."""
    (tmp_path / "downloads").mkdir()
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(tmp_path))
    served.account("ada", tables.ADMINISTRATOR_GROUP_ID, email=demo.DEMO_ADMINISTRATOR)
    services = get_services()
    account = find_account(services.database, "ada", Groups())
    assert account is not None
    app, sessions = gated_app()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        eventually(lambda: server.started, "the server starts")
        cookie = sessions.token(sessions.begin(account))
        yield Site(served, listener.getsockname()[1], cookie, server)
        server.should_exit = True
        thread.join()


def open_files(folder: Path) -> list[str]:
    """Return which files below a folder this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(descriptor.readlink()))
        except OSError:  # closed meanwhile
            continue
    return [path for path in found if path.startswith(str(folder))]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no list of open files")
def test_a_client_that_hangs_up_leaves_nothing_behind(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No traceback and no error in the log, no open file, no transaction."""
    (tmp_path / "downloads" / "large.zip").write_bytes(os.urandom(8_000_000))
    job_id = site.store.job(download_path="downloads/large.zip", output=OUTPUT)
    receipt = remove(site.store, [site.store.job(output=OUTPUT[:60_000]) for _ in range(REMOVED)])
    own = {"class_name": "QubitJob", "created_at": NOON, "updated_at": NOON, "serial_number": 0}
    with site.store.engine.begin() as connection:
        connection.execute(insert(tables.object_), [{"id": number, **own} for number in JOBS])
        jobs = [{"id": number, "name": NAME, "status_id": 184} for number in JOBS]
        connection.execute(insert(tables.job), jobs)
    paths = (f"{job_id}/download", f"{job_id}/output", "export-csv", f"receipts/{receipt}")
    form = "Content-Type: application/x-www-form-urlencoded\nContent-Length: 500"
    caplog.set_level(logging.WARNING)
    for rudely in (False, True):
        for path in paths:
            for after_bytes in (0, 20_000):
                request = site.head(f"GET {addresses.BASE}/{path}")
                site.hang_up(request, after_bytes, rudely=rudely)
        for part in ("bytes=10-", "bytes=0-9,20-"):
            request = site.head(f"GET {addresses.BASE}/{paths[0]}", f"Range: {part}")
            site.hang_up(request, 20_000, rudely=rudely)
        for path in (addresses.SIGN_IN, f"{addresses.BASE}/delete/{JOBS.stop}"):
            site.hang_up(site.head(f"POST {path}", form) + "identifier=a", 0, rudely=rudely)
    pool = get_services().database.engine.pool
    # The answer to one more request shows that the server has seen all before.
    site.hang_up(site.head("HEAD /jobs/browse"), 1, rudely=False)
    eventually(lambda: not site.server.server_state.tasks, "every request has come to its end")
    eventually(lambda: not open_files(tmp_path / "downloads"), "every file is closed")
    eventually(lambda: pool.checkedout() == 0, "every transaction is ended")  # type: ignore[attr-defined] # both pools have it
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
    assert not [record for record in caplog.records if record.exc_info]
