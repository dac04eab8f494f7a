"""Who may do what: the platform's own accounts, read and never made, and signing in with them."""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, func, null, or_, select

from jobs_data.accounts import lockout, passwords, second_factors
from jobs_data.accounts.security_settings import read_security_settings
from jobs_data.platform.database import Database
from jobs_data.platform.tables import ADMINISTRATOR_GROUP_ID, acl_user_group, actor_i18n, user
from jobs_data.platform.values import filled, text
from jobs_data.wording import counted

log = logging.getLogger(__name__)

PARALLEL_SIGN_INS: Final = 2
"""A usual hash takes 64 MB and a tenth of a second of one processor."""

HASHES_LOOKED_AT: Final = 20
"""How many of the newest hashes may be broken before the usual cost is taken to be PHP's."""

_sign_ins: Final = threading.BoundedSemaphore(PARALLEL_SIGN_INS)


class Right(StrEnum):
    """What an account may do here."""

    ADMINISTRATOR = "administrator"
    """Active and in the administrator group."""
    READER = "reader"
    """Active and in one of the groups that the installation has named for readers."""

    @property
    def sentence(self) -> str:
        """Return what the right allows, for the screen."""
        return {
            Right.ADMINISTRATOR: "Administrators see, export, delete and clear jobs.",
            Right.READER: "Readers see and export jobs; they cannot delete or clear any.",
        }[self]


@dataclass(frozen=True)
class Account:
    """An account of the platform as it is at the moment."""

    id: int
    username: str
    email: str
    display_name: str
    """As the list shows owners: display name, else user name, else e-mail."""
    right: Right | None
    """None for an inactive account too."""
    fingerprint: str = field(repr=False)
    """Changes with the password, so that sessions can end with it; tells nothing about it."""


class Reason(StrEnum):
    """Why a sign-in was refused."""

    WRONG = "wrong"
    """No such account, an inactive one, or not its password: nobody is told which."""
    LOCKED = "locked"
    """Too many failures before; nothing was checked."""
    CODE_NEEDED = "code needed"
    """The password is right, and a code must come with it."""
    CODE_WRONG = "code wrong"
    """The password is right, the code is not, or was used before."""
    PLATFORM_FACTOR = "platform factor"
    """The password is right, but only the platform can check the second factor."""


class SignInRefused(Exception):
    """Nobody is signed in; the message is a sentence for the screen, without anything typed."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        """Refuse for a reason, told in a sentence."""
        super().__init__(sentence)
        self.reason = reason


def read_account(database: Database, user_id: int, reader_groups: frozenset[int]) -> Account | None:
    """Return an account as it is now, None where there is no such user; one SELECT by primary key.

    Administrator is who is active and in group 100; reader who is active and in one of
    `reader_groups`. Membership of a group above or below does not count. Raises DatabaseUnavailable.
    """
    if user.name not in database.tables:
        return None
    with database.reading(primary=True) as connection:
        row = connection.execute(_columns(database, reader_groups).where(user.c.id == user_id)).first()
    return _account(row) if row else None


def find_account(database: Database, identifier: str, reader_groups: frozenset[int]) -> Account | None:
    """Return the account with an e-mail or else with a user name, as the platform looks for it.

    None where there is none, and also where several share what the identifier matches: to pick one
    of them could let somebody in as another. Case and white space around it do not matter, accents
    and look-alikes do, whatever the database's collation says. Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        row = _find(connection, database, _typed(identifier), reader_groups)
    return _account(row) if row else None


def sign_in(
    database: Database,
    identifier: str,
    password: str,
    code: str,
    address: str,
    reader_groups: frozenset[int],
    *,
    now: datetime | None = None,
) -> Account:
    """Return the account that an e-mail or user name and a password, with a code if need be, prove.

    Its right may be None. `address` is the visitor's; `now` is aware, by default the current time.
    It may wait its turn and then computes a hash: call it in a thread. Raises SignInRefused, and
    DatabaseUnavailable where the database does not answer.
    """
    typed = _typed(identifier)
    # An attempt is looked up in the count and added to it within one of these turns. So at most
    # PARALLEL_SIGN_INS - 1 attempts per process get past a limit that others at the same time
    # reach; and the platform's own door, another process, may let some of its own past.
    with _sign_ins:
        moment = now or datetime.now(UTC)
        if locked := lockout.remaining_lock(database, typed, address, moment):
            raise SignInRefused(Reason.LOCKED, _locked_sentence(locked))
        with database.reading(primary=True) as connection:
            row = _find(connection, database, typed, reader_groups)
            usual_hash = _usual_hash(connection, database)
        salt, password_hash = (text(row.salt), text(row.password_hash)) if row else ("", "")
        is_right = passwords.matches(password, salt, password_hash, usual_hash)
        if not (row and is_right and row.active == 1):
            lockout.record_attempt(database, typed, address, False, moment)
            raise SignInRefused(Reason.WRONG, "The e-mail, the user name or the password is wrong.")
        try:
            _check_second_factor(database, row.id, code, moment)
        except SignInRefused as refusal:
            # A right password without a code neither fails nor succeeds: it must not reset the count.
            if refusal.reason is Reason.CODE_WRONG:
                lockout.record_attempt(database, typed, address, False, moment)
            raise
        lockout.record_attempt(database, typed, address, True, moment)
        return _account(row)


def session_timeout_minutes(database: Database) -> int:
    """Return after how many idle minutes the platform ends a session. Raises DatabaseUnavailable."""
    return read_security_settings(database).session_timeout_minutes


def _check_second_factor(database: Database, user_id: int, code: str, now: datetime) -> None:
    factors = second_factors.read_factors(database, user_id)
    if factors.secret is not None:
        try:
            is_right = second_factors.accept_code(database, user_id, factors.secret, code, now)
        except second_factors.UnusableSecret:
            raise SignInRefused(
                Reason.PLATFORM_FACTOR,
                "The platform keeps the secret of your second factor in a form that cannot be "
                "checked here. Please come through single sign-on, or ask an administrator.",
            ) from None
        if not code.strip():
            raise SignInRefused(
                Reason.CODE_NEEDED,
                "Please enter your password again, and the six-digit code of your authenticator.",
            )
        if not is_right:
            raise SignInRefused(
                Reason.CODE_WRONG,
                "The code is wrong or was used before. Please wait for the next one.",
            )
    elif factors.of_platform:
        raise SignInRefused(
            Reason.PLATFORM_FACTOR,
            "Only the platform itself can check your second factor. Please come through single "
            "sign-on.",
        )


def _locked_sentence(remaining: timedelta) -> str:
    minutes = -(-remaining // timedelta(minutes=1))
    return f"There were too many failed sign-ins. Please try again in {counted(minutes, 'minute')}."


def _typed(identifier: str) -> str:
    """Return what was typed without white space around it, too long to match if it was too long."""
    return text(identifier[: lockout.IDENTIFIER_LENGTH + 1]).strip()


def _find(
    connection: Connection, database: Database, typed: str, reader_groups: frozenset[int]
) -> Row[Any] | None:
    # Many accounts have an empty e-mail.
    if not typed or user.name not in database.tables:
        return None
    spellings = [typed, typed.lower()]  # SQLite's lower() leaves accented letters as they are
    rows = connection.execute(
        _columns(database, reader_groups).where(
            or_(func.lower(user.c.email).in_(spellings), func.lower(user.c.username).in_(spellings))
        )
    ).all()
    by_email = [row for row in rows if _is_same(text(row.email), typed)]
    matching = by_email or [row for row in rows if _is_same(text(row.username), typed)]
    if len(matching) > 1:
        ids = ", ".join(str(row.id) for row in matching)
        log.warning("users %s share an e-mail or a user name: none of them gets in with it", ids)
    return matching[0] if len(matching) == 1 else None


def _is_same(stored: str, typed: str) -> bool:
    """Return whether two texts differ in case alone; MySQL takes á, and more, for an a.

    Both ways, because the Kelvin sign is no k but has it as its lower case.
    """
    return stored.strip().lower() == typed.lower() and stored.strip().upper() == typed.upper()


def _usual_hash(connection: Connection, database: Database) -> str:
    """Return the newest usable hash, whose cost is the usual one; empty where there is none.

    Accounts from before the platform changed its algorithm take another time. Nothing that is
    computed for an unknown account could take both.
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


def _columns(database: Database, reader_groups: frozenset[int]) -> Select[Any]:
    """Select what an `Account` and a sign-in need; tables that this database lacks are left out."""
    display_name: ColumnElement[Any] = null()
    source: Any = user
    if actor_i18n.name in database.tables:
        in_culture = and_(actor_i18n.c.id == user.c.id, actor_i18n.c.culture == database.culture)
        source = user.outerjoin(actor_i18n, in_culture)
        display_name = actor_i18n.c.authorized_form_of_name

    def is_in(groups: frozenset[int]) -> ColumnElement[bool]:
        if acl_user_group.name not in database.tables:
            return false()
        membership = acl_user_group.c.user_id == user.c.id
        return (
            select(acl_user_group.c.id)
            .where(membership, acl_user_group.c.group_id.in_(groups))
            .exists()
        )

    return select(
        user.c.id,
        user.c.username,
        user.c.email,
        user.c.password_hash,
        user.c.salt,
        user.c.active,
        display_name.label("display_name"),
        is_in(frozenset({ADMINISTRATOR_GROUP_ID})).label("is_administrator"),
        is_in(reader_groups).label("is_reader"),
    ).select_from(source)


def _account(row: Row[Any]) -> Account:
    right = None
    if row.active == 1:
        if row.is_administrator:
            right = Right.ADMINISTRATOR
        elif row.is_reader:
            right = Right.READER
    secret = f"{text(row.password_hash)}\n{text(row.salt)}"
    return Account(
        id=row.id,
        username=text(row.username),
        email=text(row.email),
        display_name=filled(row.display_name) or filled(row.username) or text(row.email),
        right=right,
        # The hash is random to whoever does not have it, so its digest cannot be guessed back.
        fingerprint=hashlib.sha256(secret.encode()).hexdigest()[:16],
    )
