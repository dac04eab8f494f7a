"""The choice of the statistics' period, which is in the URL."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.statistics.period import Period

PERIOD_PARAM: Final = "period"
LABELS: Final = {
    Period.WEEK: "7 days",
    Period.MONTH: "30 days",
    Period.QUARTER: "90 days",
    Period.YEAR: "Year",
    Period.ALL: "All",
}


def pick_period() -> Period:
    """Show the choice of periods and return the one that the URL asks for, or 30 days."""
    asked = st.query_params.get(PERIOD_PARAM)
    period = Period(asked) if asked in list(Period) else Period.MONTH
    st.session_state["picked_period"] = period
    st.segmented_control(
        "Period",
        list(Period),
        format_func=LABELS.__getitem__,
        key="picked_period",
        required=True,
        label_visibility="collapsed",
        on_change=lambda: st.query_params.update(
            {PERIOD_PARAM: st.session_state["picked_period"].value}
        ),
    )
    return period
