"""Retries of transactions that conflicted with another connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from jobs_data.platform.errors import DatabaseBusy

T = TypeVar("T")

PAUSES: Final = (0.1, 0.2, 0.4)
"""Seconds between the attempts."""


def retried(transaction: Callable[[], T]) -> T:
    """Return the result of a transaction, retried if it raises DatabaseBusy.

    After the last attempt DatabaseBusy is raised.
    """
    for pause in PAUSES:
        try:
            return transaction()
        except DatabaseBusy:
            time.sleep(pause)
    return transaction()
