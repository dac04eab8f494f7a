"""The framework's own queues: `jobs`, `failed_jobs` and `job_batches`.

Laravel forgets a job that completes, and knows no type, worker, batch or owner of a job. The class of
a job is the `displayName` of its payload.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    select,
    true,
)

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.tables import laravel_batches, laravel_failed, laravel_jobs
from jobs_data.platform.types import UnixTime
from jobs_data.queues import model
from jobs_data.queues.filters import QueueFilter
from jobs_data.queues.listing import Listing, newest_only
from jobs_data.queues.model import QueuedJob, QueueState
from jobs_data.queues.overview import Figures, Overview, is_called, number_of, queue_name
from jobs_data.queues.present import PresentTable, long_text, mentions, reason_in

_DISPLAY_NAME: Final = re.compile(r'"displayName"\s*:\s*("(?:[^"\\]|\\.)*")')


class Laravel:
    """The queues of the framework, with the methods of `Heratio`."""

    def __init__(self, database: Database, now: datetime) -> None:
        """Read nothing yet."""
        self.now = now
        self._zone = database.timezone
        self._jobs = PresentTable(database, laravel_jobs)
        self._failed = PresentTable(database, laravel_failed)
        self._batches = PresentTable(database, laravel_batches)

    def overview(self, connection: Connection) -> Overview:
        """Return the figures of its queues, counted in the newest rows of each table."""
        figures = Figures()
        capped: list[str] = []
        if self._jobs.exists:
            newest = newest_only(connection, self._jobs, capped)
            figures.add(connection, self._counts().where(newest))
        if self._failed.exists:
            newest = newest_only(connection, self._failed, capped)
            name = queue_name(self._failed["queue"])
            failed = select(name, func.count().label("failed")).select_from(laravel_failed)
            figures.add(connection, failed.where(newest))
        counts = (*self._states(), QueueState.FAILED)
        queues = figures.queues(model.Kind.LARAVEL, counts, self._zone, self.now)
        return Overview(self.now, queues, capped=tuple(capped))

    def jobs(self, asked: QueueFilter) -> list[Listing[QueuedJob]]:
        """Return listings of the unfinished and the failed jobs that match a filter."""
        if asked.heratio_alone:
            return []
        found = []
        is_asked = self._states().get(asked.status) if asked.status else true()
        if is_asked is not None:
            columns = self._select_jobs(*self._jobs.beginnings("payload"))
            where = and_(is_asked, self._matches(self._jobs, asked, "payload"))
            found.append(Listing(columns, self._jobs, where, self._job))
        if asked.status in {None, QueueState.FAILED}:
            columns = self._select_failed(*self._failed.beginnings("payload", "exception"))
            where = self._matches(self._failed, asked, "payload", "exception")
            found.append(Listing(columns, self._failed, where, self._failed_job))
        return found

    @staticmethod
    def _matches(table: PresentTable, asked: QueueFilter, *texts: str) -> ColumnElement[bool]:
        found = mentions(asked.search, table.key, table["queue"], *(table[name] for name in texts))
        return and_(is_called(table["queue"], asked.queue), found)

    def job(self, connection: Connection, key: model.JobKey) -> model.JobDetails | None:
        """Return one queued job, None if it does not exist."""
        if key.source is model.Source.LARAVEL_FAILED:
            return self._read_failed(connection, key.id)
        statement = self._select_jobs(*self._jobs.long_texts("payload"))
        row = self._jobs.find(connection, statement, key.id)
        if row is None:
            return None
        payload = long_text(row, "payload")
        return model.JobDetails(**vars(self._job(row)), payload=payload, read_at=self.now)

    def batches(self) -> Listing[model.Batch]:
        """Return a listing of its batches, whose ids ascend with the creation time."""
        return Listing(select(*self._batches.short), self._batches, true(), self._batch)

    def batch(self, connection: Connection, batch_id: str) -> model.BatchDetails | None:
        """Return one batch, None if it does not exist."""
        texts = self._batches.long_texts("options", "failed_job_ids")
        row = self._batches.find(connection, select(*self._batches.short, *texts), batch_id)
        if row is None:
            return None
        return model.BatchDetails(
            **vars(self._batch(row)),
            options=long_text(row, "options"),
            failed_ids=long_text(row, "failed_job_ids").text,
            read_at=self.now,
        )

    def _states(self) -> dict[QueueState, ColumnElement[bool]]:
        """Return the SQL condition of each state that a job in `jobs` can be in."""
        reserved, available = self._jobs["reserved_at"], self._jobs["available_at"]
        is_later = and_(available.is_not(None), available > literal(self.now, UnixTime()))
        return {
            QueueState.RUNNING: reserved.is_not(None),
            QueueState.DELAYED: and_(reserved.is_(None), is_later),
            QueueState.WAITING: and_(reserved.is_(None), not_(is_later)),
        }

    def _counts(self) -> Select[Any]:
        """Select how many jobs are in each state, and since when the oldest of them waits."""
        states = self._states()
        since: Any = func.coalesce(self._jobs["available_at"], self._jobs["created_at"])
        return select(
            queue_name(self._jobs["queue"]),
            *(number_of(condition).label(state) for state, condition in states.items()),
            func.min(case((states[QueueState.WAITING], since))).label("available"),
        ).select_from(laravel_jobs)

    def _select_jobs(self, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_job` reads, except for `payload`, and other columns."""
        state = case(*((condition, name.value) for name, condition in self._states().items()))
        return select(*self._jobs.short, state.label("state"), *others)

    def _job(self, row: RowMapping) -> QueuedJob:
        state = QueueState(row["state"])
        return QueuedJob(
            source=model.Source.LARAVEL,
            id=row["id"],
            queue=values.name_called(row["queue"]),
            type=class_name_of(values.text(row["payload"])),
            status=state.value,
            state=state,
            attempts=row["attempts"],
            created=row["created_at"],
            available=row["available_at"],
            started=row["reserved_at"],
        )

    def _select_failed(self, *others: ColumnElement[Any]) -> Select[Any]:
        """Select what `_failed_job` reads, except for its texts, and other columns."""
        return select(*self._failed.short, self._failed["queue"].label("queue"), *others)

    def _failed_job(self, row: RowMapping) -> QueuedJob:
        return QueuedJob(
            source=model.Source.LARAVEL_FAILED,
            id=row["id"],
            queue=values.name_called(row["queue"]),
            type=class_name_of(values.text(row["payload"])),
            status=QueueState.FAILED.value,
            state=QueueState.FAILED,
            ended=times.utc(row["failed_at"], self._zone),
            error=reason_in(values.text(row["exception"])),
        )

    def _read_failed(self, connection: Connection, failed_id: int) -> model.JobDetails | None:
        texts = self._failed.long_texts("payload", "exception")
        statement = self._select_failed(*self._failed.beginnings("connection"), *texts)
        row = self._failed.find(connection, statement, failed_id)
        if row is None:
            return None
        return model.JobDetails(
            **vars(self._failed_job(row)),
            payload=long_text(row, "payload"),
            error_trace=long_text(row, "exception"),
            uuid=values.text(row["uuid"]),
            connection=values.text(row["connection"]),
            read_at=self.now,
        )

    def _batch(self, row: RowMapping) -> model.Batch:
        # Laravel counts failed jobs as pending; a batch starts at its creation.
        total = row["total_jobs"] or 0
        completed = max(0, total - (row["pending_jobs"] or 0))
        failed = row["failed_jobs"] or 0
        done = min(total, completed + failed)
        created, ended = row["created_at"], row["finished_at"] or row["cancelled_at"]
        status = "running" if done else "pending"
        if row["cancelled_at"] is not None:
            status = "cancelled"
        elif row["finished_at"] is not None:
            status = "completed"
        return model.Batch(
            kind=model.Kind.LARAVEL,
            id=values.text(row["id"]),
            name=values.name_of(row),
            status=status,
            progress=model.share(done, total),
            progress_text=model.progress_text(done, total),
            completed=completed,
            failed=failed,
            total=total,
            created=created,
            started=created,
            ended=ended,
            estimated_end=None if ended else model.estimated_end(done, total, created, self.now),
        )


def class_name_of(payload: str) -> str:
    """Return the class of a Laravel job: the `displayName` at the beginning of its payload."""
    found = _DISPLAY_NAME.search(payload)
    try:
        return values.name_called(json.loads(found[1]) if found else None)
    except ValueError:
        return values.UNKNOWN_NAME
