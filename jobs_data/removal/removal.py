"""Every removal, of one job or of a million: only finished jobs go, and only with a receipt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection, case, exc, func, select

from jobs_data.background import NotStarted, Stopped, StopSwitch, Work
from jobs_data.platform.database import Database
from jobs_data.platform.engine import WRITE_SECONDS
from jobs_data.platform.errors import CommitUnknown, DatabaseUnavailable, translated_errors
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import FINISHED_IDS, is_finished
from jobs_data.platform.tables import job
from jobs_data.removal.batch import Batches, Result
from jobs_data.removal.exact_rows import begin_reading
from jobs_data.removal.job_tables import look_at_tables
from jobs_data.store.database import Store
from jobs_data.store.receipt_writer import Action, Reason, ReceiptWriter
from jobs_data.store.schema import Outcome
from jobs_data.wording import counted

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 4_000
"""How many jobs one transaction deals with, and so locks, at most."""

BATCH_SECONDS: Final = 0.2
"""What one batch may take; after one that took longer come smaller ones."""

SHRINKING: Final = 8
"""How many times smaller the next try is where a batch cannot be removed, or its rows are too long."""

MYSQL_LOCK_NAME_LENGTH: Final = 64
ALL_FINISHED: Final = "all finished jobs"
"""How a receipt says which jobs were meant."""

NO_GET_LOCK: Final = 1235
"""What some versions of a Galera cluster say of GET_LOCK; others lock at one node alone."""

UNEXPECTED: Final = "An unexpected error occurred. The log of this app has the details."


class RemovalRuns(NotStarted):
    """Other jobs are being deleted. Try again when that has ended."""

    def __init__(self) -> None:
        """Make the sentence."""
        super().__init__(type(self).__doc__)


def sentence_on(outcome: Outcome, job_id: int | str) -> str:
    """Return what became of one job, for the screen and for programs."""
    return {
        Outcome.REMOVED: f"Job {job_id} was deleted.",
        Outcome.ACTIVE: f"Job {job_id} is not finished, so it was not deleted. Only completed and "
        "failed jobs can be deleted.",
        Outcome.LOCKED: f"Job {job_id} was not deleted: another program is using it, or something in "
        "the platform's database refers to it.",
        Outcome.MISSING: f"There is no job {job_id}, so nothing was deleted.",
    }[outcome]


@dataclass(eq=False)
class Removal(Work):
    """A removal, while it is running and after it."""

    total: int
    """How many jobs it was given, or, of all finished jobs, how many there were when it began."""
    action: Action = Action.DELETE_ALL
    removed: int = 0
    active: int = 0
    """Jobs left alone because they were not finished (any more)."""
    missing: int = 0
    """Jobs that were gone already."""
    locked: int = 0
    """Finished jobs left alone: another program used them, or a row elsewhere refers to them."""
    error: str = ""
    """Why it ended early, in sentences; empty where it did not."""
    is_unknown: bool = False
    """Whether it is not known yet what became of the last jobs that it got to."""
    receipt: str = ""
    """The id of its receipt; empty where it has removed nothing."""

    @property
    def done(self) -> int:
        """Return how many jobs it has dealt with."""
        return self.removed + self.active + self.missing + self.locked

    def count(self, outcomes: Mapping[Outcome, Sequence[int]]) -> None:
        """Count what became of some jobs."""
        for outcome, ids in outcomes.items():
            setattr(self, outcome.value, getattr(self, outcome.value) + len(ids))

    def sentence(self) -> str:
        """Return the result, for the screen and for programs."""
        deleted = f"{counted(self.removed)} deleted"
        if self.error:
            head = f"{deleted} before the deletion stopped." if self.removed else ""
            rest = "The other jobs are unchanged." if self.removed else "No job was deleted."
            return " ".join(filter(None, (head, self.error, "" if self.is_unknown else rest)))
        parts = [f"{deleted}."]
        if self.action is Action.DELETE_ALL:
            parts.append("Active jobs are unchanged.")
        else:
            if self.active:
                parts.append(f"{counted(self.active)} not deleted: not finished.")
            if self.missing:
                parts.append(f"{counted(self.missing)} already deleted.")
        if self.locked:
            parts.append(f"{counted(self.locked)} not deleted: in use elsewhere.")
        return " ".join(parts)

    @property
    def outcome(self) -> Outcome:
        """Return what became of the job, of a removal of one."""
        outcomes = (Outcome.REMOVED, Outcome.ACTIVE, Outcome.LOCKED)
        return next((each for each in outcomes if getattr(self, each.value)), Outcome.MISSING)


class Removals:
    """All removals from one database, with their receipts in one store."""

    def __init__(self, database: Database, store: Store, switch: StopSwitch | None = None) -> None:
        """Prepare to remove; nothing is connected yet. `switch` stops between two batches."""
        self._switch = switch or StopSwitch()
        self._database = database
        self._store = store
        self._starting = threading.Lock()
        self.current: Removal | None = None
        """The removal that `start` started last, which may have ended."""

    @property
    def is_running(self) -> bool:
        """Return whether a removal that `start` started is running."""
        return self.current is not None and self.current.is_running

    def remove_job(self, job_id: int, reason: Reason) -> Outcome:
        """Remove one job with everything that is its own, if it is finished.

        Raises DatabaseUnavailable and ReceiptNotWritten: then nothing was removed, which the message
        says, or, with CommitUnknown, it is not known yet.
        """
        removal = Removal(1, reason.action)
        self._remove_each(removal, [job_id], reason)
        return removal.outcome

    def remove_jobs(self, ids: Sequence[int], reason: Reason) -> Removal:
        """Remove a page's worth of jobs, each in a transaction of its own; return the result.

        Where it had to stop early, that is an error of what is returned.
        """
        removal = Removal(len(ids), reason.action)
        with _ending(removal):
            self._remove_each(removal, ids, reason)
        removal.end()
        return removal

    def start(self, ids: Ids | None, reason: Reason) -> Removal:
        """Start to remove jobs, and return at once a removal that shows its progress.

        Those with the given ids that are finished when it gets to them, or all finished jobs where
        there are none given. Raises RemovalRuns where one is under way, NotStarted, and
        DatabaseUnavailable. MySQL and MariaDB know of one in another process too; SQLite has no lock
        for that, and a Galera cluster none that holds at two nodes. Two at once do no harm: each
        leaves alone what the other has locked.
        """
        with self._starting:
            if self.is_running:
                raise RemovalRuns
            removal = Removal(self._count_finished() if ids is None else len(ids), reason.action)
            batches = self._batches(reason, waits=False)
            lock = _take_lock(self._database)
            try:
                removal.start("removal", lambda: self._run(batches, ids, removal, lock))
            except NotStarted:
                _release(lock)
                raise
            self.current = removal
            return removal

    def _batches(self, reason: Reason, *, waits: bool) -> Batches:
        tables = look_at_tables(self._database)
        receipt = ReceiptWriter(self._store, reason, self._database.identity, tables.columns())
        return Batches(self._database, tables, receipt, waits=waits)

    def _count_finished(self) -> int:
        with self._database.reading(primary=True) as connection:
            return connection.execute(select(func.count()).where(is_finished())).scalar_one()

    def _remove_each(self, removal: Removal, ids: Sequence[int], reason: Reason) -> None:
        batches = self._batches(reason, waits=True)

        def remove_all() -> None:
            for job_id in ids:
                self._switch.check()
                _count(removal, batches, [job_id], batches.remove([job_id]))

        self._watched(batches, removal, remove_all)

    def _run(
        self, batches: Batches, ids: Ids | None, removal: Removal, lock: Connection | None
    ) -> None:
        try:
            with _ending(removal):
                self._watched(
                    batches, removal, partial(_remove_all, batches, ids, removal, self._switch)
                )
        finally:
            _release(lock)

    def _watched(self, batches: Batches, removal: Removal, remove_all: Callable[[], None]) -> None:
        """Remove, and write the end of the receipt, whatever it is."""
        error = UNEXPECTED
        try:
            remove_all()
            error = ""
        except CommitUnknown as unknown:
            removal.is_unknown = True
            said = CommitUnknown(f"Deleted jobs will show it, number {batches.receipt.id}.")
            error = str(said)
            raise said from unknown
        except (DatabaseUnavailable, Stopped) as problem:
            error = str(problem)
            raise
        finally:
            batches.close(error)
            removal.receipt = batches.receipt.id
            self._database.changed()


@contextmanager
def _ending(removal: Removal) -> Iterator[None]:
    """Turn what ends a removal early into its error: what was removed before is not forgotten."""
    try:
        yield
    except (DatabaseUnavailable, Stopped) as error:
        removal.error = str(error)
        log.warning("a removal stopped after %d jobs: %s", removal.removed, error)
    except Exception:
        removal.error = UNEXPECTED
        log.exception("a removal stopped after %d jobs", removal.removed)


def _remove_all(batches: Batches, given: Ids | None, removal: Removal, switch: StopSwitch) -> None:
    """Remove batch after batch: smaller where one is slow or refused, larger where it went well."""
    if given is None:
        next_batch = partial(_next_finished, batches.database)
    else:
        next_batch = partial(_next_given, given)
    after, size = 0, max(1, BATCH_JOBS // SHRINKING)
    while batch := next_batch(after, size):
        switch.check()
        began = time.monotonic()
        ids, last = batch
        result = batches.remove(ids) if ids else Result({})
        if result is None and len(ids) > 1:
            # One of them is to blame, and the others shall not stay because of it.
            size = max(1, min(size, len(ids)) // SHRINKING)
            continue
        _count(removal, batches, ids, result)
        after = last
        if time.monotonic() - began > BATCH_SECONDS:
            size = max(1, size // 2)
        elif result is None or not result.is_large:
            size = min(BATCH_JOBS, size * 2)


def _count(removal: Removal, batches: Batches, ids: Sequence[int], result: Result | None) -> None:
    """Count what became of a batch; of one that could not be removed at all, its job is in use."""
    if result is None:
        result = Result({Outcome.LOCKED: list(ids)})
        batches.receipt.confirm(result.by_outcome)
    removal.count(result.by_outcome)
    removal.receipt = batches.receipt.id


def _next_given(ids: Ids, after: int, size: int) -> tuple[list[int], int] | None:
    """Return the next of some given jobs, and after what the ones behind them come; None at the end."""
    following = ids[after : after + size].tolist()
    return (following, after + len(following)) if following else None


def _next_finished(database: Database, after: int, size: int) -> tuple[list[int], int] | None:
    """Return those of the next `size` jobs by key that are finished, and the last key; None at the end.

    This look locks nothing: whether they still are is decided where they are locked.
    """
    following = (
        select(job.c.id, job.c.status_id).where(job.c.id > after).order_by(job.c.id).limit(size)
    ).subquery()
    finished = case((following.c.status_id.in_(FINISHED_IDS), following.c.id))
    with database.reading(WRITE_SECONDS, primary=True) as connection:
        begin_reading(connection)
        last, ids = connection.execute(
            select(func.max(following.c.id), func.group_concat(finished))
        ).one()
    if last is None:
        return None
    return [int(i) for i in ids.split(",")] if ids else [], last


def _take_lock(database: Database) -> Connection | None:
    """Return a session that holds the database's own lock on removals; None where there is none."""
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
    raise RemovalRuns


def _release(lock: Connection | None) -> None:
    if lock:
        lock.invalidate()  # ends the session, and with it its lock, whatever state it is in
        lock.close()
