"""Finds the reason why a job failed: the text and the line that say it.

The platform keeps it in error notes, in the execution record, or only in the output. The first of
these counts, unless it says only that something failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, case, func, select

from jobs_data.jobs.notes import read_error_notes
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import byte_length, last_characters
from jobs_data.platform.tables import job, job_execution
from jobs_data.reasons.finding import Reason, Weight, choose
from jobs_data.reasons.lines import ERROR_WORDS, lines_of

TEXT_CHARACTERS: Final = 8_000
"""How much of a note, a message or a trace is read for a list of jobs."""

END_CHARACTERS: Final = 2_000
"""How much of the end of an output is read first for a list of jobs."""

_MARKERS: Final = (
    ".ERROR: ",
    "CRITICAL: ",
    " ERROR ",
    '"ERROR"',
    "atal error",
    "arse error",
    "xception: ",
    "xception in ",
)
_LINE_MARKERS: Final = re.compile(
    r"\n(?:\x1b\[[\d;]{0,20}m|[^\w\n]){0,8}"
    rf"({'|'.join(ERROR_WORDS)}|traceback|killed|segmentation fault|in \S{{1,60}} line)\b",
    re.IGNORECASE,
)
EITHER_END_CHARACTERS: Final = 65_535
"""How much of an output's beginning and end is read if its last lines do not say it.

A column of the type TEXT has no more than that.
"""

MOST_OUTPUTS: Final = 500
"""For how many jobs of a list this is read; of the others only the last lines."""

PAGE_OUTPUTS: Final = 25
"""The same for a page of the list, which must be fast: one output takes up to 15 ms."""

JOBS_TOGETHER: Final = 50

LINE_CHARACTERS: Final = 200
"""How much of a reason a row of the list shows."""

_BEFORE: Final = 300
_AROUND: Final = 1_000


@dataclass(frozen=True)
class TextReason:
    """The text that has the reason, and its line."""

    at: int
    """The text's index."""
    reason: Reason
    lines: Sequence[str]
    """The lines of that text; of a long output only those around its errors and at its end."""

    def within(self, lines: int) -> TextReason:
        """Return the reason with only the part of the text that has it.

        The first part has `lines` lines, the second the rest. Both may have the same lines.
        """
        at = self.reason.line
        if at < lines:
            return replace(self, lines=self.lines[:lines])
        reason = replace(self.reason, line=at - lines)
        return replace(self, reason=reason, lines=self.lines[lines:])


def find_in_texts(texts: Sequence[str], output: str) -> TextReason | None:
    """Return why a job failed, from its error texts and, last, its output.

    None where all are blank.
    """
    found = choose([*((text, False) for text in texts), (output, True)])
    if found is None:
        return None
    at, reason = found
    return TextReason(at, reason, lines_of([*texts, output][at]))


def needs_more_output(found: TextReason | None, texts: Sequence[str]) -> bool:
    """Return whether the beginning of an output may say more than the rest."""
    return found is None or found.at == len(texts) or found.reason.weight <= Weight.VAGUE


def read_reasons(
    connection: Connection, database: Database, ids: Sequence[int], outputs: int = MOST_OUTPUTS
) -> dict[int, Reason]:
    """Return why some jobs failed, by their ids; without those whose texts are all blank.

    Outputs are read if the other texts do not say it: their last lines, and of longer ones more, for
    the first `outputs` of these jobs. Raises what the database driver raises, inside
    `Database.reading`.
    """
    notes = read_error_notes(connection, database, ids, TEXT_CHARACTERS)
    messages = _execution_texts(connection, database, "error_message", ids)
    texts = {i: (*notes.get(i, ()), messages.get(i, "")) for i in ids}
    find = cache(find_in_texts)  # many jobs of a list fail alike
    found = {i: find(own, "") for i, own in texts.items()}
    unsaid = [i for i in ids if needs_more_output(found[i], texts[i])]
    traces = _execution_texts(connection, database, "stack_trace", unsaid)
    end = last_characters(job.c.output, END_CHARACTERS)
    ends = _texts(connection, select(job.c.id, end).where(job.c.id.in_(unsaid))) if unsaid else {}
    for i in unsaid:
        texts[i] += (traces.get(i, ""),)
        found[i] = find(texts[i], ends.get(i, ""))
    longer = [
        i
        for i in unsaid
        if len(ends.get(i, "")) >= END_CHARACTERS and needs_more_output(found[i], texts[i])
    ]
    for i, errors in read_around_errors(connection, longer[:outputs]).items():
        found[i] = find_in_texts(texts[i], f"{errors}\n…\n{ends[i]}")
    return {i: one.reason for i, one in found.items() if one}


def read_reason_lines(connection: Connection, database: Database, ids: Sequence[int]) -> dict[int, str]:
    """Return why some jobs failed, as `read_reasons`, in LINE_CHARACTERS at most.

    Jobs whose texts report no error are left out.
    """
    reasons = read_reasons(connection, database, ids, PAGE_OUTPUTS) if ids else {}
    lines = {i: reason.text for i, reason in reasons.items() if reason.weight > Weight.FINE}
    return {
        i: f"{line[: LINE_CHARACTERS - 1]}…" if len(line) > LINE_CHARACTERS else line
        for i, line in lines.items()
    }


def read_around_errors(
    connection: Connection, ids: Sequence[int], characters: int = EITHER_END_CHARACTERS
) -> dict[int, str]:
    """Return the lines around the first line of each kind of error in jobs' outputs.

    Of a longer output, only the first `characters` and the last `characters` are searched.
    """
    output = job.c.output
    is_longer = byte_length(output) > characters
    end = case((is_longer, last_characters(output, characters)))
    statement = select(job.c.id, func.substr(output, 1, characters), end)
    found: dict[int, str] = {}
    for first in range(0, len(ids), JOBS_TOGETHER):
        some = ids[first : first + JOBS_TOGETHER]
        for job_id, *ends in connection.execute(statement.where(job.c.id.in_(some))):
            found[job_id] = "\n…\n".join(_around_errors(values.text(text)) for text in ends if text)
    return found


def _around_errors(output: str) -> str:
    """Return the beginning of an output, and the lines around the first line of each kind of error."""
    pieces, end = [output[:_AROUND]], _AROUND
    first = {marker: output.find(marker) for marker in _MARKERS}
    for line in _LINE_MARKERS.finditer(output):
        first.setdefault(line[1].lower(), line.start())
    for at in sorted(at for at in first.values() if at >= end - _BEFORE):
        if at + _BEFORE > end:
            # A piece usually begins in the middle of a line.
            pieces.append(output[max(at - _BEFORE, end) : at + _AROUND].partition("\n")[2])
            end = at + _AROUND
    return "\n…\n".join(pieces)


def _execution_texts(
    connection: Connection, database: Database, name: str, ids: Sequence[int]
) -> dict[int, str]:
    """Return the beginnings of a text of the execution records; none if its column is missing."""
    if not ids or name not in database.columns.get(job_execution.name, ()):
        return {}
    text = func.substr(job_execution.c[name], 1, TEXT_CHARACTERS)
    return _texts(
        connection, select(job_execution.c.job_id, text).where(job_execution.c.job_id.in_(ids))
    )


def _texts(connection: Connection, statement: Any) -> dict[int, str]:
    return {job_id: values.text(text) for job_id, text in connection.execute(statement)}
