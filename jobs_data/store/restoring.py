"""The reads and writes of a restore in a receipt, and the outcomes of pending jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.receipt_writer import BUSY_SECONDS, encodable
from jobs_data.store.receipts import Receipt
from jobs_data.store.schema import Outcome, job, receipt, restore

log = logging.getLogger(__name__)

IDS_AT_ONCE: Final = 500
"""How many ids one statement names."""


def begin(store: Store, of: Receipt, by: str) -> int | None:
    """Reserve a receipt for a restore, and return the restore's id; None if another one has it.

    Raises StoreUnavailable.
    """
    now = datetime.now(UTC)
    until = now + timedelta(seconds=BUSY_SECONDS)
    # A time further ahead was written when the clock was wrong.
    free = or_(
        receipt.c.busy_until.is_(None), receipt.c.busy_until <= now, receipt.c.busy_until > until
    )
    with store.writing() as connection:
        reserved = update(receipt).where(receipt.c.key == of.key, free).values(busy_until=until)
        if not connection.execute(reserved).rowcount:
            return None
        new = insert(restore).values(receipt=of.key, at=now, by=encodable(by), restored=0)
        return int(connection.execute(new).lastrowid)


def end(store: Store, key: int) -> None:
    """Release a receipt. If that cannot be written, it is free a minute later."""
    try:
        with store.writing() as connection:
            connection.execute(update(receipt).where(receipt.c.key == key).values(busy_until=None))
    except StoreUnavailable as problem:
        log.warning("the end of a restore was not written: %s", problem)


def batches_with(store: Store, key: int, outcome: Outcome) -> list[int]:
    """Return the batches that have jobs of an outcome. Raises StoreUnavailable."""
    numbers = select(job.c.batch).where(job.c.receipt == key, job.c.outcome == outcome).distinct()
    with store.reading() as connection:
        return list(connection.execute(numbers.order_by(job.c.batch)).scalars())


def jobs_of(store: Store, key: int, number: int, outcome: Outcome) -> list[int]:
    """Return the jobs of a batch that have an outcome. Raises StoreUnavailable."""
    with store.reading() as connection:
        found = connection.execute(select(job.c.job_id).where(_those(key, number, outcome)))
        return list(found.scalars())


def settle(store: Store, key: int, number: int, outcomes: Mapping[Outcome, Sequence[int]]) -> None:
    """Write the outcomes of a batch's pending jobs. Raises StoreUnavailable."""
    with store.writing() as connection:
        for outcome, ids in outcomes.items():
            _set(connection, _those(key, number, Outcome.PENDING), ids, outcome)


def write(
    store: Store,
    key: int,
    number: int,
    restore_id: int,
    restored: Sequence[int],
    problems: Mapping[int, str],
) -> None:
    """Write which jobs of a batch were restored, and why others were not.

    Raises StoreUnavailable.
    """
    until = datetime.now(UTC) + timedelta(seconds=BUSY_SECONDS)
    removed = _those(key, number, Outcome.REMOVED)
    with store.writing() as connection:
        connection.execute(update(receipt).where(receipt.c.key == key).values(busy_until=until))
        back = _set(connection, removed, restored, Outcome.RESTORED)
        connection.execute(
            update(restore).where(restore.c.id == restore_id).values(restored=restore.c.restored + back)
        )
        for job_id, problem in problems.items():
            one = update(job).where(removed, job.c.job_id == job_id)
            connection.execute(one.values(problem=problem))


def _those(key: int, number: int, outcome: Outcome) -> ColumnElement[bool]:
    """Return the condition of the jobs of a batch that have an outcome."""
    return and_(job.c.receipt == key, job.c.batch == number, job.c.outcome == outcome)


def _set(
    connection: Connection, among: ColumnElement[bool], ids: Sequence[int], outcome: Outcome
) -> int:
    """Change the outcome of the jobs that meet a condition; return how many these were."""
    changed = 0
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = job.c.job_id.in_(ids[start : start + IDS_AT_ONCE])
        new = update(job).where(among, some).values(outcome=outcome, problem=None)
        changed += connection.execute(new).rowcount
    return changed
