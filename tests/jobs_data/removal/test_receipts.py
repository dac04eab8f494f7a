"""Nothing is removed whose exact rows are not in a readable receipt; on both kinds of database."""

import base64
import math
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from jobs_data.audit import Actor
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import DatabaseBusy
from jobs_data.removal import exact_rows, removal
from jobs_data.removal.job_tables import JOB_TABLES, look_at_tables
from jobs_data.removal.removal import RemovalRuns, Removals
from jobs_data.store import receipts, schema
from jobs_data.store.database import file_store
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.schema import Outcome
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.receipt_lines import jobs_in, outcomes_in, read_receipts
from tests.support.removals import cleared
from tests.support.statements import before_statement
from tests.support.store import CAUSE, CLEARING, NOON, Store

HOSTILE = "".join(map(chr, range(1, 256))) + "\u2028\ud7ff\U0001f600 \\n '); DROP TABLE job; --"
KILLS = 12
IN_THE_WAY = r"could not be saved.*\(.*Check HERATIO_JOBS_STATE_DIR"


def execute(store: Store, *statements: str) -> None:
    """Run statements of a test's own."""
    with store.engine.begin() as connection:
        if store.engine.dialect.name != "sqlite":
            connection.exec_driver_sql("SET SESSION sql_mode = ''")
        for statement in statements:
            connection.execute(text(statement))


def only_receipt(store: Store) -> list[dict[str, Any]]:
    """Return the lines of the store's one receipt."""
    [lines] = read_receipts(store.own).values()
    return lines


def test_a_receipt_has_every_row_and_who_removed_it(store: Store) -> None:
    """Its lines: who, when and what; each job with all its rows; what became of it; the end."""
    user, record = store.user("ada"), store.record("fonds-1")
    job_id = store.job("a\tb", user_id=user, object_id=record, output=HOSTILE, download_path="")
    note_id = store.note(job_id, en=HOSTILE, fr="ça a cassé")
    property_id = store.property(job_id, "value")
    store.execution(job_id, type="import", started_at=NOON, duration=3)
    other = store.job(status_id=183)
    store.belongings(other)
    reason = Reason(Actor("Löwe, Ada"), Action.DELETE, "job “one”")
    assert store.removals().remove_jobs([job_id], reason).outcome is Outcome.REMOVED

    header, job, outcome, end = only_receipt(store)
    assert header.pop("receipt").startswith(header.pop("at").replace("-", "").replace(":", ""))
    assert header == {
        "by": "Löwe, Ada",
        "action": "delete",
        "filter": "job “one”",
        "database": store.database().identity,
        "columns": {each.name: [c.name for c in each.table.columns] for each in JOB_TABLES},
    }
    noon = "2026-06-15 12:00:00"
    rows = job.pop("rows")
    [execution] = rows.pop("ahg_job_execution")
    assert execution[1:6] == [job_id, "import", noon, None, 3]
    assert job == {"job": job_id}
    assert rows == {
        "object": [[job_id, "QubitJob", noon, noon, 0]],
        "job": [[job_id, "a\tb", "", noon, user, record, 184, HOSTILE]],
        "note": [[note_id, job_id, 197, None, None, "en", 0]],
        "note_i18n": [[note_id, "en", HOSTILE], [note_id, "fr", "ça a cassé"]],
        "property": [[property_id, job_id, None, "key", "en", 0]],
        "property_i18n": [[property_id, "en", "value"]],
    }
    assert outcome == {"outcome": {"removed": [job_id]}}
    assert end == {"end": True, "error": ""}


@on_mariadb
@pytest.mark.parametrize("value_bytes", [exact_rows.VALUE_BYTES, 200])
def test_values_of_every_type_are_exact_on_a_server(
    store: Store, monkeypatch: pytest.MonkeyPatch, value_bytes: int
) -> None:
    """As one JSON text, and one by one where that would be too long: bytes, decimals, times, zeros."""
    monkeypatch.setattr(exact_rows, "VALUE_BYTES", value_bytes)
    job_id = store.job("nul \0 in it", output="x" * 100)
    execute(
        store,
        "ALTER TABLE job ADD small TINYINT UNSIGNED, ADD price DECIMAL(30, 12), ADD packed BLOB, "
        "ADD flags BIT(9), ADD fine DATETIME(6), ADD old VARCHAR(20) CHARACTER SET latin1, "
        "ADD doubled INT AS (small * 2) STORED, ADD `odd 'name` JSON, ADD number DOUBLE, "
        "ADD less FLOAT, ADD padded INT(6) ZEROFILL, ADD exact VARCHAR(20) COLLATE utf8mb4_bin, "
        "DEFAULT CHARACTER SET latin1",
        "ALTER TABLE job ADD local VARCHAR(20), ADD needed VARCHAR(20) NOT NULL",
        "UPDATE job SET completed_at = '0000-00-00 00:00:00', small = 255, old = 'é', "
        "price = '-123456789012345678.000000000001', packed = X'00FF0A41', flags = b'100000001', "
        "fine = '2026-06-15 12:00:00.000001', `odd 'name` = '{\"a\": [1, \"b\"]}', number = 0.1, "
        "less = 5592405.8, padded = 42, exact = '🍣', local = 'ü', needed = 'ß'",
    )
    store.removals().remove_jobs([job_id], CAUSE)
    header, job, *_ = only_receipt(store)
    names = header["columns"]["job"]
    assert dict(zip(names, job["rows"]["job"][0], strict=True)) == {
        "id": job_id,
        "name": "nul \0 in it",
        "download_path": None,
        "completed_at": "0000-00-00 00:00:00",
        "user_id": None,
        "object_id": None,
        "status_id": 184,
        "output": "x" * 100,
        "small": 255,
        "price": "-123456789012345678.000000000001",
        "packed": {"base64": base64.b64encode(b"\0\xff\nA").decode()},
        "flags": {"base64": base64.b64encode(b"\1\1").decode()},
        "fine": "2026-06-15 12:00:00.000001",
        "old": "é",
        "odd 'name": '{"a": [1, "b"]}',
        "number": "0.1",
        "less": "5592406",
        "padded": 42,
        "exact": "🍣",
        "local": "ü",
        "needed": "ß",
    }


@on_mariadb
def test_what_a_server_cannot_encode_is_exact_too(store: Store) -> None:
    """Bytes whose spelling would be longer than a packet, of one job among others, are not null."""
    other, long = store.job(), store.job()
    execute(
        store,
        "ALTER TABLE job ADD packed LONGBLOB",
        f"UPDATE job SET packed = CONCAT(REPEAT('x', 13000000), X'00FF') WHERE id = {long}",
        f"UPDATE job SET packed = X'00FF0A' WHERE id = {other}",
    )
    assert cleared(store).removed == 2
    written = {job_id: rows["job"][0][-1] for job_id, rows in jobs_in(only_receipt(store)).items()}
    assert base64.b64decode(written[other]["base64"]) == b"\0\xff\n"
    assert base64.b64decode(written[long]["base64"]) == b"x" * 13_000_000 + b"\0\xff"


@on_mariadb
@pytest.mark.parametrize("value_bytes", [exact_rows.VALUE_BYTES, 10])
def test_a_time_that_a_zone_has_twice_is_told_apart(
    store: Store, monkeypatch: pytest.MonkeyPatch, value_bytes: int
) -> None:
    """A TIMESTAMP is spelled in UTC, and who reads over the same connection still has its own zone."""
    monkeypatch.setattr(exact_rows, "VALUE_BYTES", value_bytes)
    job_id = store.job()
    execute(
        store,
        "ALTER TABLE job ADD seen TIMESTAMP NULL",
        "SET SESSION time_zone = '+00:00'",
        f"UPDATE job SET seen = '2025-10-26 01:30:00' WHERE id = {job_id}",
        "SET SESSION time_zone = '+02:00'",
    )
    database = store.database()
    zone = text("SELECT @@SESSION.time_zone")
    with database.reading() as connection:
        assert connection.execute(zone).scalar_one() == "+02:00"
    store.removals(database).remove_jobs([job_id], CAUSE)
    assert jobs_in(only_receipt(store))[job_id]["job"][0][-1] == "2025-10-26 01:30:00"
    with database.reading() as connection:
        assert connection.execute(zone).scalar_one() == "+02:00"


@on_mariadb
def test_a_server_with_quotes_for_names_is_read_in_any_mode(store: Store) -> None:
    """Names are quoted as both modes read them, whichever a connection begins with."""
    job_id = store.job("a'b\"c")
    engine = make_engine(store.url)

    def quoting(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = 'ANSI_QUOTES'")

    event.listen(engine, "connect", quoting, insert=True)
    database = Database(engine)
    assert not any('"' in table.selected.plain for table in look_at_tables(database).by_name.values())
    assert store.removals(database).remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED
    assert jobs_in(only_receipt(store))[job_id]["job"][0][:2] == [job_id, "a'b\"c"]
    engine.dispose()


@on_sqlite
def test_values_of_every_type_are_exact_in_a_file(store: Store) -> None:
    """SQLite holds anything in any column: bytes that are no text, and text that is no UTF-8."""
    job_id = store.job(output="nul \0 in it")
    execute(
        store,
        "ALTER TABLE job ADD doubled INTEGER AS (status_id * 2)",
        "ALTER TABLE job ADD weight REAL DEFAULT 0.1",
        "ALTER TABLE job ADD untyped",
        "UPDATE job SET completed_at = '0000-00-00 00:00:00', name = CAST(X'61FF' AS TEXT), "
        "download_path = X'41', untyped = -9e999",
    )
    store.removals().remove_jobs([job_id], CAUSE)
    header, job, *_ = only_receipt(store)
    assert header["columns"]["job"][-3:] == ["output", "weight", "untyped"]
    assert job["rows"]["job"] == [
        [
            job_id,
            {"base64": "Yf8=", "is_text": True},
            {"base64": "QQ=="},
            "0000-00-00 00:00:00",
            None,
            None,
            184,
            "nul \0 in it",
            0.1,
            -math.inf,
        ]
    ]


def test_a_receipt_is_found_by_its_jobs_names(store: Store) -> None:
    """Whatever is in them: they are taken out of the rows as the database writes these."""
    names = ["plain", 'a "quoted" \\ one', "Löwe 🗃", "line\nbreak", '{"base64": "x"}', "[7, null]", ""]
    for name in names:
        store.job(name, output='", "decoy')
    store.job(None)
    store.job("plain")
    cleared(store)
    [receipt] = receipts.list_receipts(store.own, "", 1, 9).items
    assert dict(receipt.names) == dict.fromkeys(names, 1) | {"plain": 2, "": 2}
    assert receipts.list_receipts(store.own, "löwe", 1, 9).total == 1
    assert receipts.list_receipts(store.own, "decoy", 1, 9).total == 0


def test_given_jobs_are_told_apart(store: Store) -> None:
    """Of many ids those go that are finished when their turn comes; why others stayed is told."""
    finished = [store.job(), store.job(status_id=185)]
    active, none = store.job(status_id=183), store.job(status_id=None)
    unasked = store.job()
    ids = np.array([*finished, active, none, 10**8], dtype=np.int64)
    tidying = store.removals().start(ids, Reason(Actor("ada"), Action.CLEAN_UP, "rules"))
    tidying.wait()
    told = (tidying.total, tidying.removed, tidying.active, tidying.missing, tidying.locked)
    assert told == (5, 2, 2, 1, 0)
    assert tidying.sentence() == (
        "2 jobs deleted. 2 jobs not deleted: not finished. 1 job already deleted."
    )
    assert store.ids() == [active, none, unasked]
    lines = read_receipts(store.own)[tidying.receipt]
    outcomes = {"removed": finished, "active": [active, none], "missing": [10**8]}
    assert outcomes_in(lines) == outcomes


def test_where_nothing_goes_there_is_no_receipt(store: Store) -> None:
    """An active job, a missing one, and a clearing of nothing leave no file."""
    active = store.job(status_id=183)
    assert store.removals().remove_jobs([active], CAUSE).outcome is Outcome.ACTIVE
    assert store.removals().remove_jobs([10**8], CAUSE).outcome is Outcome.MISSING
    assert cleared(store).receipt == ""
    assert read_receipts(store.own) == {}


def test_without_a_receipt_nothing_is_removed(store: Store) -> None:
    """With a file in place of the folder, a sentence names the setting, and all jobs stay whole."""
    job_id = store.job()
    store.belongings(job_id)
    store.state_dir.touch()
    assert re.search(IN_THE_WAY, store.removals().remove_jobs([job_id], CAUSE).error)
    clearing = cleared(store)
    assert clearing.removed == 0
    assert clearing.sentence() == f"{clearing.error} No job was deleted."
    assert "HERATIO_JOBS_STATE_DIR" in clearing.error
    assert store.ids(tables.job_execution, "job_id") == store.ids() == [job_id]


@on_mariadb
def test_a_store_that_is_erased_meanwhile_ends_a_removal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be written into a file without a name would be gone with it; the rest stays."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 1)
    for _ in range(3):
        store.job()

    def erase() -> None:
        shutil.rmtree(store.state_dir)

    with before_statement(store.engine, "DELETE FROM object", erase, passing=1):
        clearing = cleared(store)
    assert "cannot be used" in clearing.error
    assert clearing.removed + len(store.ids()) == 3
    assert 1 <= clearing.removed <= 2
    # The next removal makes it anew.
    assert cleared(store).removed == len(store.ids()) or store.ids() == []


@on_mariadb
def test_a_disk_that_fills_up_ends_a_removal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went before is in the receipt, which stays readable; the rest is still there."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 1)
    ids = [store.job(output=random.Random(n).randbytes(30_000).hex()) for n in range(8)]
    with store.own.writing():
        pass
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, limits[1]))
    try:
        clearing = cleared(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "HERATIO_JOBS_STATE_DIR" in clearing.error
    [receipt_id] = read_receipts(store.own)
    receipt = receipts.read_receipt(store.own, receipt_id)
    assert receipt
    store.restores().settle(receipt)
    lines = only_receipt(store)
    left = store.ids()
    assert 0 < clearing.removed == len(ids) - len(left) < len(ids)
    assert sorted([*outcomes_in(lines)["removed"], *left]) == ids
    assert set(ids) - set(left) <= jobs_in(lines).keys()


def test_long_outputs_make_batches_small(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No read holds more than its bound, but for a single job that is longer by itself."""
    monkeypatch.setattr(exact_rows, "VALUE_BYTES", 5_000)
    ids = [store.job(output="a" * 1_000) for _ in range(20)]
    ids.append(store.job(output="ü\n" * 20_000))
    for job_id in ids:
        store.belongings(job_id)
    sizes: list[int] = []
    real = exact_rows.JobRows.content

    def noted(rows: exact_rows.JobRows) -> bytes:
        sizes.append(len(rows._found["job"].lines))
        return real(rows)

    monkeypatch.setattr(exact_rows.JobRows, "content", noted)
    assert cleared(store).removed == len(ids)
    assert sorted(sizes)[-2] <= 5_000 < sorted(sizes)[-1]
    written = jobs_in(only_receipt(store))
    assert {job_id: rows["job"][0][-1] for job_id, rows in written.items()} == {
        **dict.fromkeys(ids[:-1], "a" * 1_000),
        ids[-1]: "ü\n" * 20_000,
    }
    assert all(len(rows["note_i18n"]) == 2 for rows in written.values())


def test_two_removals_at_once_share_the_jobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from two processes that share no lock: each job goes once, into one receipt."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 5)
    fill(store, range(1000, 1300))
    monkeypatch.setattr(removal, "_take_lock", lambda _: None)
    others = [store.removals(own=file_store(store.state_dir)) for _ in range(2)]
    removals = [each.start(None, CLEARING) for each in others]
    for each in removals:
        each.wait()
    assert [progress.error for progress in removals] == ["", ""]
    gone = [outcomes_in(lines).get("removed", []) for lines in read_receipts(store.own).values()]
    assert sum(progress.removed for progress in removals) == sum(map(len, gone))
    # A job that one passes over because the other holds it may stay only if that one gives it back.
    assert sorted([*chain(*gone), *store.ids()]) == [*range(1000, 1300)]
    assert store.ids(tables.job_execution, "job_id") == store.ids()


def fill(store: Store, ids: range) -> None:
    """Insert finished jobs with an execution and a note each, by the thousand."""
    rows: list[tuple[Any, Callable[[int], dict[str, Any]]]] = [
        (
            tables.object_,
            lambda i: {"id": i, "class_name": "QubitJob", "created_at": NOON, "updated_at": NOON},
        ),
        (tables.job, lambda i: {"id": i, "name": f"job {i}", "status_id": 184, "completed_at": NOON}),
        (tables.job_execution, lambda i: {"job_id": i, "type": f"of {i}"}),
        (tables.note, lambda i: {"id": i, "object_id": i, "source_culture": "en"}),
        (tables.note_i18n, lambda i: {"id": i, "culture": "en", "content": f"note of {i}"}),
    ]
    with store.engine.begin() as connection:
        for table, row in rows:
            connection.execute(insert(table), [row(i) for i in ids])


def remove_until_killed(url: str, state_dir: Path) -> None:
    """Clear small batches again and again, in a process of its own."""
    setattr(removal, "BATCH_JOBS", 8)  # noqa: B010 - a constant; it ends with the process
    removals = Removals(Database(make_engine(url)), file_store(state_dir))
    while True:
        with suppress(RemovalRuns, DatabaseBusy):
            removals.start(None, CLEARING).wait()
        time.sleep(0.005)


def remove_until_two_commit(url: str, state_dir: Path) -> None:
    """Clear, in a process of its own; when two batches are about to COMMIT, only one does: a kill."""
    setattr(removal, "BATCH_JOBS", 8)  # noqa: B010 - a constant; it ends with the process
    engine, committing = make_engine(url), []

    def kill(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            committing.append(connection)
            if len(committing) == 2:
                connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(20)

    event.listen(engine, "commit", kill)
    Removals(Database(engine), file_store(state_dir)).start(None, CLEARING).wait()


def wait_for_the_server(store: Store) -> None:
    """Wait until it has dealt with all that killed processes have sent: a COMMIT may be among it."""
    store.close()
    if store.engine.dialect.name == "sqlite":
        return
    others = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() "
        "AND id <> CONNECTION_ID()"
    )
    with store.engine.connect() as connection:
        while connection.execute(text(others)).scalar_one():
            time.sleep(0.01)


def test_a_removal_killed_at_any_moment_loses_nothing(store: Store) -> None:
    """Again and again, while a worker restarts jobs: no half job, and each lost row in a receipt."""
    ids = range(1000, 3000)
    fill(store, ids)
    worker, chance, ended = Store.on(store.url), random.Random(6), threading.Event()
    restarted: set[int] = set()

    def restart() -> None:
        while not ended.is_set():
            job_id = chance.choice(ids)
            job = tables.job
            taken = update(job).where(job.c.id == job_id, job.c.status_id == 184)
            with suppress(Exception), worker.engine.begin() as connection:
                if connection.execute(taken.values(status_id=183, completed_at=None)).rowcount:
                    restarted.add(job_id)
            time.sleep(0.002)

    # Its children are forked from a process of one thread that has everything imported.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    restarting = threading.Thread(target=restart)
    restarting.start()
    for kill in range(1, KILLS + 1):
        process = processes.Process(target=remove_until_killed, args=(store.url, store.state_dir))
        process.start()
        while len(read_ids(store)) < kill:
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(chance.random() * 0.1)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    ended.set()
    restarting.join()
    worker.close()
    wait_for_the_server(store)

    left = set(store.ids())
    assert len(read_ids(store)) == KILLS
    for receipt in receipts.list_receipts(store.own, "", 1, 2 * KILLS).items:
        assert receipt.ended_at is None
        store.restores().settle(receipt)
    with store.engine.connect() as connection:
        active = connection.execute(select(tables.job.c.id).where(tables.job.c.status_id == 183))
        assert set(active.scalars()) == restarted
    assert 0 < len(restarted) < len(left) < len(ids)
    for table, column in (
        (tables.object_, "id"),
        (tables.job_execution, "job_id"),
        (tables.note, "object_id"),
        (tables.note_i18n, "id"),
    ):
        assert {i for i in store.ids(table, column) if i >= ids.start} == left
    found = read_receipts(store.own).values()
    # What a kill has rolled back may have gone by a later removal: then both have it.
    removed = {job_id for lines in found for job_id in outcomes_in(lines).get("removed", [])}
    assert removed == set(ids) - left
    written = {job_id: rows for lines in found for job_id, rows in jobs_in(lines).items()}
    for job_id in removed:
        rows = written[job_id]
        assert rows["job"][0][:2] == [job_id, f"job {job_id}"]
        assert rows["ahg_job_execution"][0][1:3] == [job_id, f"of {job_id}"]
        assert rows["note_i18n"] == [[job_id, "en", f"note of {job_id}"]]
        assert rows.keys() == {"object", "job", "note", "note_i18n", "ahg_job_execution"}


@on_mariadb
def test_a_kill_amid_two_batches_leaves_both_pending(store: Store) -> None:
    """Their rows are in the receipt, and the platform's database says which of them was committed."""
    ids = range(1000, 1300)
    fill(store, ids)
    processes = multiprocessing.get_context("forkserver")
    process = processes.Process(target=remove_until_two_commit, args=(store.url, store.state_dir))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    wait_for_the_server(store)
    pending = set(outcomes_in(only_receipt(store))["pending"])
    assert pending == {1000, 1001}
    [receipt] = receipts.list_receipts(store.own, "", 1, 9).items
    assert receipt.counts == {Outcome.PENDING: 2}
    store.restores().settle(receipt)
    lines = only_receipt(store)
    [gone] = set(ids).difference(store.ids())
    assert outcomes_in(lines) == {"removed": [gone], "locked": [*(pending - {gone})]}
    assert jobs_in(lines)[gone]["job"][0][:2] == [gone, f"job {gone}"]


def read_ids(store: Store) -> list[str]:
    """Return the ids of all receipts."""
    with store.own.reading() as connection:
        return list(connection.execute(select(schema.receipt.c.id)).scalars())
