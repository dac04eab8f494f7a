"""The platform's names for statuses and other terms."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from jobs_data.platform import values
from jobs_data.platform.cultures import preference
from jobs_data.platform.database import Database
from jobs_data.platform.status import FIXED_LABELS
from jobs_data.platform.tables import term_i18n


def read_status_names(connection: Connection, database: Database) -> dict[int, str]:
    """Return the names of the three statuses: in the culture, else in those that it falls back to."""
    return read_term_names(connection, database, FIXED_LABELS)


def read_term_names(connection: Connection, database: Database, ids: Collection[int]) -> dict[int, str]:
    """Return the names of terms: in the culture, else in those that it falls back to."""
    if not ids or term_i18n.name not in database.tables:
        return {}
    rank = preference(database.culture)
    rows = connection.execute(
        select(term_i18n.c.id, term_i18n.c.culture, term_i18n.c.name)
        .where(term_i18n.c.id.in_(ids))
        .order_by(term_i18n.c.culture)
    ).all()
    best_last = sorted(rows, key=lambda row: -rank(row.culture))
    return {row.id: name for row in best_last if (name := values.text(row.name).strip())}
