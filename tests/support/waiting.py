"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

import pytest

SECONDS = 30.0
"""Only a test that fails waits so long."""


def eventually(holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds; fail with what it is where it never does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"It never came about: {what}", pytrace=False)
        time.sleep(0.01)
