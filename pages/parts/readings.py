"""What the report's panels and the filter read: once a minute for all sessions, each by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Generic, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data.jobs import choices
from jobs_data.jobs.choices import Choices
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.trend import read_trend
from jobs_data.platform.database import Database
from jobs_data.platform.errors import translated_errors
from jobs_data.platform.times import day_starts
from jobs_data.single_flight import WAIT_SECONDS, SingleFlight
from jobs_data.statistics.activity import Activity, read_activity
from jobs_data.statistics.durations import Durations, read_durations
from jobs_data.statistics.failures import Failures, read_failures
from jobs_data.statistics.news import News, read_news
from jobs_data.statistics.owners import Owners, read_owners
from jobs_data.statistics.period import Narrowing, NothingKnown, Period
from jobs_data.statistics.stuck import Stuck, read_stuck
from pages.parts.services import get_services

SECONDS: Final = 60
AT_ONCE: Final = 4
"""How many reads run at the same time, for all sessions: a few of the engine's connections."""

P = ParamSpec("P")
T = TypeVar("T")
_flights: Final = SingleFlight[Any]()
_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="report")
_shared: Final = st.cache_data(
    ttl=SECONDS, max_entries=50, show_spinner=False, refresh_mode="background"
)


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What another thread reads, for all sessions that want it now."""

    future: Future[T]
    until: float
    """When nobody waits for it any more."""

    @property
    def is_done(self) -> bool:
        """Return whether it has been read, or could not be."""
        return self.future.done()

    @property
    def has_failed(self) -> bool:
        """Return whether it could not be read, or not by now."""
        return not self.future.done() or self.future.exception() is not None

    def wait(self) -> None:
        """Return when it is done, or when the time is over."""
        wait([self.future], self._seconds_left)

    def result(self) -> T:
        """Return what was read. Raises what that raised, and DatabaseUnavailable in the end."""
        with translated_errors():
            return self.future.result(self._seconds_left)

    @property
    def _seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())


def begin(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Reading[T]:
    """Begin to read in another thread; `read` may not use anything of the session.

    Where the same is being read already, that is what is returned.
    """
    key = (read, arguments, tuple(named.items()))
    future = _flights.submit(key, partial(read, *arguments, **named), _pool)
    return Reading(future, time.monotonic() + WAIT_SECONDS)


def _order() -> Narrowing:
    """Return what is known of the order in which jobs were created."""
    return NothingKnown()


def trend(database: Database, zone: ZoneInfo) -> pd.DataFrame:
    """Return the jobs of the last days as `frames.trend_frame`. Raises as `activity` does."""
    order = get_services().order
    return _trend(database, order, database.identity, zone.key, day_starts(zone)[-1])


def activity(database: Database, period: Period, zone: ZoneInfo) -> Activity:
    """Return the counts of a period. Raises DatabaseUnavailable, as all of these do."""
    return _activity(database, database.identity, period.value, zone.key)


def durations(database: Database, period: Period, zone: ZoneInfo) -> Durations:
    """Return how long the jobs of a period took."""
    return _durations(database, database.identity, period.value, zone.key)


def owners(database: Database, period: Period, zone: ZoneInfo) -> Owners:
    """Return whose the jobs of a period were."""
    return _owners(database, database.identity, period.value, zone.key)


def grouped_failures(database: Database, period: Period, zone: ZoneInfo) -> Failures:
    """Return why the jobs of a period failed."""
    return _failures(database, database.identity, period.value, zone.key)


def stuck(database: Database) -> Stuck:
    """Return the jobs that are possibly stuck."""
    return _stuck(database, database.identity)


def news(database: Database, since: datetime) -> News:
    """Return what has ended since a time, of which the minute counts."""
    return _at_once(_news, database, database.identity, since.replace(second=0, microsecond=0))


def choices_of(database: Database) -> Choices:
    """Return what there is to choose from in the filter."""
    return _at_once(_choices, database, database.identity)


def owner_names(database: Database, owners: tuple[int, ...]) -> dict[int, str]:
    """Return what the owners that a filter names are called."""
    return _at_once(_owner_names, database, database.identity, owners)


def _at_once(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what is read in this thread, or in another one that reads the same already."""
    with translated_errors():
        found: T = _flights.run((read, arguments), partial(read, *arguments, **named))
        return found


# Arguments that begin with an underscore are no part of the key: the identity stands for the database.
@_shared
def _trend(
    _database: Database,
    _order: CreationOrder,
    identity: str,  # noqa: ARG001
    zone: str,
    today: datetime,
) -> pd.DataFrame:
    return read_trend(_database, day_starts(ZoneInfo(zone), today), _order)


@_shared
def _activity(_database: Database, identity: str, period: str, zone: str) -> Activity:  # noqa: ARG001
    return read_activity(_database, _order(), Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _durations(_database: Database, identity: str, period: str, zone: str) -> Durations:  # noqa: ARG001
    return read_durations(_database, _order(), Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _owners(_database: Database, identity: str, period: str, zone: str) -> Owners:  # noqa: ARG001
    return read_owners(_database, _order(), Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _failures(_database: Database, identity: str, period: str, zone: str) -> Failures:  # noqa: ARG001
    return read_failures(_database, _order(), Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _stuck(_database: Database, identity: str) -> Stuck:  # noqa: ARG001
    return read_stuck(_database, datetime.now(UTC))


@_shared
def _news(_database: Database, identity: str, since: datetime) -> News:  # noqa: ARG001
    return read_news(_database, since)


@_shared
def _choices(_database: Database, identity: str) -> Choices:  # noqa: ARG001
    return choices.read_choices(_database)


@_shared
def _owner_names(_database: Database, identity: str, owners: tuple[int, ...]) -> dict[int, str]:  # noqa: ARG001
    return choices.read_owner_names(_database, owners)
