"""What stands between the cards and the table: filter, order, refresh, export, clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import streamlit as st

from jobs_data import export, links
from jobs_data.engine import get_database
from jobs_data.filters import ListView, Sort
from jobs_data.queries import JobsList
from jobs_data.status import State
from pages.parts import clearing, dialogs
from pages.parts.refresh import refresh_controls
from pages.parts.state import go_to, view_in_url
from pages.parts.viewer import Viewer

STATES: Final[dict[str, State | None]] = {
    "All": None,
    "Active": State.ACTIVE,
    "Completed": State.COMPLETED,
    "Failed": State.FAILED,
}
SORTS: Final = {"Newest": Sort.DATE, "Name": Sort.NAME}


def show_toolbar(jobs: JobsList, viewer: Viewer) -> None:
    """Show the controls of the list; filter and order write to the URL and nowhere else."""
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        _choice("Filter", STATES, "state", jobs.view.filter.state, _filter_picked)
        _choice("Order", SORTS, "order", jobs.view.sort, _order_picked)
        st.space("stretch")
        refresh_controls(on_refresh=_refresh_pressed)
        _export_button(jobs)
        if viewer.may_remove:
            _clear_button(jobs)


def _choice(
    label: str,
    options: Mapping[str, object],
    key: str,
    current: object,
    on_change: Callable[[], None],
) -> None:
    # The URL is the truth: the widget is set from it on every run and only ever writes to it.
    st.session_state[key] = next(name for name, value in options.items() if value == current)
    st.segmented_control(
        label,
        list(options),
        key=key,
        required=True,
        on_change=on_change,
        label_visibility="collapsed",
    )


def _filter_picked() -> None:
    go_to(view_in_url().with_state(STATES[st.session_state["state"]]))


def _order_picked() -> None:
    go_to(view_in_url().with_sort(SORTS[st.session_state["order"]]))


def _refresh_pressed() -> None:
    st.session_state["wants_now"] = True


def _export_button(jobs: JobsList) -> None:
    label, icon = "Export CSV", ":material/download:"
    view = ListView(jobs.view.filter, jobs.view.sort)
    if jobs.matching > export.BUTTON_MAX_JOBS:
        st.link_button(label, links.export_url(view), icon=icon)
        return
    st.download_button(
        label,
        data=lambda: b"".join(export.csv_chunks(get_database(), view)),
        file_name=export.FILE_NAME,
        mime="text/csv",
        icon=icon,
        on_click="ignore",
        disabled=not jobs.matching,
        help=f"The {jobs.matching:,} jobs of this filter, in this order."
        if jobs.matching
        else "There is no job to export with this filter.",
        wrap=False,
    )


def _clear_button(jobs: JobsList) -> None:
    if not jobs.counts.finished:
        return
    running = clearing.is_running()
    st.button(
        "Clear inactive…",
        icon=":material/delete_sweep:",
        on_click=dialogs.ask_clear,
        disabled=running,
        help="Finished jobs are being cleared right now."
        if running
        else "Removes finished jobs; asks first.",
        wrap=False,
    )
