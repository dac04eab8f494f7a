"""Groups repeated jobs: several in a row with the same name and status become one line.

Failed jobs, completed ones with errors, and jobs with a result always have a line of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, select

from jobs_data.jobs.paging import OrderedJobs
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, ListView
from jobs_data.jobs.where import WITH_ERRORS, has_result, ids_in_set
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.status import State, state_of
from jobs_data.platform.tables import job

FEWEST_JOBS: Final = 3
"""Fewer in a row are not grouped: a line for two would save little and hide one."""

PAGE_JOBS: Final = 20_000
"""The most jobs that a page groups: beyond that it has fewer lines, and the next page continues."""

MOST_AT_ONCE: Final = 4_000

Ids = tuple[int, ...]

_Kind = tuple[str, State] | int
"""What the jobs of a line have in common: name and status, or the id of a single job."""


@dataclass(frozen=True)
class Folded:
    """A page of lines, in the order of the list."""

    lines: list[Ids]
    """The ids of the jobs that each line stands for."""
    newer: int | None
    """The job before which the previous page ends, None on the first page."""
    older: int | None
    """The job after which the next page begins, None on the last page."""


def fold(
    connection: Connection,
    database: Database,
    jobs: OrderedJobs,
    view: ListView,
    first: Sequence[int],
) -> Folded:
    """Return a view's page of lines; `first` are the ids with which its list begins.

    A page begins after `view.after` or ends before `view.before`; without either it is the first.
    """
    wanted = view.limit or DEFAULT_PAGE_SIZE
    alone = set(ids_in_set(database, WITH_ERRORS))

    def lines(read: Callable[[int | None, int], Sequence[int]]) -> tuple[list[Ids], bool]:
        return _lines(connection, read, wanted, alone)

    if view.before is not None:
        before = view.before
        found, has_more = lines(lambda after, n: jobs.following(after or before, n, backwards=True))
        if has_more:
            in_order = [line[::-1] for line in reversed(found)]
            return Folded(in_order, in_order[0][0], in_order[-1][-1])
        # It is the first, and may have room for more.
    elif view.after is not None:
        start = view.after
        found, has_more = lines(lambda after, n: jobs.following(after or start, n))
        if found:  # else the jobs after it have been deleted
            return Folded(found, found[0][0], found[-1][-1] if has_more else None)
    found, has_more = lines(lambda after, n: jobs.following(after, n) if after else first[:n])
    return Folded(found, None, found[-1][-1] if has_more else None)


def _lines(
    connection: Connection,
    read: Callable[[int | None, int], Sequence[int]],
    wanted: int,
    alone: Set[int],
) -> tuple[list[Ids], bool]:
    """Return the first lines, and whether there are more.

    `read` returns the ids after one; the jobs in `alone` have a line of their own.
    """
    kinds: dict[int, _Kind] = {}
    size = wanted * 2
    while True:
        ids = read(next(reversed(kinds), None), size)
        has_more = len(ids) == size
        found = _kinds(connection, ids)
        kinds |= {i: i if i in alone else found[i] for i in ids if i in found}
        runs = [tuple(run) for _, run in groupby(kinds, key=kinds.__getitem__)]
        # The last run may continue among the jobs not read yet.
        sure = _in_lines(runs[:-1])
        if len(sure) >= wanted:
            return sure[:wanted], True
        if not has_more or len(kinds) >= PAGE_JOBS:
            lines = _in_lines(runs)
            return lines[:wanted], has_more or len(lines) > wanted
        size = min(2 * size, MOST_AT_ONCE)


def _in_lines(runs: Sequence[Ids]) -> list[Ids]:
    lines: list[Ids] = []
    for run in runs:
        lines += [run] if len(run) >= FEWEST_JOBS else [(job_id,) for job_id in run]
    return lines


def _kinds(connection: Connection, ids: Sequence[int]) -> dict[int, _Kind]:
    """Return the kind of each job that exists, by its id."""
    has_ended = job.c.completed_at.is_not(None)
    asked = select(job.c.id, job.c.name, job.c.status_id, has_ended, has_result())
    return {
        job_id: job_id
        if with_result or (state := state_of(status_id, bool(ended))) is State.FAILED
        else (values.name_called(name), state)
        for job_id, name, status_id, ended, with_result in connection.execute(
            asked.where(job.c.id.in_(ids))
        )
    }
