"""Converts values exactly as the database has them to JSON and back.

null, an integer, a REAL of SQLite's, a string as the database spells the value, or {"base64": "..."}
for bytes that are no text; with "is_text" where SQLite holds such bytes as text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

from sqlalchemy import Dialect, LargeBinary, Text, cast, literal
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.sqltypes import Date, DateTime, Float, Integer, NullType, String, _Binary

Row = tuple[Any, ...]


class ByteText(bytes):
    """Text in SQLite: the driver would decode it, or replace what is not UTF-8."""


@dataclass(frozen=True)
class SelectedColumns:
    """The columns of a table, and the SQL that selects them exactly."""

    names: tuple[str, ...]
    as_json: str
    """The SQL of the parts of a row's JSON array, one after another; empty on SQLite."""
    plain: str
    """The SQL of the values for the driver, one after another."""
    has_bytes: bool


def selected(dialect: Dialect, columns: Sequence[Any], charset: str) -> SelectedColumns:
    """Return how to select columns, described as by SQLAlchemy's inspector.

    `charset` is the default of their table on a server.
    """
    # As a new dialect quotes, which every sql_mode reads; not as ANSI_QUOTES would have it.
    quote = dialect.preparer(dialect).quote_identifier
    names = [quote(column["name"]) for column in columns]
    kinds = [column["type"] for column in columns]
    is_sqlite = dialect.name == "sqlite"
    nullable = [column["nullable"] for column in columns]
    as_json = ", ', ', ".join(map(_json, names, kinds, nullable, repeat(charset)))
    return SelectedColumns(
        tuple(column["name"] for column in columns),
        "" if is_sqlite else f"'[', {as_json}, ']'",
        ", ".join(names if is_sqlite else map(_plain, names, kinds)),
        any(map(_is_binary, kinds)),
    )


def _is_binary(kind: object) -> bool:
    # What SQLAlchemy has no name for, such as a geometry, is kept as bytes.
    return isinstance(kind, (_Binary, mysql.BIT, NullType))


def _json(column: str, kind: object, is_nullable: bool, charset: str) -> str:
    if isinstance(kind, Integer):
        value = f"CAST({column} AS UNSIGNED)" if getattr(kind, "zerofill", False) else column
        return f"IFNULL({value}, 'null')" if is_nullable else value
    if isinstance(kind, DateTime | Date):
        return f"""IFNULL(CONCAT('"', {column}, '"'), 'null')"""
    if _is_binary(kind):
        # TO_BASE64 adds line breaks, and removing them takes minutes for some megabytes.
        raw = f"CAST({column} AS BINARY)" if isinstance(kind, mysql.BIT) else column  # no number's HEX
        value = f"""CONCAT('{{"hex": "', HEX({raw}), '"}}')"""
    else:
        value = f"JSON_QUOTE({column if _is_utf8mb4(kind, charset) else _text(column, kind)})"
    # A value that is too long to encode is NULL too: the whole row must then be NULL.
    return f"IF({column} IS NULL, 'null', {value})" if is_nullable else value


def _is_utf8mb4(kind: object, charset: str) -> bool:
    """Return whether a column holds text that need not be converted, which takes time."""
    if not isinstance(kind, String):
        return False
    collation = getattr(kind, "collation", None) or charset
    return (getattr(kind, "charset", None) or collation).partition("_")[0] == "utf8mb4"


def _text(column: str, kind: object) -> str:
    # A FLOAT is written with six digits only; a DOUBLE has all its digits.
    value = f"{column} * 1e0" if isinstance(kind, Float) else column
    return f"CONVERT({value} USING utf8mb4)"


def _plain(column: str, kind: object) -> str:
    is_as_stored = isinstance(kind, (Integer, String)) or _is_binary(kind)
    return column if is_as_stored else _text(column, kind)


_HEX: Final = re.compile(rb'\{"hex": "([0-9A-F]*)"\}')
"""Bytes as a server writes them; within a text the quotes would be escaped."""


def with_base64(lines: bytes) -> bytes:
    """Return JSON that a server has written with its bytes as base64."""
    return _HEX.sub(
        lambda found: b'{"base64": "%s"}' % base64.b64encode(bytes.fromhex(found[1].decode())), lines
    )


def encoded(value: object) -> str:
    """Return a value that the driver gave as JSON."""
    if value is None:
        return "null"
    if isinstance(value, int | float):
        # A float, from SQLite only, has an exact repr; JSON cannot write infinity.
        return repr(value).replace("inf", "9e999")
    if isinstance(value, ByteText):
        try:
            return json.dumps(value.decode(), ensure_ascii=False)
        except UnicodeDecodeError:
            return json.dumps({"base64": base64.b64encode(value).decode(), "is_text": True})
    if isinstance(value, bytes):
        return json.dumps({"base64": base64.b64encode(value).decode()})
    # Other values, which the SQL above has made text.
    return json.dumps(str(value), ensure_ascii=False)


def decoded(row: Sequence[Any]) -> Row:
    """Return the values of a row from parsed JSON."""
    return tuple(_bytes(value) if isinstance(value, dict) else value for value in row)


def _bytes(value: Mapping[str, Any]) -> bytes:
    raw = base64.b64decode(value["base64"])
    return ByteText(raw) if value.get("is_text") else raw


def to_insert(value: object) -> object:
    """Return a value as an INSERT takes it."""
    if isinstance(value, ByteText):
        return cast(literal(bytes(value), LargeBinary), Text)
    return value


def bytes_sent(row: Row) -> int:
    """Return the largest size of a row's texts and bytes in a statement."""
    texts = (value.encode() if isinstance(value, str) else value for value in row)
    # The driver may write a character as two, such as a line break.
    return sum(2 * len(value) for value in texts if isinstance(value, bytes))


_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_VALUE: Final = rb"(?:" + _STRING + rb"|\{[^}]*\}|[^,\"{\]]*)"


def text_at(place: int) -> re.Pattern[bytes]:
    """Return a pattern of a row's line, from its key on, whose group is the text at a place, if any."""
    return re.compile(rb"\d+ \[(?:" + _VALUE + rb", ){%d}(" % place + _STRING + rb")?", re.DOTALL)
