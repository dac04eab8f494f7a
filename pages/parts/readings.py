"""What the report's panels and the filter read: once a minute for all sessions, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import choices, failures, queries, statistics
from jobs_data.choices import Choices
from jobs_data.engine import Database, identity
from jobs_data.failures import Failures
from jobs_data.statistics import Activity, Durations, News, Owners, Period, Stuck
from jobs_data.times import day_starts

SECONDS: Final = 60
AT_ONCE: Final = 4
"""How many reads run at the same time, for all sessions: a few of the engine's connections."""

T = TypeVar("T")
_pool: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="report")
_shared: Final = st.cache_data(
    ttl=SECONDS, max_entries=50, show_spinner=False, refresh_mode="background"
)


def begin(read: Callable[[], T]) -> Future[T]:
    """Begin to read in another thread; `read` may not use anything of the session."""
    return _pool.submit(read)


def trend(database: Database, zone: ZoneInfo) -> pd.DataFrame:
    """Return the jobs of the last days as `frames.trend_frame`. Raises as `activity` does."""
    return _trend(database, identity(database), zone.key, day_starts(zone)[-1])


def activity(database: Database, period: Period, zone: ZoneInfo) -> Activity:
    """Return the counts of a period. Raises DatabaseUnavailable, as all of these do."""
    return _activity(database, identity(database), period.value, zone.key)


def durations(database: Database, period: Period, zone: ZoneInfo) -> Durations:
    """Return how long the jobs of a period took."""
    return _durations(database, identity(database), period.value, zone.key)


def owners(database: Database, period: Period, zone: ZoneInfo) -> Owners:
    """Return whose the jobs of a period were."""
    return _owners(database, identity(database), period.value, zone.key)


def grouped_failures(database: Database, period: Period, zone: ZoneInfo) -> Failures:
    """Return why the jobs of a period failed."""
    return _failures(database, identity(database), period.value, zone.key)


def stuck(database: Database) -> Stuck:
    """Return the jobs that are possibly stuck."""
    return _stuck(database, identity(database))


def news(database: Database, since: datetime) -> News:
    """Return what has ended since a time, of which the minute counts."""
    return _news(database, identity(database), since.replace(second=0, microsecond=0))


def choices_of(database: Database) -> Choices:
    """Return what there is to choose from in the filter."""
    return _choices(database, identity(database))


def owner_names(database: Database, owners: tuple[int, ...]) -> dict[int, str]:
    """Return what the owners that a filter names are called."""
    return _owner_names(database, identity(database), owners)


# Arguments that begin with an underscore are no part of the key: the identity stands for the database.
@_shared
def _trend(_database: Database, identity: str, zone: str, today: datetime) -> pd.DataFrame:  # noqa: ARG001
    return queries.read_trend(_database, day_starts(ZoneInfo(zone), today))


@_shared
def _activity(_database: Database, identity: str, period: str, zone: str) -> Activity:  # noqa: ARG001
    return statistics.read_activity(_database, Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _durations(_database: Database, identity: str, period: str, zone: str) -> Durations:  # noqa: ARG001
    return statistics.read_durations(_database, Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _owners(_database: Database, identity: str, period: str, zone: str) -> Owners:  # noqa: ARG001
    return statistics.read_owners(_database, Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _failures(_database: Database, identity: str, period: str, zone: str) -> Failures:  # noqa: ARG001
    return failures.read_failures(_database, Period(period), ZoneInfo(zone), datetime.now(UTC))


@_shared
def _stuck(_database: Database, identity: str) -> Stuck:  # noqa: ARG001
    return statistics.read_stuck(_database, datetime.now(UTC))


@_shared
def _news(_database: Database, identity: str, since: datetime) -> News:  # noqa: ARG001
    return statistics.read_news(_database, since)


@_shared
def _choices(_database: Database, identity: str) -> Choices:  # noqa: ARG001
    return choices.read_choices(_database)


@_shared
def _owner_names(_database: Database, identity: str, owners: tuple[int, ...]) -> dict[int, str]:  # noqa: ARG001
    return choices.read_owner_names(_database, owners)
