"""The statistics of a viewer in UTC on 15 June 2026, a Monday."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform.database import Database
from jobs_data.statistics.period import Period
from tests.support.store import NOON, Store

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 15, 18, tzinfo=UTC)
DAY = timedelta(days=1)

Question = tuple[Database, CreationOrder, Period, ZoneInfo, datetime]


def asked(
    store: Store, period: Period = Period.MONTH, zone: ZoneInfo = UTC_ZONE, **options: Any
) -> Question:
    """Return what a panel is asked with; `options` are those of the store's database."""
    database = store.database(**options)
    return database, CreationOrder(database), period, zone, NOW


def took(store: Store, seconds: int | None, name: str = "export", created: datetime = NOON) -> int:
    """Insert a completed job that took so many seconds by its own times, and return its id."""
    completed = None if seconds is None else created + timedelta(seconds=seconds)
    return store.job(name, 184, created, completed_at=completed)
