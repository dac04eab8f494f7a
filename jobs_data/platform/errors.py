"""Database errors as exceptions whose messages are sentences for the screen.

A sentence gives the database's reason and what to do. The caller adds what was changed before.
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

NO_ANSWER: Final = "The database did not answer in time. Try again in a moment."

NAME_LENGTH: Final = 130
"""The longest part of a server's message that is shown: table and column have 64 characters each."""


class DatabaseUnavailable(Exception):
    """The database cannot be used now. The message is a sentence for the screen, without secrets."""


class DatabaseBusy(DatabaseUnavailable):
    """Another connection has locked the rows. A retry is likely to work."""


class TookTooLong(DatabaseUnavailable):
    """A statement was stopped at its time limit. The connection is still usable."""


class ChangeTooLarge(DatabaseUnavailable):
    """A transaction changed more rows than the database allows. A smaller one may succeed."""


class TablesChanged(DatabaseUnavailable):
    """A table or column that the app saw before is missing."""


class CommitUnknown(DatabaseUnavailable):
    """The connection was lost during a COMMIT, so the outcome is unknown."""

    def __init__(self, where_it_shows: str = "") -> None:
        """Make the sentence; a second one says where the outcome will be shown."""
        super().__init__(
            "The connection to the database was lost while a change was being saved, so the outcome is "
            f"not known yet. {where_it_shows}".strip()
        )


class RowsReferredTo(DatabaseUnavailable):
    """A foreign key prevents a deletion: a row of another table refers to the job."""


@dataclass(frozen=True)
class _Meaning:
    """What the errors with one of these codes, and with words that match a pattern, mean."""

    codes: frozenset[int | str]
    """Numbers of MySQL and MariaDB, and names of SQLite's primary codes. Empty: any."""
    sentence: str
    """`{name}` is the error's class and number; the other names are groups of the pattern."""
    kind: type[DatabaseUnavailable] = DatabaseUnavailable
    words: re.Pattern[str] = re.compile("")


def _codes(*codes: int | str) -> frozenset[int | str]:
    return frozenset(codes)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ANY: Final = _codes()
CUT_OFF: Final = _codes(1053, 1317, 1927)
"""The server ended a statement or a connection: by KILL, or at its shutdown."""

_NO_TABLE: Final = (
    "The platform's database has no table {what} ({name}). It may be in the middle of a restore or an "
    "upgrade. If not, ask an administrator of the database."
)
_MEANINGS: Final = (
    _Meaning(
        _codes(1969, 3024, "SQLITE_INTERRUPT"),
        "The database took too long, so the request was stopped. Try again when the platform is less "
        "busy.",
        TookTooLong,
    ),
    # A row changed since it was read, a lock timeout, a deadlock, a lock with NOWAIT.
    _Meaning(
        _codes(1020, 1205, 1213, 3572, "SQLITE_BUSY", "SQLITE_LOCKED"),
        "Another program is using these rows. Try again in a moment.",
        DatabaseBusy,
    ),
    _Meaning(
        _codes(1412, "SQLITE_SCHEMA"),
        "The platform's tables are being altered ({name}). Try again in a moment.",
        DatabaseBusy,
    ),
    # Too many connections: at the server, of one account, and beyond an account's hourly limits.
    _Meaning(
        _codes(1040),
        "The database server has no connection left ({name}). Try again in a moment. If this happens "
        "often, raise max_connections on the server.",
    ),
    _Meaning(
        _codes(1203, 1226),
        "This app's database account has no connection left ({name}). Try again in a moment. If this "
        "happens often, raise max_user_connections for the account.",
        words=_words("max_user_connections"),
    ),
    _Meaning(
        _codes(1226),
        "This app's database account has reached its limit {what} ({name}). Wait until the hour is "
        "over, or raise the limit for the account.",
        words=_words(r"exceeded the '(?P<what>\w+)' resource"),
    ),
    _Meaning(
        _codes("EMFILE"),
        "This app has no file descriptor left to connect to the database. Try again in a moment. If "
        "this happens often, raise the app's limit of open files (docs/scaling.md).",
    ),
    # The disk before read-only: a full one may turn the server read-only.
    _Meaning(
        _codes(1021, 1114, "SQLITE_FULL"),
        "The disk or a table of the database is full ({name}). An administrator of the database must "
        "free space first.",
    ),
    _Meaning(
        _ANY,
        "The disk of the database is full ({name}). An administrator of the database must free space "
        "first.",
        words=_words(r"No space left on device|\b(errno|errcode):? 28\b|got error 28\b"),
    ),
    _Meaning(
        _codes(1223),
        "The database is read-only during a backup or maintenance ({name}). You can see jobs. Delete "
        "or restore them when that has ended.",
    ),
    # Many options cause 1290: the words decide.
    _Meaning(
        _codes(1036, 1792, 1836, 1874, 1881, 3989, "SQLITE_READONLY"),
        "The database is read-only ({name}). You can see jobs, but not delete or restore them. An "
        "administrator of the database can allow changes; on a replica, connect to the primary.",
    ),
    _Meaning(
        _codes(1290),
        "The database server is read-only ({name}). You can see jobs, but not delete or restore them. "
        "An administrator of the database can allow changes; on a replica, connect to the primary.",
        words=_words(r"read[-_ ]only"),
    ),
    _Meaning(
        _codes(1290),
        "An option of the database server forbids this ({name}): {what}. An administrator of the "
        "database can change that.",
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
        "A table of the platform's database has no column {what} ({name}). It may be in the middle of "
        "an upgrade. If not, this app does not support this version of the platform.",
        TablesChanged,
        _words(r"(?:no such column: |column ['`])(?P<what>[^'`]+)"),
    ),
    _Meaning(
        _codes(1356),
        "The view {what} of the platform's database no longer works ({name}): a table, a column or a "
        "right that it needs is missing.",
        TablesChanged,
        _words(r"view '(?P<what>[^']+)'"),
    ),
    # The account lacks a right on a table, a column, a routine, a database or a command.
    _Meaning(
        _codes(1142, 1143, 1370),
        "This app's database account may not do this ({name}): it lacks the right {right} on {what}. "
        "docs/connecting.md lists the rights that it needs.",
        words=_words(
            r"(?P<right>[A-Z][A-Z, ]*) command denied .* for (?P<what>(table|column|routine) .+)"
        ),
    ),
    _Meaning(
        _codes(1227),
        "This app's database account may not do this ({name}): it lacks the right {right}. "
        "docs/connecting.md lists the rights that it needs.",
        words=_words(r"you need \(at least one of\) the (?P<right>.+?) privilege"),
    ),
    _Meaning(
        _codes(1044, 1142, 1143, 1227, 1370, "SQLITE_PERM", "SQLITE_AUTH"),
        "This app's database account may not do this ({name}). docs/connecting.md lists the rights "
        "that it needs.",
    ),
    # A wrong password, a blocked or unknown host, an account that is locked or whose password is old.
    _Meaning(
        _codes(1045, 1129, 1130, 1698, 1820, 1862, 3118, 3955, 4151),
        "The database refused the connection ({name}). Check the account and the password in "
        "HERATIO_JOBS_DATABASE_URL, and whether the server accepts this machine.",
    ),
    _Meaning(
        _codes(1049),
        "The database server has no database with this name ({name}). Check HERATIO_JOBS_DATABASE_URL, "
        "unless the database is being restored.",
    ),
    _Meaning(
        _codes(1053),
        "The database server is shutting down ({name}). Try again when it is back.",
    ),
    _Meaning(
        _codes(1317),
        "The database server or its administrator stopped the statement ({name}). Try again in a "
        "moment.",
    ),
    _Meaning(
        _codes(1927),
        "The database server or its administrator ended this app's connection ({name}). Try again in a "
        "moment.",
    ),
    _Meaning(
        _codes(1047),
        "The database server is not ready ({name}), for example because a cluster's node has lost the "
        "others. Try again in a moment. If this lasts, ask an administrator of the database.",
    ),
    # The connection was closed, or no answer came in time.
    _Meaning(
        _codes(0, 1152, 1158, 1159, 1160, 1161, 1184, 2006, 2013, 2014, 2055, 4031),
        "The database stopped answering ({name}). Try again in a moment.",
    ),
    _Meaning(
        _codes(2001, 2002, 2003, 2004, 2005, 9001),
        "The database does not answer: its server cannot be reached ({name}). Try again in a moment. "
        "If this lasts, check that the server is running.",
    ),
    _Meaning(
        _codes("SQLITE_CANTOPEN"),
        "The database does not answer: its file cannot be opened ({name}). Check that the file exists, "
        "and that this app may read and write it and its folder.",
    ),
    # Too many rows in a transaction for a cluster, the binary log's cache or the locks.
    _Meaning(
        _codes(1180, 1197, 1206),
        "The database does not allow a change of this many rows ({name}). The log of this app has the "
        "details.",
        ChangeTooLarge,
    ),
    _Meaning(
        _codes(1153, 1301, "SQLITE_TOOBIG"),
        "A value is too large for the database ({name}). Raise max_allowed_packet on the server.",
    ),
    _Meaning(
        _codes(1024, 1026, "SQLITE_IOERR"),
        "The disk of the database reports an error ({name}). Ask an administrator of the database. The "
        "log of this app has the details.",
    ),
    _Meaning(
        _codes(1037, 1038, 1041, "SQLITE_NOMEM"),
        "The database has too little memory ({name}). Try again when the platform is less busy.",
    ),
    _Meaning(
        _codes(1030, 1033, 1034, 1035, 1194, 1195, 1712, 1812, 1877, "SQLITE_CORRUPT", "SQLITE_NOTADB"),
        "A table of the database or its file is damaged ({name}). An administrator of the database "
        "must repair it or restore a backup. The log of this app has the details.",
    ),
    _Meaning(
        _codes(1253, 1267, 1270, 1271, 1300, 1366, 3854),
        "The database cannot compare or store this text, because its tables have different character "
        "sets ({name}). Try other words. The log of this app has the details.",
    ),
)
"""The exception and the sentence of each driver error; the first that matches counts.

Sources: `perror` of MariaDB 10.11, MySQL's "Server Error Message Reference", SQLite's result codes.
"""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn a driver's error, whose text names hosts, users and statements, into DatabaseUnavailable.

    A TimeoutError too: another thread did not read in time what this one waits for.
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
    while within is not None:  # the cause may be that this process may open no more files
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
            return DatabaseBusy("Too many users are reading now. Try again in a moment.")
        case exc.NoSuchTableError():  # of SQLAlchemy's inspector
            return TablesChanged(_NO_TABLE.format(what=_shown(str(error)), name=name))
        case exc.IntegrityError():
            return RowsReferredTo(
                "Something else in the platform's database refers to this job, so it was not deleted."
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
            f"The database does not answer or refuses the connection ({name}). Try again in a moment."
        )
    return DatabaseUnavailable(
        f"The database refused the statement ({name}). The log of this app has the details."
    )


def _shown(words: str) -> str:
    """Return a part of a server's message: names without quotes and database."""
    names = re.sub(r"[^\s`'\".]+[`'\"]?\.(?=[`'\"]?[^\s.]+$)", "", words)
    return re.sub(r"[^\w\s.,-]", "", names)[:NAME_LENGTH].strip()
