"""The four cards above the list."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.queries import JobsList
from jobs_data.status import State
from jobs_data.times import TREND_DAYS

_CARDS = (
    ("Total", ":material/list:", "total"),
    ("Active", ":material/autorenew:", State.ACTIVE.value),
    ("Completed", ":material/check_circle:", State.COMPLETED.value),
    ("Failed", ":material/error:", State.FAILED.value),
)
_TREND_HELP = "The bars: jobs created on each of the last 14 days, by the state they are in now."


def show_cards(jobs: JobsList, trend: Future[pd.DataFrame]) -> Callable[[], None]:
    """Show how many jobs there are in all and in each state, with the trend of the last 14 days.

    Where the trend has not been read yet there are no bars in its place. The function returned waits
    for it and puts them there; where it cannot be read there are none.
    """
    with st.container(horizontal=True, key="cards"):
        places = [st.empty() for _ in _CARDS]
    is_late = not trend.done()
    _fill(places, jobs, trend)

    def finish() -> None:
        wait([trend])
        if is_late:
            _fill(places, jobs, trend)

    return finish


def _fill(places: list[DeltaGenerator], jobs: JobsList, trend: Future[pd.DataFrame]) -> None:
    numbers = jobs.counts
    bars = trend.result() if trend.done() and not trend.exception() else None
    values = {
        "total": numbers.total,
        State.ACTIVE.value: numbers.active,
        State.COMPLETED.value: numbers.completed,
        State.FAILED.value: numbers.failed,
    }
    for place, (label, icon, column) in zip(places, _CARDS, strict=True):
        place.metric(
            label,
            f"{values[column]:,}",
            icon=icon,
            border=True,
            help=_help(jobs) if column == "total" else _TREND_HELP,
            chart_data=[0] * TREND_DAYS if bars is None else bars[column].tolist(),
            chart_type="bar",
            width="stretch",
        )


def _help(jobs: JobsList) -> str:
    if not jobs.counts.other:
        return _TREND_HELP
    return (
        f"{jobs.counts.other:,} of these jobs are neither active, completed nor failed: they have a "
        "completion time but no status that says how they ended, a cancelled job for example. They "
        f"count here alone. {_TREND_HELP}"
    )
