"""Whose things are: the joins that find the names of the users who started them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, null

from jobs_data.engine import Database
from jobs_data.platform import actor_i18n, user


def with_owner(
    database: Database, source: FromClause, user_id: ColumnElement[Any] | None
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """Return a source joined with its users, and the columns that `frames.owner_of` reads.

    These are `username` and `display_name`; what this database lacks, a `user_id` of None
    included, is left out and NULL.
    """
    username: ColumnElement[Any] = null()
    display_name: ColumnElement[Any] = null()
    if user_id is not None and user.name in database.tables:
        source = source.outerjoin(user, user.c.id == user_id)
        username = user.c.username
    if user_id is not None and actor_i18n.name in database.tables:
        in_culture = and_(actor_i18n.c.id == user_id, actor_i18n.c.culture == database.culture)
        source = source.outerjoin(actor_i18n, in_culture)
        display_name = actor_i18n.c.authorized_form_of_name
    return source, [username.label("username"), display_name.label("display_name")]
