"""How many errors are in the outputs of finished jobs: read, remembered, filtered and counted."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, update

from jobs_data.background import StopSwitch
from jobs_data.jobs import outcomes as outcomes_module
from jobs_data.jobs.export import csv_chunks
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.outcomes import Coverage, Outcome, Outcomes, read_finished, read_outcomes
from jobs_data.jobs.selections import read_matching
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from jobs_data.reasons.outputs import Counts, count_errors
from jobs_data.removal.retention import Rules, read_preview
from jobs_data.store import schema
from tests.support.lists import read_list
from tests.support.mariadb import MariaDB
from tests.support.store import NOON, Store

LOST = "Import started.\nERROR: Row 3: title is empty.\nERROR: Row 9: no such parent.\nfinished"


FALSE_ALARMS = (
    "Import complete. 0 error(s). 3 record(s) imported.",
    '[info] [2026-06-15 12:00:00] Job 1 "arFileImportJob": no error found in error.csv',
    "Row 3: Letters, with the note ERROR: illegible",
    '{"errors": 0, "failed": [], "error": null}',
)


class Site:
    """One database with its outcomes, whose clock moves only while the background waits."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.database = store.database()
        self.outcomes = self.begin()
        self.now = 0.0
        self.waits: list[float] = []

    def begin(self, switch: StopSwitch | None = None) -> Outcomes:
        """Return the outcomes as a process has them that has just begun."""
        begun = Outcomes(self.database, self.store.own, switch)
        begun._clock = lambda: self.now
        begun._wait = self.wait
        self.database.job_sets[WITH_ERRORS] = begun.with_errors
        self.outcomes = begun
        return begun

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def background(self) -> None:
        """Look at the list once, and wait for the background's end a minute later."""
        self.outcomes.keep_reading()
        self.outcomes._background.wait()
        self.now += 1

    def read(self, view: ListView = ListView(limit=200)) -> JobsList:  # noqa: B008 - never changed
        return read_list(self.database, view, outcomes=self.outcomes)

    def of(self, *ids: int) -> dict[int, Outcome]:
        with self.database.reading() as connection:
            finished = read_finished(connection, tables.job.c.id.in_(ids))
            return self.outcomes.of(connection, finished)

    def remembered(self) -> dict[int, int]:
        """Return how many errors the store remembers of each job."""
        row = schema.job_outcome.c
        with self.store.own.reading() as connection:
            found = connection.execute(select(row.job_id, row.errors)).all()
        return dict(map(tuple, found))

    def write(self, job_id: int, **values: object) -> None:
        with self.store.engine.begin() as connection:
            connection.execute(update(tables.job).where(tables.job.c.id == job_id).values(**values))


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    found = Site(store)
    yield found
    found.outcomes.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Give the ids of the jobs whose outputs are read, a list for each read."""
    seen: list[list[int]] = []

    def counted(connection: Connection, database: Database, jobs: list[object]) -> dict[int, Outcome]:
        if jobs:
            seen.append([each.id for each in jobs])  # type: ignore[attr-defined] # Finished
        return read_outcomes(connection, database, jobs)  # type: ignore[arg-type] # Finished

    monkeypatch.setattr(outcomes_module, "read_outcomes", counted)
    return seen


def test_the_background_remembers_all_finished_jobs(site: Site, reads: list[list[int]]) -> None:
    """Each is read once, the newest first, by all processes together; an active job is not read."""
    ids = [site.store.job(output=LOST), site.store.job(output="fine"), site.store.job(status_id=185)]
    site.store.job(status_id=183, output=LOST)
    assert site.outcomes.coverage == Coverage()
    site.background()
    assert reads == [ids[::-1]]
    assert site.remembered() == {ids[0]: 2, ids[1]: 0, ids[2]: 0}
    assert site.outcomes.coverage == Coverage(down_to=0, jobs=3, is_done=True)
    site.begin()
    assert site.outcomes.with_errors().tolist() == [ids[0]]
    site.background()
    assert len(reads) == 1


def test_an_output_that_cannot_be_searched_keeps_no_other_from_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The page and the background read the others; the log names the job."""

    def count(output: str) -> Counts:
        if output == "breaks":
            raise IndexError
        return count_errors(output)

    monkeypatch.setattr(outcomes_module, "count_errors", count)
    lost, broken = site.store.job(output=LOST), site.store.job(output="breaks")
    assert site.of(lost, broken) == {lost: Outcome(2, 0), broken: Outcome(0, 0)}
    site.begin().close()
    site.background()
    assert site.remembered() == {lost: 2, broken: 0}
    assert site.outcomes.coverage.is_done
    assert f"job {broken} " in caplog.text


def test_a_job_is_read_again_when_it_has_ended_anew(site: Site, reads: list[list[int]]) -> None:
    """Its completion time or its status has changed; until it ends it has no outcome."""
    job_id = site.store.job(output=LOST)
    site.background()
    site.write(job_id, output="fine", completed_at=NOON + timedelta(seconds=1))
    assert site.of(job_id) == {job_id: Outcome(0, 0)}
    site.background()
    assert site.remembered() == {job_id: 0}
    site.write(job_id, output=LOST, status_id=185)
    site.background()
    assert site.remembered() == {job_id: 2}
    assert site.outcomes.with_errors().tolist() == []  # it failed
    site.write(job_id, status_id=183, completed_at=None)
    assert site.of(job_id) == {}
    site.background()
    assert site.remembered() == {}
    assert len(reads) == 3  # the background stored what was read for the page


def test_jobs_that_do_not_exist_any_more_are_forgotten(site: Site) -> None:
    """Also the newest and the oldest; and until then they are not counted."""
    ids = [site.store.job(output=LOST) for _ in range(4)]
    site.background()
    with site.store.engine.begin() as connection:
        connection.execute(delete(tables.job).where(tables.job.c.id.in_([ids[0], ids[3]])))
    assert site.read().with_errors == 2
    site.background()
    assert list(site.remembered()) == ids[1:3]


def test_a_page_is_read_at_once_and_writes_nothing(site: Site, reads: list[list[int]]) -> None:
    """The store gets it from the background."""
    job_id, active = site.store.job(output=LOST), site.store.job(status_id=183, output=LOST)
    shown = site.read()
    assert shown.rows["id"].tolist() == [active, job_id]
    assert shown.rows["errors"].isna().tolist() == [True, False]
    assert shown.rows["errors"].tolist()[1] == 2
    assert site.remembered() == {}
    site.read()
    assert reads == [[job_id]]
    site.background()
    assert site.remembered() == {job_id: 2}
    assert reads == [[job_id]]


def test_list_count_export_selection_and_clean_up_agree(site: Site) -> None:
    """A completed job has errors if its output has some, or if the platform noted some for it."""
    store = site.store
    fine, failed = store.job(output="fine"), store.job(status_id=185)
    false = [store.job("error.csv", output=output) for output in FALSE_ALARMS]
    lost, noted, said = store.job(output=LOST), store.job(), store.job(output="fine")
    store.note(noted, en="it broke")
    store.note(noted, en="line 3")
    store.note(failed, en="it broke")
    store.execution(said, error_message="Import finished with 1 error(s).")
    store.note(fine, type_id=None, en="ERROR: in a description")
    store.execution(fine, error_message="  ")
    active = store.job(status_id=183, output=LOST)
    site.background()
    with_errors = ListView(JobFilter(State.COMPLETED, has_errors=True), limit=200)
    shown = site.read(with_errors)
    assert dict(zip(shown.rows["id"], shown.rows["errors"], strict=True)) == {
        lost: 2,
        noted: 2,
        said: 1,
    }
    assert (shown.counts.completed, shown.counts.failed) == (3, 1)
    assert (site.read().counts.completed, site.read().with_errors) == (8, 3)
    assert site.read(ListView(JobFilter(search="no such"))).with_errors == 0
    without = site.read(ListView(JobFilter(has_errors=False), limit=200)).rows["id"]
    assert sorted(without) == [fine, *false, active]
    assert read_matching(site.database, with_errors.filter).tolist() == [lost, noted, said]
    to_clean = read_preview(site.database, Rules(with_errors.filter), datetime.now(UTC))
    assert to_clean.ids.tolist() == [lost, noted, said]
    chunks = csv_chunks(site.database, with_errors, all_columns=True, outcomes=site.outcomes)
    lines = csv.DictReader(io.StringIO(b"".join(chunks).decode("utf-8-sig"), newline=""))
    counted = [(int(line["Id"]), line["Errors"], line["Warnings"]) for line in lines]
    assert counted == [(said, "1", "0"), (noted, "2", "0"), (lost, "2", "0")]
    assert site.of(failed) == {failed: Outcome(0, 0)}  # what its notes say is no part of its output
    assert failed in site.read(ListView(JobFilter(has_errors=True), limit=200)).rows["id"].tolist()


def test_without_the_store_pages_are_read_all_the_same(site: Site, reads: list[list[int]]) -> None:
    """The background ends quietly, what was read stays in memory, and the store is tried again."""
    job_id = site.store.job(output=LOST)
    away = site.store.state_dir
    away.parent.mkdir(exist_ok=True)
    away.write_text("no folder")
    site.background()
    assert site.outcomes.coverage == Coverage()
    assert site.read(ListView(JobFilter(has_errors=True))).rows["id"].tolist() == []
    assert site.read().rows["errors"].tolist() == [2]
    site.now += outcomes_module.WITH_ERRORS_SECONDS + 1
    assert site.read(ListView(JobFilter(has_errors=True))).rows["errors"].tolist() == [2]
    assert reads == [[job_id]]
    away.unlink()
    site.now += outcomes_module.RETRY_SECONDS
    site.background()
    assert site.remembered() == {job_id: 2}


def test_the_background_ends_when_nobody_looks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look at the list continues the pass. A pause is four times as long as the work."""
    monkeypatch.setattr(outcomes_module, "SLICE_JOBS", 2)
    monkeypatch.setattr(outcomes_module, "NEWEST_JOBS", 2)
    ids = [site.store.job(output=LOST) for _ in range(9)]

    def slow(*arguments: object) -> dict[int, Outcome]:
        site.now += 5
        return read_outcomes(*arguments)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(outcomes_module, "read_outcomes", slow)
    site.background()  # two jobs take 25 seconds: the minute is over within the third slice
    assert site.outcomes.coverage == Coverage(down_to=ids[5], jobs=4)
    assert {round(wait) for wait in site.waits} <= {0, 10, 15, 20}
    assert 20 in site.waits
    assert site.outcomes.with_errors().tolist() == ids[3:]
    site.background()
    assert site.outcomes.coverage == Coverage(down_to=0, jobs=9, is_done=True)
    assert list(site.remembered()) == ids


def test_it_reads_and_remembers_so_many_jobs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones are forgotten."""
    ids = [site.store.job() for _ in range(9)]
    site.background()
    assert len(site.remembered()) == 9
    monkeypatch.setattr(outcomes_module, "SLICE_JOBS", 2)
    monkeypatch.setattr(outcomes_module, "NEWEST_JOBS", 2)
    monkeypatch.setattr(outcomes_module, "MOST_JOBS", 4)
    site.begin()
    site.background()
    assert site.outcomes.coverage == Coverage(down_to=ids[5], jobs=4, is_done=True)
    assert list(site.remembered()) == ids[5:]


def test_it_ends_at_the_switch_and_when_it_is_closed(site: Site) -> None:
    """And waits for no pause."""
    site.store.job()
    switch = StopSwitch()
    site.begin(switch)
    switch.set()
    site.background()
    assert site.remembered() == {}
    with closing(Outcomes(site.database, site.store.own)) as outcomes:
        outcomes.keep_reading()
        assert outcomes._background._thread.is_alive()
    assert not outcomes._background._thread.is_alive()


def test_an_old_job_that_was_run_again_is_found_within_the_hour(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are compared every quarter of a minute, all of them less often."""
    monkeypatch.setattr(outcomes_module, "SLICE_JOBS", 2)
    monkeypatch.setattr(outcomes_module, "NEWEST_JOBS", 2)
    ids = [site.store.job() for _ in range(5)]
    site.background()
    for job_id in (ids[0], ids[4]):
        site.write(job_id, output=LOST, completed_at=NOON + timedelta(hours=1))
    site.background()
    assert site.outcomes.with_errors().tolist() == [ids[4]]
    site.now += outcomes_module.WHOLE_SECONDS
    site.background()
    assert site.outcomes.with_errors().tolist() == [ids[0], ids[4]]


@pytest.mark.parametrize("size", [0, 1, 2, 4])
def test_errors_are_counted_once_wherever_they_are(store: Store, size: int) -> None:
    """In outputs shorter and longer than what is read of each end, in any script, with a NUL in it."""
    padding = "日本\0é😀 steps\n" * (size * outcomes_module.END_CHARACTERS // 22)
    half = len(padding) // 2
    output = f"ERROR: a\n{padding[:half]}\n{padding[half:]}ERROR: b"
    job_id = store.job(output=output)
    with store.database().reading() as connection:
        found = read_outcomes(connection, store.database(), read_finished(connection))
    assert found == {job_id: Outcome(2, 0)}


def test_a_line_that_is_cut_is_not_read(store: Store) -> None:
    """Its rest may look like the mark of an error."""
    rest = "ERROR: of no record\n"
    end = outcomes_module.END_CHARACTERS
    job_id = store.job(output="a" * (end + 9) + rest + "z" * (end - len(rest)))
    with store.database().reading() as connection:
        found = read_outcomes(connection, store.database(), read_finished(connection))
    assert found == {job_id: Outcome(0, 0)}


@pytest.fixture
def large_values(store: Store, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give connections to the database that may store 50 MB in one value."""
    if store.database().is_sqlite:
        yield store.engine
        return
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job MODIFY output LONGTEXT")
    server: MariaDB = request.getfixturevalue("mariadb_server")
    engine = make_engine(store.url)
    with server.variables(max_allowed_packet=128 * 1024 * 1024):
        yield engine
    engine.dispose()


def test_a_long_output_is_not_read_whole(store: Store, large_values: Engine) -> None:
    """Of 50 MB only the ends are, where the server sends no value of that size."""
    job_id = store.job(output="ERROR: first\n")
    output = tables.job.c.output
    line = "a step: ERROR: of no record\n"
    with large_values.begin() as connection:
        connection.execute(update(tables.job).values(output=output + line * 60_000))
        for _ in range(5):  # the server doubles it
            connection.execute(update(tables.job).values(output=output + output))
        connection.execute(update(tables.job).values(output=output + "ERROR: last"))
        assert connection.execute(select(func.length(output))).scalar_one() > 50_000_000
    with store.database().reading() as connection:
        finished = read_finished(connection)
        tracemalloc.start()
        try:
            found = read_outcomes(connection, store.database(), finished)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert found == {job_id: Outcome(2, 0)}
    assert peak < 5_000_000


def test_it_says_where_jobs_with_errors_are_too_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those beyond the newest are in no filter."""
    monkeypatch.setattr(Outcomes, "coverage", Coverage(0, 2, is_done=True))
    site.store.job(output="ERROR: no title\n")
    site.background()
    assert site.outcomes.limits == ""
    monkeypatch.setattr(outcomes_module, "MOST_WITH_ERRORS", 1)
    assert "Only the newest 1 completed jobs" in site.outcomes.limits
