"""Reads that threads share: one reads, and who wants the same meanwhile gets its result or its error.

No thread waits for another one for ever. Who has waited in vain gets a TimeoutError, which
`engine.translated_errors` makes a sentence of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
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
        flight, is_new = self._join(key)
        if not is_new:
            return flight.result(seconds)
        self._fly(key, flight, read)
        return flight.result()

    def submit(self, key: Hashable, read: Callable[[], T], pool: Executor) -> Future[T]:
        """Return the future of what is read under a key; where nothing is, it is read in a pool."""
        flight, is_new = self._join(key)
        if is_new:
            try:
                pool.submit(self._fly, key, flight, read)
            except RuntimeError:  # no thread can be had
                self._end(key)
                raise
        return flight

    def _join(self, key: Hashable) -> tuple[Future[T], bool]:
        with self._lock:
            if flight := self._flights.get(key):
                return flight, False
            flight = self._flights[key] = Future()
            return flight, True

    def _fly(self, key: Hashable, flight: Future[T], read: Callable[[], T]) -> None:
        try:
            result = read()
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            self._end(key)
            flight.set_exception(error)
        else:
            self._end(key)
            flight.set_result(result)

    def _end(self, key: Hashable) -> None:
        # Before the result is there: who then asks for a newer one must not get this one again.
        with self._lock:
            self._flights.pop(key, None)


@contextmanager
def held(lock: threading.Lock, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold a lock. Raises TimeoutError where another thread has it for longer than `seconds`."""
    if not lock.acquire(timeout=seconds):
        raise TimeoutError
    try:
        yield
    finally:
        lock.release()
