"""How a period went: what may be stuck, why jobs failed, and when, what and whose they were."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from jobs_data.platform import times
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.headline import headline
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.stuck import read_stuck
from pages.parts.shared import address, reads, refresh
from pages.parts.shared.services import get_services
from pages.parts.statistics import errors, stuck
from pages.parts.statistics.by_day import show_by_day
from pages.parts.statistics.by_name import show_by_name
from pages.parts.statistics.headline import show_headline
from pages.parts.statistics.hours import show_hours
from pages.parts.statistics.panel import panel
from pages.parts.statistics.period_choice import pick_period
from pages.parts.statistics.users import show_users

database, order = get_services().database, get_services().order
zone, now = times.zone_named(st.context.timezone), datetime.now(UTC)

with st.container(horizontal=True, vertical_alignment="center", key="head"):
    st.title("Statistics", anchor=False)
    st.space("stretch")
    updated = st.container(key="updated", width="content")
    refresh.refresh_controls(on_refresh=reads.forget)
address.show_notice()
with st.container(horizontal=True, vertical_alignment="center", key="period"):
    period = pick_period()
    summary = st.container(key="headline")
age = st.empty()

# Read at the same time: a first visit waits for the slowest of them, not for the sum.
of_period = (database, order, period, zone)
activity = reads.begin_now(read_activity, *of_period)
durations = reads.begin_now(read_durations, *of_period)
stuck_jobs = reads.begin_now(read_stuck, database)
failures = reads.begin_now(read_failures, *of_period)
owners = reads.begin_now(read_owners, *of_period)


def latest(reading: reads.Reading[Any]) -> Any:
    """Return what was read; in an outage what was seen last, whose age stands once above the panels."""
    with age:
        return reading.shown()


with summary, panel():
    show_headline(headline(latest(activity), latest(durations)), period)
left, right = st.columns(2, gap="medium")
with left, panel("May be stuck", stuck.HELP):
    stuck.show_stuck(database, latest(stuck_jobs), zone)
with right, panel("Top errors", errors.HELP):
    errors.show_errors(database, latest(failures), period, zone, now)
with panel("By day"):
    show_by_day(latest(activity), period, zone, now)
with panel("By name"):
    show_by_name(database, latest(durations), period, zone, now)
by_hour, by_user = st.tabs(["Hours", "Users"], key="hours_or_users", on_change="rerun")
if by_hour.open:
    with by_hour, panel():
        show_hours(latest(activity), zone)
if by_user.open:
    with by_user, panel():
        show_users(database, latest(owners), period, zone, now)

is_open = errors.is_error_open() and not failures.has_failed
with updated:
    refresh.keep_refreshing(
        refresh.last_read_at(activity.name, activity.asked),
        zone,
        paused_by="the jobs of an error are open" if is_open else "",
    )
