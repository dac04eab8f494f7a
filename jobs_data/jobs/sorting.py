"""The orders of the list: what each compares, in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, case, func, select

from jobs_data.jobs.creation_order import created
from jobs_data.jobs.related_record import related_id
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import before_all_times, exactly, without_case
from jobs_data.platform.owners import owner_name
from jobs_data.platform.status import COMPLETED, ERROR
from jobs_data.platform.tables import job, slug


def newest_first() -> tuple[ColumnElement[Any], ...]:
    """Return the order of the list by date; its source is `with_object`."""
    return created().desc(), job.c.id.desc()


def sort_key(database: Database, sort: Sort) -> ColumnElement[Any]:
    """Return what an order compares; never NULL. By date it speaks of `object`, else of `job` alone."""
    keys: dict[Sort, ColumnElement[Any]] = {
        Sort.DATE: created(),
        Sort.NAME: without_case(func.coalesce(job.c.name, "")),
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
    return without_case(called)


def _record_key(database: Database) -> ColumnElement[Any]:
    if slug.name not in database.tables:
        return func.coalesce(related_id(), 0)  # the number that is shown instead
    record = select(slug.c.slug).where(slug.c.object_id == related_id()).correlate(job)
    address = func.coalesce(record.scalar_subquery(), "", type_=String())
    return without_case(address)


def exact_key(sort: Sort) -> ColumnElement[str] | None:
    """Return what an order compares where `sort_key` is equal; never NULL. None where that is the id.

    Names that a collation takes for one follow each other name by name.
    """
    return exactly(func.coalesce(job.c.name, "")) if sort is Sort.NAME else None


def in_order(database: Database, view: ListView) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY of a view, as `sort_key`; reversed, it is the same list from its end."""
    keys = [sort_key(database, view.sort)]
    if (exact := exact_key(view.sort)) is not None:
        keys.append(exact)
    is_ascending = view.sort.is_descending is view.is_reversed
    by_id = job.c.id.asc() if view.is_reversed else job.c.id.desc()
    return (*(key.asc() if is_ascending else key.desc() for key in keys), by_id)
