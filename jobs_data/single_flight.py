"""Reads that threads share: one thread reads, and the others get its result or its error.

No thread waits for another one for ever: it gets a TimeoutError, which `errors.translated_errors`
makes a sentence of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Final, Generic, TypeVar

WAIT_SECONDS: Final = 45
"""How long one thread waits for another one: two reads, one after the other, may take it."""

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Reads under way, each with a key that names what is read."""

    def __init__(self) -> None:
        """Have none under way."""
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[T]] = {}

    def run(self, key: Hashable, read: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
        """Return what `read` returns, here or in the thread that is reading under this key already.

        Raises what it raises, and TimeoutError where the other thread takes longer than `seconds`.
        """
        return self._join(key, read, lambda fly: fly()).result(seconds)

    def submit(self, key: Hashable, read: Callable[[], T], pool: Executor) -> Future[T]:
        """Return the future of what is read under a key; where nothing is, it is read in a pool.

        Raises RuntimeError where the pool can have no thread.
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
            # Before the result is there: who then asks for a newer one must not get this one again.
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
        except RuntimeError:  # no thread can be had
            end()
            raise
        return flight
