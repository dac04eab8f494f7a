"""Signing in, in a test: when and from where it happens, and what is shorter to say of it."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from jobs_data.accounts.accounts import Account, Groups
from jobs_data.accounts.sign_in import Reason, SignInRefused, SignIns
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from tests.support.store import PASSWORD, Store

NOW = datetime(2026, 6, 15, 12, 0, 5, tzinfo=UTC)
HOME = "192.0.2.1"
READERS = Groups(readers=frozenset({101, 102}))
SECRET = base64.b32encode(b"12345678901234567890").decode()
"""The key of RFC 6238's test vectors."""


class Visitor:
    """Signs in to the database of a store as one process; its own store lies beside it."""

    def __init__(self, store: Store, database: Database | None = None) -> None:
        """Sign in to a store, or to a database of it that is given."""
        self.sign_ins = SignIns(database or store.database(), store.own)

    def sign_in(
        self,
        identifier: str = "ada",
        password: str = PASSWORD,
        code: str = "",
        *,
        address: str = HOME,
        after: float = 0,
        groups: Groups = READERS,
    ) -> Account:
        """Sign in so many seconds after NOW."""
        now = NOW + timedelta(seconds=after)
        return self.sign_ins.sign_in(identifier, password, code, address, groups, now=now)

    def gets_in(self, *arguments: str, **options: Any) -> bool:
        """Return True where a sign-in is not refused."""
        return self.sign_in(*arguments, **options).id > 0

    def refusal(self, *arguments: str, **options: Any) -> Reason:
        """Return the reason for which a sign-in is refused."""
        with pytest.raises(SignInRefused) as caught:
            self.sign_in(*arguments, **options)
        return caught.value.reason

    def fail(self, times: int, identifier: str = "ada", **options: Any) -> None:
        """Sign in with a wrong password, which must be refused as such each time."""
        for _ in range(times):
            assert self.refusal(identifier, "wrong", **options) is Reason.WRONG


def code_at(after: float = 0, secret: str = SECRET) -> str:
    """Return what an authenticator shows so many seconds after NOW."""

    class Authenticator(pyotp.TOTP):
        def byte_secret(self) -> bytes:
            return base64.b32decode(self.secret)

    return Authenticator(secret).at(NOW + timedelta(seconds=after))


def totp(store: Store, user_id: int, secret: str = SECRET, **values: Any) -> None:
    """Give a user a confirmed TOTP secret."""
    values = {"enabled_at": NOW, **values}
    store.insert(tables.user_totp_secret, user_id=user_id, secret=secret, **values)
