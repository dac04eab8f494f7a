"""The platform's own cleanup of jobs: what a cron command deletes, with no undo; AtoM has none."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import ahg_settings
from jobs_data.platform.values import text
from jobs_data.url_values import parse_number

DEFAULT_DAYS: Final = 30
"""Source: Heratio's default for `jobs_cleanup_days`."""

MOST_DAYS: Final = 36_500


def read_cleanup_days(database: Database) -> int | None:
    """Return after how many days the platform's cron deletes finished jobs; None on AtoM.

    It is Heratio's setting `jobs_cleanup_days`, or its default where that is missing or unusable.
    Raises DatabaseUnavailable.
    """
    if ahg_settings.name not in database.tables:
        return None
    value = select(ahg_settings.c.setting_value).where(
        ahg_settings.c.setting_key == "jobs_cleanup_days"
    )
    with database.reading() as connection:
        days = parse_number(text(connection.execute(value.limit(1)).scalar())) or 0
    return days if 1 <= days <= MOST_DAYS else DEFAULT_DAYS
