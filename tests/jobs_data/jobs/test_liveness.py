"""What active jobs do, as far as their traces show, on both kinds of database."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from jobs_data.jobs import liveness
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.export import csv_chunks
from jobs_data.jobs.liveness import SharedLiveness, read_liveness
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform import tables
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import Alive
from tests.support.lists import read_list
from tests.support.names import compare_loosely
from tests.support.statistics import DAY, NOW, took
from tests.support.store import NOON, Store

NAIVE_NOW = NOW.replace(tzinfo=None)


def ago(minutes: float) -> datetime:
    """Return the platform's time some minutes before NOW."""
    return NAIVE_NOW - timedelta(minutes=minutes)


def line(minutes: float, text: str = "Importing row 7") -> str:
    """Return a line that AtoM wrote some minutes before NOW."""
    return f'[info] [{ago(minutes):%Y-%m-%d %H:%M:%S}] Job 4711 "arFileImportJob": {text}\n'


def waiting(minutes: float) -> str:
    """Return the output of a job of AtoM whose last retry line is some minutes old."""
    retry = "Une autre tâche est en cours, nouvel essai dans 10 secondes"
    return line(minutes + 1, "Tâche démarrée.") + line(minutes + 0.2, retry) + line(minutes, retry)


def usual_runs(store: Store) -> None:
    """Insert runs of `import` with a median of 30 minutes and a limit of 80, and too few of `rare`."""
    for minutes in (10, 20, 30, 40, 50):  # deviations 20 10 0 10 20
        took(store, minutes * 60, "import", NOON - DAY)
    for _ in range(4):
        took(store, 1, "rare", NOON - DAY)


def running(store: Store, minutes: float, output: str | None = None, name: str = "import") -> int:
    """Insert a job that was created some minutes before NOW."""
    return store.job(name, 183, ago(minutes), output=output)


def test_traces_give_the_state(atom_store: Store) -> None:
    """Each boundary on both of its sides: a minute, ten minutes, and the limit of 80."""
    store = atom_store
    usual_runs(store)
    expected = {
        running(store, 1): Alive.WORKING,
        running(store, 1.1): Alive.NEVER_STARTED,
        running(store, 500, " \n"): Alive.NEVER_STARTED,
        running(store, 79, "a line without a time"): Alive.WORKING,
        running(store, 81, "a line without a time"): Alive.SILENT,
        running(store, 500, line(81)): Alive.SILENT,
        running(store, 500, line(79)): Alive.OVERDUE,
        running(store, 79, line(0)): Alive.WORKING,
        running(store, 9, line(8), "rare"): Alive.WORKING,
        running(store, 11, line(0), "rare"): Alive.UNKNOWN,
        running(store, 500, waiting(9)): Alive.WAITING,
        running(store, 500, waiting(11)): Alive.SILENT,
        running(store, 500, waiting(9), "rare"): Alive.WAITING,
        running(store, 500, waiting(11), "rare"): Alive.SILENT,
    }
    found = read_liveness(store.database(), NOW)
    assert dict(zip(found.jobs["id"], found.jobs["state"], strict=True)) == expected
    assert (found.active, found.looked_at, found.count(Alive.SILENT)) == (14, 14, 4)


def test_the_latest_usable_time_is_when_it_wrote(store: Store) -> None:
    """Of the output, the execution and the object; none of the future, or before the creation."""
    usual_runs(store)
    job_id = running(store, 500, line(90))

    def last_wrote(**execution: datetime) -> float:
        if execution:
            store.execution(job_id, **execution)
        [job] = read_liveness(store.database(), NOW, job_id).jobs.to_dict("records")
        return float((NOW - job["wrote"]) / timedelta(minutes=1))

    def set_object(updated: datetime) -> None:
        with store.engine.begin() as connection:
            objects = tables.object_
            connection.execute(
                objects.update().where(objects.c.id == job_id).values(updated_at=updated)
            )

    assert last_wrote() == 90
    set_object(ago(-60))
    assert last_wrote() == 90
    set_object(ago(70))
    assert last_wrote() == 70
    assert last_wrote(started_at=ago(400), updated_at=ago(3)) == 3
    [job] = read_liveness(store.database(), NOW, job_id).jobs.to_dict("records")
    assert (job["state"], job["seconds"]) == (Alive.OVERDUE, 400 * 60)
    assert (job["runs"], job["usual"], job["p95"], job["limit"]) == (5, 1800, 2880, 4800)
    silent = running(store, 500, line(600))
    assert read_liveness(store.database(), NOW, silent).jobs["wrote"].isna().all()


def test_times_are_on_the_platforms_clock(store: Store) -> None:
    """A job in Amsterdam that has just written is not silent for two hours."""
    local = NAIVE_NOW + timedelta(hours=2)
    job_id = store.job("import", 183, local - timedelta(minutes=5), output=line(-120))
    [job] = read_liveness(store.database(timezone="Europe/Amsterdam"), NOW).jobs.to_dict("records")
    assert (job["id"], job["seconds"], job["wrote"]) == (job_id, 300, pd.Timestamp(NOW))


def test_a_job_without_a_usable_creation_time(store: Store) -> None:
    """Nobody can tell for how long it runs, but it is still active."""
    usual_runs(store)
    job_id = store.job("import", 183, datetime(1970, 1, 1), output="a line")
    found = read_liveness(store.database(), NOW)
    assert found.jobs[["id", "state"]].to_numpy().tolist() == [[job_id, Alive.UNKNOWN]]


def test_runs_of_another_name_say_nothing(store: Store) -> None:
    """Whatever the collation takes for the same: three runs of each name are too few to tell."""
    compare_loosely(store, tables.job, "name")
    names = ("résumé", "resume", "abc\0d", "abc\0e", "Import 🍣", "Import 🍺", "abc", "abc ")
    for name in names:
        for _ in range(3):
            took(store, 60, name, NOON - DAY)
        store.job(name, 183, NOON - DAY, output="a line")
    jobs = read_liveness(store.database(), NOW).jobs
    assert dict(zip(jobs["name"], jobs["runs"], strict=True)) == dict.fromkeys(names, 3)
    assert set(jobs["state"]) == {Alive.UNKNOWN}


def test_only_the_oldest_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are counted; of none, there is nothing to say."""
    assert read_liveness(store.database(), NOW).jobs.empty
    monkeypatch.setattr(liveness, "ACTIVE_JOBS", 2)
    first, second, _ = (running(store, minutes) for minutes in (5, 500, 7))
    found = read_liveness(store.database(), NOW)
    assert found.jobs["id"].tolist() == [second, first]
    assert (found.active, found.looked_at) == (3, 2)


def test_of_many_unfinished_jobs_the_newest_and_the_counted_are_looked_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of them have ended; what an incomplete answer lacks is read as soon as all are counted."""
    monkeypatch.setattr(liveness, "FEW_UNFINISHED", 3)
    monkeypatch.setattr(liveness, "NEWEST_UNFINISHED", 2)
    old = running(store, 500)
    for _ in range(2):
        store.job("import", 186, NOON - DAY, completed_at=NOON)
    new = running(store, 5)
    database, known = store.database(), [None, Counts(4, 2, 0, 0, active_ids=(new, old))]
    shared = SharedLiveness(database, lambda _: known[0])
    found = shared.read()
    assert (found.jobs["id"].tolist(), found.active, found.is_whole) == ([new], 1, False)
    known.pop(0)
    found = shared.read()
    assert (found.jobs["id"].tolist(), found.active, found.is_whole) == ([old, new], 2, True)
    assert shared.read() is found


def test_a_filter_finds_the_jobs_of_a_state(store: Store) -> None:
    """In the list, its counts and its export, which all take the same condition."""
    database = store.database()
    shared = SharedLiveness(database)
    lost = store.job("import", 183, NOON)
    store.job("import", 183, datetime.now(UTC).replace(tzinfo=None, microsecond=0))
    store.job("import", 184)

    def listed(alive: Alive) -> tuple[list[int], int, int]:
        view = ListView(JobFilter(alive=alive))
        found = read_list(database, view)
        csv = b"".join(csv_chunks(database, view))
        return found.rows["id"].tolist(), found.matching, csv.count(b"import")

    assert listed(Alive.NEVER_STARTED) == ([lost], 1, 1)
    assert listed(Alive.SILENT) == ([], 0, 0)
    assert shared.read() is shared.read()


def test_errors_are_not_shared(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next session asks the database again."""
    shared = SharedLiveness(store.database())

    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("The table is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(liveness, "read_liveness", fail)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            shared.read()
    assert shared.read().active == 0


def test_a_filter_reads_nothing_that_was_read_a_moment_ago(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction has a connection, and reading would take another one."""
    database = store.database()
    lost = store.job("import", 183, NOON)
    shared = SharedLiveness(database)
    shared.read()
    monkeypatch.setattr(liveness, "SHARED_SECONDS", 0)
    monkeypatch.setattr(liveness, "read_liveness", lambda *_, **__: pytest.fail("It was read again."))
    assert database.job_sets[Alive.NEVER_STARTED]() == [lost]
