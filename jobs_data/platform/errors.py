"""What goes wrong with the database, as exceptions whose messages are sentences for the screen."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

log = logging.getLogger(__name__)


TOO_LONG_CODES: Final = frozenset({1969, 3024, "interrupted"})
"""What MariaDB, MySQL and SQLite say of a statement that they stopped because its time was over."""


DENIED_CODES: Final = frozenset({1044, 1142, 1143, 1227})
"""Their errors for an account that lacks a right on a database, a table, a column or a command."""


BUSY_CODES: Final = frozenset({1020, 1205, 1213, 3572})
"""MySQL's and MariaDB's errors for a row changed since it was read, a lock waited for too long, a
deadlock lost, and a lock that was not to be waited for."""


LOST_CODES: Final = frozenset({2006, 2013})
"""The drivers' errors for a connection that was closed, or on which no answer came in time."""


TOO_LARGE_CODES: Final = frozenset({1180})
"""A Galera cluster's error for a transaction of more rows than `wsrep_max_ws_rows` allows."""


NO_ANSWER: Final = "The database has not answered in time. Try again in a moment."


class DatabaseUnavailable(Exception):
    """The database cannot be used now; the message is a sentence for the screen, without secrets."""


class DatabaseBusy(DatabaseUnavailable):
    """Another connection holds a lock on the rows; a retry a moment later is likely to work."""


class TookTooLong(DatabaseUnavailable):
    """A statement was stopped because it had used up its time; the connection is sound."""


class ChangeTooLarge(DatabaseUnavailable):
    """A transaction has changed more rows than the database allows; a smaller one may succeed."""


class CommitUnknown(DatabaseUnavailable):
    """The connection was lost while a transaction was committed: nobody knows whether it was."""

    def __init__(self, where_it_shows: str = "") -> None:
        """Make the sentence, and say in a second one where it will show."""
        super().__init__(
            "The connection to the database was lost while a change was being saved, so it is not yet "
            f"known whether it was. {where_it_shows}".strip()
        )


class RowsReferredTo(DatabaseUnavailable):
    """A foreign key forbids a removal: a row of some other table still points at the job's."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's error into DatabaseUnavailable: its text names hosts, users and statements.

    The same for a TimeoutError: another thread has not read in time what this one waits for.
    """
    try:
        yield
    except TimeoutError as error:
        raise DatabaseUnavailable(NO_ANSWER) from error
    except SQLAlchemyError as error:
        log.warning("the database refused: %s", getattr(error, "orig", None) or type(error).__name__)
        raise _as_sentence(error) from error


def _as_sentence(error: SQLAlchemyError) -> DatabaseUnavailable:
    name = _error_name(error)
    if isinstance(error, exc.TimeoutError):
        return DatabaseBusy("Too many people are reading at this moment. Try again in a moment.")
    if isinstance(error, IntegrityError):
        return RowsReferredTo(
            "Something else in the platform's database still refers to this job, so it was not removed."
        )
    if not isinstance(error, OperationalError):
        return DatabaseUnavailable(
            f"The database refused the statement ({name}). Nothing was changed; the log of this app "
            "has the details."
        )
    return _as_operational_sentence(error, name)


def _as_operational_sentence(error: OperationalError, name: str) -> DatabaseUnavailable:
    if _code(error) in TOO_LONG_CODES:
        return TookTooLong(
            "The database took too long over this, so it was stopped. Nothing was changed; try again "
            "when the platform is less busy."
        )
    if _code(error) in LOST_CODES:
        # Not that nothing was changed: the answer to a COMMIT may be what is missing.
        return DatabaseUnavailable(
            f"The database has stopped answering ({name}). Try again in a moment."
        )
    if _is_busy(error):
        return DatabaseBusy(
            "Another program is using these rows right now. Nothing was changed; try again in a moment."
        )
    if _code(error) in TOO_LARGE_CODES:
        return ChangeTooLarge(
            f"The database does not allow a change of so many rows ({name}). Nothing was changed; the "
            "log of this app has the details."
        )
    if _code(error) in DENIED_CODES:
        return DatabaseUnavailable(
            f"This app's database account may not do that ({name}). Nothing was changed; "
            "docs/connecting.md lists the rights it needs."
        )
    return DatabaseUnavailable(
        f"The database does not answer or does not let us in ({name}). Nothing was changed; try "
        "again in a moment."
    )


def _is_busy(error: OperationalError) -> bool:
    code = _code(error)
    return code in BUSY_CODES or "database is locked" in str(code)


def _code(error: SQLAlchemyError) -> object:
    """Return what a driver's error starts with: a number, or SQLite's sentence."""
    return next(iter(getattr(getattr(error, "orig", None), "args", ())), None)


def _error_name(error: SQLAlchemyError) -> str:
    code = _code(error)
    name = type(getattr(error, "orig", None) or error).__name__
    return f"{name} {code}" if isinstance(code, int) else name
