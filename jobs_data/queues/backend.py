"""The interface of the two queue systems, Heratio's and Laravel's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from jobs_data.queues.filters import QueueFilter
from jobs_data.queues.listing import Listing
from jobs_data.queues.model import Batch, BatchDetails, JobDetails, JobKey, QueuedJob
from jobs_data.queues.overview import Overview


class Backend(Protocol):
    """One system's queues. What it does not tell is None, and a table that is missing has no rows.

    `now` is aware. Methods with a connection read within its transaction.
    """

    def overview(self, connection: Connection, now: datetime) -> Overview:
        """Return the figures of its queues."""

    def jobs(self, asked: QueueFilter, now: datetime) -> Sequence[Listing[QueuedJob]]:
        """Return the lists of the queued jobs that a filter lets through, one for each table."""

    def job(self, connection: Connection, key: JobKey, now: datetime) -> JobDetails | None:
        """Return one queued job, None where there is none."""

    def batches(self, now: datetime) -> Sequence[Listing[Batch]]:
        """Return the lists of its batches, one for each table."""

    def batch(self, connection: Connection, batch_id: str, now: datetime) -> BatchDetails | None:
        """Return one batch, None where there is none."""
