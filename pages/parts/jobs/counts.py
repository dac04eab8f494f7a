"""The four counts above the list, which are its filter by status."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.platform.status import Alive, State
from pages.parts.jobs.beside import Beside
from pages.parts.jobs.filter_bar import has_numbers, is_searching
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.look import LOOKS, room

KEY: Final = "status"
_ALL: Final = "all"

_LABELS: Final = {_ALL: "All", "active": "Active", "completed": "Completed", "failed": "Failed"}


def place() -> DeltaGenerator:
    """Return the place of the counts, which has their height before they are there."""
    return room("counts")


def show_counts(jobs: JobsList, beside: Beside) -> None:
    """Show how many jobs there are in each state, with bars of the last 14 days; a press filters.

    Beside them, but for a search, stand how many active jobs are silent, how many completed ones have
    errors, and how many failed today. What is not known yet is left out.
    """
    counts = jobs.counts
    numbers = {
        _ALL: counts.total,
        State.ACTIVE.value: counts.active,
        State.COMPLETED.value: counts.completed,
        State.FAILED.value: counts.failed,
    }
    more = "+" if is_searching(jobs) else ""  # the search finds more than it had found then
    values = {choice: f"{n:,}{more}" if has_numbers(jobs) else "" for choice, n in numbers.items()}
    days, facts = beside.trend.found if beside.trend else None, _facts(jobs, beside)
    with st.container(horizontal=True, key="cards"):
        for choice in _LABELS:
            _card(choice, values[choice] or "–", facts, days)
    _switch(jobs.view.filter.state, values, facts)


def _facts(jobs: JobsList, beside: Beside) -> dict[str, str]:
    """Return a few words more of some states, where there is something to say of all jobs."""
    if beside.trend is None:
        return {}
    days, alive = beside.trend.found, beside.known_liveness
    facts = {
        State.ACTIVE.value: (0 if alive is None else alive.count(Alive.SILENT), "silent"),
        State.COMPLETED.value: (jobs.with_errors, "with errors"),
        State.FAILED.value: (0 if days is None else int(days["failed"].iloc[-1]), "today"),
    }
    return {state: f"{number:,} {words}" for state, (number, words) in facts.items() if number}


def _card(choice: str, value: str, facts: dict[str, str], days: pd.DataFrame | None) -> None:
    is_all = choice == _ALL
    look = None if is_all else LOOKS[State(choice)]
    st.metric(
        "Total" if is_all else _LABELS[choice],
        value,
        facts.get(choice),
        delta_color=look.color if look else "gray",
        delta_arrow="off",
        icon=look.icon if look else ":material/list:",
        border=True,
        chart_data=None if days is None else days["total" if is_all else choice].tolist(),
        chart_type="bar",
    )


def _switch(current: State | None, values: dict[str, str], facts: dict[str, str]) -> None:
    """Show the choice of a status: over the cards, and on a phone in place of them."""
    # The URL is the truth: the widget is set from it on every run and only ever writes to it.
    shown = _ALL if current is None else current.value
    st.session_state[KEY] = shown if shown in values else None

    def label(choice: str) -> str:
        more = f" · {facts[choice]}" if facts.get(choice) else ""
        return f"{_LABELS[choice]} {values[choice]}{more}"

    st.segmented_control(
        "Status",
        list(values),
        format_func=label,
        key=KEY,
        required=shown in values,
        on_change=_picked,
        args=(shown,),
        label_visibility="collapsed",
        width="stretch",
    )


def _picked(shown: str) -> None:
    choice = st.session_state[KEY]
    if choice == shown:
        return  # Back has interrupted the run that showed it, and nothing was pressed
    go_to(view_in_url().with_state(None if choice == _ALL else State(choice)))
