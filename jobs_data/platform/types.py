"""Column types of the platform's tables, as each database stores them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine


class PlatformTime(TypeDecorator[datetime]):
    """A naive DATETIME in the platform's own time zone, whole seconds; unreadable values are None.

    MySQL can store `0000-00-00 00:00:00`, and SQLite any text: an unreadable date must cost one empty
    cell, not the page.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text on SQLite, which has no dates, and DATETIME elsewhere."""
        return String(32) if dialect.name == "sqlite" else DateTime()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the value as the database stores it, without fractions of a second."""
        if value is None:
            return None
        whole = value.replace(microsecond=0, tzinfo=None)
        return whole.isoformat(" ") if dialect.name == "sqlite" else whole

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the stored time, or None where it is not one."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value)).replace(tzinfo=None)
        except ValueError:
            return None


class UnixTime(TypeDecorator[datetime]):
    """A time of Laravel's own tables: Unix seconds, read as aware and in UTC; unreadable is None.

    `failed_jobs.failed_at` is a TIMESTAMP in some versions: that one is read as it is, naive.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return an aware time as whole seconds."""
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the stored time, or None where it is not one."""
        if value is None or isinstance(value, datetime):
            return value
        try:
            if isinstance(value, str):
                return datetime.fromisoformat(value)
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError, TypeError):
            return None


class ExactText(TypeDecorator[str]):
    """A text as its bytes in UTF-8, compared one by one, without a collation.

    SQLite compares bytes anyway. An invalid text, such as a lone surrogate, equals nothing.
    """

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text on SQLite, bytes elsewhere."""
        return String() if dialect.name == "sqlite" else LargeBinary()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | bytes | None:
        """Return a text as the database compares it."""
        if value is None or (dialect.name == "sqlite" and _is_text(value)):
            return value
        return value.encode("utf-8", "surrogatepass")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text."""
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# SQLite numbers rows by itself only where the type is INTEGER and nothing else.
BigId = BigInteger().with_variant(Integer, "sqlite")


# AtoM's text columns are utf8mb4 and `output` grows without bound; MEDIUMTEXT keeps the demo's long
# outputs whole where a plain TEXT would cut them at 64 KB.
LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
