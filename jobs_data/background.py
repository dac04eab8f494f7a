"""Background tasks: threads that outlive the session that started them, and show their progress."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

log = logging.getLogger(__name__)


class NotStarted(Exception):
    """A task cannot be started now, and nothing was changed; the message is a sentence."""


class Stopped(Exception):
    """A task ended early, between two transactions; the message is a sentence."""

    def __init__(self) -> None:
        """Make the sentence."""
        super().__init__("This program was being stopped.")


class StopSwitch:
    """Asks tasks to end early, between two transactions. A signal's handler may set it."""

    def __init__(self) -> None:
        """Ask for nothing yet."""
        self._is_set = False  # no Event: its lock may be taken when a signal comes

    def set(self) -> None:
        """Ask all tasks that look at it to end."""
        self._is_set = True

    def check(self) -> None:
        """Raise Stopped where the task that calls this is to end."""
        if self._is_set:
            raise Stopped


class Work:
    """A background task. Subclasses keep their progress in their fields."""

    def __post_init__(self) -> None:
        """Prepare; it counts as running until it has ended."""
        self._future: Future[None] = Future()

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return not self._future.done()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, for at most `seconds`; without a limit where that is None."""
        wait([self._future], seconds)

    def end(self) -> None:
        """Mark it as ended."""
        self._future.set_result(None)

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Call a function, which handles its own errors, in a thread, and end when it returns.

        Raises NotStarted where there can be no thread: then it is not called. The thread is a daemon:
        it does not keep the process alive, and a database rolls an unfinished transaction back.
        """

        def work() -> None:
            try:
                run()
            finally:
                self.end()

        try:
            threading.Thread(target=work, name=name, daemon=True).start()
        except RuntimeError as error:
            log.error("no thread for %s: %s", name, error)
            raise NotStarted(
                "This server has no thread left, so nothing was changed. Try again in a moment."
            ) from error
