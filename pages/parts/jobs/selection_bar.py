"""The line above the table: how many jobs match, or what is selected and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.selections import MAX_JOBS, Contents, TooManyJobs, read_contents
from jobs_data.jobs.view import EVERYTHING
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import State
from jobs_data.wording import counted
from pages.parts.jobs import filter_bar
from pages.parts.jobs.beside import Beside
from pages.parts.jobs.quick_filters import show_quick_filters
from pages.parts.jobs.since_visit import Since
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs
from pages.parts.shared import selection
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain
from pages.parts.shared.viewer import Viewer

MANY_SELECTED = 10_000
MAX_LOOKED_AT = 200_000
NAMES_SHOWN = 3


def show_line(
    jobs: JobsList,
    selected: Ids,
    viewer: Viewer,
    state: JobsState,
    names: Mapping[int, str],
    zone: ZoneInfo,
    beside: Beside,
    since: Since | None,
) -> None:
    """Show the selection where there is one, else the filters and how many jobs match.

    Of the plain list it also says what has ended since the viewer's last visit.
    """
    if selected.size:
        _show_selection(jobs, selected, viewer, state)
        return
    filter_bar.show_chips(jobs, names, zone, state)
    show_quick_filters(jobs, beside)
    if since:
        since.show(jobs.read_at, zone)


def _show_selection(jobs: JobsList, selected: Ids, viewer: Viewer, state: JobsState) -> None:
    try:
        contents = _contents(jobs, selected, state) if selected.size <= MAX_LOOKED_AT else None
    except DatabaseUnavailable as problem:
        contents = None
        st.warning(plain(str(problem)), icon=":material/cloud_off:")
    st.markdown(_summary(selected, contents), help=_names(contents))
    if viewer.may_remove:
        none_finished = contents is not None and not contents.finished
        st.button(
            "Delete…",
            key="ask_delete",
            icon=":material/delete:",
            on_click=dialogs.ask_delete,
            args=(selected,),
            disabled=none_finished,
            help="None of them is finished. Only finished jobs can be deleted."
            if none_finished
            else None,
        )
    if jobs.matching > selected.size or not filter_bar.has_numbers(jobs):
        too_many = jobs.matching > MAX_JOBS
        # A search that was stopped, or goes on, has found some of the jobs that it looks for.
        is_known = jobs.looked_at is None and filter_bar.has_numbers(jobs)
        number = f" {jobs.matching:,}" if is_known else ""
        which = "" if jobs.view.filter == EVERYTHING else " matching"
        # A key, because without one a button is another button when its label changes.
        st.button(
            f"Select all{number}{which}",
            key="select_all",
            icon=":material/select_all:",
            on_click=selection.add_matching,
            args=(jobs.view.filter,),
            disabled=too_many,
            help=str(TooManyJobs()) if too_many else None,
        )
    st.button(
        "Clear selection",
        key="clear_selection",
        icon=":material/deselect:",
        on_click=selection.clear,
    )


def _contents(jobs: JobsList, selected: Ids, state: JobsState) -> Contents:
    """Return what is selected: read when it changes, and a small selection along with the list too."""
    asked = (
        jobs.view.filter,
        get_services().database.changes,
        selected.size <= MANY_SELECTED and jobs.read_at,
    )
    if state.contents and state.contents[0] == asked and np.array_equal(state.contents[1], selected):
        return state.contents[2]
    contents = read_contents(get_services().database, selected, jobs.view.filter)
    state.contents = (asked, selected, contents)
    return contents


def _summary(selected: Ids, contents: Contents | None) -> str:
    """Return as Markdown how many are selected, and what they are as far as that is known."""
    if contents is None:
        return f"**{selected.size:,} selected**"
    states = {
        "finished": contents.finished,
        "active": contents.in_state(State.ACTIVE),
        "with another status": contents.in_state(State.OTHER),
        "no longer there": contents.missing,
        "not in this filter": contents.outside,
    }
    parts = [f"{n:,} {what}" for what, n in states.items() if n or what == "finished"]
    return f"**{selected.size:,} selected** ({', '.join(parts)})"


def _names(contents: Contents | None) -> str:
    """Return as Markdown the most frequent names of what is selected."""
    if contents is None:
        return f"Of more than {MAX_LOOKED_AT:,} jobs only the number is shown."
    names = [f"{jobs:,} × {plain(name)}" for name, jobs in contents.names[:NAMES_SHOWN]]
    if len(contents.names) > NAMES_SHOWN:
        names.append(counted(len(contents.names) - NAMES_SHOWN, "more name"))
    return ", ".join(names)
