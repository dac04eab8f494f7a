"""Finds the ids of a page's jobs in the order of a view, without sorting all jobs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    func,
    literal,
    select,
    true,
)

from jobs_data.jobs.creation_order import (
    CreationOrder,
    beyond,
    created,
    created_text,
    is_in_order,
    is_loose,
    with_object,
)
from jobs_data.jobs.searching import SearchResult
from jobs_data.jobs.sorting import exact_key, in_order, newest_first, sort_key, source_of
from jobs_data.jobs.strays import IdOrder
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, ListView, Sort
from jobs_data.jobs.where import created_near, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import BEFORE_ALL_TIMES

SHALLOW_JOBS: Final = 1_000
"""How far from the newest job a page may be to be searched from there."""

SAMPLE_JOBS: Final = 5_000
BESIDE_SECONDS: Final = 4
BESIDE_WAIT_SECONDS: Final = 10


class OrderedJobs:
    """The jobs of a view's filter in its order, as one transaction sees them."""

    def __init__(
        self,
        connection: Connection,
        database: Database,
        view: ListView,
        order: CreationOrder,
        *,
        now: datetime | None = None,
        found: SearchResult | None = None,
        total: int | None = None,
    ) -> None:
        """Read nothing yet. Dates are relative to `now`; `found` is a search's result.

        `total` is how many jobs there are, whatever the filter, if that is known.
        """
        self._connection = connection
        self._database = database
        self.view = view
        self._order = order
        self._source = source_of(database, view.sort)
        self._total = total
        # The same for all reads of one object. On SQLite the database sorts.
        self._known = None if database.is_sqlite else order.known
        self._now = now = now or datetime.now(UTC)
        self._where = matching(view.filter, database, now)
        self._where += created_near(view.filter, database, now, order, connection)
        self._has_few = found is not None and found.ids is not None and found.has_all_ids
        if found is not None and found.ids is not None and found.has_all_ids:
            self._where.append(job.c.id.in_(found.ids))
        if found is not None and found.floor is not None:
            self._where.append(job.c.id >= found.floor)
        is_plain = view.sort is Sort.DATE and not view.is_reversed and not view.filter.is_search
        is_shallow = view.page * (view.limit or DEFAULT_PAGE_SIZE) <= SHALLOW_JOBS
        self._is_guessed = is_plain and is_shallow and not self._known and not database.is_sqlite
        self.has_begun = False
        self.is_order_known = True
        self.sorted_among: int | None = None
        self._largest: list[tuple[str, int]] = []
        self._as_new: Future[list[int]] | None = None

    def begin(self) -> None:
        """Begin to search for the newest jobs if the order is not known yet and the page is among them.

        The largest ids nearly always are the newest jobs. Whether any other is as new is looked up
        among all objects, in a tenth of the time that it takes to sort them, and in a transaction of
        its own: the counts, which take as long, can be read beside it.
        """
        if not self._is_guessed or self.has_begun:
            return
        self.has_begun = True
        jobs = self.view.page * (self.view.limit or DEFAULT_PAGE_SIZE)
        top = select(job.c.id, created_text().label("time")).select_from(with_object())
        top = top.where(*self._where).order_by(self._by_id()).limit(jobs)
        self._largest = self._places(top)
        since = min(self._largest, default=("", 0))[0]
        if len(self._largest) == jobs and since > str(BEFORE_ALL_TIMES):
            below = self._largest[-1][1]
            pool = ThreadPoolExecutor(1, thread_name_prefix="newest")
            with suppress(RuntimeError):  # no thread is available
                self._as_new = pool.submit(self._read_as_new, since, below, jobs)
            pool.shutdown(wait=False)

    def page(self) -> list[int]:
        """Return the ids of the view's page."""
        view = self.view
        limit = view.limit or DEFAULT_PAGE_SIZE
        offset = (view.page - 1) * limit
        if self._is_guessed:
            return self._newest(offset, limit)
        is_by_id = view.sort is Sort.DATE and not self._database.is_sqlite and not self._has_few
        if is_by_id and (known := self._known or self._order.find_out()):
            ids = self._merged(known, offset, limit)
            if ids is not None:
                return ids
        return self._sorted(offset, limit)

    def next(self, job_id: int, *, backwards: bool = False) -> int | None:
        """Return the id of the job after one, or backwards the one before it.

        The job itself need not be in the filter. None where there is no such job or no other.
        """
        if self.view.sort is not Sort.DATE:
            return self._next_by_key(job_id, backwards=backwards)
        time = self._connection.execute(_time_of(job.c.id == job_id)).scalar()
        if time is None:
            return None
        return next(iter(self._nearest((time, job_id), 1, backwards=backwards)), None)

    def following(self, job_id: int, jobs: int, *, backwards: bool = False) -> list[int]:
        """Return the ids of the next jobs after one in the order by date, or backwards before it.

        The nearest comes first. A deleted job still has its place in the order.
        """
        time = self._connection.execute(_time_of(job.c.id == job_id)).scalar()
        if time is None:
            below = [job.c.id < job_id, *([is_in_order(self._known)] if self._known else [])]
            nearest = _time_of(*below).order_by(job.c.id.desc()).limit(1)
            time = self._connection.execute(nearest).scalar() or str(BEFORE_ALL_TIMES)
        return self._nearest((time, job_id), jobs, backwards=backwards)

    def _merged(self, known: IdOrder, offset: int, limit: int) -> list[int] | None:
        """Return the ids of some jobs by id, with the strays and the newest merged in.

        None if jobs that should be in order are not, because something inserted jobs among them.
        """
        is_reversed = self.view.is_reversed
        places = select(job.c.id, created_text().label("time")).select_from(with_object())
        loose = places.where(*self._where, is_loose(known))
        loose = loose.order_by(*in_order(self._database, self.view, self._now)).limit(offset + limit)
        loose_places = self._places(loose)
        if not is_reversed and len(loose_places) == offset + limit:
            wanted = loose_places[offset:]
            if wanted[-1][0] > known.last_time:  # so all of them are newer than those in order
                return [job_id for _, job_id in wanted]
        # At most all of these come before each of the wanted jobs.
        first = max(0, offset - len(loose_places))
        begin, skipped = self._begin(known, first)
        ids = select(job.c.id).where(*self._where, is_in_order(known), begin)
        ids = ids.order_by(self._by_id(is_ascending=is_reversed))
        window = ids.limit(limit + len(loose_places)).offset(first - skipped).subquery("window")
        source = window.outerjoin(object_, object_.c.id == window.c.id)
        window_places = self._places(
            select(window.c.id, created_text().label("time")).select_from(source)
        )
        by_id = sorted(window_places, key=lambda place: place[1])
        if any(place[0] > following[0] for place, following in pairwise(by_id)):
            self._order.forget()
            return None
        merged = sorted(window_places + loose_places, reverse=not is_reversed)
        return [job_id for _, job_id in merged[offset - first : offset - first + limit]]

    def _begin(self, known: IdOrder, first: int) -> tuple[ColumnElement[bool], int]:
        """Return a condition that skips some of the first jobs in order, and how many it skips.

        The server then need not count them, if none was deleted since the survey.
        """
        if self._where or not self._total or first < SHALLOW_JOBS:
            return true(), 0
        newest = select(func.count()).where(job.c.id >= known.end)
        settled = known.in_order + len(known.strays)
        if settled + self._connection.execute(newest).scalar_one() != self._total:
            return true(), 0
        begin, skipped = known.before_position(first, from_end=not self.view.is_reversed)
        return (job.c.id >= begin if self.view.is_reversed else job.c.id < begin), skipped

    def _places(self, statement: Select[int, str]) -> list[tuple[str, int]]:
        return [(time, job_id) for job_id, time in self._connection.execute(statement)]

    def _newest(self, offset: int, limit: int) -> list[int]:
        """Return the ids of some of the newest jobs while the order is not known."""
        self.begin()
        ids = [job_id for _, job_id in self._largest]
        if len(ids) == offset + limit:
            if self._as_new is None:
                return self._sorted(offset, limit)
            try:
                ids += self._as_new.result(BESIDE_WAIT_SECONDS)
            except (DatabaseUnavailable, TimeoutError):
                # It may wait for an ALTER TABLE that waits for this transaction.
                return self._sorted(offset, limit)
        # Filter again: the other transaction may have another snapshot.
        mixed = select(job.c.id).select_from(with_object()).where(job.c.id.in_(ids), *self._where)
        in_full = mixed.order_by(*newest_first()).limit(limit).offset(offset)
        return list(self._connection.execute(in_full).scalars())

    def _read_as_new(self, since: str, below: int, jobs: int) -> list[int]:
        """Return the ids of the newest jobs below an id that were created since a time."""
        with self._database.reading(BESIDE_SECONDS) as connection:
            # Objects first: few are as new. Otherwise the server would read all jobs.
            others = (
                select(job.c.id)
                .prefix_with("STRAIGHT_JOIN")
                .select_from(object_.join(job, job.c.id == object_.c.id))
                .where(*self._where, object_.c.id < below)
                .where(object_.c.created_at >= literal(since, String()))
            )
            return list(connection.execute(others.order_by(*newest_first()).limit(jobs)).scalars())

    def _by_id(self, *, is_ascending: bool = False) -> ColumnElement[Any]:
        """Return the order by ids, for a statement with a LIMIT."""
        key: ColumnElement[int] = job.c.id
        if self.view.filter.state in {State.ACTIVE, State.OTHER}:
            # There are few of these, found by their status. The server would instead read all
            # jobs from the newest on, because of the LIMIT; an expression is no order to follow.
            key = job.c.id + 0
        return key.asc() if is_ascending else key.desc()

    def _sorted(self, offset: int, limit: int) -> list[int]:
        """Return the ids of some jobs by sorting them."""
        found = select(job.c.id).select_from(self._source).where(*self._where)
        if self._source is job:  # else comparing takes longer than sorting
            found = found.where(*self._bound(offset + limit))
        by = in_order(self._database, self.view, self._now)
        found = found.order_by(*by).limit(limit).offset(offset)
        return list(self._connection.execute(found).scalars())

    def _bound(self, jobs: int) -> list[ColumnElement[bool]]:
        """Return a condition that the first `jobs` jobs meet, and most others do not.

        Jobs after the last wanted one of a sample cannot be among them: most need only be
        compared, which takes half as long as to sort them.
        """
        key = sort_key(self._database, self.view.sort, self._now)
        sampled = select(key.label("key")).select_from(job).where(*self._where)
        sample = sampled.order_by(self._by_id()).limit(SAMPLE_JOBS).subquery("sample")
        is_ascending = self.view.sort.is_descending is self.view.is_reversed
        in_order = sample.c.key.asc() if is_ascending else sample.c.key.desc()
        last = select(sample.c.key).order_by(in_order).limit(1).offset(jobs - 1)
        bound = self._connection.execute(last).scalar()
        if bound is None:
            return []
        return [key <= bound if is_ascending else key >= bound]

    def _nearest(self, place: tuple[str, int], jobs: int, *, backwards: bool) -> list[int]:
        """Return the ids of the jobs next to a place in the order by date, nearest first."""
        is_newer = backwards is not self.view.is_reversed
        known = self._known
        those = select(job.c.id, created_text().label("time")).select_from(with_object())
        those = those.where(*self._where, beyond(place, is_newer=is_newer)).limit(jobs)
        by_date = (created().asc(), job.c.id.asc()) if is_newer else newest_first()
        if known is None:
            return list(self._connection.execute(those.order_by(*by_date)).scalars())
        time, job_id = place
        if known.has_in_order(job_id):
            near = job.c.id > job_id if is_newer else job.c.id < job_id
        else:
            near = job.c.id >= known.first_since(time) if is_newer else job.c.id < known.end_of(time)
        kept = those.where(is_in_order(known), near).order_by(self._by_id(is_ascending=is_newer))
        loose = those.where(is_loose(known)).order_by(*by_date)
        merged = sorted(self._places(kept) + self._places(loose), reverse=not is_newer)
        return [job_id for _, job_id in merged[:jobs]]

    def _next_by_key(self, job_id: int, *, backwards: bool) -> int | None:
        """Return the id of the next job where the order is not by date, or of the one before."""
        key, exact = sort_key(self._database, self.view.sort, self._now), exact_key(self.view.sort)
        is_towards_end = backwards is self.view.is_reversed
        is_upwards = self.view.sort.is_descending is not is_towards_end
        is_beyond = operator.gt if is_upwards else operator.lt
        by_id = job.c.id.desc() if is_towards_end else job.c.id.asc()
        ties = [] if exact is None else [exact.asc() if is_upwards else exact.desc()]

        def first(by: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]) -> int | None:
            found = select(job.c.id).select_from(self._source).where(*where, *self._where)
            return self._connection.execute(found.order_by(*by, by_id).limit(1)).scalar()

        keys = [key] if exact is None else [key, exact]
        its = self._connection.execute(
            select(*keys).select_from(self._source).where(job.c.id == job_id)
        ).first()
        if its is None:
            return None
        same = [column == value for column, value in zip(keys, its, strict=True)]
        # Most names belong to many jobs, so the next one is found at once. Otherwise all are compared.
        tied = first([], *same, job.c.id < job_id if is_towards_end else job.c.id > job_id)
        if tied is None and exact is not None:
            tied = first(ties, key == its[0], is_beyond(exact, its[1]))
        if tied is not None:
            return tied
        other = select(func.min(key) if is_upwards else func.max(key)).select_from(self._source)
        other = other.where(is_beyond(key, its[0]), *self._where)
        next_value = self._connection.execute(other).scalar()
        return None if next_value is None else first(ties, key == next_value)


def _time_of(*which: ColumnElement[bool]) -> Select[str]:
    return select(created_text()).select_from(with_object()).where(*which)
