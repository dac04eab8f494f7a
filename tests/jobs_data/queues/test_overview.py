"""The overview of the queues, on both kinds of database, with every figure worked out by hand."""

from typing import Any

import pytest
from sqlalchemy import Table, insert

from jobs_data.platform.tables import laravel_failed, laravel_jobs, queue_failed, queue_job
from jobs_data.platform.values import UNKNOWN_NAME
from jobs_data.queues import listing, reads
from jobs_data.queues.filters import QueueFilter, QueueView, parse_queue_view, queue_view_params
from jobs_data.queues.model import Kind, QueueState
from tests.support.names import NAMELESS, SOME, compare_loosely
from tests.support.queue_rows import NOW, minutes, queued, row_of
from tests.support.statements import plans
from tests.support.store import NOON, Store


def test_the_overview_counts_each_queue_of_both_kinds(busy: Store) -> None:
    """Every figure is that of the fixture's docstring."""
    overview = reads.read_overview(busy.database(), now=NOW)
    assert [(queue.kind, queue.queue) for queue in overview.queues] == [
        ("heratio", "default"),
        ("heratio", "imports"),
        ("laravel", "default"),
        ("laravel", "mail"),
    ]
    assert row_of(overview, "heratio", "default") == {
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
        "worker_seen": NOW - minutes(1),
    }
    imports = row_of(overview, "heratio", "imports")
    assert (imports["failed"], imports["waiting"], imports["completed"]) == (2, 0, 0)
    assert (imports["oldest_waiting_seconds"], imports["worker_seen"]) == (None, None)
    laravel = row_of(overview, "laravel", "default")
    assert (laravel["waiting"], laravel["delayed"], laravel["running"], laravel["failed"]) == (
        2,
        1,
        1,
        0,
    )
    assert laravel["oldest_waiting_seconds"] == 20 * 60
    assert (laravel["completed"], laravel["completed_last_hour"], laravel["workers"]) == (None,) * 3
    assert row_of(overview, "laravel", "mail")["failed"] == 1
    assert overview.workers == ("one:1", "two:7")
    assert overview.types == ("arX",)
    assert overview.capped == ()


def test_the_platforms_times_are_in_its_zone(store: Store) -> None:
    """What Kolkata's clock calls 17:20 is ten minutes before noon UTC; Laravel's seconds are UTC."""
    queued(store, available_at=NOON + minutes(5 * 60 + 20))
    store.insert(laravel_jobs, queue="q", available_at=NOW - minutes(3), created_at=NOW)
    queues = reads.read_overview(store.database(timezone="Asia/Kolkata"), now=NOW).queues
    figures = [(queue.oldest_waiting_seconds, queue.waiting) for queue in queues]
    assert figures == [(600, 1), (180, 1)]


def test_a_cap_is_told(busy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than are looked at, the newest count, and the overview names the table."""
    monkeypatch.setattr(listing, "MOST_ROWS", 4)
    overview = reads.read_overview(busy.database(), now=NOW)
    # The other tables have four rows at most.
    assert overview.capped == ("ahg_queue_job",)
    default = row_of(overview, "heratio", "default")
    # The newest four: completed at 11:00 and 10:59:59, failed, cancelled.
    assert (default["completed_last_hour"], default["completed"]) == (1, 3)
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    overview = reads.read_overview(busy.database(), now=NOW)
    assert overview.capped == ("ahg_queue_job", "ahg_queue_failed", "jobs")
    assert row_of(overview, "laravel", "default")["waiting"] == 1


def test_queues_differ_where_their_characters_differ(store: Store) -> None:
    """Whatever a collation takes for the same; each row counts just the jobs that its link lists."""
    for table in (queue_failed, laravel_jobs, laravel_failed):
        compare_loosely(store, table, "queue")
    compare_loosely(store, queue_job, "queue", "job_type", "worker_id")
    rows: dict[Table, list[dict[str, Any]]] = {queue_job: [], queue_failed: [], laravel_jobs: []}
    for name in (*SOME, *NAMELESS[1:]):
        shown = name if name in SOME else UNKNOWN_NAME
        rows[queue_failed].append({"queue": name})
        rows[laravel_jobs].append({"queue": name})
        for status in ("pending", "completed"):
            queued = {"queue": name, "job_type": name, "worker_id": shown, "completed_at": NOON}
            rows[queue_job].append({**queued, "status": status})
    with store.engine.begin() as connection:
        for table in (*rows, laravel_failed):
            connection.execute(insert(table), rows.get(table, rows[queue_failed]))
    database = store.database()
    overview = reads.read_overview(database, now=NOW)
    names = sorted([*SOME, UNKNOWN_NAME])
    assert [queue.queue for queue in overview.queues] == [*names, *names]
    assert list(overview.types) == names
    assert list(overview.workers) == names
    for row in map(vars, overview.queues):
        jobs, kind = 1 if row["queue"] in SOME else len(NAMELESS) - 1, row["kind"]
        assert (row["waiting"], row["failed"]) == (jobs, jobs), row
        view = parse_queue_view(queue_view_params(QueueView(QueueFilter(row["queue"], kind=kind))))
        listed = reads.read_queue_jobs(database, view, now=NOW).page
        # The failed records of Heratio whose job has gone are counted, and not listed.
        assert listed.total == 2 * jobs, row["queue"]
        assert {job.queue for job in listed.items} == {row["queue"]}
        if kind is Kind.HERATIO:
            assert (row["completed"], row["completed_last_hour"], row["workers"]) == (jobs, jobs, 1)
    for name in names:
        jobs = 1 if name in SOME else len(NAMELESS) - 1
        for asked in (QueueFilter(type=name), QueueFilter(worker=name)):
            listed = reads.read_queue_jobs(database, QueueView(asked), now=NOW).page
            assert listed.total == 2 * jobs, asked


def test_a_status_counts_where_it_is_listed(store: Store) -> None:
    """Which spellings of it are the same is the database's to say, for the platform's workers too."""
    for status in ("pending", "Pending", "Completed", "FAILED", "Running", "cancelled"):
        queued(store, status)
    database = store.database()
    [queue] = reads.read_overview(database, now=NOW).queues
    row = vars(queue)
    for state in QueueState:
        view = QueueView(QueueFilter(status=state))
        assert reads.read_queue_jobs(database, view, now=NOW).page.total == row[state], state
    assert sum(row[state] for state in QueueState) == 6


def test_the_counts_read_an_index_alone(store: Store) -> None:
    """However many jobs there are, no row of theirs is read to count them."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("MariaDB's EXPLAIN")
    for _ in range(20):
        queued(store)
    database = store.database()
    [(_, steps)] = plans(
        store.engine, lambda: reads.read_overview(database, now=NOW), lambda sql: "by_status" in sql
    )
    [plan] = [step for step in steps if step["table"] == "ahg_queue_job"]
    assert plan["key"] == "ix_ahg_queue_job_dispatch"
    assert "Using index" in plan["Extra"].split("; ")


def test_tables_of_different_collations_are_one_overview(store: Store) -> None:
    """MariaDB refuses to compare their columns; a queue's name is the same in each of them."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no collations of this kind")
    queued(store, queue="Default")
    with store.engine.begin() as connection:
        for table in ("ahg_queue_failed", "jobs", "failed_jobs"):
            connection.exec_driver_sql(
                f"ALTER TABLE {table} CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci"
            )
    for queue in ("Default", "default", "élan"):
        store.insert(queue_failed, queue=queue)
    queues = reads.read_overview(store.database(), now=NOW).queues
    figures = [("Default", 1, 1), ("default", 0, 1), ("élan", 0, 1)]
    assert [(queue.queue, queue.waiting, queue.failed) for queue in queues] == figures
    for asked in (QueueFilter("🍣"), QueueFilter(type="🍣"), QueueFilter(worker="🍣")):
        assert reads.read_queue_jobs(store.database(), QueueView(asked), now=NOW).page.total == 0
