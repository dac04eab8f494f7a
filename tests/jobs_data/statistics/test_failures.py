"""Why jobs failed, grouped, on both kinds of database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.statistics import failures
from jobs_data.statistics.failures import Failures, similar_failures
from jobs_data.statistics.period import Period
from tests.support.statistics import asked
from tests.support.store import NOON, Store

LONG_AGO = NOON - timedelta(days=60)


def read(store: Store, period: Period = Period.MONTH, **options: Any) -> Failures:
    """Return the failures as a viewer in UTC sees them on 15 June 2026."""
    return failures.read_failures(*asked(store, period, **options))


def test_failures_are_grouped_by_pattern(store: Store) -> None:
    """A pattern has its jobs, when it was first and last seen, and whether it is new."""
    old = store.job("old", 185, LONG_AGO, completed_at=LONG_AGO)
    store.note(old, en="Parent 1 does not exist.")
    first = store.job("move", 185, completed_at=NOON - timedelta(hours=2))
    store.note(first, en="Parent 17 does not exist.\nSecond line")
    second = store.job("move", 185, completed_at=NOON)
    store.execution(second, error_message="Parent 99 does not exist.")
    other = store.job(
        "import", 185, completed_at=NOON, output="Start\nDisk full\n#0 /a.php(3)\n#1 {main}\n"
    )
    silent = store.job(None, 185)
    well = store.job("import", 185, completed_at=NOON, output="Start\nDone.\n")
    store.job("fine", 184)

    found = read(store)
    by_pattern = found.patterns.set_index("pattern")
    assert found.patterns["jobs"].tolist() == [2, 1, 1, 1]
    assert set(by_pattern.index) == {
        "Parent <number> does not exist.",
        "Disk full",
        failures.ENDS_WELL,
        failures.NO_TEXT,
    }
    parent = by_pattern.loc["Parent <number> does not exist."]
    assert (parent["first"], parent["last"]) == (
        datetime(2026, 6, 15, 10, tzinfo=UTC),
        datetime(2026, 6, 15, 12, tzinfo=UTC),
    )
    assert by_pattern["is_new"].to_dict() == {
        "Parent <number> does not exist.": False,
        "Disk full": True,
        failures.ENDS_WELL: True,
        failures.NO_TEXT: True,
    }
    jobs = found.jobs[found.jobs["pattern"] == parent.name]
    assert jobs["id"].tolist() == [second, first]
    assert jobs["text"].tolist() == ["Parent 99 does not exist.", "Parent 17 does not exist."]
    assert set(found.jobs["id"]) == {first, second, other, silent, well}
    assert found.jobs.set_index("id").loc[silent, "name"] == "[Unknown]"
    assert (found.looked_at, found.of, found.looked_at_before) == (5, 5, 1)


def test_jobs_that_completed_with_errors_count_too(store: Store) -> None:
    """Their reason is the error in their output."""
    rows = "ERROR: Row {}: no parent {}.\nImport finished with 1 error(s). 8 record(s) imported.\n"
    failed = [store.job(status_id=185, output=rows.format(n, n)) for n in (3, 4)]
    completed = [store.job(output=rows.format(n, n)) for n in (5, 6, 7)]
    store.job(output=rows.format(8, 8))
    early = store.job(created=LONG_AGO, output=rows.format(9, 9))
    # An id of a failed job, and one that is gone: the set is older than the jobs.
    question = asked(store)
    question[0].job_sets[WITH_ERRORS] = lambda: [*completed, early, failed[0], 10**9]
    found = failures.read_failures(*question)
    assert found.patterns[["pattern", "jobs", "completed"]].to_numpy().tolist() == [
        ["Row <number>: no parent <number>.", 5, 3]
    ]
    assert found.patterns["is_new"].tolist() == [False]
    assert list(zip(found.jobs["id"], found.jobs["state"], strict=True)) == [
        *((job_id, "completed") for job_id in reversed(completed)),
        *((job_id, "failed") for job_id in reversed(failed)),
    ]
    assert (found.looked_at, found.of, found.looked_at_before) == (5, 5, 1)
    for job_id, others in ((failed[0], 4), (completed[0], 4), (early, 5)):
        assert similar_failures(found, job_id, "Row 3: no parent 3.").others == others


def test_all_time_has_nothing_new(store: Store) -> None:
    """There is nothing before it."""
    store.job(status_id=185, created=LONG_AGO, output="broken")
    found = read(store, Period.ALL)
    assert found.patterns["is_new"].tolist() == [False]
    assert (found.looked_at, found.looked_at_before) == (1, 0)


def test_only_the_newest_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says at how many of how many."""
    monkeypatch.setattr(failures, "NEWEST_FAILURES", 2)
    for n in range(3):
        store.job(status_id=185, output=f"reason {'abc'[n]}")
    found = read(store)
    assert (found.looked_at, found.of) == (2, 3)
    assert sorted(found.patterns["pattern"]) == ["reason b", "reason c"]


def test_only_the_newest_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And an error is new if it is not among the newest of all, whenever these were created."""
    monkeypatch.setattr(failures, "COUNTED_FAILURES", 3)
    store.job(status_id=185, created=LONG_AGO, output="reason a")
    for created, letter in ((LONG_AGO, "a"), (NOON, "a"), (NOON, "b")):
        assert read(store).is_counted
        store.job(status_id=185, created=created, output=f"reason {letter}")
    found = read(store)
    assert (found.looked_at, found.of, found.is_counted, found.looked_at_before) == (2, 2, False, 1)
    assert found.patterns.set_index("pattern")["is_new"].to_dict() == {
        "reason a": False,
        "reason b": True,
    }


def test_the_first_note_counts_in_the_viewers_culture(store: Store) -> None:
    """Else in English, else in any, as in the job's report."""
    job_id = store.job(status_id=185)
    store.note(job_id, en="It broke", fr="Cassé")
    store.note(job_id, en="Later")
    german = store.job(status_id=185)
    store.note(german, de="Kaputt")
    for culture, expected in (("fr", {"Cassé", "Kaputt"}), ("nl", {"It broke", "Kaputt"})):
        assert set(read(store, culture=culture).patterns["pattern"]) == expected


def test_no_failures_are_an_empty_frame(atom_store: Store) -> None:
    """Its columns have their types all the same, on AtoM too."""
    found = read(atom_store)
    assert found.patterns.empty
    assert {c: str(t) for c, t in found.patterns.dtypes.items()} == {
        "key": "str",
        "pattern": "str",
        "example": "str",
        "jobs": "int64",
        "completed": "int64",
        "first": "datetime64[us, UTC]",
        "last": "datetime64[us, UTC]",
        "first_job": "int64",
        "is_new": "bool",
    }


def test_what_varies_does_not_split_a_reason_and_codes_do(store: Store) -> None:
    """However long a value is, and wherever the platform keeps the text."""
    duplicate = (
        "SQLSTATE[23000]: 1062 Duplicate (Connection: mysql, SQL: insert into `note` values ({}))"
    )
    texts = [duplicate.format(f"{n}, {'long ' * n}") for n in (1, 100, 2_500)]
    for text in texts:
        store.execution(store.job(status_id=185), error_message=text)
    store.note(store.job(status_id=185), en=f"\x1b[31m{texts[1]}\x1b[0m")
    rows = "".join(f"Row {n} imported.\n" for n in range(800))
    closing = "Import finished with 2 error(s). 800 record(s) imported."
    for n in (7, 12):
        output = f"Start\nERROR: Row {n}: no parent „F {n}“.\n{rows}ERROR: x\n{closing}\n"
        store.execution(store.job(status_id=185, output=output), error_message=closing)
    for status in (404, 507):
        store.job(status_id=185, output=f'Asking\n{{"error":"No answer","status":{status}}}\n')
    assert read(store).patterns.set_index("pattern")["jobs"].to_dict() == {
        "SQLSTATE[23000]: 1062 Duplicate (SQL: insert into note …)": 4,
        "Row <number>: no parent “…”.": 2,
        "No answer (status 404)": 1,
        "No answer (status 507)": 1,
    }


def test_failures_like_a_job_do_not_count_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is among those of its pattern that are listed, older than them, or newer than all."""
    monkeypatch.setattr(failures, "JOBS_OF_PATTERN", 2)
    ids = [store.job(status_id=185, output=f"Parent {n} does not exist.") for n in range(4)]
    found = read(store)
    new = store.job(status_id=185, output="Parent 9 does not exist.")
    others = {i: similar_failures(found, i, "Parent 7 does not exist.") for i in (*ids, new)}
    assert [one.others for one in others.values()] == [3, 3, 3, 3, 4]
    assert {one.key for one in others.values()} == set(found.patterns["key"])
    assert similar_failures(found, new, "Disk full").others == 0
    assert similar_failures(found, new, "").others == 0
