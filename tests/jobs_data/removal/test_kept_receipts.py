"""The receipts that are kept: what is told of them, which is found, and when they go."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.removal import kept_receipts
from jobs_data.removal.kept_receipts import Receipt, ReceiptsUnreadable, State, Summary
from jobs_data.removal.receipts import Action, Cause, ReceiptWriter

COLUMNS = {"object": ["id", "created_at"], "job": ["id", "output", "name"]}
HOSTILE = "*Bold* <b> %_ \n🗃"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Give a database of which the folder of the receipts alone is used."""
    return Database(make_engine("sqlite:////nowhere/jobs.sqlite"), receipts_dir=tmp_path / "receipts")


def write(
    database: Database, names: dict[int, str | None], by: str = "ada", which: str = "2 selected jobs"
) -> str:
    """Write the receipt of a removal, a member for each job, and return its id."""
    writer = ReceiptWriter(database, Cause(by, Action.DELETE, which), COLUMNS)
    for job_id, name in names.items():
        rows = {
            "object": [[job_id, "2026-06-15 12:00:00"]],
            "job": [[job_id, "output " * 20, name]],
        }
        writer.write({job_id: json.dumps({"job": job_id, "rows": rows}).encode() + b"\n"})
        writer.tell({"removed": [job_id]})
    writer.tell({"active": [70_001], "held": [70_002, 70_003]})
    writer.close("")
    return writer.id


def listed(database: Database) -> list[Receipt]:
    """Return the receipts as a process sees them that has just started."""
    kept_receipts._known.clear()
    return kept_receipts.list_receipts(database.receipts_dir)


def renamed(database: Database, receipt_id: str, made: datetime) -> str:
    """Let a receipt be of another time; return its id."""
    new = f"{made:%Y%m%dT%H%M%SZ}{receipt_id[16:]}"
    path = kept_receipts.find(database.receipts_dir, receipt_id)
    assert path
    path.rename(path.with_name(f"{new}.jsonl.gz"))
    return new


def test_no_folder_is_no_receipt(database: Database, tmp_path: Path) -> None:
    """Before the first removal there is none; what is no folder is a sentence."""
    assert listed(database) == []
    (tmp_path / "receipts").write_text("")
    with pytest.raises(ReceiptsUnreadable, match="HERATIO_JOBS_RECEIPTS_DIR"):
        listed(database)


def test_the_list_tells_what_each_receipt_is(database: Database) -> None:
    """The newest first; who, when, which jobs, how many went and stayed, and the names."""
    older = write(database, {5: "b", 3: None, 4: "b"}, by="bob")
    newer = write(database, {9: HOSTILE}, which=HOSTILE)
    older = renamed(database, older, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    first, second = listed(database)
    assert [first.id, second.id] == [newer, older]
    assert second.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (second.summary.by, second.summary.action) == ("bob", "delete")
    assert (first.summary.filter, first.summary.top_names(3)) == (HOSTILE, [(HOSTILE, 1)])
    said = second.summary
    assert (said.removed, said.active, said.missing, said.held) == (3, 1, 0, 2)
    assert (said.first_id, said.last_id) == (3, 5)
    assert said.stayed == {"active": [70_001], "held": [70_002, 70_003]}
    assert said.top_names(1) == [("b", 2)]
    assert [receipt.state() for receipt in (first, second)] == [State.COMPLETE] * 2


def test_what_is_kept_beside_a_receipt_is_never_the_truth(database: Database) -> None:
    """It is read where it is of the file, and made anew where it is not; both tell the same."""
    receipt_id = write(database, {5: "b", 3: "a"})
    [receipt] = listed(database)
    beside = database.receipts_dir / f"{receipt_id}.json"
    assert Summary(**json.loads(beside.read_text())) == receipt.summary
    assert listed(database) == [receipt]
    for nonsense in ("", "{", "[]", '{"by": "eve", "size": 1}', '{"by": "eve", "unheard": 1}'):
        beside.write_text(nonsense)
        assert listed(database) == [receipt]
    with receipt.path.open("ab") as file:
        undone = {"at": "2026-11-23T21:36:05Z", "by": "eve", "returned": [3], "could_not": {"5": "why"}}
        file.write(gzip.compress(json.dumps({"undone": undone}).encode() + b"\n"))
    [grown] = listed(database)
    beside.unlink()
    [anew] = listed(database)
    assert grown == anew
    assert (anew.summary.returned, anew.summary.could_not) == (1, {"5": "why"})
    assert anew.state() is State.PARTLY_UNDONE


def test_a_receipt_that_was_cut_is_read_up_to_there(database: Database) -> None:
    """Wherever it ends, what its whole members say is told, and nothing of the one that is cut."""
    write(database, {5: "b", 3: "a", 4: "c"})
    [receipt] = listed(database)
    whole = receipt.path.read_bytes()
    ends = [piece for piece in kept_receipts.read_pieces(receipt.path) if isinstance(piece, int)]
    assert ends[-1] == len(whole)
    for length in range(0, len(whole), 7):
        receipt.path.write_bytes(whole[:length])
        receipt.path.with_name(f"{receipt.id}.json").unlink(missing_ok=True)
        [cut] = listed(database)
        members = sum(end <= length for end in ends)
        # The outcome of a job is written with what comes next.
        assert (cut.summary.removed, cut.summary.pending) == (
            max(0, members - 1),
            [5, 3, 4][members - 1 : members],
        )
        assert cut.state() is State.ENDED_EARLY


def test_a_long_receipt_is_read_in_the_background(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list says what its first line says, and all of it as soon as that is known."""
    monkeypatch.setattr(kept_receipts, "AT_ONCE_BYTES", 10)
    write(database, {5: "b"}, by="bob")
    [receipt] = listed(database)
    assert (receipt.is_being_read, receipt.summary.by) == (True, "bob")
    kept_receipts._reading.submit(int).result()
    [receipt] = kept_receipts.list_receipts(database.receipts_dir)
    assert (receipt.is_being_read, receipt.summary.removed) == (False, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BOB", "older"),
        ("import accessions", "older"),
        ("delete", "older newer"),
        ("Deleted", "older newer"),
        ("selected bob", "older"),
        ("%", "newer"),
        ("_", "newer"),
        ("41", "older"),
        ("61", ""),
        ("bob 91", ""),
        ("91 ada", "newer"),
        ("12345678901234567890", ""),
        ("nobody", ""),
        ("", "older newer"),
    ],
)
def test_a_search_finds_words_and_numbers(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str, found: str
) -> None:
    """In who, what, which jobs and names; a number is that of a job whose rows are there."""
    monkeypatch.setattr(kept_receipts, "PART_JOBS", 2)
    ids = {
        write(database, {31: "Import: accessions", 81: "x", 41: "y", 51: "z"}, by="Bob"): "older",
        write(database, {91: "50 %_"}): "newer",
    }
    receipts = listed(database)
    assert max(len(receipt.summary.parts) for receipt in receipts) == 2
    matching, unread = kept_receipts.search(receipts, text)
    assert ({ids[receipt.id] for receipt in matching}, unread) == (set(found.split()), 0)


def test_a_search_that_takes_long_says_what_it_left_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receipts that it did not get to are counted."""
    monkeypatch.setattr(kept_receipts, "SEARCH_SECONDS", -1)
    write(database, {31: "a"})
    assert kept_receipts.search(listed(database), "31") == ([], 1)
    assert kept_receipts.search(listed(database), "nobody") == ([], 0)


def test_old_receipts_are_erased_and_nothing_else(database: Database) -> None:
    """By the time in their names, with what is beside them; a file of any other name stays."""
    now = datetime.now(UTC)
    ids = [write(database, {3: "a"}), write(database, {3: "a"})]
    old, kept = (
        renamed(database, receipt_id, now - timedelta(days=days))
        for receipt_id, days in zip(ids, (91, 89), strict=True)
    )
    listed(database)
    folder = database.receipts_dir
    strangers = [f"x{old}.jsonl.gz", f"{old}.jsonl.gz.bak", f"{old}.txt", "20200101T000000Z.json"]
    for name in strangers:
        (folder / name).write_text("")
    assert kept_receipts.discard_old(folder, 90, now) == 1
    left = {path.name for path in folder.iterdir()}
    assert left == {*strangers, f"{kept}.jsonl.gz", f"{kept}.json"}
    # Whoever writes the next one erases old ones, too.
    renamed(database, kept, now - timedelta(days=100))
    new = write(database, {4: "b"})
    assert {receipt.id for receipt in listed(database)} == {new}


def test_one_that_cannot_be_erased_keeps_no_other(tmp_path: Path) -> None:
    """A folder that has the name of an old receipt stays, and the receipts around it go."""
    names = [f"20200101T000000Z-{number:08x}.jsonl.gz" for number in range(12)]
    for name in names[::2]:
        (tmp_path / name).mkdir()
    for name in names[1::2]:
        (tmp_path / name).touch()
    assert kept_receipts.discard_old(tmp_path, 90) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == names[::2]


@pytest.mark.parametrize("name", ["", "..", "../secret", "20260102T030405Z-0123456G", "a" * 25])
def test_only_names_of_receipts_lead_to_files(database: Database, name: str) -> None:
    """Whatever an address says, nothing else in or outside the folder is read."""
    write(database, {3: "a"})
    (database.receipts_dir / f"{name}.jsonl.gz".replace("/", "_")).write_text("secret")
    assert kept_receipts.find(database.receipts_dir, name) is None


def test_a_sample_is_short(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first jobs with the beginning of their texts; fewer where they are long."""
    write(database, {3: "a", 4: "b", 5: "c"})
    [receipt] = listed(database)

    def sampled() -> list[Any]:
        return [job["name"] for job in kept_receipts.read_sample(receipt.path, 2)]

    assert sampled() == ["a", "b"]
    monkeypatch.setattr(kept_receipts, "SAMPLE_TEXT", 3)
    assert kept_receipts.read_sample(receipt.path, 1)[0]["output"] == "out"
    monkeypatch.setattr(kept_receipts, "SAMPLE_BYTES", 10)
    assert sampled() == ["a"]


def test_lines_that_are_none_of_a_receipt_are_passed_over(database: Database) -> None:
    """A file that somebody has edited does not keep the others from being listed."""
    write(database, {3: "a"})
    [receipt] = listed(database)
    strange = [
        b"nothing",
        b"[1]",
        b'{"job": "x"}',
        b'{"job": 4}',
        b'{"outcome": 5}',
        b'{"undone": [1]}',
    ]
    strange += [b'{"job": 5, "rows": {"job": [7]}}', b'{"end": null}', b'{"receipt": 1, "columns": 1}']
    with receipt.path.open("ab") as file:
        file.write(gzip.compress(b"\n".join(strange)))
    [edited] = listed(database)
    assert (edited.summary.removed, edited.summary.names) == (1, {"a": 1})
    assert len(kept_receipts.read_sample(receipt.path, 9)) > 0
