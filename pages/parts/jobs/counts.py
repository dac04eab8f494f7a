"""The four counts above the list, which are its filter by status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.platform.status import State
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.look import LOOKS
from pages.parts.shared.reads import Reading

KEY: Final = "status"
_ALL: Final = "all"
_CHOICES: Final = (
    (_ALL, "All", "total", ":material/list:", "gray"),
    *(
        (state.value, label, state.value, LOOKS[state].icon, LOOKS[state].color)
        for state, label in (
            (State.ACTIVE, "Active"),
            (State.COMPLETED, "Completed"),
            (State.FAILED, "Failed"),
        )
    ),
)


def show_counts(
    jobs: JobsList, trend: Reading[pd.DataFrame] | None, facts: dict[str, str]
) -> Callable[[], None]:
    """Show how many jobs there are in each state, with bars of the last 14 days; a press filters.

    `facts` has a few words more of a state, such as how many failed today. The bars are drawn where the
    trend has been read; the function returned waits for it and draws them.
    """
    counts = jobs.counts
    values = {
        _ALL: counts.total,
        State.ACTIVE.value: counts.active,
        State.COMPLETED.value: counts.completed,
        State.FAILED.value: counts.failed,
    }
    places: list[DeltaGenerator] = []
    with st.container(key="counts"):
        with st.container(horizontal=True, key="cards"):
            for choice, label, *_ in _CHOICES:
                places.append(st.empty())
                _card(places[-1], choice, label, values[choice], facts, None)
        _switch(jobs.view.filter.state, values, facts)

    def finish() -> None:
        if trend is None:
            return
        trend.wait()
        if trend.has_failed:
            return
        days = trend.result()
        for place, (choice, label, column, *_) in zip(places, _CHOICES, strict=True):
            _card(place, choice, label, values[choice], facts, days[column])

    if trend is not None and trend.is_done:
        finish()
        return lambda: None
    return finish


def _card(
    place: DeltaGenerator,
    choice: str,
    label: str,
    value: int,
    facts: dict[str, str],
    days: pd.Series[int] | None,
) -> None:
    icon, color = next((icon, color) for each, _, _, icon, color in _CHOICES if each == choice)
    place.metric(
        "Total" if choice == _ALL else label,
        f"{value:,}",
        facts.get(choice) or None,
        delta_color=color,
        delta_arrow="off",
        icon=icon,
        border=True,
        chart_data=[0] * 14 if days is None else days.tolist(),
        chart_type="bar",
    )


def _switch(current: State | None, values: dict[str, int], facts: dict[str, str]) -> None:
    """Show the choice of a status: over the cards, and on a phone in place of them."""
    # The URL is the truth: the widget is set from it on every run and only ever writes to it.
    shown = _ALL if current is None else current.value
    st.session_state[KEY] = shown if shown in values else None

    def label(choice: str) -> str:
        name = next(label for each, label, *_ in _CHOICES if each == choice)
        more = f" · {facts[choice]}" if facts.get(choice) else ""
        return f"{name} {values[choice]:,}{more}"

    st.segmented_control(
        "Status",
        list(values),
        format_func=label,
        key=KEY,
        required=shown in values,
        on_change=_picked,
        label_visibility="collapsed",
        width="stretch",
    )


def _picked() -> None:
    choice = st.session_state[KEY]
    go_to(view_in_url().with_state(None if choice == _ALL else State(choice)))
