"""The rows of the demo database: plain tuples, many in a statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlalchemy import Connection, Table

from jobs_data.demo.result_files import ResultFile
from jobs_data.platform.tables import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)

Row: TypeAlias = tuple[str | int | None, ...]

# Parents come before their children.
COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    object_: ("id", "class_name", "created_at", "updated_at"),
    job: (
        "id",
        "name",
        "download_path",
        "completed_at",
        "user_id",
        "object_id",
        "status_id",
        "output",
    ),
    job_execution: (
        "job_id",
        "type",
        "started_at",
        "completed_at",
        "duration",
        "error_message",
        "stack_trace",
        "created_at",
        "updated_at",
    ),
    note: ("id", "object_id", "type_id", "source_culture"),
    note_i18n: ("id", "culture", "content"),
    property_: ("id", "object_id", "scope", "name", "source_culture"),
    property_i18n: ("id", "culture", "value"),
}


def _no_rows() -> dict[Table, list[Row]]:
    return {table: [] for table in COLUMNS}


@dataclass(slots=True)
class Chunk:
    """The rows of some jobs, in the order of COLUMNS, and their result files."""

    rows: dict[Table, list[Row]] = field(default_factory=_no_rows)
    files: list[ResultFile] = field(default_factory=list)

    @property
    def jobs(self) -> int:
        """Return how many jobs the chunk holds."""
        return len(self.rows[job])

    def insert(self, connection: Connection) -> None:
        """Insert the rows.

        They are passed to the driver unchanged: SQLAlchemy's handling of each value makes a large demo
        about a quarter slower.
        """
        quote = connection.dialect.identifier_preparer.quote
        mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
        for table, rows in self.rows.items():
            names = COLUMNS[table]
            columns = ", ".join(map(quote, names))
            marks = ", ".join([mark] * len(names))
            if rows:
                # S608: all names are our own, those of COLUMNS.
                statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608
                connection.exec_driver_sql(statement, rows)
