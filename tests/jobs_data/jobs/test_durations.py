"""How long a job took: report, filter, export and statistics agree, on both kinds of database."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select, text

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.export import csv_chunks
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.dialects import seconds_in_zone
from jobs_data.platform.times import utc
from jobs_data.platform.types import PlatformTime
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.period import Period
from tests.support.lists import read_list, report_of
from tests.support.statistics import UTC_ZONE
from tests.support.store import Store

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2025, 6, 15, 12)
LAST_TIME = datetime(9999, 12, 31, 23, 59, 59)
ZEROS = "0000-00-00 00:00:00"
MINUTE, HOUR = 60, 3600


def at(day: str, clock: str) -> datetime:
    """Return a time of the platform."""
    return datetime.fromisoformat(f"{day} {clock}")


SPRING, AUTUMN = "2025-03-30", "2025-10-26"

# When a job was created and completed, and the duration that the platform recorded.
KNOWN = [
    (at(AUTUMN, "02:50"), at(AUTUMN, "02:10"), None, 20 * MINUTE),
    (at(AUTUMN, "02:10"), at(AUTUMN, "02:50"), None, 40 * MINUTE),
    (at(AUTUMN, "01:50"), at(AUTUMN, "02:10"), None, 20 * MINUTE),
    (at(AUTUMN, "02:50"), at(AUTUMN, "03:05"), None, 75 * MINUTE),
    (at(AUTUMN, "02:10"), at(AUTUMN, "02:10"), None, 0),
    (at("2025-10-25", "12:00"), at(AUTUMN, "12:00"), None, 25 * HOUR),
    (at(SPRING, "01:50"), at(SPRING, "03:10"), None, 20 * MINUTE),
    (at("2025-03-29", "12:00"), at(SPRING, "12:00"), None, 23 * HOUR),
    (at("2024-01-01", "00:00"), at("2025-01-01", "00:00"), None, 366 * 24 * HOUR),
    (NOON, NOON + timedelta(seconds=61), 7, 7),
    (NOON, NOON, 0, 0),
    (NOON, LAST_TIME, 7, 7),
    (NOON, None, 7, 7),
    (ZEROS, NOON, 7, 7),
]
UNKNOWN = [
    (at(AUTUMN, "03:05"), at(AUTUMN, "02:50"), None, "before the creation"),
    (NOON, NOON - timedelta(seconds=1), None, "before the creation"),
    (NOON, LAST_TIME, None, "in the future"),
    (NOON, datetime.now() + timedelta(days=1), None, "in the future"),  # noqa: DTZ005 - a naive time
    (LAST_TIME, LAST_TIME, None, "in the future"),
    (datetime(1, 1, 1), NOON, None, "creation time"),
    (datetime(1970, 1, 1), NOON, None, "creation time is impossible"),
    (ZEROS, NOON, None, "creation time is missing"),
    (NOON, ZEROS, None, "completion time is missing"),
    (NOON, "2025-00-00 10:00:00", None, "completion time is missing"),
    (NOON, NOON, -5, "recorded duration"),
    (NOON, NOON, 2_147_483_647, "recorded duration"),
    (ZEROS, NOON, 2_147_483_647, "recorded duration"),
]


def put(store: Store, created: object, completed: object, recorded: int | None) -> int:
    """Insert a completed job with these times, of which some are none that a driver could send."""
    job_id = store.job("export")
    with store.engine.begin() as connection:
        for table, column, value in (
            ("object", "created_at", created),
            ("job", "completed_at", completed),
        ):
            connection.execute(
                text(f"UPDATE {table} SET {column} = :value WHERE id = {job_id}"),
                {"value": None if value is None else str(value)},
            )
    if recorded is not None:
        store.execution(job_id, duration=recorded)
    return job_id


def test_one_rule_everywhere(store: Store) -> None:
    """A duration that is none is in no figure, no filter and no export, and the report says why."""
    database = store.database(timezone=AMSTERDAM.key)
    expected = {put(store, begin, end, recorded): s for begin, end, recorded, s in KNOWN}
    reasons = {put(store, begin, end, recorded): why for begin, end, recorded, why in UNKNOWN}
    for job_id, seconds in expected.items():
        report = report_of(database, job_id)
        assert (report.duration_seconds, report.duration_unknown) == (seconds, "")
    for job_id, reason in reasons.items():
        report = report_of(database, job_id)
        assert report.duration_seconds is None
        assert reason in report.duration_unknown
    rows = read_list(database, ListView(limit=200)).rows
    shown = dict(zip(rows["id"], rows["seconds"], strict=True))
    assert {job_id: s for job_id, s in shown.items() if s is not pd.NA} == expected
    for limit in (1, 20 * MINUTE - 1, 20 * MINUTE):
        listed = read_list(database, ListView(JobFilter(longer_than=limit), limit=200))
        longer = {job_id for job_id, seconds in expected.items() if seconds > limit}
        assert set(listed.rows["id"]) == longer
    lines = b"".join(csv_chunks(database, ListView(), all_columns=True)).decode("utf-8-sig")
    exported = {int(line["Id"]): line["Duration (s)"] for line in csv.DictReader(io.StringIO(lines))}
    assert exported == {
        **{job_id: str(seconds) for job_id, seconds in expected.items()},
        **dict.fromkeys(reasons, ""),
    }
    of = (database, CreationOrder(database), Period.ALL, UTC_ZONE, datetime.now(UTC))
    durations = read_durations(*of)
    assert durations.mean == pytest.approx(sum(expected.values()) / len(expected))
    assert durations.by_name["slowest"].tolist() == [366 * 24 * HOUR]
    assert durations.by_name["timed"].tolist() == [len(expected)]
    assert durations.unknown == len(reasons)


def test_an_end_in_a_repeated_hour_comes_after_the_beginning(store: Store) -> None:
    """The list, the report and both exports show 02:10 as its second pass."""
    database = store.database(timezone=AMSTERDAM.key)
    job_id = store.job(created=at(AUTUMN, "02:50"), completed_at=at(AUTUMN, "02:10"))
    store.execution(job_id, started_at=at(AUTUMN, "02:05"))
    report = report_of(database, job_id)
    assert report.created == datetime(2025, 10, 26, 0, 50, tzinfo=UTC)
    assert report.started == datetime(2025, 10, 26, 1, 5, tzinfo=UTC)
    assert report.completed == datetime(2025, 10, 26, 1, 10, tzinfo=UTC)
    assert read_list(database, ListView()).rows["completed"].tolist() == [report.completed]
    for all_columns in (False, True):
        exported = b"".join(csv_chunks(database, ListView(), all_columns=all_columns)).decode()
        assert "2025-10-26T02:50:00+02:00" in exported
        assert "2025-10-26T02:10:00+01:00" in exported


ZONES = st.sampled_from(
    ["UTC", "Asia/Kolkata", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"]
)
CHANGES = [datetime(2025, 3, 30, 2), datetime(2025, 10, 26, 2), datetime(2026, 4, 5, 1, 30)]
NEAR = st.sampled_from(CHANGES).flatmap(
    lambda change: st.tuples(*[st.integers(-7200, 7200)] * 2).map(
        lambda seconds: tuple(change + timedelta(seconds=each) for each in seconds)
    )
)
ANY = st.tuples(*[st.datetimes(datetime(2000, 1, 1), datetime(2026, 12, 31))] * 2)


def test_the_database_reckons_as_the_screens_do(store: Store) -> None:
    """The seconds between two times are those between the moments that `utc` makes of them."""

    @settings(max_examples=40, derandomize=True, deadline=None, database=None)
    @given(pairs=st.lists(NEAR | ANY, min_size=30, max_size=30), name=ZONES)
    def agree(pairs: list[tuple[datetime, datetime]], name: str) -> None:
        zone, columns, expected = ZoneInfo(name), [], []
        for pair in pairs:
            start, end = (time.replace(microsecond=0) for time in pair)
            begun = utc(start, zone)
            ended = utc(end, zone, after=begun)
            assert begun is not None
            assert ended is not None
            seconds = (ended - begun).total_seconds()
            if seconds < 0:
                continue
            first, last = (literal(time, PlatformTime()) for time in (start, end))
            columns.append(seconds_in_zone(first, last, zone, 2026))
            expected.append(seconds)
        if columns:
            with store.engine.connect() as connection:
                assert connection.execute(select(*columns)).one() == tuple(expected)

    agree()
