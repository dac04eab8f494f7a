"""What the platform demands besides the password, and the one kind of it that can be checked here.

Only Heratio has second factors. A confirmed TOTP secret (RFC 6238: six digits, 30 seconds) can be
checked by whoever can read it; one-time passwords by mail and WebAuthn by the platform alone.
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
from sqlalchemy import Column, ColumnElement, Row, select

from jobs_data.accounts.sign_in_records import use_time_step
from jobs_data.platform.database import Database, identity
from jobs_data.platform.tables import otp_factor, user_totp_secret, webauthn_credential
from jobs_data.platform.values import text

STEP_SECONDS: Final = 30
MAX_CODE_LENGTH: Final = 64

_taken: Final[dict[tuple[str, int], int]] = {}
"""The last time step of which a code was accepted, by database and user."""
_taking: Final = threading.Lock()


class UnusableSecret(Exception):
    """A confirmed secret is no base32, so that no code can be checked against it."""


class Totp(pyotp.TOTP):
    """The codes of one secret; raises UnusableSecret where it is none."""

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
    """The confirmed TOTP secret; None where there is none. It must not get into a log."""
    of_platform: bool
    """Whether there is a factor that only the platform can check."""


def read_factors(database: Database, user_id: int) -> Factors:
    """Return a user's confirmed second factors. Raises DatabaseUnavailable.

    MySQL hides tables that an account may not read: to grant it some tables only, and not these,
    would make second factors look absent.
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


def accept_code(database: Database, user_id: int, secret: str, code: str, now: datetime) -> bool:
    """Return whether a code is right and not used before; from then on it, and older ones, are used.

    Codes of the time step before and after are right too. Raises UnusableSecret and
    DatabaseUnavailable.
    """
    totp = Totp(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    right = {step: totp.generate_otp(step) for step in (current - 1, current, current + 1)}
    typed = "".join(code[:MAX_CODE_LENGTH].split())
    if not re.fullmatch(r"[0-9]{6}", typed):
        return False
    step = max((s for s, shown in right.items() if hmac.compare_digest(shown, typed)), default=None)
    if step is None:
        return False
    key = (identity(database), user_id)
    with _taking:
        if step <= _taken.get(key, -1):
            return False
        if not use_time_step(database, user_id, _start(step), _start(current + 1)):
            return False
        _taken[key] = step
        for old in [other for other, taken in _taken.items() if taken < current - 1]:
            del _taken[old]  # no code of so long ago would be accepted anyway
        return True


def _start(step: int) -> datetime:
    return datetime.fromtimestamp(step * STEP_SECONDS, UTC)
