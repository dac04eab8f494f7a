"""The CSV of the jobs: complete, in order, readable by spreadsheets and harmless in them."""

import csv
import io
from datetime import datetime, timedelta

import pytest

from jobs_data.jobs import csv_format, export, export_rows, list_page
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.database import LONG_READS
from jobs_data.platform.errors import DatabaseBusy
from jobs_data.platform.status import State
from tests.support.store import NOON, Store


def exported(store: Store, view: ListView | None = None, **options: str) -> list[list[str]]:
    """Return the lines of the export as a spreadsheet reads them."""
    data = b"".join(export.csv_chunks(store.database(**options), view or ListView()))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def all_columns(store: Store, **options: str) -> list[dict[str, str]]:
    """Return the lines of the export with all columns, each as a dict."""
    chunks = export.csv_chunks(store.database(**options), ListView(), all_columns=True)
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode("utf-8-sig"), newline="")))


def test_an_export_has_exactly_the_five_columns(store: Store) -> None:
    """One line per job, newest first, with offsets of the database's zone."""
    store.job("old", created=datetime(2026, 1, 1, 9), completed_at=datetime(2026, 7, 1, 9))
    store.job("running", status_id=183, user_id=store.user("ada", en="Ada"))
    store.job(None, status_id=None, created=NOON + timedelta(hours=1))
    assert exported(store, timezone="Europe/Amsterdam") == [
        ["Name", "Status", "User", "Created", "Completed"],
        ["[Unknown]", "Active", "System", "2026-06-15T13:00:00+02:00", ""],
        ["running", "In progress", "Ada", "2026-06-15T12:00:00+02:00", ""],
        [
            "old",
            "Completed",
            "System",
            "2026-01-01T09:00:00+01:00",
            "2026-07-01T09:00:00+02:00",
        ],
    ]


def local(store: Store, zone: str, separator: str = "comma", *, all_columns: bool = False) -> list[str]:
    """Return the lines of the export for spreadsheets, of a platform in Amsterdam."""
    how = csv_format.parse_format({"separator": separator, "times": "local", "zone": zone})
    database = store.database(timezone="Europe/Amsterdam")
    data = b"".join(export.csv_chunks(database, ListView(), all_columns=all_columns, csv_format=how))
    return data.decode("utf-8-sig").splitlines()


@pytest.mark.parametrize(
    ("zone", "created", "completed"),
    [
        ("Europe/Berlin", "2026-06-15 12:00:00", "2026-06-15 13:30:59"),
        ("America/New_York", "2026-06-15 06:00:00", "2026-06-15 07:30:59"),
        ("Asia/Kathmandu", "2026-06-15 15:45:00", "2026-06-15 17:15:59"),
        ("../etc/passwd", "2026-06-15 10:00:00", "2026-06-15 11:30:59"),
    ],
)
def test_spreadsheets_get_plain_local_times(
    store: Store, zone: str, created: str, completed: str
) -> None:
    """Without quotes, which would make texts of them, in a zone that the header names."""
    store.job("a;b", completed_at=NOON + timedelta(minutes=90, seconds=59))
    store.job("active", 183, created=NOON - timedelta(days=1))
    header, first, second = local(store, zone, "semicolon")
    zone = "UTC" if ".." in zone else zone
    assert header == f"Name;Status;User;Created ({zone});Completed ({zone})"
    assert first == f'"a;b";"Completed";"System";{created};{completed}'
    assert second.endswith(";")
    header, first, _ = local(store, zone, "tab", all_columns=True)
    [line] = csv.DictReader([header, first], delimiter="\t")
    assert line[f"Created ({zone})"] == created
    assert f"\t{created}\t\t{completed}\t5459\t" in first


@pytest.mark.parametrize("all_columns", [False, True])
def test_times_without_a_place_in_a_zone(store: Store, all_columns: bool) -> None:
    """A repeated hour is written as clocks showed it; the calendar's end is no time elsewhere."""
    before = datetime(2026, 10, 25, 2, 30)  # its first pass; the end is in the second
    store.job("autumn", created=before, completed_at=datetime(2026, 10, 25, 2, 10))
    store.job("never", created=NOON, completed_at=datetime(9999, 12, 31, 23, 59, 59))
    autumn, never = local(store, "Asia/Tokyo", all_columns=all_columns)[1:]
    assert "2026-10-25 09:30:00" in autumn
    assert "2026-10-25 10:10:00" in autumn
    assert "2026-06-15 19:00:00," in never
    assert "9999" not in never
    assert "10000" not in never


def test_a_format_that_makes_no_sense_is_the_default() -> None:
    assert csv_format.parse_format({"separator": "x", "times": "x", "zone": "x"}) == csv_format.STANDARD


def test_it_starts_with_a_mark_and_ends_lines_as_the_rfc_says(store: Store) -> None:
    """Spreadsheets need the byte-order mark, and RFC 4180 wants CRLF."""
    store.job('say "hi", twice\nor more')
    data = b"".join(export.csv_chunks(store.database(), ListView()))
    assert data.startswith(b"\xef\xbb\xbfName,Status,User,Created,Completed\r\n")
    assert b'"say ""hi"", twice\nor more","Completed","System","2026-06-15T' in data
    assert data.endswith(b'+00:00"\r\n')


def test_all_columns_are_what_the_report_tells(store: Store) -> None:
    """Every field but the output, error texts in the culture and joined, times with their offset."""
    ada, record = store.user("ada", fr="Ada L."), store.record("fonds-1")
    job_id = store.job(
        "import",
        status_id=185,
        completed_at=NOON + timedelta(minutes=2),
        user_id=ada,
        object_id=record,
        download_path="/storage/downloads/a.csv",
        output="not in the export",
    )
    store.note(job_id, en="it broke", fr="ça a cassé")
    store.note(job_id, en="twice")
    store.note(job_id, type_id=1, en="no error")
    store.note(job_id, type_id=None, en="Importing a.csv")
    store.note(job_id, type_id=None, en="into fonds-1")
    store.execution(
        job_id,
        type="csv_import",
        started_at=NOON + timedelta(seconds=9),
        error_message=" no\nmemory ",
        stack_trace="#0 a\n#1 b",
    )
    assert all_columns(store, culture="fr", timezone="Europe/Amsterdam") == [
        {
            "Id": str(job_id),
            "Name": "import",
            "Status": "Error",
            "State": "failed",
            "User": "Ada L.",
            "User id": str(ada),
            "Type": "csv_import",
            "Created": "2026-06-15T12:00:00+02:00",
            "Started": "2026-06-15T12:00:09+02:00",
            "Completed": "2026-06-15T12:02:00+02:00",
            "Duration (s)": "120",
            "Related record": "fonds-1",
            "Related record id": str(record),
            "Result file": "/storage/downloads/a.csv",
            "Description": "Importing a.csv\n\ninto fonds-1",
            "Errors": "0",
            "Warnings": "0",
            "Error text": "ça a cassé\n\ntwice\n\nno\nmemory",
            "Stack trace": "#0 a\n#1 b",
        }
    ]


def test_a_duration_is_the_recorded_one_or_none_where_clocks_disagree(store: Store) -> None:
    """Completed minus created counts only where nothing is recorded and it is not negative."""
    before = NOON - timedelta(hours=1)
    store.execution(store.job(completed_at=before), duration=7)
    store.job(completed_at=before)
    store.job(None, status_id=183)
    lines = all_columns(store)
    assert [line["Duration (s)"] for line in lines] == ["", "", "7"]
    assert lines[0]["Name"] == "[Unknown]"
    assert {lines[0][name] for name in ("Type", "Started", "Completed", "User id")} == {""}


def test_formulas_are_defused_in_all_columns(store: Store) -> None:
    """Types, addresses, files and errors are a stranger's text as well as names."""
    job_id = store.job("=1", object_id=store.record("=1"), download_path="=1")
    store.note(job_id, en="=1")
    store.note(job_id, type_id=None, en="=1")
    store.execution(job_id, type="=1", stack_trace="=1", duration=-1)
    [line] = all_columns(store)
    texts = [
        "Name",
        "Type",
        "Related record",
        "Result file",
        "Description",
        "Error text",
        "Stack trace",
    ]
    assert {line[name] for name in texts} == {"'=1"}
    assert line["Duration (s)"] == ""  # a negative number is no duration


def test_long_texts_are_read_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long error texts are, only so much of them is in memory, and none is lost."""
    monkeypatch.setattr(export_rows, "TEXTS_TOGETHER", 100_000)
    monkeypatch.setattr(export_rows, "FIRST_REPORTS", 9)
    monkeypatch.setattr(export_rows, "REPORTS_TOGETHER", 9)
    for number in range(20):
        job_id = store.job(f"job {number}")
        store.note(job_id, en=f"n{number} " * 10_000)
        store.execution(job_id, error_message="m" * 40_000, stack_trace=f"s{number} " * 5_000)
    pieces = list(export.csv_chunks(store.database(), ListView(), all_columns=True))
    assert max(map(len, pieces)) < 200_000
    lines = all_columns(store)
    assert [line["Name"] for line in lines] == [f"job {number}" for number in reversed(range(20))]
    assert [line["Stack trace"][:4].strip() for line in lines[:2]] == ["s19", "s18"]
    assert {len(line["Error text"]) > 60_000 for line in lines} == {True}


def test_all_columns_of_a_database_of_atom(atom_store: Store) -> None:
    """What AtoM does not keep is empty, and its notes are there."""
    atom_store.note(atom_store.job(status_id=185), en="it broke")
    [line] = all_columns(atom_store)
    assert (line["Error text"], line["Type"], line["Started"], line["Stack trace"]) == (
        "it broke",
        "",
        "",
        "",
    )
    assert line["Duration (s)"] == "0"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_defused_in_every_text(store: Store, start: str) -> None:
    """An apostrophe makes text of what a spreadsheet would compute."""
    formula = f"{start}HYPERLINK(1)"
    store.job(formula, user_id=store.user(formula))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE term_i18n SET name = '=1' WHERE id = 184 AND culture = 'en'")
    assert exported(store)[1][:3] == [f"'{formula}", "'=1", f"'{formula}"]


def test_formulas_are_defused_after_every_separator(store: Store) -> None:
    """Where the list separator is a semicolon, half of a name is a cell of its own."""
    store.job("ledger;=1+1;=1+2\n-3", user_id=store.user("a\t=1"))
    assert exported(store)[1][:3] == ["ledger;'=1+1;'=1+2\n'-3", "Completed", "a\t'=1"]


def test_an_export_holds_what_is_filtered(store: Store) -> None:
    """The filter and the order of the view are those of the export; its page is not."""
    for name in ("b", "a", "c"):
        store.job(name, status_id=185)
    store.job("completed")
    view = ListView(JobFilter(State.FAILED), Sort.NAME, page=7, limit=1)
    assert [line[0] for line in exported(store, view)[1:]] == ["a", "b", "c"]


def test_no_jobs_make_a_header_alone(store: Store) -> None:
    """An empty export is still a CSV."""
    assert len(exported(store)) == 1


def test_pieces_are_of_constant_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come in pieces from one cursor, and one read sees one moment."""
    monkeypatch.setattr(export_rows, "EXPORT_CHUNK_ROWS", 4)
    for _ in range(10):
        store.job()
    view = ListView(sort=Sort.NAME)  # newest first has pieces of its own
    pieces = [piece.count(b"\r\n") for piece in export.csv_chunks(store.database(), view)]
    assert pieces == [1, 4, 4, 2]


def test_an_abandoned_export_gives_its_connection_back(store: Store) -> None:
    """Closing the generator ends the transaction."""
    for _ in range(3):
        store.job()
    chunks = export.csv_chunks(store.database(), ListView())
    next(chunks), next(chunks)
    assert store.engine.pool.checkedout() == 1  # type: ignore[attr-defined] # of QueuePool
    chunks.close()
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # of QueuePool


def test_readers_who_stay_do_not_use_up_the_connections(store: Store) -> None:
    """A sixth export at a time is refused with a sentence; when one has ended, there is room again."""
    store.job()
    database = store.database()
    open_exports = [export.csv_chunks(database, ListView()) for _ in range(LONG_READS)]
    for chunks in open_exports:
        next(chunks), next(chunks)
    with pytest.raises(DatabaseBusy, match="5 exports are running"):
        next(export.csv_chunks(database, ListView()))
    assert list_page.count_jobs(database).total == 1
    for chunks in open_exports:
        chunks.close()
    assert len(exported(store)) == 2


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("sort", [Sort.DATE, Sort.NAME])
def test_the_connection_of_an_abandoned_export_can_be_used_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, sort: Sort, every: bool
) -> None:
    """What the reader left unread is not in the way of the next."""
    monkeypatch.setattr(export_rows, "EXPORT_CHUNK_ROWS", 2)
    monkeypatch.setattr(export_rows, "FIRST_REPORTS", 2)
    monkeypatch.setattr(export_rows, "REPORTS_TOGETHER", 2)
    for _ in range(30):
        store.job()
    for _ in range(20):
        chunks = export.csv_chunks(store.database(), ListView(sort=sort), all_columns=every)
        next(chunks), next(chunks)
        chunks.close()
        assert list_page.count_jobs(store.database()).total == 30
