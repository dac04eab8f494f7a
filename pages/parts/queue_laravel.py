"""What the screen of a queued job shows of one of Laravel's, of which less is known."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.platform import times
from jobs_data.queues.queues import LaravelFailed, LaravelJob
from pages.parts import queue_details


def show_job(job: LaravelJob, zone: ZoneInfo) -> None:
    """Show a job that has not ended."""
    queue_details.show_facts("Where", {"Queue": job.queue, "Attempts": f"{job.attempts}"})
    moments = {"Created": job.created, "Available": job.available, "Reserved": job.reserved}
    queue_details.show_facts(
        "Times", {label: times.shown(moment, zone) for label, moment in moments.items() if moment}
    )
    queue_details.show_long_text("Payload", ":material/data_object:", job.payload)
    st.caption("Laravel forgets this job when it completes, and keeps no log of it.")


def show_failed(job: LaravelFailed, zone: ZoneInfo) -> None:
    """Show a failed job, with the exception and its trace whole."""
    with st.container(border=True, key="errors"):
        st.error("Error", icon=":material/error:")
        if not job.exception.text:
            st.caption("Laravel kept no exception of it.")
        queue_details.show_long_text(
            "Exception and trace", ":material/layers:", job.exception, expanded=True
        )
    queue_details.show_facts(
        "Where and when",
        {
            "Queue": job.queue,
            "Connection": job.connection,
            "Failed": times.shown(job.failed, zone),
            "UUID": job.uuid,
        },
    )
    queue_details.show_long_text("Payload", ":material/data_object:", job.payload)
