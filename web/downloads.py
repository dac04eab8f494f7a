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
    """Sends pieces that threads make, each while the one before it is compressed and sent.

    Where the database stops answering, the connection is closed in the middle, so that the client does
    not take what it got for the whole. When the client leaves, what makes the pieces is closed: its
    database connection and transaction would otherwise stay open until the garbage collector comes by.
    """

    def __init__(
        self, name: str, media_type: str, pieces: Generator[bytes], first: bytes = b""
    ) -> None:
        """Send pieces under the name of a file, after a first one that was made already."""
        super().__init__(
            self._made(first),
            media_type=media_type,
            headers={**_HEADERS, "Content-Disposition": attachment(name)},
        )
        self._pieces = pieces
        self._coming: asyncio.Task[bytes] | None = None

    async def stream_response(self, send: Send) -> None:
        """Send the headers and all pieces."""
        try:
            await super().stream_response(send)
        except DatabaseUnavailable as problem:
            log.warning("%s is not sent whole: %s", self.headers["content-disposition"], problem)
        finally:
            if self._coming:  # a piece that is being made is finished first
                self._coming.add_done_callback(self._close)
            else:
                self._close()

    async def _made(self, first: bytes) -> AsyncIterator[bytes]:
        self._coming = self._make()
        if first:
            yield first
        while piece := await asyncio.shield(self._coming):
            self._coming = self._make()
            yield piece

    def _make(self) -> asyncio.Task[bytes]:
        return asyncio.create_task(run_in_threadpool(next, self._pieces, b""))

    def _close(self, last: asyncio.Task[bytes] | None = None) -> None:
        if last and not last.cancelled():
            last.exception()  # or asyncio logs it when nobody waits any more

        def close() -> None:
            with suppress(DatabaseUnavailable):  # it has been logged
                self._pieces.close()

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
            headers={
                **_HEADERS,
                "Content-Disposition": attachment(result.name),
                # Streamlit would compress it, and it would lose its length, by which browsers show how
                # far a download got. RFC 9110, section 8.4, says that "identity" should not be sent,
                # but Streamlit leaves only an answer with this header as it is; clients ignore it.
                "Content-Encoding": "identity",
            },
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
