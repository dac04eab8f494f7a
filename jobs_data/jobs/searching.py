"""Searches for the jobs of a filter: from the newest id down, within a time limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, func, select

from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import JobFilter
from jobs_data.jobs.where import created_near, ids_in_set, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.platform.status import State, state_of
from jobs_data.platform.tables import job

SEARCH_SECONDS: Final = 5
"""How long a search may take. It goes from the newest ids down."""

FIRST_SLICE_IDS: Final = 2_000
FEW_JOBS: Final = 1_000
QUICK_SECONDS: Final = 0.3
"""After a faster slice the next one has twice as many ids."""


@dataclass(frozen=True)
class SearchResult:
    """What a search has found so far, or a count of all jobs."""

    counts: Counts
    """The jobs found, in any state."""
    floor: int | None = None
    """The lowest id that it searched; None if it searched all."""
    looked_at: int | None = None
    """How many jobs it searched; None if it searched all."""
    ids: tuple[int, ...] | None = None
    """The newest jobs found that are in the filter's state, the largest id first, at most FEW_JOBS;
    None if nothing was searched for."""
    is_done: bool = True
    """Whether the search has ended; else it goes on in the background."""
    has_all_ids: bool = True
    """Whether `ids` are all the jobs found in that state, so that a page need not search again."""


class Searches:
    """The searches of one database, shared by the sessions of a process."""

    def __init__(self, database: Database, order: CreationOrder) -> None:
        """Search nothing yet."""
        self._database = database
        self._order = order

    def latest(
        self,
        job_filter: JobFilter,
        wanted: int,  # noqa: ARG002 - a search in the background needs it
        seconds: float,  # noqa: ARG002 - as above
    ) -> SearchResult:
        """Return what the search for a filter's jobs has found so far.

        It begins or continues the search and waits until that knows `wanted` of the newest jobs, has
        ended, or `seconds` are over. Raises DatabaseUnavailable.
        """
        if job_filter.alive:
            ids_in_set(self._database, job_filter.alive)  # read now, not within the transaction
        with self._database.reading() as connection:
            return search(connection, self._database, job_filter, datetime.now(UTC), self._order)

    def close(self) -> None:
        """End all searches."""


def search(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    now: datetime,
    order: CreationOrder,
) -> SearchResult:
    """Count the jobs that match a filter, in any state, from the newest ids down.

    It begins below the filter's `below`, and stops after SEARCH_SECONDS. Raises what the driver raises.
    """
    began = monotonic()
    where = matching(job_filter.in_any_state, database, now)
    where += created_near(job_filter, database, now, order, connection)
    has_ended = job.c.completed_at.is_not(None).label("has_ended")
    found = select(job.c.id, job.c.status_id, has_ended).where(*where)
    found = found.order_by(job.c.id.desc()).limit(FEW_JOBS + 1)
    counted = select(func.count(), job.c.status_id, has_ended).where(*where)
    counted = counted.group_by(job.c.status_id, "has_ended")
    below = [] if job_filter.below is None else [job.c.id < job_filter.below]
    edges = select(func.min(job.c.id), func.max(job.c.id)).where(*below)
    lowest, highest = connection.execute(edges).one()
    in_state: Counter[State] = Counter()
    ids: list[int] = []
    floor, size = (highest or 0) + 1, FIRST_SLICE_IDS
    while lowest is not None and floor > lowest and monotonic() - began < SEARCH_SECONDS:
        slice_began = monotonic()
        slice_ = job.c.id.between(floor - size, floor - 1)
        try:
            with translated_errors():
                rows: Sequence[Any] = []
                if len(ids) <= FEW_JOBS:
                    rows = connection.execute(found.where(slice_)).all()
                    ids += [row.id for row in rows]
                is_counted = len(ids) > FEW_JOBS
                if is_counted:
                    rows = connection.execute(counted.where(slice_)).all()
        except TookTooLong:
            break
        for jobs, status_id, ended in rows:
            in_state[state_of(status_id, bool(ended))] += jobs if is_counted else 1
        floor -= size
        if monotonic() - slice_began < QUICK_SECONDS:
            size *= 2
    counts = Counts(
        total=in_state.total(),
        active=in_state[State.ACTIVE],
        completed=in_state[State.COMPLETED],
        failed=in_state[State.FAILED],
    )
    newest, has_all = tuple(sorted(ids, reverse=True)[:FEW_JOBS]), len(ids) <= FEW_JOBS
    if lowest is None or floor <= lowest:
        return SearchResult(counts, ids=newest, has_all_ids=has_all)
    covered = select(func.count()).where(job.c.id >= floor, *below)
    looked_at = connection.execute(covered).scalar_one()
    return SearchResult(counts, floor, looked_at, newest, has_all_ids=has_all)
