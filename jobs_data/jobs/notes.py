"""The notes of jobs: AtoM's description of a job, the errors, and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, func, select

from jobs_data.platform import values
from jobs_data.platform.cultures import preference
from jobs_data.platform.database import Database
from jobs_data.platform.status_names import read_term_names
from jobs_data.platform.tables import ERROR_NOTE_TYPE_ID, note, note_i18n


@dataclass(frozen=True)
class Note:
    """A note of a job in the best available language."""

    type_id: int | None
    """None for a job's description, which AtoM stores without a type."""
    type_name: str
    """The platform's name for the type; empty where it has none, and for errors."""
    text: str

    @property
    def is_error(self) -> bool:
        """Return whether it says why the job failed."""
        return self.type_id == ERROR_NOTE_TYPE_ID


def read_notes(connection: Connection, database: Database, ids: Sequence[int]) -> dict[int, list[Note]]:
    """Return the notes of jobs, the oldest first, each once.

    A note is in the configured culture, else in its source culture, in English, or in any.
    """
    return _read(connection, database, ids, note_i18n.c.content)


def read_error_notes(
    connection: Connection, database: Database, ids: Sequence[int], characters: int
) -> dict[int, list[str]]:
    """Return the texts of jobs' error notes, as `read_notes` chooses them, cut to some characters."""
    content = func.substr(note_i18n.c.content, 1, characters)
    found = _read(connection, database, ids, content, note.c.type_id == ERROR_NOTE_TYPE_ID)
    return {job_id: [each.text for each in notes] for job_id, notes in found.items()}


def read_descriptions(
    connection: Connection, database: Database, ids: Sequence[int], characters: int
) -> dict[int, str]:
    """Return the first description of jobs, as `read_notes` chooses it, cut to some characters."""
    content = func.substr(note_i18n.c.content, 1, characters)
    found = _read(connection, database, ids, content, note.c.type_id.is_(None))
    return {job_id: notes[0].text for job_id, notes in found.items()}


def _read(
    connection: Connection, database: Database, ids: Sequence[int], content: Any, *where: Any
) -> dict[int, list[Note]]:
    if not {note.name, note_i18n.name} <= database.tables:
        return {}
    columns = (note.c.id, note.c.object_id, note.c.type_id, note.c.source_culture)
    rows = connection.execute(
        select(*columns, note_i18n.c.culture, content.label("content"))
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id.in_(ids), *where)
        .order_by(note.c.id)
    ).all()

    @cache
    def rank(culture: Any, source_culture: Any) -> int:
        return preference(database.culture, values.text(source_culture))(values.text(culture))

    best_last = sorted(rows, key=lambda row: (row.id, -rank(row.culture, row.source_culture)))
    best = {row.id: (row, text) for row in best_last if (text := values.text(row.content).strip())}
    names = read_term_names(
        connection, database, {row.type_id for row in rows} - {None, ERROR_NOTE_TYPE_ID}
    )
    notes: dict[int, list[Note]] = {}
    for row, text in best.values():
        name = names.get(row.type_id, "")
        notes.setdefault(row.object_id, []).append(Note(row.type_id, name, text))
    return notes
