"""Simulates a demo database: jobs start, log and end while a user watches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, delete, func, select, update

from jobs_data.demo import queue_life
from jobs_data.demo.kinds import FREE_TEXT, KINDS, Kind
from jobs_data.demo.logs import failure_text, log_line, stack_trace, step_text
from jobs_data.demo.result_files import ResultFile, result_path, write_result
from jobs_data.platform.status import COMPLETED, ERROR, IN_PROGRESS
from jobs_data.platform.tables import (
    ERROR_NOTE_TYPE_ID,
    JOB_CLASS,
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    present_tables,
    slug,
    user,
)

STEP_SECONDS: Final = 2.0
STOP_SECONDS: Final = 10.0
FEWEST_RUNNING: Final = 2
MOST_RUNNING: Final = 5
START_CHANCE: Final = 0.1
FINISH_CHANCE: Final = 0.1
FAILED_SHARE: Final = 0.1

KINDS_BY_NAME: Final = {kind.name: kind for kind in KINDS if kind is not FREE_TEXT}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job in progress, as read at the beginning of a step."""

    id: int
    name: str | None
    record_id: int | None

    @property
    def kind(self) -> Kind:
        """Return the kind, from the job's name."""
        return KINDS_BY_NAME.get(self.name or "", FREE_TEXT)


class Simulator:
    """Simulates a demo database. It changes only jobs in progress, and only when called.

    In the queues it changes pending and running ones. Each step reads the running jobs from the
    database, so deleted jobs do no harm, and running ones continue after a restart.
    """

    def __init__(
        self, engine: Engine, seed: int | None = None, results_root: Path | None = None
    ) -> None:
        """Use a demo database and the folder for result files, if any; start nothing."""
        self._engine = engine
        self._rng = Random(seed)
        self._queue_rng = Random(seed)
        self._results_root = results_root
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start a daemon thread that takes a step every two seconds, unless it is running."""
        if self._thread and self._thread.is_alive():
            return
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stopping,), name="demo-simulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread after its current step."""
        self._stopping.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(STEP_SECONDS):
            try:
                self.step()
            except Exception:
                # A busy or missing database is no reason to end: the next step may work.
                logger.exception("A step of the demo's simulator failed; it goes on.")

    def step(self) -> None:
        """Make one small change in one transaction: a job starts, logs a line, or ends."""
        with self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                rows = connection.execute(
                    select(job.c.id, job.c.name, job.c.object_id)
                    .where(job.c.status_id == IN_PROGRESS, job.c.completed_at.is_(None))
                    .order_by(job.c.id)
                )
                self._live(connection, [RunningJob(*row) for row in rows])
                # With their own random numbers, so that the queues do not change the jobs.
                queue_life.live(connection, self._queue_rng, _now())

    def _live(self, connection: Connection, running: Sequence[RunningJob]) -> None:
        chance = self._rng.random()
        may_start = len(running) < MOST_RUNNING and chance < START_CHANCE
        if may_start or len(running) < FEWEST_RUNNING:
            self._start_job(connection)
        elif len(running) > FEWEST_RUNNING and chance > 1 - FINISH_CHANCE:
            self._end_job(connection, self._rng.choice(running))
        else:
            self._log_step(connection, self._rng.choice(running))

    def _start_job(self, connection: Connection) -> None:
        now = _now()
        kind = self._rng.choices(KINDS, [kind.weight for kind in KINDS])[0]
        name = kind.name or f"Import: accessions-{now:%Y-%m-%d}.csv"
        users = connection.scalars(select(user.c.id).where(user.c.active == 1)).all()
        records = connection.scalars(select(slug.c.object_id)).all() if kind.about_record else ()
        job_id = _insert(connection, object_, class_name=JOB_CLASS, created_at=now, updated_at=now)
        _insert(
            connection,
            job,
            id=job_id,
            name=name,
            user_id=self._rng.choice([None, *users]),
            object_id=self._rng.choice(records) if records else None,
            status_id=IN_PROGRESS,
            output=log_line(now, job_id, name, "Job started."),
        )
        if _has_executions(connection):
            # SQLite may reuse a deleted job's id, and nothing deletes its execution record.
            connection.execute(delete(job_execution).where(job_execution.c.job_id == job_id))
            _insert(
                connection,
                job_execution,
                job_id=job_id,
                type=kind.type,
                started_at=now,
                created_at=now,
                updated_at=now,
            )

    def _log_step(self, connection: Connection, running: RunningJob) -> None:
        _append(connection, running, step_text(self._rng, running.kind))

    def _end_job(self, connection: Connection, running: RunningJob) -> None:
        if self._rng.random() < FAILED_SHARE:
            self._fail_job(connection, running)
        else:
            self._complete_job(connection, running)

    def _complete_job(self, connection: Connection, running: RunningJob) -> None:
        result = self._result_of(connection, running)
        path = result.path if result else None
        if _close(connection, running, COMPLETED, "Job finished.", download_path=path):
            _close_execution(connection, running)
            if result and self._results_root:
                write_result(self._results_root, result)

    def _result_of(self, connection: Connection, running: RunningJob) -> ResultFile | None:
        suffix = running.kind.result
        if not suffix or not self._results_root:
            return None
        title = connection.scalar(select(slug.c.slug).where(slug.c.object_id == running.record_id))
        title = title or "report"
        leading_slash = self._rng.random() < 0.5
        return ResultFile(result_path(running.id, suffix, title, leading_slash=leading_slash), title)

    def _fail_job(self, connection: Connection, running: RunningJob) -> None:
        kind = running.kind
        message = failure_text(self._rng, kind)
        if not _close(connection, running, ERROR, "Job ended with an error."):
            return
        _close_execution(
            connection,
            running,
            error_message=message,
            stack_trace=stack_trace(self._rng, kind, message),
        )
        note_id = _insert(
            connection,
            note,
            object_id=running.id,
            type_id=ERROR_NOTE_TYPE_ID,
            source_culture="en",
        )
        _insert(connection, note_i18n, id=note_id, culture="en", content=message)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    """Insert one row; return its generated id, if any."""
    return connection.execute(table.insert().values(**values)).lastrowid


def _has_executions(connection: Connection) -> bool:
    return job_execution.name in present_tables(connection)


def _append(connection: Connection, running: RunningJob, text: str, **values: Any) -> bool:
    """Append a line to a job's output and set `values`; return whether the job still runs."""
    line = log_line(_now(), running.id, running.name, text)
    changed = connection.execute(
        update(job)
        .where(job.c.id == running.id, job.c.status_id == IN_PROGRESS)
        .values(output=func.coalesce(job.c.output, "") + f"\n{line}", **values)
    )
    return changed.rowcount == 1


def _close(
    connection: Connection, running: RunningJob, status_id: int, text: str, **values: Any
) -> bool:
    """End a job with a last line of output; return whether it still existed."""
    now = _now()
    ended = _append(connection, running, text, status_id=status_id, completed_at=now, **values)
    if ended:
        connection.execute(update(object_).where(object_.c.id == running.id).values(updated_at=now))
    return ended


def _close_execution(connection: Connection, running: RunningJob, **values: Any) -> None:
    if not _has_executions(connection):
        return
    now = _now()
    started_at = connection.scalar(
        select(job_execution.c.started_at).where(job_execution.c.job_id == running.id)
    )
    if started_at is None:
        return
    connection.execute(
        update(job_execution)
        .where(job_execution.c.job_id == running.id)
        .values(
            completed_at=now,
            duration=int((now - started_at).total_seconds()),
            updated_at=now,
            **values,
        )
    )
