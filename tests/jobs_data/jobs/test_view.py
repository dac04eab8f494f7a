"""The URL becomes a view once, and any nonsense in it becomes the default."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

import pytest

from jobs_data.jobs.view import NO_OWNER, Dates, JobFilter, ListView, Sort
from jobs_data.jobs.view_url import parse_dates, parse_view, spell_dates, view_params
from jobs_data.platform.status import Alive, State
from jobs_data.url_values import parse_number


def utc(*parts: int) -> datetime:
    """Return a moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc] # a date's parts, as they come


LAST_MOMENT = utc(9999, 12, 31, 23, 59, 59)


@pytest.mark.parametrize(
    ("params", "view"),
    [
        ({}, ListView()),
        ({"status": "active"}, ListView(JobFilter(State.ACTIVE))),
        ({"status": "running"}, ListView(JobFilter(State.ACTIVE))),
        ({"status": "completed"}, ListView(JobFilter(State.COMPLETED))),
        ({"status": "failed"}, ListView(JobFilter(State.FAILED))),
        ({"status": "error"}, ListView(JobFilter(State.FAILED))),
        ({"status": " ERROR "}, ListView(JobFilter(State.FAILED))),
        ({"status": "other"}, ListView(JobFilter(State.OTHER))),
        ({"status": "'; DROP TABLE job"}, ListView()),
        ({"sort": "name"}, ListView(sort=Sort.NAME)),
        ({"sort": "created_at"}, ListView()),
        ({"page": "7"}, ListView(page=7)),
        ({"page": "0"}, ListView()),
        ({"page": "-3"}, ListView()),
        ({"page": "1e3"}, ListView()),
        ({"page": "٣"}, ListView()),
        ({"page": "9" * 5000}, ListView()),
        ({"limit": "25"}, ListView(limit=25)),
        ({"limit": "0"}, ListView(limit=1)),
        ({"limit": "-5"}, ListView(limit=1)),
        ({"limit": "100000"}, ListView(limit=200)),
        ({"limit": "99999999999"}, ListView(limit=200)),
        ({"limit": "many"}, ListView()),
        ({"page": "99999999999"}, ListView(page=1_000_000_000)),
        ({"below": "4711"}, ListView(JobFilter(below=4711))),
        ({"below": "-1"}, ListView()),
        ({"alive": "silent"}, ListView(JobFilter(alive=Alive.SILENT))),
        ({"alive": "<script>"}, ListView()),
    ],
)
def test_a_url_is_read_as_a_view(params: dict[str, str], view: ListView) -> None:
    """Every word of the platform is understood, and what makes no sense is the default."""
    assert parse_view(params) == view


def test_a_view_survives_its_url() -> None:
    """What is written into a URL is read back as the same view."""
    view = ListView(JobFilter(State.FAILED), Sort.NAME, page=3, limit=50)
    assert parse_view(view_params(view)) == view


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("7d", Dates(last=timedelta(days=7))),
        ("90m", Dates(last=timedelta(minutes=90))),
        ("over-90d", Dates(ago=timedelta(days=90))),
        ("2026-11-01..2026-11-23", Dates(utc(2026, 11, 1), utc(2026, 11, 24))),
        ("2026-11-01", Dates(utc(2026, 11, 1), utc(2026, 11, 2))),
        ("..2026-11-01", Dates(before=utc(2026, 11, 2))),
        ("2026-11-01T10:00:00+02:00..", Dates(utc(2026, 11, 1, 8))),
        ("0001-01-01..9999-12-31", Dates(utc(1, 1, 1), LAST_MOMENT)),
        ("9999-12-31", Dates(utc(9999, 12, 31), LAST_MOMENT)),
        ("2026-02-30..2026-03-01", Dates()),
        ("2026-11-20..2026-11-01", Dates()),
        ("0d", Dates()),
        ("yesterday", Dates()),
        ("..", Dates()),
    ],
)
def test_dates_survive_their_url(text: str, dates: Dates) -> None:
    """Days include the last one; what is no date is any time."""
    assert parse_dates(text) == dates
    assert parse_dates(spell_dates(dates)) == dates


def test_dates_out_of_the_calendar_are_no_error() -> None:
    """More days than there have been is all of them, and longer ago than that is none."""
    now = utc(2026, 6, 15)
    assert parse_dates("999999d").at(now) == Dates()
    assert parse_dates("over-999999d").at(now) == Dates(before=utc(1, 1, 1))


def test_a_whole_filter_survives_its_url() -> None:
    """Each part has a parameter of its own, and those with several values are there several times."""
    view = ListView(
        JobFilter(
            state=State.OTHER,
            search="50% _of/ 😀",
            owners=(NO_OWNER, 7),
            names=("a&b=c", " two  spaces "),
            types=("import",),
            created=Dates(last=timedelta(days=7)),
            finished=Dates(before=utc(2026, 6, 15)),
            has_result=True,
            has_errors=False,
            longer_than=90,
        ),
        Sort.COMPLETED,
        is_reversed=True,
        fold=True,
        after=4711,
    )
    query = urlencode(view_params(view), doseq=True)
    assert parse_view(parse_qs(query)) == view


def test_defaults_stay_out_of_the_url() -> None:
    """The address of the plain list has no query."""
    assert view_params(ListView()) == {}


def test_another_filter_or_order_starts_at_the_first_page() -> None:
    """Page seven of one list means nothing in another."""
    view = ListView(page=7, limit=20)
    assert view.with_state(State.FAILED) == ListView(JobFilter(State.FAILED), limit=20)
    assert view.with_sort(Sort.NAME) == ListView(sort=Sort.NAME, limit=20)


@pytest.mark.parametrize("text", [None, "", " ", "1.5", "0x10", "1_000", "1" * 19, "½"])
def test_what_is_no_number_is_none(text: str | None) -> None:
    """A stranger's text never raises."""
    assert parse_number(text) is None
