"""The words of a filter leave nothing out, and each part of it can be removed alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs_data.jobs.filter_words import chips, words
from jobs_data.jobs.view import EVERYTHING, NO_OWNER, Dates, JobFilter
from jobs_data.jobs.view_url import parse_dates
from jobs_data.platform.status import State

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = {7: "Ada", 8: "Ada"}
FULL = JobFilter(
    state=State.OTHER,
    search="50% error:disk note:b",
    owners=(NO_OWNER, 7, 9),
    names=("a", "arFindingAidJob"),
    types=("x",),
    created=Dates(last=timedelta(days=7)),
    finished=parse_dates("2026-11-01..2026-11-23"),
    has_result=True,
    has_errors=False,
    longer_than=300,
)


@pytest.mark.parametrize(
    ("job_filter", "told"),
    [
        (EVERYTHING, "all jobs"),
        (JobFilter(State.FAILED), "failed jobs"),
        (JobFilter(State.OTHER), "jobs with another status"),
        (JobFilter(search="é_"), "jobs with “é_” in their name, user or related record"),
        (
            JobFilter(State.FAILED, 'import error:disk output:"no space"'),
            "failed jobs with “import” in their name, user or related record, with “disk” in their "
            "error text, with “no space” in their output",
        ),
        (JobFilter(State.COMPLETED, owners=(7, NO_OWNER)), "completed jobs of Ada or System"),
        (JobFilter(owners=(9,)), "jobs of user 9"),
        (JobFilter(names=tuple("abcdefgh")), "jobs named a, b, c, d, e or 3 more"),
        (JobFilter(types=("x",)), "jobs of the type x"),
        (JobFilter(created=Dates(last=timedelta(days=1))), "jobs created in the last 24 hours"),
        (JobFilter(finished=Dates(ago=timedelta(days=90))), "jobs finished more than 90 days ago"),
        (JobFilter(has_result=False, has_errors=True), "jobs without a result file, with errors"),
        (JobFilter(longer_than=5400), "jobs that took longer than 90 minutes"),
    ],
)
def test_a_filter_is_a_part_of_a_sentence(job_filter: JobFilter, told: str) -> None:
    """Every part of it is told."""
    assert words(job_filter, NAMES, BERLIN) == told


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ("2026-10-31T23:00:00Z..2026-11-23T22:59:59Z", "from 2026-11-01 before 2026-11-23 23:59:59"),
        ("2026-10-31T23:00:00Z..2026-11-23T23:00:00Z", "from 2026-11-01 to 2026-11-23"),
        ("2026-10-31T23:30:00Z..", "from 2026-11-01 00:30:00"),
        ("..2026-11-23T23:00:00Z", "to 2026-11-23"),
        ("0001-01-01T00:00:00Z..", "from 0001-01-01 00:53:28"),
        ("..0001-01-01T00:00:00Z", "before 0001-01-01 00:53:28"),
        ("9999-12-31T23:59:59Z..", "from 9999-12-31 23:59:59"),
    ],
)
def test_dates_are_those_of_the_zone(dates: str, told: str) -> None:
    """Whole days are told as days, and the edges of the calendar do no harm."""
    assert words(JobFilter(created=parse_dates(dates)), {}, BERLIN) == (
        f"jobs created {told} (Europe/Berlin)"
    )


def test_before_all_times_is_a_date_too() -> None:
    """What is longer ago than there are dates ends with the first day of all."""
    dates = Dates(before=datetime.min.replace(tzinfo=UTC))
    assert "created to 0001-01-01" in words(JobFilter(created=dates), {}, ZoneInfo("UTC"))
    assert words(JobFilter(created=dates), {}, ZoneInfo("America/New_York"))


def test_each_chip_takes_one_part_away() -> None:
    """All of them together take away everything."""
    parts = chips(FULL, NAMES, ZoneInfo("UTC"))
    assert [part.words for part in parts] == [
        *(
            "Status: other",
            "Search: 50%",
            "Error text: disk",
            "Notes: b",
            "User: System",
            "User: Ada",
            "User: user 9",
        ),
        *("Name: a", "Name: Finding aid (arFindingAidJob)", "Type: x", "Created: last 7 days"),
        *("Finished: from 2026-11-01 to 2026-11-23", "Result file: with", "Errors: without"),
        "Took longer than 5 minutes",
    ]
    left = FULL
    for count in range(len(parts), 0, -1):
        now = chips(left, NAMES, ZoneInfo("UTC"))
        assert len(now) == count
        left = now[-1].without
    assert left == EVERYTHING
    assert parts[2].without.search == "50% note:b"
    assert parts[5].without.owners == (NO_OWNER, 9)


def test_a_state_that_has_a_button_is_no_chip() -> None:
    """It is pressed beside them already."""
    assert chips(JobFilter(State.FAILED), {}, BERLIN) == []
