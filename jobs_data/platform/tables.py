"""The platform's tables, as far as this app uses them.

Heratio and AtoM own these tables. The app reads them, deletes and restores rows of finished jobs, and
records sign-ins as the platform does. It never creates or alters a table; only the demo creates
them, in its own database. `Database.columns` has what a database really has.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    inspect,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from jobs_data.platform.types import BigId, LongText, PlatformTime, UnixTime

metadata: Final = MetaData()


def _table(
    name: str, *columns: Column[Any] | Index
) -> Table[ReadOnlyColumnCollection[str, Column[Any]]]:
    """Return a table that the demo creates on MySQL and MariaDB with the platform's options."""
    return Table(
        name,
        metadata,
        *columns,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        # As on MySQL, the id of a deleted job is not used again.
        sqlite_autoincrement=True,
    )


def _numbered(type_: TypeEngine[int] | type[Integer] = Integer) -> Column[Any]:
    return Column("id", type_, primary_key=True, autoincrement=True)


def _id_of(table: str) -> Column[Any]:
    """Return the id of a row that has the id of the other table's row, and goes with it."""
    return Column("id", Integer, ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)


def _belongs_to(table: str, column: str, **options: Any) -> Column[Any]:
    """Return the column by which rows belong to a row of the other table, and go with it."""
    return Column(
        column, Integer, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, **options
    )


def _may_refer_to(table: str, column: str) -> Column[Any]:
    return Column(column, Integer, ForeignKey(f"{table}.id", ondelete="SET NULL"), index=True)


def _culture() -> Column[Any]:
    return Column("culture", String(16), primary_key=True)


object_ = _table(
    "object",
    _numbered(),
    Column("class_name", String(255)),
    Column("created_at", PlatformTime, nullable=False),
    Column("updated_at", PlatformTime, nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

term = _table(
    "term",
    _id_of("object"),
    Column("taxonomy_id", Integer, nullable=False),
    Column("source_culture", String(16), nullable=False),
)

term_i18n = _table("term_i18n", _id_of("term"), _culture(), Column("name", String(1024)))

actor = _table(
    "actor",
    _id_of("object"),
    Column("parent_id", Integer),
    Column("source_culture", String(16), nullable=False),
)

actor_i18n = _table(
    "actor_i18n", _id_of("actor"), _culture(), Column("authorized_form_of_name", String(1024))
)

user = _table(
    "user",
    _id_of("actor"),
    Column("username", String(255)),
    Column("email", String(255)),
    Column("password_hash", String(255)),
    Column("salt", String(255)),
    Column("active", SmallInteger, server_default="1"),
)

acl_group = _table("acl_group", _numbered(), Column("parent_id", Integer))

acl_user_group = _table(
    "acl_user_group",
    _numbered(),
    _belongs_to("user", "user_id", index=True),
    _belongs_to("acl_group", "group_id", index=True),
)

slug = _table(
    "slug",
    _numbered(),
    _belongs_to("object", "object_id", unique=True),
    Column("slug", String(255), unique=True),
)

job = _table(
    "job",
    _id_of("object"),
    Column("name", String(255)),
    Column("download_path", Text),
    Column("completed_at", PlatformTime),
    _may_refer_to("user", "user_id"),
    _may_refer_to("object", "object_id"),
    _may_refer_to("term", "status_id"),
    Column("output", LongText),
)

note = _table(
    "note",
    _numbered(),
    _belongs_to("object", "object_id", index=True),
    Column("type_id", Integer, index=True),
    Column("scope", String(1024)),
    Column("user_id", Integer),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

note_i18n = _table("note_i18n", _id_of("note"), _culture(), Column("content", Text))

property_ = _table(
    "property",
    _numbered(),
    _belongs_to("object", "object_id", index=True),
    Column("scope", String(1024)),
    Column("name", String(1024)),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

property_i18n = _table("property_i18n", _id_of("property"), _culture(), Column("value", Text))

setting = _table(
    "setting",
    _numbered(),
    Column("name", String(255)),
    Column("scope", String(255)),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

setting_i18n = _table("setting_i18n", _id_of("setting"), _culture(), Column("value", Text))

_ATOM_TABLES: Final = frozenset(metadata.tables)

job_execution = _table(
    "ahg_job_execution",
    _numbered(),
    Column("job_id", Integer, nullable=False, unique=True),
    Column("type", String(50)),
    Column("started_at", PlatformTime),
    Column("completed_at", PlatformTime),
    Column("duration", Integer),
    Column("error_message", Text),
    Column("stack_trace", Text),
    Column("created_at", PlatformTime),
    Column("updated_at", PlatformTime),
)

login_attempt = _table(
    "login_attempt",
    _numbered(),
    Column("identifier", String(255), nullable=False, index=True),
    Column("ip_address", String(45), nullable=False, index=True),
    Column("success", SmallInteger, nullable=False, server_default="0"),
    Column("attempted_at", PlatformTime, nullable=False),
)

user_totp_secret = _table(
    "user_totp_secret",
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("secret", String(255), nullable=False),
    Column("enabled_at", PlatformTime),
    Column("last_used_at", PlatformTime),
)

otp_factor = _table(
    "ahg_otp_factor",
    _numbered(),
    Column("user_id", Integer, nullable=False, index=True),
    Column("verified_at", PlatformTime),
)

webauthn_credential = _table(
    "ahg_webauthn_credential",
    _numbered(),
    Column("user_id", Integer, nullable=False, index=True),
)

mfa_policy = _table(
    "ahg_mfa_policy",
    _numbered(),
    Column("tenant_id", Integer, unique=True),  # NULL: the default of all tenants
    Column("enforcement", String(32), nullable=False, server_default="optional"),
    Column("grace_period_days", Integer, nullable=False, server_default="7"),
    Column("updated_at", PlatformTime),
)

tenant_user = _table(
    "ahg_tenant_user",
    _numbered(),
    Column("tenant_id", Integer, nullable=False),
    Column("user_id", Integer, nullable=False, index=True),
    Column("is_primary", SmallInteger, nullable=False, server_default="0"),
    Column("assigned_at", PlatformTime),
)

ahg_settings = _table(
    "ahg_settings",
    _numbered(),
    Column("setting_key", String(255), nullable=False, unique=True),
    Column("setting_value", Text),
)

queue_job = _table(
    "ahg_queue_job",
    _numbered(BigId),
    Column("queue", String(100), nullable=False, server_default="default"),
    Column("job_type", String(255), index=True),
    Column("payload", LongText),
    Column("status", String(20), index=True),
    Column("priority", Integer, server_default="5"),
    Column("batch_id", BigInteger, index=True),
    Column("chain_id", BigInteger),
    Column("chain_order", Integer),
    Column("attempt_count", Integer, server_default="0"),
    Column("max_attempts", Integer, server_default="3"),
    Column("delay_seconds", Integer),
    Column("backoff_strategy", String(20)),
    Column("available_at", PlatformTime),
    Column("reserved_at", PlatformTime),
    Column("started_at", PlatformTime),
    Column("completed_at", PlatformTime),
    Column("processing_time_ms", BigInteger),
    Column("result_data", LongText),
    Column("error_message", Text),
    Column("error_code", String(50)),
    Column("error_trace", LongText),
    Column("worker_id", String(100), index=True),
    Column("user_id", Integer, index=True),
    Column("progress_current", BigInteger),
    Column("progress_total", BigInteger),
    Column("progress_message", String(500)),
    Column("rate_limit_group", String(100)),
    Column("created_at", PlatformTime),
    Column("updated_at", PlatformTime),
    Index("ix_ahg_queue_job_dispatch", "queue", "status", "priority", "available_at"),
    Index("ix_ahg_queue_job_chain", "chain_id", "chain_order"),
)

queue_batch = _table(
    "ahg_queue_batch",
    _numbered(BigId),
    Column("name", String(255)),
    Column("queue", String(100)),
    Column("status", String(20)),
    Column("total_jobs", Integer, server_default="0"),
    Column("completed_jobs", Integer, server_default="0"),
    Column("failed_jobs", Integer, server_default="0"),
    Column("progress_percent", Numeric(5, 2, asdecimal=False)),
    Column("max_concurrent", Integer),
    Column("delay_between_ms", Integer),
    Column("max_retries", Integer),
    Column("options", LongText),
    Column("user_id", Integer),
    Column("created_at", PlatformTime),
    Column("started_at", PlatformTime),
    Column("completed_at", PlatformTime),
    Column("updated_at", PlatformTime),
)

queue_failed = _table(
    "ahg_queue_failed",
    _numbered(BigId),
    Column("queue", String(100)),
    Column("job_type", String(255)),
    Column("payload", LongText),
    Column("error_message", Text),
    Column("error_trace", LongText),
    Column("original_job_id", BigInteger, index=True),
    Column("batch_id", BigInteger),
    Column("user_id", Integer),
    Column("attempt_count", Integer),
    Column("failed_at", PlatformTime),
)

queue_log = _table(
    "ahg_queue_log",
    _numbered(BigId),
    Column("job_id", BigInteger, index=True),
    Column("batch_id", BigInteger, index=True),
    Column("event_type", String(50)),
    Column("message", String(500)),
    Column("details", LongText),
    Column("created_at", PlatformTime),
)

laravel_jobs = _table(
    "jobs",
    _numbered(BigId),
    Column("queue", String(255), nullable=False, index=True),
    Column("payload", LongText),
    Column("attempts", SmallInteger, server_default="0"),
    Column("reserved_at", UnixTime),
    Column("available_at", UnixTime),
    Column("created_at", UnixTime),
)

laravel_failed = _table(
    "failed_jobs",
    _numbered(BigId),
    Column("uuid", String(255), unique=True),
    Column("connection", Text),
    Column("queue", Text),
    Column("payload", LongText),
    Column("exception", LongText),
    Column("failed_at", UnixTime),
)

laravel_batches = _table(
    "job_batches",
    Column("id", String(255), primary_key=True),
    Column("name", String(255)),
    Column("total_jobs", Integer),
    Column("pending_jobs", Integer),
    Column("failed_jobs", Integer),
    Column("failed_job_ids", LongText),
    Column("options", LongText),
    Column("cancelled_at", UnixTime),
    Column("created_at", UnixTime),
    Column("finished_at", UnixTime),
)

JOB_CLASS: Final = "QubitJob"
"""`object.class_name` of a job."""

ERROR_NOTE_TYPE_ID: Final = 197
"""`note.type_id` of the notes in which AtoM keeps a job's error text."""

ADMINISTRATOR_GROUP_ID: Final = 100
"""The `acl_group` whose active members administer the platform."""

EDITOR_GROUP_ID: Final = 101

HERATIO_ONLY: Final = frozenset(metadata.tables) - _ATOM_TABLES
"""The tables that a plain AtoM does not have."""

REQUIRED_TABLES: Final = (job, object_)
"""A database without these is not a platform's; every other table may be absent."""


def present_tables(connection: Connection) -> frozenset[str]:
    """Return the names, as defined here, of those tables that the connected database has."""
    return frozenset(inspect(connection).get_table_names()) & frozenset(metadata.tables)
