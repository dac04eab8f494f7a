"""One queued job of either system, with its chain, failed record and log."""

from datetime import UTC, datetime

import pytest

from jobs_data.platform import tables
from jobs_data.platform.errors import TookTooLong
from jobs_data.queues import history, reads
from jobs_data.queues.model import JobKey, Log, LongText, QueueState, Source
from tests.support.queue_rows import NOW, make_long_without_index, minutes, queued
from tests.support.store import NOON, Store

REPEATED_HOUR = [datetime(2026, 10, 25, *at) for at in ((1, 50), (2, 50), (2, 10))]


def of_heratio(job_id: int) -> JobKey:
    """Return which job of the platform's queue a number names."""
    return JobKey(Source.HERATIO, job_id)


def test_a_queued_job_tells_everything(store: Store) -> None:
    """Chain, batch, failed record, log, attempts, and the long texts."""
    batch = store.insert(tables.queue_batch, name="<b>batch")
    job_id = queued(
        store,
        available_at=NOON + minutes(2),
        attempt_count=1,
        max_attempts=3,
        backoff_strategy="exponential",
        delay_seconds=120,
        batch_id=batch,
        chain_id=5,
        chain_order=2,
        priority=1,
        processing_time_ms=1500,
        payload='{"b": [1, "é"]}',
        result_data="{broken",
        error_message="first try",
        error_trace="#0",
        error_code="E1",
    )
    first = queued(store, "completed", chain_id=5, chain_order=1)
    store.insert(
        tables.queue_failed,
        original_job_id=job_id,
        error_message="given up once",
        error_trace="#1",
        attempt_count=3,
        failed_at=NOON,
    )
    for event in ("dispatched", "started", "retried"):
        store.insert(tables.queue_log, job_id=job_id, event_type=event, created_at=NOON)
    job = reads.read_queue_job(store.database(), of_heratio(job_id), now=NOW)
    assert job is not None
    assert (job.state, job.status, job.attempts, job.max_attempts) == ("delayed", "pending", 1, 3)
    assert job.next_attempt == NOW + minutes(2)
    assert (job.batch_name, job.backoff, job.priority, job.processing_ms) == (
        "<b>batch",
        "exponential",
        1,
        1500,
    )
    assert job.chain_id is not None
    chain = reads.read_chain(store.database(), job.chain_id, now=NOW)
    assert ([job.id for job in chain], [job.state for job in chain]) == (
        [first, job_id],
        ["completed", "delayed"],
    )
    assert job.payload.pretty == '{\n  "b": [\n    1,\n    "é"\n  ]\n}'
    assert job.result.pretty == "{broken"
    assert (job.error_message.text, job.error_trace.text, job.error_code) == ("first try", "#0", "E1")
    record = history.read_failed_record(store.database(), job_id)
    assert record is not None
    assert (record.message, record.attempts, record.failed) == ("given up once", 3, NOW)
    assert record.trace.text == "#1"
    log = history.read_log(store.database(), job_id=job_id)
    assert [event.event for event in log.events] == ["dispatched", "started", "retried"]
    assert history.read_failed_record(store.database(), first) is None
    assert reads.read_queue_job(store.database(), of_heratio(10**17)) is None


def test_long_texts_are_cut_and_say_so(store: Store) -> None:
    """At 200,000 characters nothing is left out, with one more the size of the whole is told."""
    whole = queued(store, payload='"' + "é" * 199_998 + '"')
    cut = queued(store, payload='"' + "é" * 199_999 + '"')
    job = reads.read_queue_job(store.database(), of_heratio(whole))
    assert job is not None
    assert (job.payload.is_cut, job.payload.size, len(job.payload.text)) == (False, 399_998, 200_000)
    job = reads.read_queue_job(store.database(), of_heratio(cut))
    assert job is not None
    assert (job.payload.is_cut, job.payload.size, len(job.payload.text)) == (True, 400_000, 200_000)
    assert job.payload.pretty == job.payload.text


def test_a_long_log_shows_its_newest_events(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there are older ones."""
    monkeypatch.setattr(history, "MOST_EVENTS", 2)
    job_id = queued(store)
    for event in ("dispatched", "reserved", "started"):
        store.insert(tables.queue_log, job_id=job_id, event_type=event)
    log = history.read_log(store.database(), job_id=job_id)
    assert ([event.event for event in log.events], log.is_cut) == (["reserved", "started"], True)


def test_a_job_that_its_batch_or_chain_holds_back_says_so(store: Store) -> None:
    """The platform gives it the last second of the year 9999, which is nobody's next attempt."""
    job_id = queued(store, available_at=datetime(9999, 12, 31, 23, 59, 59))
    job = reads.read_queue_job(store.database(), of_heratio(job_id), now=NOW)
    assert job is not None
    assert (job.state, job.next_attempt) == (QueueState.DELAYED, None)


def test_in_a_repeated_hour_nothing_ends_before_it_begins(store: Store) -> None:
    """Of a job, a batch and their log: 02:50 to 02:10 are twenty minutes when summer time ends."""
    times = dict(zip(("created_at", "started_at", "completed_at"), REPEATED_HOUR, strict=True))
    batch_id = store.insert(tables.queue_batch, name="b", **times)
    job_id = queued(store, "completed", **times)
    for at in REPEATED_HOUR:
        store.insert(tables.queue_log, job_id=job_id, event_type="x", created_at=at)
    database = store.database(timezone="Europe/Berlin")
    job = reads.read_queue_job(database, of_heratio(job_id), now=NOW)
    batch = reads.read_batch(database, str(batch_id), now=NOW)
    assert job is not None
    assert batch is not None
    log = history.read_log(database, job_id=job_id)
    begin = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
    expected = [begin, begin + minutes(60), begin + minutes(80)]
    assert [job.created, job.started, job.ended] == expected
    assert [batch.created, batch.started, batch.ended] == expected
    assert [event.time for event in log.events] == expected


def test_a_job_of_laravel_that_has_not_ended(busy: Store) -> None:
    """Its times are UTC, its state follows from them, and its payload is whole."""
    *_, delayed, running = busy.ids(tables.laravel_jobs)
    job = reads.read_queue_job(
        busy.database(timezone="Asia/Kolkata"), JobKey(Source.LARAVEL, running), now=NOW
    )
    assert job is not None
    assert (job.id, job.queue, job.type, job.attempts) == (
        running,
        "default",
        "App\\Jobs\\Harvest",
        1,
    )
    assert (job.state, job.status) == (QueueState.RUNNING, "running")
    assert (job.created, job.available, job.started) == (
        NOW - minutes(40),
        NOW - minutes(30),
        NOW - minutes(1),
    )
    assert job.payload.pretty.splitlines()[2] == '  "displayName": "App\\\\Jobs\\\\Harvest",'
    job = reads.read_queue_job(busy.database(), JobKey(Source.LARAVEL, delayed), now=NOW)
    assert job is not None
    assert (job.state, job.started) == (QueueState.DELAYED, None)
    assert reads.read_queue_job(busy.database(), JobKey(Source.LARAVEL, running + 1)) is None


def test_a_failed_job_of_laravel_has_its_whole_exception(busy: Store) -> None:
    """With its trace, in as many lines as there are."""
    store = busy
    failed_id = store.insert(
        tables.laravel_failed,
        uuid="u2",
        connection="redis",
        payload='{"displayName":"App\\\\Jobs\\\\Mail"}',
        exception="E: " + "é" * 200_000,
        failed_at=NOW,
    )
    first = reads.read_queue_job(store.database(), JobKey(Source.LARAVEL_FAILED, failed_id - 1))
    assert first is not None
    assert (first.uuid, first.queue, first.type) == ("u1", "mail", "[Unknown]")
    assert first.error_trace.text == "RuntimeException: refused\n#0 x"
    assert (first.payload.text, first.connection) == ("no JSON", "")
    assert first.ended == NOW - minutes(90)
    second = reads.read_queue_job(store.database(), JobKey(Source.LARAVEL_FAILED, failed_id))
    assert second is not None
    assert (second.connection, second.type, second.queue) == ("redis", "App\\Jobs\\Mail", "[Unknown]")
    assert (second.error_trace.is_cut, second.error_trace.size) == (True, 400_003)
    assert reads.read_queue_job(store.database(), JobKey(Source.LARAVEL_FAILED, failed_id + 1)) is None


def test_a_look_into_a_long_table_without_an_index_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's and the failed records', which nothing promises an index; the connection goes on."""
    job_id = queued(store)
    make_long_without_index(store)
    database = store.database()
    assert history.read_log(database, job_id=job_id) == Log()
    assert history.read_failed_record(database, job_id) is None
    monkeypatch.setattr(history, "LOOKUP_SECONDS", 0.001)
    for read in (
        lambda: history.read_log(database, job_id=job_id),
        lambda: history.read_log(database, batch_id=job_id),
        lambda: history.read_failed_record(database, job_id),
    ):
        with pytest.raises(TookTooLong, match="took too long"):
            read()
    assert reads.read_queue_job(database, of_heratio(job_id)) is not None


@pytest.mark.parametrize("text", ["[" * 100_000, '"\\ud800"', "9" * 5000, "NaN", "", "[1"])
def test_hostile_json_is_text_that_a_page_can_carry(text: str) -> None:
    """Too deep, half a character, a number without end: nothing raises, and all of it encodes."""
    LongText(text, len(text), is_cut=False).pretty.encode("utf-8")


def test_the_reason_is_the_most_telling_of_message_and_trace(store: Store) -> None:
    """A table reads the message alone; the beginning of Laravel's exception has both."""
    trace = (
        "PDOException: no space left in /x.php:3\nStack trace:\n#0 {main}\n\nNext RuntimeException: x"
    )
    job_id = queued(store, "failed", error_message="Job failed.", error_trace=trace)
    job = reads.read_queue_job(store.database(), of_heratio(job_id), now=NOW)
    assert job is not None
    assert job.error == "PDOException: no space left"
    failed_id = store.insert(
        tables.laravel_failed,
        uuid="u",
        connection="database",
        queue="default",
        payload="{}",
        exception=trace,
        failed_at=NOON,
    )
    job = reads.read_queue_job(store.database(), JobKey(Source.LARAVEL_FAILED, failed_id), now=NOW)
    assert job is not None
    assert job.error == "PDOException: no space left"
