"""The queues: a card for each, and below them their jobs."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data.platform import times
from jobs_data.platform.tables import laravel_failed, laravel_jobs, queue_failed, queue_job
from jobs_data.queues import reads
from jobs_data.queues.filters import Origin, QueueFilter
from pages.parts.queues import address, cards, details, filters, tables
from pages.parts.shared.look import show_in_order
from pages.parts.shared.reads import read_recent
from pages.parts.shared.services import get_services

TABLES = (queue_job, queue_failed, laravel_jobs, laravel_failed)

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = address.queue_view_in_url()
address.forget_job()
read_at = datetime.now(UTC)

show_in_order()
head = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="head")
with head:
    st.title("Queues", anchor=False, width="content")
if missing := reads.missing_sentence(database, *TABLES):
    st.info(missing, icon=":material/table:")

if reads.has_any(database, *TABLES):
    overview, is_empty = None, False
    with details.panel():
        overview = read_recent(reads.read_overview, database)
        read_at, is_empty = overview.read_at, not overview.queues
        if not is_empty:
            cards.show_cards(overview, asked.filter, zone)
        else:
            st.info(
                "There is nothing in any queue. The platform adds a job when a user starts work that "
                "runs in the background. It will be listed here.",
                icon=":material/inbox:",
            )
        if alerts := sum(queue.needs_attention for queue in overview.queues):
            st.set_page_config(page_title=f"{alerts} need attention · Queues")
    if not is_empty or asked.filter != QueueFilter():
        st.header("Jobs in the queues", anchor=False)
        filters.show_filters(asked.filter, overview)
        with details.panel():
            jobs = read_recent(reads.read_queue_jobs, database, asked)
            read_at = min(read_at, jobs.read_at)
            if jobs.page.total:
                tables.show_queue_jobs(jobs, zone, filters.go_to_page, Origin(asked))
            else:
                filters.show_nothing(asked, is_partial=jobs.is_partial)

details.show_controls(head, read_at, zone)
