"""The top of a job's page: navigation, status and name with their buttons, and one line of facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses, wording
from jobs_data.audit import Actor, Event
from jobs_data.jobs import job_report, result_files
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.view import ListView
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.platform.status import FINISHED_STATES
from pages.parts.job.output import LINE_PARAM
from pages.parts.removal import dialogs
from pages.parts.shared import address
from pages.parts.shared.elements import ELEMENTS
from pages.parts.shared.look import first_line, look_of, status_word
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading, plain
from pages.parts.shared.viewer import Viewer

BUTTON_MAX_BYTES: Final = 2_000_000
"""A larger file is streamed by a route: Streamlit keeps a button's file in memory."""

_COPY_LINK: Final = st.components.v2.component(
    "copy_link",
    html='<button type="button">Copy link</button>',
    css="""
button {
  min-height: 2.5rem;
  padding: 0.25rem 0.75rem;
  border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 0.5rem);
  background: var(--st-background-color);
  color: var(--st-text-color);
  font: inherit;
  font-size: 0.875rem;
  white-space: nowrap;
  cursor: pointer;
}
button:hover, button:focus-visible {
  border-color: var(--st-primary-color);
}
""",
    js=ELEMENTS
    + """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button")
  button.onclick = async () => {
    await copy(new URL(data.path, location.href).href)
    button.textContent = "Link copied"
    setTimeout(() => { button.textContent = "Copy link" }, 2000)
  }
}
""",
)


def show_navigation(database: Database, came_from: ListView, job_id: int) -> None:
    """Show the links to the list and to the jobs before and after this one in it."""
    why = "The list that you came from ends here."
    previous = following = None
    try:
        previous, following = job_report.read_neighbours(
            database, came_from, job_id, get_services().order
        )
    except TookTooLong:
        why = "Finding the next job of this search takes too long."
    except DatabaseUnavailable as problem:
        why = str(problem)
    with first_line():
        address.back_button(came_from)
        st.space("stretch")
        for label, icon, shortcut, neighbour in (
            ("Previous", ":material/chevron_left:", "Shift+Left", previous),
            ("Next", ":material/chevron_right:", "Shift+Right", following),
        ):
            st.button(
                label,
                type="tertiary",
                icon=icon,
                shortcut=shortcut,
                on_click=_open_neighbour,
                args=(neighbour,),
                disabled=neighbour is None,
                help=None if neighbour else why,
                wrap=False,
            )


def _open_neighbour(job_id: int) -> None:
    address.put_into_url({"id": str(job_id)}, ("id", LINE_PARAM))


def show_heading(job: JobReport, roots: result_files.ResultRoots | None, viewer: Viewer) -> None:
    """Show the status, the name, and the buttons; below them why the result file is not served."""
    problem = ""
    errors = job.facts.errors
    look = look_of(job.state, errors)
    with st.container(horizontal=True, vertical_alignment="center", key="job_heading"):
        with st.container(horizontal=True, vertical_alignment="center"):
            word = status_word(job.state, job.status, errors)
            st.badge(plain(word), icon=look.icon, color=look.color)
            heading(human_name(job.name))
        with st.container(horizontal=True, width="content", key="job_actions"):
            try:
                _result_button(job, roots, viewer)
            except result_files.ResultUnavailable as error:
                problem = str(error)
            _COPY_LINK(key="copy_link", data={"path": addresses.report_url(job.id, {})})
            if viewer.may_remove:
                is_finished = job.state in FINISHED_STATES
                st.button(
                    "Delete…",
                    icon=":material/delete:",
                    on_click=dialogs.ask_delete,
                    args=([job.id],),
                    disabled=not is_finished,
                    help=None if is_finished else "Only completed and failed jobs can be deleted.",
                )
    if problem:
        st.warning(plain(problem), icon=":material/file_download_off:")


def _result_button(job: JobReport, roots: result_files.ResultRoots | None, viewer: Viewer) -> None:
    """Show the button of the result file, if the job has one. Raises ResultUnavailable."""
    result = result_files.open_result(roots, job.download_path)
    if result is None:
        return
    with result:
        label = f"Result · {wording.file_kind_and_size(result.name, result.size)}"
        icon = ":material/download:"
        if result.size > BUTTON_MAX_BYTES:
            st.link_button(label, addresses.download_url(job.id), icon=icon, help=plain(result.name))
        else:
            # Read now, not by the function, which is called after the press: the file may be gone by
            # then, and the browser would show Streamlit's own error.
            details = {"job": job.id, "file": result.name, "bytes": result.size}
            st.download_button(
                label,
                partial(_downloaded, result.read(), viewer.actor, details),
                file_name=result.name,
                mime="application/octet-stream",
                icon=icon,
                help=plain(result.name),
                on_click="ignore",
            )


def _downloaded(content: bytes, actor: Actor, details: Mapping[str, object]) -> bytes:
    get_services().audit.write(Event.DOWNLOAD, actor, **details)
    return content


def show_facts(job: JobReport, zone: ZoneInfo, site_url: str, now: datetime) -> None:
    """Show in one line the number, who started it, the time, the duration, the class and the record."""
    ran = f"duration unknown: {job.duration_unknown}" if job.duration_unknown else ""
    if job.duration_seconds is not None:
        ran = f"ran {wording.ran(job.duration_seconds)}"
    name = job.name if human_name(job.name) != job.name else job.type
    facts = [f"Job {job.id}", job.started_by, moment_in_words(job.created, zone, now), ran, name]
    shown = [plain(fact) for fact in facts if fact]
    if job.object_id is not None:
        name = plain(job.slug or f"record #{job.object_id}")
        url = addresses.record_url(site_url, job.slug)
        shown.append(f"[{name}]({url})" if url else name)
    st.markdown(" · ".join(shown))


def moment_in_words(moment: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """Return a time as `times.shown`, with words in place of today's and yesterday's date."""
    day, _, time = times.shown(moment, zone).partition(" ")
    today = now.astimezone(zone).date()
    words = {str(today): "today", str(today - timedelta(days=1)): "yesterday"}
    return f"{words.get(day, day)} {time}".strip()
