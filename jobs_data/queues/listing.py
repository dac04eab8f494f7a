"""A page of rows of several tables, at a limited cost for tables of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select, true

from jobs_data.page import Page
from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong
from jobs_data.queues.present import PresentTable

MOST_ROWS: Final = 20_000
"""How many rows a list counts and pages through, and how many of a table's newest rows are looked at
where no index answers."""

SEARCH_SECONDS: Final = 2
"""How long a statement may search whole tables for the rows of a filter."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class QueuePage(Generic[Record]):
    """One page of queued jobs or of batches, the platform's first, each table's newest first."""

    page: Page[list[Record]]
    """`total` is at most MOST_ROWS."""
    has_more: bool
    """Whether there are more rows than `total`."""
    is_partial: bool
    """Whether only the newest MOST_ROWS rows of each table were searched: all took too long."""
    read_at: datetime


@dataclass(frozen=True)
class Listing(Generic[Record]):
    """The rows of one table in a list; none if the table is missing."""

    columns: Select[Any]
    """Without a condition."""
    table: PresentTable
    where: ColumnElement[bool]
    record: Callable[[RowMapping], Record]

    def count(self, connection: Connection) -> int:
        """Return how many rows there are, at most MOST_ROWS + 1."""
        found = select(self.table.key).where(self.where).limit(MOST_ROWS + 1).subquery()
        return connection.execute(select(func.count()).select_from(found)).scalar_one()

    def read(self, connection: Connection, limit: int, offset: int) -> list[Record]:
        """Return some rows, newest first."""
        key = self.table.key
        # Keys first: joined columns are read only for the page's rows.
        newest = select(key).where(self.where).order_by(key.desc()).limit(limit).offset(offset)
        keys = connection.execute(newest).scalars().all()
        rows = connection.execute(self.columns.where(key.in_(keys)).order_by(key.desc()))
        return [self.record(row) for row in rows.mappings()]


def read_page(
    database: Database,
    listings: Sequence[Listing[Record]],
    asked: tuple[int, int],
    now: datetime,
) -> QueuePage[Record]:
    """Return a page of listings one after the other; past the end, the last page.

    `asked` is the number and the limit of the page. Raises DatabaseUnavailable.
    """
    listings = [listing for listing in listings if listing.table.exists]
    capped: list[str] = []
    try:
        with database.reading(SEARCH_SECONDS) as connection:
            page, counted = _read(connection, listings, *asked)
    except TookTooLong:
        with database.reading() as connection:
            listings = [
                replace(it, where=it.where & newest_only(connection, it.table, capped))
                for it in listings
            ]
            page, counted = _read(connection, listings, *asked)
    return QueuePage(page, counted > page.total, bool(capped), now)


def newest_only(connection: Connection, table: PresentTable, capped: list[str]) -> ColumnElement[bool]:
    """Return the SQL condition of a table's newest MOST_ROWS rows.

    If there are more, the table's name is added to `capped`.
    """
    last_left_out = select(table.key).order_by(table.key.desc()).offset(MOST_ROWS).limit(1)
    floor = connection.execute(last_left_out).scalar()
    if floor is None:
        return true()
    capped.append(table.name)
    return table.key > floor


def _read(
    connection: Connection, listings: Sequence[Listing[Record]], number: int, limit: int
) -> tuple[Page[list[Record]], int]:
    """Return a page, and how many rows were counted."""
    counts = [listing.count(connection) for listing in listings]
    total = min(MOST_ROWS, sum(counts))
    number = min(number, max(1, -(-total // limit)))
    offset = (number - 1) * limit
    wanted = min(limit, total - offset)
    records: list[Record] = []
    for listing, count in zip(listings, counts, strict=True):
        missing = wanted - len(records)
        if missing > 0 and offset < count:
            records += listing.read(connection, missing, offset)
        offset = max(0, offset - count)
    return Page(records, total, number, limit), sum(counts)
