"""What stands between the counts and the table: search, filters, export and the menu."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view_url import filter_params
from pages.parts.jobs import export_menu, filter_bar, filter_form
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs, progress
from pages.parts.shared.address import leave_for, notify, origin_params, view_in_url
from pages.parts.shared.look import room
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer

MENU: Final = "menu"
CLEAN_UP: Final = "Clean up…"
DELETE_ALL: Final = "Delete all finished…"


def place() -> DeltaGenerator:
    """Return the place of the controls, which has their height before they are there."""
    return room("tools", horizontal=True, vertical_alignment="center")


def show_toolbar(jobs: JobsList, viewer: Viewer, zone: ZoneInfo, state: JobsState) -> None:
    """Show the controls of the list. Raises DatabaseUnavailable."""
    filter_bar.show_search(jobs.view.filter, state)
    filter_form.show_filters(jobs, get_services().database, zone)
    export_menu.show_export(jobs, zone)
    _menu(jobs, viewer)


def _menu(jobs: JobsList, viewer: Viewer) -> None:
    options = [CLEAN_UP]
    if viewer.may_remove and (jobs.everything.finished or not jobs.is_counted):
        options.append(DELETE_ALL)
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
