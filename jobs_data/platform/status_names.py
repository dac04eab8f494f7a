"""The platform's names for the statuses."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.status import FIXED_LABELS
from jobs_data.platform.tables import term_i18n

FALLBACK_CULTURE: Final = "en"


def read_status_names(connection: Connection, database: Database) -> dict[int, str]:
    """Return the names of the three statuses, in the culture or else in English."""
    if term_i18n.name not in database.tables:
        return {}
    rows = connection.execute(
        select(term_i18n.c.id, term_i18n.c.culture, term_i18n.c.name).where(
            term_i18n.c.id.in_(FIXED_LABELS),
            term_i18n.c.culture.in_([FALLBACK_CULTURE, database.culture]),
        )
    ).all()
    # The configured culture comes last and so wins over the fallback.
    rows = sorted(rows, key=lambda row: row.culture == database.culture)
    return {row.id: name for row in rows if (name := values.text(row.name).strip())}
