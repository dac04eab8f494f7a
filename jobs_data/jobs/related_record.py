"""The related record of a job."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func

from jobs_data.platform.tables import job


def related_id() -> ColumnElement[int]:
    """Return the id of a job's related record, NULL where it has none.

    Heratio's imports store the job's own id in `job.object_id`, which names no record.
    """
    return func.nullif(job.c.object_id, job.c.id, type_=job.c.object_id.type)


def has_related() -> ColumnElement[bool]:
    """Return the condition of the jobs that have one, for searches by the index on `object_id`."""
    return job.c.object_id != job.c.id
