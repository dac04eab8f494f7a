"""One batch of a deletion: one transaction that deletes only finished jobs.

It locks the finished jobs, reads all their rows, and writes them to the receipt. Then it deletes
exactly these jobs, with the rule in the WHERE of every statement. A job that a worker restarts
during the batch is either already deleted, or kept with all its rows.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from jobs_data.background import NO_THREAD, NotStarted
from jobs_data.platform.database import Database
from jobs_data.platform.errors import (
    ChangeTooLarge,
    CommitUnknown,
    DatabaseBusy,
    RowsReferredTo,
)
from jobs_data.platform.retrying import retried
from jobs_data.platform.status import FINISHED_IDS
from jobs_data.platform.tables import job, object_
from jobs_data.removal.exact_rows import (
    VALUE_BYTES,
    Among,
    JobRows,
    TooMuch,
    begin,
    listed,
)
from jobs_data.removal.job_tables import DELETE_ORDER, JobTable, PresentTables
from jobs_data.store.receipt_writer import ReceiptWriter
from jobs_data.store.schema import Outcome

log = logging.getLogger(__name__)

ROWS_CHANGED: Final = "Another program is changing these jobs right now. Try again in a moment."


@dataclass(frozen=True)
class Result:
    """The outcomes of a batch's jobs."""

    by_outcome: Mapping[Outcome, list[int]]
    number: int = 0
    """Of the batch in the receipt; 0 if no job was deleted."""
    is_large: bool = False
    """Whether a batch of twice as many jobs might hold more than one read may."""
    again: list[int] = field(default_factory=list)
    """Jobs to try once more, without `known`: a range of another batch may have locked them."""

    @property
    def must_be_divided(self) -> bool:
        """Return whether nothing was changed: try fewer jobs at once."""
        return not (self.by_outcome or self.again)


class Batches:
    """Deletes the batches of one deletion, each in its own transaction; two threads may use it."""

    def __init__(
        self, database: Database, tables: PresentTables, receipt: ReceiptWriter, *, waits: bool
    ) -> None:
        """Prepare to delete; with `waits` it waits for a job that another program has locked.

        Raises NotStarted if no thread can start.
        """
        self.database = database
        self.receipt = receipt
        self._tables = tables
        self._waits = waits
        self._writing = ThreadPoolExecutor(1, "receipt")
        """The one thread that uses the receipt."""
        try:
            self._writing.submit(_nothing)  # starts it: no later call then fails after it was queued
        except RuntimeError as error:
            raise NotStarted(NO_THREAD) from error

    @property
    def may_overlap(self) -> bool:
        """Return whether two batches at once do not wait for each other: only rows are locked."""
        return not self._tables.locks_gaps

    def remove(self, ids: list[int], known: Sequence[int] = ()) -> Result:
        """Delete the finished ones of some jobs; `known` is as for `exact_rows.Among`.

        Without a change, the result says if they must be divided. Raises DatabaseUnavailable and
        ReceiptNotWritten without a change; with CommitUnknown the jobs are then pending in the receipt.
        """

        def attempt() -> Result:
            nonlocal known
            # A range may have a job that is being inserted, so a retry names each job instead.
            ranges, known = known, ()
            return self._in_one_transaction(ids, ranges)

        try:
            result = retried(attempt)
        except (ChangeTooLarge, DatabaseBusy, RowsReferredTo, TooMuch) as error:
            if self.database.is_sqlite and isinstance(error, DatabaseBusy):
                raise  # it locks the whole file: a smaller batch would not help
            if len(ids) > 1:
                return Result({})
            result = Result({Outcome.LOCKED: ids})
        self._note(lambda: self.receipt.confirm(result.by_outcome, result.number))
        return result

    def close(self, error: str) -> None:
        """End the receipt; `error` says why the deletion ended early, if it did."""
        self._writing.shutdown()
        self.receipt.close(error)

    def _note(self, note: Callable[[], None]) -> None:
        """Note an outcome in the receipt. It raises nothing: a reader looks up what is not noted."""

        def noted() -> None:
            with _failure_logged():
                note()

        with _failure_logged():
            self._writing.submit(noted)

    def _in_one_transaction(self, ids: list[int], known: Sequence[int]) -> Result:
        number = 0
        try:
            with self.database.writing(waits=not known) as connection:
                begin(connection, self._tables)
                rows = JobRows(connection, self._tables, is_bounded=len(ids) > 1, waits=self._waits)
                finished = rows.lock(ids, known)
                if not finished.issubset(ids):
                    raise DatabaseBusy(ROWS_CHANGED)
                locked_elsewhere = rows.read() if finished else set()
                # Not before: at REPEATABLE READ the first read fixes the snapshot for later ones.
                outcomes = _stayed(connection, set(ids) - finished)
                outcomes[Outcome.LOCKED] += locked_elsewhere
                gone = outcomes[Outcome.REMOVED] = sorted(finished - locked_elsewhere)
                if gone:
                    # Written while the database deletes; only then does the platform commit.
                    written = self._writing.submit(
                        lambda: self.receipt.write(gone, rows.content(), rows.names())
                    )
                    try:
                        _delete_all(connection, self._tables, rows, gone)
                    finally:
                        number = written.result()
        except CommitUnknown:
            raise
        except Exception:  # after an interrupt the jobs stay pending: it may come after COMMIT
            if number:
                self._note(lambda: self.receipt.roll_back(number))
            raise
        again = outcomes.pop(Outcome.LOCKED, []) if known else []
        found = {outcome: jobs for outcome, jobs in outcomes.items() if jobs}
        return Result(found, number, is_large=rows.size() > VALUE_BYTES // 2, again=again)


def _nothing() -> None:
    """Return at once."""


@contextmanager
def _failure_logged() -> Iterator[None]:
    try:
        yield
    except Exception:
        log.exception("a receipt lacks an outcome: its jobs stay pending until it is read")


def _stayed(connection: Connection, ids: Collection[int]) -> dict[Outcome, list[int]]:
    """Return why some jobs were not locked: not finished, missing, or locked by another program."""
    outcomes: dict[Outcome, list[int]] = defaultdict(list)
    if ids:
        there = f"SELECT id, status_id FROM job WHERE id IN ({listed(ids)})"  # noqa: S608 - ids
        statuses = {row[0]: row[1] for row in connection.exec_driver_sql(there)}
        for job_id in sorted(ids):
            why = Outcome.LOCKED if statuses.get(job_id) in FINISHED_IDS else Outcome.ACTIVE
            outcomes[why if job_id in statuses else Outcome.MISSING].append(job_id)
    return outcomes


def _delete_all(
    connection: Connection, tables: PresentTables, rows: JobRows, ids: Sequence[int]
) -> None:
    """Delete all rows of some finished jobs, which are locked and read.

    A number of rows that differs from what was read raises DatabaseBusy. Some restored databases lack
    foreign keys, and `ahg_job_execution` never has one.
    """
    counts = rows.counts()
    all_cascade = counts[object_.name] == len(ids)  # a job without an object is deleted by itself
    for each in DELETE_ORDER:
        table, read = tables.by_name.get(each.name), counts.get(each.name, 0)
        if table is None or (table.cascades and all_cascade):
            continue
        # Locked parents prevent new rows only if there is a foreign key.
        if read == 0 and table.has_key:
            continue
        # How many jobs are left after a cascade is not known, so they are named one by one.
        among = Among(ids, ()) if each.table is job else rows.among
        deleted = _delete(connection, tables, each, among)
        if deleted != read and each.table is not job:
            raise DatabaseBusy(ROWS_CHANGED)


def _delete(connection: Connection, tables: PresentTables, of: JobTable, among: Among) -> int:
    """Delete the rows of a table that belong to some finished jobs; return their number."""
    by_index = {name: table.by_index for name, table in tables.by_name.items()}
    joined, parent = f"job {by_index[job.name]}", "job.id"
    if of.owner is not None:
        name = of.owner.name
        joined += f" STRAIGHT_JOIN {name} {by_index[name]} ON {name}.object_id = job.id"
        parent = f"{name}.id"
    if of.table is not job:
        joined += f" STRAIGHT_JOIN {of.name} {by_index[of.name]} ON {of.name}.{of.key} = {parent}"
    condition = f"WHERE {among.jobs} AND job.status_id IN ({listed(FINISHED_IDS)})"
    statement = f"DELETE FROM {of.name} USING {joined} {condition}"  # noqa: S608 - names and ids
    if connection.dialect.name == "sqlite":
        # SQLite cannot join in a DELETE. (MySQL could do it this way too, but would read all rows.)
        key = next(iter(of.table.primary_key)).name
        matching = f"SELECT {of.name}.{key} FROM {joined.replace('STRAIGHT_', '')} {condition}"  # noqa: S608 - names and ids
        statement = f"DELETE FROM {of.name} WHERE {key} IN ({matching})"  # noqa: S608 - names and ids
    return connection.exec_driver_sql(statement).rowcount
