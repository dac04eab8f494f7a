"""What an account may do, read from the database at the moment at which it counts."""

from __future__ import annotations

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
    """Their user's id, or the name that a proxy vouches for."""
    right: Right | None
    """Their right when they were authenticated."""
    fingerprint: str
    """Of the password with which they signed in; empty where a proxy vouches for them."""
    session: str
    """The digest of their session; empty where a proxy vouches for them."""


class NotAllowed(NotStarted):
    """An account may not change anything now, and nothing was changed; the message is a sentence."""


class RightUnknown(NotStarted):
    """What an account may do cannot be read, and nothing was changed; the message is a sentence."""


class Rights:
    """Reads what accounts may do; safe to use from several threads."""

    def __init__(self, database: Database, store: Store, groups: Groups) -> None:
        """Read accounts of a database, and the ended sessions of a store; nothing is read yet."""
        self.groups = groups
        self._database = database
        self._store = store

    def read(self, who: int | str) -> Account | None:
        """Return the account with an id, or, for a proxy's word, with a name, as it is now.

        Raises DatabaseUnavailable.
        """
        if isinstance(who, int):
            return accounts.read_account(self._database, who, self.groups)
        return accounts.find_account(self._database, who, self.groups)

    def require_administrator(self, claim: Claim) -> None:
        """Check that a user is an administrator now. Call it right before each change.

        Raises NotAllowed where their account is inactive, in none of the groups or gone, where its
        password has changed, and where their session was ended; RightUnknown where that cannot be
        read. What has begun goes on when the right is withdrawn.
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
