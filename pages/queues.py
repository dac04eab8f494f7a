"""The queues: a row for each, and below them their jobs."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data.platform import times
from jobs_data.platform.tables import laravel_failed, laravel_jobs, queue_failed, queue_job
from jobs_data.queues import reads
from jobs_data.queues.filters import Origin
from pages.parts.queues import address, details, filters, tables
from pages.parts.shared import refresh
from pages.parts.shared.reads import forget, read_recent
from pages.parts.shared.services import get_services

TABLES = (queue_job, queue_failed, laravel_jobs, laravel_failed)

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = address.queue_view_in_url()
address.forget_job()

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Queues", anchor=False)
    st.space("stretch")
    refresh.refresh_controls(on_refresh=forget)

if missing := reads.missing_sentence(database, *TABLES):
    st.info(missing, icon=":material/table:")

read_at = datetime.now(UTC)
if reads.has_any(database, *TABLES):
    overview = None
    with details.panel():
        overview = address.held(
            tables.OVERVIEW,
            "all",
            lambda: read_recent(reads.read_overview, database),
        )
        read_at = overview.read_at
        if overview.queues:
            tables.show_overview(overview, zone)
        else:
            st.info(
                "There is nothing in any queue. The platform puts a job there when somebody starts "
                "work that runs in the background; it will show up here.",
                icon=":material/inbox:",
            )
    st.subheader("Jobs in the queues", anchor=False)
    filters.show_filters(asked, overview)
    with details.panel():
        jobs = address.held(
            tables.JOBS,
            asked,
            lambda: read_recent(reads.read_queue_jobs, database, asked),
        )
        read_at = min(read_at, jobs.read_at)
        if jobs.page.total:
            tables.show_queue_jobs(jobs, zone, filters.go_to_page, Origin(asked))
        else:
            filters.show_nothing(asked, is_partial=jobs.is_partial)

refresh.keep_refreshing(
    read_at,
    zone,
    paused_by=address.paused_by_selection(tables.OVERVIEW, tables.JOBS),
)
