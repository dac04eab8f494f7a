"""The queues: a row for each, and below them their jobs."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data import queues, times
from jobs_data.engine import DatabaseUnavailable, get_database
from jobs_data.platform import laravel_failed, laravel_jobs, queue_failed, queue_job
from pages.parts import queue_filter_bar, queue_readings, queue_state, queue_table, refresh

TABLES = (queue_job, queue_failed, laravel_jobs, laravel_failed)

database = get_database()
zone = times.zone_named(st.context.timezone)
asked = queue_state.queue_view_in_url()
st.query_params.pop("id", None)  # the browser's Back leaves a job's there

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Queues", anchor=False)
    st.space("stretch")
    refresh.refresh_controls(on_refresh=queue_readings.forget)

if missing := queues.missing_sentence(database, *TABLES):
    st.info(missing, icon=":material/table:")

read_at = datetime.now(UTC)
if queues.has_any(database, *TABLES):
    overview = None
    try:
        overview = queue_readings.overview(database)
        read_at = overview.read_at
    except DatabaseUnavailable as problem:
        st.error(str(problem), icon=":material/cloud_off:")
    if overview is not None and len(overview.rows):
        queue_table.show_overview(overview, zone)
    elif overview is not None:
        st.info(
            "There is nothing in any queue. The platform puts a job there when somebody starts work "
            "that runs in the background; it will show up here.",
            icon=":material/inbox:",
        )
    st.subheader("Jobs in the queues", anchor=False)
    queue_filter_bar.show_filters(asked, overview)
    jobs = None
    try:
        jobs = queue_readings.queue_jobs(database, asked)
        read_at = min(read_at, jobs.read_at)
    except DatabaseUnavailable as problem:
        st.error(str(problem), icon=":material/cloud_off:")
    if jobs is not None and jobs.total:
        queue_table.show_queue_jobs(jobs, zone, queue_filter_bar.go_to_page)
    elif jobs is not None:
        queue_filter_bar.show_nothing(asked)

refresh.keep_refreshing(read_at, zone)
queue_state.open_wanted_job(asked)
