"""What the queues' screens read, on both kinds of database, with every figure worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, inspect, select

from jobs_data import demo
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.errors import TookTooLong
from jobs_data.queues import queue_frames, queues
from jobs_data.queues.queue_filters import (
    JobKey,
    Kind,
    Origin,
    QueueFilter,
    QueueState,
    QueueView,
    Source,
    origin_params,
    parse_job_key,
    parse_origin,
    parse_queue_view,
    queue_view_params,
)
from tests.support.queue_rows import make_long_without_index
from tests.support.store import NOON, Store

NOW = NOON.replace(tzinfo=UTC)


def minutes(number: float) -> timedelta:
    """Return some minutes."""
    return timedelta(minutes=number)


def queued(store: Store, status: str = "pending", **values: Any) -> int:
    """Insert a job of the platform's queue, created at eleven, and return its id."""
    values = {"queue": "default", "job_type": "arX", "created_at": NOON - minutes(60), **values}
    return store.insert(tables.queue_job, status=status, **values)


def row_of(rows: pd.DataFrame, kind: str, queue: str) -> dict[str, Any]:
    """Return a queue's row of the overview, with None for what is not told."""
    found = rows[(rows["kind"] == kind) & (rows["queue"] == queue)]
    assert len(found) == 1
    return {str(name): None if pd.isna(value) else value for name, value in found.iloc[0].items()}


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


def test_the_overview_counts_each_queue_of_both_kinds(busy: Store) -> None:
    """Every figure is that of the fixture's docstring."""
    overview = queues.read_overview(busy.database(), now=NOW)
    rows = overview.rows
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == queue_frames.QUEUE_COLUMNS
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
    rows = queues.read_overview(store.database(timezone="Asia/Kolkata"), now=NOW).rows
    assert rows["oldest_waiting_seconds"].tolist() == [600, 180]
    assert rows["waiting"].tolist() == [1, 1]


def test_a_cap_is_told(busy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than are looked at, the newest count, and the overview names the table."""
    monkeypatch.setattr(queues, "MOST_ROWS", 4)
    overview = queues.read_overview(busy.database(), now=NOW)
    assert overview.capped == ("ahg_queue_job", "ahg_queue_failed", "jobs")
    default = row_of(overview.rows, "heratio", "default")
    # The newest four: completed at 11:00 and 10:59:59, failed, cancelled.
    assert (default["completed_last_hour"], default["completed"]) == (1, 3)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (QueueFilter(), 16),
        (QueueFilter(kind=Kind.HERATIO), 11),
        (QueueFilter(kind=Kind.LARAVEL), 5),
        (QueueFilter(queue="default"), 15),
        (QueueFilter(queue="mail"), 1),
        (QueueFilter(queue="nowhere"), 0),
        (QueueFilter(status=QueueState.WAITING), 4),
        (QueueFilter(status=QueueState.DELAYED), 2),
        (QueueFilter(status=QueueState.RUNNING), 4),
        (QueueFilter(status=QueueState.COMPLETED), 3),
        (QueueFilter(status=QueueState.FAILED), 2),
        (QueueFilter(status=QueueState.OTHER), 1),
        (QueueFilter(worker="two:7"), 4),
        (QueueFilter(worker="two:7", status=QueueState.RUNNING), 1),
        (QueueFilter(type="arX"), 11),
        (QueueFilter(batch=1), 0),
    ],
)
def test_a_filter_lets_through_what_the_overview_counts(
    busy: Store, asked: QueueFilter, expected: int
) -> None:
    """Count and rows agree, and each row is in the state that was asked for."""
    found = queues.read_queue_jobs(busy.database(), QueueView(asked, limit=50), now=NOW)
    assert (found.total, len(found.rows)) == (expected, expected)
    if asked.status:
        assert set(found.rows["state"]) == {asked.status}


def test_pages_run_through_all_tables_without_gap_or_overlap(busy: Store) -> None:
    """The platform's jobs come first, each table's newest first; past the end is the last page."""
    whole = queues.read_queue_jobs(busy.database(), QueueView(limit=50), now=NOW)
    pages = [queues.read_queue_jobs(busy.database(), QueueView(page=n, limit=3)) for n in range(1, 7)]
    seen = [key for page in pages for key in keys(page.rows)]
    assert seen == keys(whole.rows)
    assert [kind for kind, _, _ in seen] == ["heratio"] * 11 + ["laravel"] * 5
    assert [number for _, _, number in seen][:11] == sorted(busy.ids(tables.queue_job))[::-1]
    past = queues.read_queue_jobs(busy.database(), QueueView(page=99, limit=3))
    assert (past.view.page, past.pages, past.first, len(past.rows)) == (6, 6, 16, 1)


def keys(rows: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return what tells the rows apart."""
    return list(zip(rows["kind"], rows["queue"], rows["id"], strict=True))


def test_a_queued_jobs_row_says_what_is_known(store: Store) -> None:
    """Owner as in the list, progress as a share and in words, the error's first line."""
    owner = store.user("ada", en="Ada")
    job_id = queued(
        store,
        "failed",
        user_id=owner,
        attempt_count=2,
        max_attempts=3,
        progress_current=34,
        progress_total=136,
        progress_message="reading *rows*",
        error_message="\n  it broke  \nbadly",
    )
    [row] = queues.read_queue_jobs(store.database(), QueueView(), now=NOW).rows.to_dict("records")
    assert (row["id"], row["owner"], row["attempts"], row["progress"]) == (
        job_id,
        "Ada",
        "2 of 3",
        0.25,
    )
    assert row["progress_text"] == "34 of 136 · reading *rows*"
    assert row["error"] == "it broke"


def test_laravels_rows_have_their_class_and_exception(busy: Store) -> None:
    """Where the payload cannot be read, the name is unknown and the rest stands."""
    asked = QueueView(QueueFilter(kind=Kind.LARAVEL))
    rows = queues.read_queue_jobs(busy.database(), asked, now=NOW).rows
    assert rows["type"].tolist() == ["App\\Jobs\\Harvest"] * 4 + ["[Unknown]"]
    assert rows["state"].tolist() == ["running", "delayed", "waiting", "waiting", "failed"]
    assert rows["error"].iloc[-1] == "RuntimeException: refused"
    assert rows["ended"].iloc[-1] == pd.Timestamp(NOW - minutes(90))


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


def test_batches_of_both_kinds_are_one_list(batches: Store) -> None:
    """30 of 100 took 30 minutes, so that the other 70 end at 13:10; 4 of 10 took 20: at 12:30."""
    found = queues.read_batches(batches.database(), now=NOW)
    assert {n: str(d) for n, d in found.rows.dtypes.items()} == queue_frames.BATCH_COLUMNS
    rows = found.rows.set_index("name")
    assert rows.index.tolist() == ["over", "begun", "paused", "running", "b2", "a1"]
    running = rows.loc["running"]
    assert (running["completed"], running["failed"], running["total"]) == (24, 6, 100)
    assert (running["progress"], running["progress_text"]) == (0.3, "30 of 100")
    assert (running["owner"], running["queue"]) == ("Ada", "imports")
    assert running["estimated_end"] == pd.Timestamp(NOW + minutes(70))
    assert rows.loc[["over", "begun", "paused", "b2"], "estimated_end"].isna().all()
    laravel = rows.loc["a1"]
    assert (laravel["completed"], laravel["failed"], laravel["status"]) == (2, 2, "running")
    assert laravel["estimated_end"] == pd.Timestamp(NOW + minutes(30))
    assert rows.loc["b2", "status"] == "completed"


def test_pages_of_batches_run_through_both_tables(batches: Store) -> None:
    """Past the end is the last page."""
    names = [
        n for page in (1, 2) for n in queues.read_batches(batches.database(), page, 4).rows["name"]
    ]
    assert names == ["over", "begun", "paused", "running", "b2", "a1"]
    past = queues.read_batches(batches.database(), 9, 4)
    assert (past.page, past.pages, past.first, past.total) == (2, 2, 5, 6)


def test_a_batch_has_its_jobs_settings_and_log(batches: Store) -> None:
    """Its jobs are those of the filter; Laravel's batch tells the uuids of failed jobs."""
    batch_id = batches.ids(tables.queue_batch)[0]
    job_id = queued(batches, batch_id=batch_id)
    queued(batches, batch_id=batch_id + 1)
    for event, when in (("dispatched", NOON - minutes(1)), ("started", NOON)):
        batches.insert(
            tables.queue_log, batch_id=batch_id, job_id=job_id, event_type=event, created_at=when
        )
    batch = queues.read_batch(batches.database(), str(batch_id), now=NOW)
    assert batch is not None
    assert (batch.kind, batch.facts["name"]) == (Kind.HERATIO, "running")
    assert batch.settings == {"Retries": "3"}
    assert batch.options.pretty == '{\n  "culture": "en"\n}'
    log = queues.read_log(batches.database(), batch_id=batch_id)
    assert (log.rows["event"].tolist(), log.is_cut) == (["dispatched", "started"], False)
    jobs = queues.read_queue_jobs(batches.database(), QueueView(QueueFilter(batch=batch_id)))
    assert jobs.rows["id"].tolist() == [job_id]
    laravel = queues.read_batch(batches.database(), "a1", now=NOW)
    assert laravel is not None
    assert laravel.failed_ids == '["u1"]'
    assert queues.read_batch(batches.database(), "999999") is None
    assert queues.read_batch(batches.database(), "none") is None


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
    job = queues.read_queue_job(store.database(), job_id, now=NOW)
    assert job is not None
    assert (job.state, job.status, job.attempts, job.max_attempts) == ("delayed", "pending", 1, 3)
    assert job.next_attempt == NOW + minutes(2)
    assert "attempt 2 of 3" in job.retry_sentence
    assert (job.batch_name, job.backoff, job.priority, job.processing_ms) == (
        "<b>batch",
        "exponential",
        1,
        1500,
    )
    assert job.chain_id is not None
    chain = queues.read_chain(store.database(), job.chain_id, now=NOW)
    assert {name: str(dtype) for name, dtype in chain.dtypes.items()} == queue_frames.QUEUE_JOB_COLUMNS
    assert (chain["id"].tolist(), chain["state"].tolist()) == (
        [first, job_id],
        ["completed", "delayed"],
    )
    assert job.payload.pretty == '{\n  "b": [\n    1,\n    "é"\n  ]\n}'
    assert job.result.pretty == "{broken"
    assert (job.error_message.text, job.error_trace.text, job.error_code) == ("first try", "#0", "E1")
    record = queues.read_failed_record(store.database(), job_id)
    assert record is not None
    assert (record.message, record.attempts, record.failed) == ("given up once", 3, NOW)
    assert record.trace.text == "#1"
    log = queues.read_log(store.database(), job_id=job_id)
    assert log.rows["event"].tolist() == ["dispatched", "started", "retried"]
    assert queues.read_failed_record(store.database(), first) is None
    assert queues.read_queue_job(store.database(), 10**17) is None


def test_long_texts_are_cut_and_say_so(store: Store) -> None:
    """At 200,000 characters nothing is left out, with one more the size of the whole is told."""
    whole = queued(store, payload='"' + "é" * 199_998 + '"')
    cut = queued(store, payload='"' + "é" * 199_999 + '"')
    job = queues.read_queue_job(store.database(), whole)
    assert job is not None
    assert (job.payload.is_cut, job.payload.size, len(job.payload.text)) == (False, 399_998, 200_000)
    job = queues.read_queue_job(store.database(), cut)
    assert job is not None
    assert (job.payload.is_cut, job.payload.size, len(job.payload.text)) == (True, 400_000, 200_000)
    assert job.payload.pretty == job.payload.text


def test_a_long_log_shows_its_newest_events(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there are older ones."""
    monkeypatch.setattr(queues, "MOST_EVENTS", 2)
    job_id = queued(store)
    for event in ("dispatched", "reserved", "started"):
        store.insert(tables.queue_log, job_id=job_id, event_type=event)
    log = queues.read_log(store.database(), job_id=job_id)
    assert (log.rows["event"].tolist(), log.is_cut) == (["reserved", "started"], True)


def test_a_job_that_its_batch_or_chain_holds_back_says_so(store: Store) -> None:
    """The platform gives it the last second of the year 9999, which is nobody's next attempt."""
    job_id = queued(store, available_at=datetime(9999, 12, 31, 23, 59, 59))
    job = queues.read_queue_job(store.database(), job_id, now=NOW)
    assert job is not None
    assert (job.state, job.next_attempt) == (QueueState.DELAYED, None)
    assert "until its batch or its chain lets it start" in job.retry_sentence


def test_a_job_of_laravel_that_has_not_ended(busy: Store) -> None:
    """Its times are UTC, its state follows from them, and its payload is whole."""
    *_, delayed, running = busy.ids(tables.laravel_jobs)
    job = queues.read_laravel_job(busy.database(timezone="Asia/Kolkata"), running, now=NOW)
    assert job is not None
    assert (job.id, job.queue, job.type, job.attempts) == (
        running,
        "default",
        "App\\Jobs\\Harvest",
        1,
    )
    assert (job.state, job.status) == (QueueState.RUNNING, "running")
    assert (job.created, job.available, job.reserved) == (
        NOW - minutes(40),
        NOW - minutes(30),
        NOW - minutes(1),
    )
    assert job.payload.pretty.splitlines()[2] == '  "displayName": "App\\\\Jobs\\\\Harvest",'
    job = queues.read_laravel_job(busy.database(), delayed, now=NOW)
    assert job is not None
    assert (job.state, job.reserved) == (QueueState.DELAYED, None)
    assert queues.read_laravel_job(busy.database(), running + 1) is None


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
    first = queues.read_laravel_failed(store.database(), failed_id - 1)
    assert first is not None
    assert (first.uuid, first.queue, first.type) == ("u1", "mail", "[Unknown]")
    assert first.exception.text == "RuntimeException: refused\n#0 x"
    assert (first.payload.text, first.connection) == ("no JSON", "")
    assert first.failed == NOW - minutes(90)
    second = queues.read_laravel_failed(store.database(), failed_id)
    assert second is not None
    assert (second.connection, second.type, second.queue) == ("redis", "App\\Jobs\\Mail", "[Unknown]")
    assert (second.exception.is_cut, second.exception.size) == (True, 400_003)
    assert queues.read_laravel_failed(store.database(), failed_id + 1) is None


def test_a_look_into_a_long_table_without_an_index_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's and the failed records', which nothing promises an index; the connection goes on."""
    job_id = queued(store)
    make_long_without_index(store)
    database = store.database()
    assert queues.read_log(database, job_id=job_id).rows.empty
    assert queues.read_failed_record(database, job_id) is None
    monkeypatch.setattr(queues, "LOOKUP_SECONDS", 0.001)
    for read in (
        lambda: queues.read_log(database, job_id=job_id),
        lambda: queues.read_log(database, batch_id=job_id),
        lambda: queues.read_failed_record(database, job_id),
    ):
        with pytest.raises(TookTooLong, match="took too long"):
            read()
    assert queues.read_queue_job(database, job_id) is not None


@pytest.mark.parametrize("text", ["[" * 100_000, '"\\ud800"', "9" * 5000, "NaN", "", "[1"])
def test_hostile_json_is_text_that_a_page_can_carry(text: str) -> None:
    """Too deep, half a character, a number without end: nothing raises, and all of it encodes."""
    queues.LongText(text, len(text), is_cut=False).pretty.encode("utf-8")


def test_atom_has_no_queues_and_a_sentence_says_why(atom_store: Store) -> None:
    """Everything is empty, with its columns and types."""
    database = atom_store.database()
    overview = queues.read_overview(database)
    assert {n: str(d) for n, d in overview.rows.dtypes.items()} == queue_frames.QUEUE_COLUMNS
    jobs = queues.read_queue_jobs(database, QueueView(page=3))
    assert (jobs.total, jobs.first, jobs.pages, jobs.view.page) == (0, 0, 1, 1)
    assert {n: str(d) for n, d in jobs.rows.dtypes.items()} == queue_frames.QUEUE_JOB_COLUMNS
    assert queues.read_batches(database).total == 0
    assert queues.read_batch(database, "1") is None
    assert queues.read_batch(database, "uuid") is None
    assert queues.read_queue_job(database, 1) is None
    assert queues.read_chain(database, 1).empty
    assert queues.read_failed_record(database, 1) is None
    assert queues.read_log(database, job_id=1).rows.empty
    assert queues.read_laravel_job(database, 1) is None
    assert queues.read_laravel_failed(database, 1) is None
    sentence = queues.missing_sentence(database, *queues.HERATIO_TABLES, *queues.LARAVEL_TABLES)
    assert "ahg_queue_job, ahg_queue_failed, ahg_queue_batch or ahg_queue_log" in sentence
    assert "jobs, failed_jobs or job_batches" in sentence
    assert sentence.count("normal on AtoM") == 2


def test_missing_columns_cost_their_own_cells(busy: Store) -> None:
    """A database whose tables have nothing but a key and a queue is read all the same."""
    kept = {"id", "queue", "job_id", "original_job_id"}
    with busy.engine.begin() as connection:
        for table in (*queues.HERATIO_TABLES, *queues.LARAVEL_TABLES):
            columns = [column for column in table.c if column.name in kept]
            connection.exec_driver_sql(f"DROP TABLE {table.name}")
            connection.exec_driver_sql(
                f"CREATE TABLE {table.name} ({', '.join(f'{c.name} VARCHAR(50)' for c in columns)})"
            )
            names = ", ".join(column.name for column in columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(['7'] * len(columns))})"
            )
        assert "status" not in {c["name"] for c in inspect(connection).get_columns("ahg_queue_job")}
    database = busy.database()
    rows = queues.read_overview(database, now=NOW).rows
    assert row_of(rows, "heratio", "7")["other"] == 1
    assert row_of(rows, "laravel", "7")["waiting"] == 1
    for state in (None, *QueueState):
        asked = QueueFilter(status=state, type="x" if state else "")
        queues.read_queue_jobs(database, QueueView(asked), now=NOW)
    queues.read_queue_jobs(database, QueueView(QueueFilter(status=QueueState.WAITING)), now=NOW)
    assert queues.read_batches(database).total == 2
    assert queues.read_batch(database, "7") is not None
    job = queues.read_queue_job(database, 7)
    assert job is not None
    assert (job.status, job.state, job.attempts) == ("", QueueState.OTHER, 0)
    assert queues.read_chain(database, 7).empty
    record = queues.read_failed_record(database, 7)
    assert record is not None
    assert (record.message, record.failed) == ("", None)
    assert len(queues.read_log(database, job_id=7).rows) == 1
    assert queues.read_log(database, batch_id=7).rows.empty
    laravel = queues.read_laravel_job(database, 7)
    assert laravel is not None
    assert (laravel.type, laravel.state, laravel.created) == ("[Unknown]", QueueState.WAITING, None)
    failed = queues.read_laravel_failed(database, 7)
    assert failed is not None
    assert (failed.uuid, failed.exception.text, failed.failed) == ("", "", None)


def test_the_list_is_served_by_indexes(store: Store) -> None:
    """The counts by queue and status read an index alone."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("MariaDB's EXPLAIN")
    for _ in range(20):
        queued(store)
    with store.engine.begin() as connection:
        plan = (
            connection.exec_driver_sql(
                "EXPLAIN SELECT queue, status, count(*) FROM ahg_queue_job GROUP BY queue, status"
            )
            .mappings()
            .one()
        )
        assert "Using index" in plan["Extra"]
        assert plan["key"] == "ix_ahg_queue_job_dispatch"


@pytest.mark.parametrize(
    ("params", "view"),
    [
        ({}, QueueView()),
        (
            {
                "kind": "laravel",
                "queue": "a b",
                "status": "FAILED",
                "type": "arX",
                "batch": "7",
                "worker": "h:1",
                "page": "3",
                "limit": "50",
            },
            QueueView(
                QueueFilter("a b", QueueState.FAILED, "arX", 7, "h:1", Kind.LARAVEL), page=3, limit=50
            ),
        ),
        ({"status": "pending"}, QueueView(QueueFilter(status=QueueState.WAITING))),
        ({"status": "cancelled"}, QueueView(QueueFilter(status=QueueState.OTHER))),
        ({"status": "x", "batch": "x", "kind": "x", "page": "-1", "limit": "x"}, QueueView()),
        ({"batch": "0", "queue": " ", "type": "x" * 256, "limit": "999"}, QueueView(limit=200)),
    ],
)
def test_the_url_is_a_view_and_a_view_is_a_url(params: dict[str, str], view: QueueView) -> None:
    """What makes no sense falls back, and what is written is read again."""
    assert parse_queue_view(params) == view
    assert parse_queue_view(queue_view_params(view)) == view


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({}, None),
        ({"id": "7"}, JobKey(Source.HERATIO, 7)),
        ({"laravel": "8"}, JobKey(Source.LARAVEL, 8)),
        ({"failed": "9"}, JobKey(Source.LARAVEL_FAILED, 9)),
        ({"id": "x", "failed": "9" * 19}, None),
    ],
)
def test_the_url_names_one_job(params: dict[str, str], key: JobKey | None) -> None:
    """Of the platform or of Laravel; a number that none can have names nobody."""
    assert parse_job_key(params) == key


@pytest.mark.parametrize(
    ("params", "origin"),
    [
        ({}, Origin()),
        ({"queue": "q", "page": "2"}, Origin(QueueView(QueueFilter("q"), page=2))),
        (
            {"from": "batch", "batch": "3", "page": "2", "list": "4"},
            Origin(QueueView(QueueFilter(batch=3), page=2), is_batch=True, list_page=4),
        ),
        ({"batch": "3"}, Origin(QueueView(QueueFilter(batch=3)))),
        ({"from": "batch", "batch": "x", "list": "-1"}, Origin()),
        ({"from": "https://evil.example"}, Origin()),
    ],
)
def test_the_way_back_is_in_the_url(params: dict[str, str], origin: Origin) -> None:
    """To a batch where it names one, else to the queues; what is written is read again."""
    assert parse_origin(params) == origin
    assert parse_origin(origin_params(origin)) == origin


def test_database_is_only_read(busy: Store) -> None:
    """No statement of these screens needs more than SELECT."""
    database: Database = busy.database()
    before = [busy.rows(table) for table in tables.metadata.sorted_tables]
    queues.read_overview(database)
    queues.read_queue_jobs(database, QueueView())
    assert [busy.rows(table) for table in tables.metadata.sorted_tables] == before


def test_a_demo_has_believable_queues(empty_database: str) -> None:
    """300 queued jobs beside 1,200 others, and what batches count is what their jobs are."""
    engine = make_engine(empty_database)
    demo.create(engine, jobs=1_200, seed=3)
    database = Database(engine)
    assert queues.read_queue_jobs(database, QueueView(QueueFilter(kind=Kind.HERATIO))).total == 300
    rows = queues.read_overview(database).rows
    assert set(rows["kind"]) == {"heratio", "laravel"}
    assert (rows[["waiting", "delayed", "running", "failed"]].sum() > 0).all()
    batches = queues.read_batches(database).rows
    for batch in batches[batches["kind"] == Kind.HERATIO].to_dict("records"):
        asked = QueueFilter(batch=int(batch["id"]))
        own = queues.read_queue_jobs(database, QueueView(asked, limit=200)).rows["state"]
        assert len(own) == batch["total"]
        assert (own == QueueState.COMPLETED).sum() == batch["completed"]
        assert (own == QueueState.FAILED).sum() == batch["failed"]
    engine.dispose()


def test_the_simulator_moves_the_queue(empty_database: str) -> None:
    """Jobs come, start and complete; those that had ended stay as they are."""
    engine = make_engine(empty_database)
    demo.create(engine, jobs=60, seed=3)
    ended = tables.queue_job.c.status.in_(["completed", "failed", "cancelled"])
    with engine.connect() as connection:
        in_order = select(tables.queue_job).order_by(tables.queue_job.c.id)
        before = connection.execute(in_order.where(ended)).all()
    simulator = demo.Simulator(engine, seed=4)
    for _ in range(120):
        simulator.step()
    with engine.connect() as connection:
        ids = [row.id for row in before]
        kept = in_order.where(tables.queue_job.c.id.in_(ids))
        assert connection.execute(kept).all() == before
        assert connection.execute(select(func.count()).where(ended)).scalar_one() > len(before)
    engine.dispose()
