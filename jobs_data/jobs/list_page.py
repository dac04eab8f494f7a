"""One page of the list, and the counts beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import pandas as pd
from sqlalchemy import Connection, func, select

from jobs_data.jobs import frames
from jobs_data.jobs.columns import frame_of, list_frame
from jobs_data.jobs.counts import Counts, read_counts
from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.jobs.folding import Folded, fold
from jobs_data.jobs.frames import FrameRow
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.paging import OrderedJobs
from jobs_data.jobs.searching import SearchResult
from jobs_data.jobs.sorting import newest_first
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, ListView
from jobs_data.platform import values
from jobs_data.platform.cultures import ENGLISH
from jobs_data.platform.database import Database
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import HERATIO_ONLY, job, object_, setting, setting_i18n
from jobs_data.url_values import clamp_limit


@dataclass(frozen=True)
class Overview:
    """What all pages of a filter share, whatever the status: counts, labels and page size."""

    everything: Counts
    """How many jobs the database has, whatever the filter."""
    found: SearchResult
    """Counts of all jobs, or of those that match a filter with more than a status."""
    status_names: dict[int, str]
    page_size: int
    with_errors: int = 0
    """How many of all completed jobs are known to have errors in their outputs; 0 for a search."""
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read, in UTC."""

    def last_page_of(self, view: ListView) -> ListView:
        """Return the view, or its last page if it asks for one past the end."""
        jobs, limit = self.found.counts.matching(view.filter.state), view.limit or self.page_size
        return replace(view, page=min(view.page, max(1, -(-jobs // limit))))

    def agrees_with(self, jobs: JobsList) -> bool:
        """Return whether a page has as many rows as these counts leave for it."""
        if jobs.folded or jobs.found or jobs.sorted_among is not None:
            return True
        left = self.found.counts.matching(jobs.view.filter.state) - (jobs.view.page - 1) * jobs.limit
        return len(jobs.rows) == min(jobs.limit, max(0, left))


NO_JOBS: Final = Counts(0, 0, 0, 0)
NOT_COUNTED: Final = Overview(NO_JOBS, SearchResult(NO_JOBS), {}, DEFAULT_PAGE_SIZE)


@dataclass(frozen=True)
class JobsList:
    """One page of the list, with its counts if they are known."""

    view: ListView
    """The view as shown: its page lies within the pages there are, its limit is set."""
    rows: pd.DataFrame
    """See `frames.list_frame`."""
    read_at: datetime
    """When its rows were read, in UTC."""
    overview: Overview | None
    """None while nothing has been counted."""
    found: SearchResult | None = None
    """What its search had found when its rows were read; None if it is no search."""
    folded: Folded | None = None
    """The lines, if the view groups repeated jobs; `rows` is then a `frames.folded_frame`."""
    is_order_known: bool = True
    """Whether all jobs are at their place; else an old one may be missing among the newest."""
    lacks_active: bool = False
    """Whether older active jobs may be missing until all jobs are counted."""
    sorted_among: int | None = None
    """Among how many of the newest jobs it is sorted; None if among all."""
    sorted_matching: int | None = None
    """How many of these match the filter: they are on the pages that exist."""

    @property
    def is_counted(self) -> bool:
        """Return whether the counts are known, though they may be some seconds older than the rows."""
        return self.overview is not None

    @property
    def _found(self) -> SearchResult:
        return self.found or (self.overview or NOT_COUNTED).found

    @property
    def counts(self) -> Counts:
        """Return the counts of all jobs, or of a search's; zeros before they are counted."""
        return self._found.counts

    @property
    def everything(self) -> Counts:
        """Return how many jobs the database has; zeros before they are counted."""
        return (self.overview or NOT_COUNTED).everything

    @property
    def with_errors(self) -> int:
        """Return how many completed jobs are known to have errors; 0 before they are counted."""
        return (self.overview or NOT_COUNTED).with_errors

    @property
    def looked_at(self) -> int | None:
        """Return how many jobs a search has covered so far; None if all, or all that are older."""
        return self._found.looked_at

    @property
    def floor(self) -> int | None:
        """Return the lowest id that such a search has covered: the next one begins below it."""
        return self._found.floor

    @property
    def limit(self) -> int:
        """Return the rows on a full page."""
        return self.view.limit or DEFAULT_PAGE_SIZE

    @property
    def matching(self) -> int:
        """Return how many jobs match the filter, on all pages; before they are counted, at least."""
        if self.overview is None and self.found is None:
            return (self.view.page - 1) * self.limit + len(self.rows)
        return self.counts.matching(self.view.filter.state)

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one; before they are counted, at least."""
        return max(1, -(-self.matching // self.limit))

    @property
    def first(self) -> int:
        """Return the position of the first row shown, counted from 1; 0 where there is none."""
        return (self.view.page - 1) * self.limit + 1 if self.matching else 0

    @cached_property
    def records(self) -> list[FrameRow]:
        """Return `rows` one by one."""
        return frames.records(self.rows)

    @cached_property
    def content(self) -> object:
        """Return what equals that of another read where nothing but the time has changed.

        `with_errors` is left out: it grows for minutes while outputs are read.
        """
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        overview = self.overview
        overview = overview and replace(overview, read_at=overview.read_at.min, with_errors=0)
        return parts | {"read_at": None, "rows": self.rows.to_csv(), "overview": overview}


class Snapshot:
    """The database as one transaction sees it, so that all reads agree."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        order: CreationOrder | None = None,
        outcomes: Outcomes | None = None,
    ) -> None:
        """Read in a transaction of `Database.reading`.

        `order` is what is known of the dates, and `outcomes` what is known of errors in outputs.
        """
        self._database = database
        self._connection = connection
        self._order = order or CreationOrder(database)
        self._outcomes = outcomes
        self._read_at = datetime.now(UTC)

    def overview(self, everything: Counts) -> Overview:
        """Return how many jobs there are, which is known, and the rest."""
        connection, database = self._connection, self._database
        with_errors = self._outcomes.count_with_errors(connection) if self._outcomes else 0
        names = read_status_names(connection, database)
        page_size = read_page_size(connection, database)
        return Overview(
            everything, SearchResult(everything), names, page_size, with_errors, self._read_at
        )

    def page(
        self, view: ListView, overview: Overview | None, found: SearchResult | None = None
    ) -> JobsList:
        """Return the page that a view asks for, which is empty past the end, with a known overview.

        Of a search `found` is what it has found so far. Raises what the database driver raises, inside
        `Database.reading`.
        """
        connection, database = self._connection, self._database
        terms = overview.status_names if overview else read_status_names(connection, database)
        page_size = overview.page_size if overview else read_page_size(connection, database)
        limit = view.limit or page_size
        shown = replace(view, limit=limit, fold=bool(view.fold) and view.can_group)
        if shown.fold:
            shown = replace(shown, page=1)
        jobs = OrderedJobs(
            connection,
            database,
            replace(shown, limit=2 * limit) if shown.fold else shown,
            self._order,
            now=self._read_at,
            found=found,
            everything=overview.everything if overview else None,
        )
        ids, folded = jobs.page(), None
        shown = replace(shown, page=jobs.page_number)
        if shown.fold:
            folded = fold(connection, database, jobs, shown, ids)
            ids = [line[0] for line in folded.lines]
        search = shown.filter.search
        rows = list_frame(connection, database, ids, terms, self._read_at, search, self._outcomes)
        return JobsList(
            view=shown,
            rows=self._lines(rows, folded) if folded else rows,
            read_at=self._read_at,
            overview=overview,
            found=found,
            folded=folded,
            is_order_known=jobs.is_order_known,
            lacks_active=jobs.lacks_active,
            sorted_among=jobs.sorted_among,
            sorted_matching=jobs.sorted_matching,
        )

    def _lines(self, newest: pd.DataFrame, folded: Folded) -> pd.DataFrame:
        """Return the lines of a folded list as `frames.folded_frame`; `newest` has their first jobs."""
        line_of = {line[0]: line for line in folded.lines}
        lines = [line_of[job_id] for job_id in newest["id"]]
        last = [line[-1] for line in lines]
        asked = select(object_.c.id, object_.c.created_at).where(object_.c.id.in_(last))
        created = {row.id: row.created_at for row in self._connection.execute(asked)}
        return frames.folded_frame(
            newest, [len(line) for line in lines], map(created.get, last), self._database.timezone
        )


def count_jobs(database: Database) -> Counts:
    """Return the counts alone, fresh from the primary. Raises DatabaseUnavailable."""
    with database.reading(primary=True) as connection:
        return read_counts(connection)


def read_jobs(database: Database, ids: Sequence[int], outcomes: Outcomes | None = None) -> pd.DataFrame:
    """Return the jobs of up to a page of ids that exist, as `columns.frame_of`, newest first.

    Reads the primary, because the user is about to delete them. Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        terms = read_status_names(connection, database)
        found = select(job.c.id).select_from(with_object()).where(job.c.id.in_(ids))
        in_order = connection.execute(found.order_by(*newest_first())).scalars().all()
        return frame_of(connection, database, in_order, terms, outcomes)


def read_page_size(connection: Connection, database: Database) -> int:
    """Return the platform's own page size.

    Heratio reads a setting in English, and AtoM in the setting's own source culture.
    """
    if not {setting.name, setting_i18n.name} <= database.tables:
        return DEFAULT_PAGE_SIZE
    is_heratio = not HERATIO_ONLY.isdisjoint(database.tables)
    in_source_culture = setting_i18n.c.culture == setting.c.source_culture
    is_english = setting_i18n.c.culture == ENGLISH
    preferred = (is_english, in_source_culture) if is_heratio else (in_source_culture, is_english)
    value = connection.execute(
        select(setting_i18n.c.value)
        .join_from(setting, setting_i18n, setting_i18n.c.id == setting.c.id)
        .where(setting.c.name == "hits_per_page", setting.c.scope.is_(None))
        .order_by(*(func.coalesce(each, 0).desc() for each in preferred), setting.c.id)
        .limit(1)
    ).scalar()
    number = re.match(r"\s*\+?([0-9]{1,18})\s*(\.[0-9]*\s*)?$", values.text(value), re.ASCII)
    return clamp_limit(int(number[1])) if number and int(number[1]) else DEFAULT_PAGE_SIZE
