"""One batch: its status, how far it is, and what else is known of it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.plain_text import visible
from jobs_data.platform import times
from jobs_data.queues.model import BatchDetails, Kind
from pages.parts.queues import details
from pages.parts.shared.facts import show_facts


def show_batch(batch: BatchDetails, zone: ZoneInfo) -> None:
    """Show how far a batch is, and what else is known of it."""
    facts = [f"Batch {batch.id} of {batch.kind.capitalize()}", batch.queue, batch.owner]
    details.show_head(batch.name, batch, facts)
    details.show_progress(batch.progress, batch.progress_text)
    if batch.failed:
        st.caption("A failed job counts as done, as on the platform.")
    show_facts(
        {
            "Completed": f"{batch.completed:,}",
            "Failed": f"{batch.failed:,}",
            "Total": f"{batch.total:,}",
            "Most at once": details.number(batch.max_concurrent),
            "Pause between jobs": details.number(batch.delay_between_ms, "ms"),
            "Retries": details.number(batch.max_retries),
            "Estimated end": times.shown(batch.estimated_end, zone) if batch.estimated_end else "",
        }
    )
    # Laravel does not record when a batch starts: it takes the time when it was created.
    started = batch.started if batch.kind is Kind.HERATIO else None
    details.show_steps(batch, {"Created": batch.created, "Started": started}, zone)
    details.show_long_text("Options", ":material/tune:", batch.options)
    if batch.kind is Kind.LARAVEL:
        st.header("Failed jobs", anchor=False)
        st.caption("Laravel does not record the jobs of a batch. It lists the failed ones by UUID:")
        st.code(visible(batch.failed_ids) or "–", language=None, wrap_lines=True)
