"""The app's own database: made at its first use, refused with a sentence, shared by processes."""

import multiprocessing
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from jobs_data.audit import Actor
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.removal.restore import Restores
from jobs_data.store.database import Store, StoreUnavailable, file_store
from jobs_data.store.receipt_writer import Action, Reason, ReceiptWriter
from jobs_data.store.receipts import list_receipts
from jobs_data.store.schema import Outcome
from tests.support.databases import on_sqlite
from tests.support.dumps import dump
from tests.support.mariadb import MariaDB
from tests.support.store import Store as Platform

CAUSE = Reason(Actor("ada"), Action.DELETE, "2 selected jobs")


def write(own: Store, job_id: int, reason: Reason = CAUSE) -> str:
    """Write the receipt of a removal of one job and return its id."""
    writer = ReceiptWriter(own, reason, "a database", {"job": ["id", "name"]})
    number = writer.write([job_id], b'job\n%d [%d, "import"]' % (job_id, job_id), {"import": 1})
    writer.confirm({Outcome.REMOVED: [job_id]}, number)
    writer.close("")
    return writer.id


def test_the_file_is_for_its_user_alone(tmp_path: Path) -> None:
    """It is made at the first use, with its folders; so are the files that SQLite adds."""
    own = file_store(tmp_path / "a" / "state")
    assert not (tmp_path / "a").exists()
    write(own, 1)
    assert stat.S_IMODE((tmp_path / "a" / "state").stat().st_mode) == 0o700
    files = list((tmp_path / "a" / "state").iterdir())
    assert len(files) > 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    own.close()


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """As the guarantee asks, on each connection."""
    own = file_store(tmp_path)
    with own.reading() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    assert modes == ["wal", 2, 1, 1]
    own.close()


def test_another_look_at_the_file_leaves_its_locks(tmp_path: Path) -> None:
    """Else another program that closes it takes itself for the last, and erases the newest commits."""
    with closing(file_store(tmp_path)) as own, closing(file_store(tmp_path)) as another:
        write(own, 1)
        receipts = list_receipts(another, "", 1, 10)
        with multiprocessing.get_context("forkserver").Pool(1) as pool:
            pool.apply(close_again, [tmp_path])
        assert (tmp_path / "state.sqlite-wal").exists()
        write(own, 2)
        assert list_receipts(another, "", 1, 10).total == receipts.total + 1


def close_again(folder: Path) -> None:
    """Read and close the file, as another process does."""
    with closing(file_store(folder)) as own:
        list_receipts(own, "", 1, 10)


def test_no_connection_is_opened_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One would keep all others of the process from writing when the file may be written again."""
    with closing(file_store(tmp_path)) as own:
        write(own, 1)
        own.close()
        with monkeypatch.context() as patch:
            patch.setattr("os.access", lambda *_: False)  # as on a read-only disk, for root too
            with pytest.raises(StoreUnavailable, match="cannot be written"):
                list_receipts(own, "", 1, 10)
        write(own, 2)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """With a sentence, and nothing in it is changed."""
    write(file_store(tmp_path), 1)
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as file:
        file.execute("UPDATE schema_version SET version = 2")
        file.execute("DROP TABLE receipt_name")
        file.commit()
    own = file_store(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"another version of the app \(2 instead of 1\)"):
        list_receipts(own, "", 1, 9)
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as file:
        names = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "receipt_name" not in names
    own.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """A sentence names the setting; the file stays as it is."""
    (tmp_path / "state.sqlite").write_text("something else" * 100)
    with pytest.raises(StoreUnavailable, match="HERATIO_JOBS_STATE_DIR"):
        list_receipts(file_store(tmp_path), "", 1, 9)
    assert (tmp_path / "state.sqlite").read_text().startswith("something else")


def test_nothing_is_made_in_the_platforms_database(store: Platform) -> None:
    """By whichever URL it is reached: its tables tell."""
    own = Store(make_url(store.url), "HERATIO_JOBS_STATE_URL")
    with pytest.raises(StoreUnavailable, match="HERATIO_JOBS_STATE_URL"):
        write(own, 1)
    own.close()


def write_many(folder: Path, first: int, number: int) -> None:
    """Write receipts, in a process of its own."""
    own = file_store(folder)
    for job_id in range(first, first + number):
        write(own, job_id)


def test_processes_write_to_one_file_at_the_same_time(tmp_path: Path) -> None:
    """From its making on; no receipt is lost."""
    processes = multiprocessing.get_context("forkserver")
    both = [
        processes.Process(target=write_many, args=(tmp_path / "state", first, 20))
        for first in (100, 200, 300)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0, 0]
    own = file_store(tmp_path / "state")
    assert list_receipts(own, "", 1, 9).total == 60
    own.close()


@on_sqlite
def test_a_server_holds_receipts_too(store: Platform, mariadb_server: MariaDB) -> None:
    """A database of our own on a server does what the file does, for two processes at once."""
    mariadb_server.create_database("own_state")
    url = make_url(mariadb_server.url("own_state"))
    own, other = (Store(url, "HERATIO_JOBS_STATE_URL") for _ in range(2))
    try:
        first = write(own, 7, Reason(Actor("Löwe"), Action.CLEAN_UP, "jobs “one” 🗃"))
        second = write(other, 8, Reason(Actor("Lowe"), Action.CLEAN_UP, "x"))
        assert [each.id for each in list_receipts(own, "", 1, 9).items] == [second, first]
        assert [each.id for each in list_receipts(own, "LÖWE", 1, 9).items] == [first]
        assert [each.id for each in list_receipts(own, "7", 1, 9).items] == [first]
        job_id = store.job("🗃", output="x" * 3_000_000)
        store.belongings(job_id)
        before = dump(store.engine)
        work = store.removals(own=own).remove_jobs([job_id, 10**8], CAUSE)
        assert (work.removed, work.missing, work.error) == (1, 1, "")
        restore = Restores(store.database(), other, CreationOrder(store.database())).start(
            work.receipt, Actor("bob")
        )
        restore.wait()
        assert (restore.restored, restore.error) == (1, "")
        assert dump(store.engine) == before
    finally:
        own.close()
        other.close()
        mariadb_server.drop_database("own_state")
