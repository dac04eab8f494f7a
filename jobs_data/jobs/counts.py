"""Counts all jobs by status."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, func, select

from jobs_data.platform.status import FINISHED_IDS, State, state_of
from jobs_data.platform.tables import job

SLICE_IDS: Final = 1_000_000
"""How many ids one statement counts."""

MOST_ACTIVE: Final = 5_000


@dataclass(frozen=True)
class Counts:
    """How many jobs have each status; `total` also counts those with none of the three."""

    total: int
    active: int
    completed: int
    failed: int
    active_ids: tuple[int, ...] = field(default=(), compare=False, repr=False)
    """The active jobs themselves, at most MOST_ACTIVE of the newest; of all jobs, not of a search."""

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


def read_counts(connection: Connection) -> Counts:
    """Return how many jobs there are, by statements that each read the index of SLICE_IDS ids.

    One GROUP BY of ten million jobs comes near the time limit of a statement on a busy server.
    """
    lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
    in_state: Counter[State] = Counter()
    active: list[int] = []
    not_ended = job.c.completed_at.is_(None)
    for status_id in read_status_ids(connection):
        is_finished = status_id in FINISHED_IDS
        counted = select(func.count()).select_from(job).where(job.c.status_id == status_id)
        if not is_finished:  # only these few are looked up, the others are counted in the index
            counted = counted.add_columns(func.count(job.c.completed_at))
        for first in range(lowest or 0, (highest or 0) + 1, SLICE_IDS):
            slice_ = job.c.id.between(first, first + SLICE_IDS - 1)
            row = connection.execute(counted.where(slice_)).one()
            jobs, ended = row[0], row[-1]
            in_state[state_of(status_id, has_ended=True)] += ended
            in_state[state_of(status_id, has_ended=False)] += jobs - ended
            if ended < jobs:
                ids = select(job.c.id).where(job.c.status_id == status_id, slice_, not_ended)
                active += connection.execute(ids.limit(MOST_ACTIVE)).scalars()
    return Counts(
        total=in_state.total(),
        active=in_state[State.ACTIVE],
        completed=in_state[State.COMPLETED],
        failed=in_state[State.FAILED],
        active_ids=tuple(sorted(active, reverse=True)[:MOST_ACTIVE]),
    )


def read_status_ids(connection: Connection) -> list[int | None]:
    """Return the ids of all statuses that jobs have, and None; each is one look into the index."""
    found: list[int | None] = [None]
    least = select(func.min(job.c.status_id))
    next_ = connection.execute(least).scalar()
    while next_ is not None:
        found.append(next_)
        next_ = connection.execute(least.where(job.c.status_id > next_)).scalar()
    return found
