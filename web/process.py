"""Settings of the server's process, made once when it starts."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
from types import FrameType
from typing import Any, Final

log = logging.getLogger(__name__)

MOST_OPEN_FILES: Final = 65_536
"""The most descriptors that a process asks for; each viewer needs some (docs/scaling.md)."""

END_SECONDS: Final = 20.0
"""How long open work may take after SIGTERM; service managers kill after 30 s or more."""

TURNS: Final = 20
LATE_SECONDS: Final = 0.1
"""How late a turn of the loop comes, as the median of TURNS, when each viewer notices it."""

SILENT_SECONDS: Final = 300.0
"""How long `log_waits` says nothing more."""

_Handler = Callable[[int, FrameType | None], object]


def raise_open_files(most: int = MOST_OPEN_FILES) -> int:
    """Raise the soft limit of open files to the hard one, within `most`; return the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("the limit of open files stays at %d: %s", soft, error)
        return soft
    return wanted


def is_out_of_files(error: object) -> bool:
    """Return whether an error says that this process or the machine is out of file descriptors."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def log_out_of_files() -> None:
    """Log that all file descriptors are in use, in one line without a trace."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    log.error(
        "all %d file descriptors are in use: new connections wait until others end. Raise the hard "
        "limit of open files (docs/scaling.md)",
        soft,
    )


def handle_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log in one line when a loop cannot accept connections because descriptors are used up.

    asyncio retries by itself after a second, and would log a trace for each of two thousand tries.
    """
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if is_out_of_files(context.get("exception")):
            log_out_of_files()
        elif "_start_serving" in context.get("message", ""):
            pass  # such a retry, of a server that has ended since
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


async def log_waits(
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Log when presses and refreshes wait because a core is full, at most once in SILENT_SECONDS.

    The threads that draw pages take turns with the loop that sends them: where it gets its turn late,
    all wait. A median, because the whole machine may have stood still for once.
    """
    late: deque[float] = deque(maxlen=TURNS)
    while True:
        due = clock() + 1
        await sleep(1)
        late.append(clock() - due)
        if len(late) == TURNS and median(late) > LATE_SECONDS:
            log.warning(
                "refreshes wait: this process has more viewers than one core can serve (each message "
                "is %.1f s late). Run several processes (docs/scaling.md)",
                median(late),
            )
            late.clear()
            await sleep(SILENT_SECONDS)


def end_in_time(seconds: float = END_SECONDS, *, at_once: Callable[[], object] = lambda: None) -> None:
    """Let SIGTERM and Ctrl-C end the process within `seconds`, whatever it still waits for.

    The server waits for open requests and Python for threads, both without a bound: a download may be
    read slowly, a database may not answer. Call this after the server has set its own handlers, which
    are kept. `at_once` is called in the handler: it may set a flag and nothing more. The database
    rolls back what a removal had not committed.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set handlers
    # An alarm, because a signal's handler cannot safely start a thread.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, partial(_handle, before, seconds, at_once))


def _handle(
    before: _Handler,
    seconds: float,
    at_once: Callable[[], object],
    number: int,
    frame: FrameType | None,
) -> None:
    at_once()
    if not any(signal.getitimer(signal.ITIMER_REAL)):  # else one has come before
        signal.setitimer(signal.ITIMER_REAL, seconds)
    before(number, frame)
