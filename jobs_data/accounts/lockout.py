"""The lock after too many failed sign-ins, by the platform's own rule and on its own count.

Attempts are counted per identifier and per address. Heratio keeps them in `login_attempt`, so its
sign-in page and ours share one count. What cannot be written there stays in this process's memory.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias

from sqlalchemy import Column, insert, select

from jobs_data.accounts.accounts import IDENTIFIER_LENGTH
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.security_settings import MOST_ATTEMPTS, read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import without_case
from jobs_data.platform.tables import login_attempt
from jobs_data.platform.times import on_platform_clock

ADDRESS_LENGTH: Final = 45

REMEMBERED_KEYS: Final = 10_000
"""How many identifiers and addresses the memory has; beyond that it forgets the one unused longest.
Whoever wants one forgotten needs as many attempts, each as slow as a password's hash."""


@dataclass(frozen=True)
class Attempt:
    """A sign-in at its time in the platform's own zone, naive."""

    success: bool
    at: datetime


Key: TypeAlias = tuple[str, str]
"""A column of `login_attempt` and a value in it."""


class Memory:
    """The newest attempts per key, bounded in number; safe to use from several threads."""

    def __init__(self, keys: int = REMEMBERED_KEYS) -> None:
        """Remember nothing yet, and never more keys than these."""
        self._keys = keys
        self._attempts: OrderedDict[Key, deque[Attempt]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: Key, attempt: Attempt) -> None:
        """Remember an attempt; a success replaces all that were before it."""
        with self._lock:
            attempts = self._attempts.setdefault(key, deque(maxlen=MOST_ATTEMPTS))
            self._attempts.move_to_end(key)
            if attempt.success:
                attempts.clear()
            attempts.appendleft(attempt)
            if len(self._attempts) > self._keys:
                self._attempts.popitem(last=False)

    def newest(self, key: Key) -> list[Attempt]:
        """Return the remembered attempts, newest first."""
        with self._lock:
            return list(self._attempts.get(key, ()))


class Lockout:
    """Counts the sign-ins of one database, and says who is locked."""

    def __init__(self, database: Database, writes: OptionalWrites) -> None:
        """Count in a database where `writes` can, and in memory where not."""
        self._database = database
        self._writes = writes
        self._memory = Memory()

    def remaining(self, identifier: str, address: str, now: datetime) -> timedelta | None:
        """Return for how long the identifier or the address is still locked; None where neither is.

        One is locked while its newest `security_lockout_max_attempts` attempts all failed within the
        last `security_lockout_duration_minutes`. `now` is aware. Raises DatabaseUnavailable.
        """
        rule = read_security_settings(self._database)
        if not rule.lockout_enabled:
            return None
        duration = timedelta(minutes=rule.lockout_minutes)
        # The two differ where a clock change lies between; the earlier one forgets no failure.
        begin = min(self._clock(now) - duration, self._clock(now - duration))
        locks = []
        for column, value in _counted(identifier, address):
            newest = self._newest(column, value, rule.max_attempts)
            oldest = min((attempt.at for attempt in newest), default=begin)
            if (
                len(newest) == rule.max_attempts
                and not any(attempt.success for attempt in newest)
                and oldest > begin
            ):
                locks.append(oldest - begin)
        return max(locks, default=None)

    def record(self, identifier: str, address: str, success: bool, now: datetime) -> None:
        """Count a sign-in at an aware time.

        An attempt at a locked identifier or address must not be counted: the lock would never end.
        """
        if self._insert(identifier, address, success, now):
            return
        attempt = Attempt(success, self._clock(now).replace(microsecond=0))
        for column, value in _counted(identifier, address):
            self._memory.add((column.name, value), attempt)

    def _insert(self, identifier: str, address: str, success: bool, now: datetime) -> bool:
        if login_attempt.name not in self._database.tables:
            return False
        row = insert(login_attempt).values(
            identifier=_normalized(identifier),
            ip_address=address[:ADDRESS_LENGTH],
            success=int(success),
            attempted_at=self._clock(now),
        )
        return self._writes.write(row) == 1

    def _newest(self, column: Column[str], value: str, limit: int) -> list[Attempt]:
        """Return the newest attempts, newest first: the database's and the memory's together."""
        remembered = self._memory.newest((column.name, value))
        if login_attempt.name not in self._database.tables:
            return remembered[:limit]
        with self._database.reading(primary=True) as connection:
            rows = connection.execute(
                select(login_attempt.c.success, login_attempt.c.attempted_at)
                .where(without_case(column) == value)
                # By id, not by time: a success and a failure within one second have an order too.
                .order_by(login_attempt.c.id.desc())
                .limit(limit)
            ).all()
        stored = [Attempt(bool(row.success), row.attempted_at) for row in rows if row.attempted_at]
        return list(islice(heapq.merge(stored, remembered, key=lambda a: a.at, reverse=True), limit))

    def _clock(self, moment: datetime) -> datetime:
        return on_platform_clock(moment, self._database.timezone)


def _counted(identifier: str, address: str) -> list[tuple[Column[str], str]]:
    """Return the columns that are counted and their values; an empty address is not counted."""
    both = [
        (login_attempt.c.identifier, _normalized(identifier)),
        (login_attempt.c.ip_address, address[:ADDRESS_LENGTH]),
    ]
    return [(column, value) for column, value in both if value]


def _normalized(identifier: str) -> str:
    return identifier.strip().lower()[:IDENTIFIER_LENGTH]
