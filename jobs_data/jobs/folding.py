"""Noise folding: consecutive jobs of the same name and outcome become one line of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, select

from jobs_data.jobs.paging import OrderedJobs
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, ListView
from jobs_data.platform import values
from jobs_data.platform.status import State, state_of
from jobs_data.platform.tables import job

FEWEST_JOBS: Final = 3
"""Fewer in a row are shown as they are: a line for two would save little and hide one."""

PAGE_JOBS: Final = 20_000
"""How many jobs a page folds at most: it then has fewer lines, and the next page goes on from there."""

MOST_AT_ONCE: Final = 4_000

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Folded:
    """A page of lines, in the order of the list."""

    lines: list[Ids]
    """The ids of the jobs that each line stands for."""
    newer: int | None
    """The job before which the page before this one ends, None where this is the first."""
    older: int | None
    """The job behind which the next page begins, None where this is the last."""


@dataclass(frozen=True)
class _Job:
    id: int
    name: str
    state: State


def fold(connection: Connection, jobs: OrderedJobs, view: ListView, first: Sequence[int]) -> Folded:
    """Return a view's page of lines; `first` are the ids with which its list begins.

    A page begins behind `view.after` or ends before `view.before`; without either it is the first.
    """
    lines = view.limit or DEFAULT_PAGE_SIZE
    if view.before is not None:
        before = view.before
        found, has_more = _lines(
            connection, lambda after, n: jobs.following(after or before, n, backwards=True), lines
        )
        if has_more:
            in_order = [line[::-1] for line in reversed(found)]
            return Folded(in_order, in_order[0][0], in_order[-1][-1])
        view = replace(view, before=None, after=None)  # it is the first, and may have room for more
    start = view.after

    def read(after: int | None, n: int) -> list[int]:
        if after is None and start is None:
            return list(first[:n])
        return jobs.following(after or start or 0, n)

    found, has_more = _lines(connection, read, lines)
    if not found and start is not None:  # the jobs that there were behind it are gone
        return fold(connection, jobs, replace(view, after=None), first)
    return Folded(
        found,
        newer=found[0][0] if start is not None and found else None,
        older=found[-1][-1] if has_more else None,
    )


def _lines(
    connection: Connection, read: Callable[[int | None, int], list[int]], wanted: int
) -> tuple[list[Ids], bool]:
    """Return so many lines, and whether there is more; `read` gives the ids behind one."""
    jobs: list[_Job] = []
    size = wanted * 2
    while True:
        ids = read(jobs[-1].id if jobs else None, size)
        has_more = len(ids) == size
        jobs += _read(connection, ids)
        runs = [
            tuple(job.id for job in run)
            for _, run in groupby(jobs, key=lambda job: (job.name, job.state))
        ]
        # The last run may go on among the jobs that have not been read.
        sure = _in_lines(runs[:-1])
        if len(sure) >= wanted:
            return sure[:wanted], True
        if not has_more or len(jobs) >= PAGE_JOBS:
            lines = _in_lines(runs)
            return lines[:wanted], has_more or len(lines) > wanted
        size = min(2 * size, MOST_AT_ONCE)


def _in_lines(runs: Sequence[Ids]) -> list[Ids]:
    lines: list[Ids] = []
    for run in runs:
        lines += [run] if len(run) >= FEWEST_JOBS else [(job_id,) for job_id in run]
    return lines


def _read(connection: Connection, ids: Sequence[int]) -> list[_Job]:
    has_ended = job.c.completed_at.is_not(None)
    rows = connection.execute(
        select(job.c.id, job.c.name, job.c.status_id, has_ended).where(job.c.id.in_(ids))
    )
    by_id = {
        job_id: _Job(job_id, values.name_called(name), state_of(status_id, bool(ended)))
        for job_id, name, status_id, ended in rows
    }
    return [by_id[i] for i in ids if i in by_id]
