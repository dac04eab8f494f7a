"""What the server's process is told once, when it starts."""

from __future__ import annotations

import gc
import socket


def send_at_once() -> None:
    """Let connections that are accepted from now on send each piece of an answer at once.

    asyncio asks for that itself, but not on the socket that Streamlit listens on. There, the second
    piece of an answer, and a second message on a websocket, waits until the client has confirmed the
    first, which takes clients 40 ms. Connections inherit the option from what they came in by.
    """
    for found in gc.get_objects():
        # Not isinstance, which asks what a proxy stands for, and that may be gone.
        if issubclass(type(found), socket.socket) and _listens(found):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _listens(found: socket.socket) -> bool:
    return (
        found.fileno() >= 0
        and found.family in {socket.AF_INET, socket.AF_INET6}
        and found.type == socket.SOCK_STREAM
        and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )
