"""Erasing receipts that are too old, so that a clock that is wrong for a while erases none.

A receipt that is too old is marked at first, and erased a day later at the earliest, if it is too old
still. Where that would be most of all receipts, it is a week, and a sentence says so meanwhile.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from jobs_data.store.database import Store
from jobs_data.store.schema import receipt
from jobs_data.wording import counted

log = logging.getLogger(__name__)

GRACE: Final = timedelta(days=1)
LONG_GRACE: Final = timedelta(days=7)
FEW: Final = 3
"""Up to so many receipts are never most of them."""


def expire(store: Store, days: int, now: datetime | None = None) -> str:
    """Erase the receipts made more than some days ago, as this module says.

    Returns a warning where most of all receipts are too old, by this machine's clock; otherwise it is
    empty. Raises StoreUnavailable.
    """
    now = now or datetime.now(UTC)
    is_old = receipt.c.at < now - timedelta(days=days)
    with store.reading() as connection:
        total = _count(connection)
        old = _count(connection, is_old)
        is_most = old > FEW and old > total / 2
        due = receipt.c.overdue_since <= now - (LONG_GRACE if is_most else GRACE)
        keys = connection.execute(select(receipt.c.key).where(is_old, due)).scalars().all()
        wrong_marks = or_(
            and_(is_old, receipt.c.overdue_since.is_(None)),
            and_(~is_old, receipt.c.overdue_since.is_not(None)),
            receipt.c.overdue_since > now,
        )
        has_wrong_marks = _count(connection, wrong_marks)
    if has_wrong_marks:
        with store.writing() as connection:
            connection.execute(update(receipt).where(wrong_marks, ~is_old).values(overdue_since=None))
            connection.execute(update(receipt).where(wrong_marks, is_old).values(overdue_since=now))
    for key in keys:
        with store.writing() as connection:  # one at a time: a large one takes some seconds
            connection.execute(delete(receipt).where(receipt.c.key == key, is_old))
    if keys:
        log.info("%s erased that were older than %d days", counted(len(keys), "receipt"), days)
    if not is_most or len(keys) == old:
        return ""
    warning = (
        f"{old:,} of the {total:,} receipts are older than {counted(days, 'day')} by this server's "
        "clock. They are erased when that has been so for a week: if the clock is wrong, set it before."
    )
    log.warning("%s", warning)
    return warning


def _count(connection: Connection, *where: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(receipt).where(*where)).scalar_one()
