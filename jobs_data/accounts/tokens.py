"""API tokens: secrets with which programs act for the administrator's account that made them.

The store keeps the SHA-256 of a token, which has 256 random bits: nobody can guess a token, or find one
from its digest, and how long a lookup takes says nothing of use.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, or_, select, update

from jobs_data.accounts.accounts import Account
from jobs_data.background import NotStarted
from jobs_data.platform.database import Database
from jobs_data.store.database import BRIEF_MILLISECONDS, Store, StoreUnavailable
from jobs_data.store.schema import api_token

PREFIX: Final = "hj_"
"""Every token begins so: the gate and scanners for leaked secrets recognize it."""

MOST_CHARACTERS: Final = 100
"""How long the name of a token may be."""

USED_SECONDS: Final = 60
"""The last use is stored with this precision: a write for each request would slow them down."""

KEPT: Final = timedelta(days=90)
"""How long a token that has ended is listed."""

MOST_ENDED: Final = 200
"""How many tokens that have ended are listed."""

MOST_USABLE: Final = 50
"""How many usable tokens an account can have."""

MOST_FAILURES: Final = 50
"""After this many unknown tokens within LOCK an address is locked."""

LOCK: Final = timedelta(minutes=15)

MOST_ADDRESSES: Final = 1_000
"""Of how many addresses the failures are counted: nobody can guess a token, so a bound is enough."""


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


class TooManyTokens(NotStarted):
    """The account has as many usable tokens as it can have. The message is a sentence."""

    def __init__(self) -> None:
        """Make the sentence."""
        super().__init__(
            f"You have {MOST_USABLE} tokens that can be used, which is the limit. Revoke one that no "
            "program uses."
        )


class Tokens:
    """The API tokens for one platform, in the app's own store; safe to use from several threads."""

    def __init__(self, database: Database, store: Store) -> None:
        """Keep tokens in a store; nothing is read yet."""
        self._database = database
        self._store = store
        self._lock = threading.Lock()
        self._failed: dict[str, tuple[int, datetime]] = {}

    def make(
        self, account: Account, name: str, scope: Scope, days: int, now: datetime | None = None
    ) -> tuple[str, int]:
        """Store a new token; return it, which no later call can, and its id.

        `now` is aware, by default the present.
        Tokens that ended long ago are erased. Raises TooManyTokens and StoreUnavailable.
        """
        now, value = now or datetime.now(UTC), f"{PREFIX}{secrets.token_urlsafe(32)}"
        own = and_(self._is_usable(now), api_token.c.user_id == account.id)
        with self._store.writing() as connection:
            if connection.execute(select(func.count()).where(own)).scalar_one() >= MOST_USABLE:
                raise TooManyTokens
            connection.execute(delete(api_token).where(_ended_before(now - KEPT)))
            made = connection.execute(
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
            [token_id] = made.inserted_primary_key or (0,)
        return value, token_id

    def find(self, value: str) -> Token | None:
        """Return the token, also one that has ended; None if it is unknown. Raises StoreUnavailable."""
        wanted = and_(api_token.c.digest == _digest(value), self._is_of_platform())
        with self._store.reading() as connection:
            row = connection.execute(select(api_token).where(wanted)).mappings().first()
        return _token(row) if row else None

    def note_use(self, token: Token, now: datetime | None = None) -> bool:
        """Note that a token is used; return whether that was needed, once in USED_SECONDS.

        While the store cannot be written, no use is noted, and each is needed: the request does not
        wait until another writer is done.
        """
        now = now or datetime.now(UTC)
        before = now - timedelta(seconds=USED_SECONDS)
        if token.used_at and token.used_at > before:
            return False
        own = api_token.c
        is_due = and_(own.id == token.id, or_(own.used_at.is_(None), own.used_at <= before))
        try:
            with self._store.writing(BRIEF_MILLISECONDS) as connection:
                noted = connection.execute(update(api_token).where(is_due).values(used_at=now))
                return noted.rowcount == 1
        except StoreUnavailable:  # it was logged
            return True

    def count_failure(self, address: str, now: datetime | None = None) -> timedelta | None:
        """Count an unknown token of an address; return for how long that is locked, None if it is not.

        This process counts in its memory. `now` is aware, by default the present.
        """
        now = now or datetime.now(UTC)
        with self._lock:
            failures, until = self._failed.pop(address, (0, now))
            if until <= now:
                failures, until = 0, now + LOCK
            is_locked = failures >= MOST_FAILURES
            self._failed[address] = (failures + (not is_locked), until)
            if len(self._failed) > MOST_ADDRESSES:  # the one that failed longest ago
                del self._failed[next(iter(self._failed))]
        return until - now if is_locked else None

    def newest(self, now: datetime | None = None) -> list[Token]:
        """Return all usable tokens, then the MOST_ENDED newest that ended within KEPT, newest first.

        `now` is aware, by default the present. Raises StoreUnavailable.
        """
        now = now or datetime.now(UTC)
        usable, newest = self._is_usable(now), select(api_token).order_by(api_token.c.id.desc())
        ended = newest.where(self._is_of_platform(), ~usable, ~_ended_before(now - KEPT))
        with self._store.reading() as connection:
            return [
                _token(row)
                for wanted in (newest.where(usable), ended.limit(MOST_ENDED))
                for row in connection.execute(wanted).mappings()
            ]

    def revoke(self, token_id: int, now: datetime | None = None) -> bool:
        """End a token at once; return whether that was needed. Raises StoreUnavailable."""
        which = and_(
            api_token.c.id == token_id, api_token.c.revoked_at.is_(None), self._is_of_platform()
        )
        ended = update(api_token).where(which).values(revoked_at=now or datetime.now(UTC))
        with self._store.writing() as connection:
            return connection.execute(ended).rowcount == 1

    def _is_usable(self, now: datetime) -> ColumnElement[bool]:
        own = api_token.c
        return and_(self._is_of_platform(), own.revoked_at.is_(None), own.expires_at > now)

    def _is_of_platform(self) -> ColumnElement[bool]:
        return api_token.c.platform == self._database.identity


def _ended_before(moment: datetime) -> ColumnElement[bool]:
    own = api_token.c
    return or_(own.expires_at < moment, and_(own.revoked_at.is_not(None), own.revoked_at < moment))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _token(row: RowMapping) -> Token:
    fields: dict[str, Any] = {name: row[name] for name in Token.__dataclass_fields__}
    return Token(**fields | {"scope": Scope(row["scope"])})
