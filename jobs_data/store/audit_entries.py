"""The newest entries of the audit log, for the screen, whatever else they are written to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select

from jobs_data.audit import Event
from jobs_data.page import Page
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.schema import audit_entry

KEPT: Final = 1_000
"""How many entries of each event are kept: refused sign-ins in thousands push out no removal."""

LISTED: Final = 1_000
"""How many entries a list has at most, the newest ones."""

_COMMON: Final = frozenset({"time", "event", "user_id", "user", "client", "request_id"})


@dataclass(frozen=True)
class Entry:
    """An entry of the audit log."""

    id: int
    at: datetime
    """Aware, in UTC."""
    event: str
    user: str
    """Empty where nobody had signed in."""
    user_id: int | str | None
    client: str
    request: str
    details: dict[str, Any]
    """What only entries of its event have."""


def keep(store: Store, lines: Sequence[str]) -> None:
    """Add entries, given as lines of JSON, and erase the oldest; not while the store is away."""
    entries = [json.loads(line) for line in lines]
    rows = [
        {
            "event": entry["event"],
            "who": f"{_encodable(entry['user'])} {_encodable(str(entry['user_id']))}".lower(),
            "line": line,
        }
        for entry, line in zip(entries, lines, strict=True)
    ]
    own = audit_entry.c
    with suppress(StoreUnavailable), store.writing() as connection:  # it has been logged
        connection.execute(insert(audit_entry), rows)
        for event in {row["event"] for row in rows}:
            newest_first = select(own.id).where(own.event == event).order_by(own.id.desc())
            last = connection.execute(newest_first.offset(KEPT).limit(1)).scalar()
            if last is not None:
                connection.execute(delete(audit_entry).where(own.event == event, own.id <= last))


def list_entries(
    store: Store, event: Event | None, user: str, page: int, limit: int
) -> Page[list[Entry]]:
    """Return a page of the newest LISTED entries, newest first, of one event or of all.

    `user` is a part of a user's name or id; case does not matter. Raises StoreUnavailable.
    """
    own = audit_entry.c
    wanted = select(own.id, own.line).order_by(own.id.desc()).limit(LISTED)
    if event:
        wanted = wanted.where(own.event == event.value)
    if user.strip():
        wanted = wanted.where(own.who.contains(_encodable(user).strip().lower(), autoescape=True))
    with store.reading() as connection:
        rows = connection.execute(wanted).all()
    page = min(max(1, page), max(1, -(-len(rows) // limit)))
    shown = rows[(page - 1) * limit : page * limit]
    return Page([_entry(row.id, json.loads(row.line)) for row in shown], len(rows), page, limit)


def _entry(entry_id: int, values: dict[str, Any]) -> Entry:
    return Entry(
        entry_id,
        datetime.fromisoformat(values["time"]),
        values["event"],
        values["user"],
        values["user_id"],
        values["client"],
        values["request_id"],
        {name: value for name, value in values.items() if name not in _COMMON},
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
