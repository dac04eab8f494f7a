"""What goes wrong with the database, as exceptions whose messages are sentences for the screen.

A sentence says what the database said and what to do about it. What was changed before, only the
caller knows, and says.
"""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import exc

log = logging.getLogger(__name__)

NO_ANSWER: Final = "The database has not answered in time. Try again in a moment."

NAME_LENGTH: Final = 130
"""What is shown at most of a name in a server's message: table and column have 64 characters each."""


class DatabaseUnavailable(Exception):
    """The database cannot be used now; the message is a sentence for the screen, without secrets."""


class DatabaseBusy(DatabaseUnavailable):
    """Another connection holds a lock on the rows; a retry a moment later is likely to work."""


class TookTooLong(DatabaseUnavailable):
    """A statement was stopped because it had used up its time; the connection is sound."""


class ChangeTooLarge(DatabaseUnavailable):
    """A transaction has changed more rows than the database allows; a smaller one may succeed."""


class TablesChanged(DatabaseUnavailable):
    """A table or a column that the app has seen is not there any more."""


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


@dataclass(frozen=True)
class _Meaning:
    """What some errors mean: those with one of the codes, and with words that a pattern finds."""

    codes: frozenset[int | str]
    """Numbers of MySQL and MariaDB, and SQLite's names of its primary codes. Empty: any."""
    sentence: str
    """`{name}` is the error's class and number; other names are groups of the pattern."""
    kind: type[DatabaseUnavailable] = DatabaseUnavailable
    words: re.Pattern[str] = re.compile("")


def _codes(*codes: int | str) -> frozenset[int | str]:
    return frozenset(codes)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ANY: Final = _codes()
CUT_OFF: Final = _codes(1053, 1317, 1927)
"""The server ended a statement or a connection: by KILL, or because it is being stopped."""

_NO_TABLE: Final = (
    "The platform's database has no table {what} ({name}), or lost it while the app was running. Is it "
    "being restored or upgraded? If not, the platform's own screens will need it too."
)
_MEANINGS: Final = (
    _Meaning(
        _codes(1969, 3024, "SQLITE_INTERRUPT"),
        "The database took too long over this, so it was stopped. Try again when the platform is less "
        "busy.",
        TookTooLong,
    ),
    # A row changed since it was read, a lock waited for too long, a deadlock, a lock not to wait for.
    _Meaning(
        _codes(1020, 1205, 1213, 3572, "SQLITE_BUSY", "SQLITE_LOCKED"),
        "Another program is using these rows right now. Try again in a moment.",
        DatabaseBusy,
    ),
    _Meaning(
        _codes(1412, "SQLITE_SCHEMA"),
        "The platform's tables were altered at this very moment ({name}). Try again in a moment.",
        DatabaseBusy,
    ),
    # Too many at the server, of one account at a time, and of an account's limits.
    _Meaning(
        _codes(1040),
        "The database server has no connection left ({name}): all clients together have as many as it "
        "allows. Try again in a moment; if that happens often, raise max_connections there.",
    ),
    _Meaning(
        _codes(1203, 1226),
        "This app's database account has no connection left ({name}): it has as many as it is allowed. "
        "Try again in a moment; if that happens often, raise max_user_connections for the account.",
        words=_words("max_user_connections"),
    ),
    _Meaning(
        _codes(1226),
        "This app's database account has used up its limit {what} ({name}). Wait until the limit "
        "starts anew, or have it raised for the account.",
        words=_words(r"exceeded the '(?P<what>\w+)' resource"),
    ),
    _Meaning(
        _codes("EMFILE"),
        "This app has no file descriptor left to connect to the database. Try again in a moment; if "
        "that happens often, raise the app's limit of open files (docs/scaling.md).",
    ),
    # The disk before read-only: a full one may turn the server read-only.
    _Meaning(
        _codes(1021, 1114, "SQLITE_FULL"),
        "The disk or a table of the database is full ({name}). An administrator of the database has to "
        "make room first.",
    ),
    _Meaning(
        _ANY,
        "The disk of the database is full ({name}). An administrator of the database has to make room "
        "first.",
        words=_words(r"No space left on device|\b(errno|errcode):? 28\b|got error 28\b"),
    ),
    _Meaning(
        _codes(1223),
        "A backup or an administrator holds the database read-only ({name}). Jobs can be looked at; "
        "deleting and restoring work again when that has ended.",
    ),
    # 1290 is of many options; the words tell.
    _Meaning(
        _codes(1036, 1792, 1836, 1874, 1881, 3989, "SQLITE_READONLY"),
        "The database is read-only ({name}): jobs can be looked at, and none can be deleted or "
        "restored before an administrator of the database lets changes in again. Is it a replica?",
    ),
    _Meaning(
        _codes(1290),
        "The database server is read-only ({name}): jobs can be looked at, and none can be deleted or "
        "restored before an administrator of the database lets changes in again. Is it a replica?",
        words=_words(r"read[-_ ]only"),
    ),
    _Meaning(
        _codes(1290),
        "The database server runs with an option that forbids this ({name}): {what}. An administrator "
        "of the database can change that.",
        words=_words(r"running with the (?P<what>[-\w=]+) option"),
    ),
    _Meaning(
        _codes(1051, 1109, 1146, 1932, "SQLITE_ERROR"),
        _NO_TABLE,
        TablesChanged,
        _words(r"(?:no such table: |table '|table `)(?P<what>[^'`]+)"),
    ),
    _Meaning(
        _codes(1054, "SQLITE_ERROR"),
        "A table of the platform's database has no column {what} ({name}), or lost it while the app "
        "was running. Is it being upgraded? If not, the versions of platform and app do not fit.",
        TablesChanged,
        _words(r"(?:no such column: |column ['`])(?P<what>[^'`]+)"),
    ),
    _Meaning(
        _codes(1356),
        "A view of the platform's database, {what}, does not work any more ({name}): a table, a column "
        "or a right that it needs is missing.",
        TablesChanged,
        _words(r"view '(?P<what>[^']+)'"),
    ),
    # The account lacks a right on a table, a column, a routine, a database or a command.
    _Meaning(
        _codes(1142, 1143, 1370),
        "This app's database account may not do that ({name}): it lacks the right {right} on {what}. "
        "docs/connecting.md lists the rights it needs.",
        words=_words(
            r"(?P<right>[A-Z][A-Z, ]*) command denied .* for (?P<what>(table|column|routine) .+)"
        ),
    ),
    _Meaning(
        _codes(1227),
        "This app's database account may not do that ({name}): it lacks the right {right}. "
        "docs/connecting.md lists the rights it needs.",
        words=_words(r"you need \(at least one of\) the (?P<right>.+?) privilege"),
    ),
    _Meaning(
        _codes(1044, 1142, 1143, 1227, 1370, "SQLITE_PERM", "SQLITE_AUTH"),
        "This app's database account may not do that ({name}). docs/connecting.md lists the rights it "
        "needs.",
    ),
    # A wrong password, a blocked or unknown host, an account that is locked or whose password is old.
    _Meaning(
        _codes(1045, 1129, 1130, 1698, 1820, 1862, 3118, 3955, 4151),
        "The database does not let us in ({name}): check the account and the password in "
        "HERATIO_JOBS_DATABASE_URL, and whether the server lets this machine in.",
    ),
    _Meaning(
        _codes(1049),
        "The database server has no database of the name that is set ({name}). Is it being restored? "
        "If not, check HERATIO_JOBS_DATABASE_URL.",
    ),
    _Meaning(
        _codes(1053),
        "The database server is being stopped ({name}). Try again when it is back.",
    ),
    _Meaning(
        _codes(1317),
        "An administrator of the database, or the server itself, stopped the statement ({name}). Try "
        "again in a moment.",
    ),
    _Meaning(
        _codes(1927),
        "An administrator of the database, or the server itself, ended this app's connection ({name}). "
        "Try again in a moment.",
    ),
    _Meaning(
        _codes(1047),
        "The database server is not ready ({name}): a node of a cluster that has lost the others, say. "
        "Try again in a moment; if it stays so, an administrator of the database has to look at it.",
    ),
    # The connection was closed, or no answer came in time.
    _Meaning(
        _codes(0, 1152, 1158, 1159, 1160, 1161, 1184, 2006, 2013, 2014, 2055, 4031),
        "The database has stopped answering ({name}). Try again in a moment.",
    ),
    _Meaning(
        _codes(2001, 2002, 2003, 2004, 2005, 9001),
        "The database does not answer: its server cannot be reached ({name}). Is it running? Try again "
        "in a moment.",
    ),
    _Meaning(
        _codes("SQLITE_CANTOPEN"),
        "The database does not answer: its file cannot be opened ({name}). Check that it is there, "
        "and that this app may read it and its folder, and write there to delete jobs.",
    ),
    # More rows in a transaction than a cluster, the binary log's cache or the locks have room for.
    _Meaning(
        _codes(1180, 1197, 1206),
        "The database does not allow a change of so many rows ({name}). The log of this app has the "
        "details.",
        ChangeTooLarge,
    ),
    _Meaning(
        _codes(1153, 1301, "SQLITE_TOOBIG"),
        "A value is larger than the database sends or takes in one piece ({name}). Raise "
        "max_allowed_packet on the server.",
    ),
    _Meaning(
        _codes(1024, 1026, "SQLITE_IOERR"),
        "The disk of the database does not work ({name}). An administrator of the database has to look "
        "at it; the log of this app has the details.",
    ),
    _Meaning(
        _codes(1037, 1038, 1041, "SQLITE_NOMEM"),
        "The database has too little memory for this ({name}). Try again when the platform is less "
        "busy.",
    ),
    _Meaning(
        _codes(1030, 1033, 1034, 1035, 1194, 1195, 1712, 1812, 1877, "SQLITE_CORRUPT", "SQLITE_NOTADB"),
        "A table of the database or its file is damaged ({name}). An administrator of the database has "
        "to repair it or to restore a backup; the log of this app has the details.",
    ),
    _Meaning(
        _codes(1253, 1267, 1270, 1271, 1300, 1366, 3854),
        "The database cannot compare or keep this text, because its tables or columns are of different "
        "character sets ({name}). Other words may work; the log of this app has the details.",
    ),
)
"""What errors of the drivers are raised as, and with which sentence: the first that fits.

Sources: `perror` of MariaDB 10.11, MySQL's "Server Error Message Reference", SQLite's result codes.
"""


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


def code_of(error: BaseException) -> int | str | None:
    """Return the number of a driver's error, SQLite's name of its primary code, or EMFILE."""
    within: BaseException | None = error
    while within is not None:  # what a driver could not do, because this process may not open a file
        if isinstance(within, OSError) and within.errno in {errno.EMFILE, errno.ENFILE}:
            return "EMFILE"
        within = within.__cause__ or within.__context__
    if isinstance(error, sqlite3.Error):
        # An extended code names its primary one first; Python's own errors have no code.
        return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]) or None
    code = next(iter(error.args), None)
    code = code if isinstance(code, int) else getattr(error, "errno", None)
    return code if isinstance(code, int) else None


def _translated(error: exc.SQLAlchemyError) -> DatabaseUnavailable:
    cause = getattr(error, "orig", None) or error
    code = code_of(cause)
    name = f"{type(cause).__name__} {code}" if isinstance(code, int) else type(cause).__name__
    match error:
        case exc.TimeoutError():
            return DatabaseBusy("Too many people are reading at this moment. Try again in a moment.")
        case exc.NoSuchTableError():  # of SQLAlchemy's inspector
            return TablesChanged(_NO_TABLE.format(what=_shown(str(error)), name=name))
        case exc.IntegrityError():
            return RowsReferredTo(
                "Something else in the platform's database still refers to this job, so it was not "
                "deleted."
            )
        case exc.DBAPIError():
            text = str(cause.args[-1]) if cause.args else ""
            for meaning in _MEANINGS:
                if (not meaning.codes or code in meaning.codes) and (
                    found := meaning.words.search(text)
                ):
                    parts = {key: _shown(value) for key, value in found.groupdict().items()}
                    return meaning.kind(meaning.sentence.format(name=name, **parts))
    if isinstance(error, exc.OperationalError):
        return DatabaseUnavailable(
            f"The database does not answer or does not let us in ({name}). Try again in a moment."
        )
    return DatabaseUnavailable(
        f"The database refused the statement ({name}). The log of this app has the details."
    )


def _shown(words: str) -> str:
    """Return a part of a server's message: names without their quotes and their database."""
    names = re.sub(r"[^\s`'\".]+[`'\"]?\.(?=[`'\"]?[^\s.]+$)", "", words)
    return re.sub(r"[^\w\s.,-]", "", names)[:NAME_LENGTH].strip()
