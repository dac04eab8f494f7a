"""What stands between the counts and the table: search, filters, export and the menu."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.jobs import export
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ListView
from jobs_data.jobs.view_url import filter_params
from jobs_data.wording import counted
from pages.parts.jobs import filter_bar, filter_form
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs, progress
from pages.parts.shared.address import go_to, leave_for, notify, origin_params, view_in_url
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer

MENU: Final = "menu"
CLEAN_UP: Final = "Clean up…"
DELETE_ALL: Final = "Delete all finished…"
GROUP: Final = "Group repeated jobs"
SHOW_EACH: Final = "Show repeated jobs one by one"


def show_toolbar(jobs: JobsList, viewer: Viewer, zone: ZoneInfo, state: JobsState) -> None:
    """Show the controls of the list. Raises DatabaseUnavailable."""
    with st.container(horizontal=True, vertical_alignment="center", key="tools"):
        filter_bar.show_search(jobs.view.filter, state)
        filter_form.show_filters(jobs.view.filter, get_services().database, zone)
        _export(jobs)
        _menu(jobs, viewer)


def _menu(jobs: JobsList, viewer: Viewer) -> None:
    options = [CLEAN_UP]
    if viewer.may_remove and jobs.everything.finished:
        options.append(DELETE_ALL)
    options.append(SHOW_EACH if jobs.folded is not None else GROUP)
    st.menu_button(
        "More",
        options,
        key=MENU,
        icon=":material/more_vert:",
        help="Delete all finished is what the platform calls Clear inactive.",
        on_click=_picked,
    )


def _picked() -> None:
    choice, view = st.session_state[MENU], view_in_url()
    if choice == CLEAN_UP:
        leave_for("cleanup.py", {**filter_params(view.filter), **origin_params()})
    elif choice == DELETE_ALL and progress.is_running():
        notify("Jobs are being deleted already. Wait until that has ended.", is_good=False)
    elif choice == DELETE_ALL:
        dialogs.ask_delete_all_finished()
    elif choice in {GROUP, SHOW_EACH}:
        go_to(view.with_fold(choice == GROUP))


def _csv_of(view: ListView) -> bytes:
    services = get_services()
    return b"".join(export.csv_chunks(services.database, view, order=services.order))


def _export(jobs: JobsList) -> None:
    view = jobs.view.unpaged
    # Where a search ran out of time there may be many more than it has counted, or any at all.
    is_empty = not jobs.matching and jobs.looked_at is None
    popover = st.popover(
        "Export",
        icon=":material/download:",
        disabled=is_empty,
        help="There is no job to export with this filter." if is_empty else None,
        key="export",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        if jobs.matching > export.BUTTON_MAX_JOBS or jobs.looked_at is not None:
            st.link_button("Export CSV", addresses.export_url(view), width="stretch")
        else:
            st.download_button(
                "Export CSV",
                data=lambda: _csv_of(view),
                file_name=export.FILE_NAME,
                mime="text/csv",
                on_click="ignore",
                width="stretch",
            )
        st.link_button("All columns", addresses.export_url(view, all_columns=True), width="stretch")
        st.caption(f"{counted(jobs.matching)}, in the order of the list.")
