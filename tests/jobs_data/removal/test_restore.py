"""What was removed comes back as it was, or stays away with a reason; on both kinds of database."""

import fcntl
import gzip
import json
import resource
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from jobs_data.jobs.job_report import read_report
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.removal import kept_receipts, restore
from jobs_data.removal.kept_receipts import State
from jobs_data.removal.restore import Undo, UndoRefused
from tests.support.databases import on_mariadb
from tests.support.dumps import dump
from tests.support.mariadb import MariaDB
from tests.support.removals import remove
from tests.support.store import Store, documented_grants

TEXTS = (
    st.none() | st.text(max_size=40) | st.sampled_from(["\0", "'\\\"\n\r\x1a", "🗃 ☃", "é", " x ", "%s"])
)
BYTES = st.binary(max_size=8)
TIMES = st.sampled_from(
    [None, "0000-00-00 00:00:00", "2026-02-31 10:00:00", "2026-06-15 12:00:00", "9999-12-31 23:59:59"]
)
CULTURES = ("en", "fr", "pt_BR", "zh-Hant")
# What only SQLite can hold: bytes as such, and as text though they are none.
ODD = TEXTS | BYTES | BYTES.map(lambda raw: (raw,))
TRANSLATED = st.lists(st.dictionaries(st.sampled_from(CULTURES), ODD, max_size=3), max_size=2)
JOBS = st.fixed_dictionaries(
    {
        "job": st.fixed_dictionaries(
            {
                "name": TEXTS,
                "download_path": ODD,
                "completed_at": TIMES,
                "output": ODD,
                "status_id": st.sampled_from([184, 185]),
            }
        ),
        "created_at": TIMES.filter(bool),
        "user": st.booleans(),
        "related": st.booleans(),
        "notes": TRANSLATED,
        "properties": TRANSLATED,
        "execution": st.none()
        | st.fixed_dictionaries({"error_message": ODD, "started_at": TIMES, "type": TEXTS}),
    }
)


def put(connection: Connection, table: str, **values: Any) -> int:
    """Insert a row with any values, invalid ones included, and return its id."""
    is_sqlite = connection.dialect.name == "sqlite"
    marks, bound = [], []
    for value in values.values():
        is_odd_text = isinstance(value, tuple)
        raw = value[0] if isinstance(value, tuple) else value
        if isinstance(raw, bytes) and not is_sqlite:
            raw = raw.hex()  # its columns hold text alone
        marks.append("CAST(? AS TEXT)" if is_sqlite and is_odd_text else "?" if is_sqlite else "%s")
        bound.append(raw)
    names = ", ".join(f"`{name}`" for name in values)
    statement = f"INSERT INTO `{table}` ({names}) VALUES ({', '.join(marks)})"
    return int(connection.exec_driver_sql(statement, tuple(bound)).lastrowid)


def put_job(connection: Connection, told: Mapping[str, Any], user_id: int, record_id: int) -> int:
    """Insert a job with all that is told of it, and return its id."""
    made = told["created_at"]
    job_id = put(connection, "object", class_name="QubitJob", created_at=made, updated_at=made)
    put(
        connection,
        "job",
        id=job_id,
        user_id=user_id if told["user"] else None,
        object_id=record_id if told["related"] else None,
        **told["job"],
    )
    for table, text_of, several in (
        ("note", "content", told["notes"]),
        ("property", "value", told["properties"]),
    ):
        for texts in several:
            own = put(connection, table, object_id=job_id, source_culture="en")
            for culture, translated in texts.items():
                values = {"id": own, "culture": culture, text_of: translated}
                put(connection, f"{table}_i18n", **values)
    if told["execution"]:
        put(connection, "ahg_job_execution", job_id=job_id, **told["execution"])
    return job_id


def undone(store: Store, receipt_id: str) -> Undo:
    """Undo a removal and return the undo when it has ended."""
    work = restore.start_undo(store.database(), receipt_id, "bob")
    work.wait()
    return work


def state_of(store: Store, receipt_id: str) -> State:
    """Return how things are with a receipt."""
    receipt = kept_receipts.read_receipt(store.receipts, receipt_id)
    assert receipt
    return receipt.state()


def test_an_undo_restores_every_byte(store: Store) -> None:
    """Whatever is in the jobs' rows, all tables are afterwards as they were before the removal."""
    user_id, record_id = store.user("ada"), store.record("fonds-1")
    store.belongings(store.job(status_id=183))

    # Without shrinking, which would take minutes: an example is at most three jobs.
    phases = (Phase.explicit, Phase.generate)

    @settings(max_examples=12, derandomize=True, deadline=None, database=None, phases=phases)
    @given(jobs=st.lists(JOBS, min_size=1, max_size=3))
    def restores(jobs: list[dict[str, Any]]) -> None:
        with store.engine.begin() as connection:
            if connection.dialect.name != "sqlite":
                connection.detach()
                connection.exec_driver_sql("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
            ids = [put_job(connection, told, user_id, record_id) for told in jobs]
        before = dump(store.engine)
        receipt_id = remove(store, ids)
        assert dump(store.engine) != before
        work = undone(store, receipt_id)
        assert (work.returned, work.could_not, work.error) == (len(ids), {}, "")
        assert dump(store.engine) == before
        assert state_of(store, receipt_id) is State.UNDONE
        # So that the next one does not dump them all.
        run(store, f"DELETE FROM ahg_job_execution WHERE job_id >= {ids[0]}")
        run(store, f"DELETE FROM object WHERE id >= {ids[0]}")

    restores()


def test_what_cannot_return_says_why_and_the_others_return(store: Store) -> None:
    """A user, record or status that is gone, a number that is taken: each keeps one job away."""
    user_id, record_id = store.user("ada"), store.record("fonds-1")
    store.term(190, en="Retired")
    by_user, by_record, by_status = (
        store.job(user_id=user_id),
        store.job(object_id=record_id),
        store.job(status_id=185),
    )
    taken, note_taken, fine = store.job(), store.job(), store.job("fine")
    note_id = store.note(note_taken, en="it broke")
    store.belongings(fine)
    receipt_id = remove(store, [by_user, by_record, by_status, taken, note_taken, fine])
    other = store.job("other")
    run(store, f"DELETE FROM object WHERE id IN ({user_id}, {record_id}, 185)")
    run(store, f"DELETE FROM actor WHERE id = {user_id}")
    store.object(id=taken)
    store.insert(tables.note, id=note_id, object_id=other, source_culture="en", serial_number=0)
    before = dump(store.engine)
    work = undone(store, receipt_id)
    assert (work.returned, work.failed, work.error) == (1, 5, "")
    assert {job_id: why.split(",")[0] for job_id, why in work.could_not.items()} == {
        by_user: "Its user",
        by_record: "Its related record",
        by_status: "Its status",
        taken: "Its number is in use again: this job",
        note_taken: "One of its rows has a number that something else has now.",
    }
    assert store.ids() == [fine, other]
    after = dump(store.engine)
    for table in ("job", "note_i18n", "property", "ahg_job_execution"):
        assert len(after[table]) == len(before[table]) + (2 if table == "note_i18n" else 1)
    assert state_of(store, receipt_id) is State.PARTLY_UNDONE
    # Once the way is free again, the next undo takes the rest.
    run(store, f"DELETE FROM object WHERE id = {taken}")
    assert undone(store, receipt_id).returned == 1
    receipt = kept_receipts.read_receipt(store.receipts, receipt_id)
    assert receipt
    assert receipt.summary.could_not.keys() == {str(i) for i in work.could_not if i != taken}


def run(store: Store, statement: str) -> None:
    """Do something to the database, as the platform or its administrator would."""
    with store.engine.begin() as connection:
        connection.execute(text(statement))


def test_references_are_looked_at_without_foreign_keys(store_without_foreign_keys: Store) -> None:
    """A database that came out of a dump would take a job whose user is gone; an undo does not."""
    store = store_without_foreign_keys
    user_id = store.user("ada")
    job_id, fine = store.job(user_id=user_id), store.job()
    receipt_id = remove(store, [job_id, fine])
    run(store, f"DELETE FROM user WHERE id = {user_id}")
    work = undone(store, receipt_id)
    assert work.could_not == {
        job_id: f"Its user, number {user_id}, is gone from the platform's database."
    }
    assert store.ids() == [fine]


def test_tables_that_have_changed(store: Store) -> None:
    """A new column gets its default; a job with rows in a column that is gone cannot return."""
    plain, with_note = store.job(), store.job()
    store.note(with_note, en="it broke")
    receipt_id = remove(store, [plain, with_note])
    run(store, "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 5")
    run(store, "ALTER TABLE note DROP COLUMN scope")
    work = undone(store, receipt_id)
    assert work.could_not == {
        with_note: "The platform's table note no longer has these columns: scope."
    }
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT id, priority FROM job")).all() == [(plain, 5)]


@on_mariadb
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("job MODIFY completed_at DATE", "The database would not keep it exactly as it was."),
        ("job ADD needed INT NOT NULL", "A table needs a value now for which the receipt has none."),
        ("job MODIFY name VARCHAR(3)", "The database does not take one of its rows (DataError 1406)."),
    ],
)
def test_nothing_is_coerced(store: Store, change: str, why: str) -> None:
    """Where a value would be cut or rounded, or one is lacking, the job stays away whole."""
    job_id = store.job("import")
    receipt_id = remove(store, [job_id])
    run(store, f"ALTER TABLE {change}")
    before = dump(store.engine)
    assert undone(store, receipt_id).could_not == {job_id: why}
    assert dump(store.engine) == before


@on_mariadb
def test_a_job_that_is_too_large_keeps_no_other_away(store: Store, mariadb_server: MariaDB) -> None:
    """The server hangs up amid it without a word; its neighbours return, and it says why it did not."""
    ids = [store.job(output="short"), store.job(output="\n" * 3 * 1024 * 1024), store.job()]
    receipt_id = remove(store, ids)
    with mariadb_server.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.max_allowed_packet")
        [before] = cursor.fetchone() or ()
        cursor.execute("SET GLOBAL max_allowed_packet = 1024 * 1024")
        try:
            store.engine.dispose()  # it is for new connections alone
            work = undone(store, receipt_id)
        finally:
            cursor.execute(f"SET GLOBAL max_allowed_packet = {before}")
            store.engine.dispose()
    assert (work.returned, work.error) == (2, "")
    assert work.could_not == {ids[1]: restore.TOO_LARGE}
    assert undone(store, receipt_id).returned == 1
    assert store.ids() == ids


def path_of(store: Store, receipt_id: str) -> Path:
    """Return a receipt's file."""
    return store.receipts / f"{receipt_id}.jsonl.gz"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return what a receipt says, read as anybody would."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def write(path: Path, *lines: Mapping[str, Any]) -> None:
    """Write a receipt, one member for each line."""
    path.write_bytes(
        b"".join(gzip.compress(json.dumps(line).encode() + b"\n", mtime=0) for line in lines)
    )


def test_an_undo_that_was_killed_is_pressed_again(store: Store) -> None:
    """What it had put back counts as returned; half a line at the end of the receipt does no harm."""
    ids = [store.job(f"job {number}") for number in range(4)]
    before = dump(store.engine)
    receipt_id = remove(store, ids)
    path = path_of(store, receipt_id)
    untouched = path.read_bytes()
    undone(store, receipt_id)
    # As if it had been killed after its commit, amid its line in the receipt.
    path.write_bytes(path.read_bytes()[:-9])
    run(store, f"DELETE FROM object WHERE id = {ids[3]}")
    run(store, f"DELETE FROM job WHERE id = {ids[3]}")
    work = undone(store, receipt_id)
    assert (work.returned, work.error) == (4, "")
    assert dump(store.engine) == before
    assert path.read_bytes().startswith(untouched)
    assert lines_of(path)[-1]["undone"]["returned"] == ids
    # A job that has been at work since is not what was removed, and is left alone.
    path.write_bytes(untouched)
    store.set_status(ids[0], 183)
    assert undone(store, receipt_id).could_not.keys() == {ids[0]}


def test_the_list_looks_for_what_has_come_back(store: Store) -> None:
    """What this process knew of the jobs is forgotten: they came back below the newest numbers."""
    database = store.database()
    receipt_id = remove(store, [store.job()])
    database.survey.make(database.reading)
    restore.start_undo(database, receipt_id, "bob").wait()
    assert (database.survey.is_known, database.changes) == (False, 1)


def test_a_removal_that_was_killed_is_settled_by_the_database(store: Store) -> None:
    """Of jobs without an outcome those return that are gone; the receipt then tells them apart."""
    gone, there = store.job("gone"), store.job("there")
    shown = dump(store.engine)
    receipt_id = remove(store, [there, gone])
    undone(store, receipt_id)
    path = path_of(store, receipt_id)
    header, *jobs = [line for line in lines_of(path) if "receipt" in line or "job" in line]
    remove(store, [gone])
    write(path, header, *jobs)
    assert state_of(store, receipt_id) is State.ENDED_EARLY
    assert undone(store, receipt_id).returned == 1
    assert dump(store.engine) == shown
    assert lines_of(path)[3:][0] == {"outcome": {"removed": [gone], "held": [there]}}
    assert state_of(store, receipt_id) is State.UNDONE


def test_a_removal_that_is_still_committing_is_waited_for(store: Store) -> None:
    """Its process was killed, but not its statement in the database: the job is not taken to stay."""
    job_id = store.job()
    before = dump(store.engine)
    receipt_id = remove(store, [job_id])
    undone(store, receipt_id)
    path = path_of(store, receipt_id)
    write(path, *lines_of(path)[:2])
    with store.engine.connect().execution_options(writes=True) as other, other.begin():
        other.execute(text(f"DELETE FROM job WHERE id = {job_id}"))
        other.execute(text(f"DELETE FROM object WHERE id = {job_id}"))
        work = restore.start_undo(store.database(), receipt_id, "bob")
        # Nothing tells that it waits; had it not waited, it would be through by then.
        time.sleep(0.3)
    work.wait()
    assert (work.returned, work.error) == (1, "")
    assert dump(store.engine) == before


def test_of_two_lines_for_a_job_the_last_counts(store: Store) -> None:
    """A removal that lost a deadlock writes a job again, which may have changed in between."""
    job_id = store.job("new name")
    receipt_id = remove(store, [job_id])
    path = path_of(store, receipt_id)
    header, line, *rest = lines_of(path)
    stale = json.loads(json.dumps(line).replace("new name", "old name"))
    write(path, header, stale, line, *rest)
    assert undone(store, receipt_id).returned == 1
    report = read_report(store.database(), job_id)
    assert report
    assert report.name == "new name"


def test_what_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such receipt, one that is being written, one of another database, one that says nothing."""
    monkeypatch.setattr(restore, "FILE_TRIES", 2)
    receipt_id = remove(store, [store.job()])
    path = path_of(store, receipt_id)
    with pytest.raises(UndoRefused, match="no receipt"):
        undone(store, "../../etc/passwd")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert state_of(store, receipt_id) is State.AT_WORK
        with pytest.raises(UndoRefused, match="is writing this receipt right now"):
            undone(store, receipt_id)
    header, *rest = lines_of(path)
    write(path, {**header, "database": "another"}, *rest)
    with pytest.raises(UndoRefused, match="another database"):
        undone(store, receipt_id)
    path.write_bytes(b"")
    with pytest.raises(UndoRefused, match="cannot be read"):
        undone(store, receipt_id)
    assert store.ids() == []


def test_a_damaged_receipt_is_left_as_it_is(store: Store) -> None:
    """Wherever a byte has changed, nothing is cut off, and nothing put back that is not as it was."""
    receipt_id = remove(store, [store.job("import"), store.job("import")])
    path = path_of(store, receipt_id)
    write(path, *lines_of(path))
    whole = path.read_bytes()
    header, first, *_, last, end = (
        piece for piece in kept_receipts.read_pieces(path) if isinstance(piece, int)
    )
    # Its kind; its flags, of fields that it has not, which hide all behind; its data; its sum.
    for begin, stop in (header, first), (last, end):
        for place, bit in (begin, 1), (begin + 3, 4), (begin + 3, 8), (begin + 20, 255), (stop - 8, 1):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            work = undone(store, receipt_id)
            assert "damaged" in work.error
            assert work.returned == 0
            assert path.read_bytes() == bytes(damaged)
    path.write_bytes(whole)
    assert undone(store, receipt_id).returned == 2


def test_a_line_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where the disk is full, the receipt stays as it was, and the next line can be read."""
    path = tmp_path / "receipt.jsonl.gz"
    write(path, {"receipt": 1})
    with closing(restore._Appending(path)) as file:
        file.cut(path.stat().st_size)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
        try:
            with pytest.raises(OSError, match="too large"):
                file.add({"undone": {"at": "2026-11-23T21:36:05Z", "by": "ada", "returned": [1]}})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        file.add({"undone": {}})
    assert lines_of(path) == [{"receipt": 1}, {"undone": {}}]


def test_it_needs_the_right_to_insert(mariadb_server: MariaDB) -> None:
    """With the documented rights it works; without it ends with a sentence, and nothing is back."""
    mariadb_server.create_database("undo_rights")
    store = Store(mariadb_server.url("undo_rights"))
    account = "back@127.0.0.1"
    grants = documented_grants("undo_rights", account)
    try:
        job_id = store.job()
        store.belongings(job_id)
        receipt_id = remove(store, [job_id])
        with mariadb_server.cursor() as cursor:
            cursor.execute(f"CREATE USER {account} IDENTIFIED BY 'word'")
            for statement in grants:
                cursor.execute(statement.replace("INSERT, DELETE", "DELETE"))
        url = f"mysql+pymysql://back:word@127.0.0.1:{mariadb_server.port}/undo_rights"
        database = Database(make_engine(url), receipts_dir=store.receipts)
        work = restore.start_undo(database, receipt_id, "bob")
        work.wait()
        assert "may not do that (OperationalError 1142)" in work.error
        assert store.ids() == []
        with mariadb_server.cursor() as cursor:
            for statement in grants:
                cursor.execute(statement)
        work = restore.start_undo(database, receipt_id, "bob")
        work.wait()
        assert (work.returned, work.error) == (1, "")
        database.engine.dispose()
    finally:
        store.engine.dispose()
        mariadb_server.drop_database("undo_rights")
        with mariadb_server.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {account}")
