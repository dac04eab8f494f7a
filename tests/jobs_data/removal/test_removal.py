"""Only finished jobs go, with all that is theirs and nothing else; on both kinds of database."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import numpy as np
import pytest
from sqlalchemy import Connection, Table, func, insert, inspect, select, text, update

from jobs_data.background import NotStarted, StopSwitch
from jobs_data.platform import database, engine, tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseBusy, DatabaseUnavailable
from jobs_data.platform.retrying import retried
from jobs_data.removal import batch, job_tables, removal
from jobs_data.removal.removal import Removal, RemovalRuns
from jobs_data.store.receipt_writer import ReceiptWriter
from jobs_data.store.receipts import read_receipt
from jobs_data.store.schema import Outcome
from jobs_data.wording import counted
from tests.support.databases import on_mariadb
from tests.support.grants import account
from tests.support.mariadb import MariaDB
from tests.support.receipt_lines import jobs_in, outcomes_in, read_receipts
from tests.support.removals import cleared
from tests.support.statements import before_statement, listening, statements
from tests.support.store import CAUSE, CLEARING, NOON, Store

BELONGINGS: list[tuple[Table, str]] = [
    (tables.object_, "id"),
    (tables.job_execution, "job_id"),
    (tables.note, "object_id"),
    (tables.property_, "object_id"),
]
TABLES = [*tables.metadata.tables.values()]


def row_counts(store: Store) -> dict[str, int]:
    """Return how many rows each table has."""
    return {table.name: store.rows(table) for table in TABLES}


@pytest.fixture
def worker(store: Store) -> Iterator[Store]:
    """Give the same platform as another program has it open."""
    with closing(Store.on(store.url)) as worker:
        yield worker


@pytest.mark.parametrize("status_id", [184, 185])
def test_a_finished_job_goes_with_all_that_is_its_own(store: Store, status_id: int) -> None:
    """Not a row of it stays in any table, and not a row of another job is missing."""
    other = store.job(status_id=status_id)
    store.belongings(other)
    before = row_counts(store)
    job_id = store.job(status_id=status_id, object_id=store.record("fonds-1"))
    store.belongings(job_id)
    assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED
    record_and_slug = {"object": 1, "slug": 1}
    assert row_counts(store) == {
        name: rows + record_and_slug.get(name, 0) for name, rows in before.items()
    }
    for table, column in BELONGINGS:
        assert job_id not in store.ids(table, column)
        assert other in store.ids(table, column)


@pytest.mark.parametrize("status_id", [183, 182, 186, None])
@pytest.mark.parametrize("completed", [True, False])
def test_a_job_that_is_not_finished_stays_whole(
    store: Store, status_id: int | None, completed: bool
) -> None:
    """Neither active jobs nor those of an unknown status lose a row."""
    job_id = store.job(status_id=status_id, completed_at=NOON if completed else None)
    store.belongings(job_id)
    before = row_counts(store)
    assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.ACTIVE
    assert cleared(store).removed == 0
    assert row_counts(store) == before


def test_no_such_job_is_missing(store: Store) -> None:
    """An object that is no job is not touched either."""
    record = store.record("fonds-1")
    before = row_counts(store)
    assert store.removals().remove_jobs([record], CAUSE).outcome is Outcome.MISSING
    assert store.removals().remove_jobs([10**9], CAUSE).outcome is Outcome.MISSING
    assert row_counts(store) == before


def test_a_selection_is_told_job_by_job(store: Store) -> None:
    """Each job of a selection has an outcome of its own, and all have one receipt."""
    finished, active = store.job(), store.job(status_id=183)
    done = store.removals().remove_jobs([finished, active, 10**9], CAUSE)
    assert (done.removed, done.active, done.missing, done.locked) == (1, 1, 1, 0)
    assert done.error == ""
    assert list(read_receipts(store.own)) == [done.receipt]
    assert store.ids() == [active]


def test_atom_needs_no_table_of_heratio(atom_store: Store) -> None:
    """Removing and clearing work where no ahg_ table exists."""
    first, _second = atom_store.job(), atom_store.job(status_id=185)
    atom_store.note(first, en="it broke")
    assert atom_store.removals().remove_jobs([first], CAUSE).outcome is Outcome.REMOVED
    assert cleared(atom_store).removed == 1
    assert (atom_store.ids(), atom_store.rows(tables.note)) == ([], 0)


def test_a_database_without_foreign_keys_keeps_no_orphans(store_without_foreign_keys: Store) -> None:
    """What a foreign key would take along is taken along without one."""
    store = store_without_foreign_keys
    before = row_counts(store)
    for status_id in (184, 185):
        store.belongings(store.job(status_id=status_id))
    assert store.removals().remove_jobs([store.ids()[0]], CAUSE).outcome is Outcome.REMOVED
    assert cleared(store).removed == 1
    assert row_counts(store) == before


@on_mariadb
def test_a_database_that_never_had_foreign_keys_keeps_no_orphans(store: Store) -> None:
    """Each table that has lost its key is cleared by a statement of its own; the others cascade."""
    before = row_counts(store)
    for table in ("job", "note_i18n", "property", "note"):
        store.belongings(store.job())
        for key in inspect(store.engine).get_foreign_keys(table):
            with store.engine.begin() as connection:
                connection.execute(text(f"ALTER TABLE {table} DROP FOREIGN KEY {key['name']}"))
        assert cleared(store).removed == 1
        assert row_counts(store) == before


@on_mariadb
def test_what_cascades_needs_no_statement(store: Store) -> None:
    """With the platform's foreign keys a clearing deletes from two tables, and all rows are gone."""
    before = row_counts(store)
    store.belongings(store.job())
    with statements(store.engine, "DELETE") as seen:
        assert cleared(store).removed == 1
    assert [statement.split()[2] for statement in seen] == ["ahg_job_execution", "object"]
    assert row_counts(store) == before


@on_mariadb
def test_a_job_without_an_object_is_cleared_too(store: Store) -> None:
    """What the platform's own two statements can leave of a job does not stay for ever."""
    whole, half = store.job(), store.job()
    with store.engine.begin() as connection:
        connection.execute(text("SET SESSION foreign_key_checks = 0"))
        connection.execute(tables.object_.delete().where(tables.object_.c.id == half))
        connection.execute(text("SET SESSION foreign_key_checks = 1"))
    assert store.ids() == [whole, half]
    assert cleared(store).removed == 2
    assert store.ids() == []


def test_a_job_restarted_between_look_and_delete_is_not_lost(store: Store, worker: Store) -> None:
    """A second connection turns the job active before our transaction gets to it."""
    job_id = store.job()
    store.belongings(job_id)
    before = row_counts(store)
    # What the viewer has seen is a finished job; the worker takes it up before the first statement.
    start = "BEGIN" if store.engine.dialect.name == "sqlite" else "SELECT"
    with before_statement(store.engine, start, lambda: worker.set_status(job_id, 183)):
        assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.ACTIVE
    assert row_counts(store) == before


@on_mariadb
def test_a_worker_that_restarts_a_job_under_deletion_comes_too_late(
    store: Store, worker: Store
) -> None:
    """Once our transaction has locked the job, the worker waits, and then finds no job at all."""
    job_id = store.job()
    store.belongings(job_id)
    restarts = threading.Thread(target=worker.set_status, args=(job_id, 183))

    def restart_and_wait() -> None:
        restarts.start()
        time.sleep(0.3)

    with before_statement(store.engine, "DELETE", restart_and_wait):
        assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED
    restarts.join()
    assert store.ids() == []
    assert job_id not in store.ids(tables.object_)


def test_a_failure_half_way_leaves_everything(store: Store) -> None:
    """The statements of one removal are one transaction."""
    store.belongings(store.job())
    before = row_counts(store)

    def fail() -> NoReturn:
        raise ZeroDivisionError

    with before_statement(store.engine, "DELETE FROM object", fail):
        work = store.removals().remove_jobs([store.ids()[0]], CAUSE)
    assert "unexpected error" in work.error
    assert row_counts(store) == before


def test_clearing_takes_all_finished_jobs_and_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches of three, over sparse ids, with unfinished jobs in between and at both ends."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 3)
    base = row_counts(store)
    kept = []
    for n in range(20):
        job_id = store.job(status_id=[183, 184, 185, 184, None, 186, 185][n % 7], job_id=1000 + 7 * n)
        if n % 7 in {0, 4, 5}:
            kept.append(job_id)
        else:
            store.belongings(job_id)
    clearing = cleared(store)
    assert store.ids() == kept
    assert (clearing.removed, clearing.total, clearing.error) == (11, 11, "")
    assert row_counts(store) == {**base, "job": len(kept), "object": base["object"] + len(kept)}


def test_clearing_nothing_ends_at_once(store: Store) -> None:
    """Without a finished job nothing goes, and that is said."""
    store.job(status_id=183)
    assert cleared(store).sentence() == "0 jobs deleted. Active jobs are unchanged."


def test_clearing_locks_no_more_than_a_batch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No single transaction removes more than the batch's size, which is come near step by step."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 4)
    monkeypatch.setattr(removal, "BATCH_SECONDS", 60)
    for _ in range(12):
        store.job()
    sizes = batch_sizes(monkeypatch)
    cleared(store)
    assert (sizes[0], max(sizes), sum(sizes)) == (1, 4, 12)


def test_batches_that_take_long_become_smaller(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who wants one of their jobs waits long, on a slow machine either."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 32)
    monkeypatch.setattr(removal, "BATCH_SECONDS", 0)
    for _ in range(10):
        store.job()
    sizes = batch_sizes(monkeypatch)
    cleared(store)
    assert sizes == [4, 2, 1, 1, 1, 1]


def test_two_slow_batches_of_one_size_make_the_next_ones_smaller_once(store: Store) -> None:
    """And a fast one that has fewer jobs does not make them larger."""
    work = Removal(9, CLEARING.action)
    loop = removal._BatchLoop(
        store.removals()._batches(CLEARING, waits=False), None, work, StopSwitch()
    )
    loop._size, done = 8, batch.Result({Outcome.REMOVED: [1]})
    for size, known, seconds, after in [(8, 8, 9, 4), (8, 8, 9, 4), (4, 3, 0, 4), (4, 4, 0, 8)]:
        loop._count((size, [1], [*range(known)]), done, seconds)
        assert loop._size == after


@on_mariadb
def test_two_batches_at_once_end_where_the_server_is_slow(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread pauses while batches are smaller than at the beginning."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 16)
    monkeypatch.setattr(removal, "BATCH_SECONDS", 0)
    for _ in range(20):
        store.job()
    by, real = list[str](), batch._delete_all

    def noted(*args: Any) -> None:
        by.append(threading.current_thread().name)
        real(*args)

    monkeypatch.setattr(batch, "_delete_all", noted)
    assert cleared(store).removed == 20
    assert by.count("removal 2") <= 1


@on_mariadb
def test_no_batch_begins_after_a_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the thread that waits for its turn to read."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 2)
    for _ in range(6):
        store.job()
    reads, real = list[int](), removal._next_finished

    def fail(database: Database, after: int, size: int) -> tuple[list[int], list[int], int] | None:
        reads.append(after)
        if len(reads) == 1:
            time.sleep(0.3)  # until the other thread waits
            raise DatabaseUnavailable("away")
        return real(database, after, size)

    monkeypatch.setattr(removal, "_next_finished", fail)
    clearing = cleared(store)
    assert (clearing.error, clearing.removed, len(reads)) == ("away", 0, 1)


@on_mariadb
def test_a_table_that_comes_during_a_clearing_is_left_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would go without a receipt."""
    monkeypatch.setattr(database, "TABLES_SECONDS", 0)
    monkeypatch.setattr(removal, "BATCH_JOBS", 1)
    tables.job_execution.drop(store.engine)
    store.job()
    last = store.job()
    real = batch._delete_all

    def noted(*args: Any) -> None:
        if last not in args[3]:
            tables.job_execution.create(store.engine)
            store.execution(last, type="late")
        real(*args)

    monkeypatch.setattr(batch, "_delete_all", noted)
    assert cleared(store).removed == 2
    assert store.ids() == []
    assert store.ids(tables.job_execution, "job_id") == [last]


def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that fills with how many jobs each batch of a clearing has locked."""
    sizes: list[int] = []
    real = batch._delete_all

    def noted(*args: Any) -> None:
        sizes.append(len(args[3]))
        real(*args)

    monkeypatch.setattr(batch, "_delete_all", noted)
    return sizes


@on_mariadb
def test_clearing_passes_over_a_job_that_somebody_holds(store: Store) -> None:
    """It neither waits for the job's lock nor loses it, clears all the others, and says so."""
    for _ in range(5):
        store.job()
    held = store.ids()[2]
    with store.engine.connect() as worker:
        worker.execute(select(tables.job.c.id).where(tables.job.c.id == held).with_for_update())
        clearing = cleared(store)
        worker.rollback()
    assert store.ids() == [held]
    assert (clearing.removed, clearing.locked) == (4, 1)
    assert clearing.sentence().endswith("1 job not deleted: in use elsewhere.")


@on_mariadb
def test_a_job_found_locked_is_tried_once_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another batch's range may have locked it for a moment; MySQL skips it without an error."""
    monkeypatch.setattr(engine, "TO_WRITE_AT_ONCE", engine.TO_WRITE)
    for _ in range(5):
        store.job()
    with store.engine.connect() as other:
        other.execute(select(tables.job).where(tables.job.c.id == store.ids()[2]).with_for_update())
        with before_statement(store.engine, "SELECT id, status_id FROM job", other.rollback):
            clearing = cleared(store)
    assert (clearing.removed, clearing.locked, store.ids()) == (5, 0, [])


@on_mariadb
def test_an_active_job_that_a_worker_holds_keeps_no_other(store: Store) -> None:
    """A worker's long transaction on its job is not waited for, and the job is no finished one."""
    for _ in range(5):
        store.job()
    active = store.job(status_id=183)
    store.belongings(active)
    for _ in range(5):
        store.job()
    before = {name: rows for name, rows in row_counts(store).items() if name not in {"job", "object"}}
    with store.engine.connect() as worker:
        worker.execute(tables.job.update().where(tables.job.c.id == active).values(output="on"))
        clearing = cleared(store)
        assert (clearing.removed, clearing.locked, clearing.error) == (10, 0, "")
        worker.commit()
    assert store.ids() == [active]
    assert {**row_counts(store), **before} == row_counts(store)


@on_mariadb
@pytest.mark.parametrize("locks_gaps", [False, True])
def test_a_range_waits_for_no_job(
    store: Store, monkeypatch: pytest.MonkeyPatch, locks_gaps: bool
) -> None:
    """One between them is being inserted, so that no read shows it; another one is locked."""
    monkeypatch.setattr(job_tables, "_locks_gaps", lambda _: locks_gaps)
    ids = [store.job(job_id=1000 + 2 * n) for n in range(40)]
    for job_id in ids[::3]:
        store.execution(job_id)
    new, held = ids[10] + 1, ids[30]
    with store.engine.connect() as worker:
        worker.execute(select(tables.job.c.id).where(tables.job.c.id == held).with_for_update())
        values = {"class_name": "QubitJob", "created_at": NOON, "updated_at": NOON}
        worker.execute(insert(tables.object_).values(id=new, **values))
        worker.execute(insert(tables.job).values(id=new, status_id=184))
        waits = lock_waits(store)
        clearing = cleared(store)
        assert lock_waits(store) == waits
        worker.commit()
    assert (clearing.removed, clearing.locked, clearing.error) == (39, 1, "")
    assert store.ids() == [new, held]


@on_mariadb
def test_a_range_ends_at_its_last_execution(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The next execution may be another batch's: a range that met it would have to be read again."""
    ids = [store.job() for _ in range(40)]
    for job_id in ids[:20]:
        store.execution(job_id)
    active = store.job(status_id=183)
    store.execution(active)
    execution = tables.job_execution
    with store.engine.connect() as other:
        other.execute(select(execution).where(execution.c.job_id == active).with_for_update())
        clearing = cleared(store)
    assert (clearing.removed, clearing.error, store.ids()) == (len(ids), "", [active])
    assert "refused" not in caplog.text


def test_what_lies_between_the_jobs_of_a_range_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other records have the ids between theirs, and executions that outlived their jobs."""
    ids = list(range(1000, 1060, 3))
    records = [job_id + 1 for job_id in ids]
    for job_id in ids:
        store.belongings(store.job(job_id=job_id))
        store.note(store.object(id=job_id + 1), en="of a record")
        store.execution(job_id + 2)
    sizes = batch_sizes(monkeypatch)
    assert cleared(store).removed == len(ids)
    assert sizes == [len(ids)]  # at the first try
    assert set(records) <= set(store.ids(tables.object_)).difference(ids)
    assert store.ids(tables.note, "object_id") == records
    assert store.ids(tables.job_execution, "job_id") == [job_id + 2 for job_id in ids]
    [lines] = read_receipts(store.own).values()
    assert [len(rows["ahg_job_execution"]) for rows in jobs_in(lines).values()] == [1] * len(ids)


def lock_waits(store: Store) -> int:
    """Return how often a transaction has waited for a row of another one."""
    with store.engine.connect() as connection:
        waits = connection.execute(text("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")).one()
    return int(waits[1])


@on_mariadb
def test_workers_wait_for_no_batch(store: Store, worker: Store) -> None:
    """While a batch is at work they write to an active job amid it, and start and end new ones."""
    for _ in range(3):
        store.job()
    active = store.job(status_id=183)
    store.belongings(active)
    for _ in range(3):
        store.job()
    store.belongings(store.ids()[-1])
    with worker.engine.connect() as impatient:
        impatient.execute(text("SET SESSION innodb_lock_wait_timeout = 0"))
        impatient.commit()

        def work() -> None:
            update = tables.job.update().where(tables.job.c.id == active)
            impatient.execute(update.values(output="still at it"))
            new = impatient.execute(
                tables.object_.insert().values(class_name="QubitJob", created_at=NOON, updated_at=NOON)
            ).lastrowid
            impatient.execute(tables.job.insert().values(id=new, status_id=184))
            impatient.execute(tables.job_execution.insert().values(job_id=new))
            for job_id in (new, active):
                impatient.execute(tables.note.insert().values(object_id=job_id, source_culture="en"))
            impatient.commit()

        # After the last statement of a batch all its locks are taken.
        with before_statement(store.engine, "DELETE FROM object", work, moment="after_cursor_execute"):
            clearing = cleared(store)
        impatient.invalidate()
    assert clearing.error == ""
    assert active in store.ids(tables.note, "object_id")


@on_mariadb
def test_a_job_that_ends_amid_a_batch_leaves_no_orphan(store: Store, worker: Store) -> None:
    """It was not locked with the others, so it stays whole, beside a job without an object too."""
    half = store.job()
    store.execution(half)
    with store.engine.begin() as connection:
        connection.execute(text("SET SESSION foreign_key_checks = 0"))
        connection.execute(tables.object_.delete().where(tables.object_.c.id == half))
        connection.execute(text("SET SESSION foreign_key_checks = 1"))
    store.belongings(store.job())
    ending = store.job(status_id=183)
    store.belongings(ending)
    store.belongings(store.job())
    with before_statement(store.engine, "DELETE FROM object", lambda: worker.set_status(ending, 184)):
        clearing = cleared(store)
    assert (clearing.removed, clearing.locked, clearing.error) == (3, 0, "")
    assert store.ids() == [ending]
    for table, column in BELONGINGS[1:]:
        assert store.ids(table, column) == [ending]


@on_mariadb
@pytest.mark.parametrize("known", [["known"], []])
def test_what_is_added_amid_a_batch_is_in_the_receipt_too(
    store: Store, worker: Store, known: list[str]
) -> None:
    """No foreign key keeps an execution out: a batch that meets one is rolled back and retried."""
    first, second = store.job(), store.job()
    for type_ in known:
        store.execution(first, type=type_)
    with before_statement(store.engine, "DELETE", lambda: worker.execution(second, type="late")):
        clearing = cleared(store)
    assert (clearing.removed, clearing.error) == (2, "")
    [lines] = read_receipts(store.own).values()
    rows_of = {i: rows.get("ahg_job_execution", []) for i, rows in jobs_in(lines).items()}
    assert {i: [row[2] for row in rows] for i, rows in rows_of.items()} == {
        first: known,
        second: ["late"],
    }
    assert store.rows(tables.job_execution) == 0


@on_mariadb
@pytest.mark.parametrize("is_new", [True, False])
def test_a_job_whose_execution_somebody_holds_stays_whole(store: Store, is_new: bool) -> None:
    """It is changed or inserted at this moment: the job is passed over, and no execution is left."""
    held, other = store.job(), store.job()
    execution = tables.job_execution
    if not is_new:
        store.execution(held)
    with store.engine.connect() as worker:
        changed = update(execution).where(execution.c.job_id == held).values(duration=9)
        worker.execute(insert(execution).values(job_id=held, duration=9) if is_new else changed)
        clearing = cleared(store)
        worker.commit()
    assert (clearing.removed, clearing.locked, clearing.error) == (1, 1, "")
    assert store.ids() == store.ids(execution, "job_id") == [held]
    assert other not in store.ids(tables.object_)


@on_mariadb
def test_a_note_added_before_its_job_is_locked_is_in_the_receipt(
    store: Store, worker: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At REPEATABLE READ too, where what is read first decides what is seen."""
    monkeypatch.setattr(job_tables, "_locks_gaps", lambda _: True)  # as if statements were logged
    job_id, active = store.job(), store.job(status_id=183)
    with before_statement(
        store.engine, "SELECT COUNT(*), LEAST", lambda: worker.note(job_id, en="late"), passing=1
    ):
        work = store.removals().start(np.array([job_id, active]), CAUSE)
        work.wait()
    assert (work.removed, work.active, store.rows(tables.note)) == (1, 1, 0)
    [lines] = read_receipts(store.own).values()
    assert "late" in str(jobs_in(lines)[job_id])


@on_mariadb
def test_a_job_whose_object_somebody_holds_stays(store: Store) -> None:
    """Its own row is free, yet it is passed over, and the others go without waiting."""
    ids = [store.job() for _ in range(5)]
    held = tables.object_.c.id == ids[2]
    with store.engine.connect() as worker:
        worker.execute(select(tables.object_.c.id).where(held).with_for_update())
        tidying = store.removals().start(np.array(ids), CAUSE)
        tidying.wait()
        worker.rollback()
    assert (tidying.removed, tidying.locked, store.ids()) == (4, 1, [ids[2]])


@on_mariadb
def test_a_worker_goes_on_writing_during_a_clearing(
    store: Store, worker: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statement of its own on its active job fails, and the job keeps what it wrote last."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 5)
    for _ in range(30):
        store.job()
    active = store.job(status_id=183)
    for _ in range(30):
        store.job()
    clearing = store.removals().start(None, CLEARING)
    written = 0
    while clearing.is_running or not written:
        written += 1
        with worker.engine.begin() as connection:
            connection.execute(
                tables.job.update().where(tables.job.c.id == active).values(output=f"{written}")
            )
    assert (store.ids(), clearing.error) == ([active], "")
    assert store.ids(tables.job, "output") == [str(written)]


def cleared_alone(store: Store) -> Removal:
    """Delete all finished jobs, while another such deletion is refused."""
    removals, go_on = store.removals(), threading.Event()
    with before_statement(store.engine, "DELETE FROM object", lambda: go_on.wait(20)):
        first = removals.start(None, CLEARING)
        try:
            with pytest.raises(RemovalRuns, match="are being deleted"):
                removals.start(None, CLEARING)
        finally:
            go_on.set()
            first.wait()
    return first


def test_a_second_clearing_at_the_same_time_is_refused(store: Store) -> None:
    """The refusal is a sentence; when the first has ended, another may start."""
    store.job()
    assert cleared_alone(store).removed == 1
    assert cleared(store).removed == 0


@on_mariadb
def test_a_clearing_in_another_process_is_refused_too(store: Store) -> None:
    """The server's own lock is what two processes share."""
    name = f"heratio-jobs clearing {store.engine.url.database}"
    with store.engine.connect() as other_process:
        assert other_process.execute(select(func.get_lock(name, 0))).scalar() == 1
        with pytest.raises(RemovalRuns):
            store.removals().start(None, CLEARING)
        other_process.execute(select(func.release_lock(name)))
    store.job()
    assert cleared(store).removed == 1


def test_a_clearing_that_fails_ends_with_a_sentence(store: Store) -> None:
    """It says why and how far it got; what was cleared stays cleared."""
    store.job()

    def fail() -> NoReturn:
        raise ZeroDivisionError

    with before_statement(store.engine, "DELETE FROM object", fail):
        clearing = cleared(store)
    assert not clearing.is_running
    assert clearing.removed == 0
    assert "unexpected error" in clearing.error
    assert clearing.error in clearing.sentence()
    assert len(store.ids()) == 1


def test_a_clearing_that_stops_amid_does_not_deny_what_it_did(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sentence has how many went, why it stopped, and that only the others are unchanged."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 1)
    for _ in range(3):
        store.job()

    def refuse() -> None:
        with store.engine.connect() as connection:
            connection.execute(text("SELECT * FROM no_such_table"))

    with before_statement(store.engine, "DELETE FROM object", refuse, passing=1):
        clearing = cleared(store)
    assert (clearing.removed, len(store.ids())) in {(1, 2), (2, 1)}  # another batch may be at work
    assert "no_such_table" in clearing.error
    assert "unchanged" not in clearing.error
    assert clearing.sentence() == (
        f"{counted(clearing.removed)} deleted before the deletion stopped. {clearing.error} The other "
        "jobs are unchanged."
    )


def test_the_sentence_has_every_number() -> None:
    """How many went, became active, had gone already, and are in use."""
    numbers = {"removed": 11, "active": 22, "missing": 33, "locked": 44}
    work = removal.Removal(110, CAUSE.action)
    for name, number in numbers.items():
        setattr(work, name, number)
    assert re.findall(r"\d+", work.sentence()) == ["11", "22", "33", "44"]


@on_mariadb
@pytest.mark.parametrize("failure", ["lost deadlock", "lost connection"])
def test_a_batch_that_fails_beside_another_harms_none(
    store: Store, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Both are deleting when one fails: it is retried or ends the deletion; the other is counted."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 2)
    for _ in range(6):
        store.belongings(store.job())
    jobs, both, deleting = store.ids(), threading.Barrier(2), list[str]()

    def fail(connection: Connection, _cursor: object, statement: str, *rest: Any) -> tuple[str, Any]:
        if statement.startswith("DELETE FROM object"):
            deleting.append(statement)
            number = len(deleting)
            if number <= both.parties:
                both.wait(20)
            if number == 1 and failure == "lost deadlock":
                return "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213", ()
            if number == 1:
                driver: Any = connection.connection.driver_connection
                driver._sock.shutdown(socket.SHUT_RDWR)
        return statement, rest[0]

    with listening(store.engine, "before_cursor_execute", fail, retval=True):
        clearing = cleared(store)
    assert len(deleting) >= both.parties
    assert (clearing.error == "") == (failure == "lost deadlock")
    left = store.ids()
    assert clearing.removed == len(jobs) - len(left) >= 1
    assert (left == []) == (failure == "lost deadlock")
    for table, column in BELONGINGS[1:]:
        assert store.ids(table, column) == left
    [lines] = read_receipts(store.own).values()
    gone = sorted(set(jobs) - set(left))
    assert {outcome: sorted(ids) for outcome, ids in outcomes_in(lines).items()} == {"removed": gone}
    assert sorted(jobs_in(lines)) == gone


@on_mariadb
def test_the_log_has_the_failures_of_both_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The deletion's error can only be one of them."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 2)
    for _ in range(6):
        store.job()
    both = threading.Barrier(2)

    def fail(*_: object) -> NoReturn:
        both.wait(20)
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "_delete_all", fail)
    assert cleared(store).removed == 0
    assert [each.exc_info and each.exc_info[0] for each in caplog.records] == [ZeroDivisionError] * 2


def note_writes(committing: list[Connection]) -> Callable[[Connection], None]:
    """Return a listener that notes each COMMIT of a change."""

    def note(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            committing.append(connection)

    return note


@pytest.mark.parametrize("what", ["note", "thread"])
def test_what_a_receipt_cannot_note_is_counted_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """The jobs are deleted. They stay pending in the receipt, and the log says why."""
    job_id = store.job()
    submit, is_committing = ThreadPoolExecutor.submit, list[Connection]()

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("cannot note")

    def submit_before_commit(*args: Any) -> Any:
        return fail() if is_committing else submit(*args)

    if what == "note":
        monkeypatch.setattr(ReceiptWriter, "confirm", fail)
    else:
        monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_before_commit)
    with listening(store.engine, "commit", note_writes(is_committing)):
        work = store.removals().remove_jobs([job_id], CAUSE)
    assert (work.removed, work.error, store.ids()) == (1, "", [])
    assert "cannot note" in caplog.text
    receipt = read_receipt(store.own, work.receipt)
    assert receipt
    assert receipt.pending == 1


def test_an_interrupt_after_the_commit_keeps_the_rows(store: Store) -> None:
    """Ctrl-C comes at any moment; only a batch that was surely rolled back leaves the receipt."""
    job_id, is_committing = store.job(), list[Connection]()

    def interrupt(*_: object) -> None:
        if is_committing:
            is_committing.clear()
            raise KeyboardInterrupt

    with (
        listening(store.engine, "commit", note_writes(is_committing)),
        listening(store.engine, "reset", interrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        store.removals().remove_jobs([job_id], CAUSE)
    assert store.ids() == []
    [lines] = read_receipts(store.own).values()
    assert sorted(jobs_in(lines)) == [job_id]


@on_mariadb
def test_a_cluster_without_named_locks_is_cleared_too(store: Store) -> None:
    """Galera answers GET_LOCK with error 1235; within this process a second one is refused still."""
    store.job()
    asked = threading.Event()

    def as_galera(_c: Connection, _cursor: object, statement: str, *rest: Any) -> tuple[str, Any]:
        if "get_lock" not in statement:
            return statement, rest[0]
        asked.set()
        return "SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1235", {}

    with listening(store.engine, "before_cursor_execute", as_galera, retval=True):
        first = cleared_alone(store)
    assert asked.is_set()
    assert (first.removed, first.error, store.ids()) == (1, "", [])


@contextmanager
def refused(store: Store, error: int, which: Callable[[str, Any], bool]) -> Iterator[list[str]]:
    """Let the server answer some of our statements with an error, and collect them."""
    seen: list[str] = []

    def refuse(
        _c: Connection, _cursor: object, statement: str, parameters: Any, *_rest: object
    ) -> tuple[str, Any]:
        if not which(statement, parameters):
            return statement, parameters
        seen.append(statement)
        return f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {error}", {}

    with listening(store.engine, "before_cursor_execute", refuse, retval=True):
        yield seen


def names_several(statement: str) -> bool:
    """Return whether a statement is about several jobs."""
    return re.search(r"\bid IN \(\d+,", statement) is not None


@on_mariadb
def test_batches_that_lose_again_and_again_become_smaller(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a Galera cluster, where other nodes' changes have precedence: the clearing goes on."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 8)
    for _ in range(3):
        store.job()

    def locks_several(statement: str, _: Any) -> bool:
        return "FROM job FORCE" in statement and names_several(statement)

    with refused(store, 1213, locks_several) as lost:
        clearing = cleared(store)
    assert lost
    assert (clearing.removed, clearing.locked, clearing.error) == (3, 0, "")


@on_mariadb
def test_a_batch_larger_than_a_cluster_allows_is_divided(store: Store) -> None:
    """Galera answers a change of too many rows with error 1180."""
    for _ in range(5):
        store.job()

    def is_batch(statement: str, _: Any) -> bool:
        return statement.startswith("DELETE FROM object") and names_several(statement)

    with refused(store, 1180, is_batch) as divided:
        clearing = cleared(store)
    assert divided
    assert (clearing.removed, clearing.locked, clearing.error) == (5, 0, "")


@on_mariadb
def test_a_lost_deadlock_is_tried_again(store: Store) -> None:
    """The change runs anew in a transaction of its own; a lasting one is told as busy."""
    database = store.database()
    attempts: list[int] = []

    def deadlocked(times: int) -> str:
        with database.writing() as connection:
            attempts.append(1)
            if len(attempts) <= times:
                connection.execute(text("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"))
        return "done"

    assert retried(lambda: deadlocked(1)) == "done"
    attempts.clear()
    with pytest.raises(DatabaseBusy, match="Another program"):
        retried(lambda: deadlocked(100))


@on_mariadb
def test_the_least_grants_suffice(mariadb_server: MariaDB, store: Store) -> None:
    """An account with SELECT on all and DELETE on seven tables can do everything, and no more."""
    with account(mariadb_server, store) as url, closing(Database(make_engine(url))) as database:
        first, _second = store.job(created=NOON - timedelta(days=1)), store.job()
        store.belongings(first)
        assert store.removals(database).remove_jobs([first], CAUSE).outcome is Outcome.REMOVED
        clearing = cleared(store, database)
        assert (clearing.removed, clearing.error) == (1, "")
        denied = pytest.raises(DatabaseUnavailable, match="account may not do this")
        with denied, database.writing() as connection:
            connection.execute(tables.job.update().values(name="changed"))


def test_a_job_that_something_refers_to_does_not_keep_the_others(store: Store) -> None:
    """Its own removal is refused with a sentence; a clearing goes on without it."""
    _first, held, _last = store.job(), store.job(), store.job()
    store.belongings(held)
    with store.engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE relation (id INTEGER PRIMARY KEY, job INTEGER REFERENCES object(id))")
        )
        connection.execute(text(f"INSERT INTO relation VALUES (1, {held})"))
    assert store.removals().remove_jobs([held], CAUSE).outcome is Outcome.LOCKED
    # So that no restore takes it, once it goes some other way, that it went by this removal.
    assert read_receipts(store.own) == {}
    clearing = cleared(store)
    assert (store.ids(), clearing.removed, clearing.locked) == ([held], 2, 1)
    assert held in store.ids(tables.note, "object_id")
    assert clearing.sentence().endswith("1 job not deleted: in use elsewhere.")


@on_mariadb
@pytest.mark.parametrize("table", [tables.note, tables.property_, tables.note_i18n])
def test_what_is_added_without_a_foreign_key_is_in_the_receipt_too(
    store: Store, worker: Store, table: Table
) -> None:
    """A database out of a dump lets anybody add a note while its job goes: it is no orphan then."""
    job_id = store.job()
    note_id = store.note(job_id)
    if table is not tables.note_i18n:
        with store.engine.begin() as connection:
            connection.execute(tables.note.delete())
    for key in inspect(store.engine).get_foreign_keys(table.name):
        with store.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table.name} DROP FOREIGN KEY {key['name']}"))
    before = row_counts(store)

    def add() -> None:
        if table is tables.note_i18n:
            worker.insert(table, id=note_id, culture="en", content="late")
        else:
            worker.insert(table, object_id=job_id, source_culture="en")

    with before_statement(store.engine, "DELETE", add):
        assert store.removals().remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED
    notes = 1 if table is tables.note_i18n else 0
    assert row_counts(store) == before | {
        "job": 0,
        "object": before["object"] - 1,
        "note": before["note"] - notes,
    }
    [lines] = read_receipts(store.own).values()
    assert len(jobs_in(lines)[job_id][table.name]) == 1


@contextmanager
def losing_the_connection(store: Store, *, is_committed: bool) -> Iterator[None]:
    """Lose the answer to the first COMMIT of a removal, or the COMMIT itself."""
    done = threading.Event()

    def lose(connection: Connection) -> None:
        if connection.get_execution_options().get("writes") and not done.is_set():
            done.set()
            driver: Any = connection.connection.driver_connection
            if is_committed:
                driver.commit()
            driver._sock.shutdown(socket.SHUT_RDWR)

    with listening(store.engine, "commit", lose):
        yield
    assert done.is_set()


@on_mariadb
@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("by", ["deleting", "clearing"])
def test_a_lost_answer_to_a_commit_is_told_as_such(store: Store, is_committed: bool, by: str) -> None:
    """That the others are unchanged is not said; the receipt tells it when the database answers."""
    job_id = store.job()
    store.belongings(job_id)
    removals = store.removals()
    with losing_the_connection(store, is_committed=is_committed):
        if by == "deleting":
            error = removals.remove_jobs([job_id], CAUSE).sentence()
        else:
            work = removals.start(None, CLEARING)
            work.wait()
            error = work.sentence()
    [receipt_id] = read_receipts(store.own)
    assert "unchanged" not in error
    assert "No job was" not in error
    assert receipt_id in error
    receipt = read_receipt(store.own, receipt_id)
    assert receipt
    assert (receipt.removed, receipt.pending) == (0, 1)
    store.restores().settle(receipt)
    receipt = read_receipt(store.own, receipt_id)
    assert receipt
    gone = int(is_committed)
    assert (receipt.removed, receipt.pending, receipt.stayed) == (gone, 0, 1 - gone)
    assert store.ids() == [job_id][gone:]


@pytest.mark.parametrize("name", ["receipt", "removal"])
def test_where_no_thread_starts_nothing_is_left_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The refusal is a sentence, and the next removal starts."""
    job_id = store.job()
    removals = store.removals()
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(name):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NotStarted, match="no thread left"):
            removals.start(None, CLEARING)
        if name == "receipt":
            assert "no thread left" in removals.remove_jobs([job_id], CAUSE).error
    assert not removals.is_running
    assert store.ids() == [job_id]
    work = removals.start(None, CLEARING)
    work.wait()
    assert (work.removed, work.error, store.ids()) == (1, "", [])
