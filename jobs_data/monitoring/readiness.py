"""Whether this process can serve its users: both databases answer, and the app's own can be written."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sqlalchemy import select, update

from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import REQUIRED_TABLES
from jobs_data.store.database import BRIEF_MILLISECONDS, Store, StoreBusy
from jobs_data.store.schema import schema_version

SECONDS: Final = 2
"""How long the platform's database may take for a row by its key."""


def why_not_ready(database: Database, store: Store) -> str:
    """Return why the app cannot work now, as a sentence without hosts and accounts; empty if it can.

    It reads a row of each required table, and writes a row of the store as it is.
    """
    try:
        with database.reading(SECONDS, primary=True) as connection:
            for table in REQUIRED_TABLES:
                connection.execute(select(table.c.id).limit(1))
        check_writable(store)
    except DatabaseUnavailable as problem:
        return str(problem)
    return ""


def check_writable(store: Store) -> None:
    """Write to the store without a change. Raises StoreUnavailable if it cannot be written.

    A store in which another writer is at work can be written a moment later.
    """
    with suppress(StoreBusy), store.writing(BRIEF_MILLISECONDS) as connection:
        # There and back: an UPDATE to the same value writes nothing, and a full disk is not noticed.
        for _ in range(2):
            connection.execute(update(schema_version).values(version=-schema_version.c.version))
