"""The figures that say at one look how a period went."""

from __future__ import annotations

import math
from typing import Final

import streamlit as st

from jobs_data.statistics.activity import Activity
from jobs_data.statistics.durations import Durations
from jobs_data.statistics.headline import Headline, headline
from jobs_data.wording import counted, ran
from pages.parts.statistics.panel import Scope

MINUS: Final = "\N{MINUS SIGN}"


def show_headline(activity: Activity, durations: Durations, scope: Scope) -> None:
    """Show how many jobs there were, how many of them completed, and how long they took."""
    about = "Jobs created in the period, by their state now. Completed is a share of the finished jobs."
    if before := activity.before:
        about += (
            f" In the {scope.period.days} days before, {before.failed:,} of "
            f"{counted(before.completed + before.failed, 'finished job')} failed."
        )
    parts = headline_parts(headline(activity, durations))
    if activity.bound:
        parts[0] = f"Newest {parts[0]}"
    st.markdown(" · ".join(parts), help=about)


def headline_parts(found: Headline) -> list[str]:
    """Return the figures as Markdown, without those that are not known."""
    parts = [f"**{counted(found.total)}**"]
    if found.completed_share is not None:
        # Cut, not rounded: with a failure it is never 100 %.
        share = f"**{math.floor(found.completed_share * 1000) / 10:g} %** completed"
        parts.append(share + _change(found.change_points))
    if found.with_errors:
        parts.append(f"**{found.with_errors:,}** with errors")
    if found.median_seconds is not None:
        parts.append(f"median **{ran(found.median_seconds)}**")
    return parts


def _change(points: float | None) -> str:
    if points is None:
        return ""
    rounded = round(points, 1)
    return f", {rounded:+g} points".replace("-", MINUS) if rounded else ", unchanged"
