"""The lock after too many failed sign-ins, by the platform's rule and count.

Failures are counted per account and per address, independently: a success of one account does not
reset another account's count, or an address's. Heratio keeps sign-ins in `login_attempt`, so both
sign-in pages share one count. If that table is not writable, sign-ins go into the app's own store, and
if that cannot be used either, into this process's memory.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, literal, or_, select

from jobs_data.accounts.accounts import IDENTIFIER_LENGTH
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.security_settings import read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, without_case
from jobs_data.platform.tables import login_attempt
from jobs_data.platform.times import on_platform_clock
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.schema import sign_in_attempt

ADDRESS_LENGTH: Final = 45

ADDRESS_FACTOR: Final = 10
"""How many times more failures an address may have than an account: many users may share one."""

REMEMBERED_ATTEMPTS: Final = 20_000
"""How many attempts the store or the memory keeps; then it drops the oldest. An attacker needs as many
attempts to drop one, each as slow as a password's hash."""


class Lockout:
    """Counts the sign-ins of one database, and checks locks; safe to use from several threads."""

    def __init__(self, database: Database, writes: OptionalWrites, own: Store | None = None) -> None:
        """Count in the database if `writes` can, else in our own store, else in memory."""
        self._database = database
        self._writes = writes
        self._own = own
        self._unwritten: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_ATTEMPTS)  # newest first
        self._lock = threading.Lock()

    def remaining(self, names: Sequence[str], address: str, now: datetime) -> timedelta | None:
        """Return for how long an account or an address is still locked; None for neither.

        `names` are all names for signing in to the account, or the typed one if there is no such
        account; `now` is aware. An account is locked while its newest
        `security_lockout_max_attempts` attempts all failed within the last
        `security_lockout_duration_minutes`; an address while ADDRESS_FACTOR times as many failed from
        there within that time, whatever succeeded between them. An account that signed in from a
        locked address before still can: many users share one behind a router. Raises
        DatabaseUnavailable.
        """
        rule = read_security_settings(self._database)
        if not rule.lockout_enabled:
            return None
        duration = timedelta(minutes=rule.lockout_duration_minutes)
        # The two differ at a clock change; the earlier one misses no failure.
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
        """Count a sign-in at an aware time, under the typed name.

        An attempt at a locked account or address must not be counted: the lock would never end.
        """
        attempt = {
            "identifier": _normalized(identifier),
            "ip_address": _cut(address),
            "success": int(success),
            "attempted_at": self._clock(now).replace(microsecond=0),
        }
        has_table = login_attempt.name in self._database.tables
        if has_table and self._writes.write(insert(login_attempt).values(attempt)) == 1:
            return
        if not self._store(attempt):
            with self._lock:
                self._unwritten.appendleft(attempt)

    def _store(self, attempt: dict[str, Any]) -> bool:
        """Return whether an attempt was written into our own store."""
        if self._own is None:
            return False
        values = {**attempt, "platform": self._database.identity}
        try:
            with self._own.writing() as connection:
                key = connection.execute(insert(sign_in_attempt).values(values)).inserted_primary_key
                oldest = key[0] - REMEMBERED_ATTEMPTS if key else 0
                connection.execute(delete(sign_in_attempt).where(sign_in_attempt.c.id <= oldest))
        except StoreUnavailable:
            return False
        return True

    def _newest(
        self, conditions: Sequence[_Is], limit: int, *, success: bool | None = None
    ) -> list[tuple[datetime, bool]]:
        """Return the newest attempts, newest first, from database, store and memory.

        `success` leaves out those with another outcome.
        """
        if not all(any(condition.values) for condition in conditions):
            return []
        wanted = {True, False} if success is None else {success}
        found: list[tuple[datetime, bool]] = []
        if login_attempt.name in self._database.tables:
            newest = _select(login_attempt, conditions, limit, success)
            with self._database.reading(primary=True) as connection:
                found += [(at, bool(success)) for at, success in connection.execute(newest) if at]
        if self._own:
            of_platform = sign_in_attempt.c.platform == self._database.identity
            newest = _select(sign_in_attempt, conditions, limit, success).where(of_platform)
            with suppress(StoreUnavailable), self._own.reading() as connection:
                found += [(at, bool(success)) for at, success in connection.execute(newest)]
        with self._lock:
            found += [
                (attempt["attempted_at"], bool(attempt["success"]))
                for attempt in self._unwritten
                if bool(attempt["success"]) in wanted
                and all(condition.holds(attempt) for condition in conditions)
            ]
        # Each of the three is in order already, also within a second.
        return sorted(found, key=lambda attempt: attempt[0], reverse=True)[:limit]

    def _clock(self, moment: datetime) -> datetime:
        return on_platform_clock(moment, self._database.timezone)


@dataclass(frozen=True)
class _Is:
    """A condition: a text of an attempt is one of some values, ignoring case."""

    column: str
    values: Sequence[str]

    def holds(self, attempt: Mapping[str, Any]) -> bool:
        return attempt[self.column] in self.values

    def clause(self, table: Table) -> ColumnElement[bool]:
        """Return a condition that uses the column's index.

        It also compares exactly: MySQL's collations treat á as a, and an account with a similar name
        must not reset another one's count.
        """
        column = table.c[self.column]
        is_one = [exactly(func.lower(column)) == exactly(literal(value)) for value in self.values]
        return without_case(column).in_(self.values) & or_(*is_one)


def _select(
    table: Table, conditions: Sequence[_Is], limit: int, success: bool | None
) -> Select[Any, int]:
    """Select the newest attempts by id, not by time, which has whole seconds only."""
    newest = select(table.c.attempted_at, table.c.success)
    newest = newest.where(*(condition.clause(table) for condition in conditions))
    if success is not None:
        newest = newest.where(table.c.success == int(success))
    return newest.order_by(table.c.id.desc()).limit(limit)


def _normalized(identifier: str) -> str:
    """Return an identifier with normalized case, spaces and Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", identifier).lower().split())[:IDENTIFIER_LENGTH]


def _cut(address: str) -> str:
    return address.lower()[:ADDRESS_LENGTH]
