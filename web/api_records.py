"""What the JSON API answers: each record is both the answer and its schema in the OpenAPI document.

Fields are only added, never renamed or removed. Times are in UTC; null stands for what is not known. A
record is made from what the data layer returns: an alias says where it calls a field otherwise.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Annotated, Any

import pandas as pd
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from jobs_data.platform.status import State
from jobs_data.queues import model
from jobs_data.queues.listing import MOST_ROWS
from jobs_data.statistics.period import Period

Text = Annotated[str | None, BeforeValidator(lambda text: text or None)]
"""A text that may be missing."""


class Record(BaseModel):
    """A record of the API."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @field_validator("*", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        """Return None for what pandas writes in place of a missing value."""
        is_missing = value is pd.NA or value is pd.NaT
        return None if is_missing or (isinstance(value, float) and math.isnan(value)) else value


class Document(Record):
    """This description of the API."""


class Message(Record):
    """A sentence: what went wrong."""

    message: str


class Removed(Message):
    """The outcome of a deletion."""

    removed: int = Field(description="how many jobs were deleted")


class Counts(Record):
    """Jobs by state."""

    total: int
    active: int
    completed: int
    failed: int
    other: int = Field(description="neither active, completed nor failed")


class _Job(Record):
    """What the list and a job's own record have in common."""

    id: int
    name: str = Field(description="`[Unknown]` for a job without a name")
    state: State
    status: str = Field(description="the platform's word, in its language")
    user: str = Field(validation_alias="owner", description="`System` for a job without a user")
    created: datetime | None
    started: datetime | None
    completed: datetime | None
    duration_seconds: int | None = Field(validation_alias=AliasChoices("seconds", "duration_seconds"))
    record_id: int | None = Field(validation_alias="object_id")
    record: Text = Field(validation_alias="slug", description="the end of the related record's address")
    result_file: Text = Field(
        validation_alias=AliasChoices("result", "download_path"),
        description="the path as the platform noted it",
    )
    reason: Text = Field(description="why it failed, in one line")


class Job(_Job):
    """A job as the list has it: a row of a `frames.list_frame`."""

    errors: int | None = Field(description="in the output of a finished job")
    warnings: int | None
    about: Text = Field(validation_alias="did", description="what it was about or did, in one line")
    match: Text = Field(validation_alias="hit", description="the text around what a search has found")


class Jobs(Record):
    """A page of jobs."""

    jobs: list[Job]
    counts: Counts | None = Field(
        description="of the jobs of the filter in any state; null while not known"
    )
    next: str | None = Field(description="the address of the next page; null: this is the last page")


class ErrorText(Record):
    """A text in which the platform says why a job failed."""

    source: str
    text: str


class Note(Record):
    """A note of a job."""

    type: Text = Field(
        validation_alias="type_name", description="in the platform's words; null for a description"
    )
    text: str


class JobReport(_Job):
    """All that is known of one job, except its output."""

    type: Text = Field(description="Heratio's type of the job")
    user_id: int | None
    started_by: str
    duration_is_recorded: bool = Field(description="else it is completed minus created")
    notes: list[Note]
    error_texts: list[ErrorText] = Field(validation_alias="errors")
    stack_trace: Text
    parameters: Annotated[dict[str, str], BeforeValidator(dict)] = Field(
        validation_alias=AliasPath("facts", "parameters")
    )
    first_error: Text = Field(validation_alias=AliasPath("facts", "first_error"))
    errors: int = Field(
        validation_alias=AliasPath("facts", "errors"),
        description="in the output; of an active job's long output in its end",
    )
    warnings: int = Field(validation_alias=AliasPath("facts", "warnings"))
    output_bytes: int


class Output(Record):
    """A range of a job's output. Positions are bytes of UTF-8."""

    text: str
    offset: int = Field(validation_alias="start", description="where the text begins")
    next_offset: int = Field(
        validation_alias="end",
        description="offset of the next request; lower than this one's if the output was replaced",
    )
    size: int = Field(description="of the whole output")
    state: State = Field(description="of the job: an active one may write more")


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

    weekday: int = Field(description="0 is Monday")
    hour: int
    jobs: int


class NameFigures(Record):
    """The finished jobs of one name."""

    name: str
    runs: int
    failed: int
    with_errors: int
    median_seconds: float | None = Field(validation_alias="median")
    p95_seconds: float | None = Field(validation_alias="p95")
    slowest_seconds: float | None = Field(validation_alias="slowest")
    slowest_job: int


class UserFigures(Record):
    """The jobs of one user."""

    user_id: int = Field(validation_alias="id", description="0 for jobs without a user")
    user: str = Field(validation_alias="owner")
    total: int
    completed: int
    failed: int


class ErrorFigures(Record):
    """The jobs that failed, or completed with errors, for one reason."""

    pattern: str = Field(description="the reason without what differs from job to job")
    example: str
    jobs: int
    completed: int
    first: datetime | None
    last: datetime | None
    first_job: int
    is_new: bool = Field(description="not seen before the period")


class Bound(Record):
    """Of very many jobs only the newest are counted."""

    jobs: int
    since: datetime | None


class Statistics(Record):
    """The figures of a period."""

    period: Period = Field(description="in days, of which today is the last")
    total: int
    active: int
    completed: int
    failed: int
    with_errors: int = Field(description="completed jobs with errors in their output")
    completed_share: float | None = Field(description="of the finished jobs, 0 to 1")
    median_seconds: float | None
    by_day: list[Day]
    by_hour: list[Hour]
    by_name: list[NameFigures] = Field(description="most runs first")
    by_user: list[UserFigures] = Field(description="most jobs first")
    top_errors: list[ErrorFigures] = Field(description="most jobs first")
    counted: Bound | None = Field(description="of the days and hours; null if all count")
    read_one_by_one: Bound | None = Field(description="of the names; null if all count")


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
    why_attention: Text
    workers: int | None
    worker_seen: datetime | None


class QueuedJob(Record):
    """A job in a queue."""

    source: model.Source = Field(
        description="its table: `/admin/jobs/queue-job?{source}={id}` is its page"
    )
    id: int
    queue: str
    type: str
    status: str = Field(description="the system's own word")
    state: model.QueueState
    attempts: int | None
    max_attempts: int | None
    progress: float | None = Field(description="0 to 1")
    batch_id: int | None
    worker: Text
    user: str | None = Field(validation_alias="owner")
    created: datetime | None
    next_attempt: datetime | None = Field(description="when a delayed job may start")
    started: datetime | None
    ended: datetime | None
    error: Text


class Queues(Record):
    """The queues, and a page of their jobs: the platform's first, each table's newest first."""

    queues: list[Queue]
    capped: tuple[str, ...] = Field(
        description=f"tables with more than {MOST_ROWS:,} rows, of which only the newest are counted: "
        "workers, failed records and Laravel's jobs"
    )
    jobs: list[QueuedJob]
    total: int = Field(description="jobs of the filter, as far as they were counted")
    has_more: bool = Field(description="whether there are more jobs than `total`")
    is_partial: bool = Field(description="whether only the newest rows were searched")
    next: str | None
