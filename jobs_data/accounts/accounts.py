"""The platform's accounts, which this app only reads, and their rights."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    false,
    func,
    null,
    or_,
    select,
)

from jobs_data.platform.database import Database
from jobs_data.platform.tables import ADMINISTRATOR_GROUP_ID, acl_user_group, actor_i18n, user
from jobs_data.platform.values import filled, text

log = logging.getLogger(__name__)

IDENTIFIER_LENGTH: Final = 255
"""How long an e-mail or a user name can be in the platform's tables."""


class Right(StrEnum):
    """What an account may do here."""

    ADMINISTRATOR = "administrator"
    """Active and in one of the administrator groups."""
    READER = "reader"
    """Active and in one of the reader groups."""

    @property
    def sentence(self) -> str:
        """Return what the right allows, for the screen."""
        return {
            Right.ADMINISTRATOR: "Administrators see, export and delete jobs.",
            Right.READER: "Readers see and export jobs. They cannot delete any.",
        }[self]


@dataclass(frozen=True)
class Groups:
    """The platform's groups whose members have a right here."""

    administrators: frozenset[int] = frozenset({ADMINISTRATOR_GROUP_ID})
    readers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Account:
    """An account of the platform as it was when it was read."""

    id: int
    display_name: str
    """As the list shows users: display name, else user name, else e-mail."""
    right: Right | None
    """None for an inactive account too."""
    fingerprint: str = field(repr=False)
    """Changes with the password, which ends the sessions; it does not reveal the password."""


def read_account(database: Database, user_id: int, groups: Groups) -> Account | None:
    """Return an account as it is now, None where there is no such user; one SELECT by primary key.

    An active account in one of the administrator groups is an administrator, also where it is in a
    group of readers. Groups above or below those do not count. Raises DatabaseUnavailable.
    """
    if user.name not in database.tables:
        return None
    with database.reading(primary=True) as connection:
        row = connection.execute(_columns(database, groups).where(user.c.id == user_id)).first()
    return account_of(row) if row else None


def read_rights(
    database: Database, user_ids: Collection[int], groups: Groups
) -> dict[int, Right | None]:
    """Return the rights of those users that there are, in one SELECT. Raises DatabaseUnavailable."""
    if user.name not in database.tables:
        return {}
    with database.reading(primary=True) as connection:
        rows = connection.execute(_columns(database, groups).where(user.c.id.in_(user_ids)))
        return {row.id: account_of(row).right for row in rows}


def find_account(database: Database, identifier: str, groups: Groups) -> Account | None:
    """Return the account with an e-mail or else with a user name, as the platform looks for it.

    None where there is none, and also where several accounts share the identifier: a choice among
    them could be the wrong one. Case and white space around it do not matter, accents and look-alikes
    do, whatever the database's collation says. Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        row = find_row(connection, database, trimmed(identifier), groups)
    return account_of(row) if row else None


def find_by_email(database: Database, email: str, groups: Groups) -> Account | None:
    """Return the account with an e-mail, which is not looked for among the user names.

    None where there is none, or several. Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        row = find_row(connection, database, trimmed(email), groups, by_name=False)
    return account_of(row) if row else None


def trimmed(identifier: str) -> str:
    """Return an identifier without white space around it; one that is too long never matches."""
    return text(identifier[: IDENTIFIER_LENGTH + 1]).strip()


def find_row(
    connection: Connection, database: Database, typed: str, groups: Groups, *, by_name: bool = True
) -> Row[Any] | None:
    """Return the row of the account that `find_account` would return, with its hash and salt.

    `typed` is a trimmed identifier; without `by_name` it is only an e-mail. Raises what the database
    driver raises.
    """
    # Many accounts have an empty e-mail.
    if not typed or user.name not in database.tables:
        return None
    spellings = [typed, typed.lower()]  # SQLite's lower() leaves accented letters as they are
    rows = connection.execute(
        _columns(database, groups).where(
            or_(func.lower(user.c.email).in_(spellings), func.lower(user.c.username).in_(spellings))
        )
    ).all()
    by_email = [row for row in rows if _is_same(text(row.email), typed)]
    by_names = [row for row in rows if by_name and _is_same(text(row.username), typed)]
    matching = by_email or by_names
    if len(matching) > 1:
        ids = ", ".join(str(row.id) for row in matching)
        log.warning("users %s share an e-mail or a user name: none of them can sign in with it", ids)
    return matching[0] if len(matching) == 1 else None


def _is_same(stored: str, typed: str) -> bool:
    """Return whether two texts differ only in case; MySQL treats á as a.

    Both ways, because the Kelvin sign is no k but has it as its lower case.
    """
    return stored.strip().lower() == typed.lower() and stored.strip().upper() == typed.upper()


def _columns(database: Database, groups: Groups) -> Select[Any]:
    """Select what an `Account` and a sign-in need; tables that this database lacks are left out."""
    display_name: ColumnElement[Any] = null()
    source: Any = user
    if actor_i18n.name in database.tables:
        in_culture = and_(actor_i18n.c.id == user.c.id, actor_i18n.c.culture == database.culture)
        source = user.outerjoin(actor_i18n, in_culture)
        display_name = actor_i18n.c.authorized_form_of_name

    def is_in(ids: frozenset[int]) -> ColumnElement[bool]:
        if acl_user_group.name not in database.tables:
            return false()
        membership = acl_user_group.c
        return exists().where(membership.user_id == user.c.id, membership.group_id.in_(ids))

    return select(
        user.c.id,
        user.c.username,
        user.c.email,
        user.c.password_hash,
        user.c.salt,
        user.c.active,
        display_name.label("display_name"),
        is_in(groups.administrators).label("is_administrator"),
        is_in(groups.readers).label("is_reader"),
    ).select_from(source)


def account_of(row: Row[Any]) -> Account:
    """Return the account in a row that `find_row` returned."""
    granted = Right.ADMINISTRATOR if row.is_administrator else Right.READER if row.is_reader else None
    secret = f"{text(row.password_hash)}\n{text(row.salt)}"
    return Account(
        id=row.id,
        display_name=filled(row.display_name) or filled(row.username) or text(row.email),
        right=granted if row.active == 1 else None,
        # The hash cannot be guessed, so its digest does not reveal it.
        fingerprint=hashlib.sha256(secret.encode()).hexdigest()[:16],
    )
