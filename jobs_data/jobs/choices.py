"""The choices of the filters: users, names and types of jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.jobs.filter_words import owner_called
from jobs_data.jobs.view import NO_OWNER
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, is_one_of
from jobs_data.platform.errors import TookTooLong
from jobs_data.platform.owners import owner_names, users_called
from jobs_data.platform.tables import job, job_execution, user

NEWEST: Final = 20_000
"""How many of the newest jobs are searched for names and types."""

MAX_OFFERED: Final = 200
"""How many users, and how many of the most frequent names or types are offered."""

SECONDS: Final = 3
"""How long the database may take for one list; a slower list is not offered."""

T = TypeVar("T")


@dataclass(frozen=True)
class Choices:
    """The choices of the filters; a list is None if the database took too long for it."""

    owners: dict[int, str] | None
    """The label of each user, each unique; NO_OWNER first, then by name."""
    names: tuple[str, ...] | None
    types: tuple[str, ...] | None


def has_types(database: Database) -> bool:
    """Return whether the platform records types of jobs. Raises DatabaseUnavailable."""
    return "type" in database.columns.get(job_execution.name, ())


def read_choices(database: Database) -> Choices:
    """Return the choices. Raises DatabaseUnavailable."""
    return Choices(
        owners=_in_time(database, lambda connection: _owners(connection, database)),
        names=_in_time(database, _names),
        types=_in_time(database, lambda connection: _types(connection, database)),
    )


def read_owner_names(database: Database, owners: Collection[int]) -> dict[int, str]:
    """Return the labels of the users in a filter. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        return owner_names(connection, database, set(owners) - {NO_OWNER})


def read_owners_called(database: Database, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return for each name the users who have it as user name or display name.

    NO_OWNER is called System. Raises DatabaseUnavailable.
    """
    found: dict[str, tuple[int, ...]] = {}
    with database.reading() as connection:
        for name in names:
            users = users_called(database, partial(is_one_of, texts=(name,)))
            ids = connection.execute(users).scalars() if user.name in database.tables else ()
            nobody = (NO_OWNER,) if name == values.SYSTEM_OWNER else ()
            found[name] = (*nobody, *ids)
    return found


def distinct_labels(owners: Mapping[int, str]) -> dict[int, str]:
    """Return a label for each user: the name, with the id if several have that name."""
    alike = Counter(owners.values())
    return {
        owner: name if owner == NO_OWNER or alike[name] == 1 else f"{name} (user {owner})"
        for owner, name in owners.items()
    }


def _in_time(database: Database, read: Callable[[Connection], T]) -> T | None:
    try:
        with database.reading(SECONDS) as connection:
            return read(connection)
    except TookTooLong:
        return None


def _owners(connection: Connection, database: Database) -> dict[int, str]:
    # The index on user_id answers this: it jumps from one user to the next.
    found = connection.execute(select(job.c.user_id).distinct().limit(MAX_OFFERED)).scalars()
    ids = {user_id for user_id in found if user_id is not None}
    names = owner_names(connection, database, ids)
    called = {owner: owner_called(owner, names) for owner in {NO_OWNER, *ids}}
    by_name = sorted(called, key=lambda owner: (owner != NO_OWNER, called[owner].casefold(), owner))
    labels = distinct_labels(called)
    return {owner: labels[owner] for owner in by_name}


def _names(connection: Connection) -> tuple[str, ...]:
    found = _frequent(connection, job.c.name, job.c.id)
    return _in_order({values.name_called(name) for name in found})


def _types(connection: Connection, database: Database) -> tuple[str, ...]:
    if not has_types(database):
        return ()
    found = _frequent(connection, job_execution.c.type, job_execution.c.job_id)
    return _in_order(set(filter(None, map(values.filled, found))))


def _frequent(
    connection: Connection, column: ColumnElement[Any], newest: ColumnElement[Any]
) -> Sequence[str | None]:
    """Return the most frequent texts of a column in its newest rows."""
    rows = select(column.label("text")).order_by(newest.desc()).limit(NEWEST).subquery()
    text = exactly(rows.c.text)
    most = select(text).group_by(text).order_by(func.count().desc(), text).limit(MAX_OFFERED)
    return connection.execute(most).scalars().all()


def _in_order(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(texts, key=lambda text: (text.casefold(), text)))
