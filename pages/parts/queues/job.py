"""One queued job, the platform's or Laravel's: its status, error, attempts, times and texts."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.job_names import human_name
from jobs_data.plain_text import panel
from jobs_data.platform import times
from jobs_data.queues.filters import DEFAULT_QUEUE_PAGE_SIZE
from jobs_data.queues.model import FailedRecord, JobDetails, QueueState, Source, priority_words
from jobs_data.wording import duration, relative_time
from pages.parts.queues import address, details
from pages.parts.shared.facts import show_facts
from pages.parts.shared.text import plain

CALLED: Final = {
    Source.HERATIO: "Queued job",
    Source.LARAVEL: "Job of Laravel",
    Source.LARAVEL_FAILED: "Failed job of Laravel",
}
NOT_FOUND: Final = {
    Source.HERATIO: "There is no job with this number in the platform's queue. It may have left the "
    "queue, or the link is incomplete.",
    Source.LARAVEL: "There is no job with this number in Laravel's queue. Laravel forgets a job that "
    "completes, and moves one that fails to its failed jobs.",
    Source.LARAVEL_FAILED: "There is no job with this number among Laravel's failed ones. It may have "
    "been tried again or removed.",
}


def show_job(job: JobDetails, zone: ZoneInfo) -> None:
    """Show a job, except for what is read apart; what its system does not tell is left out."""
    when = relative_time(job.ended or job.started or job.created, job.read_at, zone)
    class_name = job.type if human_name(job.type) != job.type else ""
    facts = [
        f"{CALLED[job.source]} {job.id}",
        job.queue,
        job.owner,
        when,
        job.ran(job.read_at),
        class_name,
    ]
    details.show_head(human_name(job.type), job, facts)
    details.show_progress(job.progress, job.progress_text)
    _show_error(job)
    delay, took = job.delay_seconds, job.processing_ms
    show_facts(
        {
            "Attempts": job.tries,
            "Next": job.what_follows,
            "Next attempt from": times.shown(job.next_attempt, zone) if job.next_attempt else "",
            "Backoff": job.backoff,
            "Delay": duration(delay) if delay else "",
            "Processing time": details.number(took, "ms") if took is None or took >= 0 else "unknown",
            "Priority": priority_words(job.priority),
            "Worker": job.worker,
            "Rate limit": job.rate_limit_group,
            "Connection": job.connection,
            "UUID": job.uuid,
            "Batch": "" if job.batch_id is None else f"{job.batch_id} {job.batch_name}".strip(),
            "Chain": "" if job.chain_id is None else f"{job.chain_id}, number {job.chain_order}",
        }
    )
    if job.batch_id is not None:
        st.button(
            "Open its batch",
            icon=":material/stacks:",
            on_click=address.open_batch,
            args=(str(job.batch_id), DEFAULT_QUEUE_PAGE_SIZE),
        )
    is_delayed = job.available and job.available.year < 9999 and job.available != job.created
    details.show_steps(
        job,
        {
            "Queued": job.created,
            "Available": job.available if is_delayed else None,
            "Reserved": job.reserved,
            "Started": job.started,
        },
        zone,
    )
    details.show_long_text("Payload", ":material/data_object:", job.payload)
    details.show_long_text("Result", ":material/output:", job.result)
    if job.source is Source.LARAVEL:
        st.caption("Laravel forgets this job when it completes, and keeps no log of it.")


def show_failed_record(record: FailedRecord, job: JobDetails | None, zone: ZoneInfo) -> None:
    """Show what the queue kept when it gave the job up; texts that the job has too are left out."""
    message, trace = ("", "") if job is None else (job.error_message.text, job.error_trace.text)
    attempts = f" after {record.attempts} attempts" if record.attempts else ""
    st.caption(f"Failed record {record.id}, of {times.shown(record.failed, zone)}{attempts}.")
    if record.message.strip() != message.strip():
        st.code(panel(record.message), language=None, wrap_lines=True)
    if record.trace.text.strip() != trace.strip():
        details.show_long_text(
            "Trace of the failed record", ":material/layers:", record.trace, is_trace=True
        )


def _show_error(job: JobDetails) -> None:
    """Show the error once: its reason, the whole text where it has more, and the trace folded."""
    of_laravel = job.source is Source.LARAVEL_FAILED
    message, trace = job.error_message.text, job.error_trace
    code = f" (code {job.error_code})" if job.error_code else ""
    if job.state is QueueState.FAILED:
        kept = "Laravel kept no exception." if of_laravel else "The queue kept no error text."
        st.error(plain(f"{job.error or kept}{code}"), icon=":material/error:")
    elif message or trace.text or code:
        st.warning(plain(f"An earlier attempt: {job.error}{code}"), icon=":material/warning:")
    if message.strip() not in {"", job.error}:
        st.code(panel(message), language=None, wrap_lines=True)
    label = "Exception and trace" if of_laravel else "Trace"
    details.show_long_text(label, ":material/layers:", trace, is_trace=True)
