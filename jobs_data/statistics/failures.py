"""Why the jobs of a period failed, grouped by the pattern of their error texts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.jobs.creation_order import CreationOrder, with_object
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import last_characters
from jobs_data.platform.status import ERROR
from jobs_data.platform.status_names import FALLBACK_CULTURE
from jobs_data.platform.tables import (
    ERROR_NOTE_TYPE_ID,
    job,
    job_execution,
    note,
    note_i18n,
    object_,
)
from jobs_data.platform.times import to_platform
from jobs_data.statistics.error_patterns import first_line, fold, last_line
from jobs_data.statistics.period import Period, created_since

NEWEST_FAILURES: Final = 3_000
"""At most so many failures of a period, the newest, are looked at: each text has to be read."""

FAILURES_BEFORE: Final = 2_000
"""At most so many of the time before it: an error that is not among them is new."""

JOBS_OF_PATTERN: Final = 200
TEXT_CHARACTERS: Final = 2_000
NO_TEXT: Final = "(the platform kept no error text and no output)"
_IDS_IN_STATEMENT: Final = 1_000
_FAILED: Final = {
    "id": "int64",
    "name": "str",
    "at": "datetime64[us, UTC]",
    "text": "str",
    "pattern": "str",
    "key": "str",
}


@dataclass(frozen=True)
class Failures:
    """The failures of a period, grouped by the pattern of their error texts."""

    patterns: pd.DataFrame
    """A row per pattern, most failures first: `key` str (a short name for addresses), `pattern` and
    `example` (a whole first line) str, `jobs` int64, `first` and `last` UTC (completed, else created),
    `is_new` bool: not among the failures looked at before the period; always false for all time."""
    jobs: pd.DataFrame
    """The newest 200 jobs of each pattern, newest first: `key` str, `id` int64, `name` str, `at` UTC,
    `text` str, the error's first line."""
    looked_at: int
    of: int
    """How many failures the period has; the newest of them were looked at."""
    looked_at_before: int


def read_failures(
    database: Database, order: CreationOrder, period: Period, zone: ZoneInfo, now: datetime
) -> Failures:
    """Return why the jobs of a period failed; `now` is aware. Raises DatabaseUnavailable.

    The text is the first error note, else the recorded error message, else the last line of the output
    that is no part of a stack trace.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        since = created_since(connection, database, order, start)
        failed = select(func.count()).select_from(with_object()).where(job.c.status_id == ERROR, *since)
        of = connection.execute(failed).scalar_one()
        found = _read_failed(connection, database, since, NEWEST_FAILURES)
        earlier = found[:0]
        if start is not None:
            before = object_.c.created_at < to_platform(start, database.timezone)
            earlier = _read_failed(connection, database, [before], FAILURES_BEFORE)
    by_pattern = found.groupby("pattern", sort=False)
    patterns = by_pattern.agg(
        key=("key", "first"),
        example=("text", "first"),
        jobs=("id", "size"),
        first=("at", "min"),
        last=("at", "max"),
    ).reset_index()
    patterns["is_new"] = ~patterns["pattern"].isin(earlier["pattern"]) & (start is not None)
    return Failures(
        patterns=patterns.sort_values(["jobs", "last"], ascending=False, ignore_index=True),
        jobs=by_pattern.head(JOBS_OF_PATTERN).drop(columns="pattern").reset_index(drop=True),
        looked_at=len(found),
        of=of,
        looked_at_before=len(earlier),
    )


def _read_failed(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]], limit: int
) -> pd.DataFrame:
    """Return the newest failed jobs that meet some conditions, with the pattern of each."""
    newest = (
        select(job.c.id, job.c.name, job.c.completed_at, object_.c.created_at)
        .select_from(with_object())
        .where(job.c.status_id == ERROR, *where)
        .order_by(job.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(newest).all()
    texts = _texts(connection, database, [row.id for row in rows])
    patterns = {text: fold(text) for text in {*texts.values(), NO_TEXT}}
    keys = {pattern: hashlib.sha256(pattern.encode()).hexdigest()[:10] for pattern in patterns.values()}
    failed = []
    for job_id, name, completed, created in rows:
        text = texts.get(job_id, NO_TEXT)
        at = times.utc(completed or created, database.timezone)
        pattern = patterns[text]
        failed.append((job_id, values.name_called(name), at, text, pattern, keys[pattern]))
    return pd.DataFrame(failed, columns=list(_FAILED)).astype(_FAILED)


def _texts(connection: Connection, database: Database, ids: Sequence[int]) -> dict[int, str]:
    """Return the first line of the best error text of each job that has one."""
    message = func.substr(job_execution.c.error_message, 1, TEXT_CHARACTERS)
    output = last_characters(job.c.output, TEXT_CHARACTERS)
    found: dict[int, str] = {}
    for start in range(0, len(ids), _IDS_IN_STATEMENT):
        left = set(ids[start : start + _IDS_IN_STATEMENT])
        if {note.name, note_i18n.name} <= database.tables:
            found |= _note_lines(connection, database, left)
            left -= found.keys()
        if "error_message" in database.columns.get(job_execution.name, ()):
            rows = connection.execute(
                select(job_execution.c.job_id, message).where(job_execution.c.job_id.in_(left))
            )
            found |= {job_id: line for job_id, text in rows if (line := first_line(values.text(text)))}
            left -= found.keys()
        rows = connection.execute(select(job.c.id, output).where(job.c.id.in_(left)))
        found |= {job_id: line for job_id, text in rows if (line := last_line(values.text(text)))}
    return found


def _note_lines(connection: Connection, database: Database, ids: Collection[int]) -> dict[int, str]:
    """Return jobs' first notes: in the culture, else in English, else in any."""
    preference = {database.culture: 0, FALLBACK_CULTURE: 1}
    content = func.substr(note_i18n.c.content, 1, TEXT_CHARACTERS).label("content")
    rows = connection.execute(
        select(note.c.object_id, note.c.id, note_i18n.c.culture, content)
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id.in_(ids), note.c.type_id == ERROR_NOTE_TYPE_ID)
    ).all()
    best_last = sorted(rows, key=lambda row: (-row.id, -preference.get(row.culture, 2)))
    lines = ((row.object_id, first_line(values.text(row.content))) for row in best_last)
    return {job_id: line for job_id, line in lines if line}
