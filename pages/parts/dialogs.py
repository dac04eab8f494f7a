"""The two questions asked before anything is removed. Which one is open is in the session.

A dialog must outlive a run of the page, and a run must know of it: the list is not refreshed under it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import streamlit as st

from jobs_data import queries, removal
from jobs_data.engine import DatabaseUnavailable, get_database
from jobs_data.filters import ListView
from jobs_data.receipts import Action, Cause, ReceiptNotWritten
from jobs_data.removal import ClearingRuns, Outcome
from jobs_data.status import FINISHED_STATES
from jobs_data.wording import counted
from pages.parts.state import open_list, tell
from pages.parts.viewer import get_viewer

T = TypeVar("T")

_DELETE: Final = "delete"
_CLEAR: Final = "clear"

FEW: Final = 4
NAMES_HEIGHT: Final = 260
"""Above a few, the names scroll, so that the buttons stay in sight."""


def ask_delete(ids: Sequence[int]) -> None:
    """Open the question whether some jobs are to be deleted."""
    st.session_state["dialog"] = (_DELETE, tuple(ids))


def ask_clear() -> None:
    """Open the question whether all finished jobs are to be cleared."""
    st.session_state["dialog"] = (_CLEAR, ())


def is_open() -> bool:
    """Return whether a question is open."""
    return "dialog" in st.session_state


def show_dialog(view: ListView) -> None:
    """Show the open question, if any; when it is answered with yes, the list's view follows."""
    kind, ids = st.session_state.get("dialog", ("", ()))
    if kind == _DELETE:
        _delete_dialog(view, ids)
    elif kind == _CLEAR:
        _clear_dialog(view)


def _close() -> None:
    for name in ("dialog", "dialog_facts"):
        st.session_state.pop(name, None)


def _once(read: Callable[[], T]) -> T:
    """Return what the dialog speaks of, read when it opened: it must not change under the reader."""
    if "dialog_facts" not in st.session_state:
        st.session_state["dialog_facts"] = read()
    facts: T = st.session_state["dialog_facts"]
    return facts


def _close_button(label: str) -> None:
    if st.button(label):
        _close()
        st.rerun()


@st.dialog("Delete from the history?", on_dismiss=_close, icon=":material/delete:")
def _delete_dialog(view: ListView, ids: Sequence[int]) -> None:
    try:
        jobs = _once(lambda: queries.read_jobs(get_database(), ids))
    except DatabaseUnavailable as problem:
        st.error(str(problem))
        _close_button("Close")
        return
    finished = jobs[jobs["state"].isin(FINISHED_STATES)]
    with st.container(height="content" if len(finished) <= FEW else NAMES_HEIGHT):
        for name, number, status in finished[["name", "id", "status"]].itertuples(index=False):
            st.text(f"{name}\nJob {number} · {status}")
    kept = len(ids) - len(finished)
    if kept:
        st.info(
            f"{kept} of them cannot be deleted: only a finished job that is still there can."
            if len(finished)
            else "This job is active or no longer there, so it cannot be deleted."
        )
    if len(finished):
        st.caption(
            "The entry goes from the platform's database with its output, notes and properties. "
            "This cannot be undone. A result file on disk stays."
        )
    with st.container(horizontal=True, horizontal_alignment="right"):
        _close_button("Cancel" if len(finished) else "Close")
        label = "Delete" if len(ids) == 1 else f"Delete {counted(len(finished))}"
        # A key, because without one a button is another button when its label changes.
        if len(finished) and st.button(
            label, key="confirm_delete", type="primary", icon=":material/delete:"
        ):
            _delete(finished["id"].tolist())
            _close()
            open_list(view)


def _delete(ids: Sequence[int]) -> None:
    """Delete, and leave a notice; nothing of Streamlit that could interrupt it in between."""
    if not get_viewer().may_remove:
        return
    try:
        which = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} selected jobs"
        cause = Cause(get_viewer().name, Action.DELETE, which)
        outcomes = removal.remove_jobs(get_database(), ids, cause)
    except (DatabaseUnavailable, ReceiptNotWritten) as problem:
        tell(str(problem), is_good=False)
        return
    removed = sum(outcome is Outcome.REMOVED for outcome in outcomes.values())
    if len(outcomes) == 1:
        [(job_id, outcome)] = outcomes.items()
        tell(removal.sentence_on(outcome, job_id), is_good=outcome is Outcome.REMOVED)
    elif removed == len(outcomes):
        tell(f"{counted(removed)} deleted.")
    else:
        tell(
            f"{counted(removed)} deleted; {len(outcomes) - removed} had become active or were gone "
            "already, and were left alone.",
            is_good=False,
        )


@st.dialog("Clear inactive jobs?", on_dismiss=_close, icon=":material/delete_sweep:")
def _clear_dialog(view: ListView) -> None:
    try:
        counts = _once(lambda: queries.count_jobs(get_database()))
    except DatabaseUnavailable as problem:
        st.error(str(problem))
        _close_button("Close")
        return
    st.markdown(
        f"**{counted(counts.finished, 'finished job')}** will go from the platform's database: "
        f"{counts.completed:,} completed and {counts.failed:,} failed, with their outputs, notes and "
        "properties, whatever the list shows now. This cannot be undone."
    )
    st.caption(
        f"{counted(counts.total - counts.finished, 'other job')} and all result files on disk stay. "
        "A job that finishes while the clearing is at work may be cleared with them."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        _close_button("Cancel")
        if st.button(
            f"Clear {counted(counts.finished)}",
            key="confirm_clear",
            type="primary",
            icon=":material/delete_sweep:",
            disabled=not counts.finished,
            help=None if counts.finished else "There is no finished job any more.",
        ):
            _start_clearing()
            _close()
            open_list(view)


def _start_clearing() -> None:
    if not get_viewer().may_remove:
        return
    try:
        cause = Cause(get_viewer().name, Action.CLEAR, removal.ALL_FINISHED)
        removal.start_removal(get_database(), None, cause)
        st.session_state["watches_clearing"] = True
    except (ClearingRuns, DatabaseUnavailable) as problem:
        tell(str(problem), is_good=False)
