"""Work in a thread of its own, which outlives who started it and can be watched meanwhile."""

from __future__ import annotations

import threading


class Work:
    """Something at work; what it has come to so far is in the fields of what it is."""

    def __post_init__(self) -> None:
        """Make the flag that `wait` waits for."""
        self._ended = threading.Event()

    @property
    def is_running(self) -> bool:
        """Return whether it is still at work."""
        return not self._ended.is_set()

    def wait(self) -> None:
        """Return when it has ended."""
        self._ended.wait()

    def end(self) -> None:
        """Mark it as ended."""
        self._ended.set()
