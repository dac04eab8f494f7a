"""Time for tests: a clock that they set, and waiting for what another thread or process does."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

SECONDS = 30.0
"""Only a test that fails waits so long."""


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def eventually(holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds; fail with what it is where it never does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"It never came about: {what}", pytrace=False)
        time.sleep(0.01)
