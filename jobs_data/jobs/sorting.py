"""The orders of the list in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, String, case, func

from jobs_data.jobs.creation_order import created, with_object
from jobs_data.jobs.durations import seconds_taken, with_execution
from jobs_data.jobs.related_record import related_id
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import before_all_times, exactly, without_case
from jobs_data.platform.owners import owner_name
from jobs_data.platform.status import COMPLETED, ERROR, State, is_in
from jobs_data.platform.tables import job, job_execution, object_, slug


def newest_first() -> tuple[ColumnElement[Any], ...]:
    """Return the order of the list by date; its source is `with_object`."""
    return created().desc(), job.c.id.desc()


def source_of(database: Database, sort: Sort) -> FromClause:
    """Return the tables of `sort_key`, joined with `job`; for most orders `job` alone."""
    if sort is Sort.DURATION:
        return with_execution(database, job_execution.c.duration)[0]
    if sort is Sort.RELATED and slug.name in database.tables:
        return job.outerjoin(slug, slug.c.object_id == related_id())
    return with_object() if sort is Sort.DATE else job


def sort_key(database: Database, sort: Sort, now: datetime) -> ColumnElement[Any]:
    """Return the expression of an order, for `source_of` the order; never NULL.

    `now` is aware: a later end makes no duration.
    """
    keys: dict[Sort, Callable[[], ColumnElement[Any]]] = {
        Sort.DATE: created,
        Sort.NAME: lambda: without_case(func.coalesce(job.c.name, "")),
        Sort.STATUS: _status_key,
        Sort.OWNER: lambda: _owner_key(database),
        Sort.COMPLETED: lambda: func.coalesce(job.c.completed_at, before_all_times()),
        Sort.DURATION: lambda: _duration_key(database, now),
        Sort.RELATED: lambda: _record_key(database),
    }
    return keys[sort]()


def _status_key() -> ColumnElement[Any]:
    ends = ((job.c.status_id == COMPLETED, 1), (job.c.status_id == ERROR, 2))
    return case(*ends, (job.c.completed_at.is_(None), 0), else_=3)


def _owner_key(database: Database) -> ColumnElement[Any]:
    called = func.coalesce(owner_name(database), values.SYSTEM_OWNER, type_=String())
    return without_case(called)


def _duration_key(database: Database, now: datetime) -> ColumnElement[int]:
    _, (recorded,) = with_execution(database, job_execution.c.duration)
    times = (object_.c.created_at, job.c.completed_at)
    took = seconds_taken(*times, recorded, database.timezone, now)
    return case((is_in(State.ACTIVE), -1), else_=func.coalesce(took, -1, type_=Integer))


def _record_key(database: Database) -> ColumnElement[Any]:
    if slug.name not in database.tables:
        return func.coalesce(related_id(), 0)  # the number that is shown instead
    return without_case(func.coalesce(slug.c.slug, "", type_=String()))


def exact_key(sort: Sort) -> ColumnElement[str] | None:
    """Return the second expression of an order, for equal `sort_key`; never NULL. None: the id.

    Names that a collation treats as equal are grouped name by name.
    """
    return exactly(func.coalesce(job.c.name, "")) if sort is Sort.NAME else None


def quick_key(database: Database, sort: Sort, now: datetime) -> ColumnElement[Any]:
    """Return `sort_key`, or what sorts alike in less time; NULL, where it can be, comes first."""
    if sort is Sort.RELATED and slug.name in database.tables:
        return without_case(slug.c.slug)  # a quarter faster
    return sort_key(database, sort, now)


def in_order(database: Database, view: ListView, now: datetime) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY of a view, as `sort_key`; reversed, the same list from its end."""
    keys = [quick_key(database, view.sort, now)]
    if (exact := exact_key(view.sort)) is not None:
        keys.append(exact)
    is_ascending = view.sort.is_descending is view.is_reversed
    by_id = job.c.id.asc() if view.is_reversed else job.c.id.desc()
    return (*(key.asc() if is_ascending else key.desc() for key in keys), by_id)
