"""What the report's charts look like. The figures come to them when they are shown.

A chart is made once for each process: Altair checks it against a large schema, which takes longer than
all the rest of a page that is read from the cache.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import altair

SECONDS_NAMED: Final = (1, 10, 60, 600, 3_600, 36_000, 360_000)
HALF_A_LABEL: Final = 35  # in pixels
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# Both stand out from the light background and from the dark one.
_MARK: Final = "#4a90c2"
_LABEL: Final = "#8a8f98"
_FIGURES: Final = altair.NamedData("figures")


@cache
def days(label: str, *, by_week: bool, with_year: bool) -> dict[str, Any]:
    """Return bars of `jobs` for each `day`, or for each week that begins with it."""
    return _spec(
        altair.Chart(_FIGURES)
        .mark_bar(color=_MARK)
        .encode(
            # Ordinal: each label stands below its bar, and none at the end of the last one.
            x=altair.X(
                "yearmonthdate(day):O",
                title=None,
                axis=altair.Axis(
                    format="%d %b %Y" if with_year else "%d %b",
                    labelAngle=0,
                    labelOverlap=True,
                    # A long label near an end grows inwards: the year must not be cut off.
                    labelFlush=HALF_A_LABEL if with_year else False,
                ),
            ),
            y=altair.Y("jobs:Q", title=None, axis=altair.Axis(tickCount=3, format="~s")),
            tooltip=[
                altair.Tooltip("day:T", title="Week from" if by_week else "Day", format="%Y-%m-%d"),
                altair.Tooltip("jobs:Q", title=label, format=","),
            ],
        )
        .properties(height=110)
    )


@cache
def durations(rows: int) -> dict[str, Any]:
    """Return a line from `median` to `p95` for each of so many `name`s; the tooltip has its `runs`."""
    base = altair.Chart(_FIGURES).encode(
        y=altair.Y("name:N", sort=None, title=None, axis=altair.Axis(labelLimit=170))
    )
    seconds = altair.Scale(type="symlog")
    tooltip = [
        altair.Tooltip("name:N", title="Job name"),
        altair.Tooltip("median:Q", title="Median (s)", format=",.1f"),
        altair.Tooltip("p95:Q", title="95 % (s)", format=",.1f"),
        altair.Tooltip("runs:Q", title="Runs", format=","),
    ]
    medians = base.mark_point(shape="circle", size=80, filled=True, color=_MARK).encode(
        x=altair.X(
            "median:Q",
            scale=seconds,
            axis=altair.Axis(values=SECONDS_NAMED),
            title="Seconds (● median, △ 95 %)",
        ),
        tooltip=tooltip,
    )
    return _spec(
        (
            base.mark_rule(color=_LABEL).encode(x=altair.X("median:Q", scale=seconds), x2="p95:Q")
            + medians
            + base.mark_point(shape="triangle-up", size=80, color=_MARK).encode(
                x=altair.X("p95:Q", scale=seconds), tooltip=tooltip
            )
        ).properties(height=40 + 28 * rows)
    )


@cache
def hours() -> dict[str, Any]:
    """Return a disc for each `hour` of each `day` of the week, the larger the more `jobs`."""
    return _spec(
        altair.Chart(_FIGURES)
        .mark_circle(color=_MARK, opacity=1)
        .encode(
            x=altair.X(
                "hour:O",
                title="Hour",
                scale=altair.Scale(domain=list(range(24))),
                axis=altair.Axis(labelAngle=0),
            ),
            y=altair.Y("day:O", title=None, scale=altair.Scale(domain=list(WEEKDAYS))),
            size=altair.Size("jobs:Q", legend=None, scale=altair.Scale(rangeMin=8, rangeMax=420)),
            tooltip=[
                altair.Tooltip("day:O", title="Day"),
                altair.Tooltip("hour:O", title="Hour"),
                altair.Tooltip("jobs:Q", title="Jobs", format=","),
            ],
        )
        .properties(height=250)
    )


@cache
def owners(rows: int) -> dict[str, Any]:
    """Return a bar of the `total` of each of so many `owner`s."""
    base = altair.Chart(_FIGURES).encode(
        x=altair.X("total:Q", title="Jobs", axis=altair.Axis(format="~s")),
        y=altair.Y("owner:N", sort=None, title=None, axis=altair.Axis(labelLimit=170)),
    )
    labels = base.mark_text(align="left", dx=4, color=_LABEL).encode(
        text=altair.Text("total:Q", format=",")
    )
    return _spec((base.mark_bar(color=_MARK) + labels).properties(height=50 + 26 * rows))


def _spec(chart: altair.Chart | altair.LayerChart) -> dict[str, Any]:
    spec = chart.to_dict()
    # Streamlit puts the figures here.
    del spec["data"]
    return spec
