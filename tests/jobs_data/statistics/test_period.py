"""Which jobs a period has, and at which of them is looked, on both kinds of database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import ColumnElement, Connection

from jobs_data.platform.tables import job
from jobs_data.statistics import period
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import NothingKnown, Period, parse_period
from tests.support.store import NOON, Store

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 15, 18, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
NOTHING = NothingKnown()


def took(store: Store, seconds: int | None, name: str = "export", created: datetime = NOON) -> int:
    """Insert a completed job that took so many seconds by its own times, and return its id."""
    completed = None if seconds is None else created + timedelta(seconds=seconds)
    return store.job(name, 184, created, completed_at=completed)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", Period.WEEK), (" ALL ", Period.ALL), ("8", Period.MONTH), (None, Period.MONTH)],
)
def test_a_period_is_read_from_the_url(value: str | None, expected: Period) -> None:
    """What makes no sense is 30 days."""
    assert parse_period(value) is expected


def test_a_period_has_whole_days_of_the_viewers_zone() -> None:
    """Today is its last, and the period before ends where it begins."""
    tokyo = ZoneInfo("Asia/Tokyo")  # where it is the 16th already
    assert Period.WEEK.start(tokyo, NOW) == datetime(2026, 6, 10, tzinfo=tokyo)
    assert Period.WEEK.start_before(tokyo, NOW) == datetime(2026, 6, 3, tzinfo=tokyo)
    assert Period.ALL.start(tokyo, NOW) is None


def test_only_the_newest_jobs_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says at how many of how many."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 3)
    for seconds in (1000, 1000, 10, 20, 30):
        took(store, seconds)
    durations = read_durations(store.database(), NOTHING, Period.MONTH, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (20, 3, True)
    owners = read_owners(store.database(), NOTHING, Period.MONTH, UTC_ZONE, NOW)
    assert (owners.by_owner["total"].sum(), owners.looked_at, owners.has_more) == (3, 3, True)


def test_the_newest_are_those_of_the_highest_ids(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a period too, whose jobs may have any ids."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 2)
    for seconds, days in ((10, 0), (20, 1), (30, 2), (40, 50), (50, 0)):
        took(store, seconds, created=NOON - days * DAY)
    durations = read_durations(store.database(), NOTHING, Period.MONTH, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (40, 2, True)
    durations = read_durations(store.database(), NOTHING, Period.ALL, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (45, 2, True)
    monkeypatch.setattr(period, "NEWEST_JOBS", 4)
    durations = read_durations(store.database(), NOTHING, Period.MONTH, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (25, 4, False)
    monkeypatch.setattr(period, "NEWEST_JOBS", 5)
    durations = read_durations(store.database(), NOTHING, Period.ALL, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (30, 5, False)


class FromId:
    """Knows that every job created since a time has a certain id or a higher one."""

    def __init__(self, first: int) -> None:
        """Begin with an id."""
        self.first = first
        self.moments: list[datetime] = []

    def since(self, _connection: Connection, moment: datetime) -> list[ColumnElement[bool]]:
        """Return that condition, and remember what was asked."""
        self.moments.append(moment)
        return [job.c.id >= self.first]


def test_what_is_known_of_the_order_narrows_each_read(store: Store) -> None:
    """It is asked for the time at which the period begins, as the platform stores it."""
    took(store, 10)
    order = FromId(store.job(status_id=185, output="broken"))
    database = store.database(timezone="Europe/Paris")
    of_month = database, order, Period.MONTH, UTC_ZONE, NOW
    assert read_activity(*of_month).outcomes.total == 1
    assert read_durations(*of_month).looked_at == 1
    assert read_owners(*of_month).by_owner["total"].tolist() == [1]
    assert read_failures(*of_month).of == 1
    two_hours_on = datetime(2026, 5, 17, 2)
    assert order.moments == [two_hours_on - 30 * DAY, *[two_hours_on] * 3]
    assert read_activity(database, order, Period.ALL, UTC_ZONE, NOW).outcomes.total == 2
