"""The lock after too many failed sign-ins, by the platform's own rule and on its own count.

Failures are counted per account and per address, independently of each other: no success of one
account makes another's failures forgotten, or an address's. Heratio keeps sign-ins in
`login_attempt`, so its sign-in page and ours share one count. What cannot be written there stays in
this process's memory.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, insert, literal, or_, select

from jobs_data.accounts.accounts import IDENTIFIER_LENGTH
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.security_settings import read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, without_case
from jobs_data.platform.tables import login_attempt
from jobs_data.platform.times import on_platform_clock

ADDRESS_LENGTH: Final = 45

ADDRESS_FACTOR: Final = 10
"""How many times more failures an address may have than an account: a whole house may share one."""

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

    def remaining(self, names: Sequence[str], address: str, now: datetime) -> timedelta | None:
        """Return for how long an account or an address is still locked; None where neither is.

        `names` are all by which the account can be signed in to, or what was typed where there is no
        such account; `now` is aware. An account is locked while its newest
        `security_lockout_max_attempts` attempts all failed within the last
        `security_lockout_duration_minutes`; an address while ADDRESS_FACTOR times as many failed from
        there within that time, with whatever success between them. A locked address shuts nobody out
        who has signed in from there before: many people share one behind a router. Raises
        DatabaseUnavailable.
        """
        rule = read_security_settings(self._database)
        if not rule.lockout_enabled:
            return None
        duration = timedelta(minutes=rule.lockout_duration_minutes)
        # The two differ where a clock change lies between; the earlier one forgets no failure.
        begin = min(self._clock(now) - duration, self._clock(now - duration))
        spellings = [each for name in names if name for each in (_normalized(name), name.lower())]
        is_account, is_address = _Is("identifier", spellings), _Is("ip_address", [_cut(address)])
        locks = []
        attempts = self._newest([is_account], rule.lockout_max_attempts)
        failures = [at for at, success in attempts if not success and at > begin]
        if len(failures) == rule.lockout_max_attempts:
            locks.append(min(failures) - begin)
        most = rule.lockout_max_attempts * ADDRESS_FACTOR
        failures = [at for at, _ in self._newest([is_address], most, success=False) if at > begin]
        is_known = len(failures) == most and self._newest([is_account, is_address], 1, success=True)
        if len(failures) == most and not is_known:
            locks.append(min(failures) - begin)
        return max(locks, default=None)

    def record(self, identifier: str, address: str, success: bool, now: datetime) -> None:
        """Count a sign-in at an aware time, by what was typed.

        An attempt at a locked account or address must not be counted: the lock would never end.
        """
        attempt = {
            "identifier": _normalized(identifier),
            "ip_address": _cut(address),
            "success": int(success),
            "attempted_at": self._clock(now).replace(microsecond=0),
        }
        has_table = login_attempt.name in self._database.tables
        if not has_table or self._writes.write(insert(login_attempt).values(attempt)) != 1:
            with self._lock:
                self._unwritten.appendleft(attempt)

    def _newest(
        self, conditions: Sequence[_Is], limit: int, *, success: bool | None = None
    ) -> list[tuple[datetime, bool]]:
        """Return the newest attempts, newest first: the database's and the memory's together.

        `success` leaves out those with another outcome.
        """
        if not all(any(condition.values) for condition in conditions):
            return []
        wanted = {True, False} if success is None else {success}
        with self._lock:
            found = [
                (attempt["attempted_at"], bool(attempt["success"]))
                for attempt in self._unwritten
                if bool(attempt["success"]) in wanted
                and all(each.holds(attempt) for each in conditions)
            ]
        if login_attempt.name in self._database.tables:
            # By id, not by time: a success and a failure within one second have an order too.
            newest = (
                select(login_attempt.c.attempted_at, login_attempt.c.success)
                .where(*(each.clause() for each in conditions))
                .order_by(login_attempt.c.id.desc())
                .limit(limit)
            )
            if success is not None:
                newest = newest.where(login_attempt.c.success == int(success))
            with self._database.reading(primary=True) as connection:
                stored = [(at, bool(success)) for at, success in connection.execute(newest) if at]
            found = sorted(stored + found, key=lambda attempt: attempt[0], reverse=True)
        return found[:limit]

    def _clock(self, moment: datetime) -> datetime:
        return on_platform_clock(moment, self._database.timezone)


@dataclass(frozen=True)
class _Is:
    """One of an attempt's texts is one of some values, whatever the case."""

    column: str
    values: Sequence[str]

    def holds(self, attempt: Mapping[str, Any]) -> bool:
        return attempt[self.column] in self.values

    def clause(self) -> ColumnElement[bool]:
        """Return a condition for which the column's index serves.

        It compares exactly, too: a collation of MySQL takes á for a, and an account whose name looks
        like another's must not make that one's failures forgotten.
        """
        column = login_attempt.c[self.column]
        is_one = [exactly(func.lower(column)) == exactly(literal(value)) for value in self.values]
        return without_case(column).in_(self.values) & or_(*is_one)


def _normalized(identifier: str) -> str:
    """Return an identifier without what does not tell two apart: case, spaces, and ways to write é."""
    return " ".join(unicodedata.normalize("NFKC", identifier).lower().split())[:IDENTIFIER_LENGTH]


def _cut(address: str) -> str:
    return address.lower()[:ADDRESS_LENGTH]
