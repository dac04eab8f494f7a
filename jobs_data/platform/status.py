"""The meaning of a job's status: the one place for the rules of active, completed, failed and finished.

Source: the platform's job model. `job.status_id` points into the term table: 183 in progress, 184
completed, 185 error. Some Heratio code writes other ids (182 for running, 186 for cancelled) that
mean unrelated things in the term table, and a status can be NULL.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, or_

from jobs_data.platform.tables import job

IN_PROGRESS: Final = 183
COMPLETED: Final = 184
ERROR: Final = 185
FINISHED_IDS: Final = (COMPLETED, ERROR)


class State(StrEnum):
    """The state of a job, as the counts and the filter use it."""

    ACTIVE = "active"
    """Has no completion time and is neither completed nor failed: it may be running now."""
    COMPLETED = "completed"
    """Ended well."""
    FAILED = "failed"
    """Ended with an error."""
    OTHER = "other"
    """Has a completion time but no status that says how it ended; counts in Total alone."""


class Alive(StrEnum):
    """What an active job does, as far as its traces show."""

    WORKING = "working"
    """It has written within the time that is usual for its name."""
    SILENT = "silent"
    """It has written nothing for much longer than its name usually takes."""
    OVERDUE = "overdue"
    """It still writes, but runs much longer than usual."""
    NEVER_STARTED = "never-started"
    """It has no output and no recorded start."""
    WAITING = "waiting"
    """It waits for another job, and its last lines say so again and again."""
    UNKNOWN = "unknown"
    """Too few jobs of its name have finished to tell."""


FINISHED_STATES: Final = frozenset({State.COMPLETED, State.FAILED})
"""The only states in which a job may be deleted."""


def state_of(status_id: int | None, has_ended: bool) -> State:
    """Return the state of a job from its status and whether it has a completion time."""
    if status_id == COMPLETED:
        return State.COMPLETED
    if status_id == ERROR:
        return State.FAILED
    return State.OTHER if has_ended else State.ACTIVE


def is_finished() -> ColumnElement[bool]:
    """Return the SQL condition under which a job may be deleted."""
    return job.c.status_id.in_(FINISHED_IDS)


def is_unfinished() -> ColumnElement[bool]:
    """Return the SQL condition of all other jobs, as ranges that use the index.

    `NOT IN` alone would lose the jobs whose status is NULL.
    """
    return or_(job.c.status_id.is_(None), job.c.status_id < COMPLETED, job.c.status_id > ERROR)


def is_in(state: State) -> ColumnElement[bool]:
    """Return the SQL condition of the jobs in a state; mirrors `state_of`."""
    match state:
        case State.COMPLETED:
            return job.c.status_id == COMPLETED
        case State.FAILED:
            return job.c.status_id == ERROR
        case State.ACTIVE:
            return and_(is_unfinished(), job.c.completed_at.is_(None))
        case State.OTHER:
            return and_(is_unfinished(), job.c.completed_at.is_not(None))


FIXED_LABELS: Final = {IN_PROGRESS: "In progress", COMPLETED: "Completed", ERROR: "Error"}
"""The names of the three statuses if the term table has none."""


CANCELLED: Final = 186

OTHER_LABELS: Final = ("Active", "Unknown", "Cancelled")
"""The names of other statuses: without a completion time, with one, and with one if CANCELLED."""


def label_of(status_id: int | None, state: State, term_names: dict[int, str]) -> str:
    """Return the text of a job's status.

    The term table names only 183 to 185; its other ids mean something unrelated.
    """
    if status_id in FIXED_LABELS:
        return term_names.get(status_id) or FIXED_LABELS[status_id]
    if state is State.ACTIVE:
        return OTHER_LABELS[0]
    return OTHER_LABELS[2 if status_id == CANCELLED else 1]
