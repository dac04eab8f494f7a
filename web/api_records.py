"""What the JSON API answers: each record is both the answer and its schema in the OpenAPI document.

Fields are only added, never renamed or removed. Times are in UTC; null stands for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from jobs_data.jobs import frames, job_report, output_parts
from jobs_data.jobs.counts import Counts as Counted
from jobs_data.jobs.creation_counts import Bound as CountedBound
from jobs_data.platform.status import State
from jobs_data.queues import model
from jobs_data.queues.listing import QueuePage
from jobs_data.queues.overview import Overview
from jobs_data.statistics import headline
from jobs_data.statistics.activity import Activity
from jobs_data.statistics.durations import Durations
from jobs_data.statistics.failures import Failures
from jobs_data.statistics.owners import Owners
from jobs_data.statistics.period import Period

MOST_ROWS: Final = 1_000
"""How many names, users and errors the statistics list: those with the most jobs."""

NEVER: Final = 9999
"""The year that means "not now" for jobs that a batch or a chain holds back."""


class Record(BaseModel):
    """A record of the API."""

    model_config = ConfigDict(frozen=True)


class Message(Record):
    """A sentence: what went wrong."""

    message: str


class Removed(Message):
    """The outcome of a deletion."""

    removed: Annotated[int, Field(description="how many jobs were deleted")]


class Counts(Record):
    """Jobs by state."""

    total: int
    active: int
    completed: int
    failed: int
    other: Annotated[int, Field(description="neither active, completed nor failed")]

    @classmethod
    def of(cls, known: Counted) -> Self:
        """Return the record of some counts."""
        return cls.model_validate(known, from_attributes=True)


class Job(Record):
    """A job as the list has it."""

    id: int
    name: Annotated[str, Field(description="`[Unknown]` for a job without a name")]
    state: State
    status: Annotated[str, Field(description="the platform's word, in its language")]
    user: Annotated[str, Field(description="`System` for a job without a user")]
    created: datetime | None
    started: datetime | None
    completed: datetime | None
    duration_seconds: int | None
    record_id: int | None
    record: Annotated[str | None, Field(description="the end of the related record's address")]
    result_file: Annotated[str | None, Field(description="the path as the platform noted it")]
    reason: Annotated[str | None, Field(description="why it failed, in one line")]
    errors: Annotated[int | None, Field(description="in the output of a finished job")]
    warnings: int | None
    about: Annotated[str | None, Field(description="what it was about or did, in one line")]
    match: Annotated[str | None, Field(description="the text around what a search has found")]

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """Return the record of a row of a `frames.list_frame`."""
        return cls(
            id=row["id"],
            name=row["name"],
            state=row["state"],
            status=row["status"],
            user=row["owner"],
            created=_known(row["created"]),
            started=_known(row["started"]),
            completed=_known(row["completed"]),
            duration_seconds=_known(row["seconds"]),
            record_id=_known(row["object_id"]),
            record=row["slug"] or None,
            result_file=row["result"] or None,
            reason=row["reason"] or None,
            errors=_known(row["errors"]),
            warnings=_known(row["warnings"]),
            about=row["did"] or None,
            match=row["hit"] or None,
        )


class Jobs(Record):
    """A page of jobs."""

    jobs: list[Job]
    counts: Annotated[
        Counts | None, Field(description="of the jobs of the filter in any state; null while not known")
    ]
    next: Annotated[
        str | None,
        Field(description="the address of the next page. Null at the end, and only there: follow it"),
    ]

    @classmethod
    def of(cls, rows: pd.DataFrame, known: Counted | None, following: str | None) -> Self:
        """Return a page of a `frames.list_frame`, with the address of the next one."""
        jobs = [Job.of(row) for row in frames.records(rows)]
        return cls(jobs=jobs, counts=Counts.of(known) if known else None, next=following)


class ErrorText(Record):
    """A text in which the platform says why a job failed."""

    source: str
    text: str


class Note(Record):
    """A note of a job that is neither its description nor an error."""

    type: Annotated[str, Field(description="the platform's name for the type; may be empty")]
    text: str


class JobReport(Record):
    """All that is known of one job, except its output."""

    id: int
    name: str
    type: Annotated[str | None, Field(description="Heratio's type of the job")]
    state: State
    status: str
    user_id: int | None
    user: str
    started_by: str
    created: datetime | None
    started: datetime | None
    completed: datetime | None
    duration_seconds: int | None
    duration_is_recorded: Annotated[bool, Field(description="else it is completed minus created")]
    record_id: int | None
    record: str | None
    result_file: str | None
    description: str | None
    notes: list[Note]
    reason: str | None
    error_texts: list[ErrorText]
    stack_trace: str | None
    parameters: dict[str, str]
    first_error: Annotated[str | None, Field(description="the first error in the output")]
    errors: Annotated[int, Field(description="in the output, or in the end of a long one")]
    warnings: int
    output_bytes: int

    @classmethod
    def of(cls, report: job_report.JobReport) -> Self:
        """Return the record of a job's report."""
        facts = report.facts
        return cls(
            id=report.id,
            name=report.name,
            type=report.type or None,
            state=report.state,
            status=report.status,
            user_id=report.user_id,
            user=report.owner,
            started_by=report.started_by,
            created=report.created,
            started=report.started,
            completed=report.completed,
            duration_seconds=report.duration_seconds,
            duration_is_recorded=report.duration_is_recorded,
            record_id=report.object_id,
            record=report.slug or None,
            result_file=report.download_path or None,
            description=report.description or None,
            notes=[Note(type=n.type_name, text=n.text) for n in report.notes if n.type_id is not None],
            reason=report.reason or None,
            error_texts=[ErrorText(source=each.source, text=each.text) for each in report.errors],
            stack_trace=report.stack_trace or None,
            parameters=dict(facts.parameters),
            first_error=facts.first_error or None,
            errors=facts.errors,
            warnings=facts.warnings,
            output_bytes=report.output_bytes,
        )


class Output(Record):
    """A range of a job's output. Positions are bytes of UTF-8."""

    text: str
    offset: Annotated[int, Field(description="where the text begins")]
    next_offset: Annotated[
        int,
        Field(description="ask for it next; a smaller one says that the output was replaced"),
    ]
    size: Annotated[int, Field(description="of the whole output")]
    state: Annotated[State, Field(description="of the job: an active one may write more")]

    @classmethod
    def of(cls, part: output_parts.OutputRange) -> Self:
        """Return the record of a range."""
        return cls(
            text=part.text,
            offset=part.start,
            next_offset=part.end,
            size=part.size,
            state=part.state,
        )


class Day(Record):
    """The jobs created on one day in UTC, by the state they are in now."""

    day: date
    total: int
    active: int
    completed: int
    failed: int
    other: int
    with_errors: int


class Hour(Record):
    """The jobs created in one hour of the week in UTC."""

    weekday: Annotated[int, Field(description="0 is Monday")]
    hour: int
    jobs: int


class NameFigures(Record):
    """The finished jobs of one name."""

    name: str
    runs: int
    failed: int
    with_errors: int
    median_seconds: float | None
    p95_seconds: float | None
    slowest_seconds: float | None
    slowest_job: int


class UserFigures(Record):
    """The jobs of one user."""

    user_id: Annotated[int, Field(description="0 for jobs without a user")]
    user: str
    total: int
    completed: int
    failed: int


class ErrorFigures(Record):
    """The jobs that failed, or completed with errors, for one reason."""

    pattern: Annotated[str, Field(description="the reason without what differs from job to job")]
    example: str
    jobs: int
    completed: int
    first: datetime | None
    last: datetime | None
    first_job: int
    is_new: Annotated[bool, Field(description="not seen before the period")]


class Bound(Record):
    """Of very many jobs only the newest are counted."""

    jobs: int
    since: datetime | None

    @classmethod
    def of(cls, bound: CountedBound | None) -> Self | None:
        """Return the record of a bound; None if all jobs count."""
        return None if bound is None else cls(jobs=bound.jobs, since=bound.since)


class Statistics(Record):
    """The figures of a period."""

    period: Annotated[Period, Field(description="in days, of which today is the last")]
    total: int
    active: int
    completed: int
    failed: int
    with_errors: Annotated[int, Field(description="completed jobs with errors in their output")]
    completed_share: Annotated[float | None, Field(description="of the finished jobs, 0 to 1")]
    median_seconds: float | None
    by_day: list[Day]
    by_hour: list[Hour]
    by_name: Annotated[list[NameFigures], Field(description="most runs first")]
    by_user: Annotated[list[UserFigures], Field(description="most jobs first")]
    top_errors: Annotated[list[ErrorFigures], Field(description="most jobs first")]
    counted: Annotated[Bound | None, Field(description="of the days and hours; null if all count")]
    read_one_by_one: Annotated[Bound | None, Field(description="of the names; null if all count")]

    @classmethod
    def of(
        cls,
        period: Period,
        activity: Activity,
        durations: Durations,
        owners: Owners,
        failures: Failures,
    ) -> Self:
        """Return the record of a period's figures."""
        found = headline.headline(activity, durations)
        outcomes, days = activity.outcomes, activity.by_day
        return cls(
            period=period,
            total=outcomes.total,
            active=outcomes.active,
            completed=outcomes.completed,
            failed=outcomes.failed,
            with_errors=outcomes.with_errors,
            completed_share=found.completed_share,
            median_seconds=durations.median,
            by_day=[Day(**row) for row in _rows(days.reset_index())],
            by_hour=[Hour(**row) for row in _rows(activity.by_hour)],
            by_name=[
                NameFigures(
                    **{name: row[name] for name in ("name", "runs", "failed", "with_errors")},
                    **{f"{name}_seconds": row[name] for name in ("median", "p95", "slowest")},
                    slowest_job=row["slowest_job"],
                )
                for row in _rows(durations.by_name.head(MOST_ROWS))
            ],
            by_user=[
                UserFigures(user_id=row["id"], user=row["owner"], **row)
                for row in _rows(owners.by_owner.head(MOST_ROWS))
            ],
            top_errors=[ErrorFigures(**row) for row in _rows(failures.patterns.head(MOST_ROWS))],
            counted=Bound.of(activity.bound),
            read_one_by_one=Bound.of(durations.bound),
        )


class Queue(Record):
    """A queue and its jobs by state."""

    kind: model.Kind
    queue: str
    waiting: int
    delayed: int
    running: int
    completed: int | None
    failed: int
    other: int | None
    oldest_waiting_seconds: int | None
    needs_attention: bool
    why_attention: str
    workers: int | None
    worker_seen: datetime | None


class QueuedJob(Record):
    """A job in a queue."""

    source: Annotated[model.Source, Field(description="its table; with `id` it names the job")]
    id: int
    queue: str
    type: str
    status: Annotated[str, Field(description="the system's own word")]
    state: model.QueueState
    attempts: int | None
    max_attempts: int | None
    progress: Annotated[float | None, Field(description="0 to 1")]
    batch_id: int | None
    worker: str | None
    user: str | None
    created: datetime | None
    available: datetime | None
    started: datetime | None
    ended: datetime | None
    error: str | None

    @classmethod
    def of(cls, job: model.QueuedJob) -> Self:
        """Return the record of a queued job."""
        is_never = job.available is not None and job.available.year == NEVER
        shown = {
            **vars(job),
            "user": job.owner,
            "error": job.error or None,
            "available": None if is_never else job.available,
        }
        return cls.model_validate(shown)


class Queues(Record):
    """The queues, and a page of their jobs: the platform's first, each table's newest first."""

    queues: list[Queue]
    jobs: list[QueuedJob]
    total: Annotated[int, Field(description="jobs of the filter, as far as they were counted")]
    has_more: Annotated[bool, Field(description="whether there are more jobs than `total`")]
    is_partial: Annotated[bool, Field(description="whether only the newest rows were searched")]
    next: str | None

    @classmethod
    def of(cls, overview: Overview, found: QueuePage[model.QueuedJob], following: str | None) -> Self:
        """Return the record of the queues and a page of their jobs."""
        return cls(
            queues=[Queue.model_validate(each, from_attributes=True) for each in overview.queues],
            jobs=[QueuedJob.of(job) for job in found.page.items],
            total=found.page.total,
            has_more=found.has_more,
            is_partial=found.is_partial,
            next=following,
        )


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value


def _rows(frame: pd.DataFrame) -> Sequence[dict[str, Any]]:
    return [{str(name): _known(value) for name, value in row.items()} for row in frames.records(frame)]
