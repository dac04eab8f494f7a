"""The cached list that all sessions of a process share: a page is read once in some seconds.

A page is read in its own short transaction. Sessions that want the same page wait for one read and get
its result or its error. Counts come from the background: no page waits for them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from jobs_data.jobs.counts import Counts, count_together
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.list_page import NOT_COUNTED, JobsList, Overview, Snapshot
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.searching import Searches
from jobs_data.jobs.shared_counts import SharedCounts
from jobs_data.jobs.view import ListView, Sort
from jobs_data.jobs.where import ids_in_set
from jobs_data.platform.database import Database
from jobs_data.platform.engine import READ_SECONDS
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.settings import SHARED_SECONDS
from jobs_data.single_flight import WAIT_SECONDS

FRESH_SECONDS: Final = 2
"""Refresh, and a first visit, accept a cached page up to this age."""

SEARCHING_SECONDS: Final = 0.5
"""A page of a search that goes on is cached for no longer than this."""

HITS_SECONDS: Final = 0.3
"""How long a page waits for the hits of a search."""

QUICK_SECONDS: Final = 0.05
"""A page waits for counts that take no longer than this."""

CHANGE_SECONDS: Final = 0.3
"""As QUICK_SECONDS, where the counts are known to be wrong."""

SORT_SECONDS: Final = 4
"""How long a statement may sort on a server, before fewer jobs are sorted."""

MAX_PAGES: Final = 100


@dataclass
class _Page:
    """A page that was read or is being read."""

    began: float
    changes: int
    jobs: Future[JobsList] = field(default_factory=Future)
    counted: JobsList | None = None
    """The page with the last counts."""

    @property
    def is_searching(self) -> bool:
        """Return whether its search goes on."""
        found = self.jobs.result().found if self.jobs.done() else None
        return found is not None and not found.is_done


class SharedList:
    """The pages of one database's list as last read, and their counts."""

    def __init__(
        self,
        database: Database,
        order: CreationOrder,
        list_seconds: float = SHARED_SECONDS,
        outcomes: Outcomes | None = None,
        searches: Searches | None = None,
    ) -> None:
        """Read nothing yet. `list_seconds` is the lifetime of a cached page."""
        self._database = database
        self._order = order
        self._outcomes = outcomes
        self._searches = searches or Searches(database, order)
        self._list_seconds = list_seconds
        self._lock = threading.Lock()
        self._pages: OrderedDict[ListView, _Page] = OrderedDict()
        self._counts = SharedCounts(self._count, lambda: database.changes)
        self.hits = 0
        """How often a page was in the cache, or already being read."""
        self.misses = 0
        """How often a page was read."""

    def read(self, view: ListView, max_age: float | None = None) -> JobsList:
        """Return the page that a view asks for, at most `list_seconds` or `max_age` seconds old.

        It always includes this process's own changes. Its overview is the last one that is known: see
        `wait_for_counts`. Raises DatabaseUnavailable.
        """
        now, changes = monotonic(), self._database.changes
        age = min(self._list_seconds, self._list_seconds if max_age is None else max_age)
        with self._lock:
            page = self._pages.get(view)
            lifetime = min(age, SEARCHING_SECONDS) if page and page.is_searching else age
            if is_mine := page is None or page.began < now - lifetime or page.changes < changes:
                page = self._pages[view] = _Page(now, changes)
                self.misses += 1
            else:
                self.hits += 1
            self._pages.move_to_end(view)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        if is_mine:
            self._read(view, page)
        try:
            jobs = page.jobs.result(WAIT_SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(NO_ANSWER) from None
        # After the rows: what the background reads does not slow them down.
        self._counts.keep_counted(age, since=0 if max_age is None else now - age)
        self._order.keep_surveyed()
        if self._outcomes:
            self._outcomes.keep_reading()
        if jobs.lacks_active and self._known_counts:
            with self._lock:
                if self._pages.get(view) is page:
                    del self._pages[view]
            return self.read(view, max_age)
        self._wait_if_quick(jobs, page)
        page.counted = self._with_counts(page.counted or jobs)
        return page.counted

    def wait_for_counts(self, jobs: JobsList, seconds: float) -> JobsList:
        """Return a page with the counts that are being read, or with the last ones after `seconds`."""
        self._counts.keep_counted()
        self._counts.wait(seconds)
        return self._with_counts(jobs)

    def overview(self, seconds: float) -> Overview | None:
        """Return what was last counted of all jobs; None if the first count takes over `seconds`."""
        self._counts.keep_counted()
        if self._counts.last is None:
            self._counts.wait(seconds)
        return self._counts.last

    def counted(self, seconds: float) -> Counts | None:
        """Return the last counts of all jobs; None where the first are not there after `seconds`."""
        overview = self.overview(seconds)
        return overview.everything if overview else None

    def are_counts_wrong(self, jobs: JobsList) -> bool:
        """Return whether the last counts are older than a change of ours, or not those of a page."""
        last = self._counts.last
        return last is not None and (self._counts.has_changed or not last.agrees_with(jobs))

    def count_again(self, jobs: JobsList) -> bool:
        """Begin to count again, and return True, if a page's counts are older than FRESH_SECONDS."""
        counted = jobs.overview
        if counted is None or datetime.now(UTC) - counted.read_at < timedelta(seconds=FRESH_SECONDS):
            return False
        self._counts.keep_counted(since=monotonic())
        return True

    def is_quick(self, view: ListView) -> bool:
        """Return whether counts and a page are read so fast that one more read is not noticed."""
        seconds = self._counts.seconds
        return not view.filter.is_search and seconds is not None and seconds < QUICK_SECONDS

    def close(self) -> None:
        """Wait for the counts that are being read."""
        self._counts.close()

    @property
    def _known_counts(self) -> Overview | None:
        """Return the last counts; None after a change of ours, when they lead to the wrong place."""
        return None if self._counts.has_changed else self._counts.last

    def _with_counts(self, jobs: JobsList) -> JobsList:
        last = self._counts.last
        if last is None or (jobs.overview and jobs.overview.read_at == last.read_at):
            return jobs
        overview = replace(last, found=jobs.found, with_errors=0) if jobs.found else last
        return replace(jobs, overview=overview)

    def _wait_if_quick(self, jobs: JobsList, page: _Page) -> None:
        """Wait for new counts where that is not noticed, or where the last ones are wrong."""
        last, seconds = self._counts.last, self._counts.seconds
        if last is None or seconds is None:
            return
        is_wrong = self.are_counts_wrong(jobs)
        patience = CHANGE_SECONDS if is_wrong else QUICK_SECONDS
        if seconds < patience:
            self._counts.keep_counted(since=page.began if is_wrong else 0)
            self._counts.wait(patience)

    def _count(self) -> Overview:
        began, everything = datetime.now(UTC), count_together(self._database)
        with self._database.reading() as connection:
            snapshot = Snapshot(self._database, connection, self._order, self._outcomes)
            return replace(snapshot.overview(everything), read_at=began)

    def _read(self, view: ListView, page: _Page) -> None:
        """Read a page for all sessions that wait for it; a failure is not cached."""
        try:
            page.jobs.set_result(self._read_page(view))
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
            with self._lock:
                if self._pages.get(view) is page:
                    del self._pages[view]
            page.jobs.set_exception(error)

    def _read_page(self, view: ListView) -> JobsList:
        jobs = self._read_rows(view)
        if jobs.view.page == 1 or len(jobs.rows):
            return jobs
        last = self._counts.last
        if jobs.found:
            overview = replace(last or NOT_COUNTED, found=jobs.found)
            return self._read_rows(overview.last_page_of(jobs.view))
        if last and not self._counts.has_changed and last.last_page_of(jobs.view) != jobs.view:
            earlier = self._read_rows(last.last_page_of(jobs.view))
            if len(earlier.rows):
                return earlier
        return self._read_rows(self._counts.read_now().last_page_of(jobs.view))

    def _read_rows(self, view: ListView) -> JobsList:
        last, found = self._known_counts, None
        if view.filter.is_search:
            wanted = view.page * (view.limit or (last or NOT_COUNTED).page_size)
            found = self._searches.latest(view.filter, wanted, HITS_SECONDS)
        if view.filter.alive:
            ids_in_set(self._database, view.filter.alive)  # read now, not within the transaction
        is_limited = view.sort is not Sort.DATE and not self._database.is_sqlite
        with self._database.reading(SORT_SECONDS if is_limited else READ_SECONDS) as connection:
            snapshot = Snapshot(self._database, connection, self._order, self._outcomes)
            jobs = snapshot.page(view, last, found)
        return replace(jobs, overview=None)
