"""The list of jobs: cards, filter, table, and the ways to tidy finished jobs away."""

import streamlit as st

from jobs_data.jobs.shared_list import FRESH_SECONDS
from jobs_data.jobs.trend import read_trend
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.jobs import cards, filter_bar, filter_form, groups, table, toolbar
from pages.parts.removal import dialogs, progress
from pages.parts.shared import address, reads, refresh, selection
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

database = get_services().database
zone = times.zone_named(st.context.timezone)
viewer = get_viewer()
filter_bar.follow_number(database)
problem: DatabaseUnavailable | None = None
in_url = address.view_in_url()
asked = groups.as_shown(in_url)
st.query_params.pop("id", None)  # the browser's Back leaves a report's there

progress.take_result()
is_asked = dialogs.is_open()

# What a dialog speaks of must stay as the viewer has seen it. Everything else reads anew.
seen = st.session_state.get("seen")
if seen and seen[0] == asked and is_asked:
    jobs = seen[1]
else:
    # Refresh and a first visit read fresh data, the visit only where that is quick; other reruns may
    # show a cached page.
    shared_list = get_services().shared_list
    is_quick_visit = "seen" not in st.session_state and shared_list.is_quick(asked)
    wants_fresh = st.session_state.pop("wants_fresh", is_quick_visit)
    try:
        jobs = shared_list.read(asked, FRESH_SECONDS if wants_fresh else None)
    except DatabaseUnavailable as error:
        if not (seen and seen[0] == asked):
            st.title("Jobs", anchor=False)
            progress.show_notice()
            raise
        jobs, problem = seen[1], error
    st.session_state["seen"] = (asked, jobs)
selected = selection.selected_ids()

st.title("Jobs", anchor=False)
if problem:
    refresh.show_age(jobs.read_at, problem)
progress.show_progress()
progress.show_notice()
# The bars are of all jobs: beside the counts of a search they would say something else than these.
trend = (
    None
    if asked.filter.is_search
    else reads.begin(read_trend, database, tuple(times.day_starts(zone)), get_services().order)
)

# The table comes first to the browser, because it takes longest to draw; it stands below the rest.
above, below = st.container(), st.container()
with below:
    if jobs.matching:
        table.show_table(jobs, zone, get_services().settings.site_url, viewer, selected)
        table.show_pages(jobs, zone)
    else:
        filter_bar.show_nothing(jobs, filter_bar.owner_names(database, asked.filter), zone)
    table.show_selection(jobs, selected, viewer)
with above:
    finish_cards = cards.show_cards(jobs, trend)
    toolbar.show_toolbar(jobs, viewer, zone)

refresh.keep_refreshing(
    jobs.read_at,
    zone,
    paused_by="a dialog is open"
    if is_asked
    else "the filters are open"
    if filter_form.is_open()
    else "",
)
dialogs.show_dialog(in_url)
table.let_keys_in()
finish_cards()  # last: nobody has to wait for their bars
