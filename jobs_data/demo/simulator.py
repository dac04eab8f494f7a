"""Simulates a demo database: jobs start, log and end while a user watches."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, delete, func, select, update

from jobs_data.background import Background
from jobs_data.demo import queue_life
from jobs_data.demo.examples import COPYING
from jobs_data.demo.kinds import (
    ATOM_KINDS,
    FINISHED,
    FREE_TEXT,
    INDEXING,
    KINDS,
    NO_ROW,
    RETRY,
    STARTED,
    Kind,
    Writer,
)
from jobs_data.demo.logs import (
    closing_text,
    exception_texts,
    failure_text,
    log_line,
    parameters_text,
    step_text,
)
from jobs_data.demo.result_files import ResultFile, result_path, write_result
from jobs_data.platform import values
from jobs_data.platform.dialects import last_characters
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
FEWEST_RUNNING: Final = 1
MOST_RUNNING: Final = 3
START_CHANCE: Final = 0.1
FINISH_CHANCE: Final = 0.1
FAILED_SHARE: Final = 0.1
ROWS_FAILED_SHARE: Final = 0.3
"""How many of the imports complete although a row failed."""

ENDLESS: Final = (RETRY, COPYING.partition("{")[0])
"""How the last line of jobs begins that never end."""
ENDLESS_STEPS: Final = 5
"""After how many steps they write it again."""
MOST_LINES: Final = 12
"""Their outputs keep the first two lines and the last ones."""
END_CHARACTERS: Final = 300

STARTED_KINDS: Final = tuple(kind for kind in KINDS if kind.writer is not Writer.PACKAGE)
KINDS_BY_NAME: Final = {kind.name: kind for kind in KINDS if kind is not FREE_TEXT}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job in progress, as read at the beginning of a step."""

    id: int
    name: str | None
    record_id: int | None
    end: str = ""
    """The end of its output; empty: no worker has taken it."""

    @property
    def last_text(self) -> str:
        """Return its last line, without what the platform writes before it."""
        return self.end.rstrip("\n").rpartition("\n")[2].rpartition('": ')[2]

    @property
    def is_endless(self) -> bool:
        """Return whether it writes the same line for ever."""
        return self.last_text.startswith(ENDLESS)

    @property
    def is_lively(self) -> bool:
        """Return whether it is neither endless, nor silent, nor without any line."""
        return self.last_text not in {"", INDEXING} and not self.is_endless

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
        self._steps = 0
        self._stopping = threading.Event()
        self._background = Background("demo-simulator")

    def start(self) -> None:
        """Start a daemon thread that takes a step every two seconds, unless it is running."""
        if self._stopping.is_set():
            self._background.wait()  # while the last thread ends, no other begins
            self._stopping.clear()
        self._background.begin(self._run)

    def stop(self) -> None:
        """End the thread after its current step."""
        self._stopping.set()
        self._background.wait(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(STEP_SECONDS):
            try:
                self.step()
            except Exception:
                # A busy or missing database is no reason to end: the next step may work.
                logger.exception("A step of the demo's simulator failed; it goes on.")

    def step(self) -> None:
        """Make one small change in one transaction: a job starts, logs a line, or ends.

        Jobs that never end write another line now and then.
        """
        self._steps += 1
        end = last_characters(job.c.output, END_CHARACTERS)
        with self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                rows = connection.execute(
                    select(job.c.id, job.c.name, job.c.object_id, end)
                    .where(job.c.status_id == IN_PROGRESS, job.c.completed_at.is_(None))
                    .order_by(job.c.id)
                )
                running = [
                    RunningJob(row.id, row.name, row.object_id, values.text(row[-1])) for row in rows
                ]
                self._live(connection, [one for one in running if one.is_lively])
                for one in running:
                    if one.is_endless and self._steps % ENDLESS_STEPS == 0:
                        _continue(connection, one)
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
            one = self._rng.choice(running)
            _append(connection, one, step_text(self._rng, one.kind))

    def _start_job(self, connection: Connection) -> None:
        now = _now()
        has_executions = job_execution.name in present_tables(connection)
        kinds = STARTED_KINDS if has_executions else ATOM_KINDS
        kind = self._rng.choices(kinds, [kind.weight for kind in kinds])[0]
        name = kind.name or f"Import: accessions-{now:%Y-%m-%d}.csv"
        users = connection.scalars(select(user.c.id).where(user.c.active == 1)).all()
        records = connection.execute(select(slug.c.object_id, slug.c.slug)).all()
        record_id, title = (
            self._rng.choice(records) if kind.about_record and records else (None, "report")
        )
        job_id = _insert(connection, object_, class_name=JOB_CLASS, created_at=now, updated_at=now)
        is_import = kind.type == "import"
        texts = [step_text(self._rng, kind)]
        if kind.writer is Writer.ATOM:
            texts = [STARTED, parameters_text(kind, job_id, record_id)]
        _insert(
            connection,
            job,
            id=job_id,
            name=name,
            user_id=None if is_import else self._rng.choice([None, *users]),
            object_id=job_id if is_import else record_id,
            status_id=IN_PROGRESS,
            output="".join(log_line(kind.writer, now, job_id, name, text) for text in texts),
        )
        if kind.description:
            text = kind.description.format(n=int(self._rng.random() * 5000) + 1, title=title)
            _insert_note(connection, job_id, None, text)
        if has_executions:
            # SQLite may reuse a deleted job's id, and nothing deletes its execution record.
            connection.execute(delete(job_execution).where(job_execution.c.job_id == job_id))
        if has_executions and kind.writer is Writer.ATOM:
            _insert(
                connection,
                job_execution,
                job_id=job_id,
                type=kind.type,
                started_at=now,
                created_at=now,
                updated_at=now,
            )

    def _end_job(self, connection: Connection, running: RunningJob) -> None:
        if self._rng.random() < FAILED_SHARE:
            _fail_job(connection, running, failure_text(self._rng, running.kind))
        else:
            self._complete_job(connection, running)

    def _complete_job(self, connection: Connection, running: RunningJob) -> None:
        kind = running.kind
        result = self._result_of(connection, running)
        row = int(self._rng.random() * 500) + 1
        errors = int(kind.has_rows and self._rng.random() < ROWS_FAILED_SHARE)
        if errors:
            _append(connection, running, NO_ROW.format(n=row), "err")
        text = FINISHED if kind.writer is Writer.ATOM else closing_text(kind, errors, row)
        path = result and result.path
        ended = _close(connection, running, COMPLETED, [text], download_path=path)
        if ended and result and self._results_root:
            write_result(self._results_root, result)

    def _result_of(self, connection: Connection, running: RunningJob) -> ResultFile | None:
        suffix = running.kind.result
        if not suffix or not self._results_root:
            return None
        title = connection.scalar(select(slug.c.slug).where(slug.c.object_id == running.record_id))
        title = title or "report"
        leading_slash = self._rng.random() < 0.5
        return ResultFile(result_path(running.id, suffix, title, leading_slash=leading_slash), title)


def _fail_job(connection: Connection, running: RunningJob, message: str) -> None:
    kind = running.kind
    if kind.writer is not Writer.ATOM:
        closing = [closing_text(kind, 1, 0)] if kind.type == "import" else []
        _close(connection, running, ERROR, [f"ERROR: {message}", *closing])
        return
    texts = exception_texts(kind, message)
    if _close(connection, running, ERROR, texts, "err"):
        for text in texts:
            _insert_note(connection, running.id, ERROR_NOTE_TYPE_ID, text)


def _insert_note(connection: Connection, job_id: int, type_id: int | None, text: str) -> None:
    note_id = _insert(connection, note, object_id=job_id, type_id=type_id, source_culture="en")
    _insert(connection, note_i18n, id=note_id, culture="en", content=text)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    """Insert one row; return its generated id, if any."""
    return connection.execute(table.insert().values(**values)).lastrowid


def _append(
    connection: Connection, running: RunningJob, text: str, level: str = "info", **more: Any
) -> bool:
    """Append a line to a job's output and set `more`; return whether the job still runs."""
    line = log_line(running.kind.writer, _now(), running.id, running.name, text, level)
    changed = connection.execute(
        update(job)
        .where(job.c.id == running.id, job.c.status_id == IN_PROGRESS)
        .values(output=func.coalesce(job.c.output, "") + line, **more)
    )
    return changed.rowcount == 1


def _continue(connection: Connection, running: RunningJob) -> None:
    """Let a job that never ends write its line again, and keep its output short."""
    text = re.sub(r"\d+(?=\.tif)", lambda number: str(int(number[0]) + 1), running.last_text)
    if not _append(connection, running, text):
        return
    output = connection.scalar(select(job.c.output).where(job.c.id == running.id))
    lines = (output or "").splitlines(keepends=True)
    if len(lines) > MOST_LINES:
        kept = "".join([*lines[:2], *lines[2 - MOST_LINES :]])
        connection.execute(update(job).where(job.c.id == running.id).values(output=kept))


def _close(
    connection: Connection,
    running: RunningJob,
    status_id: int,
    texts: Sequence[str],
    level: str = "info",
    **more: Any,
) -> bool:
    """End a job with its last lines of output; return whether it still existed."""
    now = _now()
    for text in texts[:-1]:
        _append(connection, running, text, level)
    ended = _append(
        connection, running, texts[-1], level, status_id=status_id, completed_at=now, **more
    )
    if ended:
        connection.execute(update(object_).where(object_.c.id == running.id).values(updated_at=now))
        if job_execution.name in present_tables(connection):
            _close_execution(connection, running)
    return ended


def _close_execution(connection: Connection, running: RunningJob) -> None:
    now = _now()
    started_at = connection.scalar(
        select(job_execution.c.started_at).where(job_execution.c.job_id == running.id)
    )
    if started_at is None:
        return
    connection.execute(
        update(job_execution)
        .where(job_execution.c.job_id == running.id)
        .values(completed_at=now, duration=int((now - started_at).total_seconds()), updated_at=now)
    )
