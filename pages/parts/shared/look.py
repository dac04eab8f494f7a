"""How the same thing looks on every screen: the colour and sign of a state, and the pager."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.filter_words import ALIVE_LABELS
from jobs_data.platform.status import (
    ERROR,
    FIXED_LABELS,
    IN_PROGRESS,
    OTHER_LABELS,
    Alive,
    State,
)
from jobs_data.wording import counted
from pages.parts.shared.rows_table import Cell, Color


@dataclass(frozen=True)
class Look:
    """How a state looks; the sign identifies it without its colour."""

    color: Color
    sign: str
    icon: str


@dataclass(frozen=True)
class AliveLook(Look):
    """How it looks what an active job does, and what that means."""

    word: str
    meaning: str


LOOKS: Final[dict[State, Look]] = {
    State.ACTIVE: Look("blue", "●", ":material/autorenew:"),
    State.COMPLETED: Look("green", "✔", ":material/check_circle:"),
    State.FAILED: Look("red", "✖", ":material/error:"),
    State.OTHER: Look("gray", "○", ":material/help:"),
}
WITH_ERRORS: Final = Look("violet", "▲", ":material/warning:")
"""How a completed job looks in whose output errors were found."""

ALIVE_LOOKS: Final[dict[Alive, AliveLook]] = {
    Alive.WORKING: AliveLook(
        *("blue", "●", ":material/autorenew:", ALIVE_LABELS[Alive.WORKING]),
        "It runs no longer than is usual for its name.",
    ),
    Alive.SILENT: AliveLook(
        *("orange", "■", ":material/volume_off:", ALIVE_LABELS[Alive.SILENT]),
        "It has written nothing for much longer than its name usually takes: it may be dead.",
    ),
    Alive.OVERDUE: AliveLook(
        *("orange", "◷", ":material/timer:", ALIVE_LABELS[Alive.OVERDUE]),
        "It still writes, but runs much longer than its name usually takes.",
    ),
    Alive.NEVER_STARTED: AliveLook(
        *("orange", "□", ":material/hourglass_disabled:", ALIVE_LABELS[Alive.NEVER_STARTED]),
        "It has no output and no recorded start: no worker may have taken it.",
    ),
    Alive.WAITING: AliveLook(
        *("gray", "…", ":material/pause_circle:", ALIVE_LABELS[Alive.WAITING]),
        "It waits for another job to finish, and writes so every few seconds.",
    ),
    Alive.UNKNOWN: AliveLook(
        *("gray", "?", ":material/help:", ALIVE_LABELS[Alive.UNKNOWN]),
        "Too few jobs of its name have finished to tell whether it runs as usual.",
    ),
}

_IN_ORDER: Final = re.sub(
    r"\s+", " ", Path(__file__).with_name("in_order.css").read_text("utf-8").split("*/", 1)[1]
)

DRAWING_SECONDS: Final = 0.1
"""What a browser takes to draw the rows of the list, after the changes at the start of a run."""

_WORDS: Final = {
    (State.FAILED, FIXED_LABELS[ERROR]): "Failed",
    (State.ACTIVE, FIXED_LABELS[IN_PROGRESS]): "Running",
    (State.ACTIVE, OTHER_LABELS[0]): "Running",
}


def room(key: str, **layout: Any) -> DeltaGenerator:
    """Return a container that is on the page before anything is in it; the style gives it a height."""
    return st.container(border=True, key=key, **layout)  # one without a border is left out


def first_line() -> DeltaGenerator:
    """Return the place of a page's first line, where that has no time of a refresh in it."""
    return st.container(horizontal=True, vertical_alignment="center", key="heading")


def give_time_to_draw() -> None:
    """Give the browser time to draw what was sent, which would wait for what follows at once."""
    time.sleep(DRAWING_SECONDS)


def show_in_order() -> None:
    """Show each part of this page only when those above it are drawn, so that none moves another.

    Call it on a page that a user opens from the list. A page that is opened directly has the style in
    its document's head.
    """
    # Not `st.html`, whose script a browser may have to fetch first: the parts would be drawn by then.
    with st.container(key="in_order"):
        st.markdown(f"<style>{_IN_ORDER}</style>", unsafe_allow_html=True)


def look_of(state: State, errors: int = 0) -> Look:
    """Return how a job looks with some errors in its output, which matter for a completed one."""
    return WITH_ERRORS if state is State.COMPLETED and errors else LOOKS[state]


def state_cell(state: State, label: str, errors: int = 0, warnings: int = 0) -> Cell:
    """Return the chip of a job's status; a completed one says what was found in its output."""
    look = look_of(state, errors)
    found = {"error": errors, "warning": warnings} if state is State.COMPLETED else {}
    words = " and ".join(counted(number, noun) for noun, number in found.items() if number)
    return Cell(
        status_word(state, label, errors),
        title=f"{words} in its output" if words else "",
        color=look.color,
        icon=look.sign,
    )


def alive_cell(alive: Alive) -> Cell:
    """Return the chip of what an active job does; its tooltip says what that means."""
    look = ALIVE_LOOKS[alive]
    return Cell(look.word, title=look.meaning, color=look.color, icon=look.sign)


def status_word(state: State, label: str, errors: int = 0) -> str:
    """Return a status as screens say it: the platform's English says Error, In progress and Active.

    Of a completed job it says how many `errors` were found in its output: `Completed · 7 errors`.
    """
    word = _WORDS.get((state, label), label)
    return f"{word} · {counted(errors, 'error')}" if state is State.COMPLETED and errors else word


def set_widget(key: str, value: object) -> None:
    """Set a widget's value, unless it has it already: that would undo a press that is on its way.

    Pass the same value as the widget's default. If another run follows at once, Streamlit may drop what
    this one sent, and the browser shows the default.
    """
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def pager(shown: str, page: int, pages: int, on_page: Callable[[int], None]) -> None:
    """Show which rows these are, in words, and the way to the other pages."""
    set_widget("page_number", page)
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        st.caption(shown)
        if pages > 1:
            # It leaves pages out until it fits the width it is given.
            st.pagination(
                pages,
                default=min(page, pages),
                key="page_number",
                on_change=lambda: on_page(st.session_state["page_number"]),
                width=420,
            )
