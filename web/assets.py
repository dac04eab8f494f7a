"""Streamlit's own files, answered from memory, and named to the browser before it asks for them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import Final

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs_data import addresses

FOLDER: Final = Path(streamlit.__file__).parent / "static"
# Their names hold a hash of their content. Private, because the gate may put a session's cookie on
# any answer: no cache between us and the browser may hand that on.
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_TEXT: Final = (".js", ".css")
GZIP_LEVEL: Final = 6

LIST_ELEMENTS: Final = (
    "DataFrame",
    "Metric",
    "BidiComponent",
    "Html",
    "ButtonGroup",
    "Checkbox",
    "Button",
    "DownloadButton",
    "LinkButton",
    "Pagination",
)
"""The elements of the list, as Streamlit's files are called: each is a piece of script of its own,
which the browser would only ask for once the server has sent the element."""

# Streamlit's client takes this in place of asking the server for it before it connects.
BEGUN: Final = (
    f"<script>window.__streamlit={{BACKEND_BASE_URL:location.origin+{json.dumps(addresses.BASE)},"
    "HOST_CONFIG:{allowedOrigins:[location.origin],useExternalAuthToken:false}}</script>"
)
"""An inline script that is added to the first page."""

_IMPORTS: Final = re.compile(r"""(?:from|import)["'`]\./([\w.-]+\.js)["'`]""")


def documents() -> Iterator[str]:
    """Yield the HTML documents, or pieces of such, whose inline scripts the browser has to run."""
    yield (FOLDER / "index.html").read_text("utf-8")
    yield BEGUN
    # Found without being imported: a component is made known when Streamlit's runtime is there.
    component = find_spec("streamlit_autorefresh")
    for folder in (component and component.submodule_search_locations) or ():
        for page in sorted(Path(folder).rglob("index.html")):
            yield page.read_text("utf-8")


@dataclass(frozen=True)
class _File:
    body: bytes
    headers: dict[str, str]
    needs_gzip: bool


class Assets:
    """ASGI middleware before Streamlit: it answers for the files that the list needs.

    Streamlit reads each of a hundred files anew for every new browser, in a thread, and does not
    compress them. Whatever this does not know, Streamlit answers.
    """

    def __init__(self, app: ASGIApp, folder: Path = FOLDER) -> None:
        """Read the files of Streamlit's folder that its first page and the list need."""
        self.app = app
        self._index = (folder / "index.html").read_bytes()
        text = self._index.decode("utf-8")
        named = set(re.findall(r"\./(static/[\w./-]+)", text))
        wanted = _with_imports(folder, LIST_ELEMENTS)
        styles = [f"static/css/{p.name}" for p in (folder / "static" / "css").glob("DataFrame.*.css")]
        # Last, for what the page itself begins with is wanted first.
        hints = "\n".join([BEGUN, *_links(wanted, named, styles)])
        self._hinted = text.replace("</head>", f"{hints}</head>", 1).encode()
        self._files = {
            f"{addresses.BASE}/{name}": _read(folder / name)
            for name in sorted({*named, *wanted, *styles})
            if (folder / name).is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for a file, put the hints into the first page, or let Streamlit answer."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        file = self._files.get(scope["path"])
        if file and (not file.needs_gzip or "gzip" in Headers(scope=scope).get("accept-encoding", "")):
            await Response(file.body, headers=file.headers)(scope, receive, send)
            return
        await self.app(scope, receive, _Hinting(self._index, self._hinted, send))


class _Hinting:
    """A send that puts one document in place of another, and passes on every other answer."""

    def __init__(self, before: bytes, after: bytes, send: Send) -> None:
        self._before = before
        self._after = after
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message  # it waits for the document
                return
        elif self._start:
            start, self._start = self._start, None
            headers = MutableHeaders(scope=start)
            body = message.get("body", b"")
            if headers.get("content-encoding") == "gzip" and not message.get("more_body"):
                body = gzip.decompress(body)
            if body == self._before:
                message = {**message, "body": self._after}
                headers["content-length"] = str(len(self._after))
                # They speak of the document as it was.
                for name in ("content-encoding", "etag", "last-modified"):
                    del headers[name]
            await self._send(start)
        await self._send(message)


def _with_imports(folder: Path, elements: Iterable[str]) -> list[str]:
    """Return the scripts of some elements with all that they import, as paths below the folder."""
    scripts = folder / "static" / "js"
    found: dict[str, None] = {}
    waiting = [path.name for element in elements for path in scripts.glob(f"{element}.*.js")]
    while waiting:
        name = waiting.pop(0)
        if name in found or not (scripts / name).is_file():
            continue
        found[name] = None
        waiting += _IMPORTS.findall((scripts / name).read_text("utf-8"))
    return [f"static/js/{name}" for name in found]


def _links(scripts: Iterable[str], named: set[str], styles: Iterable[str]) -> list[str]:
    links = [
        f'<link rel="modulepreload" crossorigin href="./{script}">'
        for script in scripts
        if script not in named
    ]
    return links + [f'<link rel="preload" as="style" crossorigin href="./{style}">' for style in styles]


def _read(path: Path) -> _File:
    body = path.read_bytes()
    headers = {
        "content-type": guess_type(path.name)[0] or "application/octet-stream",
        "cache-control": _FOR_EVER,
    }
    if path.suffix not in _TEXT:
        return _File(body, headers, needs_gzip=False)
    headers |= {"content-encoding": "gzip", "vary": "Accept-Encoding"}
    return _File(gzip.compress(body, GZIP_LEVEL, mtime=0), headers, needs_gzip=True)
