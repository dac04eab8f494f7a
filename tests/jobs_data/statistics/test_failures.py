"""How error texts are folded and grouped, on both kinds of database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs_data.statistics import failures
from jobs_data.statistics.failures import Failures, fold
from jobs_data.statistics.statistics import Period
from tests.support.store import NOON, Store

NOW = datetime(2026, 6, 15, 18, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=60)


def read(store: Store, period: Period = Period.MONTH, **options: str) -> Failures:
    """Return the failures as a viewer in UTC sees them on 15 June 2026."""
    return failures.read_failures(store.database(**options), period, ZoneInfo("UTC"), NOW)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Row 17: no such parent 4,711.", "Row <number>: no such parent <number>."),
        ("Cannot open /srv/atom/uploads/a b.csv", "Cannot open <path> b.csv"),
        (r"Cannot open C:\data\x.csv: denied", "Cannot open <path>: denied"),
        ("Missing downloads/jobs/12.zip", "Missing <path>"),
        ("read and/or write", "read and/or write"),
        ("at 2026-06-15 12:00:01 it broke", "at <time> it broke"),
        ("at 2026-06-15T12:00:01+02:00", "at <time>"),
        ("12:30 was too late", "<time> was too late"),
        ("job 6f9619ff-8b86-d011-b42d-00cf4fc964ff died", "job <uuid> died"),
        ("hash 0xDEADBEEF and d41d8cd98f00b204e9800998ecf8427e", "hash <hex> and <hex>"),
        ("mail to ada.l@example.org refused", "mail to <e-mail> refused"),
        ("GET https://example.org/a?b=1 failed", "GET <address> failed"),
        ("Term 'Photographs' is not in \"Subjects\"", "Term '…' is not in \"…\""),
        ("it can't be, don't ask", "it can't be, don't ask"),
        ("SQLSTATE[23000]: 1062 Duplicate 17", "SQLSTATE[23000]: 1062 Duplicate <number>"),
        (
            "Row 4: SQLSTATE[40001]: Serialization failure: 1213 Deadlock at 88",
            "Row <number>: SQLSTATE[40001]: Serialization failure: 1213 Deadlock at <number>",
        ),
        ("SQLSTATE[HY000] [2002] refused", "SQLSTATE[HY000] [2002] refused"),
        ("SQLSTATE[42S02] in 12 tables", "SQLSTATE[42S02] in <number> tables"),
        ("ERROR 1205 (40001) after 50 s", "ERROR 1205 (<number>) after <number> s"),
        ("General error: 2006 gone away", "General error: 2006 gone away"),
        ("errno=28 on 3 disks, errno: 5", "errno=28 on <number> disks, errno: 5"),
        ("exit code 137, error code: 4, code #7", "exit code 137, error code: 4, code #7"),
        ("HTTP 502 and HTTP/1.1 404 for 31", "HTTP 502 and HTTP/1.1 404 for <number>"),
        ("status code 503, status (404)", "status code 503, status (404)"),
        ("error in row 1205, code of 17", "error in row <number>, code of <number>"),
        ("code 1234567 is an id", "code <number> is an id"),
        ("barcode 17, errors 12", "barcode <number>, errors <number>"),
        ("The file is not UTF-8 at byte 9", "The file is not UTF-8 at byte <number>"),
        (
            "SQLSTATE[HY000]: error in accessions2026_3",
            "SQLSTATE[HY000]: error in accessions<number>_<number>",
        ),
        ("two\n  lines", "two lines"),
        ("", ""),
    ],
)
def test_what_varies_is_folded(text: str, pattern: str) -> None:
    """The same reason has the same pattern, and another reason another one."""
    assert fold(text) == pattern


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
    store.job("fine", 184)

    found = read(store)
    by_pattern = found.patterns.set_index("pattern")
    assert found.patterns["jobs"].tolist() == [2, 1, 1]
    assert set(by_pattern.index) == {
        "Parent <number> does not exist.",
        "Disk full",
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
        failures.NO_TEXT: True,
    }
    jobs = found.jobs[found.jobs["key"] == parent["key"]]
    assert jobs["id"].tolist() == [second, first]
    assert jobs["text"].tolist() == ["Parent 99 does not exist.", "Parent 17 does not exist."]
    assert set(found.jobs["id"]) == {first, second, other, silent}
    assert found.jobs.set_index("id").loc[silent, "name"] == "[Unknown]"
    assert (found.looked_at, found.of, found.looked_at_before) == (4, 4, 1)


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
        "first": "datetime64[us, UTC]",
        "last": "datetime64[us, UTC]",
        "is_new": "bool",
    }
