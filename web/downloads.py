"""Files that a browser saves: their headers, and the response that serves an open result file."""

from __future__ import annotations

import logging
import re
import unicodedata
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from jobs_data.jobs.result_files import ResultFile

log = logging.getLogger(__name__)

# A result file or an output is a stranger's text: a browser must save it, never run it.
ATTACHMENT_HEADERS: Final = {
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
            headers={**ATTACHMENT_HEADERS, "Content-Disposition": attachment(result.name)},
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
            elif not is_complete:  # else the file has grown meanwhile
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
