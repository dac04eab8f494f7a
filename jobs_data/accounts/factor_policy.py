"""Whether the platform requires a second factor of an account that has none.

Source: Heratio's `MfaPolicyService`. A tenant's row of `ahg_mfa_policy` overrides the row without a
tenant, the default. Its enforcement is `off`, `optional`, `required_for_admins` (and editors) or
`required`. It does not apply during some days of grace after the row or the account was made.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, or_, select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import (
    ADMINISTRATOR_GROUP_ID,
    EDITOR_GROUP_ID,
    acl_user_group,
    mfa_policy,
    object_,
    tenant_user,
)
from jobs_data.platform.times import utc
from jobs_data.platform.values import text

NOT_REQUIRED: Final = frozenset({"off", "optional"})
FOR_ADMINISTRATORS: Final = "required_for_admins"
MOST_DAYS: Final = 36_500

_KNOWN_COLUMNS: Final = frozenset({"tenant_id", "enforcement", "grace_period_days", "updated_at"})


def requires_factor(database: Database, user_id: int, now: datetime) -> bool:
    """Return whether the platform requires a second factor of a user at an aware time.

    False without such a policy. This app does not know a tenant that the platform finds by host name:
    its users without a tenant of their own get the default policy. Raises DatabaseUnavailable.
    """
    if not database.columns.get(mfa_policy.name, frozenset()) >= _KNOWN_COLUMNS:
        return False
    with database.reading(primary=True) as connection:
        policy = _policy(connection, _tenant(connection, database, user_id))
        if policy is None:
            return False
        enforcement = text(policy.enforcement).strip().lower()
        if enforcement in NOT_REQUIRED:
            return False
        if enforcement == FOR_ADMINISTRATORS and not _administers(connection, database, user_id):
            return False
        created_at = connection.execute(
            select(object_.c.created_at).where(object_.c.id == user_id)
        ).scalar()
    since = [utc(at, database.timezone) for at in (policy.updated_at, created_at)]
    known = [at for at in since if at is not None]
    days = min(policy.grace_period_days or 0, MOST_DAYS)
    return days <= 0 or (bool(known) and now - max(known) >= timedelta(days=days))


def _tenant(connection: Connection, database: Database, user_id: int) -> int | None:
    """Return the user's tenant: the primary one, else the oldest one."""
    column = tenant_user.c
    wanted = {each.name for each in column}
    if not database.columns.get(tenant_user.name, frozenset()) >= wanted:
        return None
    found = connection.execute(
        select(column.tenant_id)
        .where(column.user_id == user_id)
        .order_by(column.is_primary.desc(), column.assigned_at, column.id)
        .limit(1)
    )
    return found.scalar()


def _policy(connection: Connection, tenant: int | None) -> Row[Any] | None:
    """Return a tenant's policy, else the default one, None without either."""
    column = mfa_policy.c
    wanted: Select[Any] = select(column.enforcement, column.grace_period_days, column.updated_at)
    return connection.execute(
        wanted.where(or_(column.tenant_id == tenant, column.tenant_id.is_(None)))
        .order_by(column.tenant_id.is_(None), column.id)
        .limit(1)
    ).first()


def _administers(connection: Connection, database: Database, user_id: int) -> bool:
    """Return whether a user is an administrator or an editor of the platform."""
    if acl_user_group.name not in database.tables:
        return False
    column = acl_user_group.c
    groups = (ADMINISTRATOR_GROUP_ID, EDITOR_GROUP_ID)
    found = select(column.id).where(column.user_id == user_id, column.group_id.in_(groups)).limit(1)
    return connection.execute(found).scalar() is not None
