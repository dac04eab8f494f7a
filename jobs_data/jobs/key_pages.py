"""Pages of jobs for programs: by number, the highest first, each page below the one before it.

A new job has a higher number than all others, and no page is counted from the newest job. So a program
that follows the pages gets each job once, also if jobs are created or deleted in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import pandas as pd
from sqlalchemy import Connection, select

from jobs_data.jobs.columns import list_frame
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.searching import Searches
from jobs_data.jobs.view import JobFilter
from jobs_data.platform.database import Database
from jobs_data.platform.status import State, is_in
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import job

SEARCH_SECONDS: Final = 2.0
"""How long a page waits for a search; then it has the jobs found so far, and the next one goes on."""


@dataclass(frozen=True)
class KeyPage:
    """One page of jobs by number."""

    rows: pd.DataFrame
    """See `frames.list_frame`."""
    below: int | None
    """The next page has the jobs below this number; None if there is none."""
    is_search: bool
    counts: Counts | None
    """Of all jobs that a search matches; None if it is not a search, or has not covered all jobs."""


def read_key_page(
    database: Database, searches: Searches, outcomes: Outcomes, job_filter: JobFilter, limit: int
) -> KeyPage:
    """Return up to `limit` jobs of a filter, the highest number first, all lower than its `below`.

    A page of a search may have fewer jobs, or none, though others follow: it ends where the search had
    come after SEARCH_SECONDS. Raises DatabaseUnavailable.
    """
    is_search, found, counts = replace(job_filter, below=None).is_search, None, None
    if is_search:  # in its own transactions
        found = searches.latest(job_filter, limit + 1, SEARCH_SECONDS, goes_on=False)
        if found.floor is None and job_filter.below is None:
            counts = found.counts
    with database.reading() as connection:
        ids = list(found.ids or ()) if found else _newest(connection, job_filter, limit + 1)
        terms, now = read_status_names(connection, database), datetime.now(UTC)
        asked = (connection, database, ids[:limit], terms, now, job_filter.search, outcomes)
        rows = list_frame(*asked)
    below = found.floor if found else None
    if len(ids) > limit or (found and ids and not found.has_all_ids):
        below = ids[:limit][-1]
    if job_filter.state:  # it may have changed since the search
        rows = rows[rows["state"] == job_filter.state]
    return KeyPage(rows, below, is_search, counts)


def _newest(connection: Connection, job_filter: JobFilter, jobs: int) -> list[int]:
    where = [] if job_filter.state is None else [is_in(job_filter.state)]
    if job_filter.below is not None:
        where.append(job.c.id < job_filter.below)
    # As in `paging`: few jobs are unfinished, and an expression lets the server find them by status.
    is_rare = job_filter.state in {State.ACTIVE, State.OTHER}
    key = job.c.id + 0 if is_rare else job.c.id
    newest = select(job.c.id).where(*where).order_by(key.desc()).limit(jobs)
    return list(connection.execute(newest).scalars())
