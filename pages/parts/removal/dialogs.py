"""The questions before jobs are deleted. The open one is state of its page, and is dropped with it.

While one is open the list is not refreshed: a run of the page asks `is_open`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pandas as pd
import streamlit as st

from jobs_data.background import NotStarted
from jobs_data.jobs import list_page
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.selections import Contents, ids_of, read_contents
from jobs_data.jobs.view import EVERYTHING, ListView
from jobs_data.plain_text import on_one_line
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import FINISHED_STATES, State
from jobs_data.removal.removal import ALL_FINISHED, sentence_on
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.url_values import MAX_PAGE_SIZE
from jobs_data.wording import counted
from pages.parts.removal import progress
from pages.parts.shared import selection
from pages.parts.shared.address import notify, open_list
from pages.parts.shared.look import status_word
from pages.parts.shared.page_state import page_state
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import get_viewer

T = TypeVar("T")

NAMED: Final = 50
"""This many jobs are named one by one; of more, the names are counted."""

FEW: Final = 4
NAMES_HEIGHT: Final = 260
"""Above a few, the names scroll, so that the buttons stay in sight."""


@dataclass
class _Question:
    ids: Ids | None
    """The jobs to delete; None for all finished ones."""
    address: str | None
    """The number of the job whose page asks: another job's page does not show it."""
    facts: Any = None
    """What it says, read when it opened: it must not change under the reader."""


@dataclass
class _State:
    question: _Question | None = None


def ask_delete(ids: Ids | Sequence[int]) -> None:
    """Open the question whether some jobs are to be deleted."""
    page_state(_State).question = _Question(ids_of(ids), st.query_params.get("id"))


def ask_delete_all_finished() -> None:
    """Open the question whether all finished jobs are to be deleted."""
    page_state(_State).question = _Question(None, st.query_params.get("id"))


def is_open() -> bool:
    """Return whether a question is open on this page."""
    question = page_state(_State).question
    return question is not None and question.address == st.query_params.get("id")


def show_dialog(view: ListView) -> None:
    """Show the open question, if any; once it is answered with yes, the list shows this view."""
    question = page_state(_State).question
    if question is None or not is_open():
        return
    if question.ids is None:
        title, show = "Delete all finished jobs?", _all_finished
    else:
        title, show = f"Delete {'this job' if question.ids.size == 1 else 'these jobs'}?", _some
    st.dialog(title, on_dismiss=_close, icon=":material/delete:")(_dialog)(show, question, view)


def _close() -> None:
    page_state(_State).question = None


def _dialog(show: Callable[[_Question, ListView], None], question: _Question, view: ListView) -> None:
    if not is_open():
        st.rerun()
    try:
        with st.spinner("Reading the jobs…"):
            show(question, view)
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)))
        st.button("Close", on_click=_close)


def _once(question: _Question, read: Callable[[], T]) -> T:
    if question.facts is None:
        question.facts = read()
    facts: T = question.facts
    return facts


def _buttons(label: str, delete: Callable[..., None], *arguments: object) -> None:
    # Callbacks: they act before anything is read again, also where the database is slow.
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Cancel" if label else "Close", on_click=_close)
        if label:
            st.button(
                label,
                key="delete_confirmed",
                type="primary",
                icon=":material/delete:",
                on_click=delete,
                args=arguments,
            )


def _kept_for(jobs: int) -> str:
    days = counted(get_services().settings.receipts_days, "day")
    which = "The job" if jobs == 1 else "The jobs"
    return f"Result files are kept. {which} can be restored for {days}, under Deleted jobs."


def _some(question: _Question, view: ListView) -> None:
    ids = ids_of(question.ids)
    contents, named = _once(question, lambda: _read(ids))
    finished, others = contents.finished, contents.selected - contents.finished
    if finished > NAMED:
        _counts_by_name(contents)
    else:
        with st.container(height="content" if len(named) <= FEW else NAMES_HEIGHT):
            columns = named[["name", "id", "state", "status", "errors"]]
            for name, number, state, status, errors in columns.itertuples(index=False):
                word = status_word(State(state), status, errors)
                st.text(f"{on_one_line(human_name(name))}\nJob {number} · {word}")
    if others:
        jobs = "This job" if contents.selected == 1 else counted(others)
        st.info(
            f"{jobs} cannot be deleted: not finished, or already deleted. Only completed and failed "
            "jobs can be deleted."
        )
    if finished:
        st.caption(f"Output, notes and properties are deleted too. {_kept_for(finished)}")
    label = "Delete" if contents.selected == 1 else f"Delete {counted(finished)}"
    _buttons(label if finished else "", _delete, contents, view)


def _read(ids: Ids) -> tuple[Contents, pd.DataFrame]:
    """Return what some ids stand for, and the jobs to name."""
    database, outcomes = get_services().database, get_services().outcomes
    contents = read_contents(database, ids, EVERYTHING)
    return contents, list_page.read_jobs(database, contents.finished_ids[-NAMED:].tolist(), outcomes)


def _counts_by_name(contents: Contents) -> None:
    completed, failed = contents.in_state(State.COMPLETED), contents.in_state(State.FAILED)
    st.markdown(
        f"**{counted(contents.finished, 'finished job')}** will be deleted: {completed:,} completed "
        f"and {failed:,} failed."
    )
    lines = [line for line in contents.by_name if line[1] in FINISHED_STATES]
    rows = [(human_name(name), state.capitalize(), jobs) for name, state, jobs in lines[:NAMED]]
    shown = pd.DataFrame(rows, columns=["Job name", "Status", "Jobs"])
    st.dataframe(
        visible_cells(shown), hide_index=True, height=NAMES_HEIGHT, alt="Jobs to delete, by name"
    )
    if more := sum(jobs for *_, jobs in lines[NAMED:]):
        st.caption(f"And {counted(more)} with other names.")


def _delete(contents: Contents, view: ListView) -> None:
    """Delete, or begin to, and leave a notice. Nothing of Streamlit could interrupt it in between."""
    ids = contents.finished_ids
    which = f"job {ids[0]}" if ids.size == 1 else f"{ids.size:,} selected jobs"
    reason = Reason(get_viewer().actor, Action.DELETE, which)
    removals = get_services().removals
    if ids.size > MAX_PAGE_SIZE:
        has_begun = progress.start(lambda _: removals.start(ids, reason))
    else:
        has_begun = _delete_at_once(ids, reason, contents.selected - int(ids.size))
    if has_begun:
        selection.drop(ids)
    _close()
    open_list(view)


def _delete_at_once(ids: Ids, reason: Reason, others: int) -> bool:
    """Delete a page's worth of jobs; return whether nothing stopped it, whatever became of each job."""
    try:
        get_viewer().require_administrator()
    except NotStarted as problem:
        notify(str(problem), is_good=False)
        return False
    work = get_services().removals.remove_jobs(ids.tolist(), reason)
    is_one = ids.size == 1 and not work.error
    sentence = sentence_on(work.outcome, int(ids[0])) if is_one else work.sentence()
    if others:
        sentence += f" {counted(others)} not deleted: not finished, or already deleted."
    notify(sentence, is_good=work.removed == work.total, receipt=work.receipt)
    return not work.error


def _all_finished(question: _Question, view: ListView) -> None:
    counts: Counts = _once(question, lambda: list_page.count_jobs(get_services().database))
    st.markdown(
        f"**{counted(counts.finished, 'finished job')}** will be deleted with output, notes and "
        f"properties, whatever the filters show: {counts.completed:,} completed and {counts.failed:,} "
        "failed."
    )
    st.caption(
        f"{counted(counts.total - counts.finished, 'other job')} will not be deleted. A job that "
        f"finishes before the end may be deleted too. {_kept_for(counts.finished)}"
    )
    _buttons(
        f"Delete {counted(counts.finished)}" if counts.finished else "", _delete_all_finished, view
    )


def _delete_all_finished(view: ListView) -> None:
    _close()
    open_list(view)
    removals = get_services().removals
    progress.start(
        lambda viewer: removals.start(None, Reason(viewer.actor, Action.DELETE_ALL, ALL_FINISHED))
    )
