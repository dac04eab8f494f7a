"""The four cards above the list."""

from __future__ import annotations

import streamlit as st

from jobs_data.queries import JobsList
from jobs_data.status import State

_CARDS = (
    ("Total", ":material/list:", "total"),
    ("Active", ":material/autorenew:", State.ACTIVE.value),
    ("Completed", ":material/check_circle:", State.COMPLETED.value),
    ("Failed", ":material/error:", State.FAILED.value),
)
_TREND_HELP = "The bars: jobs created on each of the last 14 days, by the state they are in now."


def show_cards(jobs: JobsList) -> None:
    """Show how many jobs there are in all and in each state, with the trend of the last 14 days."""
    numbers = jobs.counts
    values = {
        "total": numbers.total,
        State.ACTIVE.value: numbers.active,
        State.COMPLETED.value: numbers.completed,
        State.FAILED.value: numbers.failed,
    }
    with st.container(horizontal=True, key="cards"):
        for label, icon, column in _CARDS:
            st.metric(
                label,
                f"{values[column]:,}",
                icon=icon,
                border=True,
                help=_help(jobs) if column == "total" else _TREND_HELP,
                chart_data=jobs.trend[column].tolist(),
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
