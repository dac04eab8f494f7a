"""The platform's tables, as far as this app looks at them.

Heratio and AtoM own these tables; the app reads them, removes rows of finished jobs, notes sign-ins
as the platform does, and never creates or alters a table. (Only the demo, in a database of its own,
creates them from these definitions.) AtoM has none of HERATIO_ONLY; `present_columns` tells what a
database really has.
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

from jobs_data.platform.types import BigId, LongText, PlatformTime, UnixTime

metadata: Final = MetaData()


def _table(
    name: str, *columns: Column[Any] | Index
) -> Table[ReadOnlyColumnCollection[str, Column[Any]]]:
    """Return a table that the demo creates on MySQL and MariaDB as the platform's own are."""
    return Table(
        name,
        metadata,
        *columns,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        # As on MySQL, the id of a removed job is not given to a new one.
        sqlite_autoincrement=True,
    )


object_ = _table(
    "object",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("class_name", String(255)),
    Column("created_at", PlatformTime, nullable=False),
    Column("updated_at", PlatformTime, nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

term = _table(
    "term",
    Column("id", Integer, ForeignKey("object.id", ondelete="CASCADE"), primary_key=True),
    Column("taxonomy_id", Integer, nullable=False),
    Column("source_culture", String(16), nullable=False),
)

term_i18n = _table(
    "term_i18n",
    Column("id", Integer, ForeignKey("term.id", ondelete="CASCADE"), primary_key=True),
    Column("culture", String(16), primary_key=True),
    Column("name", String(1024)),
)

actor = _table(
    "actor",
    Column("id", Integer, ForeignKey("object.id", ondelete="CASCADE"), primary_key=True),
    Column("parent_id", Integer),
    Column("source_culture", String(16), nullable=False),
)

actor_i18n = _table(
    "actor_i18n",
    Column("id", Integer, ForeignKey("actor.id", ondelete="CASCADE"), primary_key=True),
    Column("culture", String(16), primary_key=True),
    Column("authorized_form_of_name", String(1024)),
)

user = _table(
    "user",
    Column("id", Integer, ForeignKey("actor.id", ondelete="CASCADE"), primary_key=True),
    Column("username", String(255)),
    Column("email", String(255)),
    Column("password_hash", String(255)),
    Column("salt", String(255)),
    Column("active", SmallInteger, server_default="1"),
)

acl_group = _table(
    "acl_group",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("parent_id", Integer),
)

acl_user_group = _table(
    "acl_user_group",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column(
        "group_id", Integer, ForeignKey("acl_group.id", ondelete="CASCADE"), nullable=False, index=True
    ),
)

login_attempt = _table(
    "login_attempt",
    Column("id", Integer, primary_key=True, autoincrement=True),
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
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, nullable=False, index=True),
    Column("verified_at", PlatformTime),
)

webauthn_credential = _table(
    "ahg_webauthn_credential",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, nullable=False, index=True),
)

slug = _table(
    "slug",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "object_id",
        Integer,
        ForeignKey("object.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("slug", String(255), unique=True),
)

job = _table(
    "job",
    Column("id", Integer, ForeignKey("object.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255)),
    Column("download_path", Text),
    Column("completed_at", PlatformTime),
    Column("user_id", Integer, ForeignKey("user.id", ondelete="SET NULL"), index=True),
    Column("object_id", Integer, ForeignKey("object.id", ondelete="SET NULL"), index=True),
    Column("status_id", Integer, ForeignKey("term.id", ondelete="SET NULL"), index=True),
    Column("output", LongText),
)

job_execution = _table(
    "ahg_job_execution",
    Column("id", Integer, primary_key=True, autoincrement=True),
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

note = _table(
    "note",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "object_id",
        Integer,
        ForeignKey("object.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("type_id", Integer, index=True),
    Column("scope", String(1024)),
    Column("user_id", Integer),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

note_i18n = _table(
    "note_i18n",
    Column("id", Integer, ForeignKey("note.id", ondelete="CASCADE"), primary_key=True),
    Column("culture", String(16), primary_key=True),
    Column("content", Text),
)

property_ = _table(
    "property",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "object_id",
        Integer,
        ForeignKey("object.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("scope", String(1024)),
    Column("name", String(1024)),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

property_i18n = _table(
    "property_i18n",
    Column("id", Integer, ForeignKey("property.id", ondelete="CASCADE"), primary_key=True),
    Column("culture", String(16), primary_key=True),
    Column("value", Text),
)

setting = _table(
    "setting",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(255)),
    Column("scope", String(255)),
    Column("editable", SmallInteger, server_default="0"),
    Column("deleteable", SmallInteger, server_default="0"),
    Column("source_culture", String(16), nullable=False),
    Column("serial_number", Integer, nullable=False, server_default="0"),
)

setting_i18n = _table(
    "setting_i18n",
    Column("id", Integer, ForeignKey("setting.id", ondelete="CASCADE"), primary_key=True),
    Column("culture", String(16), primary_key=True),
    Column("value", Text),
)

ahg_settings = _table(
    "ahg_settings",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("setting_key", String(255), nullable=False, unique=True),
    Column("setting_value", Text),
    Column("setting_type", String(50)),
    Column("setting_group", String(100)),
)

queue_job = _table(
    "ahg_queue_job",
    Column("id", BigId, primary_key=True, autoincrement=True),
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
    Column("id", BigId, primary_key=True, autoincrement=True),
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
    Column("id", BigId, primary_key=True, autoincrement=True),
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
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("job_id", BigInteger, index=True),
    Column("batch_id", BigInteger, index=True),
    Column("event_type", String(50)),
    Column("message", String(500)),
    Column("details", LongText),
    Column("created_at", PlatformTime),
)

laravel_jobs = _table(
    "jobs",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("queue", String(255), nullable=False, index=True),
    Column("payload", LongText),
    Column("attempts", SmallInteger, server_default="0"),
    Column("reserved_at", UnixTime),
    Column("available_at", UnixTime),
    Column("created_at", UnixTime),
)

laravel_failed = _table(
    "failed_jobs",
    Column("id", BigId, primary_key=True, autoincrement=True),
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

HERATIO_ONLY: Final = frozenset(
    {
        job_execution.name,
        ahg_settings.name,
        login_attempt.name,
        user_totp_secret.name,
        otp_factor.name,
        webauthn_credential.name,
        queue_job.name,
        queue_batch.name,
        queue_failed.name,
        queue_log.name,
        laravel_jobs.name,
        laravel_failed.name,
        laravel_batches.name,
    }
)
"""The tables that a plain AtoM does not have."""

REQUIRED_TABLES: Final = (job, object_)
"""Without these a database is not a platform's; every other table may be absent."""


def present_tables(connection: Connection) -> frozenset[str]:
    """Return the names, as defined here, of those tables that the connected database has."""
    return frozenset(inspect(connection).get_table_names()) & frozenset(metadata.tables)


def present_columns(connection: Connection) -> dict[str, frozenset[str]]:
    """Return the columns of each of these tables that the connected database has."""
    inspector = inspect(connection)
    return {
        name: frozenset(column["name"] for column in inspector.get_columns(name))
        for name in present_tables(connection)
    }
