"""What is read beside the list, of all jobs: its rows do not wait for it."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from jobs_data.jobs.liveness import Liveness
from jobs_data.jobs.trend import read_trend
from jobs_data.jobs.view import JobFilter
from jobs_data.platform import times
from jobs_data.platform.id_lists import Ids
from jobs_data.services import Services
from pages.parts.shared import reads
from pages.parts.shared.reads import Reading

CACHED_SECONDS: Final = 0.05
"""So long the page waits for it, which is enough for what is cached."""

LAST_SEEN: Final = timedelta(minutes=1)
"""While it is read again, rows show what was read up to this long ago."""


@dataclass(frozen=True)
class Beside:
    """The reads that have begun."""

    liveness: Reading[Liveness]
    with_errors: Reading[Ids]
    trend: Reading[pd.DataFrame] | None
    """None for a search: beside its counts that of all jobs would say something else."""
    before: Liveness | None
    """What the active jobs did a moment ago, where that is known."""

    @property
    def known_liveness(self) -> Liveness | None:
        """Return what the active jobs do; while that is being read, what they did a moment ago."""
        return self.liveness.found or self.before

    @property
    def readings(self) -> list[Reading[Any]]:
        """Return all of them."""
        return [each for each in (self.liveness, self.with_errors, self.trend) if each is not None]

    def wait(self, seconds: float) -> None:
        """Return when all is done, or when the time is over."""
        wait([reading.future for reading in self.readings], seconds)


def begin(services: Services, job_filter: JobFilter, zone: ZoneInfo) -> Beside:
    """Begin to read what a page of the list shows beside its rows."""
    trend = None
    if not job_filter.is_search:
        trend = reads.begin(
            read_trend, services.database, tuple(times.day_starts(zone)), services.order
        )
    return Beside(
        reads.begin_shared(services.liveness.read),
        reads.begin_shared(services.outcomes.with_errors),
        trend,
        recent_liveness(services),
    )


def recent_liveness(services: Services) -> Liveness | None:
    """Return what the active jobs did a moment ago; None where that is not known."""
    known = services.liveness.last
    is_recent = known is not None and datetime.now(UTC) - known.read_at < LAST_SEEN
    return known if is_recent else None


def wait_for_liveness(beside: Beside) -> Liveness | None:
    """Return what the active jobs do, as read now; None where that takes more than a moment."""
    wait([beside.liveness.future], CACHED_SECONDS)
    return beside.liveness.found
