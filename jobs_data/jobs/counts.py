"""Counts all jobs by status."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from jobs_data.platform.status import COMPLETED, ERROR, State, is_in
from jobs_data.platform.tables import job


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
