"""Why a job failed, said once; what else the platform noted of it."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data import plain_text, wording
from jobs_data.jobs.job_report import ErrorText, JobReport
from jobs_data.platform.status import State
from jobs_data.statistics.failures import SimilarFailures
from pages.parts.shared.text import plain

REASON_CHARACTERS: Final = 500


def show_failure(job: JobReport) -> DeltaGenerator:
    """Show the reason, and folded below it the texts that say more; return the place between them."""
    if job.state is State.FAILED:
        st.error(plain(_reason(job)), icon=":material/error:")
        texts = [e for e in job.further_errors if e.source != "Output" or job.output_is_tail]
    else:
        # Of a completed job with errors `output.show_outcome` says how many, and the first.
        is_said = job.state is State.COMPLETED and job.facts.errors > 0
        texts = list(job.further_errors if is_said else job.errors)
        if (texts or job.stack_trace) and not is_said:
            sentence = "The platform noted an error, but the job did not fail."
            st.warning(sentence, icon=":material/warning:")
    between = st.container(horizontal=True, vertical_alignment="center", key="failure_more")
    if job.state is State.FAILED:
        between.empty()  # with something in it, it has its room before the rest is read
    if job.more_errors:
        between.caption(f"The output has {wording.counted(job.more_errors, 'more error')}.")
    for source in dict.fromkeys(error.source for error in texts):
        # AtoM notes the message, the file and the line of an exception one by one.
        same = [error for error in texts if error.source == source]
        label = source if len(same) == 1 else f"{source}s ({len(same)})"
        size = wording.size(sum(len(error.text.encode()) for error in same))
        with st.expander(f"{label} · {size}"):
            for error in same:
                _show_text(error)
    if job.stack_trace:
        with st.expander("Stack trace", icon=":material/layers:"):
            _code(job.stack_trace)
    return between


def show_similar(similar: SimilarFailures) -> None:
    """Show a link to the other jobs with the same error."""
    if similar.others:
        st.page_link(
            "job_statistics.py",
            label=f"{similar.others:,} more with this error",
            icon=":material/search:",
            query_params={"period": "all", "failure": similar.key},
        )


def show_notes(job: JobReport) -> None:
    """Show the notes that are no errors, each under its type; the first without is the description."""
    first = next((note for note in job.notes if note.type_id is None), None)
    for note in job.notes:
        untyped = "Description" if note is first else "Note"
        name = untyped if note.type_id is None else note.type_name or f"Note {note.type_id}"
        with st.container(gap=None):
            st.caption(plain(name))
            st.text(plain_text.panel(note.text))


def _reason(job: JobReport) -> str:
    if job.reason:
        shown = job.reason[:REASON_CHARACTERS]
        return shown if shown == job.reason else f"{shown}…"
    if job.errors:
        return "This job failed, and its texts do not say why."
    return (
        "This job failed, but the platform kept no error text and no output for it. The log of the "
        "platform's worker may say more."
    )


def _show_text(error: ErrorText) -> None:
    excerpt = error.excerpt
    if len(excerpt.text) < len(error.text.rstrip()):
        _code(excerpt.marked)
        st.caption("All of it:")
    _code(error.marked)


def _code(text: str) -> None:
    st.code(plain_text.panel(text), language=None, wrap_lines=True)
