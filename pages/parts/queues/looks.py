"""How the states of queued jobs and batches look, and what they are called."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.platform.status import State
from jobs_data.queues.model import Batch, QueuedJob, QueueState
from pages.parts.shared.look import LOOKS, Look
from pages.parts.shared.rows_table import Cell
from pages.parts.shared.text import plain

_WAITING: Final = Look("orange", "◔", ":material/hourglass_empty:")
_RUNNING, _COMPLETED = LOOKS[State.ACTIVE], LOOKS[State.COMPLETED]
_FAILED, _OTHER = LOOKS[State.FAILED], LOOKS[State.OTHER]
STATES: Final[dict[QueueState, Look]] = {
    QueueState.WAITING: _WAITING,
    QueueState.DELAYED: Look("violet", "◷", ":material/schedule:"),
    QueueState.RUNNING: _RUNNING,
    QueueState.COMPLETED: _COMPLETED,
    QueueState.FAILED: _FAILED,
    QueueState.OTHER: _OTHER,
}
_BATCHES: Final[dict[str, Look]] = {
    "pending": _WAITING,
    "running": _RUNNING,
    "paused": Look("violet", "‖", ":material/pause_circle:"),
    "completed": _COMPLETED,
    "failed": _FAILED,
}


def status_of(thing: QueuedJob | Batch) -> tuple[str, Look]:
    """Return what a job's or a batch's status is called, and how it looks."""
    if isinstance(thing, QueuedJob):
        return thing.status_word, STATES[thing.state]
    return thing.status.capitalize() or "Unknown", _BATCHES.get(thing.status, _OTHER)


def status_cell(thing: QueuedJob | Batch) -> Cell:
    """Return the chip of a status in a table."""
    word, look = status_of(thing)
    return Cell(word, color=look.color, icon=look.sign)


def status_badge(thing: QueuedJob | Batch) -> None:
    """Show the chip of a status on a page of its own."""
    word, look = status_of(thing)
    st.badge(plain(word), icon=look.icon, color=look.color)
