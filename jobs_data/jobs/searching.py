"""Searches for the jobs of a filter, in the background, from the newest id down.

A search reads slices of jobs, each in its own short transaction. Searches take turns, so that each one
soon has its newest hits, however many there are. All sessions share a search. One that has ended is
read again from the newest slice on when it is asked for later; until then it shows its last result.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, case, func, select

from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import JobFilter
from jobs_data.jobs.where import created_near, ids_in_set, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong
from jobs_data.platform.id_lists import Ids, allow_lists, parse_list
from jobs_data.platform.status import State, is_in
from jobs_data.platform.tables import job

SEARCH_SECONDS: Final = 60
"""How long the database may be busy with one search; then it ends, and says how far it got."""

WANTED_SECONDS: Final = 15
"""How long a search goes on after it was last asked for."""

FRESH_SECONDS: Final = 2
"""A search that has ended, or that nobody wanted for a while, is read again if it is asked for later
than this."""

PAUSE_TIMES: Final = 4
"""How many times as long as a search took only its newest slices are read again."""

FEW_JOBS: Final = 1_000
"""How many of the newest hits in each state a search keeps."""

FIRST_SLICE_JOBS: Final = 2_000
MOST_SLICE_JOBS: Final = 200_000
"""How many jobs a slice may have: a list of all their ids is shorter than 4 MB."""

SLICE_SECONDS: Final = 0.15
"""How long a slice should take: the next one has more jobs or fewer."""

MOST_SLICE_SECONDS: Final = 3
"""A slice that takes longer is read again with fewer jobs."""

HEAD_START_SECONDS: Final = 0.1
"""How long a search that begins goes before those that have had as much."""

THREADS: Final = 2
MOST_SEARCHES: Final = 100
"""How many searches of screens are kept, and how many of programs."""

BEYOND_ALL_IDS: Final = 2**31


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


@dataclass(frozen=True)
class _Slice:
    """What a search found among the jobs from an id on, up to the slice before it."""

    low: int
    """0: it is the last slice."""
    jobs: int
    """How many jobs it had when it was new; not known of the last slice."""
    hits: Mapping[State, int]
    ids: Mapping[State, Ids]
    """The newest hits in each state, at most FEW_JOBS; none of a state that has as many newer ones."""

    def count(self, state: State | None) -> int:
        """Return the hits in a state, or in any."""
        return sum(self.hits.values()) if state is None else self.hits[state]

    def newest(self, state: State | None) -> list[int] | None:
        """Return the ids of the newest hits in a state, or in any; None if they are not known."""
        states = tuple(State) if state is None else (state,)
        if not self.ids.keys() >= set(states):
            return None
        ids = np.concatenate([self.ids[each] for each in states])
        newest: list[int] = np.sort(ids)[::-1][:FEW_JOBS].tolist()
        return newest


class _Search:
    """One search: its slices, the newest first, which a pass reads one by one."""

    def __init__(self, database: Database, order: CreationOrder, job_filter: JobFilter) -> None:
        self._database = database
        self._order = order
        self.filter = job_filter
        self.changes = database.changes
        self.is_queued = False
        self.wanted_until = 0.0
        self.is_watched = False
        """Whether one who asked lets it go on, as screens do."""
        self.error: BaseException | None = None
        self._slices: list[_Slice] = []
        self._size = FIRST_SLICE_JOBS
        self._has_ended = False
        """Whether a pass has come to its end: what is known then is whole, or ends at a limit."""
        self._pause_ends = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin a pass over all slices, or in a pause over the newest, for HEAD_START_SECONDS."""
        self.began, self._now = monotonic(), datetime.now(UTC)
        self.seconds = 0.0
        """How long the pass has worked."""
        self._at = 0
        self._is_whole = self.began >= self._pause_ends
        self._size = max(1, self._size)

    @property
    def is_over(self) -> bool:
        """Return whether the pass has come to its end."""
        is_last = self._at > 0 and not self._slices[self._at - 1].low
        most = SEARCH_SECONDS if self._is_whole else HEAD_START_SECONDS
        return is_last or not self._size or self.seconds > most

    def knows(self, state: State | None, wanted: int) -> bool:
        """Return whether the pass has found `wanted` hits in a state, or in any."""
        return sum(each.count(state) for each in self._slices[: self._at]) >= min(wanted, FEW_JOBS)

    def read(self) -> _Slice | None:
        """Return the next slice, or None if that takes too long. Raises DatabaseUnavailable."""
        if self.filter.alive:
            ids_in_set(self._database, self.filter.alive)  # it may need a transaction of its own
        with suppress(TookTooLong), self._database.reading(MOST_SLICE_SECONDS) as connection:
            return self._read(connection)
        return None

    def _read(self, connection: Connection) -> _Slice:
        floor = self._slices[self._at - 1].low if self._at else self.filter.below or BEYOND_ALL_IDS
        near = created_near(self.filter, self._database, self._now, self._order)
        if self._at < len(self._slices):
            low, jobs = self._slices[self._at].low, self._slices[self._at].jobs
        elif self.filter.alive:  # few jobs are active, found by their status
            low = jobs = 0
        else:
            below = select(job.c.id).where(job.c.id < floor, *near).order_by(job.c.id.desc())
            following = connection.execute(below.limit(1).offset(self._size)).scalar()
            low, jobs = (0, 0) if following is None else (following + 1, self._size)
        where = matching(self.filter, self._database, self._now, (low, floor - 1))
        listed = [state for state in State if not self.knows(state, FEW_JOBS)]
        found = select(
            *(func.count(case((is_in(state), 1))) for state in State),
            *(func.group_concat(case((is_in(state), job.c.id))) for state in listed),
        )
        allow_lists(connection)
        row = connection.execute(found.select_from(job).where(*where, *near)).one()
        values: list[Any] = list(row)
        hits = dict(zip(State, values, strict=False))
        ids = {
            state: np.sort(parse_list(text, hits[state]))[-FEW_JOBS:].copy()  # not a view of all
            for state, text in zip(listed, values[len(State) :], strict=True)
        }
        return _Slice(low, jobs, hits, ids)

    def take(self, slice_: _Slice | None, seconds: float) -> None:
        """Note what was read, or that it took too long, and how long; choose the next slice's size."""
        self.seconds += seconds
        if slice_ is None:
            del self._slices[self._at :]
            self._has_ended, self._is_whole = False, True
            self._size //= 4
        else:
            if self._at == len(self._slices):
                fitting = int(self._size * SLICE_SECONDS / max(seconds, 0.001))
                fitting = max(fitting, self._size // 4, 1)
                self._size = min(fitting, self._size * 4, MOST_SLICE_JOBS)
            self._slices[self._at : self._at + 1] = [slice_]
            self._at += 1
        if self.is_over:
            self._has_ended = True
            if self._is_whole:
                self._pause_ends = monotonic() + PAUSE_TIMES * self.seconds

    def result(self, state: State | None) -> SearchResult:
        """Return what is known, with the ids of hits in a state, or in any."""
        slices = self._slices
        total, active, completed, failed = (
            sum(each.count(which) for each in slices)
            for which in (None, State.ACTIVE, State.COMPLETED, State.FAILED)
        )
        ids: list[int] = []
        for each in slices:
            if len(ids) >= FEW_JOBS or (newest := each.newest(state)) is None:
                break
            ids += newest
        del ids[FEW_JOBS:]
        floor = slices[-1].low if slices else self.filter.below or BEYOND_ALL_IDS
        return SearchResult(
            Counts(total, active, completed, failed),
            floor or None,
            sum(each.jobs for each in slices) if floor else None,
            tuple(ids),
            self._has_ended,
            len(ids) == sum(each.count(state) for each in slices),
        )


class Searches:
    """The searches of one database, shared by the sessions of a process."""

    def __init__(self, database: Database, order: CreationOrder) -> None:
        """Search nothing yet. `order` is what is known of the dates."""
        self._database = database
        self._order = order
        self._searches: OrderedDict[JobFilter, _Search] = OrderedDict()
        self._turns: list[tuple[bool, int, _Search]] = []
        """A heap: who has the next turns."""
        self._number = count()
        self._pool: ThreadPoolExecutor | None = None
        self._changed = threading.Condition()

    def latest(
        self,
        job_filter: JobFilter,
        wanted: int,
        seconds: float,
        *,
        goes_on: bool = True,
    ) -> SearchResult:
        """Return what the search for a filter's jobs has found so far, at most some seconds ago.

        It begins or continues the search, and waits until that knows `wanted` of the newest jobs in
        the filter's state, has ended, or `seconds` are over. If it `goes_on`, it does so for
        WANTED_SECONDS after the last such call, and until it has worked for SEARCH_SECONDS. It always
        includes this process's own changes. Raises DatabaseUnavailable.
        """
        state = job_filter.state
        with self._changed:
            more = WANTED_SECONDS if goes_on else 0
            search = self._wanted(job_filter.in_any_state, monotonic() + seconds + more)
            search.is_watched |= goes_on
            self._keep_few(search)
            self._changed.wait_for(
                lambda: not search.is_queued or search.knows(state, wanted), max(0.0, seconds)
            )
            if search.error:
                raise search.error
            return search.result(state)

    def close(self) -> None:
        """End all searches and wait for the slices that are being read. Later calls start new ones."""
        with self._changed:
            pool, self._pool = self._pool, None
            self._searches.clear()
        if pool:
            pool.shutdown()

    def _wanted(self, job_filter: JobFilter, until: float) -> _Search:
        """Return a filter's search, which reads or has read a moment ago."""
        search = self._searches.get(job_filter)
        if search is None or search.changes < self._database.changes:
            search = self._searches[job_filter] = _Search(self._database, self._order, job_filter)
        elif not search.is_queued and monotonic() - search.began > FRESH_SECONDS:
            search.begin()
        search.wanted_until = max(search.wanted_until, until)  # others may want it for longer
        if not search.is_queued:
            self._queue(search)
        self._searches.move_to_end(job_filter)
        return search

    def _keep_few(self, search: _Search) -> None:
        """Drop the oldest search of the same kind: a program's pages push out none of a screen."""
        alike = [key for key, one in self._searches.items() if one.is_watched is search.is_watched]
        if len(alike) > MOST_SEARCHES:
            del self._searches[alike[0]]

    def _queue(self, search: _Search) -> None:
        """Give a search that goes on a turn: a new one before the others, else behind them."""
        search.is_queued = self._is_wanted(search) and not search.is_over
        if search.is_queued:
            has_had_start = search.seconds > HEAD_START_SECONDS
            heapq.heappush(self._turns, (has_had_start, next(self._number), search))
            self._pool = self._pool or ThreadPoolExecutor(THREADS, thread_name_prefix="search")
            with suppress(RuntimeError):  # no thread is available now
                self._pool.submit(self._take_turn)

    def _is_wanted(self, search: _Search) -> bool:
        return self._searches.get(search.filter) is search and monotonic() <= search.wanted_until

    def _take_turn(self) -> None:
        """Read a slice of the search whose turn it is."""
        with self._changed:
            *_, search = heapq.heappop(self._turns)
            is_wanted = self._is_wanted(search)
        began, slice_ = monotonic(), None
        try:
            slice_ = search.read() if is_wanted else None
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            search.error = error
        with self._changed:
            if search.error and self._searches.get(search.filter) is search:
                del self._searches[search.filter]
            if is_wanted:
                search.take(slice_, monotonic() - began)
            self._queue(search)
            self._changed.notify_all()
