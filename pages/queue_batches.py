"""The batches; opened, a batch with its jobs and its log."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data import queues, times
from jobs_data.engine import get_database
from jobs_data.platform import laravel_batches, queue_batch, queue_job, queue_log
from jobs_data.queue_filters import Kind, QueueFilter
from pages.parts import queue_details, queue_filter_bar, queue_state, queue_table, refresh
from pages.parts.text import heading, plain

database = get_database()
zone = times.zone_named(st.context.timezone)
asked = queue_state.queue_view_in_url()
batch_id = st.query_params.get("batch", "")
read_at = datetime.now(UTC)


def go_to_page(page: int) -> None:
    """Put another page into the URL."""
    st.query_params["page"] = str(page)


def open_pressed() -> None:
    """Put the batch whose button was pressed into the URL."""
    ids = st.session_state["seen_batches"]
    row = queue_state.pressed_row("batch_click", ids)
    if row is not None:
        st.query_params["batch"] = ids[row]
        st.query_params.pop("page", None)


def close() -> None:
    """Take the batch out of the URL."""
    for name in ("batch", "page"):
        st.query_params.pop(name, None)


def show_list() -> None:
    """Show all batches, or why there are none."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Batches", anchor=False)
        st.space("stretch")
        refresh.refresh_controls()
    if missing := queues.missing_sentence(database, queue_batch, laravel_batches):
        st.info(missing, icon=":material/table:")
    batches = queues.read_batches(database, asked.page, asked.limit)
    if batches.total:
        queue_table.show_batches(batches, zone, go_to_page, open_pressed)
        st.caption(
            "The estimated end takes the rate so far for the rest; it is empty where nothing has ended "
            "yet, or the batch does not go on."
        )
    elif queues.has_any(database, queue_batch, laravel_batches):
        st.info(
            "There are no batches. The platform makes one when it puts many jobs of one kind into a "
            "queue; it will show up here.",
            icon=":material/inbox:",
        )


def show_batch() -> None:
    """Show one batch."""
    batch = queues.read_batch(database, batch_id)
    st.button("Back to batches", icon=":material/arrow_back:", type="tertiary", on_click=close)
    if batch is None:
        st.title("No such batch", anchor=False)
        st.info(
            "There is no batch with this number. The platform may have removed it, or the link is "
            "incomplete.",
            icon=":material/search_off:",
        )
        if missing := queues.missing_sentence(database, queue_batch, laravel_batches):
            st.info(missing, icon=":material/table:")
        return
    facts = batch.facts
    heading(facts["name"])
    with st.container(horizontal=True, vertical_alignment="center"):
        status = facts["status"] or "unknown"
        st.badge(plain(status), color=queue_table.BATCH_COLORS.get(status, "gray"))
        st.text(f"Batch {facts['id']} of {batch.kind.label}")
        st.space("stretch")
        refresh.refresh_controls()
    queue_details.show_progress(facts["progress"], facts["progress_text"])
    queue_details.show_facts(
        "Jobs",
        {
            "Completed": f"{facts['completed']:,}",
            "Failed": f"{facts['failed']:,}",
            "Total": f"{facts['total']:,}",
            "Queue": facts["queue"],
            "User": facts["owner"] if batch.kind is Kind.HERATIO else "",
            **batch.settings,
        },
    )
    queue_details.show_facts(
        "Times",
        {
            label: times.shown(facts[name], zone) if facts[name] else ""
            for label, name in (
                ("Created", "created"),
                ("Started", "started"),
                ("Ended", "ended"),
                ("Estimated end", "estimated_end"),
            )
        },
    )
    queue_details.show_long_text("Options", ":material/tune:", batch.options)
    st.subheader("Its jobs", anchor=False)
    if batch.kind is Kind.LARAVEL:
        st.caption(
            "Laravel does not note which jobs belong to a batch; of those that failed it notes these "
            "uuids of failed_jobs:"
        )
        st.code(batch.failed_ids or "–", language=None, wrap_lines=True)
        return
    if missing := queues.missing_sentence(database, queue_job):
        st.caption(missing)
    else:
        view = asked.with_filter(QueueFilter(batch=int(facts["id"]), kind=Kind.HERATIO))
        jobs = queues.read_queue_jobs(database, view.on_page(asked.page))
        if jobs.total:
            queue_table.show_queue_jobs(jobs, zone, queue_filter_bar.go_to_page)
        else:
            st.caption("None of its jobs is in the queue any more.")
    queue_details.show_log(batch.log, zone, queues.missing_sentence(database, queue_log))


if batch_id:
    show_batch()
else:
    show_list()
refresh.keep_refreshing(read_at, zone)
queue_state.open_wanted_job(asked)
