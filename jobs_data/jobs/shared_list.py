"""The cached list that all sessions of a process share: a page is read once in some seconds.

A page is read in its own short transaction. Sessions that want the same page wait for one read and get
its result or its error. All pages of a filter share the counts, which take longest, for some seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.list_page import JobsList, Overview, Snapshot
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.jobs.where import ids_in_set
from jobs_data.platform.database import Database
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.single_flight import WAIT_SECONDS

FRESH_SECONDS: Final = 2
"""Refresh, and a first visit, accept a cached page up to this age."""

COUNTS_SECONDS: Final = 10
"""Pages of the same filter share their counts up to this age."""

QUICK_SECONDS: Final = 0.05
MAX_PAGES: Final = 100
MAX_FILTERS: Final = 50


@dataclass
class _Page:
    """A page that was read or is being read."""

    began: float
    changes: int
    jobs: Future[JobsList] = field(default_factory=Future)


@dataclass(frozen=True)
class _Overview:
    """An overview, when it was requested, and how many changes this process had made by then."""

    began: float
    changes: int
    overview: Overview
    seconds: float
    """How long it took to read them and a page."""


class SharedList:
    """The pages of one database's list and their counts, as last read."""

    def __init__(
        self,
        database: Database,
        order: CreationOrder,
        list_seconds: float = 10,
        outcomes: Outcomes | None = None,
    ) -> None:
        """Read nothing yet. `list_seconds` is the lifetime of a cached page."""
        self._database = database
        self._order = order
        self._outcomes = outcomes
        self._list_seconds = list_seconds
        self._lock = threading.Lock()
        self._pages: OrderedDict[ListView, _Page] = OrderedDict()
        self._overviews: OrderedDict[JobFilter, _Overview] = OrderedDict()

    def read(self, view: ListView, max_age: float | None = None) -> JobsList:
        """Return the page that a view asks for, at most `list_seconds` or `max_age` seconds old.

        It always includes this process's own changes. Raises DatabaseUnavailable.
        """
        self._order.keep_surveyed()
        if self._outcomes:
            self._outcomes.keep_reading()
        now, changes = monotonic(), self._database.changes
        oldest = now - min(self._list_seconds, self._list_seconds if max_age is None else max_age)
        with self._lock:
            page = self._pages.get(view)
            if is_mine := page is None or page.began < oldest or page.changes < changes:
                page = self._pages[view] = _Page(now, changes)
            self._pages.move_to_end(view)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        if is_mine:
            self._read(view, page, oldest)
        try:
            return page.jobs.result(WAIT_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(NO_ANSWER) from None

    def is_quick(self, view: ListView) -> bool:
        """Return whether counts and a page are read so fast that one more read is not noticed."""
        known = self._overviews.get(view.filter.in_any_state)
        return known is not None and known.seconds < QUICK_SECONDS

    def _read(self, view: ListView, page: _Page, oldest: float) -> None:
        """Read a page for all sessions that wait for it; a failure is not cached."""
        try:
            job_filter = view.filter.in_any_state
            shared = self._shared_overview(job_filter, page, oldest)
            if job_filter.alive:
                ids_in_set(self._database, job_filter.alive)  # read now, not within the transaction
            with self._database.reading() as connection:
                snapshot = Snapshot(self._database, connection, self._order, self._outcomes)
                jobs, overview = snapshot.read(view, shared.overview if shared else None)
            if shared and overview is shared.overview:
                page.began = shared.began  # a page is as old as its oldest part
            else:
                seconds = monotonic() - page.began
                self._share(job_filter, _Overview(page.began, page.changes, overview, seconds))
            page.jobs.set_result(jobs)
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            with self._lock:
                if self._pages.get(view) is page:
                    del self._pages[view]
            page.jobs.set_exception(error)

    def _shared_overview(self, job_filter: JobFilter, page: _Page, oldest: float) -> _Overview | None:
        with self._lock:
            known = self._overviews.get(job_filter)
        if known is None or known.changes < page.changes:
            return None
        return known if known.began >= max(oldest, page.began - COUNTS_SECONDS) else None

    def _share(self, job_filter: JobFilter, overview: _Overview) -> None:
        with self._lock:
            self._overviews[job_filter] = overview
            self._overviews.move_to_end(job_filter)
            if len(self._overviews) > MAX_FILTERS:
                self._overviews.popitem(last=False)
