"""How the same thing looks on every screen: the colour and sign of a state, and the pager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from jobs_data.platform.status import ERROR, FIXED_LABELS, IN_PROGRESS, OTHER_LABELS, State
from pages.parts.shared.rows_table import Cell, Color


@dataclass(frozen=True)
class Look:
    """How a state looks; the sign identifies it without its colour."""

    color: Color
    sign: str
    icon: str


LOOKS: Final[dict[State, Look]] = {
    State.ACTIVE: Look("blue", "●", ":material/autorenew:"),
    State.COMPLETED: Look("green", "✔", ":material/check_circle:"),
    State.FAILED: Look("red", "✖", ":material/error:"),
    State.OTHER: Look("gray", "○", ":material/help:"),
}
WITH_ERRORS: Final = Look("violet", "▲", ":material/warning:")
"""How a completed job looks in whose output errors were found."""


_WORDS: Final = {
    (State.FAILED, FIXED_LABELS[ERROR]): "Failed",
    (State.ACTIVE, FIXED_LABELS[IN_PROGRESS]): "Running",
    (State.ACTIVE, OTHER_LABELS[0]): "Running",
}


def state_cell(state: State, label: str) -> Cell:
    """Return the chip of a job's status."""
    look = LOOKS[state]
    return Cell(status_word(state, label), color=look.color, icon=look.sign)


def status_word(state: State, label: str) -> str:
    """Return a status as screens say it: the platform's English says Error, In progress and Active."""
    return _WORDS.get((state, label), label)


def pager(shown: str, page: int, pages: int, on_page: Callable[[int], None]) -> None:
    """Show which rows these are, in words, and the way to the other pages."""
    st.session_state["page_number"] = page
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        st.caption(shown)
        if pages > 1:
            # It leaves pages out until it fits the width it is given.
            st.pagination(
                pages,
                key="page_number",
                on_change=lambda: on_page(st.session_state["page_number"]),
                width=420,
            )
