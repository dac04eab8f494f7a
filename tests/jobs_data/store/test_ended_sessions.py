"""Which sessions were ended: known to all processes on one store, and forgotten in time."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from jobs_data.store import schema
from jobs_data.store.database import Store
from jobs_data.store.ended_sessions import read_ended, store_end

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def own(empty_database: str) -> Iterator[Store]:
    """Give a store of our own, on each kind of database."""
    with closing(Store(make_url(empty_database), "x")) as own:
        yield own


def test_an_ended_session_is_known_until_no_cookie_names_it(own: Store) -> None:
    """Ended twice it is one; the next end of any session forgets those of yesterday."""
    for session in ("a", "b", "a"):
        store_end(own, session, NOW + timedelta(hours=12), NOW)
    store_end(own, "c", NOW + timedelta(hours=13), NOW)
    assert read_ended(own, ["a", "c", "x"]) == {"a", "c"}
    assert read_ended(own, []) == frozenset()
    store_end(own, "d", NOW + timedelta(hours=24), NOW + timedelta(hours=12, seconds=1))
    with own.reading() as connection:
        assert connection.execute(select(func.count()).select_from(schema.ended_session)).scalar() == 2


def test_a_store_of_before_gets_the_table(own: Store) -> None:
    """Receipts that are there already stay as they are."""
    store_end(own, "a", NOW + timedelta(hours=12), NOW)
    with own.writing() as connection:
        schema.ended_session.drop(connection)
    later = Store(own._engine.url, "x")
    with closing(later):
        store_end(later, "b", NOW + timedelta(hours=12), NOW)
        assert read_ended(later, ["a", "b"]) == {"b"}
