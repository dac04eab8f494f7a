"""How a period went: what may be stuck, why jobs failed, and when, what and whose they were."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from jobs_data.platform import times
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.owners import read_owners
from pages.parts.shared import address, reads, refresh
from pages.parts.shared.look import show_in_order
from pages.parts.shared.services import get_services
from pages.parts.statistics import by_day, by_name, errors, headline, hours, news, stuck, users
from pages.parts.statistics.panel import Scope, panel
from pages.parts.statistics.period_choice import pick_period

FIRST_SECONDS = 0.3

services = get_services()
database, order = services.database, services.order
services.outcomes.keep_reading()
zone = times.zone_named(st.context.timezone)

show_in_order()
with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="head"):
    st.title("Statistics", anchor=False, width="content")
    st.space("stretch")
    updated = refresh.updated_place()
    refresh.refresh_controls(on_refresh=reads.forget)
address.show_notice()
with st.container(horizontal=True, vertical_alignment="center", key="period"):
    scope = Scope(database, pick_period(), zone, datetime.now(UTC))
    figures = st.container(key="figures")
age = st.empty()

# The first panel does not share processors with the others, which are read at the same time.
asked = (database, order, scope.period, zone)
liveness = reads.begin_shared(services.liveness.read)
liveness.wait(FIRST_SECONDS)
failures = reads.begin_now(read_failures, *asked)
activity = reads.begin_now(read_activity, *asked)
durations = reads.begin_now(read_durations, *asked)


def latest(reading: reads.Reading[Any]) -> Any:
    """Return what was read; in an outage what was seen last, whose age stands once above the panels."""
    with age:
        return reading.shown()


left, right = st.columns(2, gap="medium")
with left, panel("May be stuck", stuck.ABOUT):
    stuck.show_stuck(latest(liveness), scope)
with right, panel("Top errors", errors.ABOUT):
    errors.show_errors(latest(failures), scope)
with figures, panel():
    headline.show_headline(latest(activity), latest(durations), scope)
with panel("By day"):
    by_day.show_by_day(latest(activity), scope)
    if limits := services.outcomes.limits:
        st.caption(limits)
with panel("By name"):
    by_name.show_by_name(latest(durations), scope)
by_hour, by_user = st.tabs(["Hours", "Users"], key="hours_or_users", on_change="rerun")
if by_hour.open:
    with by_hour, panel():
        hours.show_hours(latest(activity), scope)
if by_user.open:
    with by_user, panel():
        users.show_users(latest(reads.begin_now(read_owners, *asked)), scope)

is_open = errors.is_error_open() and not failures.has_failed
read_at = refresh.last_read_at(activity.name, activity.asked)
with updated:
    refresh.keep_refreshing(
        read_at,
        zone,
        paused_by="the jobs of an error are open" if is_open else "",
        look=news.watcher(activity, liveness, read_at),
    )
