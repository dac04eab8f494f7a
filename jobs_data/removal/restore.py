"""Restores jobs: every row of a deleted job is inserted again as it was, or none of its rows."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from jobs_data.audit import Actor, Audit, Event
from jobs_data.background import NotStarted, Stopped, StopSwitch, Work
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.retrying import retried
from jobs_data.platform.tables import job, object_
from jobs_data.removal.removal import UNEXPECTED
from jobs_data.removal.restore_batch import RestoreBatches, parse_job, present
from jobs_data.store import receipts, restoring
from jobs_data.store.database import Store
from jobs_data.store.receipts import Receipt
from jobs_data.store.schema import Outcome
from jobs_data.wording import counted

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 1_000
"""The most jobs that one transaction restores; the deletion's batches limit the bytes."""


class RestoreRefused(NotStarted):
    """A receipt cannot be restored now. The message is a sentence for the screen."""


@dataclass(eq=False)
class Restore(Work):
    """A restore, while it is running and after it."""

    receipt_id: str
    total: int
    """How many jobs are to be restored; those not known to be deleted are among them."""
    restored: int = 0
    failed: int = 0
    """How many could not be restored."""
    error: str = ""
    """Why it ended early, in sentences; empty if it did not."""

    @property
    def done(self) -> int:
        """Return how many jobs it has handled."""
        return self.restored + self.failed

    def sentence(self) -> str:
        """Return the result, for the screen."""
        parts = [
            f"{counted(self.restored)} restored{' before the restore stopped' if self.error else ''}."
        ]
        if self.failed:
            parts.append(f"{counted(self.failed)} not restored; Deleted jobs says why.")
        if self.error:
            parts += [self.error, "Restore again: jobs that are restored already are not changed."]
        if not (self.restored or self.failed or self.error):
            return "Nothing to restore: no job of this deletion is missing."
        return " ".join(parts)


class Restores:
    """All restores to one database, of receipts in one store."""

    def __init__(
        self,
        database: Database,
        store: Store,
        order: CreationOrder,
        switch: StopSwitch | None = None,
        audit: Audit | None = None,
    ) -> None:
        """Prepare to restore; nothing is connected yet.

        `order` forgets what it knows after each; `switch` stops between two batches.
        """
        self._audit = audit or Audit()
        self._switch = switch or StopSwitch()
        self._order = order
        self._database = database
        self._store = store
        self._starting = threading.Lock()
        self._last: dict[str, Restore] = {}

    def last(self, receipt_id: str) -> Restore | None:
        """Return this process's running or last restore of a receipt, or None."""
        return self._last.get(receipt_id)

    def running(self) -> Restore | None:
        """Return the running restore that started last, or None."""
        return next((work for work in reversed(list(self._last.values())) if work.is_running), None)

    def start(self, receipt_id: str, by: Actor) -> Restore:
        """Start to restore the jobs of a receipt; return at once a restore that shows its progress.

        `by` is the user, for the receipt. Raises RestoreRefused if the receipt does not exist, is of
        another database, or is being written by a deletion or another restore of any process;
        NotStarted and StoreUnavailable.
        """
        with self._starting:
            receipt = receipts.read_receipt(self._store, receipt_id)
            if receipt is None:
                raise RestoreRefused("This deletion is no longer kept, so nothing was restored.")
            if receipt.platform != self._database.identity:
                raise RestoreRefused(
                    "These jobs were deleted from another database than the one that is set now, so "
                    "nothing was restored."
                )
            restore_id = restoring.begin(self._store, receipt, by.name)
            if restore_id is None:
                raise RestoreRefused(
                    "These jobs are still being deleted or restored. Try again when that has ended."
                )
            work = Restore(receipt_id, receipt.to_restore)
            try:
                work.start("restore", lambda: self._run(receipt, restore_id, work, by))
            except NotStarted:
                restoring.end(self._store, receipt.key)
                raise
            self._last.pop(receipt_id, None)
            self._last[receipt_id] = work
            return work

    def read_settled(self, receipt_id: str) -> Receipt | None:
        """Return a receipt, None if there is none, after looking up the outcome of its pending jobs.

        Where the platform's database does not answer they stay pending. Raises StoreUnavailable.
        """
        receipt = receipts.read_receipt(self._store, receipt_id)
        is_ours = receipt is not None and receipt.platform == self._database.identity
        if receipt is None or not receipt.pending or receipt.is_busy or not is_ours:
            return receipt
        with suppress(DatabaseUnavailable):
            self.settle(receipt)
        return receipts.read_receipt(self._store, receipt_id)

    def settle(self, receipt: Receipt) -> None:
        """Look the pending jobs of a receipt up in the platform's database, and record the outcomes.

        Waits for a transaction that has locked their rows: the database may still commit for a killed
        app. Raises DatabaseUnavailable and StoreUnavailable: the jobs are then still pending.
        """
        for number in restoring.batches_with(self._store, receipt.key, Outcome.PENDING):
            ids = restoring.jobs_of(self._store, receipt.key, number, Outcome.PENDING)
            there = retried(partial(self._still_there, ids))
            outcomes = {
                Outcome.REMOVED: [job_id for job_id in ids if job_id not in there],
                Outcome.LOCKED: sorted(there),
            }
            restoring.settle(self._store, receipt.key, number, outcomes)

    def _still_there(self, ids: list[int]) -> set[int]:
        with self._database.writing() as connection:
            return present(connection, object_, ids, locked=True) | present(
                connection, job, ids, locked=True
            )

    def _run(self, receipt: Receipt, restore_id: int, work: Restore, by: Actor) -> None:
        try:
            self._restore(receipt, restore_id, work)
        except (DatabaseUnavailable, Stopped) as error:
            work.error = str(error)
            log.warning("a restore stopped after %d jobs: %s", work.restored, error)
        except Exception:
            # Nothing above a thread catches exceptions: each must end the restore with a sentence.
            work.error = UNEXPECTED
            log.exception("a restore stopped after %d jobs", work.restored)
        finally:
            restoring.end(self._store, receipt.key)
            self._database.changed()
            # The list assumes that nothing is inserted below its newest jobs.
            self._order.forget()
            self._audit.write(
                Event.RESTORE,
                by,
                receipt=receipt.id,
                jobs=work.total,
                restored=work.restored,
                not_restored=work.failed or None,
                error=work.error,
            )

    def _restore(self, receipt: Receipt, restore_id: int, work: Restore) -> None:
        """Restore all jobs that can be restored, batch by batch."""
        self.settle(receipt)
        batches = RestoreBatches(self._database, receipt.columns)
        for number in restoring.batches_with(self._store, receipt.key, Outcome.REMOVED):
            wanted = set(restoring.jobs_of(self._store, receipt.key, number, Outcome.REMOVED))
            lines = receipts.batch_lines(self._store, receipt.key, number)
            jobs = [each for each in map(parse_job, lines) if each.id in wanted]
            for start in range(0, len(jobs), BATCH_JOBS):
                self._switch.check()
                problems: dict[int, str] = {}
                restored = batches.restore(jobs[start : start + BATCH_JOBS], problems)
                restoring.write(self._store, receipt.key, number, restore_id, restored, problems)
                work.restored += len(restored)
                work.failed += len(problems)
