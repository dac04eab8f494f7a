"""The seven tables of a job, and which of them a database has.

Deletion, receipts and restore all use this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Inspector, Table, inspect, text

from jobs_data.platform.database import Database
from jobs_data.platform.tables import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)
from jobs_data.removal.exact_values import SelectedColumns, selected


@dataclass(frozen=True)
class JobTable:
    """One of the seven tables."""

    table: Table
    key: str
    """The column by which its rows are found: it holds the id of the job, or of a row of `owner`."""
    parent: Table | None
    """The table that the foreign key of `key` refers to; None where the platform has none."""

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.table.name

    @property
    def owner(self) -> Table | None:
        """Return the table between this one and the job: texts belong to a note or a property."""
        return self.parent if self.parent in {note, property_} else None


JOB_TABLES: Final = (
    JobTable(object_, "id", None),
    JobTable(job, "id", object_),
    JobTable(note, "object_id", object_),
    JobTable(note_i18n, "id", note),
    JobTable(property_, "object_id", object_),
    JobTable(property_i18n, "id", property_),
    JobTable(job_execution, "job_id", None),
)
"""In the order of inserts and of a receipt."""

DELETE_ORDER: Final = (
    *(each for each in reversed(JOB_TABLES) if each.table not in {object_, job}),
    *(each for each in JOB_TABLES if each.table in {object_, job}),
)
"""`job` last: the other deletes join it, to delete rows of finished jobs only."""


@dataclass(frozen=True)
class PresentTable:
    """One of these tables as a database has it."""

    described: JobTable
    selected: SelectedColumns
    has_key: bool
    """Whether a foreign key prevents new rows for a locked or deleted parent."""
    cascades: bool
    """Whether its rows are deleted with the job's `object` row by foreign key."""
    by_index: str
    """The SQL that makes a server find its rows by the index of `key`, empty if there is none.

    Otherwise a small table would be read as a whole, including rows that others have locked."""

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.described.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Return its columns, generated ones left out."""
        return self.selected.names


@dataclass(frozen=True)
class PresentTables:
    """The tables that a database has, and how it locks."""

    by_name: Mapping[str, PresentTable]
    locks_gaps: bool
    """Whether a batch must also lock what lies between its jobs: unfinished ones, other records, and
    gaps for new rows."""

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table, as a receipt names them."""
        return {name: table.columns for name, table in self.by_name.items()}


def look_at_tables(database: Database) -> PresentTables:
    """Return the seven tables as the database describes them now. Raises DatabaseUnavailable."""
    found: dict[str, PresentTable] = {}
    with database.reading(primary=True) as connection:
        inspector = inspect(connection)
        checks_keys = (
            database.is_sqlite
            or connection.execute(text("SELECT @@foreign_key_checks")).scalar_one() == 1
        )
        for each in JOB_TABLES:
            if each.name not in database.tables:
                continue
            columns = [c for c in inspector.get_columns(each.name) if "computed" not in c]
            keys = _keys(inspector, each) if checks_keys else []
            # A writer locks the whole SQLite file, so nothing can be added.
            found[each.name] = PresentTable(
                each,
                selected(connection.dialect, columns, _charset(inspector, each)),
                has_key=bool(keys) or database.is_sqlite,
                cascades=not database.is_sqlite
                and any(key["options"].get("ondelete") == "CASCADE" for key in keys)
                and (each.owner is None or found[each.owner.name].cascades),
                by_index="" if database.is_sqlite else _by_index(inspector, each),
            )
        return PresentTables(found, database.is_sqlite or _locks_gaps(connection))


def _keys(inspector: Inspector, each: JobTable) -> list[Any]:
    """Return the foreign keys by which rows of a table belong to their parent."""
    return [
        key
        for key in inspector.get_foreign_keys(each.name)
        if each.parent is not None
        and key["constrained_columns"] == [each.key]
        and key["referred_table"] == each.parent.name
    ]


def _charset(inspector: Inspector, each: JobTable) -> str:
    options = inspector.get_table_options(each.name)
    return str(options.get(f"{inspector.dialect.name}_default charset", ""))


def _by_index(inspector: Inspector, each: JobTable) -> str:
    if inspector.get_pk_constraint(each.name)["constrained_columns"][:1] == [each.key]:
        return "FORCE INDEX (PRIMARY)"
    found = (i["name"] for i in inspector.get_indexes(each.name) if i["column_names"][:1] == [each.key])
    name = next(found, None)
    return f"FORCE INDEX ({inspector.dialect.identifier_preparer.quote(name)})" if name else ""


def _locks_gaps(connection: Connection) -> bool:
    """Return whether a server refuses changes at READ COMMITTED, which locks no gaps.

    A server that logs statements for its replicas does.
    """
    asked = "SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')"
    log = {row[0]: row[1] for row in connection.execute(text(asked))}
    return log.get("log_bin") == "ON" and log.get("binlog_format") == "STATEMENT"
