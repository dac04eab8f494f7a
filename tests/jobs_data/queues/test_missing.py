"""Databases that lack tables or columns of the queues."""

from sqlalchemy import inspect

from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.queues import history, reads
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.model import JobKey, QueueState, Source
from tests.support.queue_rows import NOW, QUEUE_TABLES, row_of
from tests.support.store import Store


def test_atom_has_no_queues_and_a_sentence_says_why(atom_store: Store) -> None:
    """Everything is empty."""
    database = atom_store.database()
    assert reads.read_overview(database).queues == ()
    jobs = reads.read_queue_jobs(database, QueueView(page=3)).page
    assert (jobs.total, jobs.first, jobs.pages, jobs.number) == (0, 0, 1, 1)
    assert reads.read_batches(database).page.total == 0
    assert reads.read_batch(database, "1") is None
    assert reads.read_batch(database, "uuid") is None
    for source in Source:
        assert reads.read_queue_job(database, JobKey(source, 1)) is None
    assert reads.read_chain(database, 1) == []
    assert history.read_failed_record(database, 1) is None
    assert not history.read_log(database, job_id=1).events
    sentence = reads.missing_sentence(database, *QUEUE_TABLES)
    assert "ahg_queue_job, ahg_queue_failed, ahg_queue_batch, ahg_queue_log, jobs," in sentence
    assert "failed_jobs or job_batches" in sentence
    assert "normal on AtoM" in sentence
    assert reads.missing_sentence(database, tables.job) == ""


def test_missing_columns_cost_their_own_cells(busy: Store) -> None:
    """A database whose tables have nothing but a key and a queue is read all the same."""
    kept = {"id", "queue", "job_id", "original_job_id"}
    with busy.engine.begin() as connection:
        for table in QUEUE_TABLES:
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
    overview = reads.read_overview(database, now=NOW)
    assert row_of(overview, "heratio", "7")["other"] == 1
    assert row_of(overview, "laravel", "7")["waiting"] == 1
    for state in (None, *QueueState):
        asked = QueueFilter(status=state, type="x" if state else "")
        reads.read_queue_jobs(database, QueueView(asked), now=NOW)
    reads.read_queue_jobs(database, QueueView(QueueFilter(status=QueueState.WAITING)), now=NOW)
    assert reads.read_batches(database).page.total == 2
    assert reads.read_batch(database, "7") is not None
    job = reads.read_queue_job(database, JobKey(Source.HERATIO, 7))
    assert job is not None
    assert (job.status, job.state, job.attempts) == ("", QueueState.OTHER, None)
    assert reads.read_chain(database, 7) == []
    record = history.read_failed_record(database, 7)
    assert record is not None
    assert (record.message, record.failed) == ("", None)
    assert len(history.read_log(database, job_id=7).events) == 1
    assert not history.read_log(database, batch_id=7).events
    laravel = reads.read_queue_job(database, JobKey(Source.LARAVEL, 7))
    assert laravel is not None
    assert (laravel.type, laravel.state, laravel.created) == ("[Unknown]", QueueState.WAITING, None)
    failed = reads.read_queue_job(database, JobKey(Source.LARAVEL_FAILED, 7))
    assert failed is not None
    assert (failed.uuid, failed.error_trace.text, failed.ended) == ("", "", None)


def test_database_is_only_read(busy: Store) -> None:
    """No statement of these screens needs more than SELECT."""
    database: Database = busy.database()
    before = [busy.rows(table) for table in tables.metadata.sorted_tables]
    reads.read_overview(database)
    reads.read_queue_jobs(database, QueueView())
    assert [busy.rows(table) for table in tables.metadata.sorted_tables] == before
