"""How the jobs of one name ended, worked out by hand, on both kinds of database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.statistics import name_history, period
from jobs_data.statistics.name_history import NameHistory
from tests.support.names import SOME, insert_jobs_called
from tests.support.statistics import NOW, took
from tests.support.store import NOON, Store

GOOD, ERRORS, FAILED = "good", "ERROR: Row 3: no parent 3.\n", "Parent {} does not exist."


def read(store: Store, name: str = "import", with_errors: Sequence[int] = ()) -> NameHistory:
    """Return the history of a name as of 15 June 2026."""
    database = store.database()
    database.job_sets[WITH_ERRORS] = lambda: with_errors
    return name_history.read_name_history(database, name, None, NOW)


def insert(store: Store, *outputs: str) -> tuple[list[int], list[int]]:
    """Insert a run for each output, the newest last; return all ids and those with errors."""
    ids = [
        store.job("import", 184 if output in (GOOD, ERRORS) else 185, output=output)
        for output in outputs
    ]
    return ids, [i for i, output in zip(ids, outputs, strict=True) if output == ERRORS]


def test_the_newest_jobs_their_errors_and_their_durations(store: Store) -> None:
    """Active jobs are among the newest but are no runs; a job of the set that failed has failed."""
    ids = [took(store, seconds, "import") for seconds in (10, 20, 30, 40)]
    failed = store.job("import", 185, output=FAILED.format(47))
    with_errors = store.job("import", completed_at=NOON + timedelta(seconds=90), output=ERRORS)
    cancelled, active = store.job("import", 186), store.job("import", 183)
    for other in ("Import", "import ", None):
        store.job(other, 185)
    found = read(store, with_errors=[with_errors, failed, 10**9])
    assert found.newest["id"].tolist() == [*ids, failed, with_errors, cancelled, active]
    ends = ["completed"] * 4 + ["failed", "with-errors"]
    assert found.newest["outcome"].tolist() == [*ends, "other", "active"]
    assert found.newest["text"].tolist()[4:] == [
        "Parent 47 does not exist.",
        "Row 3: no parent 3.",
        "",
        "",
    ]
    assert found.newest["at"].iloc[5] == datetime(2026, 6, 15, 12, 1, 30, tzinfo=UTC)
    assert found.runs["outcome"].tolist() == ends
    assert found.runs["seconds"].tolist() == [10, 20, 30, 40, 0, 90]
    assert (found.median_seconds, found.p95_seconds) == (25, 77.5)
    assert found.completed_share == pytest.approx(5 / 6)
    assert found.with_errors == 1
    assert (found.last_good, found.first_bad, found.last_bad) == (ids[3], failed, with_errors)
    assert found.patterns[["pattern", "jobs", "completed", "last_job"]].to_numpy().tolist() == [
        ["Row <number>: no parent <number>.", 1, 1, with_errors],
        ["Parent <number> does not exist.", 1, 0, failed],
    ]
    assert found.is_searched_through


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ((), "No job of this name has finished yet."),
        ((GOOD,), "The last job of this name completed."),
        ((GOOD, GOOD, GOOD), "The last 3 of this name all completed."),
        ((FAILED, GOOD), "The last job of this name completed; #{0} before it failed."),
        (
            (ERRORS, GOOD, GOOD),
            "The last 2 of this name completed; #{0} before them completed with errors.",
        ),
        ((FAILED,), "The last job of this name failed; none has ended well."),
        (
            (GOOD, FAILED.format(1), FAILED.format(2), FAILED.format(3)),
            "The last 3 of this name failed alike; the last good one was #{0}.",
        ),
        (
            (GOOD, "Disk full", FAILED.format(1), FAILED.format(2)),
            "The last 3 of this name failed, the newest 2 alike; the last good one was #{0}.",
        ),
        (
            (GOOD, "Disk full", FAILED),
            "The last 2 of this name failed, not all alike; the last good one was #{0}.",
        ),
        # Nothing is known of why: that is no likeness.
        ((GOOD, "", ""), "The last 2 of this name failed; the last good one was #{0}."),
        (
            (GOOD, ERRORS, ERRORS),
            "The last 2 of this name completed with the same error; the last good one was #{0}.",
        ),
        (
            (GOOD, ERRORS.strip() + ".", ERRORS),
            "The last 2 of this name failed or completed with errors, not all alike; "
            "the last good one was #{0}.",
        ),
    ],
)
def test_a_sentence_says_how_the_newest_runs_ended(
    store: Store, outputs: tuple[str, ...], sentence: str
) -> None:
    """A running job does not change it."""
    ids, with_errors = insert(store, *outputs)
    store.job("import", 183)
    assert read(store, with_errors=with_errors).sentence == sentence.format(*ids)


def test_only_the_newest_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bounds hold: of the jobs searched, the runs, and the jobs one by one; and it says so."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 7)
    monkeypatch.setattr(name_history, "NEWEST_RUNS", 5)
    monkeypatch.setattr(name_history, "NEWEST", 3)
    ids, _ = insert(store, GOOD, *[FAILED] * 8)
    found = read(store)
    assert found.runs["id"].tolist() == ids[-5:]
    assert found.newest["id"].tolist() == ids[-3:]
    assert found.patterns["jobs"].tolist() == [3]
    assert not found.is_searched_through
    assert found.sentence == (
        "The last 5 of this name failed, the newest 3 alike; none of those searched has ended well."
    )
    for _ in range(7):
        store.job("another")
    assert read(store).newest.empty
    assert read(store).sentence == "No job of this name among the newest has finished."


def test_names_differ_where_their_characters_differ(store: Store) -> None:
    """Whatever the collation takes for the same; no name is one too."""
    called = insert_jobs_called(store)
    for name in (*SOME, "[Unknown]"):
        assert read(store, name).newest["id"].tolist() == called[name], name


def test_no_job_is_a_history_too(atom_store: Store) -> None:
    """Its columns have their types all the same."""
    atom_store.job("another")
    empty, full = read(atom_store), read(atom_store, "another")
    for part in ("newest", "runs", "patterns"):
        assert getattr(empty, part).empty
        assert getattr(empty, part).dtypes.to_dict() == getattr(full, part).dtypes.to_dict()
    assert (empty.completed_share, empty.median_seconds, empty.last_good) == (None, None, None)
    assert (full.completed_share, full.last_good is None, full.first_bad) == (1, False, None)
