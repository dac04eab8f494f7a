"""One transaction of a restore: jobs are inserted as a receipt has them, or refused with a reason.

The database decides: a number in use, a missing user, or a value that it would not store exactly
prevents the restore of that job, with a reason. Existing rows are never changed or replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, TableClause, column, exc, insert, select, table

from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.retrying import retried
from jobs_data.platform.tables import job, object_, term, user
from jobs_data.removal import exact_rows
from jobs_data.removal.exact_values import ByteText, Row, bytes_sent, decoded, to_insert
from jobs_data.removal.job_tables import JOB_TABLES, look_at_tables
from jobs_data.store.batch_content import job_lines, parse_line

REFERENCES: Final = (
    ("user_id", user, "user"),
    ("object_id", object_, "related record"),
    ("status_id", term, "status"),
)
"""What a job may refer to: the column, the table, and the name on the screen."""

TOO_LARGE: Final = (
    "One of its values is too large for the database. Raise max_allowed_packet on the server."
)

_REASONS: Final = (
    ({1062, "UNIQUE"}, "The number of one of its rows is in use again."),
    ({1216, 1452, "FOREIGN"}, "One of its rows refers to something that no longer exists."),
    ({1048, 1364, "NOT"}, "A table now requires a value that the deleted job does not have."),
    ({1153, 1301}, TOO_LARGE),
    ({1292, 1366, 3819, 4025, "CHECK"}, "The database no longer allows one of its values."),
)
"""The meanings of MySQL's and MariaDB's numbers, and of the first word of SQLite's sentences."""

Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class JobRows:
    """A job as the receipt has it: its rows by table, in a fixed order."""

    id: int
    rows: Rows


def _is_orphan(of: JobRows) -> bool:
    """Return whether a job has no object, as in some restored databases."""
    return object_.name not in of.rows


class _Refused(Exception):
    """The database refuses some jobs; the message has the reason for a single one."""


def parse_job(line: bytes) -> JobRows:
    """Return the job in a line of a receipt."""
    parsed = parse_line(line)
    rows = {name: [decoded(row) for row in found] for name, found in parsed["rows"].items() if found}
    return JobRows(int(parsed["job"]), _in_order(rows))


def present(connection: Connection, of: Table, ids: Sequence[int], *, locked: bool = False) -> set[int]:
    """Return those of some numbers that a table has as an id; `locked` waits for their locks."""
    if not ids:
        return set()
    there = select(of.c.id).where(of.c.id.in_(ids))
    if locked:
        there = there.with_for_update(read=True)
    return set(connection.execute(there).scalars())


@dataclass(frozen=True)
class _Place:
    """A table of the receipt in the database as it is now."""

    table: TableClause
    columns: tuple[str, ...]
    """Those of the receipt, in its order."""
    gone: tuple[str, ...]
    """The columns that the database lacks; all if it lacks the table."""
    there: tuple[str, ...]
    """The columns that the database has."""

    def picked(self, row: Row) -> Row:
        """Return the receipt's columns of a row that has all of the database's."""
        values = dict(zip(self.there, row, strict=True))
        return tuple(values.get(name) for name in self.columns)


class RestoreBatches:
    """Restores the batches of one receipt, each in a transaction of its own."""

    def __init__(self, database: Database, columns: Mapping[str, Sequence[str]]) -> None:
        """Look at the tables; `columns` are those of the receipt's rows. Raises DatabaseUnavailable."""
        self._database = database
        self._columns = columns
        self._places: dict[str, _Place] = {}
        self._tables = look_at_tables(database)
        there_now = self._tables.columns()
        for name, of_receipt in columns.items():
            there = there_now.get(name, ())
            self._places[name] = _Place(
                table(name, *(column(each) for each in of_receipt if each in there)),
                tuple(of_receipt),
                tuple(each for each in of_receipt if each not in there),
                there,
            )

    def restore(self, jobs: Sequence[JobRows], problems: dict[int, str]) -> list[int]:
        """Return the ids of the restored jobs; put the reasons for others into `problems`.

        If the database refuses, it tries halves. Raises DatabaseUnavailable: none is then restored.
        """
        if not jobs:
            return []
        orphans = [each for each in jobs if _is_orphan(each)]
        if len(orphans) not in {0, len(jobs)}:
            others = [each for each in jobs if not _is_orphan(each)]
            return self.restore(others, problems) + self.restore(orphans, problems)
        try:
            obstacles = retried(lambda: self._in_one_transaction(jobs))
        except _Refused as refused:
            if len(jobs) == 1:
                problems[jobs[0].id] = str(refused)
                return []
            half = len(jobs) // 2
            return self.restore(jobs[:half], problems) + self.restore(jobs[half:], problems)
        problems.update(obstacles)
        return [each.id for each in jobs if each.id not in obstacles]

    def _in_one_transaction(self, jobs: Sequence[JobRows]) -> dict[int, str]:
        """Insert jobs, and return why some were skipped. Raises _Refused: none is then inserted."""
        try:
            # Orphans are as they were: their job row has referred to a missing object before.
            checks_keys = not any(map(_is_orphan, jobs))
            with self._database.writing(checks_keys=checks_keys) as connection:
                exact_rows.begin(connection, self._tables)
                obstacles = self._obstacles(connection, jobs)
                self._insert(connection, [each for each in jobs if each.id not in obstacles])
                return obstacles
        except DatabaseUnavailable as problem:
            why = _reason(problem) or self._why_hung_up(jobs, problem)
            if not why:
                raise
            raise _Refused(why) from problem

    def _why_hung_up(self, jobs: Sequence[JobRows], problem: DatabaseUnavailable) -> str:
        """Return why a server ended the connection, empty if not because of these jobs.

        It does so within a row that is too large, mostly before it could say why.
        """
        error = problem.__cause__
        if not (isinstance(error, exc.DBAPIError) and error.connection_invalidated):
            return ""
        with self._database.reading(primary=True) as connection:
            limit = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
        rows = (row for each in jobs for found in each.rows.values() for row in found)
        return TOO_LARGE if any(bytes_sent(row) > limit for row in rows) else ""

    def _insert(self, connection: Connection, jobs: Sequence[JobRows]) -> None:
        """Insert jobs, unless all are back already, as a restore that was cut off has left them."""
        if not jobs:
            return
        ids = [each.id for each in jobs]
        rows = {each.id: each.rows for each in jobs}
        # A job without an object, which some databases have, is found by its own number alone.
        if present(connection, object_, ids) | present(connection, job, ids):
            if self._read(connection, ids) == rows:
                return
            raise _Refused(
                "Its number is in use again: the platform's database has something else under it, or "
                "this job with other values."
            )
        for of in JOB_TABLES:
            if of_table := [row for each in jobs for row in each.rows.get(of.name, ())]:
                _insert(connection, self._places[of.name], of_table)
        if self._read(connection, ids) != rows:
            raise _Refused("The database would not store it exactly as it was.")

    def _gone_columns(self, each: JobRows) -> str:
        """Return why a job does not fit into the tables any more, empty where it does."""
        for name, place in self._places.items():
            if place.gone and each.rows.get(name):
                columns = ", ".join(place.gone)
                return f"Columns are missing in the platform's table {name}: {columns}."
        return ""

    def _obstacles(self, connection: Connection, jobs: Sequence[JobRows]) -> dict[int, str]:
        """Return why jobs do not fit any more: by their columns, or by what they refer to.

        No foreign key may say that their user, related record or status is gone.
        """
        found = {each.id: why for each in jobs if (why := self._gone_columns(each))}
        fitting = [each for each in jobs if each.id not in found]
        columns = self._columns[job.name]
        for name, parent, word in REFERENCES:
            if parent.name not in self._database.tables or name not in columns:
                continue
            at = columns.index(name)
            numbers = {each.id: row[at] for each in fitting for row in each.rows.get(job.name, ())}
            wanted = {number for number in numbers.values() if isinstance(number, int)}
            there = present(connection, parent, sorted(wanted))
            if parent is object_:
                there |= {each.id for each in fitting if each.id not in found}
            gone = wanted - there
            for job_id, number in numbers.items():
                if number in gone:
                    why = f"Its {word}, number {number}, no longer exists."
                    found.setdefault(job_id, why)
        return found

    def _read(self, connection: Connection, ids: Sequence[int]) -> dict[int, Rows]:
        """Return the rows of those jobs that are there and finished, as the receipt would have them."""
        found = exact_rows.JobRows(connection, self._tables, is_bounded=False, waits=True)
        if found.lock(ids):
            found.read()
        return {
            there.id: _in_order(
                {
                    name: [self._places[name].picked(row) for row in rows]
                    for name, rows in there.rows.items()
                    if name in self._places
                }
            )
            for there in map(parse_job, job_lines(found.content()))
        }


def _in_order(rows: Rows) -> Rows:
    for of_table in rows.values():
        if len(of_table) > 1:
            of_table.sort(key=repr)
    return rows


def _insert(connection: Connection, place: _Place, rows: Sequence[Row]) -> None:
    if not any(isinstance(value, ByteText) for row in rows for value in row):
        connection.execute(
            insert(place.table), [dict(zip(place.columns, row, strict=True)) for row in rows]
        )
        return
    for row in rows:
        values = zip(place.columns, map(to_insert, row), strict=True)
        connection.execute(insert(place.table).values(dict(values)))


def _reason(problem: DatabaseUnavailable) -> str | None:
    """Return why the database does not take a job, None where it is not the job's fault."""
    error = problem.__cause__
    if not isinstance(error, exc.DBAPIError):
        return None
    first = next(iter(getattr(error.orig, "args", ())), None)
    code = first.split(" ")[0] if isinstance(first, str) else first
    for codes, sentence in _REASONS:
        if code in codes:
            return sentence
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return f"The database refused one of its rows ({type(error.orig).__name__} {code})."
    return None
