"""Which jobs a page has: their ids, in the order of a view, found without sorting all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    collate,
    func,
    or_,
    select,
)

from jobs_data.engine import Database, DatabaseUnavailable
from jobs_data.filters import DEFAULT_PAGE_SIZE, JobFilter, ListView, Sort
from jobs_data.platform import job, object_
from jobs_data.spans import (
    BEFORE_ALL_TIMES,
    MAX_ID,
    Range,
    Window,
    count_by_span,
    created,
    within,
)
from jobs_data.status import State, is_in

SHALLOW_JOBS: Final = 1_000
"""How far from the newest job a page may be to be looked for from there."""

SAMPLE_JOBS: Final = 5_000
BESIDE_SECONDS: Final = 4


def matching(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """Return the SQL conditions of the jobs that a filter lets through."""
    return [] if job_filter.state is None else [is_in(job_filter.state)]


def with_object() -> FromClause:
    """Return the jobs with their objects, and with NULLs for those that have lost theirs."""
    return job.outerjoin(object_, object_.c.id == job.c.id)


def newest_first() -> tuple[ColumnElement[Any], ...]:
    """Return the order of the list by date; its source is `with_object`."""
    return created().desc(), job.c.id.desc()


def name_key(database: Database) -> ColumnElement[str]:
    """Return what the order by name compares; never NULL, so that any two jobs have an order."""
    name = func.coalesce(job.c.name, "")
    # MySQL's collations sort without regard to case; SQLite has to be asked.
    return collate(name, "NOCASE") if database.is_sqlite else name


def _by_name(
    connection: Connection, database: Database, job_filter: JobFilter, offset: int, limit: int
) -> list[int]:
    """Return the ids of some jobs in the order of their names."""
    key = name_key(database)
    in_order = select(job.c.id).order_by(key, job.c.id.desc()).limit(limit).offset(offset)
    # No name behind the last one wanted of a sample can be on the page: most names then need only
    # be compared, which takes half as long as to sort them.
    sample = (
        select(key.label("name"))
        .where(*matching(job_filter))
        .order_by(*_id_order(job_filter))
        .limit(SAMPLE_JOBS)
    )
    first_names = sample.subquery("sample")
    bound = connection.execute(
        select(first_names.c.name).order_by(first_names.c.name).limit(1).offset(offset + limit - 1)
    ).scalar()
    bounded = [] if bound is None else [key <= bound]
    return list(connection.execute(in_order.where(*matching(job_filter), *bounded)).scalars())


def _id_order(job_filter: JobFilter) -> tuple[ColumnElement[Any], ...]:
    """Return the order of descending ids, for a statement with a LIMIT."""
    if job_filter.state in {State.ACTIVE, State.OTHER}:
        # There are few of these, found by their status. The server would rather go through all jobs
        # from the newest on, because of the LIMIT; an expression is no order that it could follow.
        return ((job.c.id + 0).desc(),)
    return (job.c.id.desc(),)


def _sorted_by_date(
    connection: Connection, job_filter: JobFilter, offset: int, limit: int
) -> list[int]:
    """Return the ids of some jobs, newest first, by sorting all of them."""
    statement = select(job.c.id).select_from(with_object()).where(*matching(job_filter))
    return list(
        connection.execute(statement.order_by(*newest_first()).limit(limit).offset(offset)).scalars()
    )


def _within(connection: Connection, job_filter: JobFilter, window: Window, limit: int) -> list[int]:
    """Return the ids of some jobs, newest first, by sorting those of a window."""
    since = [] if window.since is None else [created() >= window.since]
    statement = (
        select(job.c.id)
        .select_from(with_object())
        .where(*matching(job_filter), within(window.ranges), *since)
    )
    return list(
        connection.execute(
            statement.order_by(*newest_first()).limit(limit).offset(window.skip)
        ).scalars()
    )


def begin_newest(
    connection: Connection, database: Database, view: ListView
) -> Callable[[], list[int]] | None:
    """Begin to find a page near the newest job; None where the page has to be found another way.

    What is returned waits for its ids, newest first. The largest ids nearly always are the newest
    jobs. Whether any other job is as new is looked up among the spans that reach into their time;
    before there has been a survey, among all objects, in a transaction of its own beside this one.
    """
    limit = view.limit or DEFAULT_PAGE_SIZE
    wanted = view.page * limit
    if view.sort is not Sort.DATE or wanted > SHALLOW_JOBS or database.is_sqlite:
        return None
    job_filter = view.filter
    top = (
        select(job.c.id, object_.c.created_at)
        .select_from(with_object())
        .where(*matching(job_filter))
        .order_by(*_id_order(job_filter))
        .limit(wanted)
    )
    found = [(row.created_at or BEFORE_ALL_TIMES, row.id) for row in connection.execute(top)]
    ids = [job_id for _, job_id in found]
    in_order = sorted(found, reverse=True) == found
    since = min((time for time, _ in found), default=BEFORE_ALL_TIMES)
    ranges = database.survey.reaching(since)

    def strays(connection: Connection) -> list[int]:
        if len(ids) < wanted:
            return []  # these are all that there are
        return _as_new(connection, job_filter, since, ids[-1], ranges, wanted)

    is_cold = ranges is None and len(ids) == wanted
    waiting = _beside.submit(_in_transaction, database, strays) if is_cold else None

    def newest() -> list[int]:
        try:
            others = waiting.result() if waiting else strays(connection)
        except DatabaseUnavailable:
            # It may wait for somebody who alters a table, and who waits for this transaction.
            others = strays(connection)
        if in_order and not others:
            return ids[wanted - limit :]
        mixed = (
            select(job.c.id)
            .select_from(with_object())
            # The filter once more: the others may be of another moment.
            .where(job.c.id.in_([*ids, *others]), *matching(job_filter))
        )
        in_full = mixed.order_by(*newest_first()).limit(limit).offset(wanted - limit)
        return list(connection.execute(in_full).scalars())

    return newest


def page_of_ids(connection: Connection, database: Database, view: ListView, total: int) -> list[int]:
    """Return the ids of a page of a view, whose limit is set; `total` jobs are in the database."""
    if newest := begin_newest(connection, database, view):
        return newest()
    limit = view.limit or DEFAULT_PAGE_SIZE
    offset = (view.page - 1) * limit
    if view.sort is Sort.NAME:
        return _by_name(connection, database, view.filter, offset, limit)
    if database.is_sqlite:
        return _sorted_by_date(connection, view.filter, offset, limit)
    spans = database.survey.spans(database.reading, connection, total)
    if conditions := matching(view.filter):
        spans = spans.counting(count_by_span(connection, conditions))
    return _within(connection, view.filter, spans.window(offset, limit), limit)


def next_job(
    connection: Connection, database: Database, view: ListView, job_id: int, *, backwards: bool = False
) -> int | None:
    """Return the id of the job behind one in a view's order, or backwards of the one before it.

    The job itself need not be in the view's filter. None where there is no such job or no other.
    """
    if view.sort is Sort.NAME:
        return _next_by_name(connection, database, view.filter, job_id, backwards=backwards)
    here = connection.execute(
        select(job.c.id, object_.c.created_at).select_from(with_object()).where(job.c.id == job_id)
    ).one_or_none()
    if here is None:
        return None
    return _next_by_date(connection, database, view.filter, here, backwards=backwards)


_beside: Final = ThreadPoolExecutor(2, thread_name_prefix="newest")


def _in_transaction(database: Database, read: Callable[[Connection], list[int]]) -> list[int]:
    with database.reading(BESIDE_SECONDS) as connection:
        return read(connection)


def _as_new(
    connection: Connection,
    job_filter: JobFilter,
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
    statement = _created_between(job_filter, since, None, lower)
    return list(connection.execute(statement.order_by(*newest_first()).limit(wanted)).scalars())


def _next_by_date(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    here: Row[Any, Any],
    *,
    backwards: bool = False,
) -> int | None:
    """Return the id of the next older job, or backwards the next newer one."""
    time = here.created_at or BEFORE_ALL_TIMES
    tied = created() == time
    if backwards:
        beyond = or_(created() > time, and_(tied, job.c.id > here.id))
        by_time, by_id = (created().asc(), job.c.id.asc()), job.c.id.asc()
        further = job.c.id > here.id
    else:
        beyond = or_(created() < time, and_(tied, job.c.id < here.id))
        by_time, by_id = (created().desc(), job.c.id.desc()), job.c.id.desc()
        further = job.c.id < here.id
    those = (
        select(job.c.id, object_.c.created_at)
        .select_from(with_object())
        .where(*matching(job_filter), beyond)
        .limit(1)
    )
    if database.is_sqlite:
        return connection.execute(those.order_by(*by_time)).scalar()
    # The next id is a good guess. Nothing that is not between its time and ours can be nearer.
    guess = connection.execute(those.where(further).order_by(by_id)).one_or_none()
    if guess is None:
        ranges = database.survey.reaching(*((time, None) if backwards else (None, time)))
        those = those if ranges is None else those.where(within(ranges))
        return connection.execute(those.order_by(*by_time)).scalar()
    since, until = sorted((time, guess.created_at or BEFORE_ALL_TIMES))
    ranges = database.survey.reaching(since, until)
    statement = _created_between(job_filter, since, until, ranges or [Range(0, MAX_ID)])
    return connection.execute(statement.where(beyond).order_by(*by_time).limit(1)).scalar()


def _created_between(
    job_filter: JobFilter, since: datetime, until: datetime | None, ranges: Sequence[Range]
) -> Select[int]:
    """Select the ids of the jobs in some ranges that were created between two times, both included."""
    statement = select(job.c.id).where(*matching(job_filter))
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


def _next_by_name(
    connection: Connection,
    database: Database,
    job_filter: JobFilter,
    job_id: int,
    *,
    backwards: bool = False,
) -> int | None:
    """Return the id of the next job in the order of names, or backwards of the one before."""
    key = name_key(database)
    jobs = select(job.c.id).where(*matching(job_filter))
    by_id = job.c.id.asc() if backwards else job.c.id.desc()

    def first_called(name: str, *where: ColumnElement[bool]) -> int | None:
        found = jobs.where(key == name, *where).order_by(by_id).limit(1)
        return connection.execute(found).scalar()

    name = connection.execute(select(key).where(job.c.id == job_id)).scalar()
    if name is None:
        return None
    # Most names are those of many jobs, so that the next is found at once. Otherwise all are compared.
    tied = first_called(name, job.c.id > job_id if backwards else job.c.id < job_id)
    if tied is not None:
        return tied
    other_name = (
        select(func.max(key)).where(key < name)
        if backwards
        else select(func.min(key)).where(key > name)
    )
    next_name = connection.execute(other_name.where(*matching(job_filter))).scalar()
    return None if next_name is None else first_called(next_name)
