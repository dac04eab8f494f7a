"""The right of an account, read from the database when it is needed."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from jobs_data.accounts import accounts
from jobs_data.accounts.accounts import Account, Groups, Right
from jobs_data.background import NotStarted
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.store.database import Store
from jobs_data.store.ended_sessions import read_ended

WITHDRAWN: Final = (
    "Your account may not delete or restore jobs. Nothing was changed. Ask an administrator of your "
    "archive, or sign in again."
)


@dataclass(frozen=True)
class Claim:
    """Who makes a request, and how they were authenticated."""

    who: int | str
    """The user's id, or the name from a trusted proxy."""
    right: Right | None
    """The right at the authentication."""
    fingerprint: str
    """Of the password at the sign-in; empty without a session of ours."""
    session: str
    """The digest of the session; empty without a session of ours."""


class NotAllowed(NotStarted):
    """The account has no right to changes. Nothing was changed; the message is a sentence."""


class RightUnknown(NotStarted):
    """The right cannot be read. Nothing was changed; the message is a sentence."""


class Rights:
    """Reads the rights of accounts; safe to use from several threads."""

    def __init__(self, database: Database, store: Store, groups: Groups) -> None:
        """Read accounts of a database, and the ended sessions of a store; nothing is read yet."""
        self.groups = groups
        self._database = database
        self._store = store

    def read(self, who: int | str) -> Account | None:
        """Return the current account with an id, or with a name from a trusted proxy.

        Raises DatabaseUnavailable.
        """
        if isinstance(who, int):
            return accounts.read_account(self._database, who, self.groups)
        return accounts.find_account(self._database, who, self.groups)

    def refused(self, user_ids: Set[int]) -> set[int]:
        """Return which of some users are no administrators now. Raises DatabaseUnavailable."""
        found = accounts.read_rights(self._database, user_ids, self.groups)
        return {each for each in user_ids if found.get(each) is not Right.ADMINISTRATOR}

    def require_administrator(self, claim: Claim) -> None:
        """Check that a user is an administrator now. Call it right before each change.

        Raises NotAllowed if the account is inactive, deleted or in none of the groups, if its password
        has changed, or if the session has ended; RightUnknown if that cannot be read. A change that
        has begun goes on when the right is withdrawn.
        """
        try:
            is_allowed = self._is_administrator(claim)
        except DatabaseUnavailable as problem:
            raise RightUnknown(f"{problem} Nothing was changed.") from problem
        if not is_allowed:
            raise NotAllowed(WITHDRAWN)

    def _is_administrator(self, claim: Claim) -> bool:
        account = self.read(claim.who)
        if account is None or {claim.right, account.right} != {Right.ADMINISTRATOR}:
            return False
        if not claim.session:
            return True
        is_ended = read_ended(self._store, [claim.session])
        return account.fingerprint == claim.fingerprint and not is_ended
