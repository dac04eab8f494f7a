"""The columns that the list, a job's page and the export share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, null, select

from jobs_data.jobs import frames
from jobs_data.jobs.creation_order import with_object
from jobs_data.jobs.durations import seconds_taken
from jobs_data.jobs.failure_reasons import read_reason_lines
from jobs_data.jobs.outcomes import (
    Finished,
    Outcomes,
    completed_text,
    finished_of,
    read_outcomes_of,
)
from jobs_data.jobs.related_record import related_id
from jobs_data.jobs.search_hits import read_hits
from jobs_data.jobs.what_it_did import output_ends, read_what_they_did
from jobs_data.platform.database import Database
from jobs_data.platform.owners import with_owner
from jobs_data.platform.status import ERROR, FINISHED_IDS
from jobs_data.platform.tables import job, job_execution, object_, slug


def frame_of(
    connection: Connection,
    database: Database,
    ids: Sequence[int],
    terms: dict[int, str],
    outcomes: Outcomes | None = None,
) -> pd.DataFrame:
    """Return the jobs with some ids, in their order, as `frames.jobs_frame`.

    Its column `errors` has how many the outputs of finished jobs have; without `outcomes` these are
    read and not remembered.
    """
    statement = job_columns(database).add_columns(completed_text()).where(job.c.id.in_(ids))
    by_id = {row["id"]: row for row in connection.execute(statement).mappings()}
    rows = [by_id[i] for i in ids if i in by_id]
    jobs = frames.jobs_frame(rows, terms, database.timezone)
    found = read_outcomes_of(connection, database, _finished(rows), outcomes)
    errors = [found[i].errors if i in found else 0 for i in jobs["id"]]
    return jobs.assign(errors=pd.Series(errors, dtype="int64"))


def list_frame(
    connection: Connection,
    database: Database,
    ids: Sequence[int],
    terms: dict[int, str],
    now: datetime,
    search: str = "",
    outcomes: Outcomes | None = None,
) -> pd.DataFrame:
    """Return the jobs with up to a page of ids, in their order, as `frames.list_frame`.

    Reasons are read for the failed jobs, outcomes for the finished ones, and for all what they did and
    what a search has found; without `outcomes` nothing is remembered.
    """
    statement = with_run(job_columns(database), database, ("started_at", "duration"), now)
    statement = statement.add_columns(job.c.download_path, completed_text(), *output_ends())
    statement = statement.where(job.c.id.in_(ids))
    by_id = {row["id"]: row for row in connection.execute(statement).mappings()}
    rows = [by_id[i] for i in ids if i in by_id]
    failed = [row["id"] for row in rows if row["status_id"] == ERROR]
    reasons = read_reason_lines(connection, database, failed)
    hits = read_hits(connection, database, [row["id"] for row in rows], search)
    found = read_outcomes_of(connection, database, _finished(rows), outcomes)
    counts = {job_id: (each.errors, each.warnings) for job_id, each in found.items()}
    did = read_what_they_did(connection, database, rows)
    return frames.list_frame(
        rows, terms, database.timezone, reasons, now, counts=counts, did=did, hits=hits
    )


def _finished(rows: Sequence[RowMapping]) -> list[Finished]:
    """Return the finished ones among rows that have `completed_text`."""
    return [
        finished_of(row["id"], row["completed_text"], row["status_id"])
        for row in rows
        if row["status_id"] in FINISHED_IDS
    ]


def job_columns(database: Database) -> Select[Any]:
    """Select the columns that the list, a job's page and the export share.

    Tables that this database lacks are left out and their columns are NULL.
    """
    source, owner = with_owner(database, with_object(), job.c.user_id)
    slug_text: ColumnElement[Any] = null()
    if slug.name in database.tables:
        source = source.outerjoin(slug, slug.c.object_id == related_id())
        slug_text = slug.c.slug
    return select(
        *(job.c.id, job.c.name, job.c.status_id, job.c.completed_at),
        related_id().label("object_id"),
        # In SQL, because a completion time can be set but unreadable.
        job.c.completed_at.is_not(None).label("has_ended"),
        object_.c.created_at,
        *owner,
        slug_text.label("slug"),
    ).select_from(source)


def with_run(
    statement: Select[Any], database: Database, names: Sequence[str], now: datetime
) -> Select[Any]:
    """Add to `job_columns` some columns of `job_execution`, and as `seconds` how long a job took.

    `names` has the `duration`; a column that this database lacks is NULL. `now` is aware.
    """
    present = database.columns.get(job_execution.name, frozenset())
    if present:
        statement = statement.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
    run = {name: job_execution.c[name] if name in present else null() for name in names}
    took = seconds_taken(
        object_.c.created_at, job.c.completed_at, run["duration"], database.timezone, now
    )
    return statement.add_columns(
        *(column.label(name) for name, column in run.items()), took.label("seconds")
    )
