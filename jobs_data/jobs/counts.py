"""Counts all jobs by status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, func, select

from jobs_data.platform.database import Database
from jobs_data.platform.status import FINISHED_IDS, State, state_of
from jobs_data.platform.tables import job

SLICE_IDS: Final = 1_000_000
"""How many ids one statement counts, which takes a twentieth of a second."""

BY_STATUS: Final = "IGNORE INDEX (PRIMARY)"
"""Lets MariaDB read a slice in the index of the status. By its estimates it may prefer to read all jobs
of the status, or the jobs themselves."""

MOST_ACTIVE: Final = 5_000

CONNECTIONS: Final = 2

_Part = tuple[Counter[State], list[int]]
"""How many jobs are in each state, and the ids of active ones."""


@dataclass(frozen=True)
class Counts:
    """How many jobs have each status; `total` also counts those with none of the three."""

    total: int
    active: int
    completed: int
    failed: int
    active_ids: tuple[int, ...] = field(default=(), compare=False, repr=False, kw_only=True)
    """The active jobs themselves, at most MOST_ACTIVE of the newest; of all jobs, not of a search."""

    @property
    def all_active_ids(self) -> tuple[int, ...] | None:
        """Return the ids of all active jobs; None if not all of them are known."""
        return self.active_ids if len(self.active_ids) == self.active else None

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
    return _sum([_count(connection, iter(_slices(connection)))])


def count_together(database: Database) -> Counts:
    """Return the same, read by two connections, each with its own snapshot. Raises DatabaseUnavailable.

    Neither waits for the other in a transaction: what locks the table in between would wait for both.
    """
    with database.reading() as connection:
        slices = iter(_slices(connection))

    def count(_number: int) -> _Part:
        with database.reading() as connection:
            return _count(connection, slices)

    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="counts") as pool:
        return _sum(list(pool.map(count, range(CONNECTIONS))))


def _slices(connection: Connection) -> list[tuple[int | None, int]]:
    """Return the slices, each a status and a first id."""
    lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
    starts = range(lowest or 0, (highest or 0) + 1, SLICE_IDS)
    statuses = connection.execute(select(job.c.status_id).distinct()).scalars().all()
    return [(status, first) for status in statuses for first in starts]


def _sum(parts: Sequence[_Part]) -> Counts:
    in_state = sum((part for part, _ in parts), Counter[State]())
    active = sorted((job_id for _, ids in parts for job_id in ids), reverse=True)
    return Counts(
        total=in_state.total(),
        active=in_state[State.ACTIVE],
        completed=in_state[State.COMPLETED],
        failed=in_state[State.FAILED],
        active_ids=tuple(active[:MOST_ACTIVE]),
    )


def _count(connection: Connection, slices: Iterator[tuple[int | None, int]]) -> _Part:
    """Take slices as long as there are any, and count their jobs."""
    in_state: Counter[State] = Counter()
    active: list[int] = []
    for status_id, first in slices:
        where = job.c.status_id == status_id, job.c.id.between(first, first + SLICE_IDS - 1)
        counted = select(func.count()).select_from(job).where(*where)
        if status_id not in FINISHED_IDS:  # of all others the index tells enough
            counted = counted.add_columns(func.count(job.c.completed_at))
        for dialect in ("mysql", "mariadb"):
            counted = counted.with_hint(job, BY_STATUS, dialect)
        row = connection.execute(counted).one()
        jobs, ended = row[0], row[-1]
        in_state[state_of(status_id, has_ended=True)] += ended
        in_state[state_of(status_id, has_ended=False)] += jobs - ended
        if ended < jobs:
            ids = select(job.c.id).where(*where, job.c.completed_at.is_(None))
            newest = ids.order_by(job.c.id.desc()).limit(MOST_ACTIVE)
            active += connection.execute(newest).scalars()
    return in_state, active
