"""Moments and the platform's naive times, above all in the hours that a clock change repeats."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs_data.jobs.selections import read_matching
from jobs_data.jobs.trend import read_trend
from jobs_data.jobs.view import Dates, JobFilter
from jobs_data.platform.times import on_platform_clock, to_platform, utc, utc_offsets
from tests.support.store import Store

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")

# When a clock is put back: the moment, the time at which it then starts anew, and for how long.
CHANGES = [
    (AMSTERDAM, datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 10, 25, 2), 60),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 1), 60),
    (LORD_HOWE, datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 4, 5, 1, 30), 30),
]
on_changes = pytest.mark.parametrize(("zone", "change", "repeated_from", "minutes"), CHANGES)
ZONES = st.sampled_from(
    [AMSTERDAM, NEW_YORK, LORD_HOWE, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Africa/Juba")]
)
MOMENTS = st.datetimes(datetime(1890, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@on_changes
def test_the_second_pass_lies_behind_the_repeated_time(
    zone: ZoneInfo, change: datetime, repeated_from: datetime, minutes: int
) -> None:
    """The first pass is the times as they are; the second is the time at which it ends."""
    length = timedelta(minutes=minutes)
    second, end = timedelta(seconds=1), repeated_from + length
    for moment, time in (
        (change - length - second, repeated_from - second),
        (change - length, repeated_from),
        (change - second, end - second),
        (change, end),
        (change + timedelta(seconds=7, microseconds=3), end),
        (change + length - second, end),
        (change + length, end),
        (change + length + second, end + second),
    ):
        assert to_platform(moment, zone) == time
        assert to_platform(moment.astimezone(NEW_YORK), zone) == time


@on_changes
def test_the_clock_shows_the_repeated_time_twice(
    zone: ZoneInfo, change: datetime, repeated_from: datetime, minutes: int
) -> None:
    """That is what the platform writes."""
    length = timedelta(minutes=minutes)
    assert on_platform_clock(change - length, zone) == on_platform_clock(change, zone) == repeated_from


def test_a_second_pass_of_odd_seconds_ends_to_the_second() -> None:
    """Amsterdam's clocks stood 28 seconds off the hour, and 20 minutes off the zone, until 1937."""
    moment = datetime(1936, 10, 4, 1, 45, tzinfo=UTC)
    assert moment.astimezone(AMSTERDAM).fold
    assert to_platform(moment, AMSTERDAM) == datetime(1936, 10, 4, 3)


@given(MOMENTS, ZONES)
@example(CHANGES[0][1], AMSTERDAM)
@example(datetime(2026, 3, 29, 1, tzinfo=UTC), AMSTERDAM)
@example(datetime(2026, 10, 3, 15, 30, tzinfo=UTC), LORD_HOWE)
def test_a_moment_comes_back_as_it_was(moment: datetime, zone: ZoneInfo) -> None:
    """Outside of a second pass; in it, as the first moment after it."""
    back = utc(to_platform(moment, zone), zone)
    assert back
    if not moment.astimezone(zone).fold:
        assert back == moment
        assert to_platform(moment, zone) == on_platform_clock(moment, zone)
    else:
        assert back >= moment
        assert not back.astimezone(zone).fold
        assert (back - timedelta(seconds=1)).astimezone(zone).fold


@given(MOMENTS, st.integers(0, 10**6), ZONES)
def test_the_order_of_moments_stays(moment: datetime, seconds: int, zone: ZoneInfo) -> None:
    """No later moment lies before an earlier one, whatever clocks do in between."""
    later = moment + timedelta(seconds=seconds)
    assert to_platform(moment, zone) <= to_platform(later, zone)


@given(MOMENTS, st.timedeltas(timedelta(), timedelta(days=1)), ZONES)
def test_a_time_is_compared_as_it_is_read(moment: datetime, later: timedelta, zone: ZoneInfo) -> None:
    """What is stored lies at or behind a moment just where it is shown at or behind it."""
    stored = on_platform_clock(moment + later, zone)
    read = utc(stored, zone)
    assert read
    assert (stored >= to_platform(moment, zone)) == (read >= moment)


def test_the_edges_of_the_calendar_are_no_error() -> None:
    """Filters may ask for them."""
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        for zone in (AMSTERDAM, NEW_YORK):
            assert to_platform(moment, zone).year == moment.year


@on_changes
def test_filter_and_trend_agree_on_each_moment_of_a_clock_change(
    store: Store, zone: ZoneInfo, change: datetime, repeated_from: datetime, minutes: int
) -> None:
    """A bar of the trend has the jobs that its link to the list finds, wherever it begins."""
    first = repeated_from - timedelta(hours=2)
    for quarter in range(20):
        store.job(created=first + timedelta(minutes=15 * quarter))
    database = store.database(timezone=zone.key)
    starts = [change + timedelta(minutes=15 * quarter) for quarter in range(-10, 10)]
    bars = read_trend(database, starts)["total"].tolist()
    ends = [*starts[1:], datetime(2027, 1, 1, tzinfo=UTC)]
    periods = [Dates(since=start, before=end) for start, end in zip(starts, ends, strict=True)]
    found = [read_matching(database, JobFilter(created=period)).size for period in periods]
    assert bars == found
    assert sum(bars) > 10


def test_clock_changes_that_follow_each_other_soon_are_known() -> None:
    """In 2000 the second summer of Boa Vista was a week long."""
    hour, changes = 3600, utc_offsets(ZoneInfo("America/Boa_Vista"), 2000)
    assert changes[2:] == (
        (datetime(2000, 10, 8, 1), -3 * hour),
        (datetime(2000, 10, 15), -4 * hour),
    )
