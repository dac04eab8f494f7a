"""What the list and the report read, on both kinds of database."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Connection, text

from jobs_data.jobs import counts, failure_reasons, frames, job_report, list_page, paging
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.export import csv_chunks
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.trend import read_trend
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform import tables, times
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.removal.removal import Removals
from jobs_data.store.database import file_store
from jobs_data.store.schema import Outcome
from jobs_data.url_values import parse_number
from tests.support import lists
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.lists import read_list, report_of
from tests.support.names import compare_loosely
from tests.support.statements import statements
from tests.support.store import CAUSE, NOON, Store

DAYS = times.day_starts(ZoneInfo("UTC"), datetime(2026, 6, 15, 18, tzinfo=UTC))


def read(store: Store, view: ListView | None = None, **options: str) -> JobsList:
    """Return the list, as from a process that has just started."""
    return read_list(store.database(**options), view or ListView())


def ids(jobs: JobsList) -> list[int]:
    """Return the ids of the rows shown, in order."""
    return jobs.rows["id"].tolist()


def test_an_empty_database_has_an_empty_list(store: Store) -> None:
    """There is one page, and it has the frame's columns and types without a row."""
    jobs = read(store)
    assert jobs.counts == Counts(0, 0, 0, 0)
    assert (jobs.view.page, jobs.pages, jobs.first) == (1, 1, 0)
    assert {column: str(dtype) for column, dtype in jobs.rows.dtypes.items()} == (frames.LIST_COLUMNS)


def test_the_content_of_a_page_is_the_same_until_something_changes(store: Store) -> None:
    """A row changes it, and the number of jobs on other pages."""
    job_id = store.job("arFirst", 183)
    view = ListView(limit=1)
    contents = [read(store, view).content, read(store, view).content]
    assert contents[0] == contents[1]
    store.set_job(job_id, status_id=185)
    contents.append(read(store, view).content)
    store.job("arSecond", 184, NOON - timedelta(days=1))
    contents.append(read(store, view).content)
    assert all(before != after for before, after in pairwise(contents[1:]))


def test_every_status_is_counted_where_it_belongs(store: Store) -> None:
    """NULL and unknown statuses are active while they have no completion time, else in Total alone."""
    active = [store.job(status_id=183), store.job(status_id=None)]
    active += [store.job(status_id=status, completed_at=None) for status in (182, 186)]
    completed = [store.job(status_id=184), store.job(status_id=184, completed_at=None)]
    failed = [store.job(status_id=185), store.job(status_id=185, completed_at=None)]
    other = [store.job(status_id=status, completed_at=NOON) for status in (None, 182, 183, 186)]
    assert read(store).counts == Counts(total=12, active=4, completed=2, failed=2)
    assert read(store).counts.other == len(other)
    for state, expected in (
        (State.ACTIVE, active),
        (State.COMPLETED, completed),
        (State.FAILED, failed),
        (State.OTHER, other),
    ):
        jobs = read(store, ListView(JobFilter(state)))
        assert sorted(ids(jobs)) == sorted(expected)
        assert set(jobs.rows["state"]) == {state}
        assert jobs.matching == len(expected)


def test_by_name_ignores_case_and_puts_the_nameless_first(store: Store) -> None:
    """Equal names, and no name in either way, are ordered by descending id."""
    beta, alpha, upper_beta = store.job("beta"), store.job("Alpha"), store.job("BETA")
    empty, null = store.job(""), store.job(None)
    jobs = read(store, ListView(sort=Sort.NAME))
    assert ids(jobs) == [null, empty, alpha, upper_beta, beta]
    assert jobs.rows["name"].tolist()[:2] == ["[Unknown]", "[Unknown]"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_by_name_what_a_collation_takes_for_one_is_together_name_by_name(
    store: Store, is_reversed: bool
) -> None:
    """On every page, and from report to report."""
    compare_loosely(store, tables.job, "name")
    names = ("resume", "Résumé", "a", "RESUME", "z")
    called = {store.job(name): name for name in names * 3}
    database, order = store.database(), CreationOrder(store.database())
    view = ListView(sort=Sort.NAME, is_reversed=is_reversed, limit=4)
    pages = [read_list(database, replace(view, page=page)) for page in range(1, 5)]
    listed = [job_id for page in pages for job_id in ids(page)]
    assert sorted(listed) == sorted(called)
    runs = [name for name, _ in groupby(listed, key=called.__getitem__)]
    assert len(runs) == len(names)
    assert (runs[0], runs[-1]) == (("z", "a") if is_reversed else ("a", "z"))
    for before, job_id, after in zip([None, *listed], listed, [*listed[1:], None], strict=False):
        assert job_report.read_neighbours(database, view, job_id, order) == (before, after)


def test_pages_follow_each_other_without_gap_or_overlap(store: Store) -> None:
    """Every job is on exactly one page, and a page past the end is the last one."""
    all_ids = [store.job(created=NOON + timedelta(seconds=n // 3)) for n in range(23)]
    seen = [job for page in (1, 2, 3) for job in ids(read(store, ListView(page=page, limit=10)))]
    assert seen == all_ids[::-1]
    past = read(store, ListView(page=99, limit=10))
    assert (past.view.page, past.pages, past.first, len(past.rows)) == (3, 3, 21, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("25", 25),
        (" 7 ", 7),
        ("999", 200),
        ("0", 10),
        ("-1", 10),
        ("ten", 10),
        ("25.0", 25),
        ("25.", 25),
        ("25 \n", 25),
        ("0.5", 10),
        ("10000", 200),
        ("9" * 30, 10),
        ("1_0", 10),
        ("25 per page", 10),
        ("", 10),
        (None, 10),
    ],
)
def test_the_page_size_is_the_platforms(store: Store, value: str | None, expected: int) -> None:
    """`hits_per_page` without a scope counts; where it is unusable a page has ten rows."""
    store.setting("hits_per_page", "3", scope="elsewhere")
    store.setting("hits_per_page", value)
    assert read(store).limit == expected
    assert read(store, ListView(limit=4)).limit == 4


@pytest.mark.parametrize("source_culture", ["", "fr", "en"])
def test_heratio_reads_its_page_size_in_english(store: Store, source_culture: str) -> None:
    """Whatever the setting's source culture is, which its seeds leave empty."""
    store.setting("hits_per_page", "25", source_culture=source_culture, de="30", fr="50")
    assert read(store).limit == 25


@pytest.mark.parametrize(("source_culture", "expected"), [("fr", 50), ("en", 25), ("", 25)])
def test_atom_reads_its_page_size_in_the_source_culture(
    atom_store: Store, source_culture: str, expected: int
) -> None:
    """Where that has no value, English stands in."""
    atom_store.setting("hits_per_page", "25", source_culture=source_culture, de="30", fr="50")
    assert read(atom_store).limit == expected


def test_statuses_speak_the_culture_then_english_then_a_fixed_word(store: Store) -> None:
    """185 has no French name here and 183 has one; ids outside 183 to 185 are never looked up."""
    for status, completed in ((183, None), (184, NOON), (185, NOON), (182, None), (186, NOON)):
        store.job(status_id=status, completed_at=completed)
    french = ["En cours", "Complété", "Error", "Active", "Cancelled"]
    assert read(store, culture="fr").rows["status"].tolist() == french[::-1]
    with store.engine.begin() as connection:
        connection.execute(tables.term_i18n.delete())
    fixed = ["In progress", "Completed", "Error", "Active", "Cancelled"]
    assert read(store, culture="fr").rows["status"].tolist() == fixed[::-1]


def test_a_culture_falls_back_to_its_language_before_english(store: Store) -> None:
    """Step by step, however it is spelled: for statuses, owners and error notes."""
    with store.engine.begin() as connection:
        connection.execute(tables.term_i18n.delete())
    names = {
        183: {"en": "Active", "de": "Läuft"},
        184: {"zh_Hant": "完成", "en": "Done"},
        185: {"fr": "Erreur"},
    }
    for status, named in names.items():
        for culture, name in named.items():
            store.insert(tables.term_i18n, id=status, culture=culture, name=name)
    user_id = store.user("ada", en="Ada", de="Äda", de_AT=" ")
    ids = [store.job(status_id=status, user_id=user_id) for status in (183, 184, 185)]
    store.note(ids[2], en="it broke", de="kaputt")
    german, chinese = ["Läuft", "Done", "Erreur"], ["Active", "完成", "Erreur"]
    for culture in ("de_AT", "de-AT", "de_AT.UTF-8", "de_AT@euro", "de"):
        rows = read(store, culture=culture).rows[::-1]
        assert rows["status"].tolist() == german
        assert set(rows["owner"]) == {"Äda"}
        report = report_of(store.database(culture), ids[2])
        assert report.errors[0].text == "kaputt"
    assert read(store, culture="zh-Hant-TW").rows[::-1]["status"].tolist() == chinese
    assert set(read(store, culture="zh-Hant-TW").rows["owner"]) == {"ada"}


def test_owners_are_named_by_display_name_then_user_name_then_system(store: Store) -> None:
    """A display name in another culture does not count, and one of blanks is none."""
    store.job(user_id=store.user("ada", en="Ada Archivist"))
    store.job(user_id=store.user("ben", fr="Benoît"))
    store.job(user_id=store.user("cleo", en="  "))
    store.job(user_id=store.user(None))
    store.job()
    owners = ["Ada Archivist", "ben", "cleo", "System", "System"]
    assert read(store).rows["owner"].tolist() == owners[::-1]


def test_times_are_read_in_the_databases_zone(store: Store) -> None:
    """AtoM writes the server's local time; the hour that a clock change repeats is its first pass."""
    store.job(created=datetime(2026, 7, 1, 12), completed_at=datetime(2026, 1, 1, 12))
    store.job(created=datetime(2025, 10, 26, 2, 30), completed_at=None, status_id=183)
    rows = read(store, timezone="Europe/Amsterdam").rows
    assert rows["created"].tolist() == [
        pd.Timestamp("2026-07-01T10:00:00Z"),
        pd.Timestamp("2025-10-26T00:30:00Z"),
    ]
    assert rows["completed"][0] == pd.Timestamp("2026-01-01T11:00:00Z")
    assert pd.isna(rows["completed"][1])


def test_records_carry_their_slug_and_number(store: Store) -> None:
    """A record without a slug has its number alone, a job without a record neither."""
    with_slug, without = store.record("fonds-1"), store.record()
    store.job(object_id=with_slug)
    store.job(object_id=without)
    store.job()
    rows = read(store).rows
    assert rows["slug"].tolist() == ["", "", "fonds-1"]
    assert rows["record"].tolist() == ["", f"#{without}", "fonds-1"]
    assert rows["object_id"].tolist()[1:] == [without, with_slug]
    assert pd.isna(rows["object_id"][0])


def test_a_jobs_own_id_is_no_related_record(store: Store) -> None:
    """Heratio stores it: it is not shown, not found, not exported, and has no place in an order."""
    record = store.record("fonds-1")
    about, own = store.job("a"), store.job("b")
    with store.engine.begin() as connection:
        for job_id, object_id in ((about, record), (own, own)):
            connection.execute(text(f"UPDATE job SET object_id = {object_id} WHERE id = {job_id}"))
    store.insert(tables.slug, object_id=own, slug="fonds-9")
    rows = read(store).rows.set_index("id")
    assert (rows.loc[own, "record"], rows.loc[about, "record"]) == ("", "fonds-1")
    assert rows["object_id"].dropna().to_dict() == {about: record}
    report = report_of(store.database(), own)
    assert (report.object_id, report.slug) == (None, "")
    found = [ids(read(store, ListView(JobFilter(search=words)))) for words in ("fonds-", f"#{own}")]
    assert found == [[about], []]
    assert ids(read(store, ListView(sort=Sort.RELATED))) == [own, about]
    exported = b"".join(csv_chunks(store.database(), ListView(), all_columns=True)).decode()
    assert "fonds-9" not in exported
    assert f",{own},," not in exported


@pytest.mark.parametrize("sampled", [2, 3, 6])
def test_by_record_the_newest_jobs_without_one_come_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, sampled: int
) -> None:
    """They are found among a sample of the newest, where that has enough of them."""
    monkeypatch.setattr(paging, "SAMPLE_JOBS", sampled)
    record = store.record("fonds-1")
    without = [store.job(f"{number}") for number in range(4)]
    about = store.job("about", object_id=record)
    pages = [ids(read(store, ListView(sort=Sort.RELATED, page=page, limit=2))) for page in (1, 2, 3)]
    assert pages == [without[:1:-1], without[1::-1], [about]]


def test_rows_say_when_a_job_started_why_it_failed_and_where_its_result_is(store: Store) -> None:
    """A start that cannot be right is none, and what ran before says nothing of an active job."""
    early, late = NOON - timedelta(days=1), NOON + timedelta(days=36_500)
    running = store.job("running", 183)
    store.execution(running, started_at=NOON + timedelta(seconds=5), duration=7)
    failed = store.job("failed", 185, download_path=" /downloads/a.csv")
    store.execution(failed, started_at=early, error_message="ERROR: " + "too long " * 100)
    fine = store.job("fine", 185, output="ERROR: Parent 46 does not exist.\nCleaning up.")
    done = store.job("done", output="ERROR: Row 12: no title")
    store.execution(done, started_at=late)
    rows = read(store, timezone="Europe/Amsterdam").rows.set_index("id")
    times = rows["started"].dropna()
    assert {i: t.isoformat() for i, t in times.items()} == {running: "2026-06-15T10:00:05+00:00"}
    assert rows["seconds"].isna().to_dict() == {running: True, failed: False, fine: False, done: False}
    reasons = rows["reason"].to_dict()
    assert len(reasons.pop(failed)) == failure_reasons.LINE_CHARACTERS
    assert reasons == {running: "", fine: "Parent 46 does not exist.", done: ""}
    results = {running: "", failed: " /downloads/a.csv", fine: "", done: ""}
    assert rows["result"].to_dict() == results


def test_the_trend_counts_the_viewers_days(store: Store) -> None:
    """Jobs are counted on the day they were created, by their state now; older ones not at all."""
    for created, status in (
        (datetime(2026, 6, 15, 23, 59), 183),
        (datetime(2026, 6, 15, 0, 0), 184),
        (datetime(2026, 6, 14, 23, 59), 185),
        (datetime(2026, 6, 2, 0, 0), 184),
        (datetime(2026, 6, 1, 23, 59), 184),
    ):
        store.job(created=created, status_id=status)
    store.job(created=datetime(2026, 6, 14, 12), status_id=186)
    trend = read_trend(store.database(), DAYS)
    assert trend.index[0].isoformat() == "2026-06-02T00:00:00+00:00"
    assert trend["total"].tolist() == [1, *[0] * 11, 2, 2]
    assert trend["active"].tolist() == [*[0] * 13, 1]
    assert trend["completed"].tolist() == [1, *[0] * 12, 1]
    assert trend["failed"].tolist() == [*[0] * 12, 1, 0]


def test_cards_and_list_are_of_one_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that another connection adds between two of the reads is in none of them."""
    if store.engine.dialect.name == "sqlite":
        path = store.engine.url.database
        with closing(sqlite3.connect(str(path))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    store.job()
    real_counts = counts.read_counts

    def counts_then_intruder(connection: Connection) -> Counts:
        counts = real_counts(connection)
        store.job("intruder")
        return counts

    monkeypatch.setattr(lists, "read_counts", counts_then_intruder)
    jobs = read(store)
    assert (jobs.counts.total, len(jobs.rows)) == (1, 1)
    monkeypatch.undo()
    assert read(store).counts.total == 2


def test_a_database_of_atom_is_enough(atom_store: Store) -> None:
    """List and report work without any table of Heratio's own."""
    job_id = atom_store.job(status_id=185, user_id=atom_store.user("ada"))
    atom_store.note(job_id, en="it broke")
    assert read(atom_store).rows["owner"].tolist() == ["ada"]
    report = report_of(atom_store.database(), job_id)
    assert [error.text for error in report.errors] == ["it broke"]
    assert report.type == ""


def test_nothing_but_job_and_object_is_needed(empty_database: str, tmp_path: Path) -> None:
    """Every other table may be absent."""
    engine = make_engine(empty_database)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE object (id INTEGER PRIMARY KEY, class_name VARCHAR(255),"
            " created_at DATETIME, updated_at DATETIME, serial_number INTEGER)",
            "CREATE TABLE job (id INTEGER PRIMARY KEY, name VARCHAR(255), download_path TEXT,"
            " completed_at DATETIME, user_id INTEGER, object_id INTEGER, status_id INTEGER,"
            " output TEXT)",
            "INSERT INTO object VALUES (5, 'QubitJob', '2026-06-15 12:00:00', NULL, 0)",
            "INSERT INTO job VALUES (5, 'import', NULL, '2026-06-15 12:01:05', 7, 8, 185, 'bad')",
        ):
            connection.execute(text(statement))
    database = Database(engine)
    jobs = read_list(database, ListView())
    row = jobs.rows.iloc[0]
    assert (row["name"], row["status"], row["owner"], row["slug"]) == ("import", "Error", "System", "")
    report = report_of(database, 5)
    assert (report.owner, report.duration_seconds, report.object_id) == ("System", 65, 8)
    assert Removals(database, file_store(tmp_path)).remove_jobs([5], CAUSE).outcome is Outcome.REMOVED
    assert job_report.read_report(database, 5) is None
    engine.dispose()


def test_a_database_of_something_else_is_named_as_such(empty_database: str) -> None:
    """The sentence says which tables are missing and which setting to look at."""
    engine = make_engine(empty_database)
    with pytest.raises(DatabaseUnavailable, match=r"no table named job or object.*DATABASE_URL"):
        list_page.count_jobs(Database(engine))
    engine.dispose()


def test_dates_that_are_none_cost_a_cell_and_no_more(store: Store) -> None:
    """MySQL's zero date and SQLite's arbitrary text are shown as no time."""
    job_id = store.job()
    if store.engine.dialect.name == "sqlite":
        junk, mode = "yesterday or so", None
    else:
        junk, mode = "0000-00-00 00:00:00", "SET SESSION sql_mode = ''"
    with store.engine.connect() as connection:
        if mode:
            connection.execute(text(mode))
        connection.execute(text(f"UPDATE object SET created_at = '{junk}' WHERE id = {job_id}"))
        connection.execute(text(f"UPDATE job SET completed_at = '{junk}' WHERE id = {job_id}"))
        connection.commit()
        connection.invalidate()
    assert pd.isna(read(store).rows["created"][0])
    report = report_of(store.database(), job_id)
    assert (report.created, report.completed, report.duration_seconds) == (None, None, None)


HOSTILE = "<b>x</b> [l](javascript:alert(1)) =1+1 😀 :red[r] $x$ `c` \\ '; DROP TABLE job; --"


def test_hostile_text_comes_through_as_it_is(store: Store) -> None:
    """No character of a name, an owner, an output or an error is changed or lost."""
    job_id = store.job(HOSTILE, status_id=185, user_id=store.user("u", en=HOSTILE), output=HOSTILE)
    store.note(job_id, en=HOSTILE)
    row = read(store).rows.loc[0]
    assert (row["name"], row["owner"]) == (HOSTILE, HOSTILE)
    report = report_of(store.database(), job_id)
    assert (report.name, report.output, report.errors[0].text) == (HOSTILE, HOSTILE, HOSTILE)


def test_bytes_that_are_no_text_are_shown_with_replacement(tmp_path: Path) -> None:
    """SQLite gives out whatever was put there; neither the frame nor the report falls over it."""
    path = tmp_path / "jobs.sqlite"
    store = Store(f"sqlite:///{path}")
    job_id = store.job()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE job SET name = CAST(x'ff61' AS TEXT), output = x'fe62'")
    assert read(store).rows["name"].tolist() == ["\ufffda"]
    report = report_of(store.database(), job_id)
    assert report.output == "\ufffdb"


def test_the_report_tells_everything(store: Store) -> None:
    """What Heratio recorded of the run is in it, and nothing is left out."""
    job_id = store.job(
        "arFindingAidJob",
        created=NOON - timedelta(minutes=2),
        user_id=store.user("ada", en="Ada"),
        object_id=store.record("fonds-1"),
        download_path="/downloads/x.pdf",
        output="one\ntwo",
    )
    store.execution(job_id, type="finding_aid", started_at=NOON - timedelta(minutes=1), duration=61)
    report = report_of(store.database(), job_id)
    assert (report.id, report.name, report.owner, report.status) == (
        job_id,
        "arFindingAidJob",
        "Ada",
        "Completed",
    )
    assert report.created == datetime(2026, 6, 15, 11, 58, tzinfo=UTC)
    assert report.started == datetime(2026, 6, 15, 11, 59, tzinfo=UTC)
    assert report.completed == datetime(2026, 6, 15, 12, tzinfo=UTC)
    assert (report.duration_seconds, report.duration_is_recorded) == (61, True)
    assert (report.type, report.slug, report.download_path) == (
        "finding_aid",
        "fonds-1",
        "/downloads/x.pdf",
    )
    assert (report.output, report.output_bytes, report.output_is_tail) == ("one\ntwo", 7, False)
    assert report.errors == ()


def test_a_duration_that_was_not_recorded_is_derived(store: Store) -> None:
    """It is completed minus created, and said to be; without a completion there is none."""
    ended = store.job(created=NOON - timedelta(seconds=90))
    running = store.job(status_id=183)
    store.execution(running, type="import")
    report = report_of(store.database(), ended)
    assert (report.duration_seconds, report.duration_is_recorded) == (90, False)
    report = report_of(store.database(), running)
    assert report.duration_seconds is None


def test_every_source_of_error_text_is_gathered(store: Store) -> None:
    """All notes of type 197 in the best culture each, then the message; the trace by itself."""
    job_id = store.job(status_id=185, output="line\nlast line")
    store.note(job_id, en="first", fr="premier")
    store.note(job_id, de="zweite")
    store.note(job_id, type_id=120, en="a remark of another type")
    store.execution(job_id, error_message="message", stack_trace="#0 {main}")
    report = report_of(store.database(culture="fr"), job_id)
    assert [error.text for error in report.errors] == ["premier", "zweite", "message"]
    assert [note.text for note in report.notes] == ["a remark of another type"]
    assert report.stack_trace == "#0 {main}"


def test_a_failure_without_error_text_shows_the_end_of_its_output(store: Store) -> None:
    """The last twenty lines stand in; a job that did not fail shows none."""
    output = "\n".join(f"line {n}" for n in range(50)) + "\n\n"
    failed, completed = store.job(status_id=185, output=output), store.job(output=output)
    report = report_of(store.database(), failed)
    [error] = report.errors
    assert error.text.splitlines() == [f"line {n}" for n in range(30, 50)]
    report = report_of(store.database(), completed)
    assert report.errors == ()


def test_a_long_output_is_cut_to_its_end_at_a_line(store: Store) -> None:
    """The size is that of all of it, and the stream brings all of it back."""
    output = "é" * 10 + "\n" + "".join(f"{n:06} läuft 😀\n" for n in range(20_000))
    job_id = store.job(output=output)
    report = report_of(store.database(), job_id)
    assert report.output_is_tail
    assert report.output_bytes == len(output.encode())
    assert len(report.output.encode()) <= job_report.OUTPUT_TAIL_BYTES
    assert output.endswith(report.output)
    assert report.output.splitlines()[0].endswith(" läuft 😀")
    assert len(report.output.splitlines()[0]) == len("000000 läuft 😀")


@pytest.mark.parametrize(("read", "piece"), [(7, 3), (8, 8), (5, 100), (1, 1)])
def test_a_whole_output_is_streamed_in_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch, read: int, piece: int
) -> None:
    """It comes byte for byte, wherever a read or a piece ends in a character."""
    monkeypatch.setattr(job_report, "OUTPUT_READ_BYTES", read)
    monkeypatch.setattr(job_report, "OUTPUT_PIECE_BYTES", piece)
    job_id = store.job(output="äöü😀" * 7)
    pieces = list(job_report.stream_output(store.database(), job_id))
    assert max(map(len, pieces)) <= piece
    assert b"".join(pieces) == ("äöü😀" * 7).encode()
    assert list(job_report.stream_output(store.database(), store.job(output=None))) == []


def test_a_whole_output_is_streamed_byte_for_byte(store: Store) -> None:
    """What the page leaves out or names is in the download."""
    output = "10%\r20%\r\n\x1b[31mred\x1b[0m\b \0 \u202e\u2028\x85 \U0001f363\ufffd\r" + "x" * 300_000
    sent = b"".join(job_report.stream_output(store.database(), store.job(output=output)))
    assert sha256(sent).digest() == sha256(output.encode()).digest()


@on_sqlite
def test_an_output_that_is_no_text_is_streamed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite keeps any bytes as a text, also half a character at its end, and they come as they are."""
    monkeypatch.setattr(job_report, "OUTPUT_READ_BYTES", 2)
    job_id = store.job()
    with store.engine.begin() as connection:
        raw = "UPDATE job SET output = CAST(x'61ff62f09f98' AS TEXT)"
        connection.exec_driver_sql(raw)
    assert b"".join(job_report.stream_output(store.database(), job_id)) == b"a\xffb\xf0\x9f\x98"


def test_a_note_without_a_type_is_the_description(store: Store) -> None:
    """AtoM tells so what a job does: in the order of the notes, and it is no error."""
    job_id = store.job(status_id=185, output="last line")
    store.note(job_id, type_id=None, en="Exporting 2 descriptions", fr="Exporte 2 descriptions")
    store.note(job_id, type_id=197, en="it broke")
    store.note(job_id, type_id=None, source="de", en="second", de="zweite", it="seconda")
    store.note(job_id, type_id=184, en="a remark")
    store.note(job_id, type_id=None, en=" ", it="terza")
    report = report_of(store.database(culture="fr"), job_id)
    assert report.description == "Exporte 2 descriptions\n\nzweite\n\nterza"
    assert [(note.type_name, note.text) for note in report.notes if note.type_id] == [
        ("Complété", "a remark")
    ]
    assert [error.text for error in report.errors] == ["it broke"]


def test_the_output_and_the_end_of_it_agree_on_lines(store: Store) -> None:
    """A bare CR ends a line in both, and of a progress bar the last state is shown in both."""
    output = "start\rERROR: a\x1b[31m red\x1b[0m\r\n10%\r50%\r100%\rERROR: the end\r"
    report = report_of(store.database(), store.job(status_id=185, output=output))
    assert report.output == "start\nERROR: a red\nERROR: the end\n"
    assert [error.text for error in report.errors] == [report.output.rstrip()]


def test_an_output_of_one_long_progress_bar_is_not_empty(store: Store) -> None:
    """Its tail has no whole line."""
    output = "\r".join(f"{n / 1_000:.3f}% of 100" for n in range(100_001))
    report = report_of(store.database(), store.job(output=output))
    assert report.output == "100.000% of 100"


def test_a_long_output_is_read_a_few_times(store: Store) -> None:
    """The server reads it from its start each time, so the reads are few, and each is bounded."""
    job_id = store.job(output="0123456789" * 1_000_000)
    with statements(store.engine) as sent:
        assert sum(map(len, job_report.stream_output(store.database(), job_id))) == 10_000_000
    assert len([statement for statement in sent if "output" in statement]) == 2


def test_no_such_job_has_no_report(store: Store) -> None:
    """An object that is no job has none either."""
    assert job_report.read_report(store.database(), store.record()) is None


@pytest.mark.parametrize("sort", list(Sort))
def test_neighbours_walk_the_list_from_end_to_end(store: Store, sort: Sort) -> None:
    """Previous and next are the rows above and below, ties and missing names included."""
    for n, name in enumerate(["b", "a", "B", None, "", "a", "c"]):
        store.job(name, created=NOON + timedelta(seconds=n // 3))
        store.job(name, status_id=183)
    view = ListView(JobFilter(State.COMPLETED), sort, limit=50)
    order = ids(read(store, view))
    neighbours = [job_report.read_neighbours(store.database(), view, job_id) for job_id in order]
    assert neighbours == list(zip([None, *order], [*order[1:], None], strict=False))


def test_a_job_outside_the_filter_has_neighbours_in_it(store: Store) -> None:
    """The job may have finished since one left the list of active ones."""
    first, here, last = (store.job(status_id=status) for status in (183, 184, 183))
    view = ListView(JobFilter(State.ACTIVE))
    assert job_report.read_neighbours(store.database(), view, here) == (last, first)
    assert job_report.read_neighbours(store.database(), view, 10**8) == (None, None)


def test_an_unreachable_server_is_told_in_a_sentence() -> None:
    """The sentence holds neither host nor user nor password."""
    engine = make_engine("mysql://secretuser:secretword@127.0.0.1:1/atom")
    with pytest.raises(DatabaseUnavailable) as caught:
        list_page.count_jobs(Database(engine))
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_an_end_before_the_beginning_makes_no_duration(store: Store) -> None:
    """Clocks that disagree are no reason to show a made-up time."""
    job_id = store.job(created=NOON + timedelta(hours=1), completed_at=NOON)
    report = report_of(store.database(), job_id)
    assert report.duration_seconds is None


def test_a_long_output_counts_in_bytes(store: Store) -> None:
    """Text of three bytes a character is cut at the same size, and never inside a character."""
    job_id = store.job(output="文" * 100_000)
    report = report_of(store.database(), job_id)
    assert report.output_is_tail
    assert report.output == "文" * (job_report.OUTPUT_TAIL_BYTES // 3)


def test_a_tail_of_one_long_line_is_kept(store: Store) -> None:
    """Only the short rest of a cut line is left out."""
    job_id = store.job(output="y" * 400_000 + "\ndone")
    report = report_of(store.database(), job_id)
    assert len(report.output) == job_report.OUTPUT_TAIL_BYTES


def test_a_column_that_is_missing_costs_its_value_and_no_more(store: Store) -> None:
    """Another version of Heratio may keep less of a run."""
    job_id = store.job()
    store.execution(job_id, type="import", duration=7, stack_trace="#0")
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE ahg_job_execution DROP COLUMN stack_trace"))
    report = report_of(store.database(), job_id)
    assert (report.type, report.duration_seconds, report.stack_trace) == ("import", 7, "")
    assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED


def test_the_largest_ids_and_pages_are_reached(store: Store) -> None:
    """An id may be as large as the column holds."""
    job_id = store.job(job_id=2_000_000_000)
    assert job_report.read_report(store.database(), parse_number(str(job_id)) or 0) is not None
    assert read(store, ListView(page=10**17)).view.page == 1


@on_mariadb
def test_a_creation_time_of_zeros_is_older_than_all_others(store: Store) -> None:
    """MySQL can hold 0000-00-00; such jobs are last, and each comes once."""
    dated = store.job()
    zeros = [store.job(), store.job()]
    with store.engine.begin() as connection:
        connection.execute(text("SET SESSION sql_mode = ''"))
        connection.execute(
            text("UPDATE object SET created_at = '0000-00-00' WHERE id >= :first"), {"first": zeros[0]}
        )
    assert read(store).rows["id"].tolist() == [dated, *zeros[::-1]]
    ways = [job_report.read_neighbours(store.database(), ListView(), i) for i in (dated, *zeros[::-1])]
    assert ways == [(None, zeros[1]), (dated, zeros[0]), (zeros[1], None)]
