"""How many jobs were created when, and their states: counted in slices of ids, the newest first.

A creation time lies in `object`, where looking up a job takes ten times as long as reading the next
record. So among ids that are mostly those of jobs, all records of jobs are counted by their time, and
only the jobs that have not completed are looked up: the other records are the completed ones. Number
and sum of the ids show that records and jobs are the same; else all jobs are looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
)

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import seconds_since_1970, whole_quotient
from jobs_data.platform.status import COMPLETED, FINISHED_IDS, State, state_of
from jobs_data.platform.tables import JOB_CLASS, job, object_
from jobs_data.platform.times import to_platform

QUARTER_SECONDS: Final = 900
"""Every time zone of today is some quarters of an hour from UTC, so that a day begins with one."""

MOST_JOBS: Final = 2_000_000
"""How many jobs are counted, the newest: some seconds' work."""

SLICE_IDS: Final = 2**18
"""How many ids one statement is about; more where few of them are those of jobs."""

WIDER: Final = 8
DENSE: Final = 8
"""All records are read where at least one id in DENSE is a job's."""


@dataclass(frozen=True)
class Bound:
    """The newest jobs, where only these are counted."""

    jobs: int
    since: datetime | None
    """When the oldest of them was created, UTC; None if that is not known."""


@dataclass(frozen=True)
class CreationCounts:
    """How many jobs were created in each quarter of an hour."""

    jobs: Counter[tuple[int | None, State]]
    """By the quarter's number since 1970 on the platform's clock, None without a creation time, and
    the state the jobs are in now."""
    floor: int
    """Only jobs from this id on were counted; 0: all."""
    bound: Bound | None
    """None if all were counted."""

    def has_all_since(self, order: CreationOrder, moment: datetime) -> bool:
        """Return whether all jobs created since a naive time are known to be counted."""
        if not self.bound:
            return True
        known = order.known
        if known is None or known.first_since(str(moment)) < self.floor:
            return False
        return bool((known.strays_since(str(moment)) >= self.floor).all())


@dataclass(frozen=True)
class _Slice:
    """Jobs of some ids."""

    where: list[ColumnElement[bool]]
    first: int
    end: int
    jobs: int
    id_sum: float

    @property
    def is_dense(self) -> bool:
        return self.jobs * DENSE >= self.end - self.first


def quarter_of(moment: datetime) -> int:
    """Return the number of the quarter of an hour of a naive time on the platform's clock."""
    return int((moment - datetime(1970, 1, 1)).total_seconds() // QUARTER_SECONDS)  # noqa: DTZ001 - naive, too


def created_quarter() -> ColumnElement[int]:
    """Return the number of the quarter of an hour in which a job was created."""
    return whole_quotient(seconds_since_1970(object_.c.created_at), QUARTER_SECONDS)


def count_created(
    connection: Connection, database: Database, order: CreationOrder, start: datetime | None
) -> CreationCounts:
    """Return how many jobs were created since an aware time, or at all, of the newest MOST_JOBS.

    Raises what the database driver raises, inside `Database.reading`.
    """
    moment = None if start is None else to_platform(start, database.timezone)
    statuses = connection.execute(select(job.c.status_id).distinct()).scalars().all()
    lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
    strays: list[int] = []
    if moment is not None and lowest is not None and (known := order.known):
        first = known.first_since(str(moment))
        strays = [each for each in known.strays_since(str(moment)).tolist() if each < first]
        lowest = max(lowest, first)
    counts: Counter[tuple[int | None, State]] = Counter()
    looked_at, floor = 0, (highest or 0) + 1
    for some in _slices(connection, statuses, lowest or 0, floor):
        if looked_at >= MOST_JOBS:
            break
        counts += _counted(connection, statuses, some, moment)
        looked_at, floor = looked_at + some.jobs, some.first
    bound = None
    if lowest is not None and floor > lowest:
        oldest = select(func.min(job.c.id)).where(job.c.id >= floor)
        bound = bound_of(connection, database, looked_at, connection.execute(oldest).scalar_one())
    elif strays:
        counts += _looked_up(connection, statuses, [job.c.id.in_(strays)], moment)
    return CreationCounts(counts, floor if bound else 0, bound)


def bound_of(connection: Connection, database: Database, jobs: int, oldest: int) -> Bound:
    """Return the bound that covers a number of jobs, given the id of the oldest."""
    created = connection.execute(select(object_.c.created_at).where(object_.c.id == oldest)).scalar()
    return Bound(jobs, times.utc(created, database.timezone))


def _slices(
    connection: Connection, statuses: Sequence[int | None], lowest: int, end: int
) -> Iterator[_Slice]:
    """Return the jobs by slices of their ids, the newest first."""
    width = SLICE_IDS
    while end > lowest:
        first = max(end - width, lowest)
        where = [job.c.id >= first, job.c.id < end]
        # Each status is named, so that the index on the status serves both conditions.
        counted = select(func.count(), _sum_of(job.c.id)).where(_has_status(statuses), *where)
        jobs, id_sum = connection.execute(counted).one()
        some = _Slice(where, first, end, jobs, id_sum or 0)
        if some.jobs > SLICE_IDS and width > SLICE_IDS:
            width = SLICE_IDS
            continue
        width = SLICE_IDS if some.is_dense else width * WIDER
        yield some
        end = first


def _counted(
    connection: Connection, statuses: Sequence[int | None], some: _Slice, moment: datetime | None
) -> Counter[tuple[int | None, State]]:
    """Return how many jobs of a slice were created since a time, by quarter and state."""
    if not some.jobs:
        return Counter()
    if not some.is_dense:
        return _looked_up(connection, statuses, some.where, moment)
    quarter = created_quarter()
    if moment is not None:
        quarter = case((object_.c.created_at >= moment, quarter))
    records = connection.execute(
        select(quarter.label("quarter"), func.count(), _sum_of(object_.c.id))
        .where(object_.c.class_name == JOB_CLASS, object_.c.id >= some.first, object_.c.id < some.end)
        .group_by("quarter")
    ).all()
    if [sum(row[of] for row in records) for of in (1, 2)] != [some.jobs, some.id_sum]:
        return _looked_up(connection, statuses, some.where, moment)
    others = [status for status in statuses if status != COMPLETED]
    counts = _looked_up(connection, others, some.where, moment)
    not_completed: Counter[int | None] = Counter()
    for (number, _), jobs in counts.items():
        not_completed[number] += jobs
    for number, jobs, _ in records:
        if moment is None or number is not None:
            counts[number, State.COMPLETED] += jobs - not_completed[number]
    return counts


def _looked_up(
    connection: Connection,
    statuses: Sequence[int | None],
    where: Sequence[ColumnElement[bool]],
    moment: datetime | None,
) -> Counter[tuple[int | None, State]]:
    """Return the same of the jobs that have some statuses and meet some conditions, each by its id."""
    finished = [status for status in statuses if status in FINISHED_IDS]
    others = [status for status in statuses if status not in FINISHED_IDS]
    since = [] if moment is None else [object_.c.created_at >= moment]
    counts: Counter[tuple[int | None, State]] = Counter()
    # The state of a finished job is in the index on the status; that of another one needs its row.
    for which, ended in ((finished, false()), (others, job.c.completed_at.is_not(None))):
        if not which:
            continue
        quarter = created_quarter().label("quarter")
        rows = connection.execute(
            select(quarter, job.c.status_id, ended.label("ended"), func.count())
            .select_from(with_object())
            .where(_has_status(which), *where, *since)
            .group_by("quarter", job.c.status_id, "ended")
        )
        for number, status, has_ended, jobs in rows:
            counts[number, state_of(status, bool(has_ended))] += jobs
    return counts


def _sum_of(ids: ColumnElement[int]) -> ColumnElement[float]:
    """Return the sum of ids as a float: exact up to 2 ** 53, and faster than the decimals of MySQL."""
    return func.sum(ids.op("+")(literal_column("0e0")), type_=Float)


def _has_status(statuses: Sequence[int | None]) -> ColumnElement[bool]:
    return or_(
        job.c.status_id.in_([status for status in statuses if status is not None]),
        *([job.c.status_id.is_(None)] if None in statuses else []),
    )
