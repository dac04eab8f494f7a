"""The app's style in the head of Streamlit's page: it holds before anything is drawn."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAMLIT_ROOT: Final = b'<div id="root">'


class Head:
    """ASGI middleware that ends the head of Streamlit's page with a style.

    A style that comes with a page's elements comes after the first of them are drawn, and moves them.
    """

    def __init__(self, app: ASGIApp, style: str, more: Mapping[str, str]) -> None:
        """Add a style, and more of it to the pages at some addresses; both must be our own texts."""
        self.app = app
        self._style = style
        self._more = more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change the answer where it is a document."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        started: list[Message] = []
        body = bytearray()

        async def styled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    started.append(message)  # it waits for the whole document
                    return
            elif started:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                headers = MutableHeaders(scope=started[0])
                document = bytes(body)
                if headers.get("content-encoding") == "gzip":
                    document = gzip.decompress(document)
                    del headers["content-encoding"]
                if _STREAMLIT_ROOT in document:  # no page of ours, whose policy forbids it
                    style = self._style + self._more.get(scope["path"], "")
                    # Below `body`, so that it outweighs Streamlit's own rules, which come later.
                    head_end = f"<style>body {{\n{style}}}</style></head>".encode()
                    document = document.replace(b"</head>", head_end, 1)
                message = {**message, "body": document}
                headers["content-length"] = str(len(message["body"]))
                # They speak of the document as it was.
                for name in ("etag", "last-modified"):
                    del headers[name]
                await send(started[0])
            await send(message)

        await self.app(scope, receive, styled)
