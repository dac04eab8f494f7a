"""What pages read beside the list: once for all sessions, kept for some seconds.

`read_cached` and `begin` keep an answer for a minute, `read_recent` for SHARED_SECONDS. Each gets a
function and its arguments; what is read depends on nothing else, so that sessions can share it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import FunctionType
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.choices import read_owner_names
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong, translated_errors
from jobs_data.settings import SHARED_SECONDS
from jobs_data.single_flight import WAIT_SECONDS, SingleFlight
from pages.parts.shared import refresh
from pages.parts.shared.services import get_services

CACHED_SECONDS: Final = 60
AT_ONCE: Final = 4
"""How many reads run at the same time, for all sessions: a few of the engine's connections."""

P = ParamSpec("P")
T = TypeVar("T")
_flights: Final = SingleFlight[Any]()
_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reads")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What another thread reads, for all sessions that want it now."""

    name: str
    asked: object
    """What of it is wanted."""
    future: Future[T]
    until: float
    """When nobody waits for it any more."""
    again: Callable[[], Reading[T]]
    """Begins to read the same once more."""

    @property
    def is_done(self) -> bool:
        """Return whether it has been read, or could not be."""
        return self.future.done()

    @property
    def has_failed(self) -> bool:
        """Return whether it could not be read, or not by now."""
        return not self.future.done() or self.future.exception() is not None

    def wait(self, seconds: float = WAIT_SECONDS) -> None:
        """Return when it is done, or when the time is over."""
        wait([self.future], min(seconds, self._seconds_left))

    def result(self) -> T:
        """Return what was read. Raises what that raised, and DatabaseUnavailable in the end."""
        with translated_errors():
            return self.future.result(self._seconds_left)

    @property
    def found(self) -> T | None:
        """Return what was read; None while it is being read, and where it could not be."""
        return self.result() if self.is_done and not self.has_failed else None

    def shown(self) -> T:
        """Return as `result`; in an outage what this session has seen last, with its age above it."""
        return refresh.last_good(self.name, self.asked, self.result)

    @property
    def _seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())


def begin(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Reading[T]:
    """Begin to read in another thread; `read` may not use anything of the session.

    Where the same is being read already, that is what is returned.
    """
    key = _key(read, arguments, named)
    future = _flights.submit(key, partial(_cached, read, arguments, named), _pool)
    name = getattr(arguments[0] if read is _at_present else read, "__name__", "")
    again = partial(begin, read, *arguments, **named)
    return Reading(name, key, future, time.monotonic() + WAIT_SECONDS, again)


def begin_now(read: Callable[..., T], *arguments: Any) -> Reading[T]:
    """Begin to read what takes the present time as its last argument."""
    return begin(_at_present, read, *arguments)


def begin_shared(read: Callable[[], T]) -> Reading[T]:
    """Begin to read what is shared and cached where it is read."""
    future = _flights.submit(read, read, _pool)
    again = partial(begin_shared, read)
    return Reading(read.__qualname__, read, future, time.monotonic() + WAIT_SECONDS, again)


def read_now(read: Callable[..., T], *arguments: Any) -> T:
    """Return as `read_cached` what takes the present time as its last argument."""
    return read_cached(_at_present, read, *arguments)


def read_cached(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what is read in this thread, or in another one that reads the same already.

    Raises what `read` raises, and DatabaseUnavailable where another thread takes too long.
    """
    with translated_errors():
        found: T = _flights.run(_key(read, arguments, named), partial(_cached, read, arguments, named))
        return found


def user_names(database: Database, owners: tuple[int, ...]) -> Mapping[int, str]:
    """Return the names of some users; nothing where they cannot be read, so that numbers are shown."""
    with suppress(DatabaseUnavailable):
        return read_cached(read_owner_names, database, owners) if owners else {}
    return {}


def read_recent(
    read: Callable[Concatenate[Database, P], T],
    database: Database,
    *arguments: P.args,
    **named: P.kwargs,
) -> T:
    """Return what a queue's screen reads; in an outage what this session has seen last.

    Where the list is not shared (HERATIO_JOBS_LIST_SECONDS=0), each session reads for itself.
    Raises DatabaseUnavailable where this session has seen nothing.
    """
    key = (*_key(read, arguments, named), database.identity)

    def reading() -> T:
        if not get_services().settings.list_seconds:
            return read(database, *arguments, **named)
        with translated_errors():
            found: T | TookTooLong = _flights.run(
                key, partial(_recent, read, (database, *arguments), named)
            )
        if isinstance(found, TookTooLong):
            raise found
        return found

    return refresh.last_good(read.__name__, key, reading)


def forget() -> None:
    """Read everything again in the next run: what Refresh does."""
    _cached.clear()
    _recent.clear()


def _key(read: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    return (read, arguments, tuple(named.items()))


def _at_present(read: Callable[..., T], *arguments: Any) -> T:
    return read(*arguments, datetime.now(UTC))


_HASHES: Final[dict[str | type[Any], Callable[[Any], Any]]] = {
    FunctionType: lambda function: f"{function.__module__}.{function.__qualname__}",
    # A change of ours is seen at once: bars must not count what was deleted.
    Database: lambda database: f"{database.identity} {database.changes}",
    CreationOrder: lambda _: "",  # there is one for each database
    Outcomes: lambda _: "",
    ZoneInfo: str,
}


@st.cache_data(
    ttl=CACHED_SECONDS,
    max_entries=300,
    max_size="100MB",
    show_spinner=False,
    refresh_mode="background",
    hash_funcs=_HASHES,
)
def _cached(read: Callable[..., T], arguments: tuple[Any, ...], named: dict[str, Any]) -> T:
    return read(*arguments, **named)


@st.cache_data(
    ttl=SHARED_SECONDS, max_entries=300, max_size="100MB", show_spinner=False, hash_funcs=_HASHES
)
def _recent(
    read: Callable[..., T], arguments: tuple[Any, ...], named: dict[str, Any]
) -> T | TookTooLong:
    try:
        return read(*arguments, **named)
    except TookTooLong as problem:
        # Kept as an answer: else each of many viewers would make the database work in vain again.
        return problem
