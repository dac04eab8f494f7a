"""The tables of the app's own database. SQLite, MySQL and MariaDB have the types used here."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

VERSION: Final = 1
"""The number of this schema. A change of a table raises it; a new table does not, because missing
tables are created."""


class Outcome(StrEnum):
    """The outcome for a job that was to be deleted."""

    PENDING = "pending"
    """Its rows are in the receipt; whether the platform's transaction was committed is not known."""
    REMOVED = "removed"
    ACTIVE = "active"
    """It was not finished, so it was not deleted."""
    MISSING = "missing"
    """It did not exist."""
    LOCKED = "locked"
    """Another program used it, or another row refers to it, so it was not deleted."""
    RESTORED = "restored"
    """It was deleted and has been restored."""


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC without its fractions of a second."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a time as the database stores it."""
        return value.astimezone(UTC).replace(microsecond=0, tzinfo=None) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a stored time with its zone."""
        return value.replace(tzinfo=UTC) if value else None


metadata: Final = MetaData()


def _table(
    name: str, *columns: Column[Any] | Index, sqlite_with_rowid: bool = True
) -> Table[ReadOnlyColumnCollection[str, Column[Any]]]:
    options: dict[str, Any] = {"sqlite_with_rowid": sqlite_with_rowid}
    for dialect in ("mysql", "mariadb"):
        # Texts compare by their characters, as in SQLite.
        options |= {f"{dialect}_engine": "InnoDB", f"{dialect}_charset": "utf8mb4"}
        options |= {f"{dialect}_collate": "utf8mb4_bin"}
    return Table(name, metadata, *columns, **options)


def _receipt() -> Column[Any]:
    return Column(
        "receipt",
        Integer,
        ForeignKey("receipt.key", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )


schema_version = _table(
    "schema_version",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

receipt = _table(
    "receipt",
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", String(20), nullable=False),
    Column("filter", Text, nullable=False),
    Column("words", Text, nullable=False),  # the text for searches, in lower case
    Column("platform", String(32), nullable=False),  # the identity of the platform's database
    Column("columns", Text, nullable=False),  # JSON: the columns of each table in the batches' rows
    Column("busy_until", UtcTime),  # a deletion or a restore writes it until then, unless killed
    Column("ended_at", UtcTime),
    Column("error", Text),
    Column("overdue_since", UtcTime),  # when it was first found too old to be kept
)

batch = _table(
    "receipt_batch",
    _receipt(),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1 on
    Column("size", Integer, nullable=False),  # bytes of the next column
    Column("lines", LargeBinary(2**32 - 1), nullable=False),  # zlib: see batch_content
)

job = _table(
    "receipt_job",
    _receipt(),
    Column("batch", Integer, primary_key=True, autoincrement=False),  # 0: not deleted, without rows
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(10), nullable=False),
    Column("problem", Text),  # why it could not be restored
    Index("receipt_job_job_id", "job_id"),
    sqlite_with_rowid=False,
)

name = _table(
    "receipt_name",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("receipt", Integer, ForeignKey("receipt.key", ondelete="CASCADE"), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("name", String(255), nullable=False),
    Column("words", Text, nullable=False),  # the name in lower case
    Column("jobs", Integer, nullable=False),
    Index("receipt_name_batch", "receipt", "batch"),
)

restore = _table(
    "receipt_restore",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("receipt", Integer, ForeignKey("receipt.key", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("restored", Integer, nullable=False),
    Index("receipt_restore_receipt", "receipt"),
)

job_outcome = _table(
    "job_outcome",  # how many errors the output of a finished job of the platform has
    Column("platform", String(32), primary_key=True),  # the identity of the platform's database
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("completed", String(26), nullable=False),  # as the platform has it: read again if it changes
    Column("is_completed", Integer, nullable=False),  # 0: it failed
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Index("job_outcome_errors", "platform", "is_completed", "errors"),
    sqlite_with_rowid=False,
)

sign_in_attempt = _table(
    "sign_in_attempt",  # for platforms without such a table, or without the right to write it
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("platform", String(32), nullable=False),  # the identity of the platform's database
    Column("identifier", String(255), nullable=False, index=True),
    Column("ip_address", String(45), nullable=False, index=True),
    Column("success", Integer, nullable=False),
    Column("attempted_at", DateTime, nullable=False),  # by the platform's clock
)

api_token = _table(
    "api_token",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),  # the SHA-256 of the token
    Column("platform", String(32), nullable=False),  # the identity of the platform's database
    Column("user_id", BigInteger, nullable=False),  # whose account it acts for
    Column("by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scope", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

ended_session = _table(
    "ended_session",
    Column("id", String(64), primary_key=True),  # the SHA-256 of the session's id
    Column("valid_until", UtcTime, nullable=False),  # its cookie expires then
    sqlite_with_rowid=False,
)

audit_entry = _table(
    "audit_entry",  # the newest entries of the audit log, for the screen
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("event", String(20), nullable=False),
    Column("who", Text, nullable=False),  # the user's name and id, for searches, in lower case
    Column("line", Text, nullable=False),  # JSON in ASCII
    Index("audit_entry_event", "event", "id"),
)
