"""What was removed comes back as it was, or stays away with a reason; on both kinds of database."""

import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, make_url, text, update
from sqlalchemy.exc import IntegrityError

from jobs_data.audit import Actor
from jobs_data.background import StopSwitch
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.removal import restore, restore_batch
from jobs_data.removal.restore import Restore, RestoreRefused, Restores
from jobs_data.store import receipts, schema
from jobs_data.store.receipts import Receipt, State
from jobs_data.store.schema import Outcome
from tests.support.databases import on_mariadb
from tests.support.dumps import dump
from tests.support.grants import account
from tests.support.mariadb import MariaDB
from tests.support.removals import remove
from tests.support.store import Store

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


def restored(store: Store, receipt_id: str) -> Restore:
    """Restore what was removed and return the restore when it has ended."""
    work = store.restores().start(receipt_id, Actor("bob"))
    work.wait()
    return work


def receipt_of(store: Store, receipt_id: str) -> Receipt:
    """Return a receipt that is there."""
    receipt = receipts.read_receipt(store.own, receipt_id)
    assert receipt
    return receipt


def problems(store: Store, receipt_id: str) -> dict[int, str]:
    """Return why jobs of a receipt could not return."""
    return receipts.problems(store.own, receipt_of(store, receipt_id).key, 100)


def state_of(store: Store, receipt_id: str) -> State:
    """Return how things are with a receipt."""
    return receipt_of(store, receipt_id).state


def change(store: Store, table: Table, **values: Any) -> None:
    """Change all rows of the app's own database, as a kill would have left them."""
    with store.own.writing() as connection:
        connection.execute(update(table).values(**values))


def test_a_restore_restores_every_byte(store: Store) -> None:
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
        work = restored(store, receipt_id)
        assert (work.restored, work.failed, work.error) == (len(ids), 0, "")
        assert dump(store.engine) == before
        assert state_of(store, receipt_id) is State.RESTORED
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
    work = restored(store, receipt_id)
    assert (work.restored, work.failed, work.error) == (1, 5, "")
    kept_away = problems(store, receipt_id)
    assert {job_id: why.split(",")[0] for job_id, why in kept_away.items()} == {
        by_user: "Its user",
        by_record: "Its related record",
        by_status: "Its status",
        taken: "Its number is in use again: the platform's database has something else under it",
        note_taken: "The number of one of its rows is in use again.",
    }
    assert store.ids() == [fine, other]
    after = dump(store.engine)
    for table in ("job", "note_i18n", "property", "ahg_job_execution"):
        assert len(after[table]) == len(before[table]) + (2 if table == "note_i18n" else 1)
    assert state_of(store, receipt_id) is State.PARTLY_RESTORED
    # Once the number is free again, the next restore takes it.
    run(store, f"DELETE FROM object WHERE id = {taken}")
    assert restored(store, receipt_id).restored == 1
    assert problems(store, receipt_id).keys() == kept_away.keys() - {taken}


def run(store: Store, statement: str) -> None:
    """Do something to the database, as the platform or its administrator would."""
    with store.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_job_that_had_lost_its_object_returns_without_it(store: Store) -> None:
    """As it was, although a foreign key asks for the object; afterwards the keys are checked again."""
    user_id = store.user("ada")
    whole, orphan, of_user = store.job(), store.job(), store.job(user_id=user_id)
    store.belongings(whole)
    store.belongings(orphan)
    with closing(Store.on(store.url, foreign_keys=False)) as unchecked:
        for job_id in (orphan, of_user):
            run(unchecked, f"DELETE FROM object WHERE id = {job_id}")
    before = dump(store.engine)
    receipt_id = remove(store, [whole, orphan, of_user])
    assert store.ids(tables.note, "object_id") == []
    run(store, f"DELETE FROM object WHERE id = {user_id}")
    work = restored(store, receipt_id)
    assert (work.restored, work.failed, work.error) == (2, 1, "")
    assert "Its user" in problems(store, receipt_id)[of_user]
    after = dump(store.engine)
    for table in ("note", "note_i18n", "property", "property_i18n", "ahg_job_execution"):
        assert after[table] == before[table]
    assert store.ids() == [whole, orphan]
    assert orphan not in store.ids(tables.object_)
    with store.database().writing() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO job (id) VALUES (7777)"))


def test_references_are_looked_at_without_foreign_keys(store_without_foreign_keys: Store) -> None:
    """A database that came out of a dump would take a job whose user is gone; an undo does not."""
    store = store_without_foreign_keys
    user_id = store.user("ada")
    job_id, fine = store.job(user_id=user_id), store.job()
    receipt_id = remove(store, [job_id, fine])
    run(store, f"DELETE FROM user WHERE id = {user_id}")
    restored(store, receipt_id)
    assert problems(store, receipt_id) == {job_id: f"Its user, number {user_id}, no longer exists."}
    assert store.ids() == [fine]


def test_tables_that_have_changed(store: Store) -> None:
    """A new column gets its default; a job with rows in a column that is gone cannot return."""
    plain, with_note = store.job(), store.job()
    store.note(with_note, en="it broke")
    receipt_id = remove(store, [plain, with_note])
    run(store, "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 5")
    run(store, "ALTER TABLE note DROP COLUMN scope")
    restored(store, receipt_id)
    assert problems(store, receipt_id) == {
        with_note: "Columns are missing in the platform's table note: scope."
    }
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT id, priority FROM job")).all() == [(plain, 5)]


@on_mariadb
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("job MODIFY completed_at DATE", "The database would not store it exactly as it was."),
        (
            "job ADD needed INT NOT NULL",
            "A table now requires a value that the deleted job does not have.",
        ),
        ("job MODIFY name VARCHAR(3)", "The database refused one of its rows (DataError 1406)."),
    ],
)
def test_nothing_is_coerced(store: Store, change: str, why: str) -> None:
    """Where a value would be cut or rounded, or one is lacking, the job stays away whole."""
    job_id = store.job("import")
    receipt_id = remove(store, [job_id])
    run(store, f"ALTER TABLE {change}")
    before = dump(store.engine)
    restored(store, receipt_id)
    assert problems(store, receipt_id) == {job_id: why}
    assert dump(store.engine) == before


@on_mariadb
def test_a_job_that_is_too_large_keeps_no_other_away(store: Store, mariadb_server: MariaDB) -> None:
    """The server hangs up amid it without a word; its neighbours return, and it says why it did not."""
    ids = [store.job(output="short"), store.job(output="\n" * 3 * 1024 * 1024), store.job()]
    receipt_id = remove(store, ids)
    with mariadb_server.variables(max_allowed_packet=1024 * 1024):
        store.engine.dispose()
        work = restored(store, receipt_id)
        store.close()
    assert (work.restored, work.error) == (2, "")
    assert problems(store, receipt_id) == {ids[1]: restore_batch.TOO_LARGE}
    assert restored(store, receipt_id).restored == 1
    assert store.ids() == ids


def test_a_restore_that_was_killed_is_pressed_again(store: Store) -> None:
    """What it had restored counts as such, though its write to the receipt was lost."""
    ids = [store.job(f"job {number}") for number in range(4)]
    before = dump(store.engine)
    receipt_id = remove(store, ids)
    restored(store, receipt_id)
    # As if it had been killed after its commit.
    change(store, schema.job, outcome=Outcome.REMOVED)
    run(store, f"DELETE FROM object WHERE id = {ids[3]}")
    run(store, f"DELETE FROM job WHERE id = {ids[3]}")
    work = restored(store, receipt_id)
    assert (work.restored, work.error) == (4, "")
    assert dump(store.engine) == before
    assert state_of(store, receipt_id) is State.RESTORED
    # A job that has been at work since is not what was removed, and is left alone.
    change(store, schema.job, outcome=Outcome.REMOVED)
    store.set_status(ids[0], 183)
    restored(store, receipt_id)
    assert problems(store, receipt_id).keys() == {ids[0]}


def test_a_restore_stops_between_two_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many are back, and that the others are not; pressed again, these return too."""
    monkeypatch.setattr(restore, "BATCH_JOBS", 1)
    ids = [store.job() for _ in range(3)]
    receipt_id = remove(store, ids)
    switch = StopSwitch()
    insert = restore_batch.RestoreBatches.restore

    def stopping(*arguments: Any) -> list[int]:
        restored = insert(*arguments)
        switch.set()
        return restored

    monkeypatch.setattr(restore_batch.RestoreBatches, "restore", stopping)
    database = store.database()
    stopped = Restores(database, store.own, CreationOrder(database), switch).start(
        receipt_id, Actor("bob")
    )
    stopped.wait()
    assert (stopped.restored, len(store.ids())) == (1, 1)
    assert stopped.sentence().startswith("1 job restored before the restore stopped.")
    assert "Restore again" in stopped.sentence()
    again = Restores(database, store.own, CreationOrder(database)).start(receipt_id, Actor("bob"))
    again.wait()
    assert store.ids() == ids


def test_the_list_looks_for_what_has_come_back(store: Store) -> None:
    """What this process knew of the jobs is forgotten: they came back below the newest numbers."""
    database = store.database()
    receipt_id = remove(store, [store.job()])
    order = CreationOrder(database)
    order.survey()
    assert order.known or database.is_sqlite
    Restores(database, store.own, order).start(receipt_id, Actor("bob")).wait()
    assert (order.known, database.changes) == (None, 1)


def test_a_removal_that_was_killed_is_settled_by_the_database(store: Store) -> None:
    """Of pending jobs those return that are gone; the receipt then tells them apart."""
    gone, there = store.job("gone"), store.job("there")
    before = dump(store.engine)
    receipt_id = remove(store, [there, gone])
    restored(store, receipt_id)
    run(store, f"DELETE FROM object WHERE id = {gone}")
    run(store, f"DELETE FROM job WHERE id = {gone}")
    change(store, schema.job, outcome=Outcome.PENDING)
    change(store, schema.receipt, ended_at=None)
    assert state_of(store, receipt_id) is State.ENDED_EARLY
    assert restored(store, receipt_id).restored == 1
    assert dump(store.engine) == before
    assert receipt_of(store, receipt_id).counts == {Outcome.RESTORED: 1, Outcome.LOCKED: 1}
    assert state_of(store, receipt_id) is State.RESTORED


def test_a_removal_that_is_still_committing_is_waited_for(store: Store) -> None:
    """Its process was killed, but not its statement in the database: the job is not taken to stay."""
    job_id = store.job()
    before = dump(store.engine)
    receipt_id = remove(store, [job_id])
    restored(store, receipt_id)
    change(store, schema.job, outcome=Outcome.PENDING)
    with store.engine.connect().execution_options(writes=True) as other, other.begin():
        other.execute(text(f"DELETE FROM job WHERE id = {job_id}"))
        other.execute(text(f"DELETE FROM object WHERE id = {job_id}"))
        work = store.restores().start(receipt_id, Actor("bob"))
        # Nothing tells that it waits; had it not waited, it would have ended by then.
        time.sleep(0.3)
    work.wait()
    assert (work.restored, work.error) == (1, "")
    assert dump(store.engine) == before


def test_what_is_refused(store: Store) -> None:
    """No such receipt, one that is being written, one of another database."""
    receipt_id = remove(store, [store.job()])
    with pytest.raises(RestoreRefused, match="no longer kept"):
        restored(store, "../../etc/passwd")
    change(store, schema.receipt, busy_until=datetime.now(UTC) + timedelta(seconds=50))
    assert state_of(store, receipt_id) is State.AT_WORK
    with pytest.raises(RestoreRefused, match="still being deleted or restored"):
        restored(store, receipt_id)
    change(store, schema.receipt, busy_until=None, platform="another")
    with pytest.raises(RestoreRefused, match="another database"):
        restored(store, receipt_id)
    assert store.ids() == []


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=-1)])
def test_a_killed_process_does_not_keep_a_receipt_for_ever(store: Store, ago: timedelta) -> None:
    """A minute later it is free; at once where a wrong clock has written a time far ahead."""
    job_id = store.job()
    receipt_id = remove(store, [job_id])
    change(store, schema.receipt, busy_until=datetime.now(UTC) - ago)
    assert restored(store, receipt_id).restored == 1
    assert store.ids() == [job_id]


def test_a_damaged_batch_restores_nothing(store: Store) -> None:
    """A restore ends with a sentence, and the receipt stays as it is."""
    receipt_id = remove(store, [store.job()])
    change(store, schema.batch, lines=b"x")
    work = restored(store, receipt_id)
    assert (work.restored, bool(work.error)) == (0, True)
    assert store.ids() == []
    assert receipt_of(store, receipt_id).to_restore == 1


@on_mariadb
def test_it_needs_the_right_to_insert(mariadb_server: MariaDB, store: Store) -> None:
    """With the documented rights it works; without it ends with a sentence, and nothing is back."""
    job_id = store.job()
    store.belongings(job_id)
    receipt_id = remove(store, [job_id])
    with account(mariadb_server, store) as url, mariadb_server.cursor() as cursor:
        who, table = f"{make_url(url).username}@127.0.0.1", f"`{store.engine.url.database}`.job"
        cursor.execute(f"REVOKE INSERT ON {table} FROM {who}")
        with closing(Database(make_engine(url))) as database:
            work = store.restores(database).start(receipt_id, Actor("bob"))
            work.wait()
            assert "may not do this (OperationalError 1142)" in work.error
            assert store.ids() == []
            cursor.execute(f"GRANT INSERT ON {table} TO {who}")
            work = store.restores(database).start(receipt_id, Actor("bob"))
            work.wait()
            assert (work.restored, work.error) == (1, "")
