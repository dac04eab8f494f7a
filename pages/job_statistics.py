"""The report: what fails, why, since when, what is slow, and what is stuck."""

import streamlit as st

from jobs_data.platform import times
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.stuck import read_stuck
from pages.parts.shared import address, reads, refresh
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer
from pages.parts.statistics.periods import pick_period

database, order = get_services().database, get_services().order
viewer = get_viewer()
zone = times.zone_named(st.context.timezone)

st.title("Report", anchor=False)
address.show_notice()
with st.container(horizontal=True, vertical_alignment="center"):
    period = pick_period()
    st.space("stretch")
    refresh.refresh_controls()

# Read at the same time: a page at first sight waits for the slowest of them, not for the sum.
activity = reads.begin_now(read_activity, database, order, period, zone)
durations = reads.begin_now(read_durations, database, order, period, zone)
owners = reads.begin_now(read_owners, database, order, period, zone)
failures = reads.begin_now(read_failures, database, order, period, zone)
stuck = reads.begin_now(read_stuck, database)

# The first time, loading what draws the charts takes a third of a second: the database works meanwhile.
from pages.parts.statistics import panels  # noqa: E402

with panels.panel("How jobs ended"):
    found = activity.shown()
    panels.show_totals(found)
    panels.show_days(found)
with panels.panel("Failure rate"):
    panels.show_rate(activity.shown(), period)
with panels.panel("Durations"):
    panels.show_durations(database, durations.shown())
with panels.panel("Busiest hours"):
    panels.show_hours(activity.shown(), zone)
with panels.panel("Owners"):
    panels.show_owners(database, owners.shown())
with panels.panel("Failures, grouped"):
    panels.show_failures(database, failures.shown(), period, zone)
with panels.panel("Possibly stuck"):
    panels.show_stuck(database, stuck.shown(), zone)
with panels.panel("Since you last looked"):
    panels.show_news(database, viewer, zone)

is_open = panels.has_open_pattern() and not failures.has_failed
refresh.keep_refreshing(
    refresh.last_read_at(activity.name, activity.asked),
    zone,
    paused_by="the jobs of an error are open" if is_open else "",
)
