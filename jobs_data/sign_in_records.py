"""The two writes of a sign-in, both into tables that only Heratio has, as Heratio itself does them.

An account that may only read the database can still sign people in: a write that it is refused is
logged once, and the caller makes do with this process's memory.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import insert, or_, select, update

from jobs_data.engine import Database, DatabaseUnavailable, identity
from jobs_data.platform import login_attempt, user_totp_secret

log = logging.getLogger(__name__)

_logged: Final[set[tuple[str, str]]] = set()


def platform_time(database: Database, moment: datetime) -> datetime:
    """Return an aware moment as the platform writes it: naive, in the database's time zone."""
    return moment.astimezone(database.timezone).replace(tzinfo=None)


def add_attempt(
    database: Database, identifier: str, address: str, success: bool, now: datetime
) -> bool:
    """Write a sign-in to `login_attempt`; return whether it is there, so that both doors count it."""
    if login_attempt.name not in database.tables:
        return False
    row = insert(login_attempt).values(
        identifier=identifier,
        ip_address=address,
        success=int(success),
        attempted_at=platform_time(database, now),
    )
    try:
        with database.writing() as connection:
            connection.execute(row)
    except DatabaseUnavailable as error:
        _log_once(database, login_attempt.name, error)
        return False
    return True


def use_time_step(database: Database, user_id: int, start: datetime, latest: datetime) -> bool:
    """Note that the code of the time step from `start` is used; False where it, or a later one, was.

    `last_used_at` holds the start of the step whose code was taken, which says more than the time at
    which it was: a code is taken a step early or late. (Heratio's own door writes the time.) A
    `last_used_at` after `latest` cannot be meant, and would lock the account out until then.
    """
    last_used = user_totp_secret.c.last_used_at
    unused = (
        user_totp_secret.c.user_id == user_id,
        or_(
            last_used.is_(None),
            last_used < platform_time(database, start),
            last_used > platform_time(database, latest),
        ),
    )
    try:
        with database.writing() as connection:
            # Decided by the UPDATE's own WHERE, so that of two sign-ins at once only one gets it.
            changed = connection.execute(
                update(user_totp_secret)
                .where(*unused)
                .values(last_used_at=platform_time(database, start))
            )
            return changed.rowcount == 1
    except DatabaseUnavailable as error:
        _log_once(database, user_totp_secret.name, error)
    with database.reading() as connection:
        found = connection.execute(select(user_totp_secret.c.user_id).where(*unused))
        return found.scalar() is not None


def _log_once(database: Database, table: str, error: DatabaseUnavailable) -> None:
    # Never with the traceback: the statement's values would come along, and people do type their
    # password where the user name belongs.
    if (key := (identity(database), table)) not in _logged:
        _logged.add(key)
        log.warning("sign-ins are not noted in the table %s (said once): %s", table, error)
