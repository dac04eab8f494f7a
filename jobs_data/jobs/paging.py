"""Which jobs a page has: their ids, in the order of a view, found without sorting all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    case,
    collate,
    func,
    literal,
    or_,
    select,
)

from jobs_data.jobs.creation_order import (
    BEFORE_ALL_TIMES,
    MAX_ID,
    Range,
    before_all_times,
    count_by_span,
    created,
    within,
)
from jobs_data.jobs.view import DEFAULT_PAGE_SIZE, ListView, Sort
from jobs_data.jobs.where import matching
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.owners import owner_name
from jobs_data.platform.status import COMPLETED, ERROR, State
from jobs_data.platform.tables import job, object_, slug

SHALLOW_JOBS: Final = 1_000
"""How far from the newest job a page may be to be looked for from there."""

SAMPLE_JOBS: Final = 5_000
BESIDE_SECONDS: Final = 4
BESIDE_WAIT_SECONDS: Final = 10


def with_object() -> FromClause:
    """Return the jobs with their objects, and with NULLs for those that have lost theirs."""
    return job.outerjoin(object_, object_.c.id == job.c.id)


def newest_first() -> tuple[ColumnElement[Any], ...]:
    """Return the order of the list by date; its source is `with_object`."""
    return created().desc(), job.c.id.desc()


def name_key(database: Database) -> ColumnElement[str]:
    """Return what the order by name compares; never NULL, so that any two jobs have an order."""
    return _without_case(func.coalesce(job.c.name, ""), database)


def sort_key(database: Database, sort: Sort) -> ColumnElement[Any]:
    """Return what an order compares; never NULL. By date it speaks of `object`, else of `job` alone."""
    keys: dict[Sort, ColumnElement[Any]] = {
        Sort.DATE: created(),
        Sort.NAME: name_key(database),
        Sort.STATUS: _status_key(),
        Sort.OWNER: _owner_key(database),
        Sort.COMPLETED: func.coalesce(job.c.completed_at, before_all_times()),
        Sort.RELATED: _record_key(database),
    }
    return keys[sort]


def _status_key() -> ColumnElement[Any]:
    ends = ((job.c.status_id == COMPLETED, 1), (job.c.status_id == ERROR, 2))
    return case(*ends, (job.c.completed_at.is_(None), 0), else_=3)


def _owner_key(database: Database) -> ColumnElement[Any]:
    called = func.coalesce(owner_name(database), values.SYSTEM_OWNER, type_=String())
    return _without_case(called, database)


def _record_key(database: Database) -> ColumnElement[Any]:
    if slug.name not in database.tables:
        return func.coalesce(job.c.object_id, 0)  # the number that is shown instead
    record = select(slug.c.slug).where(slug.c.object_id == job.c.object_id).correlate(job)
    address = func.coalesce(record.scalar_subquery(), "", type_=String())
    return _without_case(address, database)


def in_order(database: Database, view: ListView) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY of a view, as `sort_key`; reversed, it is the same list from its end."""
    key = sort_key(database, view.sort)
    if view.is_reversed:
        return (key.asc() if view.sort.is_descending else key.desc()), job.c.id.asc()
    return (key.desc() if view.sort.is_descending else key.asc()), job.c.id.desc()


class OrderedJobs:
    """The jobs of a view's filter in its order, as one transaction sees them."""

    def __init__(
        self,
        connection: Connection,
        database: Database,
        view: ListView,
        *,
        now: datetime | None = None,
        floor: int | None = None,
    ) -> None:
        """Read nothing yet. `now` is what the filter's dates are relative to, `floor` the least id."""
        self._connection = connection
        self._database = database
        self._view = view
        self._where = matching(view.filter, database, now or datetime.now(UTC))
        if floor is not None:
            self._where.append(job.c.id >= floor)

    def begin_newest(self) -> Callable[[], list[int]] | None:
        """Begin to find a page near the newest job; None where it has to be found another way.

        What is returned waits for its ids, newest first. The largest ids nearly always are the newest
        jobs. Whether any other job is as new is looked up among the spans that reach into their time;
        before there has been a survey, among all objects, in a transaction of its own beside this one.
        """
        view, database, connection = self._view, self._database, self._connection
        limit = view.limit or DEFAULT_PAGE_SIZE
        wanted = view.page * limit
        is_plain = view.sort is Sort.DATE and not view.is_reversed and not view.filter.is_search
        if not is_plain or wanted > SHALLOW_JOBS or database.is_sqlite:
            return None
        top = (
            select(job.c.id, object_.c.created_at)
            .select_from(with_object())
            .where(*self._where)
            .order_by(*self._by_id())
            .limit(wanted)
        )
        found = [(row.created_at or BEFORE_ALL_TIMES, row.id) for row in connection.execute(top)]
        ids = [job_id for _, job_id in found]
        is_in_order = sorted(found, reverse=True) == found
        since = min((time for time, _ in found), default=BEFORE_ALL_TIMES)
        ranges = database.survey.reaching(since)

        def strays(connection: Connection) -> list[int]:
            if len(ids) < wanted:
                return []  # these are all that there are
            return self._as_new(connection, since, ids[-1], ranges, wanted)

        is_cold = ranges is None and len(ids) == wanted
        waiting = _beside.submit(_in_transaction, database, strays) if is_cold else None

        def newest() -> list[int]:
            try:
                others = waiting.result(BESIDE_WAIT_SECONDS) if waiting else strays(connection)
            except (DatabaseUnavailable, TimeoutError):
                # It may wait for somebody who alters a table, and who waits for this transaction.
                others = strays(connection)
            if is_in_order and not others:
                return ids[wanted - limit :]
            mixed = (
                select(job.c.id)
                .select_from(with_object())
                # The filter once more: the others may be of another moment.
                .where(job.c.id.in_([*ids, *others]), *self._where)
            )
            in_full = mixed.order_by(*newest_first()).limit(limit).offset(wanted - limit)
            return list(connection.execute(in_full).scalars())

        return newest

    def page(
        self, total: int, matching_jobs: int, by_span: Mapping[int, int] | None = None
    ) -> list[int]:
        """Return the ids of the view's page, whose limit is set.

        `total` jobs are in the database, `matching_jobs` meet the filter, and `by_span` has their
        numbers by span where a search has counted them.
        """
        if newest := self.begin_newest():
            return newest()
        view = self._view
        limit = view.limit or DEFAULT_PAGE_SIZE
        offset = (view.page - 1) * limit
        if view.sort is not Sort.DATE or self._database.is_sqlite:
            return self._sorted(offset, limit)
        if not view.is_reversed:
            return self._newest(offset, limit, total, by_span)
        # The same list, counted from its end.
        last = matching_jobs - offset
        first = max(0, last - limit)
        return self._newest(first, last - first, total, by_span)[::-1] if last > 0 else []

    def next(self, job_id: int, *, backwards: bool = False) -> int | None:
        """Return the id of the job behind one, or backwards of the one before it.

        The job itself need not be in the filter. None where there is no such job or no other.
        """
        if self._view.sort is not Sort.DATE:
            return self._next_by_key(job_id, backwards=backwards)
        here = self._connection.execute(_place_of(job.c.id == job_id)).one_or_none()
        if here is None:
            return None
        return next(iter(self._following(*here, 1, backwards=backwards)), None)

    def following(self, job_id: int, jobs: int, *, backwards: bool = False) -> list[int]:
        """Return the ids of so many jobs behind one in the order by date, or backwards before it.

        The nearest comes first. A job that has been removed still has its place among the others.
        """
        here = self._connection.execute(
            _place_of(job.c.id <= job_id).order_by(job.c.id.desc()).limit(1)
        ).one_or_none()
        time = here.created_at if here else None
        return self._following(job_id, time, jobs, backwards=backwards)

    def _by_id(self) -> tuple[ColumnElement[Any], ...]:
        """Return the order of descending ids, for a statement with a LIMIT."""
        if self._view.filter.state in {State.ACTIVE, State.OTHER}:
            # There are few of these, found by their status. The server would rather go through all
            # jobs from the newest on, because of the LIMIT; an expression is no order to follow.
            return ((job.c.id + 0).desc(),)
        return (job.c.id.desc(),)

    def _sorted(self, offset: int, limit: int) -> list[int]:
        """Return the ids of some jobs by sorting them."""
        found = select(job.c.id).where(*self._where)
        if self._view.sort is Sort.DATE:
            found = found.select_from(with_object())
        else:
            found = found.where(*self._bound(offset + limit))
        by = in_order(self._database, self._view)
        found = found.order_by(*by).limit(limit).offset(offset)
        return list(self._connection.execute(found).scalars())

    def _bound(self, jobs: int) -> list[ColumnElement[bool]]:
        """Return a condition that the first so many jobs meet, and most others do not.

        What is behind the last one wanted of a sample cannot be among them: most then need only be
        compared, which takes half as long as to sort them.
        """
        key = sort_key(self._database, self._view.sort)
        sampled = select(key.label("key")).select_from(job).where(*self._where)
        sample = sampled.order_by(*self._by_id()).limit(SAMPLE_JOBS).subquery("sample")
        is_ascending = self._view.sort.is_descending is self._view.is_reversed
        in_order = sample.c.key.asc() if is_ascending else sample.c.key.desc()
        last = select(sample.c.key).order_by(in_order).limit(1).offset(jobs - 1)
        bound = self._connection.execute(last).scalar()
        if bound is None:
            return []
        return [key <= bound if is_ascending else key >= bound]

    def _newest(
        self, offset: int, limit: int, total: int, by_span: Mapping[int, int] | None
    ) -> list[int]:
        """Return the ids of some jobs, newest first, by sorting those of a window."""
        spans = self._database.survey.spans(self._database.reading, self._connection, total)
        if by_span is not None:
            spans = spans.counting(by_span)
        elif self._where:
            spans = spans.counting(count_by_span(self._connection, self._where))
        window = spans.window(offset, limit)
        since = [] if window.since is None else [created() >= window.since]
        statement = (
            select(job.c.id)
            .select_from(with_object())
            .where(*self._where, within(window.ranges), *since)
        )
        in_full = statement.order_by(*newest_first()).limit(limit).offset(window.skip)
        return list(self._connection.execute(in_full).scalars())

    def _as_new(
        self,
        connection: Connection,
        since: datetime,
        below: int,
        ranges: Sequence[Range] | None,
        wanted: int,
    ) -> list[int]:
        """Return the ids of the newest jobs below an id that were created since a time."""
        lower = [
            Range(r.first, min(r.last, below - 1))
            for r in (ranges or [Range(0, below - 1)])
            if r.first < below
        ]
        statement = self._created_between(since, None, lower)
        return list(connection.execute(statement.order_by(*newest_first()).limit(wanted)).scalars())

    def _following(
        self, job_id: int, created_at: datetime | None, jobs: int, *, backwards: bool
    ) -> list[int]:
        """Return the ids of the jobs next to a place in the order by date, the nearest first."""
        connection, database = self._connection, self._database
        is_towards_newer = backwards is not self._view.is_reversed
        time = created_at or BEFORE_ALL_TIMES
        at_time = literal(time, object_.c.created_at.type)
        tied = created() == at_time
        if is_towards_newer:
            beyond = or_(created() > at_time, and_(tied, job.c.id > job_id))
            by_time, by_id = (created().asc(), job.c.id.asc()), job.c.id.asc()
            further = job.c.id > job_id
        else:
            beyond = or_(created() < at_time, and_(tied, job.c.id < job_id))
            by_time, by_id = (created().desc(), job.c.id.desc()), job.c.id.desc()
            further = job.c.id < job_id
        those = (
            select(job.c.id, object_.c.created_at)
            .select_from(with_object())
            .where(*self._where, beyond)
            .limit(jobs)
        )
        if database.is_sqlite:
            return list(connection.execute(those.order_by(*by_time)).scalars())
        # The next ids are a good guess. What is not between their times and ours cannot be nearer.
        guesses = connection.execute(those.where(further).order_by(by_id)).all()
        if len(guesses) < jobs:
            ranges = database.survey.reaching(*((time, None) if is_towards_newer else (None, time)))
            those = those if ranges is None else those.where(within(ranges))
            return list(connection.execute(those.order_by(*by_time)).scalars())
        times = [time, *(guess.created_at or BEFORE_ALL_TIMES for guess in guesses)]
        since, until = min(times), max(times)
        ranges = database.survey.reaching(since, until)
        statement = self._created_between(since, until, ranges or [Range(0, MAX_ID)])
        nearest = statement.where(beyond).order_by(*by_time).limit(jobs)
        return list(connection.execute(nearest).scalars())

    def _created_between(
        self, since: datetime, until: datetime | None, ranges: Sequence[Range]
    ) -> Select[int]:
        """Select the ids of the jobs in some ranges created between two times, both included."""
        statement = select(job.c.id).where(*self._where)
        if until is not None:
            statement = statement.where(created() <= until)
        if since <= BEFORE_ALL_TIMES:
            # Jobs without a time, or without an object, are among them.
            return statement.select_from(with_object()).where(within(ranges))
        # The objects first: few are of that time, and all the jobs would be looked at otherwise.
        return (
            statement.select_from(object_.join(job, job.c.id == object_.c.id))
            .prefix_with("STRAIGHT_JOIN")
            .where(within(ranges, object_.c.id), object_.c.created_at >= since)
        )

    def _next_by_key(self, job_id: int, *, backwards: bool) -> int | None:
        """Return the id of the next job where the order is not by date, or of the one before."""
        key = sort_key(self._database, self._view.sort)
        is_towards_end = backwards is self._view.is_reversed
        by_id = job.c.id.desc() if is_towards_end else job.c.id.asc()
        is_upwards = self._view.sort.is_descending is not is_towards_end
        jobs = select(job.c.id).where(*self._where)

        def first_with(value: Any, *where: ColumnElement[bool]) -> int | None:
            found = jobs.where(key == value, *where).order_by(by_id).limit(1)
            return self._connection.execute(found).scalar()

        value = self._connection.execute(
            select(key).select_from(job).where(job.c.id == job_id)
        ).scalar()
        if value is None:
            return None
        # Most names are those of many jobs, so that the next is found at once. Else all are compared.
        tied = first_with(value, job.c.id < job_id if is_towards_end else job.c.id > job_id)
        if tied is not None:
            return tied
        other = select(func.min(key) if is_upwards else func.max(key)).select_from(job)
        other = other.where(key > value if is_upwards else key < value, *self._where)
        next_value = self._connection.execute(other).scalar()
        return None if next_value is None else first_with(next_value)


_beside: Final = ThreadPoolExecutor(2, thread_name_prefix="newest")


def _place_of(which: ColumnElement[bool]) -> Select[int, datetime]:
    return select(job.c.id, object_.c.created_at).select_from(with_object()).where(which)


def _in_transaction(database: Database, read: Callable[[Connection], list[int]]) -> list[int]:
    with database.reading(BESIDE_SECONDS) as connection:
        return read(connection)


def _without_case(text: ColumnElement[Any], database: Database) -> ColumnElement[str]:
    # MySQL's collations sort without regard to case; SQLite has to be asked.
    return collate(text, "NOCASE") if database.is_sqlite else text
