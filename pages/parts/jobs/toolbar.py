"""What stands between the cards and the table: search, filters, order, refresh, export, clear."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.jobs import export
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ListView, Sort
from jobs_data.jobs.view_url import filter_params
from jobs_data.platform.status import State
from jobs_data.wording import counted
from pages.parts.jobs import filter_bar, filter_form, groups
from pages.parts.removal import dialogs, progress
from pages.parts.shared.address import go_to, leave_for, origin_params, view_in_url
from pages.parts.shared.refresh import refresh_controls
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer

STATES: Final[dict[str, State | None]] = {
    "All": None,
    "Active": State.ACTIVE,
    "Completed": State.COMPLETED,
    "Failed": State.FAILED,
}
ORDERS: Final = {
    "Newest": (Sort.DATE, False),
    "Oldest": (Sort.DATE, True),
    "Name A–Z": (Sort.NAME, False),
    "Name Z–A": (Sort.NAME, True),
    "Status, active first": (Sort.STATUS, False),
    "Status, failed first": (Sort.STATUS, True),
    "Owner A–Z": (Sort.OWNER, False),
    "Owner Z–A": (Sort.OWNER, True),
    "Completed last": (Sort.COMPLETED, False),
    "Completed first": (Sort.COMPLETED, True),
    "Related record A–Z": (Sort.RELATED, False),
    "Related record Z–A": (Sort.RELATED, True),
}


def show_toolbar(jobs: JobsList, viewer: Viewer, zone: ZoneInfo) -> None:
    """Show the controls of the list; filter and order write to the URL and nowhere else.

    Raises DatabaseUnavailable.
    """
    asked = jobs.view.filter
    with st.container(horizontal=True, vertical_alignment="center", key="finding"):
        filter_bar.show_search(asked)
        filter_form.show_filters(asked, get_services().database, zone)
        _order(jobs.view)
        _states(asked.state)
    filter_bar.show_chips(asked, filter_bar.owner_names(get_services().database, asked), zone)
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        refresh_controls(on_refresh=_refresh_pressed)
        groups.show_toggle(jobs)
        st.space("stretch")
        _export_buttons(jobs)
        _tidy_button(jobs)
        if viewer.may_remove:
            _clear_button(jobs)
    filter_bar.show_bound(jobs)


def _order(view: ListView) -> None:
    current = (view.sort, view.is_reversed)
    st.session_state["order"] = next(label for label in ORDERS if ORDERS[label] == current)
    st.selectbox(
        "Order",
        list(ORDERS),
        key="order",
        on_change=_order_picked,
        label_visibility="collapsed",
        icon=":material/swap_vert:",
        filter_mode="contains",
        width=200,
    )


def _states(current: State | None) -> None:
    # The URL is the truth: the widget is set from it on every run and only ever writes to it. A
    # state that has no button here is one of the chips.
    st.session_state["state"] = next((label for label in STATES if STATES[label] == current), None)
    st.segmented_control(
        "State",
        list(STATES),
        key="state",
        required=current in STATES.values(),
        on_change=_state_picked,
        label_visibility="collapsed",
    )


def _state_picked() -> None:
    go_to(view_in_url().with_state(STATES[st.session_state["state"]]))


def _order_picked() -> None:
    sort, is_reversed = ORDERS[st.session_state["order"]]
    go_to(view_in_url().with_sort(sort, is_reversed=is_reversed))


def _refresh_pressed() -> None:
    st.session_state["wants_fresh"] = True


def _csv_of(view: ListView) -> bytes:
    services = get_services()
    return b"".join(export.csv_chunks(services.database, view, order=services.order))


def _export_buttons(jobs: JobsList) -> None:
    icon, view = ":material/download:", jobs.view.unpaged
    # Where a search ran out of time there may be many more than it has counted, or any at all.
    is_empty = not jobs.matching and jobs.looked_at is None
    why = "There is no job to export with this filter." if is_empty else None
    if jobs.matching > export.BUTTON_MAX_JOBS or jobs.looked_at is not None:
        st.link_button("Export CSV", addresses.export_url(view), icon=icon)
    else:
        st.download_button(
            "Export CSV",
            data=lambda: _csv_of(view),
            file_name=export.FILE_NAME,
            mime="text/csv",
            icon=icon,
            on_click="ignore",
            disabled=is_empty,
            help=why or f"The {counted(jobs.matching)} of this filter, in this order.",
            wrap=False,
        )
    st.link_button(
        "All columns",
        addresses.export_url(view, all_columns=True),
        icon=icon,
        disabled=is_empty,
        help=why or "The same jobs as a CSV with everything that is known of them but their output.",
        wrap=False,
    )


def _tidy_button(jobs: JobsList) -> None:
    st.button(
        "Clean up…",
        icon=":material/rule:",
        help="Rules for which jobs to delete, with a preview.",
        on_click=_open_cleanup,
        args=(jobs.view,),
    )


def _open_cleanup(view: ListView) -> None:
    leave_for("cleanup.py", {**filter_params(view.filter), **origin_params()})


def _clear_button(jobs: JobsList) -> None:
    if not jobs.everything.finished:
        return
    running = progress.is_running()
    st.button(
        "Clear inactive…",
        icon=":material/delete_sweep:",
        on_click=dialogs.ask_delete_all_finished,
        disabled=running,
        help="Jobs are being deleted right now."
        if running
        else "Deletes all completed and failed jobs, whatever the filters show. Asks first.",
        wrap=False,
    )
