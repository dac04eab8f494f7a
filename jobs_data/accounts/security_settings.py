"""The platform's settings for signing in; AtoM has none."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import ahg_settings
from jobs_data.platform.values import text
from jobs_data.url_values import parse_number

_MOST: Final = {
    "lockout_max_attempts": 1_000,
    "lockout_duration_minutes": 525_600,
    "session_timeout_minutes": 525_600,
}
_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class SecuritySettings:
    """The settings, named without the platform's prefix `security_`, with the platform's defaults."""

    lockout_enabled: bool = True
    lockout_max_attempts: int = 5
    lockout_duration_minutes: int = 15
    session_timeout_minutes: int = 30


def read_security_settings(database: Database) -> SecuritySettings:
    """Return the settings from `ahg_settings`; the default for each that is missing or unusable.

    Raises DatabaseUnavailable.
    """
    if ahg_settings.name not in database.tables:
        return SecuritySettings()
    names = {f"security_{field.name}": field.name for field in fields(SecuritySettings)}
    key = ahg_settings.c.setting_key
    with database.reading(primary=True) as connection:
        rows = connection.execute(select(key, ahg_settings.c.setting_value).where(key.in_(names))).all()
    usable: dict[str, Any] = {}
    for setting, value in rows:
        name, typed = names.get(setting, ""), text(value).strip().lower()
        if name == "lockout_enabled" and typed in _ON | _OFF:
            usable[name] = typed in _ON
        elif name in _MOST and 1 <= (number := parse_number(typed) or 0) <= _MOST[name]:
            usable[name] = number
    return SecuritySettings(**usable)
