"""Every write of the app. It only ever removes, and only jobs that are finished.

The rule is in the WHERE of every statement that removes, and the jobs it speaks of are locked before
the first of them, so that all statements of one transaction speak of the same jobs. A job that a
worker restarts meanwhile is either already gone when the worker gets to it, or stays whole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, func, select

from jobs_data.engine import (
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    RowsReferredTo,
    identity,
    translated_errors,
)
from jobs_data.platform import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)
from jobs_data.status import is_finished
from jobs_data.wording import counted

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 1_000
"""How many jobs one transaction of a clearing looks at, and so locks, at most."""

MYSQL_LOCK_NAME_LENGTH: Final = 64


class Outcome(StrEnum):
    """What became of the wish to remove one job."""

    REMOVED = "removed"
    ACTIVE = "active"
    """It is not finished (any more); nothing was removed."""
    MISSING = "missing"
    """There is no such job (any more)."""


class ClearingRuns(Exception):
    """Finished jobs are already being cleared; wait until that is through, then try again."""


def sentence_on(outcome: Outcome, job_id: int | str) -> str:
    """Return what became of one job, for the screen and for programs."""
    return {
        Outcome.REMOVED: f"Job {job_id} was deleted.",
        Outcome.ACTIVE: f"Job {job_id} is active, so it was not deleted: only finished jobs can be.",
        Outcome.MISSING: f"There is no job {job_id} (any more), so nothing was deleted.",
    }[outcome]


def remove_job(database: Database, job_id: int) -> Outcome:
    """Remove one job with everything that is its own, if it is finished, in one transaction.

    Raises DatabaseUnavailable; then nothing was removed.
    """
    this_job = job.c.id == job_id

    def remove(connection: Connection) -> Outcome:
        if _remove(connection, database, this_job):
            return Outcome.REMOVED
        exists = connection.execute(select(job.c.id).where(this_job)).scalar() is not None
        return Outcome.ACTIVE if exists else Outcome.MISSING

    return _patiently(database, remove)


def remove_jobs(database: Database, ids: Sequence[int]) -> dict[int, Outcome]:
    """Remove a page's worth of jobs, each in a transaction of its own; what became of each.

    Raises DatabaseUnavailable; jobs before the one it failed on are then removed.
    """
    return {job_id: remove_job(database, job_id) for job_id in ids}


@dataclass
class Clearing:
    """A clearing of all finished jobs, at work in a thread of its own: it outlives who started it."""

    total: int
    """How many finished jobs there were when it began."""
    cleared: int = 0
    passed_over: int = 0
    """Finished jobs left alone, because another program held them or a row elsewhere needs them."""
    error: str = ""
    """A sentence, where it ended before it was through."""

    def __post_init__(self) -> None:
        """Make the flag that `wait` waits for."""
        self._ended = threading.Event()

    @property
    def is_running(self) -> bool:
        """Return whether it is still at work."""
        return not self._ended.is_set()

    def wait(self) -> None:
        """Return when it has ended."""
        self._ended.wait()

    def sentence(self) -> str:
        """Return what came of it, for the screen and for programs."""
        if self.error:
            return f"{self.error} {counted(self.cleared, 'finished job')} had been cleared until then."
        kept = ""
        if self.passed_over:
            kept = f" Something else is using {counted(self.passed_over, 'finished job')}, left alone."
        return f"{counted(self.cleared, 'finished job')} cleared. Active jobs were not touched.{kept}"

    def end(self) -> None:
        """Mark it as ended."""
        self._ended.set()


_clearings: dict[str, Clearing] = {}
_starting = threading.Lock()


def current_clearing(database: Database) -> Clearing | None:
    """Return this process's running or last clearing of the database, None where there was none."""
    return _clearings.get(identity(database))


def start_clearing(database: Database) -> Clearing:
    """Start to remove all finished jobs, and return at once what tells how far it is.

    Raises ClearingRuns where one is under way, in this process or (on MySQL and MariaDB) in any
    other, and DatabaseUnavailable.
    """
    with _starting:
        running = current_clearing(database)
        if running and running.is_running:
            raise ClearingRuns(ClearingRuns.__doc__)
        with database.reading() as connection:
            total = connection.execute(select(func.count()).where(is_finished())).scalar_one()
        lock = _take_lock(database)
        clearing = _clearings[identity(database)] = Clearing(total)
        # A daemon: should the process end, the database takes the unfinished batch back.
        work = threading.Thread(
            target=_clear, args=(database, clearing, lock), name="clearing", daemon=True
        )
        work.start()
        return clearing


def _clear(database: Database, clearing: Clearing, lock: Connection | None) -> None:
    try:
        after = 0
        while batch := _clear_batch(database, after):
            clearing.cleared += batch.removed
            clearing.passed_over += batch.passed_over
            after = batch.last
    except DatabaseUnavailable as error:
        clearing.error = f"The clearing stopped early. {error}"
        log.warning("clearing stopped after %d jobs: %s", clearing.cleared, error)
    except Exception:
        # A thread has nobody above it: whatever it is must end the clearing with a sentence.
        clearing.error = "The clearing stopped early on an unexpected error; the log has it."
        log.exception("clearing stopped after %d jobs", clearing.cleared)
    finally:
        if lock:
            lock.invalidate()  # ends the session, and with it its lock, whatever state it is in
            lock.close()
        clearing.end()


@dataclass(frozen=True)
class _Batch:
    removed: int
    passed_over: int
    last: int
    """The largest job id that it has dealt with."""


def _patiently(database: Database, change: Callable[[Connection], T]) -> T:
    """Return what a change in a transaction of its own returns, repeated if it loses a deadlock."""
    for pause in (0.1, 0.2, 0.4):
        try:
            with database.writing() as connection:
                return change(connection)
        except DatabaseBusy:
            time.sleep(pause)
    with database.writing() as connection:
        return change(connection)


def _clear_batch(database: Database, after: int) -> _Batch | None:
    """Remove the finished jobs among the next thousand; None where there are no more jobs."""
    try:
        return _patiently(database, partial(_remove_next, database, after))
    except RowsReferredTo:
        # One of them is to blame, and the others shall not stay because of it.
        with database.reading() as connection:
            ids = connection.execute(_following(after).limit(BATCH_JOBS)).scalars().all()
        outcomes = [_remove_if_free(database, job_id) for job_id in ids]
        return _Batch(outcomes.count(Outcome.REMOVED), outcomes.count(None), last=ids[-1])


def _remove_if_free(database: Database, job_id: int) -> Outcome | None:
    """Remove one job if it is finished; None where something still refers to it."""
    try:
        return remove_job(database, job_id)
    except RowsReferredTo:
        return None


def _following(after: int) -> Select[int]:
    return select(job.c.id).where(job.c.id > after).order_by(job.c.id)


def _remove_next(database: Database, after: int, connection: Connection) -> _Batch | None:
    # One more than the batch: InnoDB locks the row behind a range along with it.
    following = _following(after).limit(BATCH_JOBS + 1)
    # Locks all of them, unfinished ones too, so that none changes under us. One that somebody else
    # holds is not waited for: it may be a worker's for a long time.
    free = connection.execute(following.with_for_update(skip_locked=True)).scalars().all()
    ids = connection.execute(following).scalars().all()
    if not ids:
        return None
    batch = ids[:BATCH_JOBS]
    in_batch = job.c.id.between(batch[0], batch[-1])
    if list(ids) == list(free):
        return _Batch(_remove(connection, database, in_batch), passed_over=0, last=batch[-1])
    # A range would wait for the one that is held; job by job does not.
    ours = set(batch) & set(free)
    removed = sum(_remove(connection, database, job.c.id == job_id) for job_id in sorted(ours))
    finished = connection.execute(select(job.c.id).where(in_batch, is_finished())).scalars()
    return _Batch(removed, passed_over=len(set(finished) - ours), last=batch[-1])


def _remove(connection: Connection, database: Database, which: ColumnElement[bool]) -> int:
    """Remove those of some jobs that are finished, with all that is theirs; return how many.

    Foreign keys would take most of it along with the `object` row. Not every database that came out
    of a dump has them, though, and `ahg_job_execution` never had one.
    """
    finished = and_(which, is_finished())
    removed = len(connection.execute(select(job.c.id).where(finished).with_for_update()).all())
    if not removed:
        return 0
    belongings: tuple[tuple[Table, tuple[ColumnElement[bool], ...]], ...] = (
        (job_execution, (job_execution.c.job_id == job.c.id,)),
        (note_i18n, (note_i18n.c.id == note.c.id, note.c.object_id == job.c.id)),
        (note, (note.c.object_id == job.c.id,)),
        (property_i18n, (property_i18n.c.id == property_.c.id, property_.c.object_id == job.c.id)),
        (property_, (property_.c.object_id == job.c.id,)),
        (object_, (object_.c.id == job.c.id,)),
        (job, ()),
    )
    for table, links in belongings:
        if table.name in database.tables:
            _delete(connection, table, *links, finished)
    return removed


def _delete(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> None:
    """Delete the rows that meet conditions which may speak of other tables too."""
    if connection.dialect.name == "sqlite":
        # SQLite cannot join in a DELETE. (MySQL could do it this way too, but would read all rows.)
        key = next(iter(table.primary_key))
        matching = select(key).where(*conditions).correlate(None)
        connection.execute(delete(table).where(key.in_(matching)))
    else:
        connection.execute(delete(table).where(*conditions))


def _take_lock(database: Database) -> Connection | None:
    """Return a session that holds the database's own lock on clearing; SQLite has none to take."""
    if database.engine.dialect.name == "sqlite":
        return None
    name = f"heratio-jobs clearing {database.engine.url.database}"[:MYSQL_LOCK_NAME_LENGTH]
    with translated_errors():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(select(func.get_lock(name, 0))).scalar() == 1:
            return connection
        connection.close()
    raise ClearingRuns(ClearingRuns.__doc__)
