"""The four counts above the list, which are its filter by status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.liveness import Liveness
from jobs_data.platform.status import Alive, State
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.look import LOOKS
from pages.parts.shared.reads import Reading

KEY: Final = "status"
_ALL: Final = "all"

T = TypeVar("T")


_LABELS: Final = {_ALL: "All", "active": "Active", "completed": "Completed", "failed": "Failed"}


def show_counts(
    jobs: JobsList, trend: Reading[pd.DataFrame] | None, liveness: Reading[Liveness] | None
) -> Callable[[], None]:
    """Show how many jobs there are in each state, with bars of the last 14 days; a press filters.

    Beside them stand how many jobs of today failed, and how many active ones are silent. What has not
    been read yet is left out; the function returned waits for it and draws the cards again.
    """
    counts = jobs.counts
    values = {
        _ALL: counts.total,
        State.ACTIVE.value: counts.active,
        State.COMPLETED.value: counts.completed,
        State.FAILED.value: counts.failed,
    }
    readings = [reading for reading in (trend, liveness) if reading is not None]
    were_done = all(reading.is_done for reading in readings)
    with st.container(key="counts"):
        with st.container(horizontal=True, key="cards"):
            places = [st.empty() for _ in _LABELS]
        _switch(jobs.view.filter.state, values, _facts(trend, liveness))

    def draw() -> None:
        days, facts = _result(trend), _facts(trend, liveness)
        for place, choice in zip(places, _LABELS, strict=True):
            _card(place, choice, values[choice], facts, days)

    def finish() -> None:
        if not were_done:
            for reading in readings:
                reading.wait()
            draw()

    draw()
    return finish


def _result(reading: Reading[T] | None) -> T | None:
    is_there = reading is not None and reading.is_done and not reading.has_failed
    return reading.result() if reading and is_there else None


def _facts(trend: Reading[pd.DataFrame] | None, liveness: Reading[Liveness] | None) -> dict[str, str]:
    """Return a few words more of some states, where there is something to say."""
    days, alive = _result(trend), _result(liveness)
    facts = {
        State.FAILED.value: (0 if days is None else int(days["failed"].iloc[-1]), "today"),
        State.ACTIVE.value: (alive.count(Alive.SILENT) if alive else 0, "silent"),
    }
    return {state: f"{number:,} {word}" for state, (number, word) in facts.items() if number}


def _card(
    place: DeltaGenerator,
    choice: str,
    value: int,
    facts: dict[str, str],
    days: pd.DataFrame | None,
) -> None:
    is_all = choice == _ALL
    look = None if is_all else LOOKS[State(choice)]
    place.metric(
        "Total" if is_all else _LABELS[choice],
        f"{value:,}",
        facts.get(choice),
        delta_color=look.color if look else "gray",
        delta_arrow="off",
        icon=look.icon if look else ":material/list:",
        border=True,
        chart_data=None if days is None else days["total" if is_all else choice].tolist(),
        chart_type="bar",
    )


def _switch(current: State | None, values: dict[str, int], facts: dict[str, str]) -> None:
    """Show the choice of a status: over the cards, and on a phone in place of them."""
    # The URL is the truth: the widget is set from it on every run and only ever writes to it.
    shown = _ALL if current is None else current.value
    st.session_state[KEY] = shown if shown in values else None

    def label(choice: str) -> str:
        more = f" · {facts[choice]}" if facts.get(choice) else ""
        return f"{_LABELS[choice]} {values[choice]:,}{more}"

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
