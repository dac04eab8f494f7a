"""Signing in with the platform's accounts: password, second factor and lock, as the platform does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from jobs_data.accounts import accounts, passwords
from jobs_data.accounts.accounts import Account, Groups
from jobs_data.accounts.factor_policy import requires_factor
from jobs_data.accounts.lockout import Lockout
from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.accounts.second_factors import UnusableSecret, UsedCodes, read_factors
from jobs_data.accounts.security_settings import read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.tables import user
from jobs_data.platform.values import filled, text
from jobs_data.store.database import Store
from jobs_data.wording import counted

PARALLEL_SIGN_INS: Final = 2
"""A usual hash takes 64 MB and a tenth of a second of one processor."""

HASHES_LOOKED_AT: Final = 20
"""How many of the newest hashes are tried for the usual cost, before PHP's default is used."""


class Reason(StrEnum):
    """Why a sign-in was refused: a sentence for the screen."""

    WRONG = "Wrong e-mail, user name or password."
    """No such account, an inactive one, or not its password: the answer does not say which."""
    LOCKED = "Too many failed sign-ins. Try again in {minutes}."
    """Nothing was checked."""
    CODE_NEEDED = "Enter your password again and the six-digit code from your authenticator app."
    CODE_WRONG = "The code is wrong or has been used. Wait for the next code."
    PLATFORM_FACTOR = (
        "Only Heratio itself can check your second factor. Sign in through single sign-on."
    )
    FACTOR_REQUIRED = (
        "Your account must have a second factor, and it has none. Set one up in Heratio first."
    )
    CODE_UNCHECKABLE = (
        "This app cannot read the secret of your second factor. Sign in through single sign-on, or ask "
        "an administrator of your archive."
    )


class SignInRefused(Exception):
    """A sign-in was refused. The message is a sentence for the screen, without any input."""

    account: Account | None = None
    """Whose sign-in it was; None for a name that no account has."""

    def __init__(self, reason: Reason, **values: str) -> None:
        """Refuse for a reason, whose sentence has these values."""
        super().__init__(reason.format(**values))
        self.reason = reason

    @property
    def word(self) -> str:
        """Return the reason for the audit log, such as `locked` or `code needed`."""
        if self.reason is Reason.WRONG:
            return "wrong name or password"
        return self.reason.name.lower().replace("_", " ")


class SignIns:
    """Signs users in to one database, a few at a time, and remembers what it cannot write there."""

    def __init__(self, database: Database, own: Store | None = None) -> None:
        """Sign in to a database; count in our own store what cannot be written there."""
        self._database = database
        writes = OptionalWrites(database)
        self.lockout = Lockout(database, writes, own)
        self._codes = UsedCodes(database, writes)
        self._turns = threading.BoundedSemaphore(PARALLEL_SIGN_INS)

    def sign_in(
        self,
        identifier: str,
        password: str,
        code: str,
        address: str,
        groups: Groups,
        *,
        now: datetime | None = None,
    ) -> Account:
        """Return the account of an e-mail or user name with the right password and code, if needed.

        Its right may be None. `address` is the visitor's; `now` is aware, by default the present. It
        waits its turn and computes a hash: call it in a thread. Raises SignInRefused, and
        DatabaseUnavailable where the database does not answer.
        """
        typed = accounts.trimmed(identifier)
        # An attempt is compared with the count and added to it within one turn. So attempts at the
        # same time pass a limit by at most PARALLEL_SIGN_INS - 1 per process; the platform's own
        # sign-in page, another process, may add some.
        with self._turns:
            now = now or datetime.now(UTC)
            with self._database.reading(primary=True) as connection:
                row = accounts.find_row(connection, self._database, typed, groups)
                usual_hash = _usual_hash(connection, self._database)
            # The same number of names without an account, so that the statements do not reveal one.
            others = [filled(row.username), filled(row.email)] if row else ["", ""]
            names = [typed, *(other or typed for other in others)]
            salt, password_hash = (text(row.salt), text(row.password_hash)) if row else ("", "")
            try:
                if locked := self.lockout.remaining(names, address, now):
                    minutes = -(-locked // timedelta(minutes=1))
                    raise SignInRefused(Reason.LOCKED, minutes=counted(minutes, "minute"))
                is_right = passwords.matches(password, salt, password_hash, usual_hash)
                if not (row and is_right and row.active == 1):
                    raise SignInRefused(Reason.WRONG)
                self._check_second_factor(row.id, code, now)
            except SignInRefused as refusal:
                refusal.account = accounts.account_of(row) if row else None
                # A right password without a code is neither a failure nor a success: it is not counted.
                if refusal.reason in {Reason.WRONG, Reason.CODE_WRONG}:
                    self.lockout.record(typed, address, False, now)
                raise
            self.lockout.record(typed, address, True, now)
            return accounts.account_of(row)

    def read_idle_minutes(self) -> int:
        """Return after how many idle minutes a session ends. Raises DatabaseUnavailable."""
        return read_security_settings(self._database).session_timeout_minutes

    def _check_second_factor(self, user_id: int, code: str, now: datetime) -> None:
        factors = read_factors(self._database, user_id)
        if factors.secret is None:
            if factors.of_platform:
                raise SignInRefused(Reason.PLATFORM_FACTOR)
            if requires_factor(self._database, user_id, now):
                raise SignInRefused(Reason.FACTOR_REQUIRED)
            return
        try:
            is_right = self._codes.accept(user_id, factors.secret, code, now)
        except UnusableSecret:
            raise SignInRefused(Reason.CODE_UNCHECKABLE) from None
        if not is_right:
            raise SignInRefused(Reason.CODE_WRONG if code.strip() else Reason.CODE_NEEDED)


def _usual_hash(connection: Connection, database: Database) -> str:
    """Return the newest usable hash, which has the usual cost; empty without one.

    Accounts from before a change of algorithm take another time; a hash for an unknown account cannot
    imitate both.
    """
    if user.name not in database.tables:
        return ""
    newest = connection.execute(
        select(user.c.password_hash)
        .where(user.c.active == 1, user.c.password_hash.like("$%"))
        .order_by(user.c.id.desc())
        .limit(HASHES_LOOKED_AT)
    ).scalars()
    return next(filter(passwords.is_usable, map(text, newest)), "")
