"""The summary of a period, from the panels' figures."""

from __future__ import annotations

from dataclasses import dataclass

from jobs_data.statistics.activity import Activity, Outcomes
from jobs_data.statistics.durations import Durations


@dataclass(frozen=True)
class Headline:
    """The summary of a period."""

    total: int
    """The jobs created in the period; for all time, the list's Total."""
    completed_share: float | None
    """The share of the finished jobs that completed, 0 to 1; None without finished jobs."""
    change_points: float | None
    """The change of that share from the period before, in percentage points; None without one."""
    median_seconds: float | None
    """The median duration of the finished jobs; None if unknown."""
    with_errors: int = 0
    """How many of the completed jobs have errors in their output."""


def headline(activity: Activity, durations: Durations) -> Headline:
    """Return the headline of a period from its activity and its durations; nothing is read."""
    share = _completed_share(activity.outcomes)
    before = _completed_share(activity.before) if activity.before else None
    return Headline(
        total=activity.outcomes.total,
        completed_share=share,
        change_points=None if share is None or before is None else (share - before) * 100,
        median_seconds=durations.median,
        with_errors=activity.outcomes.with_errors,
    )


def _completed_share(outcomes: Outcomes) -> float | None:
    rate = outcomes.failure_rate
    return None if rate is None else 1 - rate
