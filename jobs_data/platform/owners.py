"""The users of jobs: the joins that find their names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    func,
    null,
    or_,
    select,
)

from jobs_data.platform import values
from jobs_data.platform.cultures import fallbacks
from jobs_data.platform.database import Database
from jobs_data.platform.tables import actor_i18n, job, user


def with_owner(
    database: Database, source: FromClause, user_id: ColumnElement[Any] | None
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """Return a source joined with its users, and the columns that `values.owner_of` reads.

    These are `username` and `display_name`; what this database lacks, a `user_id` of None
    included, is left out and NULL.
    """
    if user_id is None or user.name not in database.tables:
        return _with_display_name(database, source, user_id, null())
    source = source.outerjoin(user, user.c.id == user_id)
    return _with_display_name(database, source, user_id, user.c.username)


def owner_names(
    connection: Connection, database: Database, user_ids: Collection[int | None]
) -> dict[int, str]:
    """Return the names of users by their ids, without users who do not exist."""
    if user.name not in database.tables:
        return {}
    source, names = _with_display_name(database, user, user.c.id, user.c.username)
    found = connection.execute(
        select(user.c.id, *names).select_from(source).where(user.c.id.in_(set(user_ids) - {None}))
    )
    return {row["id"]: values.owner_of(row) for row in found.mappings()}


def owner_name(database: Database) -> ColumnElement[Any]:
    """Return the name of a job's user; NULL without a user or without a name."""
    if user.name not in database.tables:
        return null()
    source, (username, display_name) = _with_display_name(database, user, user.c.id, user.c.username)
    filled = [func.nullif(func.trim(name), "") for name in (display_name, username)]
    called = select(func.coalesce(*filled, type_=String())).select_from(source)
    return called.where(user.c.id == job.c.user_id).correlate(job).scalar_subquery()


def users_called(
    database: Database, called: Callable[[ColumnElement[Any]], ColumnElement[bool]]
) -> Select[int]:
    """Select the ids of the users whose display name or user name meets a condition."""
    source, names = _with_display_name(database, user, user.c.id, user.c.username)
    return select(user.c.id).select_from(source).where(or_(*(called(name) for name in names)))


def _with_display_name(
    database: Database,
    source: FromClause,
    user_id: ColumnElement[Any] | None,
    username: ColumnElement[Any],
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    display_name: ColumnElement[Any] = null()
    if user_id is not None and actor_i18n.name in database.tables:
        found: list[ColumnElement[Any]] = []
        for culture in fallbacks(database.culture):
            names = actor_i18n.alias()
            in_culture = and_(names.c.id == user_id, names.c.culture == culture)
            source = source.outerjoin(names, in_culture)
            found.append(func.nullif(func.trim(names.c.authorized_form_of_name), ""))
        display_name = func.coalesce(*found) if len(found) > 1 else names.c.authorized_form_of_name
    return source, [username.label("username"), display_name.label("display_name")]
