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
from jobs_data.statistics.period import Period
from jobs_data.statistics.stuck import Stuck, read_stuck
from pages.parts.shared import refresh
from pages.parts.shared.services import get_services

SECONDS: Final = 60
AT_ONCE: Final = 4
"""How many reads run at the same time, for all sessions: a few of the engine's connections."""

P = ParamSpec("P")
T = TypeVar("T")
_flights: Final = SingleFlight[Any]()
_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="report")
_shared: Final = st.cache_data(
    ttl=SECONDS,
    max_entries=50,
    show_spinner=False,
    refresh_mode="background",
    hash_funcs={Database: lambda database: database.identity, ZoneInfo: str},
)


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What another thread reads, for all sessions that want it now."""

    name: str
    asked: object
    """What of it is wanted."""
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

    def shown(self) -> T:
        """Return as `result`, or what this session has seen of it last, which is said above it."""
        return refresh.last_good(self.name, self.asked, self.result)

    @property
    def _seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())


def begin(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Reading[T]:
    """Begin to read in another thread; `read` may not use anything of the session.

    Where the same is being read already, that is what is returned.
    """
    key = (read, arguments, tuple(named.items()))
    future = _flights.submit(key, partial(read, *arguments, **named), _pool)
    return Reading(read.__name__, key, future, time.monotonic() + WAIT_SECONDS)


def trend(database: Database, zone: ZoneInfo) -> pd.DataFrame:
    """Return the jobs of the last days as `frames.trend_frame`. Raises DatabaseUnavailable."""
    return _trend(database, tuple(day_starts(zone)))


@_shared
def _trend(database: Database, day_starts: tuple[datetime, ...]) -> pd.DataFrame:
    return read_trend(database, day_starts, get_services().order)


@_shared
def activity(database: Database, period: Period, zone: ZoneInfo) -> Activity:
    """Return the counts of a period. Raises DatabaseUnavailable, as all of these do."""
    return read_activity(database, get_services().order, period, zone, datetime.now(UTC))


@_shared
def durations(database: Database, period: Period, zone: ZoneInfo) -> Durations:
    """Return how long the jobs of a period took."""
    return read_durations(database, get_services().order, period, zone, datetime.now(UTC))


@_shared
def owners(database: Database, period: Period, zone: ZoneInfo) -> Owners:
    """Return whose the jobs of a period were."""
    return read_owners(database, get_services().order, period, zone, datetime.now(UTC))


@_shared
def grouped_failures(database: Database, period: Period, zone: ZoneInfo) -> Failures:
    """Return why the jobs of a period failed."""
    return read_failures(database, get_services().order, period, zone, datetime.now(UTC))


@_shared
def stuck(database: Database) -> Stuck:
    """Return the jobs that are possibly stuck."""
    return read_stuck(database, datetime.now(UTC))


def news(database: Database, since: datetime) -> News:
    """Return what has ended since a time, of which the minute counts."""
    return _at_once(_shared_news, database, since.replace(second=0, microsecond=0))


def choices_of(database: Database) -> Choices:
    """Return what there is to choose from in the filter."""
    return _at_once(_shared_choices, database)


def owner_names(database: Database, owners: tuple[int, ...]) -> dict[int, str]:
    """Return what the owners that a filter names are called."""
    return _at_once(_shared_owner_names, database, owners)


def _at_once(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what is read in this thread, or in another one that reads the same already."""
    with translated_errors():
        found: T = _flights.run((read, arguments), partial(read, *arguments, **named))
        return found


_shared_news: Final = _shared(read_news)
_shared_choices: Final = _shared(choices.read_choices)
_shared_owner_names: Final = _shared(choices.read_owner_names)
