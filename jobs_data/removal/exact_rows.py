"""Reads the rows of jobs exactly: fast for thousands of rows, in limited memory.

On MySQL and MariaDB the server writes the JSON of all rows into one value: drivers are slow for each
row, but fast for one value of a megabyte.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection

from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import parse_list
from jobs_data.platform.status import FINISHED_IDS
from jobs_data.platform.tables import job, object_
from jobs_data.removal.exact_values import ByteText, encoded, text_at, with_base64
from jobs_data.removal.job_tables import JOB_TABLES, PresentTable, PresentTables
from jobs_data.store.batch_content import as_content

VALUE_BYTES: Final = 4 * 1024 * 1024
"""The size of one read, unless it has a single job."""

NAME_LENGTH: Final = 255
"""How much of a job's name a receipt can be searched for."""

RANGE_JOBS: Final = 8
"""From how many neighbours on a statement names jobs as a range."""

RANGE_GAP: Final = 16
"""How far apart neighbours may be: other records have the ids between them."""


class TooMuch(Exception):
    """These rows are too large for one read; read fewer jobs at once."""


def begin_reading(connection: Connection) -> None:
    """Prepare a transaction's connection for reads; needs no further round trip on SQLite."""
    if connection.dialect.name != "sqlite":
        # MariaDB would turn a long list of ids into a subquery, and might then read whole tables.
        connection.exec_driver_sql(
            f"SET SESSION group_concat_max_len = {VALUE_BYTES} "
            "/*M!100303 , in_predicate_conversion_threshold = 0 */"
        )


def begin(connection: Connection, tables: PresentTables) -> None:
    """Prepare the transaction of JobRows, before its first read of a table."""
    if not tables.locks_gaps:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    begin_reading(connection)


def listed(ids: Iterable[int]) -> str:
    """Return ids as a list in SQL: thousands of parameters would be slow."""
    return ",".join(map(str, ids))


class Among:
    """The condition that a row belongs to one of some jobs, fast for a server."""

    def __init__(self, ids: Collection[int], known: Sequence[int]) -> None:
        """Prepare it; `known` has all ids of the jobs there, ascending, or none.

        Neighbours in it are one range. The last one of a range is in the list: a server locks for a
        moment the row after a range, which is so a job's.
        """
        self._ids, self._known = np.array(sorted(ids), dtype=int), np.array(known, dtype=int)

    @cached_property
    def jobs(self) -> str:
        """Return it for `job`; ranges take a quarter of a list's time.

        The caller checks that no further job has come into a range.
        """
        return f"({_either('job.id', self._parts(math.inf))})"

    def of(self, column: str) -> str:
        """Return it for a column with ids of jobs and others; a range takes half of a list's time."""
        has_ranges = len(self._near) > 1
        exactly = f" AND {column} + 0 IN ({listed(self._ids.tolist())})" if has_ranges else ""
        return f"({_either(column, self._near)}){exactly}"

    @cached_property
    def _near(self) -> list[str]:
        return self._parts(RANGE_GAP)

    def _parts(self, gap: float) -> list[str]:
        """Return the ranges, and last the list of the others."""
        is_other = ~np.isin(self._known, self._ids)
        is_apart = is_other[1:] | is_other[:-1] | (np.diff(self._known) > gap)
        runs = np.split(self._known, np.flatnonzero(is_apart) + 1)
        runs = [run for run in runs if len(run) >= RANGE_JOBS]
        others = np.setdiff1d(self._ids, np.concatenate([[], *(run[:-1] for run in runs)])).astype(int)
        return [
            *(f"BETWEEN {run[0]} AND {run[-2]}" for run in runs),
            f"IN ({listed(others.tolist())})",
        ]


def _either(column: str, parts: Sequence[str]) -> str:
    return " OR ".join(f"{column} {part}" for part in parts)


class JobRows:
    """The rows of some jobs, locked and read in one transaction, from which they are then deleted."""

    def __init__(
        self, connection: Connection, tables: PresentTables, *, is_bounded: bool, waits: bool
    ) -> None:
        """Prepare to read; with `waits` it waits for rows that another program has locked.

        With a limit, rows of more than VALUE_BYTES raise TooMuch.
        """
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._tables = tables.by_name
        self._is_bounded = is_bounded
        self._waits = waits
        self._locking = "FOR UPDATE" if waits else "FOR UPDATE SKIP LOCKED"
        self._found: dict[str, _Found] = {}
        self._owners: dict[str, dict[int, int]] = {}
        self._jobs: set[int] = set()
        self._known: Sequence[int] = ()
        self.among = Among((), ())
        """The condition of the rows of these jobs."""

    def lock(self, ids: Collection[int], known: Sequence[int] = ()) -> set[int]:
        """Lock the finished ones of some jobs, read their rows in `job`, and return their ids.

        `known` is as for `Among`: then others may be returned, too.
        """
        self._known, self.among = known, Among(ids, known)
        finished = f"{self.among.jobs} AND status_id IN ({listed(FINISHED_IDS)})"
        self._jobs = set(self._read(job.name, "id", finished, self._locking).keys)
        if len(self._jobs) < len(ids):
            self.among = Among(self._jobs, known)
        return set(self._jobs)

    def read(self) -> set[int]:
        """Read all their other rows; return the jobs to keep: another program locked their object.

        A locked object prevents, by foreign keys, new notes and properties.
        """
        locked: set[int] = set()
        objects = self._read(object_.name, "id", self.among.of("id"), self._locking)
        if objects.count < len(self._jobs):
            absent = listed(self._jobs.difference(objects.keys))
            there = f"SELECT id FROM {object_.name} WHERE id IN ({absent})"  # noqa: S608 - ids
            locked = set(self._connection.exec_driver_sql(there).scalars())
            self._jobs -= locked
            self.among = Among(self._jobs, self._known)
            self._found[job.name] = self._found[job.name].without(locked)
        if self._jobs:
            for each in JOB_TABLES:
                if each.name in self._tables and each.table not in {object_, job}:
                    self._read_belongings(self._tables[each.name])
        return locked

    def counts(self) -> dict[str, int]:
        """Return how many rows were read from each table."""
        return {name: found.count for name, found in self._found.items()}

    def size(self) -> int:
        """Return their size in bytes."""
        return sum(len(found.lines) for found in self._found.values())

    def content(self) -> bytes:
        """Return the rows as a receipt has them. Any thread may call it: it reads nothing."""
        found = ((each.name, self._found.get(each.name)) for each in JOB_TABLES)
        return as_content((name, rows.lines) for name, rows in found if rows and rows.count)

    def names(self) -> dict[str, int]:
        """Return how many of the jobs have which name. Any thread may call it: it reads nothing."""
        name = text_at(self._tables[job.name].columns.index("name"))
        lines = self._found[job.name].lines.split(b"\n")
        found = Counter([match and match[1] for match in map(name.match, lines)])
        counts: Counter[str] = Counter()
        for text, jobs in found.items():
            counts[json.loads(text or '""', strict=False)[:NAME_LENGTH]] += jobs
        return counts

    def _read_belongings(self, table: PresentTable) -> None:
        """Read the rows of a table that belong to the jobs, by their keys where it has a parent.

        They are found without a lock, and then locked by key: a search by object may read rows that
        another program has locked.
        """
        name, owner = table.name, table.described.owner
        if table.described.parent is None:
            # A skipped row would be left behind, so its job must be kept.
            locking = "FOR UPDATE" if self._waits else "FOR UPDATE NOWAIT"
            among = self._among_executions(table)
            self._read(name, table.described.key, among.of(table.described.key), locking)
            return
        owners = self._owners.get(owner.name, {}) if owner is not None else self._read_owners(name)
        self._owners[name] = owners
        self._found[name] = _Found((), b"")
        if owners:
            found = self._read(name, "id", f"id IN ({listed(owners)})", "FOR UPDATE")
            self._found[name] = found.by_owner(owners)

    def _among_executions(self, table: PresentTable) -> Among:
        """Return the condition of executions, without jobs after the last one that has any.

        A range locks the row after it for a moment. Few jobs may have an execution, so that row
        could be a job's of the other batch, which would have to wait.
        """
        if self._is_sqlite or not self._known:
            return self.among
        key, source = table.described.key, f"{table.name} {table.by_index}"
        last = f"SELECT MAX({key}) FROM {source} WHERE {key} <= {max(self._jobs)}"  # noqa: S608 - an id
        end = max(self._connection.exec_driver_sql(last).scalar() or 0, min(self._jobs))
        known = self._known[: bisect_right(self._known, end)]
        return Among([job_id for job_id in self._jobs if job_id <= end], known)

    def _read_owners(self, name: str) -> dict[int, int]:
        """Return which jobs own the rows of a table, by their ids. Locks nothing."""
        source = f"FROM {name} WHERE {self.among.of('object_id')}"
        lists = f"SELECT COUNT(*), GROUP_CONCAT(id), GROUP_CONCAT(object_id) {source}"
        count, *texts = self._connection.exec_driver_sql(lists).one()
        with suppress(DatabaseUnavailable):  # a list was cut
            ids, jobs = (parse_list(each, count).tolist() for each in texts)
            return dict(zip(ids, jobs, strict=True))
        owned = f"SELECT id, object_id {source}"
        return {row[0]: row[1] for row in self._connection.exec_driver_sql(owned)}

    def _read(self, name: str, key: str, condition: str, locking: str) -> _Found:
        """Read the rows that meet a condition, by a key."""
        table = self._tables[name]
        if self._is_sqlite:
            source = f"{name} WHERE {condition}"
            found = _read_rows(self._connection, source, key, table, is_bounded=self._is_bounded)
        else:
            index = table.by_index if key == table.described.key else "FORCE INDEX (PRIMARY)"
            source = f"{name} {index} WHERE {condition} {locking}"
            try:
                found = _read_in_one_value(self._connection, source, key, table)
            except TooMuch:
                if self._is_bounded:
                    raise
                found = _read_rows(self._connection, source, key, table, is_bounded=False)
        self._found[name] = found
        return found


@dataclass(frozen=True)
class _Found:
    """Rows of a table as read: each a line with its key, a space, and a JSON array."""

    keys: Sequence[int]
    """Of each line."""
    lines: bytes

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.keys)

    def by_key(self) -> Iterator[tuple[int, bytes]]:
        """Yield the key and the line of each row."""
        return zip(self.keys, self.lines.split(b"\n") if self.keys else (), strict=True)

    def without(self, keys: Collection[int]) -> _Found:
        """Return the rows that have none of some keys."""
        kept = [each for each in self.by_key() if each[0] not in keys]
        return _Found([key for key, _ in kept], b"\n".join(line for _, line in kept))

    def by_owner(self, owners: Mapping[int, int]) -> _Found:
        """Return them with the job that owns their note or property as the key."""
        owned = [(owners[key], line.partition(b" ")[2]) for key, line in self.by_key()]
        return _Found([job_id for job_id, _ in owned], b"\n".join(b"%d %s" % row for row in owned))


def _read_in_one_value(connection: Connection, source: str, key: str, table: PresentTable) -> _Found:
    # No text has a line break: JSON escapes it.
    statement = (
        "SELECT COUNT(*), LEAST(@@group_concat_max_len, @@max_allowed_packet), "  # noqa: S608 - ids
        f"GROUP_CONCAT({key}), "
        f"GROUP_CONCAT(CAST(CONCAT({key}, ' ', {table.selected.as_json}) AS BINARY) SEPARATOR '\n') "
        f"FROM {source}"
    )
    count, limit, keys, value = connection.exec_driver_sql(statement).one()
    lines: bytes = value or b""
    # A value that is too long is cut; a row that is too long is NULL.
    if len(lines) > limit - 8 or count != (lines.count(b"\n") + 1 if lines else 0):
        raise TooMuch
    found = parse_list(keys, count).tolist()
    return _Found(found, with_base64(lines) if table.selected.has_bytes else lines)


def _read_rows(
    connection: Connection, source: str, key: str, table: PresentTable, *, is_bounded: bool
) -> _Found:
    keys: list[int] = []
    lines: list[bytes] = []
    size = 0
    statement = f"SELECT {key}, {table.selected.plain} FROM {source}"  # noqa: S608 - ids
    with _exact_texts(connection):
        for number, *values in connection.exec_driver_sql(statement):
            keys.append(number)
            lines.append(f"{number} [{', '.join(map(encoded, values))}]".encode())
            size += len(lines[-1])
            if is_bounded and size > VALUE_BYTES:
                raise TooMuch
    return _Found(keys, b"\n".join(lines))


@contextmanager
def _exact_texts(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.text_factory
    driver.text_factory = ByteText
    try:
        yield
    finally:
        driver.text_factory = before
