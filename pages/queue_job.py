"""One job of the platform's queue: everything that is known of it."""

from datetime import UTC, datetime

import humanize
import streamlit as st

from jobs_data import queues, times
from jobs_data.engine import get_database
from jobs_data.filters import parse_number
from jobs_data.platform import queue_job, queue_log
from jobs_data.queue_filters import QueueState
from jobs_data.queues import QueueJob
from pages.parts import queue_details, queue_state, queue_table, refresh
from pages.parts.text import heading, plain

database = get_database()
zone = times.zone_named(st.context.timezone)
came_from = queue_state.queue_view_in_url()
job_id = parse_number(st.query_params.get("id"))
job = None if job_id is None else queues.read_queue_job(database, job_id)
read_at = datetime.now(UTC)


def show_errors(job: QueueJob) -> None:
    """Show the error, its trace folded, and the failed record where there is one."""
    record = job.failed_record
    if not (job.error_message.text or job.error_trace.text or record or job.error_code):
        return
    failed = job.state is QueueState.FAILED
    with st.container(border=True, key="errors" if failed else "remarks"):
        if failed:
            st.error("Error", icon=":material/error:")
        else:
            st.warning("The queue noted this of an attempt:", icon=":material/error:")
        if job.error_code:
            st.text(f"Code {job.error_code}")
        if job.error_message.text:
            st.code(job.error_message.text, language=None, wrap_lines=True)
        queue_details.show_long_text("Trace", ":material/layers:", job.error_trace)
        if record:
            attempts = f" after {record.attempts} attempts" if record.attempts else ""
            st.caption(f"Failed record {record.id}, of {times.shown(record.failed, zone)}{attempts}")
            if record.message and record.message != job.error_message.text:
                st.code(record.message, language=None, wrap_lines=True)
            if record.trace.text != job.error_trace.text:
                queue_details.show_long_text(
                    "Trace of the failed record", ":material/layers:", record.trace
                )


def show_times(job: QueueJob) -> None:
    """Show when what happened."""
    moments = {
        "Created": job.created,
        "Available": job.available,
        "Reserved": job.reserved,
        "Started": job.started,
        "Completed": job.completed,
        "Updated": job.updated,
    }
    took = None if job.processing_ms is None else f"{job.processing_ms:,} ms"
    queue_details.show_facts(
        "Times",
        {
            **{label: times.shown(moment, zone) if moment else "" for label, moment in moments.items()},
            "Processing time": took or "",
        },
    )


def show_attempts(job: QueueJob) -> None:
    """Show how often it was tried, and when it will be again."""
    queue_details.show_facts(
        "Attempts",
        {
            "Tried": f"{job.attempts} of {job.max_attempts}" if job.max_attempts else f"{job.attempts}",
            "Next attempt from": times.shown(job.next_attempt, zone) if job.next_attempt else "",
            "Backoff": job.backoff,
            "Delay": "" if job.delay_seconds is None else humanize.precisedelta(job.delay_seconds),
            "What follows": job.retry_sentence,
        },
    )


def show_chain(job: QueueJob) -> None:
    """Show the jobs of its chain in their order, this one marked."""
    if job.chain_id is None:
        return
    st.subheader("Its chain", anchor=False)
    rows = job.chain
    st.dataframe(
        rows[["id", "type", "state", "attempts", "created", "ended"]].assign(
            here=["This job" if number == job.id else "" for number in rows["id"]]
        ),
        key="chain",
        hide_index=True,
        height="content",
        alt="Chain",
        lazy=False,
        column_config={
            "id": st.column_config.NumberColumn("Job", width=70, format="plain"),
            "type": st.column_config.TextColumn("Type", width=220),
            "state": st.column_config.TextColumn("Status", width=90),
            "attempts": st.column_config.TextColumn("Attempts", width=80),
            "created": queue_table.time_column("Created", zone),
            "ended": queue_table.time_column("Ended", zone),
            "here": st.column_config.TextColumn("", width=80),
        },
    )
    st.caption(f"Chain {job.chain_id}, in its order.")


if st.button("Back to queues", icon=":material/arrow_back:", type="tertiary"):
    queue_state.open_queues(came_from)

if job is None:
    st.title("No such job", anchor=False)
    st.info(
        "There is no job with this number in the platform's queue. It may have left the queue, or the "
        "link is incomplete.",
        icon=":material/search_off:",
    )
    if missing := queues.missing_sentence(database, queue_job):
        st.info(missing, icon=":material/table:")
    st.stop()

heading(job.type)
with st.container(horizontal=True, vertical_alignment="center"):
    st.badge(plain(job.status or "unknown"), color=queue_table.STATE_COLORS[job.state])
    st.text(f"Queued job {job.id}")
    st.space("stretch")
    refresh.refresh_controls()

queue_details.show_progress(job.progress, job.progress_text)
show_errors(job)
queue_details.show_facts(
    "Where and whose",
    {
        "Queue": job.queue,
        "User": job.owner,
        "Priority": "" if job.priority is None else f"{job.priority} (1 is highest)",
        "Worker": job.worker,
        "Rate limit": job.rate_limit_group,
        "Batch": "" if job.batch_id is None else f"{job.batch_id} {job.batch_name}".strip(),
        "Chain": "" if job.chain_id is None else f"{job.chain_id}, number {job.chain_order}",
    },
)
if job.batch_id is not None and st.button("Open its batch", icon=":material/stacks:"):
    queue_state.open_batch(str(job.batch_id))
show_attempts(job)
show_times(job)
queue_details.show_long_text("Payload", ":material/data_object:", job.payload)
queue_details.show_long_text("Result", ":material/output:", job.result)
show_chain(job)
queue_details.show_log(job.log, zone, queues.missing_sentence(database, queue_log))

unfinished = job.state in {QueueState.WAITING, QueueState.DELAYED, QueueState.RUNNING}
refresh.keep_refreshing(
    read_at, zone, paused_by="" if unfinished else "this job has ended: nothing more will come"
)
