"""The list of jobs: counts that filter it, the table, and what can be done with jobs.

The table is drawn first, in its place: presses are about its rows.
"""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import EVERYTHING
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.jobs import (
    beside,
    counts,
    filter_bar,
    groups,
    late,
    news,
    reading,
    since_visit,
    table,
    toolbar,
)
from pages.parts.jobs.selection_bar import show_line
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs, progress
from pages.parts.shared import address, reads, refresh, selection
from pages.parts.shared.last_visit import last_visit
from pages.parts.shared.page_state import page_state
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

services = get_services()
database = services.database
zone = times.zone_named(st.context.timezone)

head = st.container(horizontal=True, vertical_alignment="center", key="head")
with head:
    reading.title(services.settings.site_url)
top, tools, line = counts.place(), toolbar.place(), filter_bar.place()


@st.fragment(key="list")
def show_page() -> None:
    """Show what the address asks for; a press on the page runs this alone."""
    if address.is_leaving():
        st.rerun()  # `main.py` goes there
    try:
        show_list(page_state(JobsState))
    except DatabaseUnavailable as problem:
        for place in (head, top, tools, line):  # else no later run of this fragment could use them
            place.empty()
        refresh.show_problem(problem)


def show_list(state: JobsState) -> None:
    """Show the rows, and then what stands around them. Raises DatabaseUnavailable."""
    viewer = get_viewer()
    filter_bar.follow_number(database, state)
    asked = groups.as_shown(address.view_in_url())
    alive = beside.recent_liveness(services)
    # What stands beside the table is read after it, unless the rows lack what the active jobs do.
    begun = None if alive else beside.begin(services, asked.filter, zone)
    progress.take_result()
    is_asked, selected = dialogs.is_open(), selection.selected_ids()
    jobs, problem = reading.read_jobs(state, asked, keeps=is_asked)
    if begun:
        alive = beside.wait_for_liveness(begun)
    names = reads.user_names(database, asked.filter.owners)

    notices = st.container()
    if len(jobs.rows):
        table.show_table(jobs, zone, viewer, selected, state, alive)
    else:
        with st.container(key="nothing"):
            filter_bar.show_nothing(jobs, names, zone)
    begun = begun or beside.begin(services, asked.filter, zone)
    visit = last_visit(viewer)
    since = since_visit.begin(visit, database) if visit and asked.filter == EVERYTHING else None
    late.pause(begun, since, state)

    table.show_pager(jobs, zone)
    filter_bar.show_bound(jobs)
    with notices:
        if problem:
            refresh.show_age(jobs.read_at, problem)
        progress.show_progress()
        state.notice = progress.show_notice()
        filter_bar.show_limits(jobs, services.outcomes.limits)
    lacking = late.still_read(begun, alive, jobs, since)
    with line:
        show_line(jobs, selected, viewer, state, names, zone, begun, since)
    with top:
        counts.show_counts(jobs, begun)
    with tools:
        toolbar.show_toolbar(jobs, viewer, zone, state)
    drawn = news.Drawn(asked, jobs, problem, alive, visit, zone)
    show_head(state, jobs, news.watcher(services, state, drawn, begun))
    # A dialog speaks of what is shown, and so does a selection.
    if not (is_asked or (selected.size and jobs.is_counted)):
        late.draw_again(jobs, lacking, services, state)


def show_head(state: JobsState, jobs: JobsList, look: Callable[[], datetime | None]) -> None:
    """Show when the jobs were read, the ways to read them again, and the open dialog."""
    with head:
        st.space("stretch")
        updated = refresh.updated_place()
        refresh.refresh_controls(on_refresh=lambda: reading.want_fresh(state))
    dialogs.show_dialog(address.view_in_url())
    with updated:
        paused_by = "a dialog is open" if dialogs.is_open() else ""
        refresh.keep_refreshing(jobs.read_at, zone, paused_by=paused_by, look=look, reruns="list")


show_page()
