"""The batches; opened, a batch with its jobs and its log."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from jobs_data.plain_text import on_one_line, visible
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import laravel_batches, queue_batch, queue_job, queue_log
from jobs_data.queues import history, reads
from jobs_data.queues.filters import Origin, QueueFilter, parse_list_page
from jobs_data.queues.model import Batch, BatchDetails, Kind
from pages.parts.queues import address, details, filters, tables
from pages.parts.shared import refresh
from pages.parts.shared.address import put_into_url
from pages.parts.shared.facts import show_facts
from pages.parts.shared.reads import forget, read_recent
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading, plain

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = address.queue_view_in_url()
batch_id = st.query_params.get("batch", "")
list_page = parse_list_page(st.query_params)


def go_to_page(page: int) -> None:
    """Put another page into the URL."""
    st.query_params["page"] = str(page)


def open_batch(opened: str) -> None:
    """Put a batch into the URL, with the page of the list to come back to."""
    params = {"batch": opened, **({"list": str(asked.page)} if asked.page > 1 else {})}
    put_into_url(params, ("batch", "list", "page"))


def close() -> None:
    """Take the batch out of the URL again."""
    params = {"page": str(list_page)} if list_page > 1 else {}
    put_into_url(params, ("batch", "list", "page"))


def show_list() -> datetime:
    """Show all batches, or why there are none; return when they were read."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Batches", anchor=False)
        st.space("stretch")
        refresh.refresh_controls(on_refresh=forget)
    if missing := reads.missing_sentence(database, queue_batch, laravel_batches):
        st.info(missing, icon=":material/table:")
    read_at = datetime.now(UTC)
    with details.panel():
        batches = address.held(
            tables.BATCHES,
            (asked.page, asked.limit),
            lambda: read_recent(reads.read_batches, database, asked.page, asked.limit),
        )
        read_at = batches.read_at
        if batches.page.total:
            tables.show_batches(batches, zone, go_to_page, open_batch)
            st.caption(
                "The estimated end takes the rate so far for the rest; it is empty where nothing has "
                "ended yet, or the batch does not go on."
            )
        elif reads.has_any(database, queue_batch, laravel_batches):
            st.info(
                "There are no batches. The platform makes one when it puts many jobs of one kind into "
                "a queue; it will show up here.",
                icon=":material/inbox:",
            )
    return read_at


def show_batch() -> datetime:
    """Show one batch, its jobs and its log, each read by itself; return when it was read."""
    st.button("Back to batches", icon=":material/arrow_back:", type="tertiary", on_click=close)
    read_at, kind = datetime.now(UTC), Kind.HERATIO
    try:
        batch = read_recent(reads.read_batch, database, batch_id)
    except DatabaseUnavailable as problem:
        show_head(f"Batch {batch_id}")
        st.error(plain(str(problem)), icon=":material/cloud_off:")
    else:
        if batch is None:
            show_none()
            return read_at
        read_at, kind = batch.read_at, batch.kind
        show_head(batch.name, batch)
        show_batch_facts(batch)
        if kind is Kind.LARAVEL:
            st.subheader("Its jobs", anchor=False)
            st.caption(
                "Laravel does not note which jobs belong to a batch; of those that failed it notes "
                "these uuids of failed_jobs:"
            )
            st.code(visible(batch.failed_ids) or "–", language=None, wrap_lines=True)
    if kind is Kind.HERATIO and asked.filter.batch is not None:
        show_jobs_and_log(asked.filter.batch)
    return read_at


def show_none() -> None:
    """Say that there is no such batch."""
    st.title("No such batch", anchor=False)
    st.info(
        "There is no batch with this number. The platform may have removed it, or the link is "
        "incomplete.",
        icon=":material/search_off:",
    )
    if missing := reads.missing_sentence(database, queue_batch, laravel_batches):
        st.info(missing, icon=":material/table:")


def show_head(title: str, batch: Batch | None = None) -> None:
    """Show the title, what the batch is, and the ways to read it anew."""
    heading(title)
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch:
            status = batch.status or "unknown"
            st.badge(plain(status), color=tables.BATCH_COLORS.get(status, "gray"))
            st.text(f"Batch {on_one_line(batch.id)} of {batch.kind.capitalize()}")
        st.space("stretch")
        refresh.refresh_controls(on_refresh=forget)


def show_batch_facts(batch: BatchDetails) -> None:
    """Show how far the batch is, and what else is known of it."""
    details.show_progress(batch.progress, batch.progress_text)
    if batch.failed:
        st.caption("The jobs that failed count as done in this, as on the platform.")
    show_facts(
        {
            "Completed": f"{batch.completed:,}",
            "Failed": f"{batch.failed:,}",
            "Total": f"{batch.total:,}",
            "Queue": batch.queue,
            "User": batch.owner,
            "At once": details.number(batch.max_concurrent),
            "Pause between jobs (ms)": details.number(batch.delay_between_ms),
            "Retries": details.number(batch.max_retries),
        },
        "Jobs",
    )
    details.show_times(
        {
            "Created": batch.created,
            "Started": batch.started,
            "Ended": batch.ended,
            "Estimated end": batch.estimated_end,
        },
        zone,
    )
    details.show_long_text("Options", ":material/tune:", batch.options)


def show_jobs_and_log(number: int) -> None:
    """Show the jobs of a batch of the platform, and below them its events."""
    st.subheader("Its jobs", anchor=False)
    if missing := reads.missing_sentence(database, queue_job):
        st.caption(missing)
    else:
        view = replace(asked, filter=QueueFilter(batch=number, kind=Kind.HERATIO))
        with details.panel():
            jobs = address.held(
                tables.JOBS,
                view,
                lambda: read_recent(reads.read_queue_jobs, database, view),
            )
            if jobs.page.total:
                origin = Origin(asked, is_batch=True, list_page=list_page)
                tables.show_queue_jobs(jobs, zone, filters.go_to_page, origin)
            else:
                st.caption("None of its jobs is in the queue any more.")
    st.subheader("Log", anchor=False)
    with details.panel():
        log = read_recent(history.read_log, database, batch_id=number)
        details.show_log(log, zone, reads.missing_sentence(database, queue_log))


read_at = show_batch() if batch_id else show_list()
refresh.keep_refreshing(
    read_at,
    zone,
    paused_by=address.paused_by_selection(tables.BATCHES, tables.JOBS),
)
