"""Which jobs a period has, and at which of them is looked, on both kinds of database."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs_data.jobs import creation_order
from jobs_data.jobs.creation_counts import Bound
from jobs_data.statistics import period
from jobs_data.statistics.activity import Outcomes, read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period
from tests.support.statistics import DAY, NOW, asked, took
from tests.support.store import NOON, Store


def test_a_period_has_whole_days_of_the_viewers_zone() -> None:
    """Today is its last, and the period before ends where it begins."""
    tokyo = ZoneInfo("Asia/Tokyo")  # where it is the 16th already
    assert Period.WEEK.start(tokyo, NOW) == datetime(2026, 6, 10, tzinfo=tokyo)
    assert Period.WEEK.start(tokyo, NOW, periods=2) == datetime(2026, 6, 3, tzinfo=tokyo)
    assert Period.ALL.start(tokyo, NOW) is None


def test_only_the_newest_jobs_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that there are older ones."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 3)
    for seconds in (1000, 1000, 10, 20, 30):
        took(store, seconds)
    durations = read_durations(*asked(store))
    bound = Bound(3, NOON.replace(tzinfo=UTC))
    assert (durations.median, durations.bound) == (20, bound)
    owners = read_owners(*asked(store))
    assert (owners.by_owner["total"].sum(), owners.bound) == (3, bound)


def test_the_newest_are_those_of_the_highest_ids(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of these, the jobs of the period count."""
    for seconds, days in ((10, 0), (20, 1), (30, 2), (40, 50), (50, 0)):
        took(store, seconds, created=NOON - days * DAY)
    for newest, asked_for, median in (
        (2, Period.MONTH, 50),
        (2, Period.ALL, 45),
        (4, Period.MONTH, 30),
        (5, Period.MONTH, 25),
        (5, Period.ALL, 30),
    ):
        monkeypatch.setattr(period, "NEWEST_JOBS", newest)
        durations = read_durations(*asked(store, asked_for))
        assert durations.median == median
        assert (durations.bound is None) is (newest == 5)


def test_a_period_begins_at_the_viewers_midnight(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two o'clock then for the platform; whether the order of creation is known or not."""
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 0)
    for created in (datetime(2026, 5, 17, 2), datetime(2026, 5, 17, 1, 59, 59)):
        store.job(status_id=185, created=created)
    of_month = asked(store, timezone="Europe/Paris")
    for _ in range(2):
        activity = read_activity(*of_month)
        assert (activity.outcomes.total, activity.before) == (1, Outcomes(1, 0, 1, 0))
        assert read_durations(*of_month).derived == 1
        assert read_owners(*of_month).by_owner["total"].tolist() == [1]
        assert read_failures(*of_month).of == 1
        of_month[1].survey()
