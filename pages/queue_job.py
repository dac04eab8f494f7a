"""One queued job, the platform's or Laravel's: everything that is known of it."""

from datetime import UTC, datetime

import streamlit as st

from jobs_data.plain_text import on_one_line, panel
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.tables import laravel_failed, laravel_jobs, queue_job, queue_log
from jobs_data.queues import history, reads
from jobs_data.queues.filters import QueueFilter, QueueView, parse_job_key, parse_origin
from jobs_data.queues.model import JobDetails, QueueState, Source, priority_words
from jobs_data.wording import duration
from pages.parts.queues import address, details, tables
from pages.parts.shared import refresh
from pages.parts.shared.facts import show_facts
from pages.parts.shared.reads import forget, read_recent
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading, plain

CALLED = {
    Source.HERATIO: "Queued job",
    Source.LARAVEL: "Job of Laravel",
    Source.LARAVEL_FAILED: "Failed job of Laravel",
}
UNFINISHED = {QueueState.WAITING, QueueState.DELAYED, QueueState.RUNNING}

database = get_services().database
zone = times.zone_named(st.context.timezone)
asked = parse_job_key(st.query_params)
came_from = parse_origin(st.query_params)


def show_none() -> None:
    """Say that there is no such job, and why that may be."""
    st.title("No such job", anchor=False)
    source = asked.source if asked else Source.HERATIO
    st.info(
        {
            Source.HERATIO: "There is no job with this number in the platform's queue. It may have "
            "left the queue, or the link is incomplete.",
            Source.LARAVEL: "There is no job with this number in Laravel's queue. Laravel forgets a "
            "job that completes, and moves one that fails to its failed jobs.",
            Source.LARAVEL_FAILED: "There is no job with this number among Laravel's failed ones. It "
            "may have been tried again or removed.",
        }[source],
        icon=":material/search_off:",
    )
    tables = {Source.LARAVEL: laravel_jobs, Source.LARAVEL_FAILED: laravel_failed}
    if missing := reads.missing_sentence(database, tables.get(source, queue_job)):
        st.info(missing, icon=":material/table:")


def show_job(job: JobDetails) -> None:
    """Show a job, but for what is read apart; what its system does not tell is left out."""
    details.show_progress(job.progress, job.progress_text)
    show_errors(job)
    show_facts(
        {
            "Queue": job.queue,
            "User": job.owner,
            "Priority": priority_words(job.priority),
            "Worker": job.worker,
            "Rate limit": job.rate_limit_group,
            "Connection": job.connection,
            "UUID": job.uuid,
            "Batch": "" if job.batch_id is None else f"{job.batch_id} {job.batch_name}".strip(),
            "Chain": "" if job.chain_id is None else f"{job.chain_id}, number {job.chain_order}",
        },
        "Where and whose",
    )
    if job.batch_id is not None:
        st.button(
            "Open its batch",
            icon=":material/stacks:",
            on_click=address.open_batch,
            args=(QueueView(QueueFilter(batch=job.batch_id)),),
        )
    delay = job.delay_seconds
    show_facts(
        {
            "Tried": tables.attempts_text(job.attempts, job.max_attempts),
            "Next attempt from": times.shown(job.next_attempt, zone) if job.next_attempt else "",
            "Backoff": job.backoff,
            "Delay": "" if delay is None else duration(delay),
            "What follows": details.what_follows(job),
        },
        "Attempts",
    )
    took = job.processing_ms
    details.show_times(
        {
            "Created": job.created,
            "Available": job.available,
            "Reserved": job.reserved,
            "Started": job.started,
            "Ended": job.ended,
            "Updated": job.updated,
        },
        zone,
        **{"Processing time": "" if took is None else f"{took:,} ms" if took >= 0 else "unknown"},
    )
    details.show_long_text("Payload", ":material/data_object:", job.payload)
    details.show_long_text("Result", ":material/output:", job.result)
    if job.source is Source.LARAVEL:
        st.caption("Laravel forgets this job when it completes, and keeps no log of it.")


def show_errors(job: JobDetails) -> None:
    """Show the error, with its trace folded; Laravel's stands at the head of its trace."""
    failed = job.state is QueueState.FAILED
    of_laravel = job.source is Source.LARAVEL_FAILED
    has_any = job.error_message.text or job.error_trace.text or job.error_code
    if not has_any and not of_laravel:
        return
    with st.container(border=True, key="errors" if failed else "remarks"):
        if failed:
            st.error(plain(job.error) or "Error", icon=":material/error:")
        else:
            st.warning("The queue noted this of an attempt:", icon=":material/error:")
        if not has_any:
            st.caption("Laravel kept no exception of it.")
        if job.error_code:
            st.text(f"Code {on_one_line(job.error_code)}")
        if job.error_message.text:
            st.code(panel(job.error_message.text).text, language=None, wrap_lines=True)
        details.show_long_text(
            "Exception and trace" if of_laravel else "Trace",
            ":material/layers:",
            job.error_trace,
            is_trace=True,
            expanded=of_laravel,
        )


def show_chain(chain_id: int, own_id: int) -> None:
    """Show the jobs of the job's chain, of which each can be opened."""
    st.subheader("Its chain", anchor=False)
    with details.panel():
        rows = address.held(
            tables.CHAIN,
            own_id,
            lambda: read_recent(reads.read_chain, database, chain_id),
        )
        tables.show_chain(rows, own_id, zone, came_from)
        st.caption(f"Chain {chain_id}, in its order.")


def show_failed_record(job_id: int) -> None:
    """Show what the queue kept when it gave the job up, where it did."""
    with details.panel():
        record = read_recent(history.read_failed_record, database, job_id)
        if record is None:
            return
        st.subheader("Its failed record", anchor=False)
        attempts = f" after {record.attempts} attempts" if record.attempts else ""
        st.caption(f"Failed record {record.id}, of {times.shown(record.failed, zone)}{attempts}")
        if record.message:
            st.code(panel(record.message).text, language=None, wrap_lines=True)
        details.show_long_text(
            "Trace of the failed record", ":material/layers:", record.trace, is_trace=True
        )


def show_log(job_id: int) -> None:
    """Show the events of the job."""
    st.subheader("Log", anchor=False)
    with details.panel():
        log = read_recent(history.read_log, database, job_id=job_id)
        details.show_log(log, zone, reads.missing_sentence(database, queue_log))


address.back_button(came_from)
job: JobDetails | None = None
problem = ""
try:
    if asked is not None:
        job = read_recent(reads.read_queue_job, database, asked)
except DatabaseUnavailable as error:
    problem = str(error)

if asked is None or (job is None and not problem):
    show_none()
    st.stop()

called = f"{CALLED[asked.source]} {asked.id}"
heading(job.type if job else called)
with st.container(horizontal=True, vertical_alignment="center"):
    if job is not None:
        state = job.state
        st.badge(plain(job.status or "unknown"), color=tables.STATE_COLORS[state])
        st.text(called)
    st.space("stretch")
    refresh.refresh_controls(on_refresh=forget)

if job is None:
    st.error(plain(problem), icon=":material/cloud_off:")
else:
    show_job(job)
    if job.chain_id is not None:
        show_chain(job.chain_id, asked.id)
if asked.source is Source.HERATIO:
    # Last, for without an index these may take their time.
    show_failed_record(asked.id)
    show_log(asked.id)

has_ended = job is not None and job.state not in UNFINISHED
refresh.keep_refreshing(
    job.read_at if job else datetime.now(UTC),
    zone,
    paused_by="this job has ended: nothing more will come"
    if has_ended
    else address.paused_by_selection(tables.CHAIN),
)
