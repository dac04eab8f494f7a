"""Which jobs a screen, an export or a deletion means: parsed once from the URL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from jobs_data.platform.status import Alive, State

DEFAULT_PAGE_SIZE: Final = 10
NO_OWNER: Final = 0
"""The owner id of a job without a user; no user has this id."""


class Sort(StrEnum):
    """The columns to sort the list by, each in its usual direction; ties by largest id."""

    DATE = "date"  # newest creation first
    NAME = "name"  # from A on
    STATUS = "status"  # active, completed, failed, then the others
    OWNER = "owner"  # by the user's name, from A on
    COMPLETED = "completed"  # latest completion first, without one last
    DURATION = "duration"  # longest first, without one (as active jobs) last
    RELATED = "related"  # by the record's address, from A on, without one first

    @property
    def is_descending(self) -> bool:
        """Return whether its usual direction is descending."""
        return self in {Sort.DATE, Sort.COMPLETED, Sort.DURATION}


@dataclass(frozen=True)
class Dates:
    """When something happened: between two times, within the last timespan, or longer ago."""

    since: datetime | None = None
    """Aware and in UTC; included."""
    before: datetime | None = None
    """Aware and in UTC; not included."""
    last: timedelta | None = None
    ago: timedelta | None = None

    def at(self, now: datetime) -> Dates:
        """Return the same dates as two times, relative to now."""
        try:
            since = now - self.last if self.last else self.since
            before = now - self.ago if self.ago else self.before
        except OverflowError:  # before the year 1: every job is newer
            return Dates(before=None if self.last else datetime.min.replace(tzinfo=UTC))
        return Dates(since, before)


ANY_TIME: Final = Dates()


@dataclass(frozen=True)
class JobFilter:
    """Which jobs: the one value that list, counts, export, preview and deletion share."""

    state: State | None = None
    search: str = ""
    """What `search_words.parse_search` reads: plain words, and words in one text of the job."""
    owners: tuple[int, ...] = ()
    """Ids of users, NO_OWNER for jobs without one; a job of any of them."""
    names: tuple[str, ...] = ()
    """Whole names, `values.UNKNOWN_NAME` for jobs without one."""
    types: tuple[str, ...] = ()
    """Heratio's types of jobs."""
    created: Dates = ANY_TIME
    finished: Dates = ANY_TIME
    has_result: bool | None = None
    """Whether the job names a result file."""
    has_errors: bool | None = None
    """Whether it failed, the platform noted an error for it, or its output has errors."""
    longer_than: int | None = None
    """Took more than this many seconds, as recorded or else completed minus created."""
    alive: Alive | None = None
    """What an active job does."""
    below: int | None = None
    """Has a lower id than this: a search goes on below the id at which another one was stopped."""

    @property
    def in_any_state(self) -> JobFilter:
        """Return the filter without its status: what the cards count."""
        return replace(self, state=None)

    @property
    def is_search(self) -> bool:
        """Return whether it asks for more than a status, so that an index alone cannot answer it."""
        return self.in_any_state != EVERYTHING

    def at(self, now: datetime) -> JobFilter:
        """Return the same filter with dates that are no longer relative to now."""
        return replace(self, created=self.created.at(now), finished=self.finished.at(now))


EVERYTHING: Final = JobFilter()


@dataclass(frozen=True)
class ListView:
    """A filter, an order and a page of it: everything that the list's URL says."""

    filter: JobFilter = EVERYTHING
    sort: Sort = Sort.DATE
    page: int = 1
    limit: int | None = None
    """Rows on a page; None for the platform's own setting."""
    is_reversed: bool = False
    """Whether the order is the reverse of the column's usual one."""
    fold: bool | None = None
    """Whether repeated jobs are grouped in one line; None for the installation's setting."""
    after: int | None = None
    """The job after which a page of a grouped list begins; None for the first page."""
    before: int | None = None
    """The job before which a page of a grouped list ends."""

    def with_filter(self, job_filter: JobFilter) -> ListView:
        """Return the first page of other jobs."""
        return replace(self._first_page, filter=job_filter)

    def with_state(self, state: State | None) -> ListView:
        """Return the first page of the jobs in another state, whatever the active ones do."""
        alive = self.filter.alive if state in (None, State.ACTIVE) else None
        return self.with_filter(replace(self.filter, state=state, alive=alive))

    def with_sort(self, sort: Sort, *, is_reversed: bool = False) -> ListView:
        """Return the first page in another order."""
        return replace(self._first_page, sort=sort, is_reversed=is_reversed)

    @property
    def can_group(self) -> bool:
        """Return whether repeated jobs may be grouped: only in the plain list, newest or oldest first.

        A search or filter shows each job. The status alone does not count as a filter here, but
        failed jobs are never grouped.
        """
        is_plain = self.sort is Sort.DATE and not self.filter.is_search
        return is_plain and self.filter.state is not State.FAILED

    def with_fold(self, fold: bool) -> ListView:
        """Return the first page with repeated jobs grouped, or not."""
        return replace(self._first_page, fold=fold)

    @property
    def _first_page(self) -> ListView:
        return replace(self, page=1, after=None, before=None)

    @property
    def unpaged(self) -> ListView:
        """Return the same jobs in the same order, as an export has them."""
        return ListView(self.filter, self.sort, is_reversed=self.is_reversed)
