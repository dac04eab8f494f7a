"""The demo: what its database holds, the command that makes it, and the life in it."""

import logging
import re
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Engine, Table, create_engine, delete, func, inspect, select, update

from jobs_data import demo
from jobs_data.__main__ import main
from jobs_data.demo import simulator as simulation
from jobs_data.demo.history import HOSTILE_PATH
from jobs_data.demo.result_files import ResultFile, write_result
from jobs_data.demo.simulator import Simulator
from jobs_data.jobs.result_files import open_result, read_result_roots
from jobs_data.jobs.view import JobFilter
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import COMPLETED, ERROR, FINISHED_IDS, IN_PROGRESS, State, is_in
from jobs_data.platform.tables import job, job_execution, note, note_i18n, object_, slug
from jobs_data.removal.retention import read_preview, starting_rules
from jobs_data.settings import SettingsError
from tests.support.lists import report_of
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 11, 14, 30, 15)
JOBS = 1500


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine for a SQLite file that does not exist yet."""
    engine = make_engine(f"sqlite:///{tmp_path / 'demo.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def small(empty: Engine) -> Engine:
    """Return an engine for a demo of 60 jobs."""
    demo.create(empty, jobs=60, seed=5, now=NOW)
    return empty


@pytest.fixture(scope="module")
def web_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder below which the filled demo's result files lie."""
    return tmp_path_factory.mktemp("outside") / "web-root"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, web_root: Path) -> Iterator[Engine]:
    """Return an engine for a demo of JOBS jobs, which the tests only read."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.sqlite'}")
    demo.create(engine, jobs=JOBS, seed=5, now=NOW, results_root=web_root)
    yield engine
    engine.dispose()


def read(engine: Engine, statement: Any) -> list[Any]:
    """Return the rows of a query."""
    with engine.connect() as connection:
        return list(connection.execute(statement))


def column(engine: Engine, statement: Any) -> list[Any]:
    """Return the first column of a query's rows."""
    return [row[0] for row in read(engine, statement)]


def rows(engine: Engine, table: Table[Any]) -> list[Any]:
    """Return all rows of a table in the order of its primary key."""
    return read(engine, select(table).order_by(*table.primary_key.columns))


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    return {table.name: rows(engine, table) for table in tables.metadata.sorted_tables}


def change(engine: Engine, statement: Any) -> None:
    """Commit one change."""
    with engine.begin() as connection:
        connection.execute(statement)


def running(engine: Engine) -> list[int]:
    """Return the ids of the jobs in progress but for those that wait for another."""
    is_waiting = job.c.output.contains("Another sensitive job")
    return column(engine, select(job.c.id).where(job.c.status_id == IN_PROGRESS, ~is_waiting))


def test_each_job_has_its_object(filled: Engine) -> None:
    """There are as many jobs as asked for, and exactly these are objects of the job class."""
    of_class = select(object_.c.id).where(object_.c.class_name == tables.JOB_CLASS)
    ids = column(filled, select(job.c.id))
    assert len(ids) == JOBS
    assert set(ids) == set(column(filled, of_class))


def test_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    """Demos of one seed, size and moment are equal in every column; another seed is different."""
    made = []
    for number, seed in enumerate((3, 3, 4)):
        engine = make_engine(f"sqlite:///{tmp_path / str(number)}")
        demo.create(engine, jobs=300, seed=seed, now=NOW)
        made.append(everything(engine))
        engine.dispose()
    assert made[0] == made[1]
    assert made[0]["job"] != made[2]["job"]


def test_result_files_do_not_change_the_rows(empty: Engine, filled: Engine) -> None:
    """A demo has the same rows whether its result files are written or not."""
    demo.create(empty, jobs=JOBS, seed=5, now=NOW)
    assert everything(empty) == everything(filled)


def test_ids_ascend_with_time_and_have_gaps(filled: Engine) -> None:
    """Newer jobs have higher, sparse ids, over the sixty days up to the given moment."""
    jobs = read(
        filled,
        select(job.c.id, object_.c.created_at).where(job.c.id == object_.c.id).order_by(job.c.id),
    )
    moments = [row.created_at for row in jobs]
    assert moments == sorted(moments)
    assert timedelta(days=59) < NOW - moments[0] < timedelta(days=61)
    assert timedelta(0) <= NOW - moments[-1] <= timedelta(minutes=20)
    assert jobs[-1].id - jobs[0].id > 1.5 * JOBS


def test_most_jobs_belong_to_working_hours_and_some_to_bursts(filled: Engine) -> None:
    """Weekdays are busier than weekends, and search updates come many to a minute."""
    moments = read(filled, select(object_.c.created_at, job.c.name).where(job.c.id == object_.c.id))
    days = Counter(row.created_at.weekday() for row in moments)
    assert min(days[day] for day in range(5)) > 3 * max(days[5], days[6])
    updates = Counter(
        row.created_at.replace(second=0) for row in moments if row.name == "arUpdateEsIoDocumentsJob"
    )
    assert max(updates.values()) >= 8


def test_times_are_in_order(filled: Engine) -> None:
    """No job ends before it began or after now, and a duration is the time between."""
    found = read(
        filled,
        select(
            object_.c.created_at,
            job_execution.c.started_at,
            job.c.completed_at,
            job_execution.c.duration,
        )
        .where(job.c.id == object_.c.id)
        .where(job.c.id == job_execution.c.job_id)
        .where(job.c.completed_at.is_not(None)),
    )
    assert len(found) > 0.75 * JOBS
    for row in found:
        assert row.created_at <= row.started_at <= row.completed_at <= NOW
        assert (row.completed_at - row.started_at).total_seconds() == row.duration


def test_statuses_are_as_frequent_as_in_life(filled: Engine) -> None:
    """Most jobs are completed, a few failed, and some of each odd status are over."""
    found = Counter(column(filled, select(job.c.status_id)))
    assert 0.94 < found[COMPLETED] / JOBS < 0.97
    assert 0.025 < found[ERROR] / JOBS < 0.045
    over = Counter(column(filled, select(job.c.status_id).where(is_in(State.OTHER))))
    assert set(over) == {182, 186, None}


def test_active_jobs_are_few_and_recent(filled: Engine) -> None:
    """A few jobs are active, of every status that can be, most of them on the first page."""
    found = read(
        filled,
        select(job.c.id, job.c.status_id, object_.c.created_at)
        .where(job.c.id == object_.c.id)
        .where(is_in(State.ACTIVE)),
    )
    assert len(found) == 7
    assert {row.status_id for row in found} == {182, IN_PROGRESS, 186, None}
    assert all(NOW - row.created_at <= timedelta(hours=6) for row in found)
    assert len({row.id for row in found} & {row.id for row in newest(filled)}) == 5


def newest(engine: Engine) -> list[Any]:
    """Return the jobs of the list's first page, newest first."""
    return read(engine, select(job).order_by(job.c.id.desc()).limit(10))


def test_the_newest_jobs_show_what_the_list_can_do(filled: Engine, web_root: Path) -> None:
    """Among the first ten a failed import that says why, one with errors, results that are there."""
    first = newest(filled)
    [failed] = [row for row in first if row.status_id == ERROR]
    report = report_of(Database(filled, "en", "UTC"), failed.id)
    assert re.fullmatch(r"Row \d+: expected 38 columns, found 37\.", report.reason)
    [imported] = [row for row in first[:5] if row.name == "Import: accessions-2026.csv"]
    assert imported.status_id == COMPLETED
    assert imported.output.count("\nERROR: Row ") == 7
    assert imported.output.endswith("Import finished with 7 error(s). 120 record(s) imported.\n")
    assert (imported.object_id, imported.user_id) == (imported.id, None)
    with_result = [row for row in first if row.download_path]
    names = [row.name for row in with_result]
    assert {"arFindingAidJob", "arInformationObjectCsvExportJob"} <= {*names}
    assert all((web_root / row.download_path.lstrip("/")).is_file() for row in with_result)


ERROR_LINE = re.compile(r"^(ERROR: |\[err\] )", re.MULTILINE)


def test_some_completed_jobs_have_errors(filled: Engine) -> None:
    """About a dozen, of each writer; most of the words that look like errors belong to others."""
    texts = column(filled, select(job.c.output).where(is_in(State.COMPLETED)))
    outputs = [text for text in texts if text and ERROR_LINE.search(text)]
    assert 8 <= len(outputs) <= 20
    assert {text[0] == "[" for text in outputs} == {True, False}
    assert any("[err] [" in text and "Ligne 12 :" in text and "[warning] [" in text for text in outputs)
    others = "\n".join(set(texts) - {None, *outputs})
    assert "0 errors" in others
    assert "error.csv" in others
    assert "ERROR: " in others


def test_outputs_are_those_of_the_platforms(filled: Engine) -> None:
    """AtoM's in three languages, with parameters, cut; JSON; colours; notes, and public exports."""
    jobs = read(filled, select(job))
    whole = "\n".join(row.output or "" for row in jobs)
    for start in ("Job started.", "La tâche a commencé.", "A tarefa foi iniciada.", "Parameters: {"):
        assert whole.count(f": {start}") > 20
    assert any(row.output.startswith('{"checked": ') for row in jobs if row.output)
    assert any("\x1b[" in row.output for row in jobs if row.output)
    [cut] = [row for row in jobs if row.output and len(row.output) == 65_534]
    assert not cut.output.endswith("\n")
    notes = read(
        filled,
        select(note.c.object_id, note_i18n.c.content)
        .where(note.c.type_id.is_(None))
        .where(note.c.id == note_i18n.c.id),
    )
    assert any(re.match(r"Exporting \d,\d{3} descriptions for clipboard", row.content) for row in notes)


def test_cleaning_up_begins_with_rules_that_find_some_hundreds(filled: Engine) -> None:
    """Of the sixty days, those before the platform's own thirty, but for the last of each name."""
    database = Database(filled, "en", "UTC")
    rules = starting_rules(database, JobFilter())
    assert 0.3 < read_preview(database, rules, NOW.replace(tzinfo=UTC)).total / JOBS < 0.5


def test_error_text_is_in_every_place_where_it_can_be(filled: Engine) -> None:
    """Failed jobs keep their error in one note or three, in the execution, or in the output alone."""
    notes = Counter(column(filled, select(note.c.object_id).where(note.c.type_id == 197)))
    traced = set(
        column(
            filled,
            select(job_execution.c.job_id).where(job_execution.c.stack_trace.contains("#5 {main}")),
        )
    )
    failed = read(filled, select(job.c.id, job.c.output).where(job.c.status_id == ERROR))
    assert set(notes) | traced <= {row.id for row in failed}
    places = Counter((notes[row.id], row.id in traced) for row in failed)
    assert set(places) == {(0, False), (0, True), (1, False), (1, True), (3, False)}
    for row in failed:
        lines = len(ERROR_LINE.findall(row.output or ""))
        assert lines == (notes[row.id] or int(row.id not in traced))
    assert all(column(filled, select(note_i18n.c.content)))


def test_outputs_are_from_one_line_to_thousands(filled: Engine) -> None:
    """A handful of outputs are over 200 KB, the others stay small, and some are one line."""
    outputs = [text for text in column(filled, select(job.c.output)) if text]
    long = [text for text in outputs if len(text) > 200_000]
    assert len(long) == 6
    assert all(text.count("\n") > 2000 for text in long)
    assert min(text.count("\n") for text in outputs) == 0
    assert 300 < sum(len(text) for text in outputs if text not in long) / JOBS < 600


@pytest.mark.parametrize(
    "name", [None, "", "=SUM(A1)", "Import: accessions-2026.csv", "arFindingAidJob"]
)
def test_names_are_those_of_real_systems(filled: Engine, name: str | None) -> None:
    """Names of every sort occur, missing, empty and dangerous ones among them."""
    assert name in column(filled, select(job.c.name))


def test_jobs_refer_to_people_and_records(filled: Engine) -> None:
    """About two jobs in five have a record, some without a slug; Heratio's imports have themselves."""
    jobs = read(filled, select(job.c.id, job.c.object_id).where(job.c.object_id.is_not(None)))
    records = [row.object_id for row in jobs if row.object_id != row.id]
    kinds = column(filled, select(object_.c.class_name).where(object_.c.id.in_(records)))
    assert 0.33 < len(records) / JOBS < 0.47
    assert 0.04 < (len(jobs) - len(records)) / JOBS < 0.12
    assert set(kinds) == {"QubitInformationObject"}
    assert set(records) - set(column(filled, select(slug.c.object_id)))
    starters = Counter(column(filled, select(job.c.user_id)))
    assert len(starters) == 1 + len(rows(filled, tables.user))
    assert 0.15 < starters[None] / JOBS < 0.45


def test_people_have_names_in_their_own_culture(filled: Engine) -> None:
    """Each person's address is at example.org, and nearly each has a name in the own culture."""
    assert all(
        address.endswith("@example.org") for address in column(filled, select(tables.user.c.email))
    )
    named = read(
        filled,
        select(tables.actor_i18n.c.authorized_form_of_name)
        .where(tables.actor_i18n.c.id == tables.actor.c.id)
        .where(tables.actor_i18n.c.culture == tables.actor.c.source_culture),
    )
    assert len(named) == len(rows(filled, tables.user)) - 1
    assert ("佐藤 美咲",) in named


def test_statuses_have_names_in_many_languages(filled: Engine) -> None:
    """The three statuses are named in the same cultures, the two odd ids mean something else."""
    names = {(row.id, row.culture): row.name for row in rows(filled, tables.term_i18n)}
    cultures = {culture for term_id, culture in names if term_id == IN_PROGRESS}
    assert {"en", "fr", "es", "nl", "de", "ar", "ja"} <= cultures
    for term_id in FINISHED_IDS:
        assert cultures == {culture for found, culture in names if found == term_id}
    assert names[IN_PROGRESS, "en"] == "In progress"
    assert names[COMPLETED, "fr"] == "Terminé"
    assert names[ERROR, "de"] == "Fehler"
    assert names[182, "en"] == "Supporting technology"


def test_page_size_is_set(filled: Engine) -> None:
    """The platform-wide page size is there as the platform keeps it."""
    found = read(
        filled,
        select(tables.setting.c.scope, tables.setting_i18n.c.value)
        .where(tables.setting.c.id == tables.setting_i18n.c.id)
        .where(tables.setting.c.name == "hits_per_page"),
    )
    assert found == [(None, "10")]


def test_public_exports_have_a_token(filled: Engine) -> None:
    """Exports without a user own a token of their own, and nothing else has a property."""
    owners = column(filled, select(tables.property_.c.object_id))
    tokens = column(filled, select(tables.property_i18n.c.value))
    assert 0 < len(owners) == len(set(tokens)) < 0.1 * JOBS
    assert {row.name for row in rows(filled, tables.property_)} == {"userToken"}
    found = read(filled, select(job.c.user_id, job.c.name).where(job.c.id.in_(owners)))
    assert {row.user_id for row in found} == {None}
    assert {row.name[-9:] for row in found} == {"ExportJob"}


def test_only_completed_jobs_have_results(filled: Engine) -> None:
    """Result paths are spelt in both ways, belong to completed jobs, and one climbs out."""
    found = read(filled, select(job.c.download_path, job.c.status_id).where(job.c.download_path != ""))
    assert {row.status_id for row in found} == {COMPLETED}
    paths = [row.download_path for row in found]
    assert any(path.startswith("/storage/downloads/") for path in paths)
    assert any(path.startswith("downloads/jobs/") for path in paths)
    assert [path for path in paths if ".." in path] == [HOSTILE_PATH]


def test_result_files_lie_where_their_jobs_say(filled: Engine, web_root: Path) -> None:
    """Nothing is written that no job names, most recent results exist, and a few are missing."""
    paths = column(filled, select(job.c.download_path).where(job.c.download_path != ""))
    named = {web_root / path.lstrip("/") for path in paths if path != HOSTILE_PATH}
    written = {path for path in web_root.rglob("*") if path.is_file()}
    assert written < named
    assert 100 < len(written) <= 150
    assert [path.name for path in web_root.parent.iterdir()] == ["web-root"]


def test_the_embedded_demo_has_laravels_web_root(tmp_path: Path) -> None:
    """Heratio's files lie behind a link, AtoM's in the web root, and both are served."""
    demo.create_embedded(tmp_path / "jobs.sqlite", tmp_path / "web-root")
    engine = make_engine(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    paths = column(engine, select(job.c.download_path).where(job.c.download_path != ""))
    engine.dispose()
    assert (tmp_path / "web-root" / "storage").is_symlink()
    roots = read_result_roots(tmp_path / "web-root")
    for folder, kind in (
        ("storage/app/public/downloads", "/storage/"),
        ("web-root/downloads", "downl"),
    ):
        written = {path for path in (tmp_path / folder).rglob("*") if path.is_file()}
        assert written
        found = set()
        for path in paths:
            if path.startswith(kind) and (tmp_path / "web-root" / path.lstrip("/")).is_file():
                result = open_result(roots, path)
                assert result is not None
                result.close()
                found.add((result.name, result.size))
        assert found == {(path.name, path.stat().st_size) for path in written}


@pytest.mark.usefixtures("filled")
def test_result_files_are_valid(web_root: Path) -> None:
    """Every result can be opened as what its name says, and one archive is large."""
    written = sorted(path for path in web_root.rglob("*") if path.is_file())
    assert {path.suffix for path in written} == {".zip", ".csv", ".pdf", ".xml"}
    for path in written:
        match path.suffix:
            case ".zip":
                with zipfile.ZipFile(path) as archive:
                    assert archive.testzip() is None
            case ".xml":
                assert ET.parse(path).getroot().tag == "ead"  # noqa: S314 - it is our own file
            case ".pdf":
                assert_pdf(path.read_bytes())
            case _:
                assert path.read_text(encoding="utf-8").startswith("legacyId,")
    large = [path for path in written if path.stat().st_size > 1_000_000]
    assert [path.stat().st_size > 25_000_000 for path in large] == [True]


def assert_pdf(content: bytes) -> None:
    """Assert that a PDF's table of contents points at its objects."""
    assert content.startswith(b"%PDF-")
    start = int(content.rsplit(b"startxref\n")[1].split()[0])
    lines = content[start:].split(b"\n")
    assert lines[0] == b"xref"
    objects = [int(line[:10]) for line in lines[2:] if line.endswith(b" n ")]
    assert len(objects) == 5
    for number, place in enumerate(objects, start=1):
        assert content[place:].startswith(b"%d 0 obj" % number)


def test_result_never_leaves_its_folder(tmp_path: Path) -> None:
    """A path with parents in it is refused before anything is written."""
    with pytest.raises(ValueError, match="leave the folder"):
        write_result(tmp_path / "root", ResultFile("../escaped.csv", "title"))
    assert list(tmp_path.iterdir()) == []


def test_plain_atom_has_none_of_heratios_tables(empty: Engine) -> None:
    """With `atom` no table is Heratio's own, and every failed job still tells its error."""
    demo.create(empty, jobs=600, seed=5, now=NOW, atom=True)
    names = inspect(empty).get_table_names()
    assert "job" in names
    assert [name for name in names if name.startswith("ahg_")] == []
    noted = column(empty, select(note.c.object_id))
    assert noted
    failed = select(job.c.id).where(job.c.status_id == ERROR)
    assert set(column(empty, failed)) <= set(noted)
    outputs = column(empty, select(job.c.output).where(job.c.output != ""))
    assert all(re.match(r"\[info\] \[.* Job \d+ \"ar", text) for text in outputs)
    assert max(len(text) for text in outputs) == 65_534
    assert not column(empty, select(job.c.id).where(job.c.download_path.startswith("/")))


def test_refuses_a_database_with_jobs(small: Engine) -> None:
    """A database that has a job table is refused in one sentence and stays as it is."""
    before = everything(small)
    with pytest.raises(demo.DatabaseNotEmpty, match="already has a table named job, "):
        demo.create(small, jobs=5, seed=6, now=NOW)
    assert everything(small) == before


def test_refuses_a_database_with_another_table_of_the_platform(empty: Engine) -> None:
    """Half a platform is refused too, and no table is added to it."""
    tables.metadata.create_all(empty, [object_])
    with pytest.raises(demo.DatabaseNotEmpty, match="already has a table named object, "):
        demo.create(empty, jobs=5, seed=5, now=NOW)
    assert inspect(empty).get_table_names() == ["object"]


def test_reports_progress_after_each_chunk(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress callback hears how many jobs are in, up to all of them."""
    monkeypatch.setattr("jobs_data.demo.database.CHUNK_JOBS", 100)
    heard = []
    demo.create(
        empty, jobs=250, seed=5, now=NOW, progress=lambda done, total: heard.append((done, total))
    )
    assert heard == [(100, 250), (200, 250), (250, 250)]


def test_chunks_do_not_change_the_rows(
    empty: Engine, filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many jobs go into one transaction is not to be seen in the data."""
    monkeypatch.setattr("jobs_data.demo.database.CHUNK_JOBS", 77)
    demo.create(empty, jobs=JOBS, seed=5, now=NOW)
    assert everything(empty) == everything(filled)


def test_readers_and_writers_of_sqlite_do_not_wait_for_each_other(small: Engine) -> None:
    """The SQLite file keeps a write-ahead log."""
    with small.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_command_fills_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`demo URL` makes the file, says nothing on standard output, and ends with 0."""
    url = f"sqlite:///{tmp_path / 'made.sqlite'}"
    root = tmp_path / "root"
    assert main(["demo", url, "--jobs", "300", "--seed", "2", "--results-root", str(root)]) == 0
    assert capsys.readouterr().out == ""
    engine = make_engine(url)
    assert column(engine, select(func.count()).select_from(job)) == [300]
    engine.dispose()
    assert any(path.is_file() for path in root.rglob("*"))


def test_command_refuses_a_database_with_jobs(
    small: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run ends with 1 and one sentence on standard error."""
    assert main(["demo", str(small.url), "--jobs", "5"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("The database already has a table named job")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("no url", "This is not the SQLAlchemy URL of"),
        ("mysql://user:word@host:port/atom", "This is not the SQLAlchemy URL of"),
        ("mysql://user:word@host/atom?nonsense=1", "check the option nonsense"),
        ("sqlite:////nonexistent/folder/demo.sqlite", "The database does not answer"),
    ],
)
def test_command_tells_what_is_wrong_with_a_database(
    url: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A URL that leads nowhere costs one sentence, no traceback, and ends with 1."""
    assert main(["demo", url, "--jobs", "5"]) == 1
    assert sentence in capsys.readouterr().err


def test_command_refuses_no_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A number of jobs below one is a mistake in the command, told before anything is made."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", f"sqlite:///{tmp_path / 'none.sqlite'}", "--jobs", "0"])
    assert ended.value.code == 2
    assert "must be at least 1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_simulator_alone_does_nothing(small: Engine) -> None:
    """To make a simulator, and to stop one that was never started, changes nothing."""
    before = everything(small)
    Simulator(small, seed=1).stop()
    assert everything(small) == before


def test_simulator_starts_a_job_as_the_platform_does(small: Engine) -> None:
    """The first step in a quiet database begins one job: object, job and execution."""
    change(small, update(job).values(status_id=COMPLETED))
    known = set(column(small, select(job.c.id)))
    Simulator(small, seed=1).step()
    (job_id,) = running(small)
    assert job_id > max(known)
    (made,) = read(small, select(job).where(job.c.id == job_id))
    assert made.completed_at is None
    assert ": Job started.\n" in made.output
    (thing,) = read(small, select(object_).where(object_.c.id == job_id))
    assert thing.class_name == tables.JOB_CLASS
    (execution,) = read(small, select(job_execution).where(job_execution.c.job_id == job_id))
    assert execution.started_at == thing.created_at
    assert execution.completed_at is None


def test_simulator_keeps_a_few_jobs_running(small: Engine) -> None:
    """Whatever runs at first, it soon is one to three, while jobs end now and then."""
    finished = select(func.count()).where(job.c.status_id.in_(FINISHED_IDS))
    simulator = Simulator(small, seed=1)
    for _ in range(150):
        simulator.step()
    (before,) = column(small, finished)
    seen = set()
    for _ in range(300):
        simulator.step()
        seen.add(len(running(small)))
    (after,) = column(small, finished)
    assert seen == {1, 2, 3}
    # A step every two seconds, so these are ten minutes.
    assert 15 <= after - before <= 35


def test_simulator_ends_jobs_as_the_platform_does(small: Engine, tmp_path: Path) -> None:
    """Jobs end completed, some with a result that exists, or failed, with a note that says why."""
    (newest,) = column(small, select(func.max(job.c.id)))
    simulator = Simulator(small, seed=1, results_root=tmp_path / "root")
    for _ in range(1500):
        simulator.step()
    ended = read(
        small,
        select(job, job_execution.c.duration)
        .outerjoin(job_execution, job.c.id == job_execution.c.job_id)
        .where(job.c.id > newest)
        .where(job.c.completed_at.is_not(None)),
    )
    assert {row.status_id for row in ended} == set(FINISHED_IDS)
    assert all(row.duration is not None for row in ended if row.output.startswith("["))
    notes = Counter(column(small, select(note.c.object_id).where(note.c.type_id == 197)))
    for row in ended:
        expected = 3 if row.status_id == ERROR and row.output.startswith("[") else 0
        assert notes[row.id] == expected
        assert row.status_id != ERROR or ERROR_LINE.search(row.output)
    paths = [row.download_path for row in ended if row.download_path]
    assert paths
    assert all((tmp_path / "root" / path.lstrip("/")).is_file() for path in paths)


def test_simulator_changes_only_jobs_in_progress(small: Engine) -> None:
    """Jobs that were over, or active under another status, stay exactly as they were."""
    in_progress = column(small, select(job.c.id).where(job.c.status_id == IN_PROGRESS))
    others = select(job).where(job.c.id.not_in(in_progress)).order_by(job.c.id)
    before = read(small, others)
    (newest,) = column(small, select(func.max(job.c.id)))
    simulator = Simulator(small, seed=1)
    for _ in range(200):
        simulator.step()
    assert read(small, others.where(job.c.id <= newest)) == before


def test_simulator_never_ends_some_jobs(empty: Engine) -> None:
    """The silent one and the one that never started stay as they are; others write the same line."""
    demo.create(empty, jobs=400, seed=5, now=NOW)
    known = read(empty, select(job).where(is_in(State.ACTIVE)).order_by(job.c.id))
    simulator = Simulator(empty, seed=1)
    for _ in range(300):
        simulator.step()
    found = read(empty, select(job).where(job.c.id.in_([row.id for row in known])).order_by(job.c.id))
    still = [after for before, after in zip(known, found, strict=True) if after == before]
    assert {row.status_id for row in still} == {182, IN_PROGRESS, 186, None}
    written = [row for row in found if row not in still and row.completed_at is None]
    assert [re.sub(r"\d+", "n", row.output.rpartition(": ")[2]) for row in written] == [
        "Copying glass-negative-n.tif.\n",
        "Another sensitive job runs; trying again in n seconds.\n",
    ]
    assert all(len(row.output) < 2_000 for row in written)


def test_simulator_finishes_what_ran_before_a_restart(small: Engine) -> None:
    """A new simulator picks up the jobs that it finds in progress."""
    found = running(small)
    assert found
    for _ in range(3):
        simulator = Simulator(small, seed=len(found))
        for _ in range(200):
            simulator.step()
    assert not set(found) & set(running(small))


def test_simulator_works_in_a_plain_atom(empty: Engine) -> None:
    """Without Heratio's tables jobs start and end all the same."""
    demo.create(empty, jobs=5, seed=5, now=NOW, atom=True)
    simulator = Simulator(empty, seed=1)
    for _ in range(400):
        simulator.step()
    assert running(empty)
    assert column(empty, select(note.c.id).where(note.c.object_id.in_(select(job.c.id))))
    assert len(column(empty, select(job.c.id).where(is_in(State.COMPLETED)))) > 10


def test_simulator_goes_on_when_its_jobs_are_deleted(small: Engine) -> None:
    """Jobs that somebody deletes are forgotten, and new ones are started."""
    simulator = Simulator(small, seed=1)
    for _ in range(20):
        simulator.step()
    gone = running(small)
    change(small, delete(object_).where(object_.c.id.in_(gone)))
    for _ in range(20):
        simulator.step()
    assert len(running(small)) >= 2


def test_simulator_leaves_a_job_alone_that_ended_meanwhile(
    small: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is over by the time it would be failed gets no second end and no note."""
    simulator = Simulator(small, seed=1)
    monkeypatch.setattr(simulation, "FAILED_SHARE", 1.0)
    before = everything(small)
    (job_id,) = column(small, select(func.min(job.c.id)).where(is_in(State.COMPLETED)))
    with small.begin() as connection:
        simulator._end_job(connection, simulation.RunningJob(job_id, "arFindingAidJob", None))
    assert everything(small) == before


def test_simulator_outlives_a_busy_database(
    small: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While another process holds the database steps fail and are logged; then life goes on."""
    monkeypatch.setattr(simulation, "STEP_SECONDS", 0.01)
    impatient = create_engine(small.url, connect_args={"timeout": 0})
    outputs = select(func.sum(func.length(job.c.output)))
    before = column(small, outputs)
    simulator = Simulator(impatient, seed=1)
    with small.connect() as connection, caplog.at_level(logging.ERROR):
        connection.execution_options(writes=True)
        with connection.begin():
            simulator.start()
            eventually(lambda: len(caplog.records) > 1, "two steps that failed")
    eventually(lambda: column(small, outputs) != before, "a step that worked")
    simulator.stop()
    impatient.dispose()
    assert "failed; it goes on" in caplog.text


def test_simulator_stops_and_starts_again(small: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `stop` nothing changes any more, until it is started again."""
    monkeypatch.setattr(simulation, "STEP_SECONDS", 0.01)
    simulator = Simulator(small, seed=1)
    simulator.start()
    simulator.stop()
    before = everything(small)
    time.sleep(0.1)
    assert everything(small) == before
    simulator.start()
    eventually(lambda: everything(small) != before, "a step")
    simulator.stop()


def test_simulator_starts_again_while_its_thread_is_ending(
    small: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for that thread: two would never run at the same time."""
    monkeypatch.setattr(simulation, "STEP_SECONDS", 0.01)
    monkeypatch.setattr(simulation, "STOP_SECONDS", 0.01)
    may_end = threading.Event()

    class Slow(Simulator):
        def _run(self) -> None:
            super()._run()
            may_end.wait()

    simulator = Slow(small, seed=1)
    simulator.start()
    simulator.stop()
    threading.Timer(0.1, may_end.set).start()
    before = everything(small)
    simulator.start()
    eventually(lambda: everything(small) != before, "a step")
    simulator.stop()
    simulator._background.wait()


@pytest.mark.parametrize("in_the_way", ["demo", "storage", "demo/jobs.sqlite/folder"])
def test_a_demo_that_cannot_be_written_ends_the_start_with_a_sentence(
    tmp_path: Path, in_the_way: str
) -> None:
    """As where the service is to use a real database, which the settings do not name."""
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).touch()
    with pytest.raises(SettingsError, match=r"^HERATIO_JOBS_DATABASE_URL expects"):
        demo.create_embedded(tmp_path / "demo" / "jobs.sqlite", tmp_path / "web-root")
