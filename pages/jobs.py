"""The list of jobs: counts that filter it, the table, and what can be done with jobs.

The table is drawn first, in its place: presses are about its rows.
"""

import streamlit as st

from jobs_data.jobs.view import EVERYTHING
from jobs_data.platform import times
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

services, viewer, state = get_services(), get_viewer(), page_state(JobsState)
database = services.database
zone = times.zone_named(st.context.timezone)
filter_bar.follow_number(database, state)
in_url = address.view_in_url()
asked = groups.as_shown(in_url)
alive = beside.recent_liveness(services)
# What stands beside the table is read after it, unless the rows lack what the active jobs do.
begun = None if alive else beside.begin(services, asked.filter, zone)

progress.take_result()
is_asked = dialogs.is_open()
head = st.container(horizontal=True, vertical_alignment="center", key="head")
with head:
    reading.title(services.settings.site_url)
jobs, problem = reading.read_jobs(state, asked, keeps=is_asked)
selected = selection.selected_ids()
if begun:
    alive = beside.wait_for_liveness(begun)
names = reads.user_names(database, asked.filter.owners)

notices = st.container()
top, tools, notes, line = counts.place(), toolbar.place(), st.container(), filter_bar.place()
if len(jobs.rows):
    table.show_table(jobs, zone, viewer, selected, state, alive)
    table.show_pager(jobs, zone)
else:
    with st.container(key="nothing"):
        filter_bar.show_nothing(jobs, names, zone)
    st.empty()  # in place of the pager, which would stay until this run ends
filter_bar.show_bound(jobs)

begun = begun or beside.begin(services, asked.filter, zone)
with notices:
    if problem:
        refresh.show_age(jobs.read_at, problem)
    progress.show_progress()
    state.notice = progress.show_notice()
with notes:
    filter_bar.show_limits(jobs, services.outcomes.limits)
with head:
    st.space("stretch")
    visit = last_visit(viewer)
    updated = st.container(horizontal=True, vertical_alignment="center", width="content")
    refresh.refresh_controls(on_refresh=lambda: reading.want_fresh(state))
since = since_visit.begin(visit, database) if visit and asked.filter == EVERYTHING else None
lacking = late.wait_for_cached(begun, alive, jobs, since)
with line:
    show_line(jobs, selected, viewer, state, names, zone, begun, since)
with top:
    counts.show_counts(jobs, begun)
with tools:
    toolbar.show_toolbar(jobs, viewer, zone, state)

dialogs.show_dialog(in_url)
with updated:
    refresh.keep_refreshing(
        jobs.read_at,
        zone,
        paused_by="a dialog is open" if is_asked else "",
        look=news.watcher(services, state, news.Drawn(asked, jobs, problem, alive, visit, zone), begun),
    )
# A dialog speaks of what is shown, and so does a selection.
if not (is_asked or (selected.size and jobs.is_counted)):
    late.draw_again(jobs, lacking, services, state)
