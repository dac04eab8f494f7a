"""The lock after too many failed sign-ins, by the platform's own rule and on its own count.

Attempts are counted per identifier and per address. Heratio keeps them in `login_attempt`, so its
sign-in page and ours share one count. What cannot be written there stays in this process's memory.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, insert, select

from jobs_data.accounts.accounts import IDENTIFIER_LENGTH
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.security_settings import read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import without_case
from jobs_data.platform.tables import login_attempt
from jobs_data.platform.times import on_platform_clock

ADDRESS_LENGTH: Final = 45

REMEMBERED_ATTEMPTS: Final = 20_000
"""How many attempts the memory has; beyond that it forgets the oldest. Whoever wants one forgotten
needs as many, each as slow as a password's hash."""


class Lockout:
    """Counts the sign-ins of one database, and says who is locked; safe to use from several threads."""

    def __init__(self, database: Database, writes: OptionalWrites) -> None:
        """Count in a database where `writes` can, and in memory where not."""
        self._database = database
        self._writes = writes
        self._unwritten: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_ATTEMPTS)  # newest first
        self._lock = threading.Lock()

    def remaining(self, identifier: str, address: str, now: datetime) -> timedelta | None:
        """Return for how long the identifier or the address is still locked; None where neither is.

        One is locked while its newest `security_lockout_max_attempts` attempts all failed within the
        last `security_lockout_duration_minutes`. `now` is aware. Raises DatabaseUnavailable.
        """
        rule = read_security_settings(self._database)
        if not rule.lockout_enabled:
            return None
        duration = timedelta(minutes=rule.lockout_duration_minutes)
        # The two differ where a clock change lies between; the earlier one forgets no failure.
        begin = min(self._clock(now) - duration, self._clock(now - duration))
        locks = []
        for column, value in (
            (login_attempt.c.identifier, _normalized(identifier)),
            (login_attempt.c.ip_address, address[:ADDRESS_LENGTH]),
        ):
            newest = self._newest(column, value, rule.lockout_max_attempts) if value else []
            failed = [at for at, success in newest if not success and at > begin]
            if len(failed) == rule.lockout_max_attempts:
                locks.append(min(failed) - begin)
        return max(locks, default=None)

    def record(self, identifier: str, address: str, success: bool, now: datetime) -> None:
        """Count a sign-in at an aware time.

        An attempt at a locked identifier or address must not be counted: the lock would never end.
        """
        attempt = {
            "identifier": _normalized(identifier),
            "ip_address": address[:ADDRESS_LENGTH],
            "success": int(success),
            "attempted_at": self._clock(now).replace(microsecond=0),
        }
        has_table = login_attempt.name in self._database.tables
        if not has_table or self._writes.write(insert(login_attempt).values(attempt)) != 1:
            with self._lock:
                self._unwritten.appendleft(attempt)

    def _newest(self, column: Column[str], value: str, limit: int) -> list[tuple[datetime, bool]]:
        """Return the newest attempts, newest first: the database's and the memory's together."""
        with self._lock:
            found = [
                (attempt["attempted_at"], bool(attempt["success"]))
                for attempt in self._unwritten
                if attempt[column.name] == value
            ]
        if login_attempt.name in self._database.tables:
            # By id, not by time: a success and a failure within one second have an order too.
            newest = (
                select(login_attempt.c.attempted_at, login_attempt.c.success)
                .where(without_case(column) == value)
                .order_by(login_attempt.c.id.desc())
                .limit(limit)
            )
            with self._database.reading(primary=True) as connection:
                stored = [(at, bool(success)) for at, success in connection.execute(newest) if at]
            found = sorted(stored + found, key=lambda attempt: attempt[0], reverse=True)
        return found[:limit]

    def _clock(self, moment: datetime) -> datetime:
        return on_platform_clock(moment, self._database.timezone)


def _normalized(identifier: str) -> str:
    return identifier.strip().lower()[:IDENTIFIER_LENGTH]
