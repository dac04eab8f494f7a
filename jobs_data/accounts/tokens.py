"""API tokens: secrets with which programs act for the administrator's account that made them.

The store keeps the SHA-256 of a token, which has 256 random bits: nobody can guess a token, or find one
from its digest, and how long a lookup takes says nothing of use.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, and_, delete, insert, or_, select, update

from jobs_data.accounts.accounts import Account
from jobs_data.accounts.lockout import Lockout
from jobs_data.platform.database import Database
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.schema import api_token

PREFIX: Final = "hj_"
"""Every token begins so: the gate and scanners for leaked secrets recognize it."""

MOST_CHARACTERS: Final = 100
"""How long the name of a token may be."""

USED_SECONDS: Final = 60
"""The last use is stored with this precision: a write for each request would slow them down."""

KEPT: Final = timedelta(days=90)
"""How long a token that has ended is listed."""

MOST_LISTED: Final = 200


class Scope(StrEnum):
    """What a token may do; never more than its account."""

    READ = "read"
    DELETE = "delete"
    """Read, and delete finished jobs."""

    @property
    def words(self) -> str:
        """Return it as the screen says it."""
        return "Read" if self is Scope.READ else "Read and delete"


@dataclass(frozen=True)
class Token:
    """A token without its secret."""

    id: int
    user_id: int
    by: str
    """The name of the account that made it, as it was then."""
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    """To the minute; None if it was never used."""
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return whether it can be used at an aware time, as the screen says it."""
        if self.revoked_at:
            return "Revoked"
        return "Active" if now < self.expires_at else "Expired"


class Tokens:
    """The API tokens for one platform, in the app's own store; safe to use from several threads."""

    def __init__(self, database: Database, store: Store, lockout: Lockout) -> None:
        """Keep tokens in a store, and count failed ones as failed sign-ins; nothing is read yet."""
        self._database = database
        self._store = store
        self._lockout = lockout

    def make(
        self, account: Account, name: str, scope: Scope, days: int, now: datetime | None = None
    ) -> str:
        """Store a new token and return it: no later call can. `now` is aware, the present by default.

        Tokens that ended long ago are erased. Raises StoreUnavailable.
        """
        now, value = now or datetime.now(UTC), f"{PREFIX}{secrets.token_urlsafe(32)}"
        ended = or_(api_token.c.expires_at < now - KEPT, api_token.c.revoked_at < now - KEPT)
        with self._store.writing() as connection:
            connection.execute(delete(api_token).where(ended))
            connection.execute(
                insert(api_token).values(
                    digest=_digest(value),
                    platform=self._database.identity,
                    user_id=account.id,
                    by=account.display_name,
                    name=name,
                    scope=scope.value,
                    created_at=now,
                    expires_at=now + timedelta(days=days),
                )
            )
        return value

    def find(self, value: str) -> Token | None:
        """Return the token, also one that has ended; None if it is unknown. Raises StoreUnavailable."""
        wanted = and_(api_token.c.digest == _digest(value), self._is_of_platform())
        with self._store.reading() as connection:
            row = connection.execute(select(api_token).where(wanted)).mappings().first()
        return _token(row) if row else None

    def note_use(self, token: Token, now: datetime | None = None) -> bool:
        """Note that a token is used; return whether that was needed, once in USED_SECONDS.

        While the store cannot be written, no use is noted.
        """
        now = now or datetime.now(UTC)
        before = now - timedelta(seconds=USED_SECONDS)
        if token.used_at and token.used_at > before:
            return False
        own = api_token.c
        is_due = and_(own.id == token.id, or_(own.used_at.is_(None), own.used_at <= before))
        with suppress(StoreUnavailable), self._store.writing() as connection:  # it was logged
            noted = connection.execute(update(api_token).where(is_due).values(used_at=now))
            return noted.rowcount == 1
        return False

    def count_failure(self, address: str, now: datetime | None = None) -> timedelta | None:
        """Count a failed token of an address; return for how long that is locked, None if it is not.

        Raises DatabaseUnavailable.
        """
        return self._lockout.count_token(address, now or datetime.now(UTC))

    def newest(self) -> list[Token]:
        """Return the newest MOST_LISTED tokens, newest first. Raises StoreUnavailable."""
        newest = select(api_token).where(self._is_of_platform()).order_by(api_token.c.id.desc())
        with self._store.reading() as connection:
            return [_token(row) for row in connection.execute(newest.limit(MOST_LISTED)).mappings()]

    def revoke(self, token_id: int, now: datetime | None = None) -> bool:
        """End a token at once; return whether that was needed. Raises StoreUnavailable."""
        which = and_(
            api_token.c.id == token_id, api_token.c.revoked_at.is_(None), self._is_of_platform()
        )
        ended = update(api_token).where(which).values(revoked_at=now or datetime.now(UTC))
        with self._store.writing() as connection:
            return connection.execute(ended).rowcount == 1

    def _is_of_platform(self) -> ColumnElement[bool]:
        return api_token.c.platform == self._database.identity


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _token(row: RowMapping) -> Token:
    fields: dict[str, Any] = {name: row[name] for name in Token.__dataclass_fields__}
    return Token(**fields | {"scope": Scope(row["scope"])})
