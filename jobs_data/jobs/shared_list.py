"""What all sessions see of the list: one moment of the database, shared by them and renewed for them.

However many sessions watch, the counts are read once a moment and each page once, by one thread at a
time. On a server the moment's transaction stays open while it is shown, so that a page for which
nobody has asked yet agrees with the counts that everybody sees already.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from jobs_data.jobs.list_page import JobsList, Moment, read_list
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.database import Database, identity
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong, translated_errors
from jobs_data.single_flight import SingleFlight

log = logging.getLogger(__name__)

WATCHED_SECONDS: Final = 20
"""Who has looked so lately may do so again: auto refresh does every 15 seconds."""

MAX_AGE_SECONDS: Final = 30
"""The age of a moment that is shown no more; it gets this old where the database is slow."""

NOW_SECONDS: Final = 2
"""The age at which a moment still passes for the present, for who asks for that."""

QUICK_SECONDS: Final = 0.05
RENEWED_PAGES: Final = 20
"""How many pages are read along with the next moment; any others are read when they are asked for."""

TURN_SECONDS: Final = 5
"""How long one waits for the read of another page before one reads in a transaction of one's own."""

SEARCHES: Final = 4
"""How many searches are shown at the same time, each with a connection of its own while it is."""


@dataclass(frozen=True)
class _Page:
    """A page, when its moment began, and how often this process had changed jobs by then."""

    jobs: JobsList
    began: float
    changes: int


class Live:
    """The list of one database, as all sessions of this process see it."""

    def __init__(self, database: Database, *, renews: bool = True) -> None:
        """Read nothing before somebody looks.

        `renews` is whether it reads anew by itself while somebody watches; else who looks waits.
        """
        self._database = database
        self._renews = renews
        self._flights = SingleFlight[_Page]()
        self._reading = threading.Lock()
        self._shown: _Shown | None = None
        self._asked: dict[ListView, float] = {}
        self._next = threading.Timer(0, lambda: None)
        self._surveyor = threading.Thread()

    def read(self, view: ListView, max_age: float = MAX_AGE_SECONDS) -> JobsList:
        """Return the page that a view asks for, from a moment at most so many seconds ago.

        A change of this process's own is always seen. One thread reads; the others who want the same
        page meanwhile get it from that one, or its error. Raises DatabaseUnavailable.
        """
        if jobs := self._recall(view, max_age):
            return jobs
        changes = self._database.changes
        oldest = time.monotonic() - (max_age if self._database.list_seconds else 0)
        while True:
            with translated_errors():
                page = self._flights.run(view, lambda: self._read(view, max_age))
            # Else it is of a read that was under way already, and too old for this thread.
            if page.began >= oldest and page.changes >= changes:
                return page.jobs

    def _read(self, view: ListView, max_age: float) -> _Page:
        if not self._reading.acquire(timeout=TURN_SECONDS):
            # Who is reading may wait for a locked table, or for a database that has fallen silent.
            began, changes = time.monotonic(), self._database.changes
            return _Page(read_list(self._database, view), began, changes)
        try:
            shown = self._usable(max_age)
            jobs = (shown.pages.get(view) or shown.read(view)) if shown else None
            if not shown or not jobs:
                shown = self._renew([view], must=True)
                jobs = shown.pages[view]
            return _Page(jobs, shown.began, shown.changes)
        finally:
            self._reading.release()

    @property
    def is_quick(self) -> bool:
        """Return whether the last moment was read so quickly that one more would not be noticed."""
        return self._shown is not None and self._shown.took < QUICK_SECONDS

    def close(self) -> None:
        """End what is open; the next `read` begins anew."""
        with self._reading:
            self._next.cancel()
            if self._shown:
                self._shown.close()
            self._shown = None
            self._asked = {}
        if self._surveyor.is_alive():
            self._surveyor.join()

    def _usable(self, max_age: float) -> _Shown | None:
        shown = self._shown
        if shown is None or shown.changes != self._database.changes or not self._database.list_seconds:
            return None
        return shown if time.monotonic() - shown.began <= max_age else None

    def _recall(self, view: ListView, max_age: float) -> JobsList | None:
        if self._database.list_seconds:
            self._asked[view] = time.monotonic()
        shown = self._usable(max_age)
        return shown.pages.get(view) if shown else None

    def _renew(self, views: list[ListView], *, must: bool) -> _Shown:
        """Read the next moment with some pages; one that takes too long is left out, unless it must."""
        self._next.cancel()
        if self._shown:
            # Before the next one begins: who wants to alter a table waits until all are ended. What
            # has been read of it is shown until then.
            self._shown.close()
        shown = _Shown(self._database)
        for view in views:
            try:
                shown.read(view, is_first=True)
            except BaseException as error:
                if must or not isinstance(error, TookTooLong):
                    shown.close()
                    raise
        shown.took = time.monotonic() - shown.began
        self._shown = shown
        self._survey()
        if self._database.is_sqlite or not self._database.list_seconds:
            shown.close()  # who reads for long in a file keeps others from writing
        if self._database.list_seconds:
            self._next = threading.Timer(self._database.list_seconds, self._renew_if_watched)
            self._next.daemon = True
            self._next.start()
        return shown

    def _renew_if_watched(self) -> None:
        with self._reading:
            lately = time.monotonic() - WATCHED_SECONDS
            self._asked = {view: asked for view, asked in list(self._asked.items()) if asked > lately}
            try:
                if self._asked and self._renews:
                    views = sorted(self._asked, key=self._asked.__getitem__)
                    self._renew(views[-RENEWED_PAGES:], must=False)
                elif self._shown:
                    self._shown.close()
                    self._shown = None
            except DatabaseUnavailable as error:
                log.warning("the list was not renewed: %s", error)

    def _survey(self) -> None:
        database = self._database
        if database.is_sqlite or not database.survey.is_old or self._surveyor.is_alive():
            return

        def survey() -> None:
            # It has been logged, and the next renewal tries again.
            with suppress(DatabaseUnavailable, TimeoutError):
                database.survey.make(database.reading)

        self._surveyor = threading.Thread(target=survey, name="survey", daemon=True)
        self._surveyor.start()


class _Shown:
    """A moment, and the pages of it that have been read."""

    def __init__(self, database: Database) -> None:
        self.began = time.monotonic()
        self.took = 0.0
        self.changes = database.changes
        self.pages: dict[ListView, JobsList] = {}
        self._transaction = ExitStack()
        connection = self._transaction.enter_context(database.reading())
        self._moment: Moment | None = Moment(database, connection)

    def read(self, view: ListView, *, is_first: bool = False) -> JobsList | None:
        """Return a page; None where the transaction is over.

        The server may have ended it at any time, but not before its first page: that error is told,
        and so is one of a page that takes too long.
        """
        if self._moment is None:
            return None
        try:
            with translated_errors():
                jobs = self.pages[view] = self._moment.read(view)
        except TookTooLong:
            raise
        except DatabaseUnavailable:
            self.close()
            if is_first:
                raise
            return None
        return jobs

    def close(self) -> None:
        """End the transaction."""
        self._moment = None
        with suppress(DatabaseUnavailable):
            self._transaction.close()


_lives: Final[dict[str, Live]] = {}
_searches: Final[dict[tuple[str, JobFilter, Sort], Live]] = {}
_looking_up: Final = threading.Lock()


def live_of(database: Database, view: ListView) -> Live:
    """Return what shows a view of this database's list in this process.

    What an index answers is shown by one for all. Whatever takes a while has one of its own, so that
    nobody else has to wait for it.
    """
    name = identity(database)
    if not view.filter.is_search and view.sort in {Sort.DATE, Sort.NAME}:
        return _lives.setdefault(name, Live(database))
    with _looking_up:
        key = name, view.filter.in_any_state, view.sort
        live = _searches.pop(key, None) or Live(database, renews=False)
        _searches[key] = live  # the last one is the one that was looked at last
        forgotten = [_searches.pop(next(iter(_searches)))] if len(_searches) > SEARCHES else []
    for old in forgotten:
        # In another thread: it may be reading, and who looks at another search need not wait for it.
        threading.Thread(target=old.close, name="end of a search", daemon=True).start()
    return live


def close_all() -> None:
    """End what is open in any database."""
    while _lives:
        _lives.popitem()[1].close()
    while _searches:
        _searches.popitem()[1].close()
