"""The batches; opened, a batch with its jobs and its log."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import laravel_batches, queue_batch, queue_job, queue_log
from jobs_data.queues import history, reads
from jobs_data.queues.filters import Origin, QueueFilter, parse_list_page
from jobs_data.queues.model import Kind
from pages.parts.queues import address, details, filters, tables
from pages.parts.queues.batch import show_batch
from pages.parts.shared.reads import read_recent
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

TABLES = (queue_batch, laravel_batches)

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = address.queue_view_in_url()
batch_id = st.query_params.get("batch", "")
list_page = parse_list_page(st.query_params)
read_at = datetime.now(UTC)
head = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="head")


def show_missing() -> None:
    """Name the tables that this database lacks, if any."""
    if missing := reads.missing_sentence(database, *TABLES):
        st.info(missing, icon=":material/table:")


def show_jobs_and_log(number: int) -> None:
    """Show the jobs of a batch of the platform's and its events, each read by itself."""
    st.header("Jobs of this batch", anchor=False)
    if missing := reads.missing_sentence(database, queue_job):
        st.caption(missing)
    else:
        view = replace(asked, filter=QueueFilter(batch=number, kind=Kind.HERATIO))
        with details.panel():
            jobs = read_recent(reads.read_queue_jobs, database, view)
            if jobs.page.total:
                origin = Origin(asked, is_batch=True, list_page=list_page)
                tables.show_queue_jobs(jobs, zone, filters.go_to_page, origin)
            else:
                st.caption("None of its jobs is left in the queue.")
    st.header("Log", anchor=False)
    with details.panel():
        log = read_recent(history.read_log, database, batch_id=number)
        details.show_log(log, zone, reads.missing_sentence(database, queue_log))


if batch_id:
    with head:
        st.button(
            "Back to batches",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=address.open_batches,
            args=(asked.limit, list_page),
        )
    batch, problem = None, ""
    try:
        batch = read_recent(reads.read_batch, database, batch_id)
    except DatabaseUnavailable as error:
        problem = str(error)
    if batch:
        read_at = batch.read_at
        show_batch(batch, zone)
    elif problem:
        details.show_head(f"Batch {batch_id}", None)
        st.error(plain(problem), icon=":material/cloud_off:")
    else:
        details.show_head("No such batch", None)
        st.info(
            "There is no batch with this number. The platform may have removed it, or the link is "
            "incomplete.",
            icon=":material/search_off:",
        )
        show_missing()
    if asked.filter.batch and (problem or (batch and batch.kind is Kind.HERATIO)):
        show_jobs_and_log(asked.filter.batch)
else:
    with head:
        st.title("Batches", anchor=False, width="content")
    show_missing()
    with details.panel():
        batches = read_recent(reads.read_batches, database, asked.page, asked.limit)
        read_at = batches.read_at
        if batches.page.total:
            tables.show_batches(batches, zone, filters.go_to_page)
        elif reads.has_any(database, *TABLES):
            st.info(
                "There are no batches. The platform makes one when it puts many jobs of one kind into "
                "a queue. It will be listed here.",
                icon=":material/inbox:",
            )
details.show_controls(head, read_at, zone)
