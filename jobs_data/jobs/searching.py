"""Searches for the jobs of a filter, in the background, from the newest id down.

A search reads slices of ids, each in its own short transaction. Searches take turns, so that each one
soon has its newest hits, however many there are. All sessions share a search. One that has ended is
read again, slice by slice, when it is asked for later; until then it shows what it knew.
"""

from __future__ import annotations

import heapq
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
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
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.platform.id_lists import Ids, allow_lists, parse_list
from jobs_data.platform.status import State, is_in
from jobs_data.platform.tables import job

SEARCH_SECONDS: Final = 60
"""How long the database may be busy with one search; then it ends, and says how far it got."""

WANTED_SECONDS: Final = 15
"""How long a search goes on after it was last asked for."""

FRESH_SECONDS: Final = 2
"""A search that has ended is read again if it is asked for later than this."""

PAUSE_TIMES: Final = 4
"""How many times as long as a search took it is not read again, except for its newest hits."""

FEW_JOBS: Final = 1_000
"""How many of the newest hits in each state a search keeps."""

FIRST_SLICE_IDS: Final = 2_000
MOST_SLICE_IDS: Final = 200_000
"""How many ids a slice may have: a list of all of them is shorter than 2 MB."""

SLICE_SECONDS: Final = 0.15
"""How long a slice should take: the next one has more ids or fewer."""

MOST_SLICE_SECONDS: Final = 3
"""A slice that takes longer is read again with fewer ids."""

HEAD_START_SECONDS: Final = 0.1
"""How long a search that begins goes before those that have had as much."""

ALONE_SECONDS: Final = 5
"""How long a search in one transaction may take."""

THREADS: Final = 2
MOST_SEARCHES: Final = 100
BEYOND_ALL_IDS: Final = 2**31
NO_IDS: Final[Ids] = np.empty(0, np.int64)


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
    """What a search found among the ids from one on, up to the slice before it."""

    low: int
    """0: it is the last slice."""
    jobs: int
    """How many jobs it has; not counted in the last slice."""
    hits: Mapping[State, int]
    ids: Mapping[State, Ids]
    """The newest hits, the largest id first, at most FEW_JOBS; empty once FEW_JOBS are known."""


class _Search:
    """One search: its slices, newest first, which it reads in passes."""

    def __init__(self, database: Database, order: CreationOrder, job_filter: JobFilter) -> None:
        self._database = database
        self._order = order
        self.filter = job_filter
        self._now = datetime.now(UTC)
        self._slices: list[_Slice] = []
        self._size = FIRST_SLICE_IDS
        self._lowest = 0
        self._whole_ended, self._whole_seconds = -math.inf, 0.0
        self.changes = database.changes
        self.has_ended = False
        """Whether a pass has come to its end: what is known then is whole, or ends at a limit."""
        self.is_queued = False
        self.wanted_until = 0.0
        self.error: BaseException | None = None
        self.begin()

    def begin(self) -> None:
        """Begin a pass over all slices, or soon after one over those with the newest hits."""
        self._at = 0
        self._size = self._size or FIRST_SLICE_IDS
        self.began = monotonic()
        self.seconds = 0.0
        """How long the pass has worked."""
        self.wanted: dict[State | None, int] = {}
        """How many of the newest hits in a state are wanted of the pass."""
        self._is_whole = self.began - self._whole_ended >= PAUSE_TIMES * self._whole_seconds

    def knows(self, state: State | None, wanted: int) -> bool:
        """Return whether the pass has found `wanted` hits in a state, or in any."""
        return _hits(self._slices[: self._at], state) >= min(wanted, FEW_JOBS)

    @property
    def is_over(self) -> bool:
        """Return whether the pass has come to its end."""
        is_last = self._at > 0 and not self._slices[self._at - 1].low
        if is_last or not self._size or self.seconds >= SEARCH_SECONDS:
            return True
        if self._is_whole:
            return False
        return self.has_had_start or all(self.knows(*each) for each in self.wanted.items())

    @property
    def has_had_start(self) -> bool:
        """Return whether the pass has worked for its head start."""
        return self.seconds > HEAD_START_SECONDS

    def prepare(self, now: datetime | None = None) -> None:
        """Read what the conditions need: not within a transaction, because that may need another."""
        if self.filter.alive:
            ids_in_set(self._database, self.filter.alive)
        if not self._at:
            self._now = now or datetime.now(UTC)

    def read(self, connection: Connection) -> _Slice | None:
        """Return the next slice, or None if that takes too long. Raises what the driver raises."""
        with suppress(TookTooLong), translated_errors():
            return self._read(connection)
        return None

    def _read(self, connection: Connection) -> _Slice:
        floor = self._slices[self._at - 1].low if self._at else self.filter.below or BEYOND_ALL_IDS
        near = created_near(self.filter, self._database, self._now, self._order)
        below = floor
        if not self._at:
            edges = select(func.min(job.c.id), func.max(job.c.id)).where(job.c.id < floor, *near)
            self._lowest, highest = (edge or 0 for edge in connection.execute(edges).one())
            below = highest + 1
        low = self._slices[self._at].low if self._at < len(self._slices) else below - self._size
        if low <= self._lowest or self.filter.alive:  # few jobs are active, found by their status
            low = 0
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
            state: np.sort(parse_list(text, hits[state]))[::-1][:FEW_JOBS].copy()  # not a view of all
            for state, text in zip(listed, values[len(State) :], strict=True)
        }
        jobs = 0
        if low:
            counted = select(func.count()).where(job.c.id.between(low, floor - 1))
            jobs = connection.execute(counted).scalar_one()
        return _Slice(low, jobs, hits, ids)

    def take(self, slice_: _Slice | None, seconds: float) -> None:
        """Note what was read, or that it took too long, and how long; choose the next slice's size."""
        self.seconds += seconds
        if slice_ is None:
            del self._slices[self._at :]
            self.has_ended, self._is_whole = False, True
            self._size //= 4
            return
        is_new = self._at == len(self._slices)
        self._slices[self._at : self._at + 1] = [slice_]
        self._at += 1
        if is_new:
            fitting = int(self._size * SLICE_SECONDS / max(seconds, 0.001))
            smallest, largest = max(1, self._size // 4), min(MOST_SLICE_IDS, self._size * 4)
            self._size = min(max(fitting, smallest), largest)

    def end(self) -> None:
        """Note that the pass is over."""
        self.has_ended = True
        if self._is_whole:
            self._whole_ended, self._whole_seconds = monotonic(), self.seconds

    def result(self, state: State | None) -> SearchResult:
        """Return what is known, with the ids of hits in a state, or in any."""
        slices = self._slices
        counts = Counts(
            total=_hits(slices, None),
            active=_hits(slices, State.ACTIVE),
            completed=_hits(slices, State.COMPLETED),
            failed=_hits(slices, State.FAILED),
        )
        ids = self._newest(State if state is None else [state])
        has_all = len(ids) == _hits(slices, state)
        if slices and not slices[-1].low:
            return SearchResult(counts, None, None, ids, self.has_ended, has_all)
        floor = slices[-1].low if slices else self.filter.below or BEYOND_ALL_IDS
        jobs = sum(each.jobs for each in slices)
        return SearchResult(counts, floor, jobs, ids, self.has_ended, has_all)

    def _newest(self, states: Iterable[State]) -> tuple[int, ...]:
        """Return the newest hits in some states, down to the first that is not kept."""
        since, found = 0, [NO_IDS]
        for state in states:
            lowest = BEYOND_ALL_IDS
            for each in self._slices:
                ids = each.ids.get(state, NO_IDS)
                found.append(ids)
                if len(ids) < each.hits[state]:
                    since = max(since, int(ids[-1]) if len(ids) else lowest)
                    break
                lowest = each.low
        newest = np.sort(np.concatenate(found))[::-1]
        return tuple(newest[newest >= since][:FEW_JOBS].tolist())


def _hits(slices: Iterable[_Slice], state: State | None) -> int:
    """Return how many hits some slices have in a state, or in any."""
    return sum(sum(each.hits.values()) if state is None else each.hits[state] for each in slices)


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

    def latest(self, job_filter: JobFilter, wanted: int, seconds: float) -> SearchResult:
        """Return what the search for a filter's jobs has found so far, at most some seconds ago.

        It begins or continues the search, and waits until that knows `wanted` of the newest jobs in
        the filter's state, has ended, or `seconds` are over. The search goes on for WANTED_SECONDS
        after the last such call, and until it has worked for SEARCH_SECONDS. It always includes this
        process's own changes. Raises DatabaseUnavailable.
        """
        deadline, state = monotonic() + seconds, job_filter.state
        with self._changed:
            search = self._wanted(job_filter.in_any_state)
            search.wanted_until = deadline + WANTED_SECONDS
            search.wanted[state] = max(wanted, search.wanted.get(state, 0))
            self._changed.wait_for(
                lambda: not search.is_queued or search.knows(state, wanted), max(0.0, seconds)
            )
            if search.error:
                if self._searches.get(search.filter) is search:
                    del self._searches[search.filter]
                raise search.error
            return search.result(state)

    def close(self) -> None:
        """End all searches and wait for the slices that are being read. Later calls start new ones."""
        with self._changed:
            pool, self._pool = self._pool, None
            self._searches.clear()
        if pool:
            pool.shutdown()

    def _wanted(self, job_filter: JobFilter) -> _Search:
        """Return a filter's search, which reads or has read a moment ago."""
        now = monotonic()
        search = self._searches.get(job_filter)
        is_late = search is not None and search.error and search.wanted_until < now
        if search is None or is_late or search.changes < self._database.changes:
            search = self._searches[job_filter] = _Search(self._database, self._order, job_filter)
            self._queue(search)
        elif not search.is_queued and not search.error and now - search.began > FRESH_SECONDS:
            search.begin()
            self._queue(search)
        self._searches.move_to_end(job_filter)
        if len(self._searches) > MOST_SEARCHES:
            self._searches.popitem(last=False)
        return search

    def _queue(self, search: _Search) -> None:
        """Give a search a turn: a new one before the others, else behind them."""
        search.is_queued = True
        heapq.heappush(self._turns, (search.has_had_start, next(self._number), search))
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
        with suppress(RuntimeError):  # no thread is available now
            self._pool.submit(self._take_turn)

    def _take_turn(self) -> None:
        """Read a slice of the search whose turn it is."""
        with self._changed:
            *_, search = heapq.heappop(self._turns)
            if not self._goes_on(search):
                search.is_queued = False
                self._changed.notify_all()
                return
        began = monotonic()
        try:
            search.prepare()
            with self._database.reading(MOST_SLICE_SECONDS) as connection:
                slice_ = search.read(connection)
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            with self._changed:
                search.error, search.is_queued = error, False
                self._changed.notify_all()
            return
        with self._changed:
            search.take(slice_, monotonic() - began)
            search.is_queued = False
            if search.is_over:
                search.end()
            elif self._goes_on(search):
                self._queue(search)
            self._changed.notify_all()

    def _goes_on(self, search: _Search) -> bool:
        """Return whether a search is wanted; forget what is known in part of one that is not."""
        if self._searches.get(search.filter) is not search:
            return False
        if search.wanted_until < monotonic():
            if not search.has_ended:
                del self._searches[search.filter]
            return False
        return True


def search(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    now: datetime,
    order: CreationOrder,
) -> SearchResult:
    """Return the result of a search in one transaction, which stops after ALONE_SECONDS.

    Dates are relative to `now`.
    Raises what the driver raises.
    """
    found = _Search(database, order, job_filter.in_any_state)
    found.prepare(now)
    while not found.is_over and found.seconds < ALONE_SECONDS:
        began = monotonic()
        slice_ = found.read(connection)
        found.take(slice_, monotonic() - began)
    found.end()
    return found.result(job_filter.state)
