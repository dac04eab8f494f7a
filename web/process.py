"""What the server's process is told once, when it starts."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Final

END_SECONDS: Final = 20.0
"""How long what is under way may take after SIGTERM; service managers kill after 30 s or more."""

_Handler = Callable[[int, FrameType | None], object]


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


def end_in_time(seconds: float = END_SECONDS) -> None:
    """Let SIGTERM and Ctrl-C end the process after so many seconds, whatever it still waits for.

    The server waits for open requests, and Python for threads, without a bound: for a download that
    is read slowly, or for reads of a database that has fallen silent. To be called after the server
    has set its own handlers, which are kept. What a removal had not committed, the database takes back.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # signals are the business of whoever runs the server there
    # An alarm, because a signal's handler cannot safely start a thread.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, partial(_handle, before, seconds))


def _handle(before: _Handler, seconds: float, number: int, frame: FrameType | None) -> None:
    if not any(signal.getitimer(signal.ITIMER_REAL)):  # else one has come before
        signal.setitimer(signal.ITIMER_REAL, seconds)
    before(number, frame)


def _listens(found: socket.socket) -> bool:
    return (
        found.fileno() >= 0
        and found.family in {socket.AF_INET, socket.AF_INET6}
        and found.type == socket.SOCK_STREAM
        and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )
