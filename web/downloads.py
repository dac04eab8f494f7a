"""Responses that a browser saves as a file: what is made piece by piece, and open result files."""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from collections.abc import AsyncIterator, Generator
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from jobs_data.jobs.result_files import ResultFile
from jobs_data.platform.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

# A result file or an output is untrusted: a browser must save it, never run it.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}

_UNSAFE_IN_QUOTES: Final = re.compile(r'[^ -~]|["%/\\]')


def attachment(name: str) -> str:
    """Return the Content-Disposition under which a browser saves a file, in ASCII.

    A name that is not plain ASCII is sent twice: what is left of it in ASCII, and all of it. Source:
    RFC 6266, appendix D, and RFC 8187.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    plain = _UNSAFE_IN_QUOTES.sub("_", plain)
    whole = f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}" if plain != name else ""
    return f'attachment; filename="{plain}"{whole}'


class Download(StreamingResponse):
    """Sends pieces as they are made, under the name of a file.

    Where the database stops answering, the connection is closed in the middle, so that the client does
    not take what it got for the whole.
    """

    def __init__(
        self, name: str, media_type: str, pieces: Generator[bytes], first: bytes = b""
    ) -> None:
        """Send pieces made in threads, after a first one that was made already."""
        super().__init__(
            _closing(pieces, first),
            media_type=media_type,
            headers={**_HEADERS, "Content-Disposition": attachment(name)},
        )

    async def stream_response(self, send: Send) -> None:
        """Send the headers and all pieces."""
        try:
            await super().stream_response(send)
        except DatabaseUnavailable as problem:
            log.warning("%s is not sent whole: %s", self.headers["content-disposition"], problem)


async def _closing(pieces: Generator[bytes], first: bytes) -> AsyncIterator[bytes]:
    """Yield pieces made in a thread; when the client leaves, close what makes them at once.

    Otherwise its connection and transaction would stay open until the garbage collector comes by.
    """

    def close() -> None:
        with suppress(DatabaseUnavailable):  # it has been logged
            pieces.close()

    try:
        if first:
            yield first
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece
    finally:
        # In a thread, because it speaks to the database; not awaited: this task may be cancelled.
        asyncio.get_running_loop().run_in_executor(None, close)


class FileDownload(FileResponse):
    """Serves an open result file, whole or in ranges, and closes it.

    It sends as many bytes as it announced. Where the file has become shorter, the connection is closed
    before that number, so that the client does not take what it got for the whole.
    """

    def __init__(self, result: ResultFile, job_id: int) -> None:
        """Serve the result file of a job."""
        # This path opens the open file itself once more, whatever has become of its own path.
        super().__init__(
            f"/dev/fd/{result.file.fileno()}",
            media_type="application/octet-stream",
            headers={**_HEADERS, "Content-Disposition": attachment(result.name)},
            stat_result=result.status,
        )
        self._result = result
        self._job_id = job_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with it."""
        left, is_complete = 0, False

        async def send_announced(message: Message) -> None:
            nonlocal left, is_complete
            if message["type"] == "http.response.start":
                is_bodiless = scope["method"] == "HEAD"
                left = 0 if is_bodiless else int(Headers(raw=message["headers"])["content-length"])
                await send(message)
            elif not is_complete:  # else the file has grown since
                body = message["body"][:left]
                left -= len(body)
                if left and not message.get("more_body"):
                    raise EOFError("it has become shorter")
                is_complete = not left
                await send({**message, "body": body, "more_body": not is_complete})

        with self._result:
            try:
                await super().__call__(scope, receive, send_announced)
            # Starlette raises RuntimeError where a file is too short for one of several ranges.
            except (EOFError, RuntimeError, OSError) as error:
                log.warning("the result file of job %d is not sent whole: %s", self._job_id, error)
