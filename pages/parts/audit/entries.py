"""Entries of the audit log as a table and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jobs_data import csv_lines
from jobs_data.audit import Event
from jobs_data.store.audit_entries import Entry
from pages.parts.shared.rows_table import Cell, Color, Column, Row, rows_table, time_cell

LABELS: Final = {
    Event.SIGN_IN: "Sign-in",
    Event.SIGN_IN_REFUSED: "Sign-in refused",
    Event.SIGN_OUT: "Sign-out",
    Event.ACCESS_REFUSED: "Access refused",
    Event.EXPORT: "Export",
    Event.DOWNLOAD: "Download",
    Event.OUTPUT: "Output",
    Event.REMOVAL: "Deletion",
    Event.RESTORE: "Restore",
    Event.RETENTION: "Receipts erased",
    Event.TOKEN_MADE: "Token made",
    Event.TOKEN_REVOKED: "Token revoked",
    Event.TOKEN_USED: "Token used",
    Event.TOKEN_REFUSED: "Token refused",
    Event.LOST: "Entries lost",
}
_LOOKS: Final[dict[str, tuple[Color, str]]] = {
    Event.SIGN_IN_REFUSED: ("orange", "▲"),
    Event.ACCESS_REFUSED: ("orange", "▲"),
    Event.TOKEN_REFUSED: ("orange", "▲"),
    Event.LOST: ("red", "✖"),
    Event.REMOVAL: ("violet", "■"),
    Event.RESTORE: ("green", "✔"),
}
_COLUMNS: Final = (
    Column("event", "Event", width="9.5rem"),
    Column("user", "User", width="11rem"),
    Column("details", "Details", kind="name", phone="below"),
    Column("at", "When", kind="time", phone="last"),
    Column("client", "Address", phone="wide", width="9rem"),
    Column("request", "Request", phone="wide", width="10rem"),
)
_CSV_COLUMNS: Final = ("Time", "Event", "User", "User id", "Address", "Request", "Details")


def show_entries(entries: Sequence[Entry], zone: ZoneInfo) -> None:
    """Show entries, in their order."""
    now = datetime.now(UTC)
    rows_table("audit", "Audit log", _COLUMNS, [_row(entry, zone, now) for entry in entries])


def to_csv(entries: Sequence[Entry]) -> bytes:
    """Return entries as UTF-8 with a byte-order mark, texts defused, times in ISO 8601 and UTC."""
    lines = "".join(
        csv_lines.line(
            (
                *(entry.at.isoformat(), entry.event, entry.user, entry.user_id),
                *(entry.client, entry.request, details_of(entry)),
            )
        )
        for entry in entries
    )
    # An entry can have half of a character, which came in pieces.
    return csv_lines.header(_CSV_COLUMNS) + lines.encode("utf-8", "replace")


def details_of(entry: Entry) -> str:
    """Return what only entries of this event have, such as `jobs: 12 · result: complete`."""
    return " · ".join(
        f"{name.replace('_', ' ')}: {_in_words(value)}" for name, value in entry.details.items()
    )


def _row(entry: Entry, zone: ZoneInfo, now: datetime) -> Row:
    color, sign = _LOOKS.get(entry.event, ("gray", "●"))
    details = details_of(entry)
    label = LABELS[Event(entry.event)] if entry.event in list(Event) else entry.event
    return Row(
        str(entry.id),
        f"{label}, {entry.user}",
        {
            "event": Cell(label, color=color, icon=sign),
            "user": Cell(entry.user or "–", title=f"User {entry.user_id}" if entry.user_id else ""),
            "details": Cell(details, title=details),
            "at": time_cell(entry.at, zone, now),
            "client": entry.client,
            "request": entry.request,
        },
    )


def _in_words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
