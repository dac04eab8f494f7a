"""Why jobs fail: error texts whose varying parts are folded, so that the same reason is one group."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.platform import times, values
from jobs_data.platform.database import Database
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
from jobs_data.statistics.statistics import CreatedSince, Period, created_since

NEWEST_FAILURES: Final = 3_000
"""At how many failures of a period is looked: the newest. Each text costs as much as reading it."""

FAILURES_BEFORE: Final = 2_000
"""At how many of the time before it: an error that is not among them is new."""

JOBS_OF_PATTERN: Final = 200
TEXT_CHARACTERS: Final = 2_000
PATTERN_CHARACTERS: Final = 300
NO_TEXT: Final = "(the platform kept no error text and no output)"
_IDS_IN_STATEMENT: Final = 1_000

_STACK_LINE: Final = re.compile(r"\s*(#\d+ |at |thrown in |Stack trace:)", re.IGNORECASE)

_FOLDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"\b[a-z][a-z0-9+.-]{1,10}://[^\s'\"<>]+", "<address>"),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<e-mail>"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d?:\d\d(?::\d\d)?\b", "<time>"),
        # An apostrophe within a word is no quotation mark.
        (r"(?<!\w)'[^'\n]*'(?!\w)", "'…'"),
        (r'"[^"\n]*"', '"…"'),
        (r"“[^”\n]*”|«[^»\n]*»|`[^`\n]*`", "“…”"),
        (r"(?<![\w/<])(?:[a-z]:[\\/]|~/|\.{0,2}/)[^\s'\",;:()\[\]<>]+", "<path>"),
        (r"\b[\w.-]+(?:/[\w.-]+){2,}", "<path>"),
        (r"\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b", "<hex>"),
    )
)

# What follows one of these is a code of few digits: it says what went wrong, the same each time.
_CODE: Final = r"""
    \bSQLSTATE\[\w+\] (?: :? \s* \[?\d{1,5}\b | :\s [^\d:\n]* :\s \d{1,5}\b )?
  | \bHTTP(?:/\d(?:\.\d)?)? \s+ (?: (?:error|code|status|status\s+code) [\s:=]+ )? \d{3}\b
  | \b(?:error|errno|code|status) (?: \s+ (?:code|number|no\.|nr\.?) )? \s?[:=\#(\[]{0,2}\s? \d{1,5}\b
  | \bUTF-\d+
"""
_NUMBER: Final = r"(?<![a-z\d])\d+(?:[.,]\d+)* | (?<=[a-z])\d{3,}"
_NUMBERS: Final = re.compile(f"(?P<code>{_CODE}) | {_NUMBER}", re.IGNORECASE | re.VERBOSE)


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
    looked_at_before: int


def fold(text: str) -> str:
    """Return a text with its addresses, paths, names in quotes, times, ids and numbers folded.

    An error's code stays as it is, for another code is another reason: a number of up to five digits
    directly after "error", "errno", "code", "status", "HTTP" or "SQLSTATE[…]", where a colon, an equals
    sign, a number sign or a bracket may stand between, and PDO's code after the words of a SQLSTATE
    ("SQLSTATE[40001]: Serialization failure: 1213").
    """
    for varying, put in _FOLDS:
        text = varying.sub(put, text)
    text = _NUMBERS.sub(lambda number: number["code"] or "<number>", text)
    return " ".join(text.split())


def first_line(text: str) -> str:
    """Return what a text says first; with the next line where it only announces that."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines[0] += f" {lines[1]}"
    return lines[0][:PATTERN_CHARACTERS] if lines else ""


def last_line(text: str) -> str:
    """Return what a text says last, but for a stack trace at its end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _STACK_LINE.match(line)] or lines
    return telling[-1][:PATTERN_CHARACTERS] if telling else ""


def read_failures(database: Database, period: Period, zone: ZoneInfo, now: datetime) -> Failures:
    """Return why the jobs of a period failed; `now` is aware. Raises DatabaseUnavailable.

    The text is the first error note, else the recorded error message, else the last line of the output
    that is no part of a stack trace.
    """
    start = period.start(zone, now)
    with database.reading() as connection:
        since = created_since(connection, database, start)
        of = connection.execute(
            select(func.count())
            .select_from(job.join(object_, object_.c.id == job.c.id))
            .where(job.c.status_id == ERROR, job.c.id >= since.first_id, *since.where)
        ).scalar_one()
        found = _failed(connection, database, (job.c.id >= since.first_id, *since.where))
        earlier_ids = _failed_before(connection, since)
        earlier = _texts(connection, database, earlier_ids)
    known = {fold(text) for text in {*earlier.values()}}
    if len(earlier) < len(earlier_ids):
        known.add(NO_TEXT)
    patterns = (
        found.groupby("pattern", sort=False)
        .agg(
            key=("key", "first"),
            example=("text", "first"),
            jobs=("id", "size"),
            first=("at", "min"),
            last=("at", "max"),
        )
        .reset_index()
    )
    patterns["is_new"] = [start is not None and pattern not in known for pattern in patterns["pattern"]]
    patterns = patterns.sort_values(["jobs", "last"], ascending=False, ignore_index=True)
    return Failures(
        patterns=patterns[["key", "pattern", "example", "jobs", "first", "last", "is_new"]].astype(
            {"key": "str", "pattern": "str", "example": "str", "jobs": "int64", "is_new": "bool"}
        ),
        jobs=found.groupby("pattern", sort=False)
        .head(JOBS_OF_PATTERN)[["key", "id", "name", "at", "text"]]
        .reset_index(drop=True),
        looked_at=len(found),
        of=of,
        looked_at_before=len(earlier_ids),
    )


def _failed_before(connection: Connection, since: CreatedSince) -> Sequence[int]:
    """Return the ids of the newest failures before a period; none where it has no beginning."""
    if not since.where:
        return ()
    return (
        connection.execute(
            select(job.c.id)
            .join_from(job, object_, object_.c.id == job.c.id)
            .where(job.c.status_id == ERROR, *(~condition for condition in since.where))
            .order_by(job.c.id.desc())
            .limit(FAILURES_BEFORE)
        )
        .scalars()
        .all()
    )


def _failed(
    connection: Connection, database: Database, where: Sequence[ColumnElement[bool]]
) -> pd.DataFrame:
    """Return the newest failures with the pattern of each."""
    rows = (
        connection.execute(
            select(job.c.id, job.c.name, job.c.completed_at, object_.c.created_at)
            .join_from(job, object_, object_.c.id == job.c.id)
            .where(job.c.status_id == ERROR, *where)
            .order_by(job.c.id.desc())
            .limit(NEWEST_FAILURES)
        )
        .mappings()
        .all()
    )
    texts = _texts(connection, database, [row["id"] for row in rows])
    patterns = {text: fold(text) for text in {*texts.values(), NO_TEXT}}
    keys = {pattern: hashlib.sha256(pattern.encode()).hexdigest()[:10] for pattern in patterns.values()}
    records = []
    for row in rows:
        text = texts.get(row["id"], NO_TEXT)
        at = times.utc(row["completed_at"] or row["created_at"], database.timezone)
        records.append((row["id"], values.name_of(row), at, text, patterns[text], keys[patterns[text]]))
    return pd.DataFrame(records, columns=["id", "name", "at", "text", "pattern", "key"]).astype(
        {
            "id": "int64",
            "name": "str",
            "at": "datetime64[us, UTC]",
            "text": "str",
            "pattern": "str",
            "key": "str",
        }
    )


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
        rows = connection.execute(select(job.c.id, _tail(database)).where(job.c.id.in_(left)))
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


def _tail(database: Database) -> ColumnElement[Any]:
    if database.engine.dialect.name == "sqlite":
        return func.substr(job.c.output, -TEXT_CHARACTERS)
    return func.right(job.c.output, TEXT_CHARACTERS)


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _IDS_IN_STATEMENT):
        yield ids[start : start + _IDS_IN_STATEMENT]
