"""Turns a filter into SQL. This is the only place that does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union,
)

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.durations import seconds_taken
from jobs_data.jobs.job_names import classes_called
from jobs_data.jobs.related_record import has_related
from jobs_data.jobs.search_texts import IdRange, texts_of
from jobs_data.jobs.search_words import Part, parse_search
from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import contains, is_blank, is_one_of
from jobs_data.platform.owners import users_called
from jobs_data.platform.status import ERROR, State, is_in
from jobs_data.platform.tables import ERROR_NOTE_TYPE_ID, job, job_execution, note, object_, slug, user
from jobs_data.platform.times import BEFORE_ALL_TIMES, to_platform
from jobs_data.url_values import parse_number

WITH_ERRORS: Final = "with-errors"
"""The set of the completed jobs in whose output errors were found."""


def matching(
    job_filter: JobFilter,
    database: Database,
    now: datetime | None = None,
    within: IdRange | None = None,
) -> list[ColumnElement[bool]]:
    """Return the conditions of the jobs that match a filter, for any statement on `job`.

    They refer to no other table of that statement. A NULL condition excludes a job, like
    a false one. Dates are relative to `now`, by default the present. With `within` only jobs of
    that range match, and of other tables no more is read.
    """
    now = now or datetime.now(UTC)
    fixed = job_filter.at(now)
    where = [] if fixed.state is None else [is_in(fixed.state)]
    if within:
        where.append(job.c.id.between(*within))
    if fixed.owners:
        where.append(is_owned_by(fixed.owners))
    if fixed.names:
        where.append(is_called(fixed.names))
    if fixed.created != ANY_TIME:
        created = _within(object_.c.created_at, fixed.created, database)
        where.append(_there_is(object_.c.id, within, *created))
    where += _within(job.c.completed_at, fixed.finished, database)
    if fixed.has_result is not None:
        where.append(has_result() if fixed.has_result else ~has_result())
    if fixed.types:
        where.append(_is_of_type(fixed.types, database, within))
    if fixed.has_errors is not None:
        where.append(_has_errors(database, within) if fixed.has_errors else ~_has_errors(database))
    if fixed.longer_than is not None:
        where.append(_took_longer_than(fixed.longer_than, database, now, within))
    if fixed.alive is not None:
        where += [is_in(State.ACTIVE), in_set(database, fixed.alive)]
    if fixed.below is not None:
        where.append(job.c.id < fixed.below)
    where += [_mentions(part, database, within) for part in parse_search(fixed.search)]
    return where


def created_near(
    job_filter: JobFilter, database: Database, now: datetime, order: CreationOrder
) -> list[ColumnElement[bool]]:
    """Return conditions that every job with a matching creation time meets.

    They only make `matching` faster: the jobs of the last days need not be searched among
    all others.
    """
    since = job_filter.created.at(now).since
    return order.since(to_platform(since, database.timezone)) if since else []


def has_result() -> ColumnElement[bool]:
    """Return whether a job names a result file; never NULL."""
    return func.trim(func.coalesce(job.c.download_path, "")) != ""


def is_owned_by(owners: Collection[int]) -> ColumnElement[bool]:
    """Return whether a job is of one of some users; NO_OWNER means none, too."""
    nobody = job.c.user_id.is_(None) if NO_OWNER in owners else false()
    return or_(job.c.user_id.in_(owners), nobody)


def is_called(names: Collection[str]) -> ColumnElement[bool]:
    """Return whether a job has one of some whole names; `values.UNKNOWN_NAME` means none, too."""
    called = is_one_of(job.c.name, names)
    return or_(called, is_blank(job.c.name)) if values.UNKNOWN_NAME in names else called


def in_set(database: Database, name: str, within: IdRange | None = None) -> ColumnElement[bool]:
    """Return whether a job is in one of `Database.job_sets`; false if this process has no such set.

    With `within` the condition lists no ids but those of a range.
    """
    found = ids_in_set(database, name)
    if within:
        found = [job_id for job_id in found if within[0] <= job_id <= within[1]]
    ids = ",".join(map(str, found))
    # In one piece: a statement has room for few parameters, and a tenth of a second for none of them.
    return job.c.id.bool_op("IN")(literal_column(f"({ids})")) if ids else false()


def ids_in_set(database: Database, name: str) -> list[int]:
    """Return the ids in one of `Database.job_sets`; none if this process has no such set."""
    read = database.job_sets.get(name)
    return [int(job_id) for job_id in read()] if read else []


def _within(
    column: ColumnElement[datetime], dates: Dates, database: Database
) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if dates.since:
        since = to_platform(dates.since, database.timezone)
        where.append(column >= literal(since, column.type))
    if dates.before:
        before = to_platform(dates.before, database.timezone)
        where.append(column < literal(before, column.type))
        # MySQL can store a time of zeros, which counts as none.
        where.append(column > literal(BEFORE_ALL_TIMES, column.type))
    return where


def _there_is(
    job_id: ColumnElement[int], within: IdRange | None, *where: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return whether another table has a row of a job that meets some conditions."""
    found = select(job_id).where(job_id == job.c.id, *where, *_range(job_id, within))
    return found.correlate(job).exists()


def _range(job_id: ColumnElement[int], within: IdRange | None) -> list[ColumnElement[bool]]:
    return [job_id.between(*within)] if within else []


def _has_errors(database: Database, within: IdRange | None = None) -> ColumnElement[bool]:
    """Return whether a job has errors: in its status, its notes, its execution record or its output."""
    has_failed = and_(job.c.status_id.is_not(None), job.c.status_id == ERROR)
    of_job = [has_failed, in_set(database, WITH_ERRORS, within)]
    noted: list[tuple[ColumnElement[int], ColumnElement[bool]]] = []
    if "error_message" in database.columns.get(job_execution.name, ()):
        noted.append((job_execution.c.job_id, func.trim(job_execution.c.error_message) != ""))
    if note.name in database.tables:
        noted.append((note.c.object_id, note.c.type_id == ERROR_NOTE_TYPE_ID))
    if within is None:
        return or_(*of_job, *(_there_is(job_id, None, where) for job_id, where in noted))
    noted = [*((job.c.id, where) for where in of_job), *noted]
    return _is_among([select(i.label("id")).where(i.between(*within), where) for i, where in noted])


def _is_among(found: Sequence[Select[int]]) -> ColumnElement[bool]:
    """Return whether a job is among those of some statements, which do not depend on it.

    Each reads its table once, which is faster than to look into all tables for each job.
    """
    return job.c.id.in_(select(union(*found).subquery("found").c.id)) if found else false()


def _is_of_type(
    types: Collection[str], database: Database, within: IdRange | None
) -> ColumnElement[bool]:
    if "type" not in database.columns.get(job_execution.name, ()):
        return false()
    return _there_is(job_execution.c.job_id, within, is_one_of(job_execution.c.type, types))


def _took_longer_than(
    seconds: int, database: Database, now: datetime, within: IdRange | None
) -> ColumnElement[bool]:
    this = job.alias("this_job")
    source: FromClause = this
    recorded: ColumnElement[Any] = null()
    if "duration" in database.columns.get(job_execution.name, ()):
        source = source.outerjoin(job_execution, job_execution.c.job_id == this.c.id)
        recorded = job_execution.c.duration
    source = source.outerjoin(object_, object_.c.id == this.c.id)
    took = seconds_taken(object_.c.created_at, this.c.completed_at, recorded, database.timezone, now)
    # Most jobs do not meet this, and need no look at `object`.
    may_be = or_(recorded > seconds, and_(recorded.is_(None), this.c.completed_at.is_not(None)))
    longer = select(this.c.id).select_from(source).where(may_be, took > seconds)
    longer = longer.where(this.c.id == job.c.id, *_range(this.c.id, within))
    return longer.correlate(job).exists()


def _mentions(part: Part, database: Database, within: IdRange | None) -> ColumnElement[bool]:
    """Return whether a job matches one part of a search."""
    if part.within is None:
        return _is_described_by(part.words, database)
    texts = texts_of(part, database, in_set(database, WITH_ERRORS, within))
    if within:
        return _is_among([text.jobs_within(within) for text in texts])
    return or_(false(), *(text.mentions for text in texts))


def _is_described_by(words: str, database: Database) -> ColumnElement[bool]:
    """Return whether a text is in a job's name, user or related record, as the list shows them."""
    found = [contains(job.c.name, words), _has_human_name(words)]
    if user.name in database.tables:
        found.append(job.c.user_id.in_(users_called(database, lambda name: contains(name, words))))
    # The placeholders for a missing name or user can be searched too.
    if words.lower() == values.SYSTEM_OWNER.lower():
        found.append(job.c.user_id.is_(None))
    if words.lower() == values.UNKNOWN_NAME.lower():
        found.append(is_called((values.UNKNOWN_NAME,)))
    if slug.name in database.tables:
        records = select(slug.c.object_id).where(contains(slug.c.slug, words))
        found.append(and_(job.c.object_id.in_(records), has_related()))
    number = parse_number(words.removeprefix("#"))
    if number is not None and words.startswith("#"):
        found.append(and_(job.c.object_id == number, has_related()))
    return or_(*found)


def _has_human_name(words: str) -> ColumnElement[bool]:
    """Return whether a text is in the readable name of a job whose name is a class."""
    # A class that is not known has the words of its readable name without the spaces.
    together = words.replace(" ", "")
    of_known = [each for each in classes_called(words) if words.lower() not in each.lower()]
    in_class = [*of_known, *([together] if together != words else [])]
    return and_(
        job.c.name.endswith("Job"), or_(false(), *(contains(job.c.name, each) for each in in_class))
    )
