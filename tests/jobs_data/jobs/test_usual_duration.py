"""How long jobs of a name usually take, on both kinds of database."""

from datetime import timedelta

import pytest

from jobs_data.jobs import usual_duration
from jobs_data.jobs.usual_duration import UsualDuration
from jobs_data.platform import tables
from tests.support.names import compare_loosely
from tests.support.statistics import took
from tests.support.store import NOON, Store


def usual(store: Store, name: str = "export") -> UsualDuration:
    """Return how long the jobs of a name usually take."""
    return usual_duration.usual_duration(store.database(), name)


def test_only_finished_runs_of_exactly_that_name_count(store: Store) -> None:
    """A recorded duration before one by the job's times; one that cannot be known is none."""
    compare_loosely(store, tables.job, "name")
    for seconds in (10, 20, 30, 40):
        took(store, seconds)
    took(store, 5000, "Export")
    took(store, None)
    store.job("export", 183, NOON)
    store.job("export", 186, NOON)
    assert usual(store) == UsualDuration(4, None, None)
    store.execution(store.job("export", 185), duration=50)
    assert usual(store) == UsualDuration(5, 30, 48)


def test_the_newest_runs_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both bounds hold: of the jobs looked at, and of the runs counted."""
    monkeypatch.setattr(usual_duration, "NEWEST_RUNS", 6)
    monkeypatch.setattr(usual_duration, "LOOKED_AT_JOBS", 8)
    for seconds in range(1, 13):
        took(store, seconds)
    assert usual(store).median_seconds == 9.5
    for _ in range(3):
        took(store, 1, "another")
    assert (usual(store).runs, usual(store).median_seconds) == (5, 10)


def test_without_recorded_durations(atom_store: Store) -> None:
    """AtoM's jobs without a name are those of no name."""
    for name in ("", None, " ", None, ""):
        atom_store.job(name, completed_at=NOON + timedelta(seconds=9))
    assert usual(atom_store, "[Unknown]") == UsualDuration(5, 9, 9)
