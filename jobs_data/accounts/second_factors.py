"""The platform's second factors, and checks of the one kind that this app can check.

Only Heratio has second factors. This app can check a confirmed TOTP secret (RFC 6238: six digits, 30
seconds). Only the platform can check one-time passwords by mail and WebAuthn.
"""

from __future__ import annotations

import base64
import hmac
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pyotp
from sqlalchemy import Column, ColumnElement, Row, or_, select, update

from jobs_data.accounts.optional_writes import OptionalWrites
from jobs_data.platform.database import Database
from jobs_data.platform.tables import otp_factor, user_totp_secret, webauthn_credential
from jobs_data.platform.times import on_platform_clock
from jobs_data.platform.values import text

STEP_SECONDS: Final = 30
MAX_CODE_LENGTH: Final = 64


class UnusableSecret(Exception):
    """A confirmed secret is not base32, so no code can be checked."""


class Totp(pyotp.TOTP):
    """The codes of one secret; raises UnusableSecret for an invalid one."""

    def byte_secret(self) -> bytes:
        """Return the key, of whatever length.

        pyotp itself would refuse keys below 112 bits from 2.12 on, which many platforms have issued:
        16 characters of base32 are 80 bits.
        """
        characters = "".join(self.secret.split()).rstrip("=")
        try:
            key = base64.b32decode(characters + "=" * (-len(characters) % 8), casefold=True)
        except ValueError:
            raise UnusableSecret from None
        if not key:
            raise UnusableSecret
        return key


@dataclass(frozen=True)
class Factors:
    """A user's second factors."""

    secret: str | None = field(repr=False)
    """The confirmed TOTP secret, or None. It must not be logged."""
    of_platform: bool
    """Whether the user has a factor that only the platform can check."""


def read_factors(database: Database, user_id: int) -> Factors:
    """Return a user's confirmed second factors. Raises DatabaseUnavailable.

    MySQL hides tables that a database account may not read: without the right to these, second
    factors seem to be missing.
    """
    with database.reading(primary=True) as connection:

        def first(column: Column[Any], *conditions: ColumnElement[bool]) -> Row[Any] | None:
            if column.table.name not in database.tables:
                return None
            of_user = column.table.c.user_id == user_id
            return connection.execute(select(column).where(of_user, *conditions).limit(1)).first()

        totp = first(user_totp_secret.c.secret, user_totp_secret.c.enabled_at.is_not(None))
        mailed = first(otp_factor.c.id, otp_factor.c.verified_at.is_not(None))
        webauthn = first(webauthn_credential.c.id)
    return Factors(
        secret=None if totp is None else text(totp.secret),
        of_platform=mailed is not None or webauthn is not None,
    )


class UsedCodes:
    """Accepts each code of a user once; safe to use from several threads."""

    def __init__(self, database: Database, writes: OptionalWrites) -> None:
        """Keep the used codes in the database if `writes` can, and in memory."""
        self._database = database
        self._writes = writes
        self._steps: dict[int, int] = {}  # the last time step that each user's sign-ins used
        self._lock = threading.Lock()

    def accept(self, user_id: int, secret: str, code: str, now: datetime) -> bool:
        """Return whether a code is right and unused, and mark it and older ones as used.

        Codes of the time step before and after are right too; `now` is aware. Raises UnusableSecret
        and DatabaseUnavailable; the code is still unused then.
        """
        totp = Totp(secret)
        current = int(now.timestamp()) // STEP_SECONDS
        right = {step: totp.generate_otp(step) for step in (current - 1, current, current + 1)}
        typed = "".join(code[:MAX_CODE_LENGTH].split())
        if not re.fullmatch(r"[0-9]{6}", typed):
            return False
        step = max((s for s, shown in right.items() if hmac.compare_digest(shown, typed)), default=None)
        if step is None or not self._use(user_id, step, latest=current + 1):
            return False
        # The database may have refused the write, of this sign-in or of one before.
        with self._lock:
            if step <= self._steps.get(user_id, -1):
                return False
            # A code of the step before the last one is wrong anyway.
            self._steps = {user: used for user, used in self._steps.items() if used >= current - 1}
            self._steps[user_id] = step
            return True

    def _use(self, user_id: int, step: int, *, latest: int) -> bool:
        """Mark a time step as used, if writable; return False if it or a later one was used.

        `last_used_at` gets the start of the step of the used code, which is more exact than the current
        time that Heratio writes: codes are accepted a step early or late. A `last_used_at` after the
        `latest` step is an error, and would lock the account out until then.
        """
        start, end = (
            on_platform_clock(datetime.fromtimestamp(each * STEP_SECONDS, UTC), self._database.timezone)
            for each in (step, latest)
        )
        last_used = user_totp_secret.c.last_used_at
        unused = (
            user_totp_secret.c.user_id == user_id,
            or_(last_used.is_(None), last_used < start, last_used > end),
        )
        # The WHERE decides, so that only one of two sign-ins can use the code.
        changed = self._writes.write(update(user_totp_secret).where(*unused).values(last_used_at=start))
        if changed is not None:
            return changed == 1
        with self._database.reading(primary=True) as connection:
            found = connection.execute(select(user_totp_secret.c.user_id).where(*unused))
            return found.scalar() is not None
