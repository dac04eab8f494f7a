"""The two writes of a sign-in, both into tables that only Heratio has, as Heratio itself does them.

An account that may only read the database can still sign people in: a write that it is refused is
logged once, and the caller makes do with this process's memory.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import Insert, Update, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from jobs_data.platform.database import Database, identity
from jobs_data.platform.tables import login_attempt, user_totp_secret

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
    return _write(database, row) == 1


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
    # Decided by the UPDATE's own WHERE, so that of two sign-ins at once only one gets it.
    changed = _write(
        database,
        update(user_totp_secret).where(*unused).values(last_used_at=platform_time(database, start)),
    )
    if changed is not None:
        return changed == 1
    with database.reading(primary=True) as connection:
        found = connection.execute(select(user_totp_secret.c.user_id).where(*unused))
        return found.scalar() is not None


def _write(database: Database, statement: Insert | Update) -> int | None:
    """Return how many rows a write made or changed; None where it was refused, which is logged once.

    Not by way of `Database.writing`, which would log each refusal, with the driver's text: that may
    quote what was typed, and people do type their password where the user name belongs.
    """
    try:
        with database.engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                return connection.execute(statement).rowcount
    except SQLAlchemyError as error:
        table = statement.table.description
        if (key := (identity(database), table)) not in _logged:
            _logged.add(key)
            driver_error = getattr(error, "orig", None)
            code = next(iter(getattr(driver_error, "args", ())), None)
            log.warning(
                "sign-ins are not noted in the table %s (said once): %s %s",
                table,
                type(driver_error or error).__name__,
                code if isinstance(code, int) else "",
            )
        return None
