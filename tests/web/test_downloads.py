"""Headers of what a browser saves, and a result file that changes while it is sent."""

import asyncio
import os
import re
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.responses import Response
from starlette.types import Message

from jobs_data.jobs.result_files import ResultFile, open_result, read_result_roots
from jobs_data.platform.errors import DatabaseUnavailable
from web.downloads import Download, FileDownload, attachment

SIZE = 200_000
CHUNK = FileDownload.chunk_size
PATIENCE = 20
SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("finding-aid-7.pdf", "finding-aid-7.pdf"),
        ("a b;c.csv", "a b;c.csv"),
        ("für.csv", "fur.csv"),
        ("🍣.csv", "_.csv"),
        ('a"b\\c.csv', "a_b_c.csv"),
        ("100%41.csv", "100_41.csv"),
        ("a\r\nX-Evil: 1.csv", "a__X-Evil: 1.csv"),
        ("\udcfc.csv", "_.csv"),
        ("½\u2044℀.csv", "1_2_a_c.csv"),
        ("ü" * 300, "u" * 300),
    ],
)
def test_a_name_never_breaks_its_header(name: str, plain: str) -> None:
    """Old programs read a name in ASCII, all others the whole one."""
    header = attachment(name)
    assert re.fullmatch(r"[ -~]+", header)
    found = re.fullmatch(r"attachment; filename=\"([^\"]*)\"(?:; filename\*=UTF-8''([!-~]+))?", header)
    assert found is not None
    assert found.group(1) == plain
    assert unquote(found.group(2) or plain) == name.replace("\udcfc", "?")


@pytest.fixture
def result(tmp_path: Path) -> ResultFile:
    """Give an open result file of three pieces and a bit."""
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "x.csv").write_bytes(b"a" * SIZE)
    result = open_result(read_result_roots(tmp_path), "downloads/x.csv")
    assert result is not None
    return result


async def staying() -> Message:
    """Receive nothing, as from a client that stays."""
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}


def answered(
    response: Response,
    before_each: Callable[[int], None],
    method: str = "GET",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> list[Message]:
    """Return what a response sends to a client that stays."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)
        before_each(sum(len(m.get("body", b"")) for m in messages))

    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    asyncio.run(response(scope, staying, send))
    return messages


def sent(
    result: ResultFile, before_each: Callable[[int], None], *, range_: str = "", method: str = "GET"
) -> tuple[int, int, bool]:
    """Return the bytes announced and sent, and whether the answer came to its end.

    `before_each` gets the number of bytes that were sent so far.
    """
    headers = [(b"range", range_.encode())] if range_ else []
    start, *bodies = answered(FileDownload(result, 7), before_each, method, headers)
    assert result.file.closed
    announced = int(dict(start["headers"])[b"content-length"])
    assert [m["more_body"] for m in bodies[:-1]] == [True] * (len(bodies) - 1)
    return announced, sum(len(m["body"]) for m in bodies), not bodies[-1]["more_body"]


@pytest.mark.parametrize("range_", ["", "bytes=10-", "bytes=0-9,20-"])
def test_a_file_that_becomes_shorter_does_not_pass_for_whole(
    tmp_path: Path, result: ResultFile, range_: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer does not come to its end; the log has one line, and no traceback."""
    file = tmp_path / "downloads" / "x.csv"
    announced, got, is_complete = sent(result, lambda _: os.truncate(file, CHUNK + 30), range_=range_)
    assert got < announced
    assert not is_complete
    assert [record.exc_info for record in caplog.records if record.name == "web.downloads"] == [None]


@pytest.mark.parametrize("range_", ["", "bytes=10-", "bytes=0-9,20-"])
@pytest.mark.parametrize("more", [b"b", b"b" * 3 * CHUNK])
def test_a_file_that_grows_is_sent_as_it_was_announced(
    tmp_path: Path, result: ResultFile, range_: str, more: bytes
) -> None:
    """A longer answer would break the connection."""
    with (tmp_path / "downloads" / "x.csv").open("ab") as file:

        def grow(_: int) -> None:
            file.write(more)
            file.flush()

        announced, got, is_complete = sent(result, grow, range_=range_)
    assert (got, is_complete) == (announced, True)


def test_a_file_replaced_by_another_is_sent_as_it_was(tmp_path: Path, result: ResultFile) -> None:
    """The open file is served, whatever its name leads to; HEAD closes it too."""
    (tmp_path / "downloads" / "x.csv").unlink()
    (tmp_path / "downloads" / "x.csv").symlink_to("/etc/passwd")
    assert sent(result, lambda _: None) == (SIZE, SIZE, True)


def test_head_reads_nothing_and_closes_the_file(result: ResultFile) -> None:
    """It announces the size alone."""
    assert sent(result, lambda _: None, method="HEAD") == (SIZE, 0, True)


def test_an_export_that_the_database_breaks_off_does_not_pass_for_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What came so far is sent; the log has the sentence, and no traceback."""

    def pieces() -> Generator[bytes]:
        yield b"two"
        raise DatabaseUnavailable("The database has stopped answering.")

    _start, *bodies = answered(Download("x.csv", "text/csv", pieces(), b"one"), lambda _: None)
    assert [(m["body"], m["more_body"]) for m in bodies] == [(b"one", True), (b"two", True)]
    assert [r.exc_info for r in caplog.records] == [None]
    assert "stopped answering" in caplog.text


def test_the_next_piece_is_made_while_one_is_sent() -> None:
    """Compressing and sending a piece does not wait for the next one, nor the other way round."""
    is_made = threading.Event()

    def pieces() -> Generator[bytes]:
        yield b"one"
        is_made.set()
        yield b"two"

    async def send(message: Message) -> None:
        if message.get("body") == b"one":
            assert await asyncio.to_thread(is_made.wait, PATIENCE)

    asyncio.run(Download("x.csv", "text/csv", pieces())(SCOPE, staying, send))


def test_what_makes_the_pieces_is_closed_when_the_client_leaves() -> None:
    """Also if a piece is being made at that moment: once it is made."""
    has_left, is_closed = threading.Event(), threading.Event()

    def pieces() -> Generator[bytes]:
        try:
            yield b"one"
            has_left.wait(PATIENCE)
            yield b"two"
        finally:
            is_closed.set()

    async def leave() -> None:
        is_sending = asyncio.Event()

        async def receive() -> Message:
            await is_sending.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if "body" in message:
                is_sending.set()
                await asyncio.Event().wait()

        await Download("x.csv", "text/csv", pieces())(SCOPE, receive, send)
        assert not is_closed.is_set()
        has_left.set()
        assert await asyncio.to_thread(is_closed.wait, PATIENCE)

    asyncio.run(leave())
