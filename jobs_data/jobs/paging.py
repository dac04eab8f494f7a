"""Finds the ids of a page's jobs in the order of a view, without sorting all jobs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    or_,
    select,
    true,
    union,
)

from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import (
    ASSUMED_JOBS,
    CreationOrder,
    beyond,
    created,
    created_text,
    is_in_order,
    is_loose,
    with_object,
)
from jobs_data.jobs.durations import with_execution
from jobs_data.jobs.searching import SearchResult
from jobs_data.jobs.sorting import exact_key, in_order, newest_first, quick_key, sort_key, source_of
from jobs_data.jobs.strays import IdOrder
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, NO_OWNER, ListView, Sort
from jobs_data.jobs.where import created_near, is_owned_by, matching
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.platform.id_lists import allow_lists, parse_list
from jobs_data.platform.status import State, is_in, is_unfinished
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.platform.times import BEFORE_ALL_TIMES

SHALLOW_JOBS: Final = 1_000
"""How far from the newest job a page may be to be searched from there."""

SAMPLE_JOBS: Final = 5_000

UNFINISHED_JOBS: Final = 2_000
"""How many more of the newest unfinished jobs than the page needs are sorted."""

MOST_SORTED: Final = 2_000_000
"""How many jobs are sorted by a column without an index; of more, the newest."""

MOST_JOINED: Final = 1_000_000
"""The same where the column is in another table."""

FEWER_TIMES: Final = 10
"""How many times fewer jobs are sorted where that took too long."""


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
        everything: Counts | None = None,
    ) -> None:
        """Read at most the order. Dates are relative to `now`; `found` is what a search has found.

        `everything` is how many jobs there are, whatever the filter, if that is known.
        """
        self._connection = connection
        self._database = database
        self._view = view
        self._order = order
        self._source = source_of(database, view.sort)
        self._everything = everything
        self._counts = found.counts if found else everything
        self._known = order.known_or_assumed(connection) if view.sort is Sort.DATE else None
        self._now = now = now or datetime.now(UTC)
        self._where = matching(view.filter, database, now)
        self._where += created_near(view.filter, database, now, order)
        self._hits = _hits_for(view, found)
        if found is not None and found.floor is not None:
            self._where.append(job.c.id >= found.floor)
        self.sorted_among: int | None = None
        """Among how many of the newest jobs the page is sorted; None if among all."""
        self.sorted_matching: int | None = None
        """How many of these match the filter, at most all of them."""
        self.lacks_active = False
        """Whether older active jobs may be missing, because nothing has been counted yet."""
        self.page_number = view.page
        """The page that was read: the last one, where the jobs that are sorted have fewer."""

    @property
    def is_order_known(self) -> bool:
        """Return whether all jobs are at their place, not only the newest."""
        return self._known is None or not self._known.is_assumed

    def page(self) -> list[int]:
        """Return the ids of the view's page. Raises TookTooLong if it sorts for too long."""
        view = self._view
        limit = view.limit or DEFAULT_PAGE_SIZE
        offset = (view.page - 1) * limit
        if self._hits is not None:
            where = [] if view.filter.state is None else [is_in(view.filter.state)]
            return self._sorted(offset, limit, [*where, job.c.id.in_(self._hits)])
        if view.sort is Sort.STATUS:
            return self._grouped(self._states(), offset, limit)
        if view.sort is Sort.OWNER and not self._where:
            return self._in_time(lambda: self._grouped(self._owners(), offset, limit), offset, limit)
        if self._known is None:
            return self._in_time(lambda: self._sorted_among(offset, limit, self._most), offset, limit)
        state = view.filter.state
        if state in {State.ACTIVE, State.OTHER} and not view.filter.is_search:
            return self._sorted(offset, limit, [*self._where, self._newest_in(state, offset + limit)])
        return self._merged(self._known, offset, limit)

    def next(self, job_id: int, *, backwards: bool = False) -> int | None:
        """Return the id of the job after one, or backwards the one before it.

        The job itself need not be in the filter. None where there is no such job or no other.
        """
        if self._view.sort is not Sort.DATE:
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
            known = self._known
            in_order = [is_in_order(known)] if known and known.has_in_order(job_id) else []
            below = [job.c.id < job_id, *in_order]
            nearest = _time_of(*below).order_by(job.c.id.desc()).limit(1)
            time = self._connection.execute(nearest).scalar() or str(BEFORE_ALL_TIMES)
        return self._nearest((time, job_id), jobs, backwards=backwards)

    def _merged(self, known: IdOrder, offset: int, limit: int) -> list[int]:
        """Return the ids of some jobs by id, with the strays and the newest merged in."""
        is_reversed = self._view.is_reversed
        if known.is_assumed and not is_reversed and offset >= ASSUMED_JOBS:  # they are all by id
            behind = select(job.c.id).where(*self._where).order_by(self._by_id())
            return list(self._connection.execute(behind.limit(limit).offset(offset)).scalars())
        places = select(job.c.id, created_text().label("time")).select_from(with_object())
        loose = places.where(*self._where, is_loose(known))
        loose = loose.order_by(*in_order(self._database, self._view, self._now)).limit(offset + limit)
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
        ids = ids.limit(limit + len(loose_places)).offset(first - skipped)
        if not known.is_assumed:
            window = ids.subquery("window")
            source = window.outerjoin(object_, object_.c.id == window.c.id)
            timed = self._places(select(window.c.id, created_text().label("time")).select_from(source))
            by_id = sorted(timed, key=lambda place: place[1])
            if any(place[0] > following[0] for place, following in pairwise(by_id)):
                self._order.forget()  # something inserted jobs among them
                self._known = replace(known, is_assumed=True)
        else:  # their ids are taken for their times
            timed = [("", job_id) for job_id in self._connection.execute(ids).scalars()]
        merged = sorted(timed + loose_places, reverse=not is_reversed)
        return [job_id for _, job_id in merged[offset - first : offset - first + limit]]

    def _begin(self, known: IdOrder, first: int) -> tuple[ColumnElement[bool], int]:
        """Return a condition that skips some of the first jobs in order, and how many it skips.

        The server then need not count them, if none was deleted since the survey.
        """
        if self._where or not self._everything or first < SHALLOW_JOBS:
            return true(), 0
        newest = select(func.count()).where(job.c.id >= known.end)
        settled = known.in_order + len(known.strays)
        if settled + self._connection.execute(newest).scalar_one() != self._everything.total:
            return true(), 0
        begin, skipped = known.before_position(first, from_end=not self._view.is_reversed)
        return (job.c.id >= begin if self._view.is_reversed else job.c.id < begin), skipped

    def _places(self, statement: Select[int, str]) -> list[tuple[str, int]]:
        return [(time, job_id) for job_id, time in self._connection.execute(statement)]

    def _newest_in(self, state: State, jobs: int) -> ColumnElement[bool]:
        """Return a condition of the newest jobs in a state, active or other, and of some others.

        Whether a job has a completion time is in no index: it is looked up for the newest unfinished
        jobs and the known active ones alone. Before anything is counted none are known.
        """
        most = jobs + UNFINISHED_JOBS
        active_ids = self._everything.all_active_ids if self._everything else ()
        is_bounded = state is State.ACTIVE and active_ids is not None
        found = select(job.c.id).where(is_unfinished() if is_bounded else is_in(state))
        newest = found.limit(most).order_by(self._by_id(is_ascending=self._view.is_reversed))
        ids = select(newest.subquery().c.id)
        if is_bounded and self._everything:
            active = select(job.c.id).where(job.c.id.in_(active_ids or ()))
            ids = select(union(ids, active).subquery().c.id)
        elif is_bounded:
            more = select(func.count()).select_from(found.limit(most + 1).subquery())
            self.lacks_active = self._connection.execute(more).scalar_one() > most
        return job.c.id.in_(ids)

    def _by_id(self, *, is_ascending: bool = False) -> ColumnElement[Any]:
        """Return the order by ids, for a statement with a LIMIT."""
        key: ColumnElement[int] = job.c.id
        if self._view.filter.state in {State.ACTIVE, State.OTHER}:
            # There are few of these, found by their status. The server would instead read all
            # jobs from the newest on, because of the LIMIT; an expression is no order to follow.
            key = job.c.id + 0
        return key.asc() if is_ascending else key.desc()

    def _sorted(self, offset: int, limit: int, where: Sequence[ColumnElement[bool]]) -> list[int]:
        """Return the ids of some jobs that meet some conditions by sorting them."""
        by = in_order(self._database, self._view, self._now)
        found = select(job.c.id).select_from(self._source).where(*where)
        found = found.order_by(*by).limit(limit).offset(offset)
        return list(self._connection.execute(found).scalars())

    def _grouped(
        self, groups: Iterable[tuple[ColumnElement[bool], int | None]], offset: int, limit: int
    ) -> list[int]:
        """Return the ids of some jobs of groups that follow each other, in each by id.

        A group is a condition, and how many jobs meet it if that is known.
        """
        ids: list[int] = []
        for condition, known in groups:
            counted = select(func.count()).select_from(job).where(*self._where, condition)
            jobs = self._connection.execute(counted).scalar_one() if known is None else known
            if jobs <= offset:
                offset -= jobs
                continue
            # Few are sorted, as in `_by_id`.
            key: ColumnElement[int] = job.c.id + 0 if jobs <= SAMPLE_JOBS else job.c.id
            found = select(job.c.id).where(*self._where, condition)
            found = found.order_by(key.asc() if self._view.is_reversed else key.desc())
            ids += self._connection.execute(found.limit(limit - len(ids)).offset(offset)).scalars()
            offset = 0
            if len(ids) == limit:
                break
        return ids

    def _states(self) -> Iterator[tuple[ColumnElement[bool], int | None]]:
        """Yield the groups of the order by status."""
        states = [self._view.filter.state] if self._view.filter.state else list(State)
        for state in reversed(states) if self._view.is_reversed else states:
            yield is_in(state), self._counts.matching(state) if self._counts else None

    def _owners(self) -> Iterator[tuple[ColumnElement[bool], int | None]]:
        """Yield the groups of the order by user: the jobs of the users whose names are equal."""
        allow_lists(self._connection)
        key = sort_key(self._database, Sort.OWNER, self._now).label("called")
        user_id = func.coalesce(job.c.user_id, NO_OWNER).label("user_id")
        users = select(user_id, key, func.count().label("jobs")).group_by(job.c.user_id).subquery()
        same = select(func.group_concat(users.c.user_id), func.sum(users.c.jobs))
        same = same.group_by(users.c.called)
        is_reversed = self._view.is_reversed
        same = same.order_by(users.c.called.desc() if is_reversed else users.c.called.asc())
        for ids, jobs in self._connection.execute(same).all():
            owners = parse_list(ids, str(ids).count(",") + 1).tolist()
            yield is_owned_by(owners), int(jobs)

    @property
    def _most(self) -> int:
        return MOST_SORTED if self._source is job else MOST_JOINED

    def _in_time(self, find: Callable[[], list[int]], offset: int, limit: int) -> list[int]:
        """Return what `find` does, or if that takes too long, some of fewer jobs."""
        try:
            with translated_errors():
                return find()
        except TookTooLong:
            if self._database.is_sqlite:  # there the time of the whole transaction is over
                raise
            return self._sorted_among(offset, limit, self._most // FEWER_TIMES)

    def _sorted_among(self, offset: int, limit: int, most: int) -> list[int]:
        """Return the ids of some jobs by sorting them all, or the newest `most` if there are more.

        Past the end of these it returns their last page.
        """
        where = [*self._where]
        if (first := self._first_of_newest(most)) is not None:
            where.append(job.c.id >= first)
            self.sorted_among = self.sorted_matching = most
            if self._where or offset:
                counted = select(func.count()).select_from(job).where(*where)
                self.sorted_matching = min(most, self._connection.execute(counted).scalar_one())
            self.page_number = min(self._view.page, max(1, -(-self.sorted_matching // limit)))
            offset = (self.page_number - 1) * limit
        return self._sorted(offset, limit, [*where, *self._bound(where, offset + limit)])

    def _first_of_newest(self, most: int) -> int | None:
        """Return the lowest id of the newest jobs, or None if there are no others."""
        if self._counts and self._counts.matching(self._view.filter.state) <= most:
            return None
        if known := self._order.known:
            are_all = known.in_order + len(known.strays) <= most
            return None if are_all else known.before_position(most, from_end=True)[0]
        nth = select(job.c.id).order_by(job.c.id.desc()).limit(1).offset(most - 1)
        return self._connection.execute(nth).scalar()

    def _bound(self, where: Sequence[ColumnElement[bool]], jobs: int) -> list[ColumnElement[bool]]:
        """Return a condition that the first `jobs` jobs meet, and most others do not.

        Jobs after the last wanted one of a sample cannot be among them: most need only be
        compared, which takes half as long as to sort them.
        """
        key = quick_key(self._database, self._view.sort, self._now)
        sampled = select(key.label("key"), job.c.id).select_from(self._source).where(*where)
        sample = sampled.order_by(self._by_id()).limit(SAMPLE_JOBS).subquery("sample")
        is_ascending = self._view.sort.is_descending is self._view.is_reversed
        in_order = sample.c.key.asc() if is_ascending else sample.c.key.desc()
        last = select(sample.c.key, sample.c.id).order_by(in_order, sample.c.id.desc())
        found = self._connection.execute(last.limit(1).offset(jobs - 1)).first()
        if found is None:
            return []
        bound, job_id = found
        if bound is None:  # jobs without a record come first, the newest first of all
            return [job.c.id >= job_id] if is_ascending else []
        if self._source is job:
            if self._view.sort is Sort.COMPLETED and not is_ascending and bound > BEFORE_ALL_TIMES:
                key = job.c.completed_at  # without the work of `coalesce`: NULL comes after the bound
            return [key <= bound if is_ascending else key >= bound]
        # Comparing takes longer than sorting, but most recorded durations alone show their place.
        if self._view.sort is Sort.DURATION and not is_ascending:
            _, (recorded,) = with_execution(self._database, job_execution.c.duration)
            return [or_(recorded.is_(None), recorded >= bound)]
        return []

    def _nearest(self, place: tuple[str, int], jobs: int, *, backwards: bool) -> list[int]:
        """Return the ids of the jobs next to a place in the order by date, nearest first."""
        is_newer = backwards is not self._view.is_reversed
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
        key, exact = sort_key(self._database, self._view.sort, self._now), exact_key(self._view.sort)
        is_towards_end = backwards is self._view.is_reversed
        is_upwards = self._view.sort.is_descending is not is_towards_end
        is_beyond = operator.gt if is_upwards else operator.lt
        by_id = job.c.id.desc() if is_towards_end else job.c.id.asc()
        ties = [] if exact is None else [exact.asc() if is_upwards else exact.desc()]

        def first(by: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]) -> int | None:
            found = select(job.c.id).select_from(self._source).where(*where, *self._where)
            return self._connection.execute(found.order_by(*by, by_id).limit(1)).scalar()

        keys = [key] if exact is None else [key, exact]
        keys_of_job = self._connection.execute(
            select(*keys).select_from(self._source).where(job.c.id == job_id)
        ).first()
        if keys_of_job is None:
            return None
        same = [column == value for column, value in zip(keys, keys_of_job, strict=True)]
        # Most names belong to many jobs, so the next one is found at once. Otherwise all are compared.
        tied = first([], *same, job.c.id < job_id if is_towards_end else job.c.id > job_id)
        if tied is None and exact is not None:
            tied = first(ties, key == keys_of_job[0], is_beyond(exact, keys_of_job[1]))
        if tied is not None:
            return tied
        other = select(func.min(key) if is_upwards else func.max(key)).select_from(self._source)
        other = other.where(is_beyond(key, keys_of_job[0]), *self._where)
        next_value = self._connection.execute(other).scalar()
        return None if next_value is None else first(ties, key == next_value)


def _time_of(*which: ColumnElement[bool]) -> Select[str]:
    return select(created_text()).select_from(with_object()).where(*which)


def _hits_for(view: ListView, found: SearchResult | None) -> Sequence[int] | None:
    """Return the ids that a search has found, if they suffice for a view's page."""
    if found is None or found.ids is None:
        return None
    is_by_id = view.sort is Sort.DATE and not view.is_reversed
    end = view.page * (view.limit or DEFAULT_PAGE_SIZE)
    return found.ids if found.has_all_ids or (is_by_id and end <= len(found.ids)) else None
