"""Bodies that are too long, too slow, or never end."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from jobs_data import addresses
from tests.support.app_servers import DEMO_SIGN_IN, AppServers, DemoSite
from web.limits import MAX_BODY_BYTES, BodyRefused, with_body

PROGRAM = {"Accept": "application/json"}
PIECE = b"x" * 65_536
LARGE = 300_000_000
MORE_MEMORY = 50_000_000


def read(*messages: Message, seconds: float = 10) -> Message:
    """Return the first message after messages have come, and then nothing more."""

    async def run() -> Message:
        waiting = iter(messages)

        async def receive() -> Message:
            for message in waiting:
                return message
            await asyncio.Event().wait()
            raise AssertionError

        return await (await with_body(receive, seconds))()

    return asyncio.run(run())


def piece(body: bytes, *, more: bool) -> Message:
    """Return a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_comes_whole() -> None:
    """In however many pieces, up to the limit."""
    assert read(piece(b"a", more=True), piece(b"b", more=False)) == piece(b"ab", more=False)
    longest = b"x" * MAX_BODY_BYTES
    assert read(piece(longest, more=False)) == piece(longest, more=False)


def test_a_body_that_is_too_long_is_a_413() -> None:
    """Whether it ends or not."""
    for last in (piece(b"x", more=False), piece(b"x", more=True)):
        with pytest.raises(BodyRefused) as caught:
            read(piece(b"x" * MAX_BODY_BYTES, more=True), last, seconds=0.05)
        assert caught.value.status == 413


def test_a_body_that_does_not_end_is_a_408() -> None:
    """After some seconds."""
    with pytest.raises(BodyRefused) as caught:
        read(piece(b"x", more=True), seconds=0.05)
    assert caught.value.status == 408


def test_a_client_that_hangs_up_is_no_answer() -> None:
    """Nobody would read it."""
    with pytest.raises(ClientDisconnect):
        read(piece(b"x", more=True), {"type": "http.disconnect"})


@pytest.fixture(scope="module")
def site(demo_site: DemoSite, app_server: AppServers) -> Iterator[tuple[httpx2.Client, int]]:
    """Give a client that has signed in to the app, and the number of the app's process."""
    address = app_server(HERATIO_JOBS_DATABASE_URL=demo_site.database_url)
    origin = address.removesuffix(addresses.BASE)
    with httpx2.Client(base_url=origin, timeout=60, headers=PROGRAM) as client:
        assert client.post(addresses.SIGN_IN, data=DEMO_SIGN_IN).status_code == 303
        yield client, app_server.processes[-1].pid


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sign-in"),
        ("POST", "/clear-inactive"),
        ("PUT", "/_stcore/upload_file/1/1"),
        ("GET", "/export-csv"),
    ],
)
def test_a_large_body_is_refused_and_takes_no_memory(
    site: tuple[httpx2.Client, int], method: str, path: str
) -> None:
    """A program that sends all of it first sees the answer, too."""
    client, process = site
    before = memory(process)
    body = (PIECE for _ in range(LARGE // len(PIECE)))
    answer = client.request(method, addresses.BASE + path, content=body)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert answer.json()["message"]
    assert memory(process) - before < MORE_MEMORY


def memory(process: int) -> int:
    """Return how many bytes of memory a process has ever used at once."""
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak) * 1024


def test_a_body_that_never_comes_is_not_waited_for(site: tuple[httpx2.Client, int]) -> None:
    """The server says so and hangs up."""
    client, _process = site
    parts = urlsplit(str(client.base_url))
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(
            f"POST {addresses.SIGN_IN} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Accept: application/json\r\nContent-Length: 100\r\n\r\nidentifier=".encode()
        )
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["message"]
