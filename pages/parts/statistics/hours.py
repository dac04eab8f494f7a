"""In which hours of the week jobs are created."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.statistics.activity import Activity
from pages.parts.statistics.panel import Scope, channel, numbers

WEEKDAYS: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MARK: Final = "#4a90c2"  # stands out from a light and from a dark background by 3 : 1


def show_hours(activity: Activity, scope: Scope) -> None:
    """Show a disc for each hour of each weekday, the larger the more jobs were created."""
    if not activity.by_hour["jobs"].any():
        scope.say_none("was created")
        return
    hours = activity.by_hour.assign(day=[WEEKDAYS[day] for day in activity.by_hour["weekday"]])
    # Without a domain of its own, Vega warns of the figures that have not come yet.
    size = {"domain": [0, int(hours["jobs"].max())], "rangeMin": 8, "rangeMax": 420}
    spec = {
        "mark": {"type": "circle", "color": _MARK, "opacity": 1},
        "encoding": {
            "x": channel(
                "hour",
                "ordinal",
                "Hour",
                scale={"domain": list(range(24))},
                axis={"labelAngle": 0},
            ),
            "y": channel("day", "ordinal", scale={"domain": WEEKDAYS}),
            "size": channel("jobs", "quantitative", legend=None, scale=size),
            "tooltip": [
                channel("day", "ordinal", "Day"),
                channel("hour", "ordinal", "Hour"),
                channel("jobs", "quantitative", "Jobs", format=","),
            ],
        },
    }
    st.caption(f"Jobs created, in {scope.zone.key}. The larger the disc, the more jobs.")
    alt = "Jobs created by weekday and hour: the numbers are below"
    st.vega_lite_chart(hours[hours["jobs"] > 0], spec, height=280, alt=alt)
    numbers("busiest-hours", hours)
