"""Every removal. Only jobs that are finished go, and only when a receipt has their rows.

A transaction first locks the jobs that are finished, reads all their rows, and has them written to
the receipt; then it deletes these very jobs, with the rule in the WHERE of every statement. A job that
a worker restarts meanwhile is either already gone when the worker gets to it, or stays whole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    TextClause,
    case,
    delete,
    exc,
    func,
    inspect,
    select,
    text,
)

from jobs_data.background import Work
from jobs_data.platform.database import Database, identity
from jobs_data.platform.engine import WRITE_SECONDS
from jobs_data.platform.errors import (
    ChangeTooLarge,
    DatabaseBusy,
    DatabaseUnavailable,
    RowsReferredTo,
    translated_errors,
)
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import FINISHED_IDS, is_finished
from jobs_data.platform.tables import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)
from jobs_data.removal.exact_rows import (
    VALUE_BYTES,
    ExactTable,
    JobRows,
    TooMuch,
    begin_reading,
    columns_of,
    exact_tables,
    listed,
)
from jobs_data.removal.receipts import Action, Cause, ReceiptNotWritten, ReceiptWriter
from jobs_data.single_flight import held
from jobs_data.wording import counted

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 4_000
"""How many jobs one transaction deals with, and so locks, at most."""

BATCH_SECONDS: Final = 0.2
"""What one batch may take; after one that took longer come smaller ones."""

SHRINKING: Final = 8
"""How many times smaller the next try is where a batch cannot be removed, or its rows are too long."""

MYSQL_LOCK_NAME_LENGTH: Final = 64
ALL_FINISHED: Final = "all finished jobs"
"""How a receipt says which jobs a clearing meant."""

NO_GET_LOCK: Final = 1235
"""What some versions of a Galera cluster say of GET_LOCK; others lock at one node alone."""


class Outcome(StrEnum):
    """What became of the wish to remove one job."""

    REMOVED = "removed"
    ACTIVE = "active"
    """It is not finished (any more); nothing was removed."""
    MISSING = "missing"
    """There is no such job (any more)."""
    HELD = "held"
    """Another program held it, or a row elsewhere needs it; nothing was removed."""


class ClearingRuns(Exception):
    """Jobs are already being removed; wait until that is through, then try again."""


def sentence_on(outcome: Outcome, job_id: int | str) -> str:
    """Return what became of one job, for the screen and for programs."""
    return {
        Outcome.REMOVED: f"Job {job_id} was deleted.",
        Outcome.ACTIVE: f"Job {job_id} is active, so it was not deleted: only finished jobs can be.",
        Outcome.HELD: f"Something else is using job {job_id}, so it was not deleted.",
        Outcome.MISSING: f"There is no job {job_id} (any more), so nothing was deleted.",
    }[outcome]


def remove_job(database: Database, job_id: int, cause: Cause) -> Outcome:
    """Remove one job with everything that is its own, if it is finished, in one transaction.

    Raises DatabaseUnavailable and ReceiptNotWritten; then nothing was removed.
    """
    [(outcome, _)] = _one_by_one(database, [job_id], cause)
    return outcome


@dataclass
class Removal(Work):
    """A removal at work in a thread of its own: it outlives who started it."""

    total: int
    """How many jobs it was given, or, of all finished jobs, how many there were when it began."""
    action: Action = Action.CLEAR
    removed: int = 0
    active: int = 0
    """Jobs left alone because they were not finished (any more)."""
    missing: int = 0
    """Jobs that were gone already."""
    passed_over: int = 0
    """Finished jobs left alone, because another program held them or a row elsewhere needs them."""
    error: str = ""
    """Sentences on the jobs that it did not get to, where it ended before it was through."""
    receipt: str = ""
    """The id of its receipt; empty where it has removed nothing."""

    def count(self, outcomes: Mapping[Outcome, Sequence[int]]) -> None:
        """Take note of what became of some jobs."""
        self.removed += len(outcomes.get(Outcome.REMOVED, ()))
        self.active += len(outcomes.get(Outcome.ACTIVE, ()))
        self.missing += len(outcomes.get(Outcome.MISSING, ()))
        self.passed_over += len(outcomes.get(Outcome.HELD, ()))

    def sentence(self) -> str:
        """Return what came of it, for the screen and for programs."""
        verb, noun = {
            Action.CLEAR: ("cleared", "clearing"),
            Action.DELETE: ("deleted", "removal"),
            Action.TIDY: ("removed", "tidying"),
        }[self.action]
        gone = f"{counted(self.removed, 'finished job')} {verb}"
        if self.error:
            return f"{gone}, then the {noun} stopped early. For the rest: {self.error}"
        parts = [f"{gone}."]
        if self.action is Action.CLEAR:
            parts.append("Active jobs were not touched.")
        elif self.active:
            parts.append(f"{counted(self.active)} had become active, and stayed.")
        if self.missing and self.action is not Action.CLEAR:
            parts.append(f"{counted(self.missing)} had gone already.")
        if self.passed_over:
            held = counted(self.passed_over, "finished job")
            parts.append(f"Something else is using {held}, left alone.")
        return " ".join(parts)

    def sentence_on(self, job_id: int) -> str:
        """Return what came of it where it was for one job alone."""
        if self.error:
            return self.error
        outcome = (
            Outcome.REMOVED
            if self.removed
            else Outcome.ACTIVE
            if self.active
            else Outcome.HELD
            if self.passed_over
            else Outcome.MISSING
        )
        return sentence_on(outcome, job_id)


def remove_jobs(database: Database, ids: Sequence[int], cause: Cause) -> Removal:
    """Remove a page's worth of jobs, each in a transaction of its own; return what came of it.

    Where it had to stop early, that is an error of what is returned.
    """
    removal = Removal(len(ids), cause.action)
    try:
        for outcome, receipt in _one_by_one(database, ids, cause):
            removal.count({outcome: ids[:1]})
            removal.receipt = receipt
    except (DatabaseUnavailable, ReceiptNotWritten) as error:
        removal.error = str(error)
    removal.end()
    return removal


def _one_by_one(database: Database, ids: Sequence[int], cause: Cause) -> Iterator[tuple[Outcome, str]]:
    """Remove jobs, and yield what became of each, with the id of the receipt."""
    tables = exact_tables(database)
    with ReceiptWriter(database, cause, columns_of(tables)) as receipt:
        work = _Remover(database, tables, receipt, waits=True)
        for job_id in ids:
            found = _patiently(database, partial(work.remove, [job_id]))
            receipt.tell(found.by_outcome)
            database.changed()
            yield next(iter(found.by_outcome)), receipt.id


_removals: dict[str, Removal] = {}
_starting = threading.Lock()


def current_removal(database: Database) -> Removal | None:
    """Return this process's running or last removal in the database, None where there was none."""
    return _removals.get(identity(database))


def start_removal(database: Database, ids: Ids | None, cause: Cause) -> Removal:
    """Start to remove jobs, and return at once what tells how far it is.

    Those with the given ids that are finished when it gets to them, or all finished jobs where there
    are none given. Raises ClearingRuns where one is under way, and DatabaseUnavailable. MySQL and
    MariaDB tell of one in another process too; SQLite has no lock for that, and a Galera cluster none
    that holds at two nodes. Two at once do no harm: each passes over what the other holds.
    """
    with translated_errors(), held(_starting):
        running = current_removal(database)
        if running and running.is_running:
            raise ClearingRuns(ClearingRuns.__doc__)
        tables = exact_tables(database)
        total = _count_finished(database) if ids is None else len(ids)
        lock = _take_lock(database)
        removal = _removals[identity(database)] = Removal(total, cause.action)
        receipt = ReceiptWriter(database, cause, columns_of(tables))
        # A daemon: should the process end, the database takes the unfinished batch back.
        work = threading.Thread(
            target=_run,
            args=(_Remover(database, tables, receipt), ids, removal, lock),
            name="removal",
            daemon=True,
        )
        work.start()
        return removal


def _count_finished(database: Database) -> int:
    with database.reading(primary=True) as connection:
        return connection.execute(select(func.count()).where(is_finished())).scalar_one()


def _run(work: _Remover, ids: Ids | None, removal: Removal, lock: Connection | None) -> None:
    try:
        _work_through(work, ids, removal)
    except (DatabaseUnavailable, ReceiptNotWritten) as error:
        removal.error = str(error)
        log.warning("a removal stopped after %d jobs: %s", removal.removed, error)
    except Exception:
        # A thread has nobody above it: whatever it is must end the removal with a sentence.
        removal.error = "An unexpected error came up; the log of this app has it."
        log.exception("a removal stopped after %d jobs", removal.removed)
    finally:
        if work.receipt:
            work.receipt.close(removal.error)
        if lock:
            lock.invalidate()  # ends the session, and with it its lock, whatever state it is in
            lock.close()
        work.database.changed()
        removal.end()


def _work_through(work: _Remover, ids: Ids | None, removal: Removal) -> None:
    """Remove batch after batch: smaller where one is slow or refused, larger where it went well."""
    work.prepare()
    next_batch = partial(_next_finished, work.database) if ids is None else partial(_next_given, ids)
    behind, size = 0, max(1, BATCH_JOBS // SHRINKING)
    while batch := next_batch(behind, size):
        began = time.monotonic()
        found = _removed(work, batch.ids) if batch.ids else _Found({})
        if found is None and len(batch.ids) > 1:
            # One of them is to blame, and the others shall not stay because of it.
            size = max(1, min(size, len(batch.ids)) // SHRINKING)
            continue
        found = found or _Found({Outcome.HELD: batch.ids})
        if work.receipt:
            work.receipt.tell(found.by_outcome)
            removal.receipt = work.receipt.id
        removal.count(found.by_outcome)
        behind = batch.last
        if time.monotonic() - began > BATCH_SECONDS:
            size = max(1, size // 2)
        elif not found.is_large:
            size = min(BATCH_JOBS, size * 2)


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


@dataclass(frozen=True)
class _Batch:
    """Jobs that one transaction deals with, and how far they reach."""

    ids: list[int]
    last: int
    """The place behind which the next batch begins."""


def _next_given(ids: Ids, behind: int, size: int) -> _Batch | None:
    """Return the next of some given jobs; None where there are no more."""
    following = ids[behind : behind + size].tolist()
    return _Batch(following, behind + len(following)) if following else None


def _next_finished(database: Database, behind: int, size: int) -> _Batch | None:
    """Return those of the next jobs by key, as many as told, that are finished; None behind the last.

    This look locks nothing: whether they still are is decided where they are locked.
    """
    following = (
        select(job.c.id, job.c.status_id).where(job.c.id > behind).order_by(job.c.id).limit(size)
    ).subquery()
    finished = case((following.c.status_id.in_(FINISHED_IDS), following.c.id))
    with database.reading(WRITE_SECONDS, primary=True) as connection:
        begin_reading(connection)
        last, ids = connection.execute(
            select(func.max(following.c.id), func.group_concat(finished))
        ).one()
    if last is None:
        return None
    return _Batch([int(i) for i in ids.split(",")] if ids else [], last)


class _Taken(DatabaseBusy):
    """Rows of the batch have changed after they were read: it is taken back, and done anew."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "Another program is changing these jobs right now. Nothing was changed; try again in a "
            "moment."
        )


@dataclass(frozen=True)
class _Found:
    """What became of a batch."""

    by_outcome: Mapping[Outcome, list[int]]
    is_large: bool = False
    """Whether a batch of twice as many jobs might hold more than one read may."""


def _removed(work: _Remover, ids: list[int]) -> _Found | None:
    """Remove the finished ones of some jobs; None, and nothing removed, where they go only divided."""
    try:
        return _patiently(work.database, partial(work.remove, ids))
    except (ChangeTooLarge, RowsReferredTo, TooMuch):
        return None
    except DatabaseBusy:
        if work.database.is_sqlite:
            raise  # it locks the whole file: no smaller batch would fare better
        return None


class _Remover:
    """How the jobs of one removal are removed, each batch in a transaction of its own."""

    def __init__(
        self,
        database: Database,
        tables: Mapping[str, ExactTable],
        receipt: ReceiptWriter | None,
        *,
        waits: bool = False,
    ) -> None:
        """Prepare to remove; with `waits` a job that another program holds is waited for.

        Only the benchmark, which measures what receipts cost, passes no receipt.
        """
        self.database = database
        self.receipt = receipt
        self._tables = tables
        self._waits = waits
        self._locks_gaps = True
        self._cascading: frozenset[str] = frozenset()
        self._writing = ThreadPoolExecutor(1, "receipt")

    def prepare(self) -> None:
        """Look up what makes many batches faster. Raises DatabaseUnavailable."""
        self._locks_gaps, self._cascading = _locks_gaps(self.database), _cascading(self.database)

    def remove(self, ids: list[int], connection: Connection) -> _Found:
        """Remove those of some jobs that are finished; what it raises takes all of it back."""
        if not self._locks_gaps:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        # Each statement names other ids, so none is worth remembering.
        connection.execution_options(compiled_cache=None)
        begin_reading(connection)
        rows = JobRows(connection, self._tables, is_bounded=len(ids) > 1, waits=self._waits)
        locked = rows.lock(ids)
        others = set(ids) - locked
        held = rows.read() if locked and self.receipt else set()
        # Not before: at REPEATABLE READ the first look decides which notes the later ones see.
        outcomes = _told_apart(connection, others)
        outcomes[Outcome.HELD] += held
        gone = outcomes[Outcome.REMOVED] = sorted(locked - held)
        if not gone:
            return _Found(_nonempty(outcomes))
        if not self.receipt:
            _delete_locked(connection, self._tables, {}, gone, self._cascading)
            return _Found(_nonempty(outcomes))
        # The receipt is written while the database deletes; only then is it committed.
        written = self._writing.submit(_write, self.receipt, rows)
        try:
            _delete_locked(connection, self._tables, rows.counts(), gone, self._cascading)
        except BaseException:
            written.result()
            self.receipt.take_back(gone)
            raise
        written.result()
        return _Found(_nonempty(outcomes), is_large=rows.size() > VALUE_BYTES // 2)


def _write(receipt: ReceiptWriter, rows: JobRows) -> None:
    receipt.write(rows.lines())


def _nonempty(outcomes: Mapping[Outcome, list[int]]) -> dict[Outcome, list[int]]:
    return {outcome: ids for outcome, ids in outcomes.items() if ids}


def _told_apart(connection: Connection, ids: Collection[int]) -> dict[Outcome, list[int]]:
    """Return why some jobs were not locked: they are active or missing, or somebody else has them."""
    outcomes: dict[Outcome, list[int]] = {Outcome.ACTIVE: [], Outcome.MISSING: [], Outcome.HELD: []}
    if ids:
        there = select(job.c.id, job.c.status_id).where(_among(ids))
        statuses = {row.id: row.status_id for row in connection.execute(there)}
        for job_id in sorted(ids):
            if job_id not in statuses:
                outcomes[Outcome.MISSING].append(job_id)
            elif statuses[job_id] in FINISHED_IDS:
                outcomes[Outcome.HELD].append(job_id)
            else:
                outcomes[Outcome.ACTIVE].append(job_id)
    return outcomes


def _among(ids: Collection[int]) -> TextClause:
    """Return the condition that a job has one of some ids; as parameters they would take their time."""
    return text(f"job.id IN ({listed(ids)})")


def _delete_locked(
    connection: Connection,
    tables: Collection[str],
    counts: Mapping[str, int],
    ids: Sequence[int],
    cascading: frozenset[str],
) -> None:
    """Delete all rows of some finished jobs, which nobody can change now.

    `tables` names those that the removal knows: what comes later has no rows in its receipt. `counts`
    says how many rows were read from a table: where another number goes, _Taken is raised.
    `cascading` names the tables whose rows go with the `object` row. Not every database that came
    out of a dump has the foreign keys for that, and `ahg_job_execution` never had one.
    """
    belongings: tuple[tuple[Table, tuple[ColumnElement[bool], ...]], ...] = (
        (job_execution, (job_execution.c.job_id == job.c.id,)),
        (note_i18n, (note_i18n.c.id == note.c.id, note.c.object_id == job.c.id)),
        (note, (note.c.object_id == job.c.id,)),
        (property_i18n, (property_i18n.c.id == property_.c.id, property_.c.object_id == job.c.id)),
        (property_, (property_.c.object_id == job.c.id,)),
        (object_, (object_.c.id == job.c.id,)),
    )
    objects = 0
    for table, links in belongings:
        read = counts.get(table.name)
        if table.name not in tables or table.name in cascading:
            continue
        if read == 0 and table is not job_execution:
            continue  # with their objects locked nobody adds one; an execution has no foreign key
        objects = _delete(connection, table, *links, _among(ids), is_finished())
        if read not in {None, objects}:
            raise _Taken
    # A job without an object goes by itself.
    if job.name not in cascading or objects < len(ids):
        _delete(connection, job, _among(ids), is_finished())


def _delete(connection: Connection, table: Table, *conditions: ColumnElement[bool] | TextClause) -> int:
    """Delete the rows that meet conditions which may speak of other tables too; return how many."""
    if connection.dialect.name == "sqlite":
        # SQLite cannot join in a DELETE. (MySQL could do it this way too, but would read all rows.)
        key = next(iter(table.primary_key))
        matching = select(key).where(*conditions).correlate(None)
        return connection.execute(delete(table).where(key.in_(matching))).rowcount
    return connection.execute(delete(table).where(*conditions)).rowcount


def _cascading(database: Database) -> frozenset[str]:
    """Return the tables whose rows this database removes by itself when a job's `object` row goes.

    Their rows need no statement of their own then, which halves a removal's time.
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
    raise ClearingRuns(ClearingRuns.__doc__)
