"""Reads that threads share: one thread reads, and the others get its result or its error.

A wait for another thread ends with a TimeoutError, which `errors.translated_errors` turns into a
sentence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Final, Generic, TypeVar

WAIT_SECONDS: Final = 45
"""How long a thread waits for another one: the time of two reads."""

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Running reads by key."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[T]] = {}

    def run(self, key: Hashable, read: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
        """Return the result of `read`, or of the thread that is already reading under this key.

        Raises what it raises, and TimeoutError where the other thread takes longer than `seconds`.
        """
        return self._join(key, read, lambda fly: fly()).result(seconds)

    def submit(self, key: Hashable, read: Callable[[], T], pool: Executor) -> Future[T]:
        """Return the future of the read under a key; a pool begins the read if needed.

        Raises RuntimeError if the pool has no thread.
        """
        return self._join(key, read, pool.submit)

    def _join(
        self,
        key: Hashable,
        read: Callable[[], T],
        start: Callable[[Callable[[], None]], object],
    ) -> Future[T]:
        with self._lock:
            if found := self._flights.get(key):
                return found
            flight = self._flights[key] = Future[T]()

        def end() -> None:
            # Before the result is set: a later request must not get this read again.
            with self._lock:
                del self._flights[key]

        def fly() -> None:
            try:
                result = read()
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
                end()
                flight.set_exception(error)
            else:
                end()
                flight.set_result(result)

        try:
            start(fly)
        except RuntimeError:  # no thread is available
            end()
            raise
        return flight
