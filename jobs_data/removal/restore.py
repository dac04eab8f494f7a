"""Undo: every row of a receipt's jobs goes back where it was, or, of a job, none.

The database decides: a number that is taken again, a user that is gone, a value that it would not
keep exactly as it was, each keeps one job from returning and says why. Nothing that is there is
ever changed or replaced.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import json
import logging
import os
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np
from sqlalchemy import (
    Connection,
    LargeBinary,
    TableClause,
    Text,
    cast,
    column,
    exc,
    insert,
    literal,
    select,
    table,
)

from jobs_data.background import Work
from jobs_data.platform import tables
from jobs_data.platform.database import Database, identity
from jobs_data.platform.errors import DatabaseBusy, DatabaseUnavailable
from jobs_data.platform.tables import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
    term,
    user,
)
from jobs_data.removal import exact_rows, kept_receipts
from jobs_data.removal.exact_rows import ExactTable
from jobs_data.wording import counted

log = logging.getLogger(__name__)

BATCH_JOBS: Final = 1_000
BATCH_BYTES: Final = 4 * 1024 * 1024
"""What one transaction of an undo puts back: no more jobs, or bytes of their lines, by much."""

MAX_TOLD: Final = 100
"""Of how many jobs that could not return the reasons are kept at hand; the receipt has all."""

BUSY_PAUSES: Final = (0.1, 0.2, 0.4, 0.8)
FILE_TRIES: Final = 20
FILE_PAUSE: Final = 0.05

OWNERS: Final = {
    object_.name: "id",
    job.name: "id",
    note.name: "object_id",
    note_i18n.name: "id",
    property_.name: "object_id",
    property_i18n.name: "id",
    job_execution.name: "job_id",
}
"""The tables in the order in which their rows go back, and the column by which they are found."""

TRANSLATIONS: Final = {note_i18n.name: note.name, property_i18n.name: property_.name}
"""The tables whose rows are found by the numbers of another table's rows."""

REFERENCES: Final = (
    ("user_id", user.name, "user"),
    ("object_id", object_.name, "related record"),
    ("status_id", term.name, "status"),
)
"""What a job may refer to: its column, the table of it, and its name on the screen."""

EXACT_MODE: Final = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
"""MySQL's and MariaDB's `sql_mode` in which 0000-00-00 and 0 are values like any other, and what
does not fit is an error."""

TOO_LARGE: Final = "It is larger than the database takes in one piece (max_allowed_packet)."

_REASONS: Final = (
    ({1062, "UNIQUE"}, "One of its rows has a number that something else has now."),
    ({1216, 1452, "FOREIGN"}, "Something that one of its rows refers to is gone from the database."),
    ({1048, 1364, "NOT"}, "A table needs a value now for which the receipt has none."),
    ({1153, 1301}, TOO_LARGE),
    ({1292, 1366, 3819, 4025, "CHECK"}, "The database no longer allows one of its values."),
)
"""What MySQL's and MariaDB's numbers, and the first word of SQLite's sentences, say of a job."""

T = TypeVar("T")

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class UndoRefused(Exception):
    """A receipt cannot be undone (now); the message is a sentence for the screen."""


@dataclass
class Undo(Work):
    """An undo at work in a thread of its own: it outlives who started it."""

    receipt_id: str
    total: int = 0
    """How many jobs are to return; 0 while the receipt is being read."""
    returned: int = 0
    failed: int = 0
    """How many could not return."""
    could_not: dict[int, str] = field(default_factory=dict)
    """Why not, a sentence each, of the first 100 of them."""
    error: str = ""
    """A sentence on the jobs that it did not get to, where it ended before it was through."""

    def sentence(self) -> str:
        """Return what came of it, for the screen."""
        back = f"{counted(self.returned)} put back"
        failed = (
            f" {counted(self.failed)} could not return; the receipt says why." if self.failed else ""
        )
        if self.error:
            return f"{back}, then the undo stopped early.{failed} For the rest: {self.error}"
        if not (self.returned or self.failed):
            return "There was nothing to put back: no job of this receipt is missing."
        return f"{back}, under the old numbers.{failed}"


_undos: dict[tuple[str, str], Undo] = {}
_starting = threading.Lock()


def current_undo(database: Database, receipt_id: str) -> Undo | None:
    """Return this process's running or last undo of a receipt, None where there was none."""
    return _undos.get((identity(database), receipt_id))


def running_undo(database: Database) -> Undo | None:
    """Return the undo that this process began last of those still at work, None where there is none."""
    known = identity(database)
    running = [work for (name, _), work in _undos.items() if name == known and work.is_running]
    return running[-1] if running else None


def start_undo(database: Database, receipt_id: str, by: str) -> Undo:
    """Start to put back what a receipt says was removed, and return at once what tells how far it is.

    `by` is who wants it, for the receipt. Raises UndoRefused where there is no such receipt, where it
    is of another database, or where a removal or another undo is writing it, in whichever process.
    """
    with _starting:
        path = kept_receipts.find(database.receipts_dir, receipt_id)
        if path is None:
            raise UndoRefused(f"There is no receipt {receipt_id} (any more), so nothing was put back.")
        try:
            header = kept_receipts.read_header(path)
            if not header:
                raise UndoRefused("This receipt cannot be read: it was cut off before its first job.")
            if header.get("database") != identity(database):
                raise UndoRefused(
                    "This receipt is of another database than the one that is set now, so nothing was "
                    "put back."
                )
            file = _Appending(path)
        except OSError as error:
            log.warning("a receipt cannot be written: %s", error)
            raise UndoRefused(
                "This receipt cannot be written, so nothing was put back: check "
                f"HERATIO_JOBS_RECEIPTS_DIR and its rights ({type(error).__name__})."
            ) from error
        _undos.pop((identity(database), receipt_id), None)
        undo = _undos[identity(database), receipt_id] = Undo(receipt_id)
        work = threading.Thread(
            target=_work, args=(database, path, file, header, by, undo), name="undo", daemon=True
        )
        work.start()
        return undo


def _work(
    database: Database,
    path: Path,
    file: _Appending,
    header: Mapping[str, Any],
    by: str,
    undo: Undo,
) -> None:
    try:
        _Undoing(database, path, file, header, by, undo).run()
    except (DatabaseUnavailable, kept_receipts.ReceiptDamaged) as error:
        undo.error = str(error)
        log.warning("an undo stopped after %d jobs: %s", undo.returned, error)
    except OSError as error:
        undo.error = (
            f"The receipt could not be read or written ({error.strerror or type(error).__name__})."
        )
        log.warning("an undo stopped after %d jobs: %s", undo.returned, error)
    except Exception:
        # A thread has nobody above it: whatever it is must end the undo with a sentence.
        undo.error = "An unexpected error came up; the log of this app has it."
        log.exception("an undo stopped after %d jobs", undo.returned)
    finally:
        file.close()
        database.changed()
        # The list takes it that nothing is put below its newest jobs.
        database.survey.forget()
        undo.end()


class _Appending:
    """A receipt that nobody else writes meanwhile, to which whole members are added."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises UndoRefused where a removal or an undo writes it, and OSError."""
        self._file: BinaryIO = path.open("r+b", buffering=0)
        self._end = 0
        # Whoever lists the receipts tries each lock for a moment.
        for _ in range(FILE_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(FILE_PAUSE)
            else:
                return
        self._file.close()
        raise UndoRefused(
            "A removal or another undo is writing this receipt right now. Wait until it is through, "
            "then try again."
        )

    def cut(self, end: int) -> None:
        """Take off what lies behind the last whole member."""
        self._file.truncate(end)
        self._file.seek(end)
        self._end = end

    def add(self, said: Mapping[str, Any]) -> None:
        """Add a line, or nothing. Raises OSError."""
        line = json.dumps(said, ensure_ascii=False).encode() + b"\n"
        member = memoryview(gzip.compress(line, 1, mtime=0))
        try:
            written = 0
            while written < len(member):
                written += self._file.write(member[written:]) or 0
        except OSError:
            # Half a member would hide all that is written behind it.
            with suppress(OSError):
                self.cut(self._end)
            raise
        self._end += len(member)

    def close(self) -> None:
        """Give it free, with all that was added on the disk."""
        # What does not get there, the next undo finds out from the database.
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()


class _Text(bytes):
    """What SQLite held as text though it is no UTF-8."""


@dataclass(frozen=True)
class _Job:
    """A job as the receipt has it: by table, its rows in some order that is always the same."""

    id: int
    rows: Rows


@dataclass(frozen=True)
class _Place:
    """A table of the receipt in the database as it is now."""

    table: TableClause
    columns: tuple[str, ...]
    """Those of the receipt, in its order."""
    gone: tuple[str, ...]
    """Those of them that the database has not; all of them where it has no such table."""
    exact: ExactTable | None
    """How its rows are read; None where there is no such table."""

    def picked(self, row: Sequence[Any]) -> Row:
        """Return the receipt's columns of a row that has all of the database's."""
        if self.exact is None or self.exact.columns == self.columns:
            return _values(row)
        values = dict(zip(self.exact.columns, row, strict=True))
        return _values([values[name] for name in self.columns])


class _Refused(Exception):
    """The database does not take some jobs; the message says why, where it was one."""


@dataclass
class _Contents:
    """Which jobs a receipt is about, as numbers alone: a million of them are 8 MB."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    removed: array[int] = field(default_factory=lambda: array("q"))
    stayed: array[int] = field(default_factory=lambda: array("q"))
    returned: array[int] = field(default_factory=lambda: array("q"))
    whole: int = 0

    def unsettled(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the jobs of which the receipt does not say what became of them."""
        return np.setdiff1d(_ids(self.lines), np.union1d(_ids(self.removed), _ids(self.stayed)))

    def wanted_lines(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return for each job's line whether it is to be put back.

        A job whose removal was tried twice has two lines: the last one is what was removed.
        """
        lines = _ids(self.lines)
        wanted = np.isin(lines, _ids(self.removed)) & ~np.isin(lines, _ids(self.returned))
        _, last = np.unique(lines[::-1], return_index=True)
        is_last = np.zeros(len(lines), dtype=bool)
        is_last[len(lines) - 1 - last] = True
        result: np.ndarray[Any, np.dtype[np.bool_]] = wanted & is_last
        return result


def _ids(numbers: array[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


def _read_contents(path: Path) -> _Contents:
    """Read which jobs a receipt is about. Raises OSError and ReceiptDamaged."""
    contents = _Contents()
    outcomes = {
        "removed": contents.removed,
        "active": contents.stayed,
        "missing": contents.stayed,
        "held": contents.stayed,
    }
    lengths = (0, 0, 0, 0)
    everything = (contents.lines, contents.removed, contents.stayed, contents.returned)
    for piece in kept_receipts.read_pieces(path, is_strict=True):
        if isinstance(piece, int):
            contents.whole = piece
            lengths = tuple(map(len, everything))  # type: ignore[assignment]
            continue
        job_id = kept_receipts.job_of(piece)
        if job_id is not None:
            contents.lines.append(job_id)
            continue
        said = kept_receipts.parse(piece)
        for outcome, ids in said.get("outcome", {}).items():
            outcomes[outcome].extend(ids)
        contents.returned.extend(said.get("undone", {}).get("returned", ()))
    # A member that was cut off does not count: nothing was removed because of it.
    for numbers, length in zip(everything, lengths, strict=True):
        del numbers[length:]
    return contents


class _Undoing:
    """One undo from its first look at the receipt to its last line in it."""

    def __init__(
        self,
        database: Database,
        path: Path,
        file: _Appending,
        header: Mapping[str, Any],
        by: str,
        undo: Undo,
    ) -> None:
        self._database = database
        self._path = path
        self._file = file
        self._columns: Mapping[str, list[str]] = header["columns"]
        self._by = by
        self._at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._undo = undo
        self._places: dict[str, _Place] = {}

    def run(self) -> None:
        """Put back all that can be; what is back stays.

        Raises DatabaseUnavailable, OSError, and ReceiptDamaged before anything is done.
        """
        contents = _read_contents(self._path)
        self._file.cut(contents.whole)
        self._look_at_tables()
        self._settle(contents)
        wanted = contents.wanted_lines()
        self._undo.total = int(wanted.sum())
        batch: list[_Job] = []
        size = 0
        for line in self._lines(contents.whole, wanted):
            batch.append(_job(line))
            size += len(line)
            if len(batch) == BATCH_JOBS or size >= BATCH_BYTES:
                self._put_back(batch)
                batch, size = [], 0
        if batch:
            self._put_back(batch)

    def _look_at_tables(self) -> None:
        tables = exact_rows.exact_tables(self._database)
        for name, columns in self._columns.items():
            there = tables[name].columns if name in tables else ()
            self._places[name] = _Place(
                table(name, *(column(each) for each in columns if each in there)),
                tuple(columns),
                tuple(each for each in columns if each not in there),
                tables.get(name),
            )

    def _settle(self, contents: _Contents) -> None:
        """Find out what became of jobs of which the receipt does not say it, and let it say so."""
        unsettled = contents.unsettled()
        for start in range(0, len(unsettled), BATCH_JOBS):
            ids = unsettled[start : start + BATCH_JOBS].tolist()
            there = _patiently(lambda: self._still_there(ids))  # noqa: B023 - called at once
            removed = [job_id for job_id in ids if job_id not in there]
            outcome = {"removed": removed, "held": sorted(there)}
            self._file.add({"outcome": {name: found for name, found in outcome.items() if found}})
            contents.removed.extend(removed)

    def _still_there(self, ids: Sequence[int]) -> set[int]:
        """Return those of some jobs that are there; waits for whoever may be removing them now.

        A killed removal may still be at work in the database: read past its locks, its jobs are there.
        """
        with self._database.writing() as connection:
            return self._present(connection, object_.name, ids, locked=True)

    def _lines(self, stop: int, wanted: np.ndarray[Any, np.dtype[np.bool_]]) -> Iterator[bytes]:
        """Yield those lines of jobs that are wanted."""
        at = 0
        for piece in kept_receipts.read_pieces(self._path, stop=stop):
            if isinstance(piece, bytes) and kept_receipts.job_of(piece) is not None:
                if wanted[at]:
                    yield piece
                at += 1

    def _put_back(self, jobs: Sequence[_Job]) -> None:
        """Put back a batch, and let the receipt say what became of it."""
        could_not: dict[int, str] = {}
        returned = self._return(jobs, could_not)
        self._file.add(
            {
                "undone": {
                    "at": self._at,
                    "by": self._by,
                    "returned": returned,
                    "could_not": {str(job_id): why for job_id, why in could_not.items()},
                }
            }
        )
        self._undo.returned += len(returned)
        self._undo.failed += len(could_not)
        for job_id, why in could_not.items():
            if len(self._undo.could_not) < MAX_TOLD:
                self._undo.could_not[job_id] = why

    def _return(self, jobs: Sequence[_Job], could_not: dict[int, str]) -> list[int]:
        """Return the numbers of the jobs that are back; where the database refuses, by halves."""
        try:
            return _patiently(lambda: self._in_one_transaction(jobs, could_not))
        except _Refused as refused:
            if len(jobs) == 1:
                could_not[jobs[0].id] = str(refused)
                return []
        half = len(jobs) // 2
        return self._return(jobs[:half], could_not) + self._return(jobs[half:], could_not)

    def _in_one_transaction(self, jobs: Sequence[_Job], could_not: dict[int, str]) -> list[int]:
        reasons: dict[int, str] = {}
        try:
            with self._database.writing() as connection, _taking_all_values(connection):
                back = self._insert_if_possible(connection, jobs, reasons)
        except DatabaseUnavailable as problem:
            why = _reason(problem) or self._why_hung_up(jobs, problem)
            if not why:
                raise
            raise _Refused(why) from problem
        could_not.update(reasons)
        return back

    def _why_hung_up(self, jobs: Sequence[_Job], problem: DatabaseUnavailable) -> str:
        """Return why a server has ended the connection, empty where it was not for these jobs.

        It does so amid a row that is larger than it takes, mostly before it could say why.
        """
        error = problem.__cause__
        if not (isinstance(error, exc.DBAPIError) and error.connection_invalidated):
            return ""
        with self._database.reading(primary=True) as connection:
            limit = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
        rows = (row for each in jobs for found in each.rows.values() for row in found)
        return TOO_LARGE if any(_sent(row) > limit for row in rows) else ""

    def _insert_if_possible(
        self, connection: Connection, jobs: Sequence[_Job], reasons: dict[int, str]
    ) -> list[int]:
        """Insert those jobs for which nothing is missing; return which are there now, exactly."""
        there = self._there_again(connection, jobs, reasons)
        missing = [each for each in jobs if each.id not in there and each.id not in reasons]
        for each in missing:
            if why := self._gone_columns(each):
                reasons[each.id] = why
        possible = [each for each in missing if each.id not in reasons]
        self._refer_to_nothing(connection, possible, reasons)
        possible = [each for each in possible if each.id not in reasons]
        if not possible:
            return sorted(there)
        for name in OWNERS:
            if rows := [row for each in possible for row in each.rows.get(name, ())]:
                _insert(connection, self._places[name], rows)
        found = self._read(connection, possible)
        if any(found[each.id] != each.rows for each in possible):
            raise _Refused("The database would not keep it exactly as it was.")
        return sorted([*there, *(each.id for each in possible)])

    def _there_again(
        self, connection: Connection, jobs: Sequence[_Job], reasons: dict[int, str]
    ) -> set[int]:
        """Return which jobs are back already, as an undo that was cut off has left them."""
        taken = self._present(connection, object_.name, [each.id for each in jobs])
        # A job without an object, which some databases have, is found here alone.
        taken |= self._present(connection, job.name, [each.id for each in jobs])
        again = [each for each in jobs if each.id in taken]
        comparable = [each for each in again if not self._gone_columns(each)]
        found = self._read(connection, comparable)
        exact = {each.id for each in comparable if found[each.id] == each.rows}
        for each in again:
            if each.id not in exact:
                reasons[each.id] = (
                    "Its number is in use again: this job, or something else under its number, is in "
                    "the platform's database and is not what the receipt holds."
                )
        return exact

    def _gone_columns(self, each: _Job) -> str:
        """Return why a job does not fit into the tables any more, empty where it does."""
        for name, place in self._places.items():
            if place.gone and each.rows.get(name):
                columns = ", ".join(place.gone)
                return f"The platform's table {name} no longer has these columns: {columns}."
        unknown = each.rows.keys() - self._places.keys()
        return (
            f"The receipt has rows of a table that is not a job's: {min(unknown)}." if unknown else ""
        )

    def _refer_to_nothing(
        self, connection: Connection, jobs: Sequence[_Job], reasons: dict[int, str]
    ) -> None:
        """Note the jobs whose user, related record or status is gone; no foreign key may say so."""
        returning = {each.id for each in jobs}
        columns = self._columns[job.name]
        for name, parent, word in REFERENCES:
            if parent not in self._database.tables or name not in columns:
                continue
            at = columns.index(name)
            wanted: dict[int, set[int]] = defaultdict(set)
            for each in jobs:
                for row in each.rows.get(job.name, ()):
                    if isinstance(row[at], int):
                        wanted[row[at]].add(each.id)
            there = self._present(connection, parent, sorted(wanted))
            if parent == object_.name:
                there |= returning - reasons.keys()
            for number, referring in wanted.items():
                if number not in there:
                    for job_id in referring:
                        reasons.setdefault(
                            job_id,
                            f"Its {word}, number {number}, is gone from the platform's database.",
                        )

    def _present(
        self, connection: Connection, name: str, ids: Sequence[int], *, locked: bool = False
    ) -> set[int]:
        """Return those of some numbers that a table has as an id."""
        if not ids:
            return set()
        of = tables.metadata.tables[name]
        present = select(of.c.id).where(of.c.id.in_(ids))
        if locked:
            present = present.with_for_update(read=True)
        return set(connection.execute(present).scalars())

    def _read(self, connection: Connection, jobs: Sequence[_Job]) -> dict[int, Rows]:
        """Return the rows that some jobs have in the database now, as the receipt would have them."""
        found: dict[int, Rows] = {each.id: {} for each in jobs}
        links: dict[str, dict[int, int]] = {}
        exact_rows.begin_reading(connection)
        for name, key in OWNERS.items():
            place, owners = self._places.get(name), {each.id: each.id for each in jobs}
            if name in TRANSLATIONS:
                owners = links.get(TRANSLATIONS[name], {})
            if not owners or place is None or place.exact is None:
                continue
            for number, rows in exact_rows.read_rows(connection, place.exact, key, owners).items():
                picked = [place.picked(json.loads(row, strict=False)) for row in rows]
                found[owners[number]].setdefault(name, []).extend(picked)
                if name in TRANSLATIONS.values():
                    own = place.columns.index("id")
                    links.setdefault(name, {}).update((row[own], number) for row in picked)
        return {job_id: _in_order(rows) for job_id, rows in found.items()}


def _patiently(work: Callable[[], T]) -> T:
    """Do something in the database, again where somebody was in the way."""
    for pause in BUSY_PAUSES:
        try:
            return work()
        except DatabaseBusy:
            time.sleep(pause)
    return work()


@contextmanager
def _taking_all_values(connection: Connection) -> Iterator[None]:
    """Let a server take any value as it is, or refuse it, as long as this lasts."""
    if connection.dialect.name == "sqlite":
        yield
        return
    connection.exec_driver_sql(
        f"SET @sql_mode_before = @@SESSION.sql_mode, SESSION sql_mode = '{EXACT_MODE}'"
    )
    try:
        yield
    except BaseException:
        connection.invalidate()  # nobody shall get it from the pool like this
        raise
    connection.exec_driver_sql("SET SESSION sql_mode = @sql_mode_before")


def _job(line: bytes) -> _Job:
    said = kept_receipts.parse(line)
    rows = {name: [_values(row) for row in found] for name, found in said["rows"].items() if found}
    return _Job(int(said["job"]), _in_order(rows))


def _in_order(rows: Rows) -> Rows:
    for of_table in rows.values():
        if len(of_table) > 1:
            of_table.sort(key=repr)
    return rows


def _values(row: Sequence[Any]) -> Row:
    return tuple(_bytes(value) if isinstance(value, dict) else value for value in row)


def _bytes(value: Mapping[str, Any]) -> bytes:
    decoded = base64.b64decode(value["base64"])
    return _Text(decoded) if value.get("is_text") else decoded


def _sent(row: Row) -> int:
    """Return how many bytes a row's text and bytes take in a statement at most."""
    texts = (value.encode() if isinstance(value, str) else value for value in row)
    # The driver may write a character as two, such as a line break.
    return sum(2 * len(value) for value in texts if isinstance(value, bytes))


def _insert(connection: Connection, place: _Place, rows: Sequence[Row]) -> None:
    odd = [row for row in rows if any(isinstance(value, _Text) for value in row)]
    usual = [row for row in rows if row not in odd] if odd else rows
    if usual:
        connection.execute(
            insert(place.table), [dict(zip(place.columns, row, strict=True)) for row in usual]
        )
    for row in odd:
        values = {
            name: cast(literal(bytes(value), LargeBinary), Text) if isinstance(value, _Text) else value
            for name, value in zip(place.columns, row, strict=True)
        }
        connection.execute(insert(place.table).values(values))


def _reason(problem: DatabaseUnavailable) -> str | None:
    """Return why the database does not take a job, None where it is not the job's fault."""
    error = problem.__cause__
    if not isinstance(error, exc.DBAPIError):
        return None
    told = next(iter(getattr(error.orig, "args", ())), None)
    code = told.split(" ")[0] if isinstance(told, str) else told
    for codes, sentence in _REASONS:
        if code in codes:
            return sentence
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return f"The database does not take one of its rows ({type(error.orig).__name__} {code})."
    return None
