"""Repeated jobs in a row, grouped in one line of the list: what it says, and what opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data.jobs import folding
from jobs_data.jobs.folding import Folded
from jobs_data.jobs.frames import FrameRow
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import Dates, ListView
from jobs_data.platform.status import State
from jobs_data.wording import counted
from pages.parts.jobs import alive
from pages.parts.jobs.alive import Activity
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.look import set_widget, state_cell
from pages.parts.shared.rows_table import Cell
from pages.parts.shared.services import get_services


def as_shown(view: ListView) -> ListView:
    """Return a view with repeated jobs grouped or not: as its address or the installation says."""
    wanted = get_services().settings.fold if view.fold is None else view.fold
    return replace(view, fold=wanted and view.can_group)


def show_toggle(jobs: JobsList) -> None:
    """Show whether repeated jobs are grouped, and let the viewer change it."""
    can_group = jobs.view.can_group
    set_widget("fold", jobs.folded is not None)
    st.toggle(
        "Group repeated jobs",
        jobs.folded is not None,
        key="fold",
        on_change=lambda: go_to(view_in_url().with_fold(st.session_state["fold"])),
        disabled=not can_group,
        help=f"{folding.FEWEST_JOBS} or more jobs in a row with the same name and status are one row. "
        "Press it to see them."
        if can_group
        else "Only the plain list is grouped: newest or oldest first, without search and filters. "
        "Failed jobs, completed ones with errors and jobs with a result are never grouped.",
    )


def show_pager(jobs: JobsList, folded: Folded, zone: ZoneInfo) -> None:
    """Show how many jobs the lines stand for, and the ways to the pages before and after."""
    together = sum(len(line) for line in folded.lines)
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        shown = f"{counted(len(folded.lines), 'line')} for " if together > len(folded.lines) else ""
        of = f" of {counted(jobs.matching)}" if jobs.is_counted else ""
        st.caption(f"Showing {shown}{together:,}{of} · times in {zone.key}")
        is_reversed = jobs.view.is_reversed
        for label, icon, job_id, way in (
            ("Older" if is_reversed else "Newer", ":material/chevron_left:", folded.newer, "before"),
            ("Newer" if is_reversed else "Older", ":material/chevron_right:", folded.older, "after"),
        ):
            st.button(
                label,
                key=f"fold_{way}",
                icon=icon,
                on_click=_go,
                args=(way, job_id),
                disabled=job_id is None,
                help=None if job_id else "The list ends here.",
                wrap=False,
            )


def _go(way: str, job_id: int) -> None:
    view = replace(view_in_url(), page=1, before=None, after=None)
    go_to(replace(view, before=job_id) if way == "before" else replace(view, after=job_id))


def cells_of(row: FrameRow, zone: ZoneInfo, doing: Sequence[Activity]) -> dict[str, Cell | str]:
    """Return the cells of a row that stands for several jobs: what these have in common.

    `doing` is what its active jobs do, as far as that is known.
    """
    return {
        # Errors in the newest one, which was not read before, say nothing of the others.
        "status": alive.chip(doing) if doing else state_cell(State(row["state"]), row["status"]),
        "name": Cell(
            f"{row['jobs']:,} × {human_name(row['name'])}",
            title=f"{row['name']}: shows these jobs one by one",
            detail=f"Grouped: {row['jobs']:,} in a row, all {row['state']} {_when(row, zone)}".rstrip(),
        ),
        "owner": "",
        "completed": "",
        "record": "",
    }


def _when(row: FrameRow, zone: ZoneInfo) -> str:
    """Return from when to when the jobs of a line were created; the column beside has the last day."""
    if not (span := _span(row)):
        return ""
    first, last = (time.astimezone(zone) for time in span)
    if first.date() == last.date():
        return f"{first:%H:%M}–{last:%H:%M}"
    return f"since {first:%Y-%m-%d %H:%M}"


def open_group(jobs: JobsList, line: Sequence[int]) -> None:
    """Show the jobs of a line one by one."""
    [row] = [row for row in jobs.records if row["id"] == line[0]]
    go_to(opened(view_in_url(), row))


def opened(view: ListView, row: FrameRow) -> ListView:
    """Return the view that shows the jobs of a line, one by one."""
    created = view.filter.created
    if span := _span(row):
        since, until = span
        created = Dates(since, until + timedelta(seconds=1))
    narrowed = replace(
        view.filter, names=(str(row["name"]),), state=State(row["state"]), created=created
    )
    return view.with_filter(narrowed).with_fold(False)


def _span(row: FrameRow) -> tuple[datetime, datetime] | None:
    """Return when the first and the last job of a line were created; None where that is not known."""
    times = [row["created"], row["oldest"]]
    if any(pd.isna(time) for time in times):
        return None
    first, last = sorted(time.to_pydatetime() for time in times)
    return first, last
