"""Writes of a sign-in into the platform's own tables, which the database may refuse.

With a read-only database account, users can still sign in. A refused write is logged once, and the
caller uses this process's memory instead.
"""

from __future__ import annotations

import logging

from sqlalchemy import Insert, Update
from sqlalchemy.exc import SQLAlchemyError

from jobs_data.platform.database import Database
from jobs_data.platform.engine import READ_SECONDS, bounded

log = logging.getLogger(__name__)


class OptionalWrites:
    """Writes rows if the database allows it; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        """Write to a database."""
        self._database = database
        self._logged: set[str] = set()

    def write(self, statement: Insert | Update) -> int | None:
        """Return how many rows a statement made or changed; None where the database refused it.

        It does not use `Database.writing`, which would log each refusal with the driver's text: it may
        quote a password that was typed as user name.
        """
        try:
            with self._database.engine.connect() as connection:
                connection.execution_options(writes=True)
                # The limit of reads, so that a sign-in's connection need not change it.
                with connection.begin(), bounded(connection, READ_SECONDS):
                    return connection.execute(statement).rowcount
        except SQLAlchemyError as error:
            table = statement.table.description
            if table not in self._logged:
                self._logged.add(table)
                reason = getattr(error, "orig", None) or error
                log.warning(
                    "sign-ins cannot be written to the table %s (logged once): %s %s",
                    table,
                    type(reason).__name__,
                    next((part for part in reason.args if isinstance(part, int)), ""),
                )
            return None
