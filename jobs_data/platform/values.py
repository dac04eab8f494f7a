"""The meaning of the platform's values: texts, names and users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jobs_data.plain_text import encodable

UNKNOWN_NAME: Final = "[Unknown]"


SYSTEM_OWNER: Final = "System"


def owner_of(row: Mapping[Any, Any]) -> str:
    """Return the user's name: the display name, else the user name, else System."""
    return owner_called(row["username"], row["display_name"])


def owner_called(username: Any, display_name: Any) -> str:
    """Return the name to show for a user with these names."""
    return filled(display_name) or filled(username) or SYSTEM_OWNER


def name_of(row: Mapping[Any, Any]) -> str:
    """Return a job's name as it is stored; `[Unknown]` where it is empty."""
    return name_called(row["name"])


def name_called(name: Any) -> str:
    """Return the name to show for a job with this stored name."""
    return filled(name) or UNKNOWN_NAME


def filled(value: Any) -> str:
    """Return a text column's value, or empty if it has only spaces.

    `dialects.is_blank` is the same in SQL, where databases trim spaces alone.
    """
    return found if (found := text(value)).strip(" ") else ""


def text(value: Any) -> str:
    """Return a text column's value as text that all parts of the app can handle; NULL is empty.

    SQLite returns bytes if another program stored bytes. A lone surrogate would break the CSV's UTF-8
    and Streamlit's messages.
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return encodable(str(value))
