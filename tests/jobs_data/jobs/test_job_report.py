"""What a job's page shows: each error text once, the waits of the job, on both kinds of database."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.outcomes import END_CHARACTERS, read_finished, read_outcomes
from jobs_data.platform import tables
from jobs_data.reasons.outputs import CUT_CHARACTERS, count_errors
from tests.support.lists import report_of
from tests.support.outputs import read_outputs
from tests.support.store import NOON, Store

OUTPUTS = read_outputs()

NOW = NOON.replace(tzinfo=UTC) + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def read(store: Store, job_id: int) -> JobReport:
    """Return a job's report."""
    return report_of(store.database(), job_id)


def test_each_error_text_comes_once_with_all_its_sources(store: Store) -> None:
    """Equal but for white space, or inside another one: the longest stays, in the first one's place."""
    job_id = store.job(status_id=185, output="Start\nERROR: Row 12: No parent.\nEnd\n")
    store.note(job_id, en="Something else")
    store.note(job_id, en="Row 12: No  parent.")
    store.execution(job_id, error_message="Import stopped:\nRow 12: No parent.\nSee the log.")
    report = read(store, job_id)
    assert [(e.source, e.text, e.reason_line) for e in report.errors] == [
        ("Error note", "Something else", 0),
        ("Error message, Error note", "Import stopped:\nRow 12: No parent.\nSee the log.", None),
    ]


def test_the_reason_stays_marked_in_the_longer_text(store: Store) -> None:
    """The note is the reason, and the message has more lines."""
    job_id = store.job(status_id=185)
    store.note(job_id, en="Row 12: No parent.")
    store.execution(job_id, error_message="Import:\nERROR: Row 12: No parent.\nBye")
    report = read(store, job_id)
    [error] = report.errors
    assert (report.reason, error.reason_line) == ("Row 12: No parent.", 1)
    assert error.source == "Error message, Error note"
    assert report.further_errors == (error,)


@pytest.mark.parametrize("text", ["No parent.", "ERROR: No parent.", " No  parent. "])
def test_a_text_that_is_the_reason_is_not_repeated(store: Store, text: str) -> None:
    """Wherever the platform keeps it, and however often."""
    job_id = store.job(status_id=185, output=text)
    store.note(job_id, en=text)
    store.execution(job_id, error_message=text, stack_trace=text)
    report = read(store, job_id)
    assert report.reason
    assert (report.further_errors, report.stack_trace) == ((), "")
    assert [error.source for error in report.errors] == ["Error note, Error message, Stack trace"]


def test_a_trace_stays_beside_its_first_line(store: Store) -> None:
    """And a number is not taken for a part of a sentence."""
    job_id = store.job(status_id=185)
    for text in ("Row 117 has no parent", "/var/www/lib/x.php", "117"):
        store.note(job_id, en=text)
    store.execution(job_id, stack_trace="Row 117 has no parent\n#0 {main}")
    report = read(store, job_id)
    assert [e.text for e in report.errors] == ["Row 117 has no parent", "/var/www/lib/x.php", "117"]
    assert report.stack_trace.endswith("#0 {main}")


def waits(store: Store, job_id: int) -> tuple[int | None, ...]:
    """Return how long a job waited, ran, and both."""
    timeline = read(store, job_id).timeline(NOW)
    return timeline.waited_seconds, timeline.ran_seconds, timeline.total_seconds


def test_a_job_waits_and_runs(store: Store) -> None:
    """One that is active runs until now; without a start only the whole is known."""
    done = store.job(completed_at=NOON + 3 * MINUTE)
    store.execution(done, started_at=NOON + MINUTE)
    running = store.job(status_id=183)
    store.execution(running, started_at=NOON + MINUTE)
    cancelled = store.job(status_id=186, completed_at=NOON + MINUTE)
    assert waits(store, done) == (60, 120, 180)
    assert waits(store, running) == (60, 3540, 3600)
    assert waits(store, cancelled) == (None, None, 60)
    assert read(store, cancelled).status == "Cancelled"


def test_times_that_cannot_be_right_make_no_wait(store: Store) -> None:
    """An end before the beginning, or in the future, and a creation that stands for never."""
    backwards = store.job(completed_at=NOON + 2 * MINUTE)
    store.execution(backwards, started_at=NOON - MINUTE)
    future = store.job(completed_at=datetime(2099, 1, 1))
    never = store.job(created=datetime(1970, 1, 1), completed_at=NOON)
    assert waits(store, backwards) == (None, 180, 120)
    assert waits(store, future) == (None, None, None)
    assert waits(store, never) == (None, None, None)


def test_who_started_a_job(store: Store) -> None:
    """A user, an anonymous visitor, unknown where an import has its own id as record, or the system."""
    ada = store.user("ada")
    record = store.record("fonds")
    jobs = [
        store.job(user_id=ada, object_id=record),
        store.job(object_id=record),
        store.job(object_id=record),
        store.job("CSV import - authority records"),
        store.job("CSV import - authority records", user_id=ada),
    ]
    store.property(jobs[0], "abc", name="userToken")
    store.property(jobs[1], "abc", name="userToken")
    store.property(jobs[2], "abc", name="userTokens")
    with store.engine.begin() as connection:
        own = tables.job.update().values(object_id=tables.job.c.id)
        connection.execute(own.where(tables.job.c.id.in_(jobs[3:])))
    found = [read(store, job_id) for job_id in jobs]
    assert [job.started_by for job in found] == [
        "ada",
        "public export",
        "System",
        "no user recorded",
        "ada",
    ]
    assert [job.object_id for job in found] == [record, record, record, None, None]


def test_an_older_database_without_properties_has_no_visitors(atom_store: Store) -> None:
    """The table may be absent."""
    job_id = atom_store.job()
    with atom_store.engine.begin() as connection:
        tables.property_i18n.drop(connection)
        tables.property_.drop(connection)
    assert read(atom_store, job_id).started_by == "System"


def test_the_facts_of_a_long_output_come_from_both_ends(store: Store) -> None:
    """The parameters stand at the beginning, the closing line at the end; neither is cut there."""
    middle = "Ünïcödé 😀 line\n" * 20_000
    job_id = store.job(output=OUTPUTS["atom-import"] + middle + OUTPUTS["heratio-import-row-errors"])
    report = read(store, job_id)
    assert report.output_is_tail
    assert dict(report.facts.parameters)["objectType"] == "informationObject"
    assert report.facts.cut_at == ""


def test_no_error_of_a_long_output_counts_twice(store: Store) -> None:
    """The beginning that is read, and the end, would overlap in an output of this size."""
    line = f"{'x' * 99}\n"
    start = OUTPUTS["atom-import"]
    errors = 3 * '[err] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": Row 7: bad\n'
    job_id = store.job(output=start + line * 100 + errors + line * 1_890)
    report = read(store, job_id)
    assert report.output_is_tail
    assert (report.facts.errors, len(report.facts.parameters)) == (3, 11)


@pytest.mark.parametrize("letter", ["a", "é", "語"])
def test_an_output_of_the_platform_s_limit_was_cut(store: Store, letter: str) -> None:
    """It is counted in characters, by the database: the report has the text as a terminal shows it."""
    lines = (f"{letter * 60}\r\n" * 1_100)[:CUT_CHARACTERS]
    assert read(store, store.job(output=lines)).facts.cut_at
    assert not read(store, store.job(output=lines[:-1])).facts.cut_at


@pytest.mark.parametrize("name", ["atom-import-pt", "heratio-import-row-errors", "heratio-json-errors"])
def test_the_counts_are_those_of_the_output(store: Store, name: str) -> None:
    """Read through SQL, from both kinds of database."""
    counts = count_errors(OUTPUTS[name])
    facts = read(store, store.job(output=OUTPUTS[name])).facts
    assert (facts.errors, facts.warnings) == (counts.errors, counts.warnings)
    assert facts.errors


@pytest.mark.parametrize(("before", "after"), [(30_000, 300_000), (END_CHARACTERS + 9, 90_000)])
def test_the_counts_of_a_long_output_are_the_list_s(store: Store, before: int, after: int) -> None:
    """Where one reads more of its beginning, or of its end, than the other."""
    error = "\nERROR: Row 3: x\nWARNING: Row 4: y\n"
    job_id, database = store.job(output=f"{'a' * before}{error}{'b' * after}"), store.database()
    with database.reading() as connection:
        finished = read_finished(connection, tables.job.c.id == job_id)
        counts = read_outcomes(connection, database, finished)[job_id]
    facts = read(store, job_id).facts
    assert (facts.errors, facts.warnings) == (counts.errors, counts.warnings)
    assert (counts.errors > 0) is (before < END_CHARACTERS)


def test_errors_noted_elsewhere_count(store: Store) -> None:
    """With the text of the first; of a job that runs they do not, as in the list."""
    done, running = store.job(output="fine"), store.job(status_id=183, output="fine")
    for job_id in (done, running):
        store.note(job_id, en="ERROR: No\nparent.")
    report = read(store, done)
    assert (report.facts.errors, report.facts.first_error) == (1, "No parent.")
    assert report.further_errors == ()
    assert read(store, running).facts.errors == 0
