"""The jobs of each day, or of each week or month of a long time, by how they ended."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from jobs_data.jobs.view import ListView
from jobs_data.platform.status import State
from jobs_data.statistics.activity import Activity, Outcomes
from jobs_data.wording import counted
from pages.parts.shared import address
from pages.parts.shared.look import LOOKS, WITH_ERRORS
from pages.parts.statistics.panel import Scope, channel, numbers, say_bound

DAYS_IN_CHART: Final = 100
WEEKS_IN_CHART: Final = 120
LABELS_ON_AXIS: Final = 7
_OUTCOMES: Final = ["Completed", "Failed", "Others", "With errors"]
"""In the order of the theme's chart colours."""

_OPACITY: Final = {"Failed": 1, "With errors": 0.8, "Completed": 0.6, "Others": 0}
"""From below. They differ without their colours."""


def show_by_day(activity: Activity, scope: Scope) -> None:
    """Show how many jobs of each day failed, completed and did neither; each count opens the list."""
    days, outcomes = activity.by_day, activity.outcomes
    _show_counts(outcomes, scope)
    if days["total"].any():
        _show_bars(days)
    else:
        scope.say_none("was created")
    say_bound(activity.bound, scope)
    if undated := outcomes.total - int(days["total"].sum()):
        st.caption(
            f"{counted(undated)} {'is' if undated == 1 else 'are'} on no day: the creation time is "
            "missing, cannot be read, or is not in the period's days."
        )
    numbers("jobs-per-day", days.reset_index().assign(day=[f"{day:%Y-%m-%d}" for day in days.index]))


def _show_bars(days: pd.DataFrame) -> None:
    unit, step = bars_of(len(days))
    counts = days[["failed", "with_errors", "completed", "total"]]
    bars = counts.resample(step, label="left", closed="left").sum()
    alt = f"Failed, completed and other jobs per {unit}: the numbers are below"
    st.vega_lite_chart(*_chart(bars, unit), height=240, alt=alt)
    st.caption(
        f"One bar per {unit}. From below: failed, completed with errors, completed (tinted), others "
        "(outlined): active, or ended without a status that says how."
    )


def _show_counts(outcomes: Outcomes, scope: Scope) -> None:
    others = outcomes.total - outcomes.completed - outcomes.failed - outcomes.active
    with st.container(horizontal=True):
        for state, color, label, count in (
            (State.FAILED, "red", "failed", outcomes.failed),
            (State.COMPLETED, "green", "completed", outcomes.completed),
            (State.ACTIVE, "gray", "active", outcomes.active),
            (State.OTHER, "gray", "ended otherwise", others),
        ):
            _count(f":{color}[{LOOKS[state].sign}] {count:,} {label}", scope.jobs(state=state))
            if state is State.COMPLETED and (with_errors := outcomes.with_errors):
                jobs = scope.jobs(state=state, has_errors=True)
                _count(f":violet[{WITH_ERRORS.sign}] {with_errors:,} with errors", jobs)


def _count(label: str, jobs: ListView) -> None:
    st.button(label, type="tertiary", on_click=address.open_list, args=(jobs,))


def bars_of(days: int) -> tuple[str, str]:
    """Return what a bar stands for in a chart of this many days, and the same as pandas calls it."""
    if days <= DAYS_IN_CHART:
        return "day", "D"
    return ("week from Monday", "W-MON") if days <= 7 * WEEKS_IN_CHART else ("month", "MS")


def _chart(bars: pd.DataFrame, unit: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the figures of a chart and its specification."""
    with_year = bars.index[0].year != bars.index[-1].year
    spelled = "%b %Y" if unit == "month" else "%d %b %Y" if with_year else "%d %b"
    names = [f"{day:{spelled}}".removeprefix("0") for day in bars.index]
    bars = bars.rename(columns=lambda name: name.replace("_", " ").capitalize()).assign(at=names)
    bars["Others"] = bars["Total"] - bars["Failed"] - bars["Completed"]
    bars["Completed"] -= bars["With errors"]
    color = channel("how", "nominal", scale={"domain": _OUTCOMES}, legend=None)
    # Counted back from the last bar, which is today's.
    axis = {"values": names[:: -max(1, -(-len(names) // LABELS_ON_AXIS))], "labelAngle": 0}
    # Without a domain of its own, Vega warns of the figures that have not come yet.
    height = {"domain": [0, int(bars["Total"].max())], "nice": True}
    counts = [channel(each, "quantitative", each, format=",") for each in [*_OUTCOMES, "Total"]]
    return bars, {
        "transform": [
            {"fold": _OUTCOMES, "as": ["how", "jobs"]},
            {"filter": "datum.jobs > 0"},
            {"calculate": f"indexof({list(_OPACITY)}, datum.how)", "as": "place"},
            {"calculate": f"{_OPACITY}[datum.how]", "as": "opacity"},
        ],
        "mark": {"type": "bar", "strokeWidth": 1},
        "encoding": {
            "x": channel("at", "ordinal", scale={"domain": names}, axis=axis),
            "y": channel(
                "jobs",
                "quantitative",
                scale=height,
                axis={"tickCount": 4, "tickMinStep": 1, "format": "~s"},
            ),
            "order": channel("place", "quantitative"),
            "fill": color,
            "stroke": color,
            "fillOpacity": channel("opacity", "quantitative", scale=None),
            "tooltip": [channel("at", "nominal", unit.capitalize()), *counts],
        },
    }
