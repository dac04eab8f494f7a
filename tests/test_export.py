"""The CSV of the jobs: complete, in order, readable by spreadsheets and harmless in them."""

import csv
import io
from datetime import datetime, timedelta

import pytest

from jobs_data import export, export_rows, queries
from jobs_data.engine import DatabaseBusy
from jobs_data.filters import JobFilter, ListView, Sort
from jobs_data.status import State
from tests.store import NOON, Store


def exported(store: Store, view: ListView | None = None, **options: str) -> list[list[str]]:
    """Return the lines of the export as a spreadsheet reads them."""
    data = b"".join(export.csv_chunks(store.database(**options), view or ListView()))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


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


def test_it_starts_with_a_mark_and_ends_lines_as_the_rfc_says(store: Store) -> None:
    """Spreadsheets need the byte-order mark, and RFC 4180 wants CRLF."""
    store.job('say "hi", twice\nor more')
    data = b"".join(export.csv_chunks(store.database(), ListView()))
    assert data.startswith(b"\xef\xbb\xbfName,Status,User,Created,Completed\r\n")
    assert b'"say ""hi"", twice\nor more",Completed' in data
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_defused_in_every_text(store: Store, start: str) -> None:
    """An apostrophe makes text of what a spreadsheet would compute."""
    formula = f"{start}HYPERLINK(1)"
    store.job(formula, user_id=store.user(formula))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE term_i18n SET name = '=1' WHERE id = 184 AND culture = 'en'")
    assert exported(store)[1][:3] == [f"'{formula}", "'=1", f"'{formula}"]


@pytest.mark.parametrize("text", ["a=1", "2-1", "naïve 😀", " =1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    """Only the first character makes a formula."""
    assert export.defuse(text) == text


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
    view = ListView(sort=Sort.NAME)  # newest first has pieces of its own: tests/test_spans.py
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
    open_exports = [export.csv_chunks(database, ListView()) for _ in range(export.PARALLEL_EXPORTS)]
    for chunks in open_exports:
        next(chunks), next(chunks)
    with pytest.raises(DatabaseBusy, match="5 exports are being read"):
        next(export.csv_chunks(database, ListView()))
    assert queries.count_jobs(database).total == 1
    for chunks in open_exports:
        chunks.close()
    assert len(exported(store)) == 2


@pytest.mark.parametrize("sort", Sort)
def test_the_connection_of_an_abandoned_export_can_be_used_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, sort: Sort
) -> None:
    """What the reader left unread is not in the way of the next."""
    monkeypatch.setattr(export_rows, "EXPORT_CHUNK_ROWS", 2)
    for _ in range(30):
        store.job()
    for _ in range(20):
        chunks = export.csv_chunks(store.database(), ListView(sort=sort))
        next(chunks), next(chunks)
        chunks.close()
        assert queries.count_jobs(store.database()).total == 30
