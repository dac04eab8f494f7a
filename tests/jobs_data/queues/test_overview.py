"""The overview of the queues, on both kinds of database, with every figure worked out by hand."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import event

from jobs_data.platform import tables
from jobs_data.queues import listing, reads
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.frames import dtypes_of
from jobs_data.queues.model import Kind, Queue, QueueState
from tests.support.queue_rows import NOW, minutes, queued, row_of
from tests.support.store import NOON, Store


def test_the_overview_counts_each_queue_of_both_kinds(busy: Store) -> None:
    """Every figure is that of the fixture's docstring."""
    overview = reads.read_overview(busy.database(), now=NOW)
    rows = overview.rows
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == dtypes_of(Queue)
    assert list(zip(rows["kind"], rows["queue"], strict=True)) == [
        ("heratio", "default"),
        ("heratio", "imports"),
        ("laravel", "default"),
        ("laravel", "mail"),
    ]
    assert row_of(rows, "heratio", "default") == {
        "kind": "heratio",
        "queue": "default",
        "waiting": 2,
        "delayed": 1,
        "running": 3,
        "completed": 3,
        "failed": 1,
        "other": 1,
        "oldest_waiting_seconds": 3600,
        "completed_last_hour": 2,
        "workers": 2,
        "worker_seen": pd.Timestamp(NOW - minutes(1)),
    }
    imports = row_of(rows, "heratio", "imports")
    assert (imports["failed"], imports["waiting"], imports["completed"]) == (2, 0, 0)
    assert (imports["oldest_waiting_seconds"], imports["worker_seen"]) == (None, None)
    laravel = row_of(rows, "laravel", "default")
    assert (laravel["waiting"], laravel["delayed"], laravel["running"], laravel["failed"]) == (
        2,
        1,
        1,
        0,
    )
    assert laravel["oldest_waiting_seconds"] == 20 * 60
    assert (laravel["completed"], laravel["completed_last_hour"], laravel["workers"]) == (None,) * 3
    assert row_of(rows, "laravel", "mail")["failed"] == 1
    assert overview.workers == ("one:1", "two:7")
    assert overview.types == ("arX",)
    assert overview.capped == ()


def test_the_platforms_times_are_in_its_zone(store: Store) -> None:
    """What Kolkata's clock calls 17:20 is ten minutes before noon UTC; Laravel's seconds are UTC."""
    queued(store, available_at=NOON + minutes(5 * 60 + 20))
    store.insert(tables.laravel_jobs, queue="q", available_at=NOW - minutes(3), created_at=NOW)
    rows = reads.read_overview(store.database(timezone="Asia/Kolkata"), now=NOW).rows
    assert rows["oldest_waiting_seconds"].tolist() == [600, 180]
    assert rows["waiting"].tolist() == [1, 1]


def test_a_cap_is_told(busy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than are looked at, the newest count, and the overview names the table."""
    monkeypatch.setattr(listing, "MOST_ROWS", 4)
    overview = reads.read_overview(busy.database(), now=NOW)
    # The other tables have four rows at most.
    assert overview.capped == ("ahg_queue_job",)
    default = row_of(overview.rows, "heratio", "default")
    # The newest four: completed at 11:00 and 10:59:59, failed, cancelled.
    assert (default["completed_last_hour"], default["completed"]) == (1, 3)
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    overview = reads.read_overview(busy.database(), now=NOW)
    assert overview.capped == ("ahg_queue_job", "ahg_queue_failed", "jobs")
    assert row_of(overview.rows, "laravel", "default")["waiting"] == 1


def test_a_queue_is_what_the_database_takes_for_one_name(store: Store) -> None:
    """MariaDB's collation has no case and ignores spaces at the end; SQLite tells all names apart."""
    for queue, status, minutes_later in (
        ("Default", "pending", 5),
        ("default", "Pending", 5),
        ("default", "pending", 5),
        ("DEFAULT ", "pending", -5),
        ("default", "Completed", 0),
        ("default", "FAILED", 0),
        ("", "Running", 0),
        ("  ", "pending", -1),
        ("[Unknown]", "pending", 1),
    ):
        available = NOON + minutes(minutes_later)
        queued(
            store, status, queue=queue, worker_id="w:1", available_at=available, completed_at=available
        )
    for queue, starts, reserved in (("Mail", 5, None), ("mail", -5, None), ("MAIL", -5, -1)):
        store.insert(
            tables.laravel_jobs,
            queue=queue,
            available_at=NOW + minutes(starts),
            reserved_at=None if reserved is None else NOW + minutes(reserved),
        )
    database = store.database()
    rows = reads.read_overview(database, now=NOW).rows
    for row in rows.to_dict("records"):
        asked = QueueFilter(queue=row["queue"], kind=Kind(row["kind"]))
        for state in QueueState:
            view = QueueView(replace(asked, status=state))
            listed = reads.read_queue_jobs(database, view, now=NOW).page
            assert listed.total == (0 if pd.isna(row[state]) else row[state]), (row["queue"], state)
            assert set(listed.items["state"]) <= {state}
    counts = [*QueueState]
    assert rows[counts].sum().sum() == 12
    if not database.is_sqlite:
        store.insert(tables.queue_failed, queue="dEFAULT", original_job_id=10**6)
        store.insert(tables.laravel_failed, uuid="u", queue="maiL")
        rows = reads.read_overview(database, now=NOW).rows
        assert sorted(rows["queue"].str.strip().str.lower()) == ["[unknown]", "default", "mail"]
        [default] = rows[rows["queue"].str.lower().str.startswith("default")].to_dict("records")
        assert [default[state] for state in counts] == [1, 3, 0, 1, 2, 0]
        assert (default["completed_last_hour"], default["workers"]) == (1, 1)
        [mail] = rows[rows["kind"] == Kind.LARAVEL].to_dict("records")
        assert [mail[state] for state in ("waiting", "delayed", "running", "failed")] == [1, 1, 1, 1]


def test_the_counts_read_an_index_alone(store: Store) -> None:
    """However many jobs there are, no row of theirs is read to count them."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("MariaDB's EXPLAIN")
    for _ in range(20):
        queued(store)
    database = store.database()
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    reads.read_overview(database, now=NOW)
    event.remove(store.engine, "before_cursor_execute", note)
    [(statement, parameters)] = [each for each in sent if "by_status" in each[0]]
    with store.engine.begin() as connection:
        plans = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().all()
    [plan] = [plan for plan in plans if plan["table"] == "ahg_queue_job"]
    assert plan["key"] == "ix_ahg_queue_job_dispatch"
    assert "Using index" in plan["Extra"].split("; ")


def test_tables_of_different_collations_are_one_overview(store: Store) -> None:
    """MariaDB refuses to compare their columns; each compares a queue's name as it does itself."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no collations of this kind")
    queued(store, queue="Default")
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE ahg_queue_failed CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci"
        )
    for queue in ("default", "élan"):
        store.insert(tables.queue_failed, queue=queue)
    rows = reads.read_overview(store.database(), now=NOW).rows
    assert rows[["queue", "waiting", "failed"]].values.tolist() == [["Default", 1, 1], ["élan", 0, 1]]
