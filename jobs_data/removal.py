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

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    case,
    delete,
    exc,
    func,
    inspect,
    select,
    text,
)

from jobs_data.engine import (
    ChangeTooLarge,
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
from jobs_data.status import FINISHED_IDS, is_finished
from jobs_data.wording import counted

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 4_000
"""How many jobs one transaction of a clearing looks at, and so locks, at most."""

BATCH_SECONDS: Final = 0.2
"""What one batch may take; after one that took longer come smaller ones."""

SHRINKING: Final = 8
"""How many times smaller the next try is where somebody else needs a job of a batch."""

MYSQL_LOCK_NAME_LENGTH: Final = 64
NO_GET_LOCK: Final = 1235
"""What some versions of a Galera cluster say of GET_LOCK; others lock at one node alone."""


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

    outcome = _patiently(database, remove)
    database.changed()
    return outcome


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
    """Sentences on the jobs that it did not get to, where it ended before it was through."""

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
            return (
                f"{counted(self.cleared, 'finished job')} cleared, then the clearing stopped early. "
                f"For the rest: {self.error}"
            )
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

    Raises ClearingRuns where one is under way, and DatabaseUnavailable. MySQL and MariaDB tell of one
    in another process too; SQLite has no lock for that, and a Galera cluster none that holds at two
    nodes. Two at once do no harm: each passes over what the other holds.
    """
    with _starting:
        running = current_clearing(database)
        if running and running.is_running:
            raise ClearingRuns(ClearingRuns.__doc__)
        with database.reading(primary=True) as connection:
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
        _work_through(database, clearing)
    except DatabaseUnavailable as error:
        clearing.error = str(error)
        log.warning("clearing stopped after %d jobs: %s", clearing.cleared, error)
    except Exception:
        # A thread has nobody above it: whatever it is must end the clearing with a sentence.
        clearing.error = "An unexpected error came up; the log of this app has it."
        log.exception("clearing stopped after %d jobs", clearing.cleared)
    finally:
        if lock:
            lock.invalidate()  # ends the session, and with it its lock, whatever state it is in
            lock.close()
        database.changed()
        clearing.end()


class _Taken(Exception):
    """Another program took up a job of the batch, or finished one, after the look at it."""


@dataclass(frozen=True)
class _Batch:
    """The next jobs by key, finished and not, that one transaction deals with."""

    after: int
    last: int
    is_single: bool
    is_free: bool
    """Whether nobody else held one of them, or the job behind them."""
    finished: int
    """How many of them are finished, with the job behind them where they are several."""

    @property
    def jobs(self) -> ColumnElement[bool]:
        """Return the condition that names them."""
        if self.is_single:
            return job.c.id == self.last
        return job.c.id.between(self.after + 1, self.last)


def _work_through(database: Database, clearing: Clearing) -> None:
    """Clear batch after batch: smaller where one is slow or refused, larger where it went well."""
    locks_gaps, cascading = _locks_gaps(database), _cascading(database)
    after, size = 0, max(1, BATCH_JOBS // SHRINKING)
    while True:
        try:
            batch = _patiently(database, partial(_next_batch, after, size))
        except DatabaseBusy:
            # On a Galera cluster the locks of a look yield to what other nodes have committed.
            if database.is_sqlite or size == 1:
                raise
            size = max(1, size // SHRINKING)
            continue
        if batch is None:
            return
        began = time.monotonic()
        removed = _remove_if_free(database, batch, cascading, locks_gaps=locks_gaps)
        if removed is None and not batch.is_single:
            # One of them is to blame, and the others shall not stay because of it.
            size = max(1, size // SHRINKING)
            continue
        if removed is None:
            clearing.passed_over += batch.finished
        else:
            clearing.cleared += removed
        after = batch.last
        was_slow = time.monotonic() - began > BATCH_SECONDS
        size = max(1, size // 2) if was_slow else min(BATCH_JOBS, size * 2)


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


def _next_batch(after: int, size: int, connection: Connection) -> _Batch | None:
    """Return the next jobs by key, as many as told; None where there are no more.

    This look has a transaction of its own, as it locks unfinished jobs too, for some milliseconds:
    the removal then locks finished ones alone, and no worker waits for it.
    """
    # One more than the batch: InnoDB may lock the row behind a range along with it.
    rows = size + 1 if size > 1 else 1
    following = select(job.c.id, job.c.status_id).where(job.c.id > after).order_by(job.c.id).limit(rows)
    # One that somebody else holds is not waited for: it may be a worker's for a long time.
    free = connection.execute(_summary(following.with_for_update(skip_locked=True))).one()
    there = connection.execute(_summary(following)).one()
    count, last, finished = there
    if not count:
        return None
    has_one_behind = size > 1 and count == rows
    return _Batch(
        after=after,
        last=last - 1 if has_one_behind else last,
        is_single=size == 1,
        is_free=free[:2] == there[:2],
        finished=finished,
    )


def _summary(jobs: Select[int, int | None]) -> Select[int, int, int]:
    """Select how many some jobs are, the largest id of them, and how many are finished."""
    found = jobs.subquery()
    finished = case((found.c.status_id.in_(FINISHED_IDS), 1))
    return select(func.count(), func.max(found.c.id), func.count(finished))


def _remove_if_free(
    database: Database, batch: _Batch, cascading: frozenset[str], *, locks_gaps: bool
) -> int | None:
    """Remove the finished jobs of a batch; None, and nothing removed, where somebody needs one."""
    if not batch.is_free:
        return None
    if not batch.finished:
        return 0

    def remove(connection: Connection) -> int:
        if not locks_gaps:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        locked = _lock(connection, batch.jobs, skip_locked=True)
        finished = select(func.count()).where(batch.jobs, is_finished())
        if locked != connection.execute(finished).scalar_one():
            raise _Taken
        _delete_locked(connection, database, batch.jobs, locked, cascading)
        return locked

    try:
        return _patiently(database, remove)
    except (_Taken, ChangeTooLarge, RowsReferredTo):
        return None
    except DatabaseBusy:
        if database.is_sqlite:
            raise  # it locks the whole file: no smaller batch would fare better
        return None


def _remove(connection: Connection, database: Database, which: ColumnElement[bool]) -> int:
    """Remove those of some jobs that are finished, with all that is theirs; return how many."""
    locked = _lock(connection, which)
    _delete_locked(connection, database, which, locked)
    return locked


def _lock(connection: Connection, which: ColumnElement[bool], *, skip_locked: bool = False) -> int:
    """Lock those of some jobs that are finished, and return how many: their ids stay where they are."""
    jobs = select(job.c.id).where(which, is_finished()).with_for_update(skip_locked=skip_locked)
    return connection.execute(select(func.count()).select_from(jobs.subquery())).scalar_one()


def _delete_locked(
    connection: Connection,
    database: Database,
    which: ColumnElement[bool],
    locked: int,
    cascading: frozenset[str] = frozenset(),
) -> None:
    """Delete all rows of those jobs that are finished: `locked` jobs, which nobody can change now.

    `cascading` names the tables whose rows go with the `object` row. Not every database that came
    out of a dump has the foreign keys for that, and `ahg_job_execution` never had one. Raises
    _Taken where a job has become finished since they were locked: it may have lost a row already.
    """
    if not locked:
        return
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
        if table.name not in database.tables or table.name in cascading:
            continue
        rows = _delete(connection, table, *links, which, is_finished())
        if table in (object_, job) and rows > locked:
            raise _Taken
        if table is object_ and rows < locked:
            cascading = frozenset()  # a job without an object goes by itself


def _delete(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Delete the rows that meet conditions which may speak of other tables too; return how many."""
    if connection.dialect.name == "sqlite":
        # SQLite cannot join in a DELETE. (MySQL could do it this way too, but would read all rows.)
        key = next(iter(table.primary_key))
        matching = select(key).where(*conditions).correlate(None)
        return connection.execute(delete(table).where(key.in_(matching))).rowcount
    return connection.execute(delete(table).where(*conditions)).rowcount


def _cascading(database: Database) -> frozenset[str]:
    """Return the tables whose rows this database removes by itself when a job's `object` row goes.

    Their rows need no statement of their own then, which halves a clearing's time.
    """
    if database.is_sqlite:
        return frozenset()
    found: set[str] = set()
    with database.reading(primary=True) as connection:
        if not connection.execute(text("SELECT @@foreign_key_checks")).scalar_one():
            return frozenset()
        for table, column, parent in (
            (job, "id", object_),
            (note, "object_id", object_),
            (note_i18n, "id", note),
            (property_, "object_id", object_),
            (property_i18n, "id", property_),
        ):
            if table.name in database.tables and (parent is object_ or parent.name in found):
                found.update(
                    table.name
                    for key in inspect(connection).get_foreign_keys(table.name)
                    if key["constrained_columns"] == [column]
                    and key["referred_table"] == parent.name
                    and key["options"].get("ondelete") == "CASCADE"
                )
    return frozenset(found)


def _locks_gaps(database: Database) -> bool:
    """Return whether a batch must lock unfinished jobs between its own too, and gaps for new rows.

    At READ COMMITTED it locks neither. A server that logs statements for its replicas allows no
    change at that level, and SQLite has no levels.
    """
    if database.is_sqlite:
        return True
    with database.reading(primary=True) as connection:
        asked = "SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')"
        log = {row[0]: row[1] for row in connection.execute(text(asked))}
    return log.get("log_bin") == "ON" and log.get("binlog_format") == "STATEMENT"


def _take_lock(database: Database) -> Connection | None:
    """Return a session that holds the database's own lock on clearing; None where there is none."""
    if database.is_sqlite:
        return None
    name = f"heratio-jobs clearing {database.engine.url.database}"[:MYSQL_LOCK_NAME_LENGTH]
    with translated_errors():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if connection.execute(select(func.get_lock(name, 0))).scalar() == 1:
                return connection
        except exc.DBAPIError as error:
            if getattr(error.orig, "args", ())[:1] != (NO_GET_LOCK,):
                raise
            connection.close()
            return None
        connection.close()
    raise ClearingRuns(ClearingRuns.__doc__)
