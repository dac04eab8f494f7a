"""The lock after too many failed sign-ins, as the platform does it and, where it can be, with it.

Attempts are counted per identifier and per address. Heratio keeps them in `login_attempt`, so that
its door and ours share one count. What cannot be kept there is kept in this process's memory.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Column, collate, select

from jobs_data.accounts.security_settings import MOST_ATTEMPTS, read_security_settings
from jobs_data.accounts.sign_in_records import add_attempt, platform_time
from jobs_data.platform.database import Database, identity
from jobs_data.platform.tables import login_attempt

IDENTIFIER_LENGTH: Final = 255
ADDRESS_LENGTH: Final = 45

REMEMBERED_KEYS: Final = 10_000
"""How many identifiers and addresses the memory holds; beyond that the longest unused is forgotten.
To push one out takes as many attempts, each as slow as a password's hash."""


@dataclass(frozen=True)
class Attempt:
    """A sign-in at its time in the platform's own zone, naive."""

    success: bool
    at: datetime


Key = tuple[str, str, str]


class Memory:
    """The newest attempts per key, bounded in number; safe to use from several threads."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._attempts: OrderedDict[Key, deque[Attempt]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: Key, attempt: Attempt) -> None:
        """Remember an attempt; a success stands for all that was before it."""
        with self._lock:
            attempts = self._attempts.setdefault(key, deque(maxlen=MOST_ATTEMPTS))
            self._attempts.move_to_end(key)
            if attempt.success:
                attempts.clear()
            attempts.appendleft(attempt)
            if len(self._attempts) > REMEMBERED_KEYS:
                self._attempts.popitem(last=False)

    def newest(self, key: Key) -> list[Attempt]:
        """Return the remembered attempts, newest first."""
        with self._lock:
            return list(self._attempts.get(key, ()))


_memory: Final = Memory()


def remaining_lock(
    database: Database, identifier: str, address: str, now: datetime
) -> timedelta | None:
    """Return for how long the identifier or the address is locked yet; None where neither is.

    One is locked while its newest `security_lockout_max_attempts` attempts all failed within the
    last `security_lockout_duration_minutes`: that many failures since the last success. Raises
    DatabaseUnavailable.
    """
    rule = read_security_settings(database)
    if not rule.lockout_enabled:
        return None
    duration = timedelta(minutes=rule.lockout_minutes)
    # The two differ where a clock change lies between; the earlier one forgets no failure.
    begin = min(platform_time(database, now) - duration, platform_time(database, now - duration))
    locks = []
    for column, value in _counted(identifier, address):
        newest = _newest(database, column, value, rule.max_attempts)
        oldest = min((attempt.at for attempt in newest), default=begin)
        if (
            len(newest) == rule.max_attempts
            and not any(attempt.success for attempt in newest)
            and oldest > begin
        ):
            locks.append(oldest - begin)
    return max(locks, default=None)


def record_attempt(
    database: Database, identifier: str, address: str, success: bool, now: datetime
) -> None:
    """Count a sign-in. One that a lock turned away must not be counted: the lock would never end."""
    if add_attempt(database, _key(identifier), address[:ADDRESS_LENGTH], success, now):
        return
    attempt = Attempt(success, platform_time(database, now).replace(microsecond=0))
    for column, value in _counted(identifier, address):
        _memory.add((identity(database), column.name, value), attempt)


def _counted(identifier: str, address: str) -> list[tuple[Column[str], str]]:
    """Return the columns that are counted and their values; an unknown address is nobody's."""
    both = [
        (login_attempt.c.identifier, _key(identifier)),
        (login_attempt.c.ip_address, address[:ADDRESS_LENGTH]),
    ]
    return [(column, value) for column, value in both if value]


def _key(identifier: str) -> str:
    return identifier.strip().lower()[:IDENTIFIER_LENGTH]


def _newest(database: Database, column: Column[str], value: str, limit: int) -> list[Attempt]:
    """Return the newest attempts, newest first: the database's and the memory's together."""
    remembered = _memory.newest((identity(database), column.name, value))
    if login_attempt.name not in database.tables:
        return remembered[:limit]
    # MySQL's collations compare without regard to case, and so can use the index.
    is_sqlite = database.engine.dialect.name == "sqlite"
    compared = collate(column, "NOCASE") if is_sqlite else column
    with database.reading(primary=True) as connection:
        rows = connection.execute(
            select(login_attempt.c.success, login_attempt.c.attempted_at)
            .where(compared == value)
            # By id, not by time: a success and a failure within one second have an order too.
            .order_by(login_attempt.c.id.desc())
            .limit(limit)
        ).all()
    kept = [Attempt(bool(row.success), row.attempted_at) for row in rows if row.attempted_at]
    return list(islice(heapq.merge(kept, remembered, key=lambda a: a.at, reverse=True), limit))
