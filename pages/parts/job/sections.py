"""The parts of a job's report, from top to bottom."""

from __future__ import annotations

from typing import Final, Literal
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses, json_layout, plain_text, wording
from jobs_data.jobs import job_report, result_files
from jobs_data.jobs.job_report import ErrorText, JobReport
from jobs_data.jobs.view import ListView
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.platform.status import State
from pages.parts.shared import address
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

BUTTON_MAX_BYTES: Final = 20 * 1024 * 1024
"""Above this the file is streamed by a route: Streamlit keeps a button's file in memory."""

OUTPUT_HEIGHT: Final = 480
REASON_CHARACTERS: Final = 500

_BADGES: Final[dict[State, tuple[Literal["blue", "green", "red", "gray"], str]]] = {
    State.ACTIVE: ("blue", ":material/autorenew:"),
    State.COMPLETED: ("green", ":material/check_circle:"),
    State.FAILED: ("red", ":material/error:"),
    State.OTHER: ("gray", ":material/help:"),
}


def show_way(database: Database, came_from: ListView, job_id: int) -> None:
    """Show the ways back to the list and to the jobs before and after this one in it."""
    why = "The list that one came from ends here."
    try:
        previous, following = job_report.read_neighbours(
            database, came_from, job_id, get_services().order
        )
    except TookTooLong:
        previous, following = None, None
        why = "It would take too long to find the next job of the search that one came from."
    except DatabaseUnavailable as problem:
        previous, following = None, None
        why = str(problem)
    with st.container(horizontal=True, key="way"):
        address.back_button(came_from)
        st.space("stretch")
        for label, icon, shortcut, neighbour in (
            ("Previous", ":material/chevron_left:", "Shift+Left", previous),
            ("Next", ":material/chevron_right:", "Shift+Right", following),
        ):
            st.button(
                label,
                icon=icon,
                shortcut=shortcut,
                on_click=_open_neighbour,
                args=(neighbour,),
                disabled=neighbour is None,
                help=None if neighbour else why,
                wrap=False,
            )


def _open_neighbour(job_id: int) -> None:
    st.query_params["id"] = str(job_id)


def show_status(job: JobReport) -> None:
    """Show the status as a coloured chip with its text."""
    color, icon = _BADGES[job.state]
    st.badge(plain(job.status), icon=icon, color=color)
    st.text(f"Job {job.id}")


def show_errors(job: JobReport) -> None:
    """Show every text in which the platform says what went wrong, the stack trace folded."""
    failed = job.state is State.FAILED
    if not (failed or job.errors or job.stack_trace):
        return
    with st.container(border=True, key="errors" if failed else "remarks"):
        if not failed:
            st.warning("The platform noted this, though the job has not failed:")
        elif job.reason:
            st.error(plain(_cut(job.reason)), icon=":material/error:")
            if job.more_errors:
                st.caption(f"The output has {wording.counted(job.more_errors, 'more error')}.")
        elif job.errors:
            st.error("This job failed, and its texts do not say why.", icon=":material/error:")
        else:
            st.error(
                "This job failed, but the platform kept no error text and no output for it. The log "
                "of the platform's worker may say more.",
                icon=":material/error:",
            )
        for error in job.errors:
            _show_error(error)
        if job.stack_trace:
            with st.expander("Stack trace", icon=":material/layers:"):
                st.code(plain_text.panel(job.stack_trace).text, language=None)


def show_notes(job: JobReport) -> None:
    """Show what the platform noted of the job besides errors, each under the name of its type."""
    for note in job.notes:
        name = "Description" if note.type_id is None else note.type_name or f"Note {note.type_id}"
        with st.container(gap=None):
            st.caption(plain(name))
            st.text(plain_text.panel(note.text).text)


def _show_error(error: ErrorText) -> None:
    """Show a text with its reason marked; of a long one the lines around it, and the whole folded."""
    excerpt = error.excerpt
    is_whole = len(excerpt.text) >= len(error.text.rstrip())
    st.caption(error.source)
    _code(error.marked if is_whole else excerpt.marked)
    if not is_whole:
        with st.expander(f"All of it · {wording.size(len(error.text.encode()))}"):
            _code(error.text)


def _code(text: str) -> None:
    st.code(plain_text.panel(text).text, language=None, wrap_lines=True)


def _cut(text: str) -> str:
    return text if len(text) <= REASON_CHARACTERS else f"{text[:REASON_CHARACTERS]}…"


def show_facts(job: JobReport, zone: ZoneInfo, site_url: str) -> None:
    """Show whose job it is, its times and durations, its type and its related record."""
    facts = {
        "User": job.owner,
        "Created": times.shown(job.created, zone),
        "Started": times.shown(job.started, zone) if job.started else "",
        "Completed": times.shown(job.completed, zone),
        "Duration": _duration(job),
        "Type": job.type,
    }
    with st.container(horizontal=True, gap="medium", key="facts"):
        for label, value in facts.items():
            if value:
                _fact(label, value)
        if job.object_id is not None:
            _related_record(job.object_id, job.slug, site_url)


def _fact(label: str, value: str) -> None:
    with st.container(width="content", gap=None):
        st.caption(label)
        st.text(on_one_line(value))


def _related_record(object_id: int, slug: str, site_url: str) -> None:
    with st.container(width="content", gap=None):
        st.caption("Related record")
        if url := addresses.record_url(site_url, slug):
            st.markdown(f"[{plain(slug)}]({url})")
        else:
            st.text(f"{on_one_line(slug)} (#{object_id})" if slug else f"#{object_id}")


def _duration(job: JobReport) -> str:
    if job.duration_seconds is None:
        return f"unknown ({job.duration_unknown})" if job.duration_unknown else ""
    how = "as recorded" if job.duration_is_recorded else "completed minus created"
    return f"{wording.duration(job.duration_seconds)} ({how})"


def show_result(job: JobReport, roots: result_files.ResultRoots | None) -> None:
    """Show the result file with its size and a download, or a sentence on why it is not served."""
    try:
        result = result_files.open_result(roots, job.download_path)
    except result_files.ResultUnavailable as problem:
        st.warning(plain(str(problem)), icon=":material/file_download_off:")
        return
    if result is None:
        return
    result.close()
    with st.container(horizontal=True, vertical_alignment="center", key="result"):
        if result.size <= BUTTON_MAX_BYTES:
            st.download_button(
                "Download result",
                # Opened anew when it is pressed: much may have happened to the file since.
                data=lambda: result_files.read_result(roots, job.download_path, BUTTON_MAX_BYTES),
                file_name=result.name,
                mime="application/octet-stream",
                icon=":material/download:",
                on_click="ignore",
            )
        else:
            st.link_button(
                "Download result", addresses.download_url(job.id), icon=":material/download:"
            )
        st.text(f"{on_one_line(result.name)} · {wording.size(result.size)}")


def show_output(job: JobReport) -> None:
    """Show what the job wrote; of a long output its end, and the way to all of it."""
    st.subheader("Output", anchor=False)
    if not job.output.strip():
        st.caption(
            "Nothing yet." if job.state is State.ACTIVE else "This job did not write any output."
        )
        return
    shown = plain_text.panel(job.output if job.output_is_tail else json_layout.indented(job.output))
    with st.container(horizontal=True, vertical_alignment="center"):
        size = wording.size(job.output_bytes)
        if job.output_is_tail:
            size = f"This is the end of a long output of {size}; the beginning is left out here."
        if shown.left_out:
            size += f" Of long lines, {shown.left_out:,} characters are left out too."
        st.caption(size)
        if job.output_is_tail or shown.left_out:
            st.link_button(
                "Download the whole output", addresses.output_url(job.id), icon=":material/download:"
            )
    # A running job's newest lines are at the end, so that is where the panel stays.
    with st.container(height=OUTPUT_HEIGHT, autoscroll=job.state is State.ACTIVE, key="output"):
        st.code(shown.text, language=None, wrap_lines=True)
