"""Where a search has found its words: one line for each job of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, select

from jobs_data.jobs.search_texts import PARAMETERS_LABEL, texts_of
from jobs_data.jobs.search_words import Part, parse_search
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.plain_text import as_printed
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import around
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.platform.tables import job

BEFORE: Final = 60
CHARACTERS: Final = 160
"""How much of a text is read around the words, and how much of that stands before them."""

# What AtoM writes before each message: level, time, number and name of the job.
_PREFIX: Final = re.compile(r'.*\bJob \d+ "[^"]*": ')
_CODES: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def read_hits(
    connection: Connection, database: Database, ids: Sequence[int], search: str
) -> dict[int, str]:
    """Return, by the jobs' ids, one line with the text around each thing that a search has found.

    Only the parts with a prefix have one: what plain words find is in the row. The database cuts the
    texts, so that no long one is loaded; a text that takes it too long has no line.
    """
    hits: dict[int, list[str]] = {}
    for part in parse_search(search):
        for job_id, hit in _hits(connection, database, ids, part).items():
            hits.setdefault(job_id, []).append(hit)
    return {job_id: " · ".join(found) for job_id, found in hits.items()}


def _hits(connection: Connection, database: Database, ids: Sequence[int], part: Part) -> dict[int, str]:
    found: dict[int, str] = {}
    for text in texts_of(part, database, in_set(database, WITH_ERRORS)):
        if not (missing := [job_id for job_id in ids if job_id not in found]):
            break
        piece = around(text.text, text.words, BEFORE, CHARACTERS)
        rows = select(job.c.id, piece).join_from(job, text.source, text.job_id == job.c.id)
        rows = rows.where(job.c.id.in_(missing), *text.jobs, text.is_found)
        with suppress(TookTooLong), translated_errors():
            for job_id, value in connection.execute(rows):
                line = line_of(values.text(value), text.words)
                if text.label == PARAMETERS_LABEL:
                    line = _without_escapes(line)
                found.setdefault(job_id, f"{text.label}: {line}")
    return found


def line_of(piece: str, words: str) -> str:
    """Return the line of a piece of text that has some words, with an ellipsis where it is cut.

    The piece is CHARACTERS long, with BEFORE of them before the words, unless its text ends earlier.
    """
    at = piece.lower().find(words.lower(), 0, BEFORE + 2 * len(words))
    at = min(BEFORE, len(piece)) if at < 0 else at
    before, after = piece[:at], piece[at:]
    *_, line = re.split(r"[\r\n]", before)
    is_cut = len(line) == BEFORE
    if prefix := _PREFIX.match(line):
        line, is_cut = line[prefix.end() :], False
    if is_cut:
        line = f"…{line}"
    rest = re.split(r"[\r\n]", after, maxsplit=1)[0]
    if len(piece) == CHARACTERS and len(rest) == len(after):
        rest = f"{rest}…"
    return " ".join(as_printed(line + rest).split())


def _without_escapes(json_text: str) -> str:
    """Return a piece of PHP's JSON with its characters in place of their codes."""
    coded = json_text.replace("\\/", "/")
    return values.text(_CODES.sub(lambda codes: str(json.loads(f'"{codes[0]}"')), coded))
