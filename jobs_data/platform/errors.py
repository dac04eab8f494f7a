"""What goes wrong with the database, as exceptions whose messages are sentences for the screen."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

log = logging.getLogger(__name__)

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


_MEANINGS: Final = (
    # MariaDB, MySQL and SQLite stopped a statement because its time was over.
    (
        (1969, 3024, "interrupted"),
        TookTooLong,
        "The database took too long over this, so it was stopped. Nothing was changed; try again when "
        "the platform is less busy.",
    ),
    # A row changed since it was read, a lock waited for too long, a deadlock, a lock not to wait for.
    (
        (1020, 1205, 1213, 3572, "database is locked"),
        DatabaseBusy,
        "Another program is using these rows right now. Nothing was changed; try again in a moment.",
    ),
    # The connection was closed, or no answer came in time. The answer to a COMMIT may be what is
    # missing, so it is not said that nothing was changed.
    (
        (2006, 2013),
        DatabaseUnavailable,
        "The database has stopped answering ({name}). Try again in a moment.",
    ),
    # More rows in a transaction than a Galera cluster's `wsrep_max_ws_rows`.
    (
        (1180,),
        ChangeTooLarge,
        "The database does not allow a change of so many rows ({name}). Nothing was changed; the log "
        "of this app has the details.",
    ),
    # The account lacks a right on a database, a table, a column or a command.
    (
        (1044, 1142, 1143, 1227),
        DatabaseUnavailable,
        "This app's database account may not do that ({name}). Nothing was changed; "
        "docs/connecting.md lists the rights it needs.",
    ),
)
"""What drivers' OperationalErrors start with, and what is raised for them with which sentence."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's error into DatabaseUnavailable: its text names hosts, users and statements.

    The same for a TimeoutError: another thread has not read in time what this one waits for.
    """
    try:
        yield
    except TimeoutError as error:
        raise DatabaseUnavailable(NO_ANSWER) from error
    except exc.SQLAlchemyError as error:
        log.warning("the database refused: %s", getattr(error, "orig", None) or type(error).__name__)
        raise _translated(error) from error


def _translated(error: exc.SQLAlchemyError) -> DatabaseUnavailable:
    cause = getattr(error, "orig", None) or error
    code = next(iter(cause.args), None)  # a number, or SQLite's sentence
    name = f"{type(cause).__name__} {code}" if isinstance(code, int) else type(cause).__name__
    match error:
        case exc.TimeoutError():
            return DatabaseBusy("Too many people are reading at this moment. Try again in a moment.")
        case exc.IntegrityError():
            return RowsReferredTo(
                "Something else in the platform's database still refers to this job, so it was not "
                "removed."
            )
        case exc.OperationalError():
            for codes, kind, sentence in _MEANINGS:
                if code in codes:
                    return kind(sentence.format(name=name))
            return DatabaseUnavailable(
                f"The database does not answer or does not let us in ({name}). Nothing was changed; "
                "try again in a moment."
            )
    return DatabaseUnavailable(
        f"The database refused the statement ({name}). Nothing was changed; the log of this app has "
        "the details."
    )
