"""Batches of both systems."""

import pytest

from jobs_data.platform import tables
from jobs_data.queues import history, reads
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.model import Kind
from tests.support.queue_rows import NOW, minutes, queued
from tests.support.store import NOON, Store


@pytest.fixture
def batches(store: Store) -> Store:
    """Give a batch at 30 of 100 since 11:30, others that do not go on, and two of Laravel."""
    owner = store.user("ada", en="Ada")
    for name, status, done, failed in (
        ("running", "running", 24, 6),
        ("paused", "paused", 24, 6),
        ("begun", "running", 0, 0),
        ("over", "completed", 100, 0),
    ):
        store.insert(
            tables.queue_batch,
            name=name,
            queue="imports",
            status=status,
            total_jobs=100,
            completed_jobs=done,
            failed_jobs=failed,
            progress_percent=0,
            user_id=owner,
            max_retries=3,
            options='{"culture":"en"}',
            created_at=NOON - minutes(40),
            started_at=NOON - minutes(30),
        )
    for key, pending, failed in (("a1", 8, 2), ("b2", 10, 0)):
        with store.engine.begin() as connection:
            connection.execute(
                tables.laravel_batches.insert().values(
                    id=key,
                    name=key,
                    total_jobs=10,
                    pending_jobs=pending,
                    failed_jobs=failed,
                    failed_job_ids='["u1"]',
                    created_at=NOW - minutes(20),
                    finished_at=NOW if key == "b2" else None,
                )
            )
    return store


def test_a_batch_of_laravel_is_found_by_its_whole_id(batches: Store) -> None:
    """Whatever the collation takes for the same, and whatever signs are asked for."""
    found = reads.read_batch(batches.database(), "a1", now=NOW)
    assert found is not None
    assert found.id == "a1"
    for other in ("A1", "a1 ", "á1", "🍣", "a1\0"):
        assert reads.read_batch(batches.database(), other, now=NOW) is None


def test_batches_of_both_kinds_are_one_list(batches: Store) -> None:
    """30 of 100 took 30 minutes, so that the other 70 end at 13:10; 4 of 10 took 20: at 12:30."""
    found = reads.read_batches(batches.database(), now=NOW)
    rows = {batch.name: vars(batch) for batch in found.page.items}
    assert list(rows) == ["over", "begun", "paused", "running", "b2", "a1"]
    running = rows["running"]
    assert (running["completed"], running["failed"], running["total"]) == (24, 6, 100)
    assert (running["progress"], running["progress_text"]) == (0.3, "30 of 100")
    assert (running["owner"], running["queue"]) == ("Ada", "imports")
    assert running["estimated_end"] == NOW + minutes(70)
    assert {rows[name]["estimated_end"] for name in ("over", "begun", "paused", "b2")} == {None}
    laravel = rows["a1"]
    assert (laravel["completed"], laravel["failed"], laravel["status"]) == (2, 2, "running")
    assert laravel["estimated_end"] == NOW + minutes(30)
    assert rows["b2"]["status"] == "completed"


def test_pages_of_batches_run_through_both_tables(batches: Store) -> None:
    """Past the end is the last page."""
    names = [
        batch.name
        for page in (1, 2)
        for batch in reads.read_batches(batches.database(), page, 4).page.items
    ]
    assert names == ["over", "begun", "paused", "running", "b2", "a1"]
    past = reads.read_batches(batches.database(), 9, 4).page
    assert (past.number, past.pages, past.first, past.total) == (2, 2, 5, 6)


def test_a_batch_has_its_jobs_settings_and_log(batches: Store) -> None:
    """Its jobs are those of the filter; Laravel's batch tells the uuids of failed jobs."""
    batch_id = batches.ids(tables.queue_batch)[0]
    job_id = queued(batches, batch_id=batch_id)
    queued(batches, batch_id=batch_id + 1)
    for event, when in (("dispatched", NOON - minutes(1)), ("started", NOON)):
        batches.insert(
            tables.queue_log, batch_id=batch_id, job_id=job_id, event_type=event, created_at=when
        )
    batch = reads.read_batch(batches.database(), str(batch_id), now=NOW)
    assert batch is not None
    assert (batch.kind, batch.name) == (Kind.HERATIO, "running")
    assert (batch.max_retries, batch.max_concurrent, batch.delay_between_ms) == (3, None, None)
    assert batch.options.pretty == '{\n  "culture": "en"\n}'
    log = history.read_log(batches.database(), batch_id=batch_id)
    assert ([event.event for event in log.events], log.is_cut) == (["dispatched", "started"], False)
    jobs = reads.read_queue_jobs(batches.database(), QueueView(QueueFilter(batch=batch_id)))
    assert [job.id for job in jobs.page.items] == [job_id]
    laravel = reads.read_batch(batches.database(), "a1", now=NOW)
    assert laravel is not None
    assert laravel.failed_ids == '["u1"]'
    assert reads.read_batch(batches.database(), "999999") is None
    assert reads.read_batch(batches.database(), "none") is None
