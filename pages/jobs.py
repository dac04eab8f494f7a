"""The list of jobs: cards, filter, table, and the ways to tidy finished jobs away."""

from functools import partial

import streamlit as st

from jobs_data import times
from jobs_data.engine import get_database
from jobs_data.live import MAX_AGE_SECONDS, NOW_SECONDS, live_of
from jobs_data.settings import get_settings
from pages.parts import (
    cards,
    clearing,
    dialogs,
    filter_bar,
    filter_form,
    readings,
    refresh,
    state,
    table,
    toolbar,
)
from pages.parts.viewer import get_viewer

database = get_database()
zone = times.zone_named(st.context.timezone)
viewer = get_viewer()
filter_bar.follow_number(database)
asked = state.view_in_url()
st.query_params.pop("id", None)  # the browser's Back leaves a report's there

clearing.take_result()

# A table keeps its selection by position: while rows are selected, or a dialog speaks of one, the
# page is drawn again from what the viewer has seen. Everything else reads anew.
seen = st.session_state.get("seen")
if seen and seen[0] == asked and (dialogs.is_open() or table.has_selection()):
    jobs = seen[1]
else:
    if table.has_selection():
        table.forget_selection()
    # Who presses Refresh means now, and so does who opens the list, unless the database takes a while
    # for it. Everybody else is shown what all share, and of when it is.
    live = live_of(database, asked)
    wants_now = st.session_state.pop("wants_now", "seen" not in st.session_state and live.is_quick)
    jobs = live.read(asked, NOW_SECONDS if wants_now else MAX_AGE_SECONDS)
    st.session_state["seen"] = (asked, jobs)

st.title("Jobs", anchor=False)
clearing.show_progress()
state.show_notice()
# The bars are of all jobs: beside the counts of a search they would say something else than these.
trend = None if asked.filter.is_search else readings.begin(partial(readings.trend, database, zone))

# The table comes first to the browser, because it takes longest to draw; it stands below the rest.
above, below = st.container(), st.container()
selected = []
with below:
    if jobs.matching:
        selected = table.show_table(jobs, zone, get_settings().site_url, viewer)
        table.show_pages(jobs, zone)
        table.show_selection(jobs, selected, viewer)
    else:
        filter_bar.show_nothing(jobs, filter_bar.owner_names(database, asked.filter), zone)
with above:
    finish_cards = cards.show_cards(jobs, trend)
    toolbar.show_toolbar(jobs, viewer, zone)

refresh.keep_refreshing(
    jobs.read_at,
    zone,
    paused_by="a dialog is open"
    if dialogs.is_open()
    else "the filters are open"
    if filter_form.is_open()
    else "rows are selected"
    if selected
    else "",
)
dialogs.show_dialog(asked)
if report := st.session_state.pop("wants_report", None):
    state.open_report(asked, report)
finish_cards()  # last: nobody has to wait for their bars
