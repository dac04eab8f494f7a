"""Retention rules: which finished jobs they delete, and a preview of exactly these.

Nothing is deleted here: `removal` takes the ids of a preview, and checks each job again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, literal, select

from jobs_data.background import StopSwitch
from jobs_data.jobs import filter_words, result_files
from jobs_data.jobs.columns import frame_of
from jobs_data.jobs.creation_order import created, with_object
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.result_files import FileSizes, ResultRoots
from jobs_data.jobs.view import ANY_TIME, EVERYTHING, Dates, JobFilter
from jobs_data.jobs.view_url import FILTER_PARAMS, filter_params, parse_filter
from jobs_data.jobs.where import has_result, matching
from jobs_data.platform import times, values
from jobs_data.platform.cleanup import read_cleanup_days
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, is_blank, whole_quotient
from jobs_data.platform.errors import TookTooLong
from jobs_data.platform.id_lists import Ids, allow_lists, joined, parse_list
from jobs_data.platform.status import COMPLETED, FINISHED_STATES, is_finished, label_of, state_of
from jobs_data.platform.status_names import read_status_names
from jobs_data.platform.tables import job
from jobs_data.platform.times import BEFORE_ALL_TIMES
from jobs_data.url_values import Params, last_of, parse_number
from jobs_data.wording import counted

PREVIEW_SECONDS: Final = 60
PIECE_JOBS: Final = 25_000
"""How many jobs one statement looks at: the server sorts them by name in memory."""

MAX_NAMES: Final = 10_000
"""How many names are counted each by itself."""

LISTED_NAMES: Final = 50
OTHERS: Final = "All others"
SAMPLES: Final = 6
MAX_KEEP_LAST: Final = 1_000_000
USUAL_DAYS: Final = 90
"""The age that rules begin with where the platform has no cleanup of its own."""

USUAL_KEEP_LAST: Final = 5


@dataclass(frozen=True)
class Rules:
    """Which finished jobs to delete: those that a filter matches, except the newest of each name."""

    filter: JobFilter = EVERYTHING
    keep_last: int = 0
    """How many of the newest finished jobs of each name to keep, whatever the filter says."""


NO_RULES: Final = Rules()
"""These match all finished jobs."""


@dataclass(frozen=True)
class Preview:
    """Exactly the jobs to delete, as they were at one moment, and what they are."""

    ids: Ids
    """Ascending."""
    completed: int
    failed: int
    by_name: pd.DataFrame
    """A row per name and status, most jobs first: `name` and `status` (as the list has them) str,
    `jobs` int64. Of more than 50 the others are in a last row, called OTHERS, without a status."""
    oldest: datetime | None
    """The first completion among them, aware and in UTC; None where none has a time."""
    newest: datetime | None
    samples: pd.DataFrame
    """Some of them, spread over all, as `frames.jobs_frame`, and as `result` the size of the result
    file, or that it is not there; empty where the job names none."""
    result_files: FileSizes
    read_at: datetime
    """In UTC; of rules, the moment that their days are counted from."""
    kept_last: int = 0
    """How many matching jobs are kept because they are among the newest of their name."""

    @property
    def total(self) -> int:
        """Return how many jobs would be deleted."""
        return len(self.ids)

    def headline(self) -> str:
        """Return how many would be deleted, and how they ended."""
        outcomes = f"{self.completed:,} completed and {self.failed:,} failed"
        return f"{counted(self.total)} will be deleted: {outcomes}."

    def span_sentence(self, zone: ZoneInfo) -> str:
        """Return when the first and the last of them were completed, in a zone, which is named."""
        if not self.oldest:
            return "None of them has a completion time."
        first, last = times.shown(self.oldest, zone), times.shown(self.newest, zone)
        return f"Completed from {first} to {last}."

    def kept_sentences(self, rules: Rules) -> list[str]:
        """Return what the rules keep and why, for the screen and the command line."""
        sentences = ["Jobs that are not finished are always kept."]
        if rules.filter.finished.ago:
            sentences.append("So are jobs without a completion time.")
        if self.kept_last:
            sentences.append(
                f"{counted(self.kept_last)} kept: among the newest {rules.keep_last:,} of their name."
            )
        return sentences

    def why_empty(self, rules: Rules) -> str:
        """Return why these rules delete no job."""
        if rules.filter.state not in {None, *FINISHED_STATES}:
            return (
                f"Only finished jobs can be deleted, and these rules ask for {rules.filter.state} ones."
            )
        if self.kept_last:
            return "All jobs that match are among the newest of their name, which these rules keep."
        if rules == NO_RULES:
            return "There is no finished job."
        return "No finished job matches these rules, so there is nothing to delete."


def starting_rules(database: Database, job_filter: JobFilter) -> Rules:
    """Return the rules to begin with for a list of some jobs.

    They are the list's filter, the age of the platform's own cleanup, or USUAL_DAYS where it has none,
    and USUAL_KEEP_LAST. Raises DatabaseUnavailable.
    """
    state = job_filter.state if job_filter.state in FINISHED_STATES else None
    finished = job_filter.finished
    if finished == ANY_TIME:
        finished = Dates(ago=timedelta(days=read_cleanup_days(database) or USUAL_DAYS))
    return Rules(replace(job_filter, state=state, finished=finished), keep_last=USUAL_KEEP_LAST)


def cleanup_sentence(cleanup_days: int | None) -> str:
    """Return what the platform's own cleanup does; empty where it has none.

    `cleanup_days` is what `read_cleanup_days` returns.
    """
    if cleanup_days is None:
        return ""
    return (
        "The platform's own cleanup, where its cron runs, deletes completed and failed jobs older than "
        f"{counted(cleanup_days, 'day')}. That cannot be undone here."
    )


def rules_words(rules: Rules, owner_names: Mapping[int, str], zone: ZoneInfo) -> str:
    """Return which jobs the rules delete, as a part of a sentence; arguments as for `filter_words`.

    Parts of it are untrusted.
    """
    jobs = filter_words.words(rules.filter, owner_names, zone)
    jobs = "all finished jobs" if rules.filter == EVERYTHING else jobs
    return f"{jobs}, except the newest {rules.keep_last:,} of each name" if rules.keep_last else jobs


def parse_rules(params: Params) -> Rules:
    """Return the rules that a URL's query asks for: the list's own filter, and what is to be kept."""
    keep_last = parse_number(last_of(params, KEEP_LAST_PARAM)) or 0
    return Rules(parse_filter(params), keep_last=max(0, min(MAX_KEEP_LAST, keep_last)))


def rules_params(rules: Rules) -> dict[str, str | list[str]]:
    """Return the URL query of rules; what they do not ask for is left out."""
    params = filter_params(rules.filter)
    if rules.keep_last:
        params[KEEP_LAST_PARAM] = str(rules.keep_last)
    return params


KEEP_LAST_PARAM: Final = "keep_last"
RULE_PARAMS: Final = (*FILTER_PARAMS, KEEP_LAST_PARAM)
"""The names of all parameters that say which rules are meant."""


def read_preview(
    database: Database,
    rules: Rules,
    now: datetime,
    *,
    roots: ResultRoots | None = None,
    switch: StopSwitch | None = None,
    outcomes: Outcomes | None = None,
) -> Preview:
    """Return exactly the jobs that are finished and that the rules do not keep, at one moment.

    `now`, which is aware, is what the rules' days are counted from; `roots` are where result files
    are looked for; `switch` ends the read early; `outcomes` is what is known of errors in outputs.
    Takes up to a minute, and eight bytes a job. Raises
    DatabaseUnavailable, TookTooLong with what to do where a minute is not enough, and Stopped.
    """
    try:
        with database.reading(PREVIEW_SECONDS, primary=True) as connection:
            allow_lists(connection)
            switch = switch or StopSwitch()
            return _preview(connection, database, rules, now, roots, switch, outcomes)
    except TookTooLong as error:
        raise TookTooLong(
            f"The database did not find these jobs within {PREVIEW_SECONDS} seconds, and was stopped. "
            "Narrow the rules, for example by user or name, or try again when the "
            "platform is less busy."
        ) from error


def _preview(
    connection: Connection,
    database: Database,
    rules: Rules,
    now: datetime,
    roots: ResultRoots | None,
    switch: StopSwitch,
    outcomes: Outcomes | None,
) -> Preview:
    where = (is_finished(), *matching(rules.filter, database, now))
    kept = _last_of_each_name(connection, database, rules) if rules.keep_last else joined([])
    found = _Gathered()
    kept_last = 0
    for after, last in _pieces(connection):
        switch.check()
        among = kept[np.searchsorted(kept, after, "right") : np.searchsorted(kept, last, "right")]
        grouped = _grouped(among, job.c.id.between(after + 1, last), *where)
        for row in connection.execute(grouped):
            if row.is_kept:
                kept_last += row.jobs
            else:
                found.add(row)
    ids = joined(found.ids)
    terms = read_status_names(connection, database)
    some = ids[np.linspace(0, max(0, len(ids) - 1), min(len(ids), SAMPLES)).astype(int)]
    results = [result_files.size_in_words(roots, path) for path in _paths(connection, some)]
    samples = frame_of(connection, database, some.tolist(), terms, outcomes)
    paths = _paths(connection, joined(found.file_ids))
    return Preview(
        ids=ids,
        completed=found.outcomes[True],
        failed=found.outcomes[False],
        by_name=found.by_name(terms),
        oldest=times.utc(min(found.ended, default=None), database.timezone),
        newest=times.utc(max(found.ended, default=None), database.timezone),
        samples=samples.assign(result=pd.Series(results, dtype="str")),
        result_files=result_files.file_sizes(roots, paths, found.files),
        read_at=now,
        kept_last=kept_last,
    )


def _pieces(connection: Connection) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids that hold all jobs, each as the id before its first and its last id."""
    deadline = time.monotonic() + PREVIEW_SECONDS
    after = 0
    while True:
        following = select(job.c.id).where(job.c.id > after).order_by(job.c.id).limit(PIECE_JOBS)
        last = connection.execute(select(func.max(following.subquery().c.id))).scalar()
        if last is None:
            return
        if time.monotonic() > deadline:
            raise TookTooLong
        yield after, last
        after = last


def _last_of_each_name(connection: Connection, database: Database, rules: Rules) -> Ids:
    """Return the ids of the newest finished jobs of each name, of all that there are, ascending."""
    # What is shown as unknown is one name, and is looked for as one.
    called = exactly(case((is_blank(job.c.name), values.UNKNOWN_NAME), else_=job.c.name))
    newest_first = (created().desc(), job.c.id.desc())
    place = func.row_number().over(partition_by=called, order_by=newest_first)
    numbered = (
        select(job.c.id, place.label("place"))
        .select_from(with_object())
        # Other names cannot make a difference to these.
        .where(is_finished(), *matching(JobFilter(names=rules.filter.names), database))
        .subquery()
    )
    together = (
        select(func.group_concat(numbered.c.id), func.count())
        .where(numbered.c.place <= rules.keep_last)
        .group_by(whole_quotient(numbered.c.id, PIECE_JOBS))
    )
    return joined([parse_list(text, jobs) for text, jobs in connection.execute(together)])


def _grouped(kept: Ids, *where: ColumnElement[bool]) -> Select[Any]:
    """Select the jobs that meet some conditions, those of a name, a status and a fate together.

    The driver takes its time over every row, and next to none over a value of many ids.
    """
    # An expression is nothing that the server could look for: it tests each id instead.
    is_kept = (job.c.id + 0).in_(_in_full(kept)) if len(kept) else literal(0)
    # A time of zeros, which MySQL can hold, is none.
    ended = case(
        (job.c.completed_at > literal(BEFORE_ALL_TIMES, job.c.completed_at.type), job.c.completed_at)
    )
    return (
        select(
            func.min(job.c.name).label("name"),
            job.c.status_id,
            is_kept.label("is_kept"),
            func.count().label("jobs"),
            func.group_concat(job.c.id).label("ids"),
            func.count(case((has_result(), 1))).label("files"),
            func.group_concat(case((has_result(), job.c.id))).label("file_ids"),
            func.min(ended).label("oldest"),
            func.max(ended).label("newest"),
        )
        .where(*where)
        .group_by(exactly(job.c.name), job.c.status_id, "is_kept")
    )


def _in_full(ids: Ids) -> Any:
    """Return ids to be written out in a statement: SQLite takes no more than 32,766 parameters."""
    return bindparam(None, ids.tolist(), expanding=True, literal_execute=True)


class _Gathered:
    """The jobs to delete, so far: eight bytes for each, and a bounded number of names."""

    def __init__(self) -> None:
        self.ids: list[Ids] = []
        self.files = 0
        self.file_ids: list[Ids] = []
        """Those of the first result files, as many as are looked at, or a few more."""
        self.outcomes: Counter[bool] = Counter()
        """How many completed, and how many did not."""
        self.ended: list[datetime] = []
        """The first and the last completion, in the platform's time zone."""
        self._jobs_of: Counter[tuple[str, int]] = Counter()
        self._others = 0

    def add(self, row: Row[Any]) -> None:
        """Take in the jobs of a row of `_grouped`."""
        self.ids.append(parse_list(row.ids, row.jobs))
        if row.files and self.files < result_files.MAX_LOOKED_AT:
            self.file_ids.append(parse_list(row.file_ids, row.files))
        self.files += row.files
        self.outcomes[row.status_id == COMPLETED] += row.jobs
        ended = [time for time in (*self.ended, row.oldest, row.newest) if time]
        self.ended = [min(ended), max(ended)] if ended else []
        key = (values.name_called(row.name), row.status_id)
        if key in self._jobs_of or len(self._jobs_of) < MAX_NAMES:
            self._jobs_of[key] += row.jobs
        else:
            self._others += row.jobs

    def by_name(self, terms: dict[int, str]) -> pd.DataFrame:
        """Return how many jobs there are of each name and outcome, as `Preview.by_name`."""
        most_first = sorted(self._jobs_of.items(), key=lambda item: (-item[1], item[0]))
        rows = [
            (name, label_of(status_id, state_of(status_id, has_ended=True), terms), jobs)
            for (name, status_id), jobs in most_first
        ]
        others = self._others + sum(jobs for *_, jobs in rows[LISTED_NAMES:])
        rows = [*rows[:LISTED_NAMES], *([(OTHERS, "", others)] if others else [])]
        columns = {"name": "str", "status": "str", "jobs": "int64"}
        return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _paths(connection: Connection, ids: Ids) -> Iterator[str]:
    """Yield what some jobs, in the order of their ids, name as their result files."""
    for piece in np.split(ids, range(1_000, len(ids), 1_000)):
        paths = select(job.c.download_path).where(job.c.id.in_(_in_full(piece))).order_by(job.c.id)
        yield from map(values.text, connection.execute(paths).scalars())
