"""The URL becomes a view once, and any nonsense in it becomes the default."""

import pytest

from jobs_data.filters import JobFilter, ListView, Sort, parse_number, parse_view, view_params
from jobs_data.status import State


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
        ({"page": "99999999999"}, ListView(page=99999999999)),
    ],
)
def test_a_url_is_read_as_a_view(params: dict[str, str], view: ListView) -> None:
    """Every word of the platform is understood, and what makes no sense is the default."""
    assert parse_view(params) == view


def test_a_view_survives_its_url() -> None:
    """What is written into a URL is read back as the same view."""
    view = ListView(JobFilter(State.FAILED), Sort.NAME, page=3, limit=50)
    assert parse_view(view_params(view)) == view


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
