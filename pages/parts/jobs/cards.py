"""The four cards above the list."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.platform.status import State
from jobs_data.wording import counted
from pages.parts.shared.reads import Reading

_CARDS = (
    ("Total", ":material/list:", "total"),
    ("Active", ":material/autorenew:", State.ACTIVE.value),
    ("Completed", ":material/check_circle:", State.COMPLETED.value),
    ("Failed", ":material/error:", State.FAILED.value),
)
_TREND_HELP = "The bars: jobs created on each of the last 14 days, by the state they are in now."


def show_cards(jobs: JobsList, trend: Reading[pd.DataFrame] | None) -> Callable[[], None]:
    """Show how many jobs there are in all and in each state, with the trend of the last 14 days.

    Where the trend has not been read yet there are no bars in its place. The function returned waits
    for it and puts them there; where it cannot be read there are none. Without a trend, a search is
    counted, which the cards say.
    """
    values = {
        "total": jobs.counts.total,
        State.ACTIVE.value: jobs.counts.active,
        State.COMPLETED.value: jobs.counts.completed,
        State.FAILED.value: jobs.counts.failed,
    }
    places = []
    with st.container(horizontal=True, key="cards"):
        for label, icon, column in _CARDS:
            with st.container(border=True, gap=None):
                st.metric(
                    label,
                    f"{values[column]:,}",
                    icon=icon,
                    help=_help(jobs, column, with_trend=trend is not None),
                )
                if trend is not None:
                    places.append(st.empty())
    if trend is None:
        st.caption(f":material/filter_alt: {_counted(jobs)}")
        return lambda: None
    is_late = not trend.is_done
    _fill(places, trend)

    def finish() -> None:
        trend.wait()
        if is_late:
            _fill(places, trend)

    return finish


def _fill(places: list[DeltaGenerator], trend: Reading[pd.DataFrame]) -> None:
    days = None if trend.has_failed else trend.result()
    for place, (_, _, column) in zip(places, _CARDS, strict=True):
        place.html('<div class="trend"></div>' if days is None else _bars(days[column]))


def _bars(days: pd.Series[int]) -> str:
    """Return a bar for each day as HTML, made of dates and numbers alone.

    A metric's own chart would load Streamlit's whole charting library before the table is drawn.
    """
    most = max(1, days.max())
    bars = "".join(
        f'<i style="height:{100 * count / most:.0f}%" title="{day:%a %d %b}: {count:,}"></i>'
        for day, count in days.items()
    )
    told = f"Jobs created a day, last {len(days)} days: {', '.join(f'{count:,}' for count in days)}"
    return f'<div class="trend" role="img" aria-label="{told}">{bars}</div>'


def _counted(jobs: JobsList) -> str:
    looked_at = jobs.everything.total if jobs.looked_at is None else jobs.looked_at
    return (
        "The cards count what the search and the filters find: "
        f"{jobs.counts.total:,} of {counted(looked_at)}."
    )


def _help(jobs: JobsList, column: str, *, with_trend: bool) -> str | None:
    told = []
    if column == "total" and jobs.counts.other:
        told.append(
            f"{jobs.counts.other:,} of these jobs are neither active, completed nor failed: they have "
            "a completion time but no status that says how they ended, a cancelled job for example. "
            "They count here alone."
        )
    if with_trend:
        told.append(_TREND_HELP)
    return " ".join(told) or None
