"""Every deletion, of one job or of a million: only of finished jobs, and only with a receipt."""

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

from jobs_data.audit import MOST_IDS, Audit, Event
from jobs_data.background import Background, NotStarted, Stopped, StopSwitch, Work
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
"""The most jobs that one transaction handles, and so locks."""

BATCH_SECONDS: Final = 0.2
"""How long one batch may take; after a slower one the next ones are smaller."""

SHRINKING: Final = 8
"""How many times smaller the next try is if a batch cannot be deleted, or its rows are too long."""

MYSQL_LOCK_NAME_LENGTH: Final = 64
ALL_FINISHED: Final = "all finished jobs"
"""How a receipt says which jobs were meant."""

NO_GET_LOCK: Final = 1235
"""The error of GET_LOCK in some versions of a Galera cluster; others lock at one node only."""

UNEXPECTED: Final = "An unexpected error occurred. The log of this app has the details."


class RemovalRuns(NotStarted):
    """Other jobs are being deleted. Try again when that has ended."""

    def __init__(self) -> None:
        """Make the sentence."""
        super().__init__(type(self).__doc__)


def sentence_on(outcome: Outcome, job_id: int | str) -> str:
    """Return the result message for one job."""
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
    """A deletion, while it is running and after it."""

    total: int
    """How many jobs it was given, or how many finished jobs there were at its start."""
    action: Action = Action.DELETE_ALL
    removed: int = 0
    active: int = 0
    """Jobs not deleted because they were not finished."""
    missing: int = 0
    """Jobs that did not exist."""
    locked: int = 0
    """Finished jobs not deleted: another program used them, or another row refers to them."""
    error: str = ""
    """Why it ended early, in sentences; empty if it did not."""
    is_unknown: bool = False
    """Whether the outcome of the last jobs is not known yet."""
    receipt: str = ""
    """The id of its receipt; empty if it has deleted nothing."""

    @property
    def done(self) -> int:
        """Return how many jobs it has handled."""
        return self.removed + self.active + self.missing + self.locked

    def count(self, outcomes: Mapping[Outcome, Sequence[int]]) -> None:
        """Add the outcomes of some jobs."""
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
        """Return the outcome of a deletion of one job."""
        outcomes = (Outcome.REMOVED, Outcome.ACTIVE, Outcome.LOCKED)
        return next((each for each in outcomes if getattr(self, each.value)), Outcome.MISSING)


@dataclass
class Totals:
    """What the deletions of this process that have ended add up to."""

    deletions: int = 0
    stopped: int = 0
    """How many of them ended early, with an error."""
    jobs: int = 0
    """How many jobs they deleted."""


class Removals:
    """All deletions in one database, with their receipts in one store."""

    def __init__(
        self,
        database: Database,
        store: Store,
        switch: StopSwitch | None = None,
        audit: Audit | None = None,
    ) -> None:
        """Prepare to delete; nothing is connected yet. `switch` stops between two batches."""
        self._audit = audit or Audit()
        self._switch = switch or StopSwitch()
        self._database = database
        self._store = store
        self._starting = threading.Lock()
        self.current: Removal | None = None
        """The deletion that `start` started last, which may have ended."""
        self.totals = Totals()
        self._adding = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Return whether a deletion that `start` started is running."""
        return self.current is not None and self.current.is_running

    def remove_jobs(self, ids: Sequence[int], reason: Reason) -> Removal:
        """Delete up to a page of jobs, each in its own transaction; return the result.

        If it stopped early, the result has an error.
        """
        removal = Removal(len(ids), reason.action)
        try:
            with _ending(removal):
                batches = self._batches(reason, waits=True)

                def remove_all() -> None:
                    for job_id in ids:
                        self._switch.check()
                        removal.count(batches.remove([job_id]).by_outcome)

                self._watched(batches, removal, remove_all)
        finally:
            self._write_audit(removal, reason, ids)
            removal.end()
        return removal

    def start(self, ids: Ids | None, reason: Reason) -> Removal:
        """Start to delete jobs, and return at once a deletion that shows its progress.

        It deletes the jobs with the given ids that are then finished, or all finished jobs without ids.
        Raises RemovalRuns if another deletion is running, NotStarted, and DatabaseUnavailable. MySQL
        and MariaDB lock between processes too; SQLite has no such lock, and a Galera cluster locks at
        one node only. Two at once do no harm: each skips what the other has locked.
        """
        with self._starting:
            if self.is_running:
                raise RemovalRuns
            removal = Removal(self._count_finished() if ids is None else len(ids), reason.action)
            batches = self._batches(reason, waits=False)
            lock = _take_lock(self._database)
            try:
                removal.start("removal", lambda: self._run(batches, ids, removal, lock, reason))
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

    def _run(
        self,
        batches: Batches,
        ids: Ids | None,
        removal: Removal,
        lock: Connection | None,
        reason: Reason,
    ) -> None:
        try:
            with _ending(removal):
                self._watched(
                    batches, removal, partial(_remove_all, batches, ids, removal, self._switch)
                )
        finally:
            _release(lock)
            self._write_audit(removal, reason, None if ids is None else ids[: MOST_IDS + 1].tolist())

    def _write_audit(self, removal: Removal, reason: Reason, ids: Sequence[int] | None) -> None:
        """Write who deleted what, and the result; not which of many jobs, which the receipt has."""
        self._audit.write(
            Event.REMOVAL,
            reason.by,
            action=reason.action,
            filter=reason.filter,
            jobs=removal.total,
            ids=list(ids) if ids is not None and len(ids) <= MOST_IDS else None,
            receipt=removal.receipt,
            removed=removal.removed,
            not_finished=removal.active or None,
            missing=removal.missing or None,
            locked=removal.locked or None,
            error=removal.error,
        )

    def _watched(self, batches: Batches, removal: Removal, remove_all: Callable[[], None]) -> None:
        """Delete, and write the end of the receipt in any case."""
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
            with self._adding:
                self.totals.deletions += 1
                self.totals.stopped += bool(error)
                self.totals.jobs += removal.removed


@contextmanager
def _ending(removal: Removal) -> Iterator[None]:
    """Turn an exception into the deletion's error, so that its counts are kept."""
    try:
        yield
    except (DatabaseUnavailable, NotStarted, Stopped) as error:
        removal.error = str(error)
        log.warning("a removal stopped after %d jobs: %s", removal.removed, error)
    except Exception:
        removal.error = UNEXPECTED
        log.exception("a removal stopped after %d jobs", removal.removed)
    except BaseException:  # the process is being ended
        removal.error = UNEXPECTED
        raise


class _BatchLoop:
    """The batches of a deletion, for two threads: smaller after a slow or refused one, else larger."""

    def __init__(
        self, batches: Batches, given: Ids | None, removal: Removal, switch: StopSwitch
    ) -> None:
        self._batches = batches
        self._removal = removal
        self._switch = switch
        if given is None:
            self._read = partial(_next_finished, batches.database)
        else:
            self._read = partial(_next_given, given)
        self._after, self._size = 0, max(1, BATCH_JOBS // SHRINKING)
        self._refused: list[int] = []
        """Jobs of refused batches, to be deleted in smaller ones, and jobs to try once more."""
        self._is_read = False
        self._lock = threading.Lock()
        self.errors: list[Exception] = []

    def remove(self, least: int = 0) -> None:
        """Delete batch after batch until there is none or one has failed.

        Pause while they have fewer than `least` jobs: two at once make a slow server slower.
        """
        try:
            while batch := self._next(least):
                _, ids, known = batch
                began = time.monotonic()
                result = self._batches.remove(ids, known)
                self._count(batch, result, time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - raised when both threads have ended
            self.errors.append(error)

    def _next(self, least: int) -> tuple[int, list[int], list[int]] | None:
        """Return how many jobs were wanted, which to delete, and all there if known, or None."""
        while self._size < least and not (self._is_read or self.errors):
            time.sleep(BATCH_SECONDS)
        with self._lock:
            if self.errors:
                return None
            self._switch.check()
            size = self._size
            if self._refused:
                ids, self._refused = self._refused[:size], self._refused[size:]
                return size, ids, []
            while batch := self._read(self._after, size):
                ids, known, self._after = batch
                if ids:
                    return size, ids, known
            self._is_read = True
            return None

    def _count(self, batch: tuple[int, list[int], list[int]], result: Result, seconds: float) -> None:
        size, ids, known = batch
        with self._lock:
            if result.must_be_divided:
                # One job is to blame; the others must still be deleted.
                self._refused += ids
                self._size = max(1, min(self._size, len(ids) // SHRINKING))
                return
            self._refused += result.again
            self._removal.count(result.by_outcome)
            self._removal.receipt = self._batches.receipt.id
            if seconds > BATCH_SECONDS:
                self._size = min(self._size, max(1, size // 2))
            elif len(known or ids) >= self._size and not result.is_large:
                self._size = min(BATCH_JOBS, self._size * 2)


def _remove_all(batches: Batches, given: Ids | None, removal: Removal, switch: StopSwitch) -> None:
    """Delete batch after batch; where two do not wait for each other, one is read beside a delete."""
    loop = _BatchLoop(batches, given, removal, switch)
    second = Background("removal 2")
    if batches.may_overlap and removal.total > BATCH_JOBS:
        second.begin(partial(loop.remove, max(1, BATCH_JOBS // SHRINKING)))
    loop.remove()
    second.wait()
    # An outcome that is not known comes first.
    errors = sorted(loop.errors, key=lambda error: not isinstance(error, CommitUnknown))
    for error in errors[1:]:
        log.warning("a removal stopped in its other batch, too", exc_info=error)
    if errors:
        raise errors[0]


def _next_given(ids: Ids, after: int, size: int) -> tuple[list[int], list[int], int] | None:
    """Return the next of some given jobs, no others, and the last one's key; None at the end."""
    following = ids[after : after + size].tolist()
    return (following, [], after + len(following)) if following else None


def _next_finished(
    database: Database, after: int, size: int
) -> tuple[list[int], list[int], int] | None:
    """Return the finished ones of the next `size` jobs, all of these, and the last; None at the end.

    This read locks nothing: they are checked again when they are locked.
    """
    following = (
        select(job.c.id, job.c.status_id).where(job.c.id > after).order_by(job.c.id).limit(size)
    ).subquery()
    finished = case((following.c.status_id.in_(FINISHED_IDS), following.c.id))
    with database.reading(WRITE_SECONDS, primary=True) as connection:
        begin_reading(connection)
        both = select(func.group_concat(following.c.id), func.group_concat(finished))
        known, ids = (
            sorted(map(int, each.split(","))) if each else [] for each in connection.execute(both).one()
        )
    return (ids, known, known[-1]) if known else None


def _take_lock(database: Database) -> Connection | None:
    """Return a session with the database's lock on deletions; None if the database has no such lock."""
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
        lock.invalidate()  # ends the session and its lock in any state
        lock.close()
