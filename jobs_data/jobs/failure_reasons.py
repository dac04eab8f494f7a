"""Why jobs failed: which of a job's texts says it, and in which line.

The platform keeps it in error notes, with the execution, or in the output alone. The first of these
says it, unless it says no more than that something failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, func, select

from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, last_characters
from jobs_data.platform.status_names import FALLBACK_CULTURE
from jobs_data.platform.tables import ERROR_NOTE_TYPE_ID, job, job_execution, note, note_i18n
from jobs_data.reasons.finding import Reason, Weight, choose
from jobs_data.reasons.lines import lines_of

TEXT_CHARACTERS: Final = 8_000
"""How much of a note, a message or a trace is read where many jobs are."""

END_CHARACTERS: Final = 2_000
"""How much of the end of an output is read first where many jobs are."""

_MARKERS: Final = (
    *(
        "\nERROR: ",
        "\n[err",
        "\n[crit",
        ".ERROR: ",
        "atal error: ",
        "xception: ",
        "Traceback (most recent call last)",
    ),
)
_BEFORE: Final = 300
_AROUND: Final = 2_000


@dataclass(frozen=True)
class TextReason:
    """Which of some texts has the reason, and where."""

    at: int
    """The text's place among them."""
    reason: Reason
    lines: Sequence[str]
    """The lines of that text; of a long output those around its errors and at its end."""


def find_in_texts(texts: Sequence[str], output: str) -> TextReason | None:
    """Return why a job failed by its error texts and its output, which counts as the last of them.

    None where all are blank.
    """
    found = choose([*((text, False) for text in texts), (output, True)])
    if found is None:
        return None
    at, reason = found
    return TextReason(at, reason, lines_of([*texts, output][at]))


def needs_more_output(found: TextReason | None, texts: Sequence[str]) -> bool:
    """Return whether the beginning of an output may say more than what was found in the rest."""
    return found is None or found.at == len(texts) or found.reason.weight <= Weight.VAGUE


def read_reasons(connection: Connection, database: Database, ids: Sequence[int]) -> dict[int, Reason]:
    """Return why some jobs failed, by their ids; without those whose texts are all blank.

    Outputs are read where the other texts do not say it: their ends, and where they are longer, around
    the first line of each kind of error. Raises what the database driver raises, inside
    `Database.reading`.
    """
    notes = read_error_notes(connection, database, ids, TEXT_CHARACTERS)
    messages = _execution_texts(connection, database, "error_message", ids)
    texts = {i: [*notes.get(i, ()), messages.get(i, "")] for i in ids}
    found = {i: find_in_texts(own, "") for i, own in texts.items()}
    unsaid = [i for i in ids if needs_more_output(found[i], texts[i])]
    traces = _execution_texts(connection, database, "stack_trace", unsaid)
    end = last_characters(job.c.output, END_CHARACTERS)
    ends = _texts(connection, select(job.c.id, end).where(job.c.id.in_(unsaid)))
    for i in unsaid:
        texts[i].append(traces.get(i, ""))
        found[i] = find_in_texts(texts[i], ends.get(i, ""))
    longer = [
        i
        for i in unsaid
        if len(ends.get(i, "")) >= END_CHARACTERS and needs_more_output(found[i], texts[i])
    ]
    for i, errors in read_around_errors(connection, longer).items():
        found[i] = find_in_texts(texts[i], f"{errors}\n{ends[i]}")
    return {i: one.reason for i, one in found.items() if one}


def read_around_errors(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the beginning of jobs' outputs, and what is around the first line of each kind of error.

    The server looks through the output, of which nothing else is sent.
    """
    if not ids:
        return {}
    # Bytes: a collation would take many times as long.
    output = exactly(job.c.output)
    columns: list[ColumnElement[Any]] = [func.substr(output, 1, _AROUND)]
    for marker in _MARKERS:
        at = func.nullif(func.instr(output, marker), 0)
        first = case((at > _BEFORE, at - _BEFORE), else_=1)
        columns += [at, case((at.is_not(None), func.substr(output, first, _AROUND)))]
    rows = connection.execute(select(job.c.id, *columns).where(job.c.id.in_(ids)))
    return {job_id: _joined(head, found) for job_id, head, *found in rows}


def _joined(head: Any, found: Sequence[Any]) -> str:
    """Return pieces of an output as one text, in their order, without those that lie in another."""
    pieces = [values.text(head)]
    end = _AROUND
    for at, piece in sorted(
        (int(at), piece) for at, piece in zip(found[::2], found[1::2], strict=True) if at
    ):
        if at + _BEFORE > end:
            # It begins in the middle of a line, as a rule.
            pieces.append(values.text(piece).partition("\n")[2] if at > _BEFORE else values.text(piece))
            end = max(at - _BEFORE, 1) + _AROUND
    return "\n…\n".join(pieces)


def read_error_notes(
    connection: Connection, database: Database, ids: Sequence[int], characters: int | None = None
) -> dict[int, list[str]]:
    """Return the texts of jobs' error notes, each once: in the culture, else English, else any.

    Of each at most so many `characters`.
    """
    if not {note.name, note_i18n.name} <= database.tables:
        return {}
    content = (
        note_i18n.c.content if characters is None else func.substr(note_i18n.c.content, 1, characters)
    )
    rows = connection.execute(
        select(note.c.id, note.c.object_id, note_i18n.c.culture, content.label("content"))
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id.in_(ids), note.c.type_id == ERROR_NOTE_TYPE_ID)
        .order_by(note.c.id)
    ).all()
    preference = {database.culture: 2, FALLBACK_CULTURE: 1}
    best_last = sorted(rows, key=lambda row: (row.id, preference.get(row.culture, 0)))
    best = {
        (row.object_id, row.id): text for row in best_last if (text := values.text(row.content).strip())
    }
    texts: dict[int, list[str]] = {}
    for (job_id, _), text in best.items():
        texts.setdefault(job_id, []).append(text)
    return texts


def _execution_texts(
    connection: Connection, database: Database, name: str, ids: Sequence[int]
) -> dict[int, str]:
    """Return the beginnings of a text that Heratio keeps with executions; none without its column."""
    if name not in database.columns.get(job_execution.name, ()):
        return {}
    text = func.substr(job_execution.c[name], 1, TEXT_CHARACTERS)
    return _texts(
        connection, select(job_execution.c.job_id, text).where(job_execution.c.job_id.in_(ids))
    )


def _texts(connection: Connection, statement: Any) -> dict[int, str]:
    return {job_id: values.text(text) for job_id, text in connection.execute(statement)}
