"""The counts of all jobs, which all sessions of a process share: read in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as TimesOut
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

from jobs_data.jobs.list_page import Overview
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.settings import SHARED_SECONDS
from jobs_data.single_flight import WAIT_SECONDS

log = logging.getLogger(__name__)

REST_TIMES: Final = 10
"""How many times longer than a reading the pause before the next one is, at least."""

MOST_REST_SECONDS: Final = 30
"""The longest pause after a reading that failed."""


@dataclass(frozen=True)
class _Counted:
    """An overview, when its reading began, and how many changes this process had made by then."""

    overview: Overview
    began: float
    changes: int
    seconds: float


class SharedCounts:
    """The overview of all jobs as last read; one thread at a time reads it."""

    def __init__(self, read: Callable[[], Overview], changes: Callable[[], int]) -> None:
        """Read nothing yet. `changes` returns how many changes of jobs this process has made."""
        self._read = read
        self._changes = changes
        self._counted: _Counted | None = None
        self._reading: Future[None] | None = None
        self._rests_until = 0.0
        self._lock = threading.Lock()

    @property
    def last(self) -> Overview | None:
        """Return the last overview, whatever its age; None before the first."""
        return self._counted.overview if self._counted else None

    @property
    def seconds(self) -> float | None:
        """Return how long the last reading took."""
        return self._counted.seconds if self._counted else None

    @property
    def has_changed(self) -> bool:
        """Return whether this process has changed jobs since the last reading began."""
        return self._counted is not None and self._counted.changes < self._changes()

    def keep_counted(self, max_age: float = SHARED_SECONDS, since: float = 0) -> None:
        """Begin to read again if the overview is older than `max_age`, `since` or a change of ours."""
        counted, now = self._counted, monotonic()
        if counted and not self.has_changed and counted.began >= since:
            age = max(min(max_age, SHARED_SECONDS), REST_TIMES * counted.seconds)
            if now - counted.began < age:
                return
        with self._lock:
            if self._reading is None and now >= self._rests_until:
                self._begin()

    def wait(self, seconds: float) -> None:
        """Wait until what is being read is there and includes our changes, for at most `seconds`."""
        end = monotonic() + seconds
        while reading := self._reading:
            with suppress(TimesOut):
                reading.exception(max(0.0, end - monotonic()))
            if monotonic() >= end or not self.has_changed:
                return
            self.keep_counted()

    def read_now(self) -> Overview:
        """Return an overview whose reading began now or later. Raises DatabaseUnavailable."""
        asked = monotonic()
        while not (counted := self._counted) or counted.began < asked:
            with self._lock:
                reading = self._reading or self._begin()
            try:
                reading.result(WAIT_SECONDS)
            except TimesOut:
                raise DatabaseUnavailable(NO_ANSWER) from None
        return counted.overview

    def close(self) -> None:
        """Wait for the reading that goes on."""
        if reading := self._reading:
            wait([reading], WAIT_SECONDS)

    def _begin(self) -> Future[None]:
        reading = self._reading = Future()
        try:
            threading.Thread(target=self._run, args=(reading,), name="counts", daemon=True).start()
        except RuntimeError:  # no thread is available now
            self._reading = None
            reading.set_exception(DatabaseUnavailable(NO_ANSWER))
        return reading

    def _run(self, reading: Future[None]) -> None:
        began, changes = monotonic(), self._changes()
        error: BaseException | None = None
        try:
            overview = self._read()
            self._counted = _Counted(overview, began, changes, monotonic() - began)
        except BaseException as problem:  # noqa: BLE001 - whatever it is, who waits must hear of it
            error = problem
            log.warning("the jobs were not counted: %s", problem)
            self._rests_until = monotonic() + min(REST_TIMES * (monotonic() - began), MOST_REST_SECONDS)
        self._reading = None
        with suppress(Exception):
            reading.set_exception(error) if error else reading.set_result(None)
