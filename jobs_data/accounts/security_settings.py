"""The platform's settings about signing in; AtoM has none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from jobs_data.platform.database import Database
from jobs_data.platform.tables import ahg_settings
from jobs_data.platform.values import text
from jobs_data.url_values import parse_number

MOST_ATTEMPTS: Final = 1_000
MOST_MINUTES: Final = 525_600

_WORDS: Final = {"1": True, "true": True, "yes": True, "on": True} | {
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True)
class SecuritySettings:
    """The settings, each with the platform's own default."""

    lockout_enabled: bool = True
    max_attempts: int = 5
    lockout_minutes: int = 15
    session_timeout_minutes: int = 30


DEFAULTS: Final = SecuritySettings()


def read_security_settings(database: Database) -> SecuritySettings:
    """Return the settings from `ahg_settings`; the default for each that is missing or unusable.

    Raises DatabaseUnavailable.
    """
    if ahg_settings.name not in database.tables:
        return DEFAULTS
    key = ahg_settings.c.setting_key
    with database.reading(primary=True) as connection:
        rows = connection.execute(
            select(key, ahg_settings.c.setting_value).where(
                key.in_(
                    [
                        "security_lockout_enabled",
                        "security_lockout_max_attempts",
                        "security_lockout_duration_minutes",
                        "security_session_timeout_minutes",
                    ]
                )
            )
        )
        values = {row.setting_key: text(row.setting_value).strip().lower() for row in rows}

    def number(name: str, default: int, most: int) -> int:
        found = parse_number(values.get(name))
        return found if found is not None and 1 <= found <= most else default

    return SecuritySettings(
        lockout_enabled=_WORDS.get(
            values.get("security_lockout_enabled", ""), DEFAULTS.lockout_enabled
        ),
        max_attempts=number("security_lockout_max_attempts", DEFAULTS.max_attempts, MOST_ATTEMPTS),
        lockout_minutes=number(
            "security_lockout_duration_minutes", DEFAULTS.lockout_minutes, MOST_MINUTES
        ),
        session_timeout_minutes=number(
            "security_session_timeout_minutes", DEFAULTS.session_timeout_minutes, MOST_MINUTES
        ),
    )
