"""The SQL that MySQL and MariaDB write differently from SQLite: one function per expression.

Statements do not depend on their database: SQLAlchemy chooses the spelling when it compiles them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    String,
    and_,
    case,
    cast,
    collate,
    func,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from jobs_data.platform.times import BEFORE_ALL_TIMES, utc_offsets
from jobs_data.platform.types import ExactText, PlatformTime

SECONDS_BEFORE_1970: Final = 62_167_219_200
"""What `TO_SECONDS('1970-01-01')` is: MySQL counts from the year 0."""

# SQLAlchemy's own precedence of a division.
_DIVISION: Final = 8


class _Spellings(FunctionElement[Any]):
    """One expression in two spellings. It is a function, so that SQLAlchemy finds the columns in it."""

    inherit_cache = True

    def __init__(self, server: ColumnElement[Any], sqlite: ColumnElement[Any]) -> None:
        super().__init__(server, sqlite)
        self.type = server.type


@compiles(_Spellings)
def _for_server(element: _Spellings, compiler: SQLCompiler, **options: Any) -> str:
    server, _ = element.clauses
    return f"({compiler.process(server, **options)})"


@compiles(_Spellings, "sqlite")
def _for_sqlite(element: _Spellings, compiler: SQLCompiler, **options: Any) -> str:
    _, sqlite = element.clauses
    return f"({compiler.process(sqlite, **options)})"


def seconds_between(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the whole seconds from one time to another, negative where the end is earlier.

    NULL where either is NULL or cannot be read.
    """
    return _Spellings(
        func.timestampdiff(text("SECOND"), _real(start), _real(end), type_=Integer),
        _unix_seconds(end) - _unix_seconds(start),
    )


def _real(time: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a time on MySQL, and NULL for the 31st of February, which some modes accept."""
    return time.op("+")(text("INTERVAL 0 SECOND"))


def seconds_since_1970(time: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the whole seconds from 1970 to a time, both in one zone; NULL as `seconds_between` is."""
    return _Spellings(func.to_seconds(time, type_=Integer) - SECONDS_BEFORE_1970, _unix_seconds(time))


def seconds_in_zone(
    start: ColumnElement[Any], end: ColumnElement[Any], zone: ZoneInfo, year: int
) -> ColumnElement[int]:
    """Return `seconds_between` two times of a zone's clock, which may have changed between them.

    Times up to the end of a year are compared; an hour that a clock change repeats is read as by
    `times.utc`, where the end comes after the start. A server may not know the zone: so the statement
    has the zone's clock changes.
    """
    between = seconds_between(start, end)
    if len(utc_offsets(zone, year)) == 1:
        return between
    at_start, at_end = _UtcOffset(start, zone, year), _UtcOffset(end, zone, year)
    at_second_end = _UtcOffset(end, zone, year, is_second_pass=True)
    first = between + at_start - at_end
    return case(
        (and_(between >= 0, at_start == at_end), between),  # nearly all, at little cost
        (first >= 0, first),
        else_=between + at_start - at_second_end,
    )


class _UtcOffset(FunctionElement[int]):
    """The offset from UTC, in seconds, of a zone's naive time. Its arguments are in the cache's key."""

    inherit_cache = True
    type = Integer()

    def __init__(
        self, time: ColumnElement[Any], zone: ZoneInfo, year: int, *, is_second_pass: bool = False
    ) -> None:
        arguments = (zone.key, str(year), "second" if is_second_pass else "")
        super().__init__(time, *(literal_column(each) for each in arguments))


@compiles(_UtcOffset)
def _offset_for_server(element: _UtcOffset, compiler: SQLCompiler, **options: Any) -> str:
    return _offset_cases(element, compiler, "TIMESTAMP", **options)


@compiles(_UtcOffset, "sqlite")
def _offset_for_sqlite(element: _UtcOffset, compiler: SQLCompiler, **options: Any) -> str:
    return _offset_cases(element, compiler, "", **options)


def _offset_cases(element: _UtcOffset, compiler: SQLCompiler, constant: str, **options: Any) -> str:
    """Return a search by halves among the clock changes, as nested CASEs."""
    column, zone, year, is_second_pass = element.clauses
    time = compiler.process(column, **options)
    offsets = utc_offsets(ZoneInfo(str(zone)), int(str(year)), is_second_pass=bool(str(is_second_pass)))

    def among(first: int, end: int) -> str:
        if end - first == 1:
            return str(offsets[first][1])
        middle = (first + end) // 2
        earlier, later = among(first, middle), among(middle, end)
        return f"CASE WHEN {time} < {constant}'{offsets[middle][0]}' THEN {earlier} ELSE {later} END"

    return f"({among(0, len(offsets))})"


def not_negative(number: ColumnElement[int]) -> ColumnElement[int]:
    """Return a number, or NULL where it is negative; it is computed once."""
    return func.nullif(
        _Spellings(func.greatest(number, -1, type_=Integer), func.max(number, -1, type_=Integer)),
        -1,
        type_=Integer,
    )


def _unix_seconds(time: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.strftime("%s", time), Integer)


def whole_quotient(number: ColumnElement[int], divisor: int) -> ColumnElement[int]:
    """Return a whole number divided by another, without the remainder.

    SQLAlchemy's `//` is FLOOR of a fraction there, which MySQL rounds to four digits first.
    """
    return _Spellings(
        number.op("DIV", precedence=_DIVISION, return_type=Integer())(divisor),
        number.op("/", precedence=_DIVISION, return_type=Integer())(divisor),
    )


def byte_length(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the size of a text in bytes, as it is stored."""
    return _Spellings(
        func.length(column, type_=Integer), func.length(cast(column, LargeBinary), type_=Integer)
    )


def in_utf8(column: ColumnElement[Any]) -> ColumnElement[bytes]:
    """Return a text's bytes in UTF-8, so that parts of it are parts of what a download has."""
    return cast(in_utf8mb4(column), LargeBinary)


def line_breaks(octets: ColumnElement[bytes]) -> ColumnElement[int]:
    """Return how many line feeds some bytes have.

    MariaDB takes minutes to remove those of a long value, because each removal moves the rest. So they
    become characters of the same length: `QUOTE` writes two bytes for each apostrophe.
    """
    feed: ColumnElement[str] = literal_column("CHAR(10)")

    def quoted(character: str) -> ColumnElement[int]:
        replaced = func.replace(octets, feed, literal_column(f"CHAR({ord(character)})"))
        return func.length(func.quote(replaced), type_=Integer)

    without = cast(func.replace(octets, feed, literal_column("''")), LargeBinary)
    return _Spellings(
        quoted("'") - quoted(" "),
        func.length(octets, type_=Integer) - func.length(without, type_=Integer),
    )


def character_length(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return how many characters a text has; SQLite counts up to the first NUL."""
    return _Spellings(func.char_length(column, type_=Integer), func.length(column, type_=Integer))


def first_characters(column: ColumnElement[Any], characters: int) -> ColumnElement[Any]:
    """Return the first characters of a text; on SQLite as bytes, up to four for each character.

    SQLite's functions end a text at its first NUL. A character has four bytes at most.
    """
    return _Spellings(
        func.substr(column, 1, characters, type_=String()),
        func.substr(cast(column, LargeBinary), 1, characters * 4),
    )


def last_characters(column: ColumnElement[Any], characters: int) -> ColumnElement[Any]:
    """Return the last characters of a text; on SQLite as `first_characters` does."""
    return _Spellings(
        func.right(column, characters, type_=String()),
        func.substr(cast(column, LargeBinary), -characters * 4),
    )


def around(column: ColumnElement[Any], words: str, before: int, characters: int) -> ColumnElement[str]:
    """Return a piece of a text that `contains` words: it begins some characters before them.

    Where the text begins less than `before` characters before the words, the piece begins with it.
    """
    comparable = column if words.isascii() else in_utf8mb4(column)
    begin = func.locate(words, comparable, type_=Integer) - before
    # LIKE disregards the case of ASCII letters there, and so does lower().
    begin_there = func.instr(func.lower(column), func.lower(words), type_=Integer) - before
    return _Spellings(
        func.substr(column, func.greatest(begin, 1), characters, type_=String()),
        func.substr(column, func.max(begin_there, 1), characters, type_=String()),
    )


def either_end(column: ColumnElement[Any], characters: int) -> tuple[ColumnElement[Any], ...]:
    """Return a text's length, its first characters, and as many last ones, without the first.

    All in characters on a server, whatever its longest packet, and in bytes on SQLite, as
    `first_characters`. The last ones are NULL where there are none.
    """
    as_bytes = cast(column, LargeBinary)
    whole = _Spellings(column, as_bytes)
    length: ColumnElement[int] = _Spellings(
        func.char_length(column, type_=Integer), func.length(as_bytes, type_=Integer)
    )
    end = case(
        (length > 2 * characters, func.substr(whole, -characters)),
        (length > characters, func.substr(whole, characters + 1)),
    )
    return length, func.substr(whole, 1, characters), end


def without_case(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text that is compared and sorted without regard to case.

    The platform's collations on MySQL do that by themselves, and so an index still serves; SQLite
    does it for ASCII letters alone.
    """
    return _Spellings(column, collate(column, "NOCASE"))


def in_utf8mb4(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text that can be compared with any other.

    Some of the platform's tables are of older character sets, and MySQL refuses to compare them with
    a character that they do not have. No index serves it.
    """
    return _Spellings(
        func.convert(column.op("USING")(literal_column("utf8mb4")), type_=String()), column
    )


def contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Return the SQL condition that a column has a text in it, which is no pattern."""
    found = func.coalesce(column, "", type_=String())
    # Every character set has ASCII.
    comparable = found if words.isascii() else in_utf8mb4(found)
    return comparable.contains(words, autoescape=True)


def exactly(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text's bytes in UTF-8: two texts are then the same where their characters are.

    A collation of MySQL takes `Export`, `export` and `Éxport ` for one; SQLite compares bytes anyway.
    CONVERT keeps a column's length. CAST makes a BLOB, and grouping by that takes four times as long.
    """
    octets = in_utf8mb4(column).op("USING")(literal_column("binary"))
    return _Spellings(func.convert(octets, type_=ExactText()), column)


def is_one_of(column: ColumnElement[Any], texts: Collection[str]) -> ColumnElement[bool]:
    """Return whether a text is one of some, as `exactly`; NULL where it is NULL.

    ASCII, which every character set has, is compared by the collation first: an index serves that.
    """
    exact = exactly(column).in_(texts)
    return and_(column.in_(texts), exact) if all(text.isascii() for text in texts) else exact


def is_blank(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a text is NULL, empty or spaces alone, as `values.filled`; never NULL.

    Some collations of MySQL take zero-width and control characters for nothing.
    """
    return exactly(func.trim(func.coalesce(column, "", type_=String()))) == ""


def before_all_times() -> ColumnElement[Any]:
    """Return `times.BEFORE_ALL_TIMES` as a constant of the statement.

    MySQL is given a time, not a text: compared with a text, every time of a table would be turned
    into one, at three times the cost.
    """
    return _Spellings(
        literal_column(f"TIMESTAMP'{BEFORE_ALL_TIMES}'", PlatformTime()),
        literal_column(f"'{BEFORE_ALL_TIMES}'", PlatformTime()),
    )
