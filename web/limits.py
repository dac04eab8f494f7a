"""The limits of a request's body: its size and its time."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

MAX_BODY_BYTES: Final = 64 * 1024
"""More than any form of ours has."""

BODY_SECONDS: Final = 10.0

TOO_LARGE: Final = "The request is larger than 64 KiB. Nothing was changed."
TOO_SLOW: Final = "The request did not arrive within ten seconds. Nothing was changed."


class BodyRefused(Exception):
    """A body was too long or too slow. Its text is a sentence for the client."""

    def __init__(self, status: int, sentence: str) -> None:
        """Keep the status of the answer: 413 or 408."""
        super().__init__(sentence)
        self.status = status


async def with_body(receive: Receive, seconds: float = BODY_SECONDS) -> Receive:
    """Return a receive whose first message is the whole body, which has been read by then.

    Raises BodyRefused, and ClientDisconnect where the client hangs up before its body has ended.
    """
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientDisconnect
                chunk = message.get("body", b"")
                size += len(chunk)
                # The rest is read and dropped: a client that is still sending would not see our
                # answer.
                if size <= MAX_BODY_BYTES:
                    body += chunk
                more = message.get("more_body", False)
    except TimeoutError:
        if size <= MAX_BODY_BYTES:
            raise BodyRefused(408, TOO_SLOW) from None
    if size > MAX_BODY_BYTES:
        raise BodyRefused(413, TOO_LARGE)
    first: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

    async def read() -> Message:
        nonlocal first
        if first is None:
            return await receive()
        message, first = first, None
        return message

    return read
