"""Why the jobs of a period failed, grouped by the pattern of their error texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

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
from jobs_data.statistics.period import DATED_JOBS, Narrowing, Period, created_since

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
    database: Database, order: Narrowing, period: Period, zone: ZoneInfo, now: datetime
) -> Failures:
    """Return why the jobs of a period failed; `now` is aware. Raises DatabaseUnavailable.

    The text is the first error note, else the recorded error message, else the last line of the output
    that is no part of a stack trace.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        failed = [job.c.status_id == ERROR, *created_since(connection, database, order, start)]
        of = connection.execute(
            select(func.count()).select_from(DATED_JOBS).where(*failed)
        ).scalar_one()
        found = _read_failed(connection, database, failed)
        earlier_ids = [] if start is None else _failed_before(connection, database, start)
        earlier = _texts(connection, database, earlier_ids)
    known = {fold(text) for text in {*earlier.values()}}
    if len(earlier) < len(earlier_ids):
        known.add(NO_TEXT)
    by_pattern = found.groupby("pattern", sort=False)
    patterns = by_pattern.agg(
        key=("key", "first"),
        example=("text", "first"),
        jobs=("id", "size"),
        first=("at", "min"),
        last=("at", "max"),
    ).reset_index()
    patterns["is_new"] = ~patterns["pattern"].isin(known) & (start is not None)
    return Failures(
        patterns=patterns.sort_values(["jobs", "last"], ascending=False, ignore_index=True),
        jobs=by_pattern.head(JOBS_OF_PATTERN).drop(columns="pattern").reset_index(drop=True),
        looked_at=len(found),
        of=of,
        looked_at_before=len(earlier_ids),
    )


def _failed_before(connection: Connection, database: Database, start: datetime) -> Sequence[int]:
    """Return the ids of the newest failures created before an aware time."""
    earlier = (
        select(job.c.id)
        .select_from(DATED_JOBS)
        .where(job.c.status_id == ERROR, object_.c.created_at < to_platform(start, database.timezone))
        .order_by(job.c.id.desc())
        .limit(FAILURES_BEFORE)
    )
    return connection.execute(earlier).scalars().all()


def _read_failed(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]]
) -> pd.DataFrame:
    """Return the newest of the jobs that meet some conditions, with the pattern of each."""
    newest = (
        select(job.c.id, job.c.name, job.c.completed_at, object_.c.created_at)
        .select_from(DATED_JOBS)
        .where(*where)
        .order_by(job.c.id.desc())
        .limit(NEWEST_FAILURES)
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
    found: dict[int, str] = {}
    for some in _portions(ids):
        if {note.name, note_i18n.name} <= database.tables:
            found.update(_note_texts(connection, database, some))
        left = [job_id for job_id in some if job_id not in found]
        if "error_message" in database.columns.get(job_execution.name, ()):
            message = func.substr(job_execution.c.error_message, 1, TEXT_CHARACTERS)
            rows = connection.execute(
                select(job_execution.c.job_id, message).where(job_execution.c.job_id.in_(left))
            )
            found.update((row[0], line) for row in rows if (line := first_line(values.text(row[1]))))
            left = [job_id for job_id in left if job_id not in found]
        rows = connection.execute(
            select(job.c.id, last_characters(job.c.output, TEXT_CHARACTERS)).where(job.c.id.in_(left))
        )
        for job_id, output in rows:
            if line := last_line(values.text(output)):
                found[job_id] = line
    return found


def _note_texts(
    connection: Connection, database: Database, ids: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Yield jobs' first notes: in the culture, else in English, else in any."""
    preference = {database.culture: 0, FALLBACK_CULTURE: 1}
    rows = connection.execute(
        select(
            note.c.object_id,
            note.c.id,
            note_i18n.c.culture,
            func.substr(note_i18n.c.content, 1, TEXT_CHARACTERS).label("content"),
        )
        .join_from(note, note_i18n, note_i18n.c.id == note.c.id)
        .where(note.c.object_id.in_(ids), note.c.type_id == ERROR_NOTE_TYPE_ID)
    ).all()
    best_last = sorted(rows, key=lambda row: (-row.id, -preference.get(row.culture, 2)))
    for row in best_last:
        if line := first_line(values.text(row.content)):
            yield row.object_id, line


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _IDS_IN_STATEMENT):
        yield ids[start : start + _IDS_IN_STATEMENT]
