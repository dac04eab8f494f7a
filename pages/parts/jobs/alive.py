"""What an active job does, as the rows of the list show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs_data.jobs import liveness_words
from jobs_data.jobs.liveness import Liveness
from jobs_data.platform.status import Alive
from pages.parts.shared.look import ALIVE_LOOKS
from pages.parts.shared.rows_table import Cell

NEEDS_A_LOOK: Final = (Alive.SILENT, Alive.NEVER_STARTED, Alive.OVERDUE, Alive.WAITING)
"""What a row says first, and a quick filter finds; the most serious first."""


@dataclass(frozen=True)
class Activity:
    """What one active job does, what shows it in short, and in full."""

    state: Alive
    evidence: str
    summary: str


def activities(
    liveness: Liveness | None, shown: Sequence[int], now: datetime
) -> Mapping[int, Activity]:
    """Return what some active jobs do, as far as that is known."""
    if liveness is None:
        return {}
    jobs = [liveness.by_id[each] for each in shown if each in liveness.by_id]
    return {
        job["id"]: Activity(
            Alive(job["state"]),
            liveness_words.in_short(job, now),
            f"{ALIVE_LOOKS[Alive(job['state'])].meaning} {liveness_words.summary(job, now)}",
        )
        for job in jobs
    }


def chip(found: Sequence[Activity]) -> Cell:
    """Return the chip of one active job, or of several: how many are in the most serious state."""
    numbers = Counter(each.state for each in found)
    first = next(state for state in (*NEEDS_A_LOOK, Alive.WORKING, Alive.UNKNOWN) if numbers[state])
    look = ALIVE_LOOKS[first]
    word, title = look.word, found[0].summary
    if len(found) > 1:
        title = ", ".join(f"{n:,} {ALIVE_LOOKS[state].word.lower()}" for state, n in numbers.items())
    if len(found) > numbers[first]:
        word = f"{numbers[first]:,} {word.lower()}"
    return Cell(word, title=title, color=look.color, icon=look.sign)
