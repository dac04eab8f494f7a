"""What the jobs of a period tell: every figure is worked out by hand, on both kinds of database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.statistics import statistics
from jobs_data.statistics.statistics import Outcomes, Period, parse_period
from tests.support.store import NOON, Store

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 15, 18, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)


def took(store: Store, seconds: int | None, name: str = "export", created: datetime = NOON) -> int:
    """Insert a completed job that took so many seconds by its own times, and return its id."""
    completed = None if seconds is None else created + timedelta(seconds=seconds)
    return store.job(name, 184, created, completed_at=completed)


@pytest.mark.parametrize(
    ("value", "period"),
    [("7", Period.WEEK), (" ALL ", Period.ALL), ("8", Period.MONTH), (None, Period.MONTH)],
)
def test_a_period_is_read_from_the_url(value: str | None, period: Period) -> None:
    """What makes no sense is 30 days."""
    assert parse_period(value) is period


def test_a_period_has_whole_days_of_the_viewers_zone() -> None:
    """Today is its last, and the period before ends where it begins."""
    tokyo = ZoneInfo("Asia/Tokyo")  # where it is the 16th already
    assert Period.WEEK.start(tokyo, NOW) == datetime(2026, 6, 10, tzinfo=tokyo)
    assert Period.WEEK.start_before(tokyo, NOW) == datetime(2026, 6, 3, tzinfo=tokyo)
    assert Period.ALL.start(tokyo, NOW) is None


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
    activity = statistics.read_activity(store.database(), Period.WEEK, UTC_ZONE, NOW)
    assert activity.outcomes == Outcomes(total=10, completed=4, failed=2, active=1)
    assert activity.before == Outcomes(total=5, completed=4, failed=1, active=0)
    assert activity.outcomes.failure_rate == pytest.approx(2 / 6)
    assert activity.rate_change == pytest.approx(2 / 6 - 1 / 5)
    days = activity.by_day
    assert [day.isoformat()[:10] for day in days.index] == [f"2026-06-{d:02}" for d in range(9, 16)]
    assert days["total"].tolist() == [1, 0, 0, 0, 1, 0, 8]
    assert days["completed"].tolist() == [1, 0, 0, 0, 0, 0, 3]
    assert days["failed"].tolist() == [0, 0, 0, 0, 1, 0, 1]
    assert days["active"].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert set(map(str, days.dtypes)) == {"int64"}


def test_hours_are_the_viewers(store: Store) -> None:
    """Platform's noon in Paris on a Monday is a quarter to four in the afternoon in Kathmandu."""
    for _ in range(3):
        store.job()
    store.job(created=datetime(2026, 6, 14, 20, 20))
    activity = statistics.read_activity(
        store.database(timezone="Europe/Paris"), Period.WEEK, ZoneInfo("Asia/Kathmandu"), NOW
    )
    busy = activity.by_hour[activity.by_hour["jobs"] > 0]
    # 12:00 in Paris is 10:00 UTC is 15:45; 20:20 on Sunday is 18:20 UTC is 00:05 on Monday.
    assert busy.to_numpy().tolist() == [[0, 0, 1], [0, 15, 3]]
    assert len(activity.by_hour) == 168


def test_all_time_begins_with_the_first_job(store: Store) -> None:
    """There is no period before it."""
    store.job(created=NOON - 3 * DAY)
    activity = statistics.read_activity(store.database(), Period.ALL, UTC_ZONE, NOW)
    assert activity.by_day["total"].tolist() == [1, 0, 0, 0]
    assert (activity.before, activity.rate_change) == (None, None)


def test_times_that_mean_never_are_left_out(store: Store) -> None:
    """They would make a chart of ten thousand years."""
    store.job(created=datetime(1000, 1, 1))
    store.job(created=datetime(9999, 12, 31, 23, 59, 59))
    store.job(created=NOON + 2 * DAY)
    activity = statistics.read_activity(store.database(), Period.ALL, UTC_ZONE, NOW)
    assert activity.outcomes.total == 1
    assert activity.by_day["total"].tolist() == [0, 0]
    assert statistics.read_durations(store.database(), Period.ALL, UTC_ZONE, NOW).looked_at == 3


def test_an_empty_database_has_figures(store: Store) -> None:
    """They are zero, or there is none."""
    database = store.database()
    activity = statistics.read_activity(database, Period.WEEK, UTC_ZONE, NOW)
    assert activity.outcomes == Outcomes(0, 0, 0, 0)
    assert activity.outcomes.failure_rate is None
    assert activity.by_day["total"].tolist() == [0] * 7
    durations = statistics.read_durations(database, Period.WEEK, UTC_ZONE, NOW)
    assert (durations.mean, durations.median, durations.looked_at) == (None, None, 0)
    assert durations.by_name.empty
    assert statistics.read_owners(database, Period.ALL, UTC_ZONE, NOW).by_owner.empty
    assert statistics.read_stuck(database, NOW).jobs.empty
    assert statistics.read_news(database, NOW).failures.empty


def test_a_job_without_its_object_costs_nothing_but_itself(store: Store) -> None:
    """An object whose job is gone is not counted as a completed job."""
    store.job()
    store.object("QubitJob")
    activity = statistics.read_activity(store.database(), Period.WEEK, UTC_ZONE, NOW)
    assert activity.outcomes == Outcomes(total=1, completed=1, failed=0, active=0)


def test_durations_by_name(store: Store) -> None:
    """The recorded duration counts before completed minus created, which counts before none."""
    ids = [took(store, seconds) for seconds in (10, 20, 30, 40, 100)]
    recorded = took(store, 999, "import")
    store.execution(recorded, duration=7)
    took(store, None, "no end")
    took(store, -5, "ends before it begins")
    store.job("running", 183)
    took(store, 500, created=NOON - 40 * DAY)
    durations = statistics.read_durations(store.database(), Period.MONTH, UTC_ZONE, NOW)
    assert (durations.recorded, durations.derived) == (1, 5)
    assert durations.mean == pytest.approx(207 / 6)
    assert durations.median == 25
    assert (durations.looked_at, durations.has_more) == (9, False)
    columns = ["name", "runs", "median", "p95", "slowest", "slowest_job"]
    # The 95th percentile of five lies at four fifths between the fourth and the fifth: 40 + 0.8 · 60.
    assert durations.by_name[columns].to_numpy().tolist() == [
        ["export", 5, 30.0, pytest.approx(88.0), 100.0, ids[4]],
        ["import", 1, 7.0, 7.0, 7.0, recorded],
    ]


def test_a_trend_compares_the_later_half_with_the_earlier(store: Store) -> None:
    """Of the time from the first job looked at until now."""
    for seconds, days in ((10, 6), (30, 5), (40, 1), (20, 0)):
        took(store, seconds, created=NOON - days * DAY)
    took(store, 5, "only late")
    by_name = statistics.read_durations(store.database(), Period.MONTH, UTC_ZONE, NOW).by_name
    assert by_name.set_index("name").loc["export", "change"] == pytest.approx(0.5)
    assert by_name.set_index("name")["change"].isna().to_dict() == {"export": False, "only late": True}


def test_only_the_newest_jobs_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says at how many of how many."""
    monkeypatch.setattr(statistics, "NEWEST_JOBS", 3)
    for seconds in (1000, 1000, 10, 20, 30):
        took(store, seconds)
    durations = statistics.read_durations(store.database(), Period.MONTH, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (20, 3, True)
    owners = statistics.read_owners(store.database(), Period.MONTH, UTC_ZONE, NOW)
    assert (owners.by_owner["total"].sum(), owners.looked_at, owners.has_more) == (3, 3, True)


def test_the_newest_are_those_of_the_highest_ids(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a period too, whose other jobs may have any id: it says that there are more."""
    monkeypatch.setattr(statistics, "NEWEST_JOBS", 2)
    for seconds, days in ((10, 0), (20, 1), (30, 2), (40, 50), (50, 0)):
        took(store, seconds, created=NOON - days * DAY)
    # The two of the highest ids are the old one, which the period leaves out, and one of today.
    durations = statistics.read_durations(store.database(), Period.MONTH, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (50, 1, True)
    durations = statistics.read_durations(store.database(), Period.ALL, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (45, 2, True)
    monkeypatch.setattr(statistics, "NEWEST_JOBS", 5)
    durations = statistics.read_durations(store.database(), Period.ALL, UTC_ZONE, NOW)
    assert (durations.median, durations.looked_at, durations.has_more) == (30, 5, False)


def test_owners_are_called_as_in_the_list(atom_store: Store) -> None:
    """By display name, else user name; jobs of nobody belong to System."""
    ada, bob = atom_store.user("ada", en="Ada Lovelace"), atom_store.user("bob")
    for status in (184, 185, 183):
        atom_store.job(status_id=status, user_id=ada)
    atom_store.job(user_id=bob)
    atom_store.job()
    atom_store.job(user_id=bob, created=NOON - 40 * DAY)
    owners = statistics.read_owners(atom_store.database(), Period.MONTH, UTC_ZONE, NOW)
    assert owners.by_owner.to_numpy().tolist() == [
        ["Ada Lovelace", 3, 1, 1],
        ["System", 1, 1, 0],
        ["bob", 1, 1, 0],
    ]


def test_far_longer_than_usual_is_possibly_stuck(store: Store) -> None:
    """Beyond median plus five deviations and ten minutes; with four runs nobody can tell."""
    for minutes in (10, 20, 30, 40, 50):  # median 30 min, deviations 20 10 0 10 20: median 10 min
        took(store, minutes * 60, "import", NOON - DAY)
    for _ in range(5):
        took(store, 1, "quick", NOON - DAY)
    for _ in range(4):
        took(store, 1, "rare", NOON - DAY)

    def running(name: str, minutes: int) -> int:
        created = NOW.replace(tzinfo=None) - timedelta(minutes=minutes)
        return store.job(name, 183, created)

    running("import", 79)
    slow = running("import", 81)
    running("quick", 9)
    quick = running("quick", 11)
    rare = running("rare", 5000)
    begun_late = running("quick", 5000)
    store.execution(begun_late, started_at=NOW.replace(tzinfo=None) - timedelta(minutes=1))
    stuck = statistics.read_stuck(store.database(), NOW)
    columns = ["id", "seconds", "usual", "limit"]
    assert stuck.jobs[columns].to_numpy().tolist() == [
        [slow, 81 * 60, 30 * 60, 80 * 60],
        [quick, 11 * 60, 1, 600],
    ]
    assert stuck.cannot_tell["id"].tolist() == [rare]
    assert (stuck.active, stuck.looked_at, stuck.runs) == (6, 6, 20)


def test_news_is_what_ended_since(store: Store) -> None:
    """Whenever it was created; the latest failure first."""
    store.job(completed_at=NOON - timedelta(minutes=1))
    store.job(completed_at=NOON)
    store.job(completed_at=NOON + timedelta(hours=1), created=NOON - 40 * DAY)
    first = store.job("a", 185, completed_at=NOON + timedelta(minutes=1))
    second = store.job(None, 185, completed_at=NOON + timedelta(minutes=2))
    store.job(status_id=186, completed_at=NOON + timedelta(minutes=2))
    news = statistics.read_news(store.database(), NOON.replace(tzinfo=UTC))
    assert (news.completed, news.failed, news.looked_at, news.has_more) == (2, 2, 6, False)
    assert news.failures["id"].tolist() == [second, first]
    assert news.failures["name"].tolist() == ["[Unknown]", "a"]


def first_id(database: Database, start: datetime) -> int:
    """Return where a read of the jobs created since a time begins."""
    with database.reading() as connection:
        return statistics.created_since(connection, database, start).first_id


def test_a_period_is_found_on_the_primary_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day early; where ids do not ascend with time, it begins at the beginning."""
    monkeypatch.setattr(statistics, "SEARCH_ABOVE_IDS", 0)
    ids = [store.job(created=NOON - (20 - n) * DAY, job_id=10_000 + 100 * n) for n in range(20)]
    start = NOW.replace(hour=0) - 5 * DAY
    found = first_id(store.database(), start)
    assert ids[13] < found <= ids[14]  # created six days and six hours, and five and a quarter, before
    activity = statistics.read_activity(store.database(), Period.WEEK, UTC_ZONE, NOW)
    assert activity.outcomes.total == 6
    with store.engine.begin() as connection:
        connection.execute(
            tables.object_.update().where(tables.object_.c.id == ids[0]).values(created_at=NOON)
        )
    assert first_id(store.database(), start) == ids[0]
    activity = statistics.read_activity(store.database(), Period.WEEK, UTC_ZONE, NOW)
    assert activity.outcomes.total == 7
