"""A page of rows out of several tables, at a bounded cost however long the tables are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, and_, func, select

from jobs_data.page import Page
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong

MOST_ROWS: Final = 20_000
"""How many rows a list counts and pages through, and how many of a table's newest rows are looked at
where no index answers."""

SEARCH_SECONDS: Final = 2
"""How long a statement may search whole tables for the rows of a filter."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class Listing(Generic[Record]):
    """The rows of one table that a list shows."""

    columns: Select[Any]
    """Without a condition."""
    table: Table
    where: ColumnElement[bool]
    record: Callable[[RowMapping], Record]

    def count(self, connection: Connection) -> int:
        """Return how many rows there are, at most MOST_ROWS + 1."""
        found = select(self.table.c.id).where(self.where).limit(MOST_ROWS + 1).subquery()
        return connection.execute(select(func.count()).select_from(found)).scalar_one()

    def read(self, connection: Connection, limit: int, offset: int) -> list[Record]:
        """Return some rows, newest first."""
        key = self.table.c.id
        # The keys alone first: what is joined to a row is read for the page's rows only.
        newest = select(key).where(self.where).order_by(key.desc()).limit(limit).offset(offset)
        keys = connection.execute(newest).scalars().all()
        rows = connection.execute(self.columns.where(key.in_(keys)).order_by(key.desc()))
        return [self.record(row) for row in rows.mappings()]


@dataclass(frozen=True)
class Listed(Generic[Record]):
    """One page of a list, and how far the list was searched."""

    page: Page[list[Record]]
    """`total` is at most MOST_ROWS."""
    has_more: bool
    """Whether there are more rows than `total`."""
    is_partial: bool
    """Whether only the newest MOST_ROWS rows of each table were searched: all took too long."""


def read_list(
    database: Database, listings: Sequence[Listing[Record]], number: int, limit: int
) -> Listed[Record]:
    """Return a page of listings one after the other; past the end, the last page.

    Raises DatabaseUnavailable.
    """
    try:
        with database.reading(SEARCH_SECONDS) as connection:
            return _read_list(connection, listings, number, limit, is_partial=False)
    except TookTooLong:
        with database.reading() as connection:
            newest = [newest_only(connection, listing.table) for listing in listings]
            listings = [
                replace(listing, where=and_(listing.where, is_new))
                for listing, (is_new, _) in zip(listings, newest, strict=True)
            ]
            is_partial = any(are_others for _, are_others in newest)
            return _read_list(connection, listings, number, limit, is_partial=is_partial)


def newest_only(connection: Connection, table: Table) -> tuple[ColumnElement[bool], bool]:
    """Return the SQL condition of a table's newest MOST_ROWS rows, and whether there are others."""
    key = table.c.id
    last_left_out = select(key).order_by(key.desc()).offset(MOST_ROWS).limit(1)
    floor = connection.execute(last_left_out).scalar()
    return (key.is_not(None), False) if floor is None else (key > floor, True)


def _read_list(
    connection: Connection,
    listings: Sequence[Listing[Record]],
    number: int,
    limit: int,
    *,
    is_partial: bool,
) -> Listed[Record]:
    counts = [listing.count(connection) for listing in listings]
    total = min(MOST_ROWS, sum(counts))
    number = min(number, max(1, -(-total // limit)))
    start = offset = (number - 1) * limit
    end = min(total, start + limit)
    items: list[Record] = []
    for listing, count in zip(listings, counts, strict=True):
        wanted = end - start - len(items)
        if wanted > 0 and offset < count:
            items += listing.read(connection, wanted, offset)
        offset = max(0, offset - count)
    return Listed(Page(items, total, number, limit), sum(counts) > total, is_partial)
