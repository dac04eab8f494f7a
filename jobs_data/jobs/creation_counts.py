"""How many jobs were created when, and their states: counted in slices of ids, the newest first.

A creation time lies in `object`, where looking up a job takes ten times as long as reading the next
record. So among ids that are mostly those of completed jobs, all records of jobs are counted by their
time, and only the other jobs are looked up: the remaining records are the completed ones. Number and
sum of the ids show that records and jobs are the same; else all jobs are looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    case,
    func,
    literal_column,
    or_,
    select,
    true,
)

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import seconds_since_1970, whole_quotient
from jobs_data.platform.id_lists import allow_lists, parse_list
from jobs_data.platform.status import COMPLETED, ERROR, FINISHED_IDS, State, is_in, state_of
from jobs_data.platform.tables import JOB_CLASS, job, object_
from jobs_data.platform.times import to_platform

QUARTER_SECONDS: Final = 900
"""Every time zone of today is some quarters of an hour from UTC, so that a day begins with one."""

MOST_JOBS: Final = 2_000_000
"""How many jobs are counted, the newest: some seconds' work."""

SLICE_IDS: Final = 2**20
"""How many ids one statement is about; more where few of them are those of jobs (see WIDER)."""

WIDER: Final = 8
DENSE: Final = 8
"""All records are read where at least one id in DENSE is a completed job's."""

_NO_QUARTER: Final = -(2**40)
"""Stands for none in a list of numbers."""

_Groups = list[tuple[int | None, State, int]]
"""The quarter of an hour, None without one, the state, and how many jobs."""


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
    """Some ids, and how many completed jobs have one of them."""

    first: int
    end: int
    completed: int
    id_sum: float

    @property
    def is_dense(self) -> bool:
        return self.completed * DENSE >= self.end - self.first


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
    quarter = created_quarter()
    if moment is not None:
        quarter = case((object_.c.created_at >= moment, quarter))
    statuses = connection.execute(select(job.c.status_id).distinct()).scalars().all()
    lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
    strays: list[int] = []
    if moment is not None and lowest is not None and (known := order.known):
        first = known.first_since(str(moment))
        strays = [each for each in known.strays_since(str(moment)).tolist() if each < first]
        lowest = max(lowest, first)
    allow_lists(connection)
    groups: _Groups = []
    looked_at, floor, width = 0, (highest or 0) + 1, SLICE_IDS
    while lowest is not None and floor > lowest and looked_at < MOST_JOBS:
        some = _slice(connection, max(floor - width, lowest), floor)
        if some.completed > SLICE_IDS and width > SLICE_IDS:
            width = SLICE_IDS
            continue
        counted = _counted(connection, statuses, some, quarter)
        groups += counted
        jobs, ids = _jobs_of(counted), some.end - some.first
        looked_at, floor = looked_at + jobs, some.first
        width = SLICE_IDS if jobs * DENSE >= ids else width * WIDER
    bound = None
    if lowest is not None and floor > lowest:
        oldest = select(func.min(job.c.id)).where(job.c.id >= floor)
        bound = bound_of(connection, database, looked_at, connection.execute(oldest).scalar_one())
    elif strays:
        groups += _looked_up(connection, statuses, [job.c.id.in_(strays)], quarter)[0]
    counts: Counter[tuple[int | None, State]] = Counter()
    for number, state, jobs in groups:
        if moment is None or number is not None:
            counts[number, state] += jobs
    return CreationCounts(+counts, floor if bound else 0, bound)


def bound_of(connection: Connection, database: Database, jobs: int, oldest: int) -> Bound:
    """Return the bound that covers a number of jobs, given the id of the oldest."""
    created = connection.execute(select(object_.c.created_at).where(object_.c.id == oldest)).scalar()
    return Bound(jobs, times.utc(created, database.timezone))


def _slice(connection: Connection, first: int, end: int) -> _Slice:
    """Return the ids from the first one on, before the end."""
    # Of one status alone: for several the server would read the rows of the jobs, not the index.
    counted = select(func.count(), _sum_of(job.c.id)).where(is_in(State.COMPLETED))
    completed, id_sum = connection.execute(counted.where(*_among(first, end))).one()
    return _Slice(first, end, completed, id_sum or 0)


def _counted(
    connection: Connection, statuses: Sequence[int | None], some: _Slice, quarter: ColumnElement[int]
) -> _Groups:
    """Return how many jobs of a slice were created when, by their states."""
    where = _among(some.first, some.end)
    others, id_sum = _looked_up(
        connection, [status for status in statuses if status != COMPLETED], where, quarter
    )
    if some.is_dense:
        records = select(quarter.label("quarter"), true().label("ended"), *_numbers(object_.c.id))
        of_slice = object_.c.id >= some.first, object_.c.id < some.end
        records = records.where(object_.c.class_name == JOB_CLASS, *of_slice)
        created, sum_created = _grouped(connection, records, COMPLETED)
        jobs = some.completed + _jobs_of(others)
        if (_jobs_of(created), sum_created) == (jobs, some.id_sum + id_sum):
            not_completed = [(number, State.COMPLETED, -jobs) for number, _, jobs in others]
            return others + created + not_completed
    return others + _looked_up(connection, [COMPLETED], where, quarter)[0]


def _looked_up(
    connection: Connection,
    statuses: Sequence[int | None],
    where: Sequence[ColumnElement[bool]],
    quarter: ColumnElement[int],
) -> tuple[_Groups, float]:
    """Return the same of the jobs that have some statuses and meet some conditions, each by its id.

    And the sum of their ids.
    """
    groups: _Groups = []
    id_sum = 0.0
    unfinished = [status for status in statuses if status not in FINISHED_IDS]
    # The state of a finished job is in the index on the status; that of another one needs its row.
    for which in ([COMPLETED], [ERROR], unfinished):
        if not which or which[0] not in statuses:
            continue
        ended = job.c.completed_at.is_not(None) if which is unfinished else true()
        jobs = select(quarter.label("quarter"), ended.label("ended"), *_numbers(job.c.id))
        jobs = jobs.select_from(with_object()).where(_has_status(which), *where)
        found, ids = _grouped(connection, jobs, which[0])
        groups, id_sum = groups + found, id_sum + ids
    return groups, id_sum


def _grouped(
    connection: Connection, jobs: Select[int, bool, int, float], status: int | None
) -> tuple[_Groups, float]:
    """Return jobs by their `quarter` and whether they have `ended`, and the sum of their ids.

    As lists in one row: drivers are slow for each row.
    """
    groups = jobs.group_by("quarter", "ended").subquery("groups").c
    lists = (func.coalesce(groups.quarter, _NO_QUARTER), groups.ended, groups.jobs)
    row = connection.execute(
        select(func.count(), func.sum(groups.ids), *map(func.group_concat, lists))
    ).one()
    numbers, ended, counts = (parse_list(each, row[0]).tolist() for each in row[2:])
    found = [
        (None if number == _NO_QUARTER else number, state_of(status, has_ended=bool(each)), count)
        for number, each, count in zip(numbers, ended, counts, strict=True)
    ]
    return found, row[1] or 0.0


def _numbers(ids: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[float]]:
    return func.count().label("jobs"), _sum_of(ids).label("ids")


def _jobs_of(groups: _Groups) -> int:
    return sum(jobs for *_, jobs in groups)


def _among(first: int, end: int) -> list[ColumnElement[bool]]:
    return [job.c.id >= first, job.c.id < end]


def _sum_of(ids: ColumnElement[int]) -> ColumnElement[float]:
    """Return the sum of ids as a float: exact up to 2 ** 53, and faster than the decimals of MySQL."""
    return func.sum(ids.op("+")(literal_column("0e0")), type_=Float)


def _has_status(statuses: Sequence[int | None]) -> ColumnElement[bool]:
    return or_(
        job.c.status_id.in_([status for status in statuses if status is not None]),
        *([job.c.status_id.is_(None)] if None in statuses else []),
    )
