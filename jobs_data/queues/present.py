"""A queue table as this database has it: each table and each column may be missing."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    RowMapping,
    Select,
    Table,
    case,
    cast,
    func,
    null,
    or_,
    select,
    type_coerce,
)

from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import with_owner
from jobs_data.queues.model import MOST_CHARACTERS, LongText

BEGINNING: Final = 4_000
"""How many characters of a long text are read for a row of a table."""

LINE_CHARACTERS: Final = 300
"""How much of the first line of an error a table shows."""


class PresentTable:
    """A table whose missing columns are NULL, so that a statement needs no question about them."""

    def __init__(self, database: Database, table: Table) -> None:
        """Look nothing up yet: the database may be away."""
        self.database = database
        self.table = table

    @property
    def exists(self) -> bool:
        """Return whether the database has the table. Raises DatabaseUnavailable."""
        return self.table.name in self.database.tables

    def has(self, name: str) -> bool:
        """Return whether the database has a column. Raises DatabaseUnavailable."""
        return name in self.database.columns.get(self.table.name, ())

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        """Return a column, NULL of its type where it is missing."""
        column = self.table.c[name]
        return column if self.has(name) else type_coerce(null(), column.type)

    @property
    def id(self) -> ColumnElement[Any]:
        """Return the primary key, which no such table lacks."""
        return self.table.c.id

    def named(self, *names: str) -> list[ColumnElement[Any]]:
        """Return columns for a SELECT, each under its name."""
        return [self[name].label(name) for name in names]

    def beginning(self, name: str) -> ColumnElement[Any]:
        """Return the beginning of a long text for a SELECT, under its name."""
        return func.substr(self[name], 1, BEGINNING).label(name)

    def long_texts(self, *names: str) -> list[ColumnElement[Any]]:
        """Return what `long_text` reads of these columns."""
        # One character more than is shown tells whether the text is longer.
        return [
            part
            for name in names
            for part in (
                func.substr(self[name], 1, MOST_CHARACTERS + 1).label(name),
                func.length(cast(self[name], LargeBinary)).label(f"{name}_bytes"),
            )
        ]

    @property
    def queue(self) -> ColumnElement[Any]:
        """Return the queue's name, `[Unknown]` where it has none."""
        return case((self._is_unnamed, values.UNKNOWN_NAME), else_=self["queue"])

    def in_queue(self, name: str) -> ColumnElement[bool]:
        """Return the SQL condition of the rows whose `queue` is a name, as the database compares it."""
        same = self["queue"] == name
        return or_(same, self._is_unnamed) if name == values.UNKNOWN_NAME else same

    @property
    def _is_unnamed(self) -> ColumnElement[bool]:
        return func.trim(func.coalesce(self["queue"], "")) == ""

    def select_with_owner(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select columns, and with them what `values.owner_of` reads."""
        user_id = self["user_id"] if self.has("user_id") else None
        source, owner = with_owner(self.database, self.table, user_id)
        return select(*columns, *owner).select_from(source)


def long_text(row: RowMapping, name: str) -> LongText:
    """Return one of a row's long texts."""
    text = values.text(row[name])
    return LongText(text[:MOST_CHARACTERS], row[f"{name}_bytes"] or 0, len(text) > MOST_CHARACTERS)


def first_line(text: str) -> str:
    """Return the first line of an error's text that says anything, cut where it is long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{line[:LINE_CHARACTERS]}…" if len(line) > LINE_CHARACTERS else line
