"""Ended sessions, kept until their cookies have expired."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from jobs_data.store.database import Store
from jobs_data.store.schema import ended_session


def store_end(store: Store, session: str, valid_until: datetime, now: datetime | None = None) -> None:
    """Note the end of a session, by the digest of its id, and forget those that no cookie names.

    `valid_until` and `now` are aware; `now` is the present by default. Raises StoreUnavailable.
    """
    # Two processes may end the same session.
    statement = insert(ended_session).prefix_with("OR IGNORE", dialect="sqlite")
    for dialect in ("mysql", "mariadb"):
        statement = statement.prefix_with("IGNORE", dialect=dialect)
    with store.writing() as connection:
        connection.execute(
            delete(ended_session).where(ended_session.c.valid_until < (now or datetime.now(UTC)))
        )
        connection.execute(statement.values(id=session, valid_until=valid_until))


def read_ended(store: Store, sessions: Collection[str]) -> frozenset[str]:
    """Return which of some sessions have ended, by the digests of their ids.

    Raises StoreUnavailable.
    """
    ended = select(ended_session.c.id).where(ended_session.c.id.in_(sessions))
    with store.reading() as connection:
        return frozenset(connection.execute(ended).scalars())
