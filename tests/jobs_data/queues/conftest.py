"""Queues of both systems, filled so that every figure can be worked out by hand."""

import pytest

from jobs_data.platform import tables
from tests.support.queue_rows import NOW, minutes, queued
from tests.support.store import NOON, Store


@pytest.fixture
def busy(store: Store) -> Store:
    """Give two queues of the platform and one of Laravel, as they stand at noon.

    default: waiting since 11:50 (available) and 11:00 (created); one delayed until 12:05; reserved,
    running and processing one each; completed at 11:30, 11:00 and 10:59:59; one failed, one
    cancelled. imports: a job gone to ahg_queue_failed, recorded twice; a record that names no job; and
    the record of a job of default that is still there, which counts as that job alone.
    """
    queued(store, available_at=NOON - minutes(10))
    queued(store)
    queued(store, available_at=NOON + minutes(5), attempt_count=1)
    queued(store, "reserved", worker_id="one:1", reserved_at=NOON - minutes(1))
    queued(store, "running", worker_id="one:1", started_at=NOON - minutes(2))
    queued(store, "processing", worker_id="two:7", started_at=NOON - minutes(3))
    for before in (30, 60, 60 + 1 / 60):
        queued(store, "completed", worker_id="two:7", completed_at=NOON - minutes(before))
    failed = queued(store, "failed", error_message="\n  it broke  \nbadly")
    queued(store, "cancelled")
    for original in (900, 900, None):
        store.insert(tables.queue_failed, queue="imports", original_job_id=original)
    store.insert(tables.queue_failed, queue="imports", original_job_id=failed)
    for available, reserved in ((-20, None), (-15, None), (10, None), (-30, -1)):
        store.insert(
            tables.laravel_jobs,
            queue="default",
            payload='{"uuid":"u","displayName":"App\\\\Jobs\\\\Harvest","job":"x"}',
            attempts=1,
            available_at=NOW + minutes(available),
            created_at=NOW - minutes(40),
            reserved_at=None if reserved is None else NOW + minutes(reserved),
        )
    store.insert(
        tables.laravel_failed,
        uuid="u1",
        queue="mail",
        payload="no JSON",
        exception="RuntimeException: refused\n#0 x",
        failed_at=NOW - minutes(90),
    )
    return store
