"""The receipts that are kept: what each says, which a search finds, when they go; on both databases."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from jobs_data.audit import Actor
from jobs_data.store import receipts, schema
from jobs_data.store.batch_content import as_content
from jobs_data.store.database import Store
from jobs_data.store.expiry import expire
from jobs_data.store.receipt_writer import Action, Reason, ReceiptWriter
from jobs_data.store.receipts import Receipt, State, list_receipts, read_receipt
from jobs_data.store.schema import Outcome

HOSTILE = "*Bold* <b> %_ \n🗃"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def own(empty_database: str) -> Iterator[Store]:
    """Give an empty database of the app's own."""
    own = Store(make_url(empty_database), "HERATIO_JOBS_STATE_URL")
    yield own
    own.close()


def writer_for(own: Store, by: str = "ada", which: str = "2 selected jobs") -> ReceiptWriter:
    """Return the writer of a removal's receipt."""
    columns = {"object": ["id", "created_at"], "job": ["id", "output", "name"]}
    return ReceiptWriter(own, Reason(Actor(by), Action.DELETE, which), "a database", columns)


def write_batch(writer: ReceiptWriter, names: Mapping[int, str]) -> int:
    """Write a batch with these jobs, and return its number."""
    rows = {
        "object": ([job_id, "2026-06-15"] for job_id in names),
        "job": ([job_id, "o" * 400, name] for job_id, name in names.items()),
    }
    tables = {
        table: "\n".join(f"{row[0]} {json.dumps(row)}" for row in found).encode()
        for table, found in rows.items()
    }
    return writer.write(names, as_content(tables.items()), Counter(names.values()))


def write(own: Store, names: Mapping[int, str], by: str = "ada", which: str = "2 selected jobs") -> str:
    """Write the receipt of a removal, a batch for each job, and return its id."""
    writer = writer_for(own, by, which)
    for job_id, name in names.items():
        writer.confirm({Outcome.REMOVED: [job_id]}, write_batch(writer, {job_id: name}))
    writer.confirm({Outcome.ACTIVE: [70_001], Outcome.LOCKED: [70_002, 70_003]})
    writer.close("")
    return writer.id


def receipt_of(own: Store, receipt_id: str) -> Receipt:
    """Return a receipt that is there."""
    receipt = read_receipt(own, receipt_id)
    assert receipt
    return receipt


def lines_in(own: Store, receipt_id: str) -> list[dict[str, object]]:
    """Return a receipt's lines."""
    return [json.loads(line) for line in b"".join(receipts.stream(own, receipt_id)).splitlines()]


def test_names_differ_where_their_characters_differ(own: Store) -> None:
    """A collation by bytes still pads a name with spaces."""
    names = ("abc", "abc ", "ABC", "abc\0", "Import 🍣", "Import 🍺")
    receipt = receipt_of(own, write(own, dict(enumerate([*names, *names], 1))))
    assert sorted(receipt.names) == sorted((name, 2) for name in names)
    assert receipt.other_names == 0


def test_the_list_tells_what_each_receipt_is(own: Store) -> None:
    """The newest first; who, when, which jobs, how many went and stayed, and the names."""
    before = datetime.now(UTC).replace(microsecond=0)
    older = write(own, {5: "b", 3: "", 4: "b"}, by="bob")
    newer = write(own, {9: HOSTILE}, which=HOSTILE)
    page = list_receipts(own, "", 1, 25)
    first, second = page.items
    assert [first.id, second.id] == [newer, older]
    assert before <= second.at <= datetime.now(UTC)
    assert (second.by, second.action) == ("bob", "delete")
    assert (first.filter, first.names) == (HOSTILE, [(HOSTILE, 1)])
    assert (second.removed, second.stayed, second.pending) == (3, 3, 0)
    assert second.counts == {Outcome.REMOVED: 3, Outcome.ACTIVE: 1, Outcome.LOCKED: 2}
    assert (second.names, second.other_names) == ([("b", 2), ("", 1)], 0)
    assert {first.state, second.state} == {State.COMPLETE}
    assert receipts.job_ids(own, second.key, Outcome.LOCKED, 100) == [70_002, 70_003]
    assert [each.id for each in list_receipts(own, "", 2, 1).items] == [older]
    # A page behind the last one is the last one.
    assert list_receipts(own, "", 99, 1).number == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BOB", "older"),
        ("import accessions", "older"),
        ("éXPORT", "older"),
        ("delete", "older newer"),
        ("Deleted", "older newer"),
        ("selected bob", "older"),
        ("%", "newer"),
        ("_", "newer"),
        ("41", "older"),
        ("61", ""),
        ("70001", ""),
        ("bob 91", ""),
        ("91 ada", "newer"),
        ("1234567890123456789", "older"),
        ("12345678901234567891", ""),
        ("123456789012345678", ""),
        ("9223372036854775808", ""),
        ("9" * 5000, ""),
        ("nobody", ""),
        ("", "older newer"),
    ],
)
def test_a_search_finds_words_and_numbers(own: Store, text: str, found: str) -> None:
    """In who, what, which jobs and names; a number is that of a job whose rows are there, or none."""
    older = {31: "Import: accessions", 81: "Éxport", 41: "y", 1234567890123456789: "z"}
    ids = {write(own, older, by="Bob"): "older", write(own, {91: "50 %_"}): "newer"}
    page = list_receipts(own, text, 1, 25)
    assert {ids[each.id] for each in page.items} == set(found.split())
    assert page.total == len(found.split())


def test_a_receipt_is_found_by_its_id(own: Store) -> None:
    """And nothing else has it."""
    receipt_id = write(own, {3: "a"})
    write(own, {3: "a"})
    assert [each.id for each in list_receipts(own, receipt_id, 1, 9).items] == [receipt_id]
    assert read_receipt(own, receipt_id[:-1]) is None


def test_a_batch_is_pending_until_it_is_confirmed(own: Store) -> None:
    """What a kill leaves is there with its rows; the next write says what became of the one before."""
    writer = writer_for(own)
    first = write_batch(writer, {1: "a", 2: "a"})
    receipt = receipt_of(own, writer.id)
    assert receipt.counts == {Outcome.PENDING: 2}
    assert (receipt.state, receipt.to_restore) == (State.AT_WORK, 2)
    assert [line["job"] for line in lines_in(own, writer.id) if "job" in line] == [1, 2]
    writer.confirm({Outcome.REMOVED: [1, 2]}, first)
    write_batch(writer, {3: "b"})
    assert receipt_of(own, writer.id).counts == {Outcome.REMOVED: 2, Outcome.PENDING: 1}
    writer.close("The database went away.")
    receipt = receipt_of(own, writer.id)
    assert (receipt.state, receipt.pending, receipt.error) == (
        State.ENDED_EARLY,
        1,
        "The database went away.",
    )


def test_a_batch_that_was_rolled_back_leaves_nothing(own: Store) -> None:
    """Neither rows nor names; where nothing else was removed, no receipt either."""
    writer = writer_for(own)
    first, second = write_batch(writer, {1: "a"}), write_batch(writer, {2: "b"})
    writer.roll_back(first)
    third = write_batch(writer, {1: "new name"})
    assert receipt_of(own, writer.id).counts == {Outcome.PENDING: 2}  # of two batches
    writer.roll_back(second)
    writer.confirm({Outcome.REMOVED: [1]}, third)
    writer.close("")
    receipt = receipt_of(own, writer.id)
    assert (receipt.counts, receipt.names) == ({Outcome.REMOVED: 1}, [("new name", 1)])
    assert len([line for line in lines_in(own, writer.id) if "job" in line]) == 1
    nothing = writer_for(own)
    nothing.roll_back(write_batch(nothing, {1: "a"}))
    nothing.confirm({Outcome.LOCKED: [1]})
    nothing.close("")
    assert nothing.id == ""
    assert list_receipts(own, "", 1, 9).total == 1
    assert rows(own) == {"receipt": 1, "receipt_batch": 1, "receipt_job": 1, "receipt_name": 1}


def test_a_batch_of_unknown_outcome_keeps_the_receipt(own: Store) -> None:
    """Also if the other one, written after it, was rolled back and nothing else was deleted."""
    writer = writer_for(own)
    write_batch(writer, {1: "a"})
    writer.roll_back(write_batch(writer, {2: "b"}))
    writer.close("The answer was lost.")
    assert receipt_of(own, writer.id).counts == {Outcome.PENDING: 1}


def test_what_was_not_deleted_before_the_first_write_is_in_the_receipt(own: Store) -> None:
    """A receipt begins with the first batch that has a deleted job."""
    writer = writer_for(own)
    writer.confirm({Outcome.ACTIVE: [1]})
    writer.confirm({Outcome.REMOVED: [2]}, write_batch(writer, {2: "a"}))
    writer.close("")
    assert receipt_of(own, writer.id).counts == {Outcome.ACTIVE: 1, Outcome.REMOVED: 1}


def rows(own: Store) -> dict[str, int]:
    """Return how many rows each table of receipts has."""
    tables = (schema.receipt, schema.batch, schema.job, schema.name)
    with own.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }


def test_what_cannot_be_encoded_is_replaced(own: Store) -> None:
    """A user of the operating system may have a name that is no text."""
    receipt_id = write(own, {1: "a\udcff"}, by="\udcff")
    assert (receipt_of(own, receipt_id).by, receipt_of(own, receipt_id).names) == ("?", [("a?", 1)])


def test_a_sample_is_short(own: Store) -> None:
    """The first jobs, of as many batches as it takes, with the beginning of their texts."""
    writer = writer_for(own)
    for names in ({3: "a"}, {4: "b", 5: "c"}):
        writer.confirm({Outcome.REMOVED: [*names]}, write_batch(writer, names))
    writer.close("")
    sample = receipts.read_sample(own, receipt_of(own, writer.id), 2)
    assert [(job["id"], job["name"], len(job["output"])) for job in sample] == [
        (3, "a", receipts.SAMPLE_TEXT),
        (4, "b", receipts.SAMPLE_TEXT),
    ]


def made(own: Store, receipt_id: str, at: datetime) -> str:
    """Let a receipt be of another time; return its id."""
    with own.writing() as connection:
        connection.execute(
            update(schema.receipt).where(schema.receipt.c.id == receipt_id).values(at=at)
        )
    return receipt_id


def ids(own: Store) -> list[str]:
    """Return the ids of all receipts, the oldest first."""
    return [each.id for each in reversed(list_receipts(own, "", 1, 100).items)]


def test_old_receipts_are_erased_a_week_after_they_were_found_old(own: Store) -> None:
    """With all that is theirs, after a warning; younger ones stay, and so does one of the future."""
    old = made(own, write(own, {1: "a"}), NOW - timedelta(days=91))
    kept = made(own, write(own, {2: "a"}), NOW - timedelta(days=80))
    future = made(own, write(own, {3: "a"}), NOW + timedelta(days=400))
    for days in range(7):
        assert "1 deletion older than 90 days" in expire(own, 90, NOW + timedelta(days=days))
    assert ids(own) == [old, kept, future]
    assert expire(own, 90, NOW + timedelta(days=7)) == ""
    assert ids(own) == [kept, future]
    assert rows(own) == {"receipt": 2, "receipt_batch": 2, "receipt_job": 8, "receipt_name": 2}


@pytest.mark.parametrize("number", [1, 3, 5, 20])
def test_a_clock_that_is_wrong_once_erases_nothing(own: Store, number: int) -> None:
    """However many receipts there are, and however often the app looks meanwhile."""
    written = [made(own, write(own, {n: "a"}), NOW) for n in range(number)]
    ahead = NOW + timedelta(days=100)
    for minutes in range(3):
        expire(own, 90, ahead + timedelta(minutes=minutes))
    assert ids(own) == written
    # The clock is right again, and is wrong once more a week later.
    expire(own, 90, NOW + timedelta(days=1))
    expire(own, 90, ahead + timedelta(days=8))
    assert ids(own) == written


def test_a_mark_of_a_wrong_clock_keeps_no_receipt(own: Store) -> None:
    """One that is too old goes a week after the clock was set right."""
    made(own, write(own, {1: "a"}), NOW - timedelta(days=91))
    for days in (10_000, 0, 7):
        expire(own, 90, NOW + timedelta(days=days))
    assert ids(own) == []
