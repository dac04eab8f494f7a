"""The failed record and the log of a queued job, which only the platform keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import queue_failed, queue_log
from jobs_data.queues.model import Event, FailedRecord, Log
from jobs_data.queues.present import PresentTable, long_text

MOST_EVENTS: Final = 500

LOOKUP_SECONDS: Final = 5
"""How long a read of these tables may take. Without an index on the job or the batch, a whole table is
read."""


def read_failed_record(database: Database, job_id: int) -> FailedRecord | None:
    """Return the newest failed record of a job of the platform's queue, if it has one.

    Raises TookTooLong after LOOKUP_SECONDS, and DatabaseUnavailable.
    """
    failed = PresentTable(database, queue_failed)
    if not failed.has("original_job_id"):
        return None
    record = select(*failed.short, *failed.long_texts("error_message", "error_trace"))
    own = record.where(queue_failed.c.original_job_id == job_id)
    with database.reading(LOOKUP_SECONDS) as connection:
        row = connection.execute(own.order_by(failed.key.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    return FailedRecord(
        id=row["id"],
        failed=times.utc(row["failed_at"], database.timezone),
        attempts=row["attempt_count"],
        message=long_text(row, "error_message").text,
        trace=long_text(row, "error_trace"),
    )


def read_log(database: Database, *, job_id: int | None = None, batch_id: int | None = None) -> Log:
    """Return the newest MOST_EVENTS events of a job, or else of a batch, of the platform's queue.

    Raises TookTooLong after LOOKUP_SECONDS, and DatabaseUnavailable.
    """
    log = PresentTable(database, queue_log)
    name, key = ("batch_id", batch_id) if job_id is None else ("job_id", job_id)
    if not log.has(name):
        return Log()
    own = select(*log.short, *log.beginnings("details")).where(queue_log.c[name] == key)
    newest = own.order_by(log.key.desc()).limit(MOST_EVENTS + 1)
    with database.reading(LOOKUP_SECONDS) as connection:
        rows = connection.execute(newest).mappings().all()
    events: list[Event] = []
    before: datetime | None = None
    for row in reversed(rows[:MOST_EVENTS]):
        at = times.utc(row["created_at"], database.timezone, after=before)
        before = at or before
        events.append(
            Event(
                time=at,
                event=values.text(row["event_type"]),
                message=values.text(row["message"]),
                details=values.text(row["details"]),
            )
        )
    return Log(tuple(events), is_cut=len(rows) > MOST_EVENTS)
