"""Counts jobs by status: all of them at once, or a search within its time limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, func, select

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import JobFilter
from jobs_data.jobs.where import created_near, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.platform.status import COMPLETED, ERROR, State, is_in, state_of
from jobs_data.platform.tables import job

SEARCH_SECONDS: Final = 5
"""How long a search may take. It goes from the newest ids down."""

FIRST_SLICE_IDS: Final = 2_000
FEW_JOBS: Final = 1_000
QUICK_SECONDS: Final = 0.3
"""After a faster slice the next one has twice as many ids."""


@dataclass(frozen=True)
class Counts:
    """How many jobs have each status; `total` also counts those with none of the three."""

    total: int
    active: int
    completed: int
    failed: int

    @property
    def finished(self) -> int:
        """Return how many jobs may be deleted."""
        return self.completed + self.failed

    @property
    def other(self) -> int:
        """Return how many jobs are neither active, completed nor failed."""
        return self.total - self.active - self.finished

    def matching(self, state: State | None) -> int:
        """Return how many jobs are in a state, or in any."""
        match state:
            case State.ACTIVE:
                return self.active
            case State.COMPLETED:
                return self.completed
            case State.FAILED:
                return self.failed
            case State.OTHER:
                return self.other
            case None:
                return self.total


@dataclass(frozen=True)
class SearchResult:
    """The result of a search."""

    counts: Counts
    floor: int | None = None
    """The lowest id that it searched; None if it searched all."""
    looked_at: int | None = None
    """How many jobs it searched; None if it searched all."""
    ids: tuple[int, ...] | None = None
    """The jobs themselves, if at most FEW_JOBS, so that a page need not search again."""
    is_done: bool = True
    """Whether the search has ended; else it goes on in the background."""


def read_counts(connection: Connection) -> Counts:
    """Return how many jobs there are."""
    # Two statements that the index on status_id answers; counting completed_at IS NULL over all
    # jobs would read the whole table, so it is asked of the few unfinished ones alone.
    statuses = connection.execute(select(job.c.status_id, func.count()).group_by(job.c.status_id))
    by_status: dict[int | None, int] = dict(map(tuple, statuses))
    active = connection.execute(select(func.count()).where(is_in(State.ACTIVE))).scalar_one()
    return Counts(
        total=sum(by_status.values()),
        active=active,
        completed=by_status.get(COMPLETED, 0),
        failed=by_status.get(ERROR, 0),
    )


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
    found = select(job.c.id, job.c.status_id, has_ended).where(*where).limit(FEW_JOBS + 1)
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
    few = tuple(ids) if len(ids) <= FEW_JOBS else None
    if lowest is None or floor <= lowest:
        return SearchResult(counts, ids=few)
    covered = select(func.count()).where(job.c.id >= floor, *below)
    looked_at = connection.execute(covered).scalar_one()
    return SearchResult(counts, floor, looked_at, few)
