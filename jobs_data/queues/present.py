"""A queue table as this database has it: each table and each column may be missing."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    RowMapping,
    Select,
    Table,
    Text,
    cast,
    func,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import contains, first_characters, is_one_of
from jobs_data.platform.owners import with_owner
from jobs_data.queues.model import MOST_CHARACTERS, LongText
from jobs_data.reasons.finding import choose
from jobs_data.url_values import parse_number

BEGINNING: Final = 4_000
"""How many characters of a long text are read for a row of a table."""

LINE_CHARACTERS: Final = 300
"""How much of an error's reason a table shows."""


class PresentTable:
    """A table whose missing columns are NULL, so that statements need not check for them."""

    def __init__(self, database: Database, table: Table) -> None:
        """Read nothing yet: the database may be away."""
        self.name = table.name
        self.key: ColumnElement[int] = table.c.id
        self._database = database
        self._table = table

    @property
    def exists(self) -> bool:
        """Return whether the database has the table. Raises DatabaseUnavailable."""
        return self.name in self._database.tables

    def has(self, name: str) -> bool:
        """Return whether the database has a column. Raises DatabaseUnavailable."""
        return name in self._database.columns.get(self.name, ())

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        """Return a column, or NULL of its type if it is missing."""
        column = self._table.c[name]
        return column if self.has(name) else type_coerce(null(), column.type)

    @property
    def short(self) -> list[ColumnElement[Any]]:
        """Return all columns but the long texts for a SELECT, each under its name."""
        return [self[c.name].label(c.name) for c in self._table.c if not isinstance(c.type, Text)]

    def beginnings(self, *names: str) -> list[ColumnElement[Any]]:
        """Return the beginnings of long texts for a SELECT, each under its name."""
        return [first_characters(self[name], BEGINNING).label(name) for name in names]

    def long_texts(self, *names: str) -> list[ColumnElement[Any]]:
        """Return what `long_text` reads of these columns."""
        # One more character than is shown, to see whether the text is longer.
        texts = [first_characters(self[name], MOST_CHARACTERS + 1).label(name) for name in names]
        sizes = [func.length(cast(self[name], LargeBinary)).label(f"{name}_bytes") for name in names]
        return [*texts, *sizes]

    def select_with_owner(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select the short columns, others, and those for `values.owner_of`."""
        user_id = self["user_id"] if self.has("user_id") else None
        source, owner = with_owner(self._database, self._table, user_id)
        return select(*self.short, *columns, *owner).select_from(source)

    def find(self, connection: Connection, statement: Select[Any], key: int | str) -> RowMapping | None:
        """Return the row of a SELECT with this primary key, or None."""
        if not self.exists:
            return None
        is_it = self.key == key if isinstance(key, int) else is_one_of(self.key, [key])
        return connection.execute(statement.where(is_it)).mappings().first()


def mentions(words: str, key: ColumnElement[int], *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the SQL condition of the rows with a text in a column, or with the number of `#7`.

    All rows meet it where the text is empty.
    """
    if not words:
        return true()
    number = parse_number(words.removeprefix("#")) if words.startswith("#") else None
    return key == number if number is not None else or_(*(contains(each, words) for each in columns))


def long_text(row: RowMapping, name: str) -> LongText:
    """Return one of a row's long texts."""
    text = values.text(row[name])
    return LongText(text[:MOST_CHARACTERS], row[f"{name}_bytes"] or 0, len(text) > MOST_CHARACTERS)


def reason_in(*texts: str) -> str:
    """Return why a job failed, from its error texts, in one cut line; empty if unknown."""
    found = choose([(text, False) for text in texts])
    line = found[1].text if found else ""
    return f"{line[:LINE_CHARACTERS]}…" if len(line) > LINE_CHARACTERS else line
