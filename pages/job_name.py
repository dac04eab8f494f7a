"""One job name over time: how its newest jobs ended, how long they took, and its usual errors."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data import url_values
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.view import ListView
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.errors import TookTooLong
from jobs_data.statistics.name_history import read_name_history
from jobs_data.statistics.period import NEWEST_JOBS, Period
from pages.parts.shared import address, reads, refresh
from pages.parts.shared.look import show_in_order
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading
from pages.parts.statistics import name_history
from pages.parts.statistics.panel import Scope, panel

services = get_services()
database = services.database
zone = times.zone_named(st.context.timezone)
# A name is compared byte by byte: cut or cleaned it would be another one.
name = url_values.whole_text(st.query_params.get("name", ""))
job_id = url_values.parse_number(st.query_params.get("job"))
has_name = bool(name.strip(" "))
title = on_one_line(human_name(name)) if has_name else "No job name"
st.set_page_config(page_title=title)

show_in_order()
with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="head"):
    if job_id is None:
        st.page_link("job_statistics.py", label="Statistics", icon=":material/arrow_back:")
    else:
        back = address.link_params(address.list_in_url() or ListView(), id=str(job_id))
        st.page_link("job.py", label=f"Job {job_id}", icon=":material/arrow_back:", query_params=back)
    st.space("stretch")
    updated = refresh.updated_place()
    refresh.refresh_controls(on_refresh=reads.forget)
address.show_notice()
heading(title)
if not has_name:
    st.info(
        "This address names no job name. Choose one in Statistics, or on the page of a job.",
        icon=":material/search_off:",
    )
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    if title != name:
        st.text(on_one_line(name), width="content")
    st.button(
        "List of its jobs",
        icon=":material/list:",
        type="tertiary",
        on_click=address.open_list,
        args=(name_history.jobs_called(name),),
    )

reading = reads.begin_now(read_name_history, database, name, services.outcomes)
try:
    history = reading.shown()
except TookTooLong:
    st.warning(
        "Finding the newest jobs of this name takes too long. The list has all of them.",
        icon=":material/hourglass_disabled:",
    )
    st.stop()

if history.newest.empty:
    among = "" if history.is_searched_through else f" among the newest {NEWEST_JOBS:,}"
    st.info(
        f"There is no job of exactly this name{among}. It may have been deleted, or the link is "
        "incomplete.",
        icon=":material/search_off:",
    )
    st.stop()

scope = Scope(database, Period.ALL, zone, datetime.now(UTC))
name_history.show_outcome(history, name)
name_history.show_newest(history, name, zone, job_id)
with panel("Durations"):
    name_history.show_durations(history, zone, job_id)
with panel("Usual errors", f"Of the newest {len(history.newest)} jobs of this name."):
    name_history.show_usual_errors(history, scope)
if not history.is_searched_through:
    st.caption(f"Only the newest {NEWEST_JOBS:,} jobs of the platform were searched.")
with updated:
    refresh.keep_refreshing(refresh.last_read_at(reading.name, reading.asked), zone)
