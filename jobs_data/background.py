"""Background tasks: threads that outlive the session that started them, and show their progress."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Final

log = logging.getLogger(__name__)

NO_THREAD: Final = "This server has no thread left, so nothing was changed. Try again in a moment."


class NotStarted(Exception):
    """A task cannot start now. Nothing was changed; the message is a sentence."""


class Stopped(Exception):
    """A task ended early, between two transactions. The message is a sentence."""

    def __init__(self) -> None:
        """Make the sentence."""
        super().__init__("The app was being stopped.")


class StopSwitch:
    """Asks tasks to end early, between two transactions. A signal's handler may set it."""

    def __init__(self) -> None:
        """Begin without a request to stop."""
        self._is_set = False  # no Event: its lock may be taken when a signal comes

    def set(self) -> None:
        """Ask all tasks that check it to end."""
        self._is_set = True

    def check(self) -> None:
        """Raise Stopped if the calling task must end."""
        if self._is_set:
            raise Stopped


class Work:
    """A background task. Subclasses keep their progress in their fields."""

    def __post_init__(self) -> None:
        """Mark it as running until `end` is called."""
        self._future: Future[None] = Future()

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return not self._future.done()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, for at most `seconds`; None waits without a limit."""
        wait([self._future], seconds)

    def end(self) -> None:
        """Mark it as ended."""
        self._future.set_result(None)

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Call a function, which handles its own errors, in a thread, and end when it returns.

        Raises NotStarted, without a call, if no thread can start. The thread is a daemon and does not
        keep the process alive; the database rolls an unfinished transaction back.
        """

        def work() -> None:
            try:
                run()
            finally:
                self.end()

        try:
            # In the context of the request that starts it: log lines have its number.
            run_in_context = partial(copy_context().run, work)
            threading.Thread(target=run_in_context, name=name, daemon=True).start()
        except RuntimeError as error:
            log.error("no thread for %s: %s", name, error)
            raise NotStarted(NO_THREAD) from error


class Background:
    """A daemon thread for what there is to do now and then, one at a time."""

    def __init__(self, name: str) -> None:
        """Begin nothing yet."""
        self._name = name
        self._thread = threading.Thread()
        self._lock = threading.Lock()

    def begin(self, run: Callable[[], None]) -> None:
        """Call a function, which handles its own errors, unless the last one still runs.

        It is not called either if no thread can start: call this again later.
        """
        with self._lock:
            if not self._thread.is_alive():
                self._thread = threading.Thread(target=run, name=self._name, daemon=True)
                with suppress(RuntimeError):
                    self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until nothing runs, for at most `seconds`; None waits without a limit."""
        with self._lock:
            thread = self._thread
        if thread.is_alive():
            thread.join(seconds)
