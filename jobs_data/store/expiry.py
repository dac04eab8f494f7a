"""Erases receipts that are too old: a week after they were first found too old, if they still are.

So a clock that is wrong for less than a week erases none.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update

from jobs_data.audit import APP, Audit, Event
from jobs_data.store.database import Store
from jobs_data.store.schema import receipt
from jobs_data.wording import counted

log = logging.getLogger(__name__)

GRACE: Final = timedelta(days=7)


def expire(store: Store, days: int, now: datetime | None = None, audit: Audit | None = None) -> str:
    """Erase the receipts made more than some days ago, as this module says.

    Returns a sentence about those that will be erased, empty for none. Raises
    StoreUnavailable.
    """
    now = now or datetime.now(UTC)
    is_old, since = receipt.c.at < now - timedelta(days=days), receipt.c.overdue_since
    with store.writing() as connection:
        connection.execute(
            update(receipt).where(~is_old, since.is_not(None)).values(overdue_since=None)
        )
        unmarked = update(receipt).where(is_old, or_(since.is_(None), since > now))
        marked = connection.execute(unmarked.values(overdue_since=now)).rowcount
        is_due = (since <= now - GRACE).label("is_due")
        old = connection.execute(select(receipt.c.key, is_due).where(is_old)).all()
    due = [row.key for row in old if row.is_due]
    for key in due:
        with store.writing() as connection:  # one at a time: a large one takes some seconds
            connection.execute(delete(receipt).where(receipt.c.key == key, is_old))
    if due:
        log.info("%s erased that were older than %d days", counted(len(due), "receipt"), days)
        if audit:
            audit.write(Event.RETENTION, APP, receipts=len(due), older_than_days=days)
    if len(due) == len(old):
        return ""
    sentence = (
        f"{counted(len(old) - len(due), 'deletion')} older than {counted(days, 'day')} by this "
        "server's clock will be erased within a week. If the clock is wrong, correct it before."
    )
    if marked:
        log.warning("%s", sentence)
    return sentence
