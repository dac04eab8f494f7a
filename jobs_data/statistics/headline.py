"""The few numbers that say how a period went, from what the panels have read."""

from __future__ import annotations

from dataclasses import dataclass

from jobs_data.statistics.activity import Activity, Outcomes
from jobs_data.statistics.durations import Durations


@dataclass(frozen=True)
class Headline:
    """How a period went."""

    total: int
    """The jobs created in the period; of all time, what the list's Total counts."""
    completed_share: float | None
    """Which share of the finished jobs completed, 0 to 1; None where none is finished."""
    change_points: float | None
    """By how many percentage points that share changed against the period before; None without one."""
    median_seconds: float | None
    """The median duration of the finished jobs; None where none is known."""


def headline(activity: Activity, durations: Durations) -> Headline:
    """Return the headline of a period from its activity and its durations; nothing is read."""
    share = _completed_share(activity.outcomes)
    before = _completed_share(activity.before) if activity.before else None
    return Headline(
        total=activity.outcomes.total,
        completed_share=share,
        change_points=None if share is None or before is None else (share - before) * 100,
        median_seconds=durations.median,
    )


def _completed_share(outcomes: Outcomes) -> float | None:
    rate = outcomes.failure_rate
    return None if rate is None else 1 - rate
