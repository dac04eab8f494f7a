"""Rows exactly as the database has them, as JSON: fast for thousands of rows, bounded in memory.

On MySQL and MariaDB the server writes the JSON of all rows into one value: the driver takes its time
over every row, and next to none over a value of a megabyte.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, inspect
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.sqltypes import Float, Integer, NullType, String, _Binary

from jobs_data.platform.database import Database
from jobs_data.platform.status import FINISHED_IDS
from jobs_data.platform.tables import (
    job,
    job_execution,
    note,
    note_i18n,
    object_,
    property_,
    property_i18n,
)
from jobs_data.removal.receipts import job_line

TABLES: Final = (object_, job, note, note_i18n, property_, property_i18n, job_execution)
"""The tables that hold something of a job, in the order in which a receipt names them."""

_BY_PRIMARY_KEY: Final = "FORCE INDEX (PRIMARY)"
"""A small table would be read as a whole otherwise, past rows that somebody else holds."""

VALUE_BYTES: Final = 4 * 1024 * 1024
"""What the rows of one read may take, as long as they can be read in smaller numbers."""


class TooMuch(Exception):
    """These rows take more room than one read may; read those of fewer jobs at once."""


@dataclass(frozen=True)
class ExactTable:
    """A table with all columns that the database itself has, generated ones left out."""

    name: str
    columns: tuple[str, ...]
    as_json: str
    """The SQL that writes a row as a JSON array; empty on SQLite."""
    plain: str
    """The SQL of its values for the driver, one after another."""
    has_bytes: bool
    """Whether one of its columns holds bytes."""


def exact_tables(database: Database) -> dict[str, ExactTable]:
    """Return those of TABLES that exist, by name, as the database describes them now.

    Raises DatabaseUnavailable.
    """
    with database.reading(primary=True) as connection:
        found = {}
        for table in TABLES:
            if table.name in database.tables:
                columns = [
                    c for c in inspect(connection).get_columns(table.name) if "computed" not in c
                ]
                found[table.name] = _described(connection, table.name, columns)
        return found


def _described(connection: Connection, name: str, columns: Sequence[Any]) -> ExactTable:
    # As a new dialect quotes, which every sql_mode reads; not as ANSI_QUOTES would have it.
    quote = connection.dialect.preparer(connection.dialect).quote_identifier
    names = [quote(column["name"]) for column in columns]
    is_sqlite = connection.dialect.name == "sqlite"
    values = [_json(q, column["type"]) for q, column in zip(names, columns, strict=True)]
    plain = [_plain(q, column["type"]) for q, column in zip(names, columns, strict=True)]
    as_json = ", ', ', ".join(values)
    return ExactTable(
        name,
        tuple(column["name"] for column in columns),
        "" if is_sqlite else f"CONCAT('[', {as_json}, ']')",
        ", ".join(names if is_sqlite else plain),
        any(_is_binary(column["type"]) for column in columns),
    )


def _is_binary(kind: object) -> bool:
    # What SQLAlchemy has no name for, such as a geometry, is kept as bytes.
    return isinstance(kind, (_Binary, mysql.BIT, NullType))


def _json(column: str, kind: object) -> str:
    if isinstance(kind, Integer):
        value = f"CAST({column} AS UNSIGNED)" if getattr(kind, "zerofill", False) else column
    elif _is_binary(kind):
        # TO_BASE64 breaks its lines, and to take the breaks out takes minutes for some megabytes.
        raw = f"CAST({column} AS BINARY)" if isinstance(kind, mysql.BIT) else column  # no number's HEX
        value = f"""CONCAT('{{"hex": "', HEX({raw}), '"}}')"""
    else:
        value = f"JSON_QUOTE({_text(column, kind)})"
    # What a server cannot encode for its length is NULL too: then the whole row must be.
    return f"IF({column} IS NULL, 'null', {value})"


def _text(column: str, kind: object) -> str:
    # A FLOAT is spelled with six digits, of which it has more; as a DOUBLE it is spelled with all.
    value = f"{column} * 1e0" if isinstance(kind, Float) else column
    return f"CONVERT({value} USING utf8mb4)"


def _plain(column: str, kind: object) -> str:
    is_as_stored = isinstance(kind, (Integer, String)) or _is_binary(kind)
    return column if is_as_stored else _text(column, kind)


def begin_reading(connection: Connection) -> None:
    """Prepare a transaction's connection for `read`; needs no further round trip on SQLite."""
    if connection.dialect.name != "sqlite":
        # MariaDB would turn a long list of ids into a subquery, and might then read whole tables.
        connection.exec_driver_sql(
            f"SET SESSION group_concat_max_len = {VALUE_BYTES} "
            "/*M!100303 , in_predicate_conversion_threshold = 0 */"
        )


def columns_of(tables: Mapping[str, ExactTable]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table, as a receipt's header names them."""
    return {name: table.columns for name, table in tables.items()}


def listed(ids: Iterable[int]) -> str:
    """Return ids as SQL lists them."""
    return ",".join(map(str, ids))


class JobRows:
    """The rows of some jobs, locked and read in one transaction, from which they are then deleted."""

    def __init__(
        self,
        connection: Connection,
        tables: Mapping[str, ExactTable],
        *,
        is_bounded: bool,
        waits: bool,
    ) -> None:
        """Prepare to read; with `waits` a row that another program holds is waited for.

        Where they are bounded, rows that take more than VALUE_BYTES raise TooMuch.
        """
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._tables = tables
        self._is_bounded = is_bounded
        self._waits = waits
        self._patience = "FOR UPDATE" if waits else "FOR UPDATE SKIP LOCKED"
        self._found: dict[str, _Found] = {}
        self._owners: dict[str, dict[int, int]] = {}
        self._jobs: set[int] = set()

    def lock(self, ids: Collection[int]) -> set[int]:
        """Lock those of some jobs that are finished, read their own rows, and return their ids."""
        condition = f"id IN ({listed(ids)}) AND status_id IN ({listed(FINISHED_IDS)})"
        self._jobs = self._read(job.name, "id", condition, self._patience, _BY_PRIMARY_KEY).keys()
        return set(self._jobs)

    def read(self) -> set[int]:
        """Read all that is theirs; return those whose object somebody holds: they must stay.

        With an object locked, its foreign keys let nobody add a note or a property to it.
        """
        held: set[int] = set()
        objects = self._read(
            object_.name, "id", f"id IN ({listed(self._jobs)})", self._patience, _BY_PRIMARY_KEY
        )
        if objects.count < len(self._jobs):
            absent = listed(self._jobs - objects.keys())
            there = f"SELECT id FROM {object_.name} WHERE id IN ({absent})"  # noqa: S608 - ids
            held = set(self._connection.exec_driver_sql(there).scalars())
            self._jobs -= held
        if jobs := listed(self._jobs):
            self._read_texts(note.name, note_i18n.name, jobs)
            self._read_texts(property_.name, property_i18n.name, jobs)
            if job_execution.name in self._tables:
                # One that was skipped would stay behind: who holds one keeps its job from going.
                patience = "FOR UPDATE" if self._waits else "FOR UPDATE NOWAIT"
                self._read(job_execution.name, "job_id", f"job_id IN ({jobs})", patience)
        return held

    def counts(self) -> dict[str, int]:
        """Return how many rows were read from each table."""
        return {name: found.count for name, found in self._found.items()}

    def size(self) -> int:
        """Return how many bytes all of them take."""
        return sum(len(found.lines) for found in self._found.values())

    def lines(self) -> dict[int, bytes]:
        """Return a receipt's line for each job, by its id. Asks nothing: any thread may call it."""
        tables = []
        for table in TABLES:
            if table.name in self._found and self._found[table.name].count:
                by_key = self._found[table.name].by_key()
                owners = self._owners.get(table.name)
                tables.append((table.name, _by_owner(by_key, owners) if owners else by_key))
        return {
            job_id: job_line(job_id, [(name, rows[job_id]) for name, rows in tables if job_id in rows])
            for job_id in sorted(self._jobs)
        }

    def _read_texts(self, name: str, texts: str, jobs: str) -> None:
        """Read the notes or properties of some jobs, and their texts in each culture.

        They are looked for without a lock, and then locked by key: a search by object may pass rows
        that somebody else holds.
        """
        if name not in self._tables:
            return
        owned = f"SELECT id, object_id FROM {name} WHERE object_id IN ({jobs})"  # noqa: S608 - ids
        owners = {row[0]: row[1] for row in self._connection.exec_driver_sql(owned)}
        for table in (name, texts):
            if table in self._tables:
                self._owners[table] = owners
                self._found[table] = _Found(0, b"")
                if owners:
                    keys = f"id IN ({listed(owners)})"
                    self._read(table, "id", keys, "FOR UPDATE", _BY_PRIMARY_KEY)

    def _read(self, name: str, key: str, condition: str, locking: str, index: str = "") -> _Found:
        """Read the rows that meet a condition, by a key."""
        table = self._tables[name]
        if self._is_sqlite:
            source = f"{name} WHERE {condition}"
            found = _read_rows(self._connection, source, key, table, is_bounded=self._is_bounded)
        else:
            source = f"{name} {index} WHERE {condition} {locking}"
            try:
                found = _read_in_one_value(self._connection, source, key, table)
            except TooMuch:
                if self._is_bounded:
                    raise
                found = _read_rows(self._connection, source, key, table, is_bounded=False)
        self._found[name] = found
        return found


def read_rows(
    connection: Connection, table: ExactTable, key: str, ids: Iterable[int]
) -> dict[int, list[bytes]]:
    """Return the rows of a table whose key is one of some ids, by it, each as a JSON array."""
    source = f"{table.name} WHERE {key} IN ({listed(ids)})"
    if connection.dialect.name != "sqlite":
        with suppress(TooMuch):
            return _read_in_one_value(connection, source, key, table).by_key()
    return _read_rows(connection, source, key, table, is_bounded=False).by_key()


@dataclass(frozen=True)
class _Found:
    """Rows of a table, as they were read: each a line of its key, a space, and a JSON array."""

    count: int
    lines: bytes

    def keys(self) -> set[int]:
        """Return the keys of the rows."""
        return {int(line.partition(b" ")[0]) for line in self.lines.splitlines()}

    def by_key(self) -> dict[int, list[bytes]]:
        """Return the JSON arrays by key."""
        found: dict[int, list[bytes]] = {}
        for line in self.lines.splitlines():
            key, _, row = line.partition(b" ")
            found.setdefault(int(key), []).append(row)
        return found


def _by_owner(rows: Mapping[int, list[bytes]], owners: Mapping[int, int]) -> dict[int, list[bytes]]:
    """Return rows that are given by the key of a note or property by the job that owns it."""
    owned: dict[int, list[bytes]] = {}
    for key, found in rows.items():
        owned.setdefault(owners[key], []).extend(found)
    return owned


def _read_in_one_value(connection: Connection, source: str, key: str, table: ExactTable) -> _Found:
    # No text holds a line break: JSON writes it as two other characters.
    line = f"CONCAT({key}, ' ', {table.as_json})"
    statement = (
        "SELECT COUNT(*), LEAST(@@group_concat_max_len, @@max_allowed_packet), "  # noqa: S608 - ids
        f"CAST(GROUP_CONCAT({line} SEPARATOR '\n') AS BINARY) FROM {source}"
    )
    count, limit, value = connection.exec_driver_sql(statement).one()
    lines: bytes = value or b""
    # A value that is too long is cut between two characters, and a row that is has none.
    if len(lines) > limit - 8 or count != (lines.count(b"\n") + 1 if lines else 0):
        raise TooMuch
    return _Found(count, _HEX.sub(_as_base64, lines) if table.has_bytes else lines)


_HEX: Final = re.compile(rb'\{"hex": "([0-9A-F]*)"\}')
"""Bytes as the server writes them; within a text the quotes would have a backslash."""


def _as_base64(found: re.Match[bytes]) -> bytes:
    return b'{"base64": "%s"}' % base64.b64encode(bytes.fromhex(found[1].decode()))


def _read_rows(
    connection: Connection, source: str, key: str, table: ExactTable, *, is_bounded: bool
) -> _Found:
    lines: list[bytes] = []
    size = 0
    statement = f"SELECT {key}, {table.plain} FROM {source}"  # noqa: S608 - ids
    with _exact_texts(connection):
        for number, *values in connection.exec_driver_sql(statement):
            lines.append(f"{number} [{', '.join(map(_value, values))}]".encode())
            size += len(lines[-1])
            if is_bounded and size > VALUE_BYTES:
                raise TooMuch
    return _Found(len(lines), b"\n".join(lines))


class _Text(bytes):
    """What SQLite holds as text: the driver would decode it, or replace what is no UTF-8."""


@contextmanager
def _exact_texts(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.text_factory
    driver.text_factory = _Text
    try:
        yield
    finally:
        driver.text_factory = before


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, int | float):
        # A float, which SQLite alone gives, has an exact repr; JSON has no word for an endless one.
        return repr(value).replace("inf", "9e999")
    if isinstance(value, _Text):
        try:
            return json.dumps(value.decode(), ensure_ascii=False)
        except UnicodeDecodeError:
            return json.dumps({"base64": base64.b64encode(value).decode(), "is_text": True})
    if isinstance(value, bytes):
        return json.dumps({"base64": base64.b64encode(value).decode()})
    # What the driver was told to make text.
    return json.dumps(str(value), ensure_ascii=False)
