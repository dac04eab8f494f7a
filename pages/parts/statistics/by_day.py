"""The jobs of each day, or of each week or month of a long time, by how they ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.status import State
from jobs_data.statistics.activity import Activity, Outcomes
from jobs_data.statistics.period import Period
from jobs_data.wording import counted
from pages.parts.shared import address
from pages.parts.shared.look import LOOKS
from pages.parts.statistics.panel import numbers

HEIGHT: Final = 240
DAYS_IN_CHART: Final = 100
WEEKS_IN_CHART: Final = 120
LABELS_ON_AXIS: Final = 7
# Failed lies on the axis, where bars can be compared, and is the darkest; the others have no fill. Each
# stands out from a light and from a dark background by 3 : 1.
_COLORS: Final = {"Failed": "#c8323a", "Completed": "#2f9e5f", "Others": "#8a8f98"}


def show_by_day(activity: Activity, period: Period, zone: ZoneInfo, now: datetime) -> None:
    """Show how many jobs of each day failed, completed and did neither; each count opens the list."""
    _show_counts(activity.outcomes, period, zone, now)
    days = activity.by_day
    unit, step = _bars(len(days))
    bars = days[["failed", "completed", "total"]].resample(step, label="left", closed="left").sum()
    st.vega_lite_chart(
        *_chart(bars, unit),
        height=HEIGHT,
        alt=f"Failed, completed and other jobs per {unit}: the numbers are below",
    )
    st.caption(
        f"One bar per {unit}. From below: failed (dark), completed (lighter), others (outlined), which "
        "are active or ended without a status that says how."
    )
    undated = activity.outcomes.total - int(days["total"].sum())
    if undated:
        st.caption(
            f"{counted(undated)} {'is' if undated == 1 else 'are'} on no day: the creation time is "
            "missing, cannot be read, or is not in the period's days."
        )
    with_day = days.reset_index()
    with_day["day"] = with_day["day"].dt.strftime("%Y-%m-%d")
    numbers(
        "jobs-per-day",
        with_day,
        {
            "day": "Day",
            "total": "Total",
            "completed": "Completed",
            "failed": "Failed",
            "active": "Active",
        },
    )


def _show_counts(outcomes: Outcomes, period: Period, zone: ZoneInfo, now: datetime) -> None:
    others = outcomes.total - outcomes.completed - outcomes.failed - outcomes.active
    created = period.created(zone, now)
    with st.container(horizontal=True, key="outcomes"):
        for state, color, label, count in (
            (State.FAILED, "red", "failed", outcomes.failed),
            (State.COMPLETED, "green", "completed", outcomes.completed),
            (State.ACTIVE, "gray", "active", outcomes.active),
            (State.OTHER, "gray", "ended otherwise", others),
        ):
            st.button(
                f":{color}[{LOOKS[state].sign}] {count:,} {label}",
                key=f"outcome-{state}",
                type="tertiary",
                on_click=address.open_list,
                args=(ListView(JobFilter(state=state, created=created)),),
            )


def _bars(days: int) -> tuple[str, str]:
    """Return what a bar stands for, and the same as pandas calls it."""
    if days <= DAYS_IN_CHART:
        return "day", "D"
    return ("week from Monday", "W-MON") if days <= 7 * WEEKS_IN_CHART else ("month", "MS")


def _by_segment(colors: dict[str, str]) -> dict[str, Any]:
    scale = {"domain": list(colors), "range": list(colors.values())}
    return {"field": "how", "type": "nominal", "scale": scale, "legend": None}


def _chart(bars: pd.DataFrame, unit: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the figures of a chart and its specification."""
    with_year = bars.index[0].year != bars.index[-1].year
    spelled = "%b %Y" if unit == "month" else "%d %b %Y" if with_year else "%d %b"
    names = [f"{day:{spelled}}".lstrip("0") for day in bars.index]
    figures = pd.DataFrame(
        {
            "at": names,
            "Failed": bars["failed"],
            "Completed": bars["completed"],
            "Others": bars["total"] - bars["failed"] - bars["completed"],
            "Total": bars["total"],
        }
    )
    segments = list(_COLORS)
    # Counted back from the last bar, which is today's.
    labelled = names[:: -max(1, -(-len(names) // LABELS_ON_AXIS))]
    return figures, {
        "transform": [
            {"fold": segments, "as": ["how", "jobs"]},
            {"calculate": f"indexof({segments}, datum.how)", "as": "place"},
        ],
        "mark": {"type": "bar", "strokeWidth": 1},
        "encoding": {
            "x": {
                "field": "at",
                "type": "ordinal",
                "sort": None,
                "title": None,
                "axis": {"values": labelled, "labelAngle": 0, "labelOverlap": False, "ticks": True},
            },
            "y": {
                "field": "jobs",
                "type": "quantitative",
                "title": None,
                "axis": {"tickCount": 4, "format": "~s"},
                # Without a domain of its own, Vega warns of the figures that have not come yet.
                "scale": {"domain": [0, max(1, int(figures["Total"].max()))], "nice": True},
            },
            "order": {"field": "place", "type": "quantitative"},
            "stroke": _by_segment(_COLORS),
            "fill": _by_segment(_COLORS | {"Others": "transparent"}),
            "tooltip": [
                {"field": "at", "type": "nominal", "title": unit.capitalize()},
                *(
                    {"field": each, "type": "quantitative", "format": ","}
                    for each in [*segments, "Total"]
                ),
            ],
        },
    }
