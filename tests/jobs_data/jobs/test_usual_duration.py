"""How long jobs of a name usually take, on both kinds of database."""

from datetime import timedelta

import pandas as pd
import pytest

from jobs_data.jobs import usual_duration
from jobs_data.platform import tables
from tests.support.names import compare_loosely
from tests.support.statistics import NOW, took
from tests.support.store import NOON, Store


def usual(store: Store, *names: str) -> pd.DataFrame:
    """Return how long the jobs of some names usually take."""
    database = store.database()
    with database.reading() as connection:
        return usual_duration.read_usual_durations(connection, database, names, NOW)


def figures(store: Store, name: str = "export") -> list[float | None]:
    """Return the runs of a name, their median, 95 % and limit in seconds; None for NaN."""
    [row] = usual(store, name)[["runs", "usual", "p95", "limit"]].to_numpy().tolist()
    return [None if pd.isna(number) else number for number in row]


def test_only_finished_runs_of_exactly_that_name_count(store: Store) -> None:
    """A recorded duration before one by the job's times; one that cannot be known is none."""
    compare_loosely(store, tables.job, "name")
    for seconds in (1000, 2000, 3000, 4000):
        took(store, seconds)
    took(store, 50_000, "Export")
    took(store, None)
    store.job("export", 183, NOON)
    store.job("export", 186, NOON)
    assert figures(store) == [4, None, None, None]
    store.execution(store.job("export", 185), duration=5000)
    assert figures(store) == [5, 3000, 4800, 3000 + 5 * 1000]


def test_the_newest_runs_of_each_name_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both bounds hold: of the jobs looked at, and of the runs of a name."""
    monkeypatch.setattr(usual_duration, "NEWEST_RUNS", 6)
    monkeypatch.setattr(usual_duration, "LOOKED_AT_JOBS", 10)
    for seconds in range(1, 13):
        took(store, seconds)
    assert figures(store) == [6, 9.5, 11.75, 600]
    for _ in range(5):
        took(store, 1, "another")
    found = usual(store, "export", "another", "none")
    assert found["runs"].to_dict() == {"another": 5, "export": 5, "none": 0}
    assert found["usual"].dropna().to_dict() == {"another": 1, "export": 10}
    assert usual(store).empty


def test_without_recorded_durations(atom_store: Store) -> None:
    """AtoM's jobs without a name are those of no name."""
    for name in ("", None, " ", None, ""):
        atom_store.job(name, completed_at=NOON + timedelta(seconds=9))
    assert figures(atom_store, "[Unknown]") == [5, 9, 9, 600]
