"""Reads that threads share, and waits that end."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from jobs_data.platform.errors import DatabaseUnavailable, translated_errors
from jobs_data.single_flight import SingleFlight

PATIENCE = 10.0


class Slow:
    """A read that takes until it is told to end."""

    def __init__(self, error: Exception | None = None) -> None:
        """Read nothing yet; raise an error in the end where one is given."""
        self.times = 0
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self._error = error

    def __call__(self) -> int:
        """Return how often it was called."""
        self.times += 1
        self.has_begun.set()
        assert self.may_end.wait(PATIENCE)
        if self._error:
            raise self._error
        return self.times


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads enough."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def join(
    pool: ThreadPoolExecutor, flights: SingleFlight[int], slow: Slow, threads: int
) -> list[Future[int]]:
    """Let one thread read, and others join it; return their futures, the one of the first first."""
    first = pool.submit(flights.run, "key", slow)
    assert slow.has_begun.wait(PATIENCE)
    arrived = threading.Barrier(threads)

    def late() -> int:
        arrived.wait(PATIENCE)
        return flights.run("key", slow)

    rest = [pool.submit(late) for _ in range(threads - 1)]
    arrived.wait(PATIENCE)
    with flights._lock:
        waiting = flights._flights["key"]
    patience_ends = time.monotonic() + PATIENCE
    while len(waiting._condition._waiters) < threads - 1:  # type: ignore[attr-defined]
        assert time.monotonic() < patience_ends
        time.sleep(0.01)
    return [first, *rest]


def test_who_joins_gets_the_result_of_the_first(pool: ThreadPoolExecutor) -> None:
    """It is read once; who comes afterwards reads anew."""
    flights, slow = SingleFlight[int](), Slow()
    futures = join(pool, flights, slow, 5)
    slow.may_end.set()
    assert [future.result(PATIENCE) for future in futures] == [1] * 5
    assert flights.run("key", slow) == 2


def test_who_joins_gets_the_error_of_the_first(pool: ThreadPoolExecutor) -> None:
    """Nobody repeats what has just failed while they waited."""
    error = DatabaseUnavailable("It is away.")
    flights, slow = SingleFlight[int](), Slow(error)
    futures = join(pool, flights, slow, 5)
    slow.may_end.set()
    assert {future.exception(PATIENCE) for future in futures} == {error}
    assert slow.times == 1


def test_nobody_waits_for_ever_for_another_thread(pool: ThreadPoolExecutor) -> None:
    """Who gives up has a sentence; the read goes on, and other keys are not held up by it."""
    flights, slow = SingleFlight[int](), Slow()
    first = pool.submit(flights.run, "key", slow)
    assert slow.has_begun.wait(PATIENCE)
    with pytest.raises(DatabaseUnavailable, match="did not answer"), translated_errors():
        flights.run("key", slow, 0.01)
    assert flights.run("other", lambda: 7) == 7
    slow.may_end.set()
    assert first.result(PATIENCE) == 1


def test_what_a_pool_is_to_read_is_put_there_once(pool: ThreadPoolExecutor) -> None:
    """Also while it waits for a thread of the pool."""
    flights, slow = SingleFlight[int](), Slow()
    with ThreadPoolExecutor(1) as narrow:
        futures = [flights.submit("key", slow, narrow) for _ in range(3)]
        slow.may_end.set()
        assert [future.result(PATIENCE) for future in futures] == [1, 1, 1]
