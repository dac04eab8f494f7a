"""In which hours of the week jobs are created."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.statistics.activity import Activity
from pages.parts.statistics.panel import numbers

HEIGHT: Final = 280
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MARK: Final = "#4a90c2"  # stands out from a light and from a dark background by 3 : 1


def show_hours(activity: Activity, zone: ZoneInfo) -> None:
    """Show a disc for each hour of each weekday, the larger the more jobs were created."""
    hours = activity.by_hour.assign(day=[WEEKDAYS[day] for day in activity.by_hour["weekday"]])
    st.caption(f"Jobs created, in {zone.key}. The larger the disc, the more jobs.")
    st.vega_lite_chart(
        hours[hours["jobs"] > 0],
        _chart(max(1, int(hours["jobs"].max()))),
        height=HEIGHT,
        alt="Jobs created by weekday and hour: the numbers are below",
    )
    numbers("busiest-hours", hours, {"day": "Day", "hour": "Hour", "jobs": "Jobs"})


def _chart(most: int) -> dict[str, Any]:
    return {
        "mark": {"type": "circle", "color": _MARK, "opacity": 1},
        "encoding": {
            "x": {
                "field": "hour",
                "type": "ordinal",
                "title": "Hour",
                "scale": {"domain": list(range(24))},
                "axis": {"labelAngle": 0},
            },
            "y": {
                "field": "day",
                "type": "ordinal",
                "title": None,
                "scale": {"domain": list(WEEKDAYS)},
            },
            "size": {
                "field": "jobs",
                "type": "quantitative",
                "legend": None,
                "scale": {"domain": [0, most], "rangeMin": 8, "rangeMax": 420},
            },
            "tooltip": [
                {"field": "day", "type": "ordinal", "title": "Day"},
                {"field": "hour", "type": "ordinal", "title": "Hour"},
                {"field": "jobs", "type": "quantitative", "title": "Jobs", "format": ","},
            ],
        },
    }
