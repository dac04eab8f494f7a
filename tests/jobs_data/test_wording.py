"""Numbers, sizes, durations and times as screens write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_data.wording import (
    counted,
    duration,
    elapsed,
    file_kind_and_size,
    one_of,
    ran,
    relative_time,
    size,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 26, 17, 57, 30, tzinfo=UTC)  # a Thursday, 18:57:30 in Amsterdam


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (1_234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (21_000_000, "21.0 MB"),
        (5 * 10**9, "5.0 GB"),
        (7 * 10**12, "7.0 TB"),
        (3 * 10**16, "30,000.0 TB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    """Three or four digits, and no thousand of a unit that has a larger one."""
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text", "roughly"),
    [
        (0, "0 seconds", "0 seconds"),
        (1, "1 second", "1 second"),
        (60, "1 minute", "1 minute"),
        (3_661, "1 hour, 1 minute and 1 second", "1 hour"),
        (90_000, "1 day and 1 hour", "1 day"),
        (400 * 86_400 + 5, "400 days and 5 seconds", "400 days"),
        (-65, "minus 1 minute and 5 seconds", "minus 1 minute"),
        (10**15, "11,574,074,074 days, 1 hour, 46 minutes and 40 seconds", "11,574,074,074 days"),
    ],
)
def test_durations(seconds: int, text: str, roughly: str) -> None:
    """To the second, or in the largest unit alone; whatever a database holds."""
    assert duration(seconds) == text
    assert duration(seconds, units=1) == roughly


def test_counts_and_names() -> None:
    """One of a thing is one of it."""
    assert [counted(n) for n in (0, 1, 1_204)] == ["0 jobs", "1 job", "1,204 jobs"]
    assert [one_of(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a or b",
        "a, b or c",
    ]


@pytest.mark.parametrize(
    ("seconds", "took", "clock"),
    [
        (0, "0 s", "0:00"),
        (48.9, "48 s", "0:48"),
        (133, "2 min 13 s", "2:13"),
        (3_605, "1 h", "1:00:05"),
        (11_400, "3 h 10 min", "3:10:00"),
        (3 * 86_400 + 15_059, "3 d 4 h", "3 d 04:10"),
        (-5, "0 s", "0:00"),
    ],
)
def test_how_long_a_job_took_and_runs(seconds: float, took: str, clock: str) -> None:
    """Two units of what is over, and a clock for what goes on."""
    assert (ran(seconds), elapsed(seconds)) == (took, clock)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW + timedelta(seconds=59), "just now"),
        (NOW - timedelta(seconds=59), "just now"),
        (NOW - timedelta(seconds=60), "1 min ago"),
        (NOW - timedelta(minutes=59, seconds=59), "59 min ago"),
        (NOW - timedelta(hours=1), "today 17:57"),
        (datetime(2026, 11, 25, 23, tzinfo=UTC), "today 00:00"),
        (datetime(2026, 11, 25, 22, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 11, 20, 9, tzinfo=UTC), "Fri 10:00"),
        (datetime(2026, 11, 19, 9, tzinfo=UTC), "19 Nov 10:00"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "1 Jan 00:30"),
        (datetime(2025, 12, 31, 22, 30, tzinfo=UTC), "31 Dec 2025"),
        (NOW + timedelta(minutes=1), "26 Nov 2026 18:58"),
        (None, ""),
        (pd.NaT, ""),
    ],
)
def test_times_as_seen_from_now(moment: datetime | None, said: str) -> None:
    """The days are those of the viewer's zone, and what lies ahead is exact."""
    assert relative_time(moment, NOW, AMSTERDAM) == said
    if moment is not None and not pd.isna(moment):
        assert relative_time(pd.Timestamp(moment), NOW, AMSTERDAM) == said


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12"]))
def test_every_time_can_be_said(moment: datetime, zone: str) -> None:
    """Also those at the ends of the calendar."""
    assert relative_time(moment, NOW, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("finding aid.pdf", "PDF 36.0 kB"),
        ("export.tar.gz", "GZ 36.0 kB"),
        ("no-ending", "File 36.0 kB"),
        (".hidden", "File 36.0 kB"),
        ("a.<b>", "File 36.0 kB"),
        ("a.\u202efdp", "File 36.0 kB"),
        ("a.averylongending", "File 36.0 kB"),
        ("", "File 36.0 kB"),
    ],
)
def test_files_by_kind_and_size(name: str, said: str) -> None:
    """The kind is the ending, where that is one."""
    assert file_kind_and_size(name, 36_000) == said
