"""Who started a job."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, literal, select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import job, property_

PUBLIC_EXPORT: Final = "public export"
NOT_RECORDED: Final = "no user recorded"
_TOKEN: Final = "userToken"  # noqa: S105 - the name of a property


def read_started_by(connection: Connection, database: Database, job_id: int) -> str:
    """Return who started a job that has no user, if not the system: see the constants; else empty.

    An anonymous visitor's export has a token (source: AtoM's `QubitJob::generateUserTokenProperty`).
    An import never stores a user, and its own id in the place of the related record's
    (source: Heratio's `ImportJob`). Raises what the database driver raises, inside `Database.reading`.
    """
    token = select(property_.c.id).where(property_.c.object_id == job_id, property_.c.name == _TOKEN)
    has_token = token.exists() if property_.name in database.tables else literal(0)
    statement = select(has_token, job.c.object_id).where(job.c.id == job_id, job.c.user_id.is_(None))
    row = connection.execute(statement).one_or_none()
    if row is None:
        return ""
    return PUBLIC_EXPORT if row[0] else NOT_RECORDED if row[1] == job_id else ""
