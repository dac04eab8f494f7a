"""What an active job does, as the rows of the list show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final


from jobs_data.jobs.liveness import Liveness
from jobs_data.jobs.liveness_words import evidence
from jobs_data.platform.status import Alive
from pages.parts.shared.look import ALIVE_LABELS, LOOKS
from pages.parts.shared.rows_table import Cell

NEEDS_A_LOOK: Final = (Alive.SILENT, Alive.NEVER_STARTED, Alive.OVERDUE, Alive.WAITING)
"""What a row says first, and a quick filter finds; the most serious first."""


@dataclass(frozen=True)
class Activity:
    """What one active job does, and what shows it."""

    state: Alive
    evidence: str


def activities(
    liveness: Liveness | None, shown: Sequence[int], now: datetime
) -> Mapping[int, Activity]:
    """Return what the active ones among some jobs do, as far as that is known."""
    if liveness is None:
        return {}
    jobs = liveness.jobs[liveness.jobs["id"].isin(shown)]
    return {
        int(job["id"]): Activity(Alive(job["state"]), evidence(job, now)) for _, job in jobs.iterrows()
    }


def chip(found: Sequence[Activity]) -> Cell:
    """Return the chip of one active job, or of several: how many are in the most serious state."""
    numbers = Counter(each.state for each in found)
    first = next(state for state in (*NEEDS_A_LOOK, Alive.WORKING, Alive.UNKNOWN) if numbers[state])
    label = _WORDS[first]
    if len(found) > numbers[first]:
        label = f"{numbers[first]:,} {label.lower()}"
    words = found[0].evidence if len(found) == 1 else _counts(numbers)
    return Cell(label, title=words, color=LOOKS[first].color, icon=LOOKS[first].sign)


_WORDS: Final = ALIVE_LABELS | {Alive.UNKNOWN: "Running"}
"""What a chip says: that nothing can be told stands beside it."""


def _counts(numbers: Counter[Alive]) -> str:
    return ", ".join(f"{jobs:,} {_WORDS[state].lower()}" for state, jobs in numbers.items())
