"""One batch of a deletion: one transaction that deletes only finished jobs.

It locks the finished jobs, reads all their rows, and writes them to the receipt. Then it deletes
exactly these jobs, with the rule in the WHERE of every statement. A job that a worker restarts
during the batch is either already deleted, or kept with all its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, TextClause, delete, select, text

from jobs_data.platform.database import Database
from jobs_data.platform.errors import (
    ChangeTooLarge,
    CommitUnknown,
    DatabaseBusy,
    RowsReferredTo,
)
from jobs_data.platform.retrying import retried
from jobs_data.platform.status import FINISHED_IDS, is_finished
from jobs_data.platform.tables import job, object_
from jobs_data.removal.exact_rows import VALUE_BYTES, JobRows, TooMuch, begin, listed
from jobs_data.removal.job_tables import DELETE_ORDER, JobTable, PresentTables
from jobs_data.store.receipt_writer import ReceiptWriter
from jobs_data.store.schema import Outcome

ROWS_CHANGED: Final = "Another program is changing these jobs right now. Try again in a moment."


@dataclass(frozen=True)
class Result:
    """The outcomes of a batch's jobs."""

    by_outcome: Mapping[Outcome, list[int]]
    is_large: bool = False
    """Whether a batch of twice as many jobs might hold more than one read may."""


class Batches:
    """Deletes the batches of one deletion, each in its own transaction."""

    def __init__(
        self, database: Database, tables: PresentTables, receipt: ReceiptWriter, *, waits: bool
    ) -> None:
        """Prepare to delete; with `waits` it waits for a job that another program has locked."""
        self.database = database
        self.receipt = receipt
        self._tables = tables
        self._waits = waits
        self._writing = ThreadPoolExecutor(1, "receipt")

    def remove(self, ids: list[int]) -> Result | None:
        """Delete the finished ones of some jobs.

        Returns None, without a change, if they must be divided, or a single one cannot be deleted.
        Raises DatabaseUnavailable and ReceiptNotWritten without a change; with CommitUnknown
        the jobs are then pending in the receipt.
        """
        try:
            result = retried(lambda: self._in_one_transaction(ids))
        except (ChangeTooLarge, RowsReferredTo, TooMuch):
            return None
        except DatabaseBusy:
            if self.database.is_sqlite:
                raise  # it locks the whole file: a smaller batch would not help
            return None
        self.receipt.confirm(result.by_outcome)
        return result

    def close(self, error: str) -> None:
        """End the receipt; `error` says why the deletion ended early, if it did."""
        self._writing.shutdown()
        self.receipt.close(error)

    def _in_one_transaction(self, ids: list[int]) -> Result:
        try:
            with self.database.writing() as connection:
                return self._remove(connection, ids)
        except CommitUnknown:
            raise
        except BaseException:
            self.receipt.roll_back()
            raise

    def _remove(self, connection: Connection, ids: list[int]) -> Result:
        # Each statement names other ids, so caching it is useless.
        connection.execution_options(compiled_cache=None)
        begin(connection, self._tables)
        rows = JobRows(connection, self._tables, is_bounded=len(ids) > 1, waits=self._waits)
        finished = rows.lock(ids)
        locked_elsewhere = rows.read() if finished else set()
        # Not before: at REPEATABLE READ the first read fixes the snapshot for later ones.
        outcomes = _stayed(connection, set(ids) - finished)
        outcomes[Outcome.LOCKED] += locked_elsewhere
        gone = outcomes[Outcome.REMOVED] = sorted(finished - locked_elsewhere)
        if gone:
            # The receipt is written while the database deletes; only then is it committed.
            written = self._writing.submit(
                lambda: self.receipt.write(gone, rows.content(), rows.names())
            )
            try:
                _delete_all(connection, self._tables, rows.counts(), gone)
            finally:
                written.result()
        is_large = rows.size() > VALUE_BYTES // 2
        return Result({outcome: found for outcome, found in outcomes.items() if found}, is_large)


def _stayed(connection: Connection, ids: Collection[int]) -> dict[Outcome, list[int]]:
    """Return why some jobs were not locked: not finished, missing, or locked by another program."""
    outcomes: dict[Outcome, list[int]] = defaultdict(list)
    if ids:
        there = select(job.c.id, job.c.status_id).where(_among(ids))
        statuses = {row.id: row.status_id for row in connection.execute(there)}
        for job_id in sorted(ids):
            why = Outcome.LOCKED if statuses.get(job_id) in FINISHED_IDS else Outcome.ACTIVE
            outcomes[why if job_id in statuses else Outcome.MISSING].append(job_id)
    return outcomes


def _among(ids: Collection[int]) -> TextClause:
    return text(f"job.id IN ({listed(ids)})")


def _delete_all(
    connection: Connection, tables: PresentTables, counts: Mapping[str, int], ids: Sequence[int]
) -> None:
    """Delete all rows of some finished jobs, which are locked.

    `counts` has the number of rows read from each table; a different number raises DatabaseBusy. Some
    restored databases lack foreign keys, and `ahg_job_execution` never has one.
    """
    all_cascade = counts[object_.name] == len(ids)  # a job without an object is deleted by itself
    for each in DELETE_ORDER:
        table, read = tables.by_name.get(each.name), counts.get(each.name, 0)
        if table is None or (table.cascades and all_cascade):
            continue
        # Locked parents prevent new rows only if there is a foreign key.
        if read == 0 and table.has_key:
            continue
        deleted = _delete(connection, each, ids)
        if deleted != read and each.table is not job:
            raise DatabaseBusy(ROWS_CHANGED)


def _delete(connection: Connection, each: JobTable, ids: Sequence[int]) -> int:
    """Delete the rows of a table that belong to some finished jobs; return their number."""
    table, owner = each.table, each.owner
    conditions: list[ColumnElement[bool] | TextClause] = [_among(ids), is_finished()]
    if owner is not None:
        conditions += [table.c[each.key] == owner.c.id, owner.c.object_id == job.c.id]
    elif table is not job:
        conditions.append(table.c[each.key] == job.c.id)
    if connection.dialect.name == "sqlite":
        # SQLite cannot join in a DELETE. (MySQL could do it this way too, but would read all rows.)
        key = next(iter(table.primary_key))
        matching = select(key).where(*conditions).correlate(None)
        return connection.execute(delete(table).where(key.in_(matching))).rowcount
    return connection.execute(delete(table).where(*conditions)).rowcount
