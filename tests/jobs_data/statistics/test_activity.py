"""How many jobs there were and how they ended, worked out by hand, on both kinds of database."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from jobs_data.jobs.list_page import count_jobs
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.tables import object_
from jobs_data.statistics.activity import Outcomes, read_activity
from jobs_data.statistics.period import Period
from tests.support.statistics import DAY, asked
from tests.support.store import NOON, Store


def test_jobs_count_by_outcome_and_day(store: Store) -> None:
    """Totals, days and the failure rate, and how it changed against the week before."""
    for status in (184, 184, 184, 185, 183, None, 182, 186):
        store.job(status_id=status, completed_at=None if status == 182 else NOON)
    store.job(status_id=185, created=NOON - 2 * DAY)
    store.job(status_id=184, created=datetime(2026, 6, 9))  # the first second of the week
    store.job(status_id=184, created=datetime(2026, 6, 8, 23, 59, 59))
    for status in (184, 184, 184, 185):
        store.job(status_id=status, created=NOON - 10 * DAY)
    store.job(status_id=184, created=NOON - 14 * DAY)
    activity = read_activity(*asked(store, Period.WEEK))
    assert activity.outcomes == Outcomes(total=10, completed=4, failed=2, active=1)
    assert activity.before == Outcomes(total=5, completed=4, failed=1, active=0)
    assert activity.outcomes.failure_rate == pytest.approx(2 / 6)
    assert activity.before.failure_rate == pytest.approx(1 / 5)
    days = activity.by_day
    assert [day.isoformat()[:10] for day in days.index] == [f"2026-06-{d:02}" for d in range(9, 16)]
    assert days["total"].tolist() == [1, 0, 0, 0, 1, 0, 8]
    assert days["completed"].tolist() == [1, 0, 0, 0, 0, 0, 3]
    assert days["failed"].tolist() == [0, 0, 0, 0, 1, 0, 1]
    assert days["active"].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert set(map(str, days.dtypes)) == {"int64"}


def test_completed_jobs_with_errors_are_counted_among_the_completed(store: Store) -> None:
    """By day and in the period before; of the set, only jobs of the period that completed count."""
    ids = [store.job(status_id=status) for status in (184, 184, 184, 185)]
    early = [store.job(created=NOON - days * DAY) for days in (2, 8, 20)]
    question = asked(store, Period.WEEK)
    question[0].job_sets[WITH_ERRORS] = lambda: [*ids[1:], *early, 10**9]
    activity = read_activity(*question)
    assert activity.outcomes == Outcomes(total=5, completed=4, failed=1, active=0, with_errors=3)
    assert activity.before == Outcomes(total=1, completed=1, failed=0, active=0, with_errors=1)
    assert activity.by_day["with_errors"].tolist() == [0, 0, 0, 0, 1, 0, 2]
    assert activity.by_day["completed"].tolist() == [0, 0, 0, 0, 1, 0, 3]
    assert activity.by_hour["jobs"].sum() == 5


def test_hours_are_the_viewers(store: Store) -> None:
    """Platform's noon in Paris on a Monday is a quarter to four in the afternoon in Kathmandu."""
    for _ in range(3):
        store.job()
    store.job(created=datetime(2026, 6, 14, 20, 20))
    kathmandu = ZoneInfo("Asia/Kathmandu")
    activity = read_activity(*asked(store, Period.WEEK, kathmandu, timezone="Europe/Paris"))
    busy = activity.by_hour[activity.by_hour["jobs"] > 0]
    # 12:00 in Paris is 10:00 UTC is 15:45; 20:20 on Sunday is 18:20 UTC is 00:05 on Monday.
    assert busy.to_numpy().tolist() == [[0, 0, 1], [0, 15, 3]]
    assert len(activity.by_hour) == 168


def test_all_time_begins_with_the_first_job(store: Store) -> None:
    """There is no period before it."""
    store.job(created=NOON - 3 * DAY)
    activity = read_activity(*asked(store, Period.ALL))
    assert activity.by_day["total"].tolist() == [1, 0, 0, 0]
    assert activity.before is None


def test_a_period_that_only_low_ids_have_is_counted(store: Store) -> None:
    """Ids need not ascend with time: of 60,000, those from 100 to 1599 are of today."""
    of_today = range(100, 1600, 50)
    for job_id in (1, *of_today, *range(1600, 60_001, 400)):
        created = NOON if job_id in of_today else NOON - 100 * DAY
        store.job(created=created, job_id=job_id)
    store.job(job_id=60_001)
    activity = read_activity(*asked(store, Period.WEEK))
    assert activity.outcomes.total == len(of_today) + 1


def test_times_that_mean_never_are_on_no_day(store: Store) -> None:
    """They would make a chart of ten thousand years; the totals have them, as the list does.

    Nor are those of tomorrow, which a clock that runs ahead makes: the days end today.
    """
    store.job(created=datetime(1000, 1, 1))
    store.job(created=datetime(1970, 1, 1))
    store.job(created=datetime(9999, 12, 31, 23, 59, 59))
    store.job(created=NOON + 2 * DAY)
    activity = read_activity(*asked(store, Period.ALL))
    assert activity.outcomes.total == 4
    assert activity.by_day["total"].tolist() == [0]
    assert activity.by_hour["jobs"].sum() == 1
    week = read_activity(*asked(store, Period.WEEK))
    assert (week.outcomes.total, week.before) == (2, Outcomes(0, 0, 0, 0))


def test_all_time_has_the_jobs_that_were_created_at_no_time(store_without_foreign_keys: Store) -> None:
    """A job whose object is gone is on no day; an object whose job is gone is no job."""
    store = store_without_foreign_keys
    lost, _, _ = store.job(status_id=185), store.job(), store.job(status_id=186)
    store.object("QubitJob")
    with store.engine.begin() as connection:
        connection.execute(delete(object_).where(object_.c.id == lost))
    activity = read_activity(*asked(store, Period.ALL))
    assert activity.outcomes == Outcomes(total=3, completed=1, failed=1, active=0)
    assert activity.by_day["total"].tolist() == [2]
    assert activity.outcomes.total == count_jobs(store.database()).total
    week = read_activity(*asked(store, Period.WEEK))
    assert week.outcomes == Outcomes(total=2, completed=1, failed=0, active=0)
    store.engine.dispose()


def test_no_jobs_are_figures_too(store: Store) -> None:
    """They are zero, or there is none."""
    activity = read_activity(*asked(store, Period.WEEK))
    assert activity.outcomes == Outcomes(0, 0, 0, 0)
    assert activity.outcomes.failure_rate is None
    assert activity.by_day["total"].tolist() == [0] * 7
    assert activity.by_hour["jobs"].sum() == 0
