"""Queues, queued jobs, batches and events, the same for both systems.

Times are aware and in UTC. None means unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from jobs_data import json_layout, wording
from jobs_data.plain_text import as_printed

MOST_CHARACTERS: Final = 200_000
"""How much of a payload, a result or a trace is shown."""

LONGEST_WAIT_SECONDS: Final = 600
"""A queue whose oldest job waits longer needs attention."""

HIGHEST_PRIORITY, LOWEST_PRIORITY = 1, 9
"""Source: the platform's worker takes jobs by ascending priority."""


class Kind(StrEnum):
    """The system of a queue."""

    HERATIO = "heratio"  # the platform's own: ahg_queue_job and its sisters
    LARAVEL = "laravel"  # the framework's: jobs, failed_jobs and job_batches


class QueueState(StrEnum):
    """The state of a queued job, as the overview counts it."""

    WAITING = "waiting"
    """Pending, and may start now."""
    DELAYED = "delayed"
    """Pending, but may start only later."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    OTHER = "other"
    """Cancelled, or with an unknown status."""


class Source(StrEnum):
    """The table of a queued job, by the name of its number in an address."""

    HERATIO = "id"  # ahg_queue_job
    LARAVEL = "laravel"  # jobs: those that have not ended
    LARAVEL_FAILED = "failed"  # failed_jobs

    @property
    def kind(self) -> Kind:
        """Return the system that the table belongs to."""
        return Kind.HERATIO if self is Source.HERATIO else Kind.LARAVEL


@dataclass(frozen=True)
class JobKey:
    """The key of a queued job: the table and its number."""

    source: Source
    id: int


@dataclass(frozen=True)
class LongText:
    """A text of which at most the first MOST_CHARACTERS are kept."""

    text: str = ""
    size: int = 0
    """The size of the whole in bytes."""
    is_cut: bool = False

    @property
    def pretty(self) -> str:
        """Return JSON with one value a line; other or cut text unchanged."""
        return json_layout.indented(self.text)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How many jobs of a queue are in each state."""

    kind: Kind
    queue: str
    waiting: int
    delayed: int
    running: int
    completed: int | None = None
    failed: int
    other: int | None = None
    oldest_waiting_seconds: int | None
    """Also None if no job waits."""
    completed_last_hour: int | None = None
    workers: int | None = None
    worker_seen: datetime | None = None

    @property
    def needs_attention(self) -> bool:
        """Return whether its jobs wait too long, or wait without a worker."""
        return bool(self.why_attention)

    @property
    def why_attention(self) -> str:
        """Return why it needs attention, as a sentence; empty where it does not."""
        waits = self.oldest_waiting_seconds or 0
        too_long = waits > LONGEST_WAIT_SECONDS
        # Laravel records no workers, so None is not zero; and a running job has one.
        unserved = self.waiting > 0 and self.workers == 0 and not self.running
        if too_long:
            more = ", and no worker was seen" if unserved else ""
            return f"The oldest job has waited for {wording.duration(waits, units=2)}{more}."
        if not unserved:
            return ""
        verb = "waits" if self.waiting == 1 else "wait"
        return f"{wording.counted(self.waiting)} {verb}, and no worker was seen."


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A queued job as a table shows it."""

    source: Source
    id: int
    queue: str
    type: str
    status: str
    """The system's own word."""
    state: QueueState
    attempts: int | None = None
    max_attempts: int | None = None
    progress: float | None = None
    """A share from 0 to 1."""
    progress_text: str = ""
    batch_id: int | None = None
    worker: str | None = None
    owner: str | None = None
    created: datetime | None = None
    available: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    error: str = ""
    """Why it failed, in one line."""

    @property
    def status_word(self) -> str:
        """Return the name of its status; the system's own word for an unknown state."""
        word = self.state if self.state is not QueueState.OTHER else self.status
        return word.capitalize() or "Unknown"

    @property
    def tries(self) -> str:
        """Return its attempts and their maximum: `1 of 3`; empty if unknown."""
        if self.attempts is None and self.max_attempts is None:
            return ""
        most = f" of {self.max_attempts}" if self.max_attempts else ""
        return f"{self.attempts or 0}{most}"

    @property
    def what_follows(self) -> str:
        """Return what happens next, without the time; empty if nothing."""
        tried, of = self.attempts or 0, f" of {self.max_attempts}" if self.max_attempts else ""
        following = f"attempt {tried + 1}{of}"
        delayed = "It waits until its batch or its chain lets it start."
        if self.next_attempt:
            delayed = f"A worker may start {following} then."
        failed = "It failed and will not be retried automatically."
        if self.max_attempts and tried < self.max_attempts:
            failed = f"It failed after {wording.counted(tried, 'attempt')}{of}. No next one is set."
        sentences = {
            QueueState.WAITING: f"Waits for a worker, which will start {following}.",
            QueueState.DELAYED: delayed,
            QueueState.RUNNING: "A worker is running it.",
            QueueState.FAILED: failed,
        }
        return sentences.get(self.state, "")

    def ran(self, now: datetime) -> str:
        """Return for how long it has run up to an aware time, in words; empty where not known."""
        if self.started and self.ended:
            return f"ran {wording.ran((self.ended - self.started).total_seconds())}"
        if self.started and self.state is QueueState.RUNNING:
            return f"running for {wording.ran((now - self.started).total_seconds())}"
        return ""

    @property
    def next_attempt(self) -> datetime | None:
        """Return when a pending job may start; None for now or unknown."""
        if self.state is not QueueState.DELAYED or not self.available:
            return None
        # The platform gives jobs of a batch or a chain that may not start the year 9999's last second.
        return self.available if self.available.year < 9999 else None


@dataclass(frozen=True, kw_only=True)
class JobDetails(QueuedJob):
    """Everything about one queued job except its chain, its failed record and its log."""

    payload: LongText
    error_trace: LongText = LongText()
    """For Laravel the whole exception: its message, and below it the trace."""
    error_message: LongText = LongText()
    error_code: str = ""
    result: LongText = LongText()
    priority: int | None = None
    rate_limit_group: str = ""
    batch_name: str = ""
    chain_id: int | None = None
    chain_order: int | None = None
    delay_seconds: int | None = None
    backoff: str = ""
    reserved: datetime | None = None
    processing_ms: int | None = None
    uuid: str = ""
    connection: str = ""
    read_at: datetime


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch as a table shows it."""

    kind: Kind
    id: str
    name: str
    queue: str | None = None
    owner: str | None = None
    status: str
    progress: float | None
    """A share from 0 to 1."""
    progress_text: str
    completed: int
    failed: int
    total: int
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    estimated_end: datetime | None
    """None where it is not known."""


@dataclass(frozen=True, kw_only=True)
class BatchDetails(Batch):
    """Everything about one batch except its jobs and its log."""

    options: LongText
    max_concurrent: int | None = None
    delay_between_ms: int | None = None
    max_retries: int | None = None
    failed_ids: str = ""
    """The uuids that Laravel notes of the jobs that failed."""
    read_at: datetime


@dataclass(frozen=True)
class FailedRecord:
    """The record of a finally failed job in `ahg_queue_failed`."""

    id: int
    failed: datetime | None
    attempts: int | None
    message: str
    trace: LongText


@dataclass(frozen=True)
class Event:
    """An entry of the log of a job or a batch."""

    time: datetime | None
    event: str
    message: str
    details: str


@dataclass(frozen=True)
class Log:
    """The events of a job or a batch."""

    events: tuple[Event, ...] = ()
    """Oldest first."""
    is_cut: bool = False
    """Whether there are older events than these."""


def priority_words(priority: int | None) -> str:
    """Return a job's priority as the worker uses it; empty where there is none."""
    if priority is None:
        return ""
    edge = {HIGHEST_PRIORITY: ", the highest", LOWEST_PRIORITY: ", the lowest"}
    return f"{priority}{edge.get(priority, f' ({HIGHEST_PRIORITY} is the highest)')}"


def share(done: float | None, total: int | None) -> float | None:
    """Return which share is done, from 0 to 1; None where it is not known."""
    if done is None or not total or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def progress_text(done: int | None, total: int | None, message: str = "") -> str:
    """Return a progress in words, such as `34 of 100 · reading rows`; of a bar its last state."""
    # Workers count before they know the total, and some write only a message.
    count = f"{done or 0:,} of {total:,}" if total else f"{done:,}" if done else ""
    return " · ".join(part for part in (count, as_printed(message).strip()) if part)


def estimated_end(done: int, total: int, started: datetime | None, now: datetime) -> datetime | None:
    """Return when a batch will end at its rate so far; None where that is not known."""
    if started is None or done <= 0 or done >= total or now <= started:
        return None
    try:
        return now + (now - started) * ((total - done) / done)
    except OverflowError:
        return None
