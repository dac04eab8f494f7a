"""The two questions asked before anything is removed. Which one is open is in the session.

A dialog must outlive a run of the page, and a run must know of it: the list is not refreshed under it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import pandas as pd
import streamlit as st

from jobs_data.background import NotStarted
from jobs_data.jobs import list_page
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
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer, get_viewer

T = TypeVar("T")

_DELETE: Final = "delete"
_CLEAR: Final = "clear"

FEW: Final = 4
NAMED: Final = 50
"""So many jobs are named one by one; of more, the names are counted."""

NAMES_HEIGHT: Final = 260
COUNTS_HEIGHT: Final = 145
"""Above a few, the names scroll, so that the buttons stay in sight."""


def ask_delete(ids: Ids | Sequence[int]) -> None:
    """Open the question whether some jobs are to be deleted."""
    st.session_state["dialog"] = (_DELETE, ids_of(ids))


def ask_clear() -> None:
    """Open the question whether all finished jobs are to be cleared."""
    st.session_state["dialog"] = (_CLEAR, ids_of([]))


def is_open() -> bool:
    """Return whether a question is open."""
    return "dialog" in st.session_state


def show_dialog(view: ListView) -> None:
    """Show the open question, if any; when it is answered with yes, the list's view follows."""
    kind, ids = st.session_state.get("dialog", ("", ids_of([])))
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


def _end_if_closed() -> None:
    if not is_open():
        st.rerun()


def _close_button(label: str) -> None:
    # A callback: where the database is slow, the dialog must not read anew first.
    st.button(label, on_click=_close)


@st.dialog("Delete from the history?", on_dismiss=_close, icon=":material/delete:")
def _delete_dialog(view: ListView, ids: Ids) -> None:
    _end_if_closed()
    try:
        with st.spinner("Looking at the jobs…"):
            contents, named = _once(lambda: _read_what_goes(ids))
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)))
        _close_button("Close")
        return
    going = contents.finished
    if going > NAMED:
        _show_names(contents)
    height = COUNTS_HEIGHT if going > NAMED else NAMES_HEIGHT
    with st.container(height="content" if len(named) <= FEW else height):
        for name, number, status in named[["name", "id", "status"]].itertuples(index=False):
            st.text(f"{on_one_line(name)}\nJob {number} · {status}")
    kept = contents.selected - going
    if kept:
        st.info(
            f"{kept:,} of them cannot be deleted: only a finished job that is still there can."
            if going
            else "This job is not finished or no longer there, so it cannot be deleted."
            if kept == 1
            else "None of these jobs can be deleted: only a finished job that is still there can."
        )
    if going:
        st.caption(
            f"{'The entry goes' if going == 1 else 'The entries go'} from the platform's database with "
            f"output, notes and properties. {_can_be_undone()} A result file on disk stays."
        )
    with st.container(horizontal=True, horizontal_alignment="right"):
        _close_button("Cancel" if going else "Close")
        label = "Delete" if contents.selected == 1 else f"Delete {counted(going)}"
        # A key, because without one a button is another button when its label changes.
        if going and st.button(label, key="confirm_delete", type="primary", icon=":material/delete:"):
            if _delete(contents.finished_ids, kept):
                selection.drop(contents.finished_ids)
            _close()
            open_list(view)
            st.rerun()


def _read_what_goes(ids: Ids) -> tuple[Contents, pd.DataFrame]:
    """Return what some ids stand for, and those of them that can be deleted, or the last of these."""
    contents = read_contents(get_services().database, ids, EVERYTHING)
    return contents, list_page.read_jobs(
        get_services().database, contents.finished_ids[-NAMED:].tolist()
    )


def _show_names(contents: Contents) -> None:
    """Show how many jobs go, by name and outcome."""
    completed, failed = contents.in_state(State.COMPLETED), contents.in_state(State.FAILED)
    st.markdown(
        f"**{counted(contents.finished, 'finished job')}** will be deleted: {completed:,} completed "
        f"and {failed:,} failed."
    )
    going = [line for line in contents.by_name if line[1] in FINISHED_STATES]
    shown = pd.DataFrame(going[:NAMED], columns=["Job name", "Outcome", "Jobs"])
    st.dataframe(
        visible_cells(shown), hide_index=True, height=COUNTS_HEIGHT, alt="What will be deleted"
    )
    more = sum(jobs for _, _, jobs in going[NAMED:])
    others = f"And {counted(more)} of other names or outcomes. " if more else ""
    st.caption(f"{others}The {NAMED} with the highest numbers:")


def _delete(ids: Ids, kept: int) -> bool:
    """Delete, or begin to, and leave a notice; nothing of Streamlit that could interrupt it in between.

    `kept` of the jobs asked for are not among them. Return whether nothing stood in the way, whatever
    became of each job.
    """
    viewer = get_viewer()
    which = f"job {ids[0]}" if ids.size == 1 else f"{ids.size:,} selected jobs"
    reason = Reason(viewer.name, Action.DELETE, which)
    if ids.size > MAX_PAGE_SIZE:
        return _start(viewer, ids, reason)
    try:
        viewer.require_administrator()
    except NotStarted as problem:
        notify(str(problem), is_good=False)
        return False
    work = get_services().removals.remove_jobs(ids.tolist(), reason)
    is_one = ids.size == 1 and not work.error
    sentence = sentence_on(work.outcome, int(ids[0])) if is_one else work.sentence()
    if kept:
        sentence += f" {counted(kept, 'other')} stayed: only finished jobs can be deleted."
    notify(sentence, is_good=work.removed == work.total, receipt=work.receipt)
    return not work.error


def _start(viewer: Viewer, ids: Ids | None, reason: Reason) -> bool:
    """Begin to remove many jobs, and return whether that could be; the list tells how far it is."""
    try:
        viewer.require_administrator()
        progress.watch(get_services().removals.start(ids, reason))
    except (NotStarted, DatabaseUnavailable) as problem:
        notify(str(problem), is_good=False)
        return False
    return True


@st.dialog("Clear inactive jobs?", on_dismiss=_close, icon=":material/delete_sweep:")
def _clear_dialog(view: ListView) -> None:
    _end_if_closed()
    try:
        counts = _once(lambda: list_page.count_jobs(get_services().database))
    except DatabaseUnavailable as problem:
        st.error(plain(str(problem)))
        _close_button("Close")
        return
    st.markdown(
        f"**{counted(counts.finished, 'finished job')}** will go from the platform's database: "
        f"{counts.completed:,} completed and {counts.failed:,} failed, with their outputs, notes and "
        f"properties, whatever the list shows now. {_can_be_undone()}"
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
            _clear()
            _close()
            open_list(view)
            st.rerun()


def _clear() -> None:
    viewer = get_viewer()
    _start(viewer, None, Reason(viewer.name, Action.CLEAR, ALL_FINISHED))


def _can_be_undone() -> str:
    days = counted(get_services().settings.receipts_days, "day")
    return f"This can be undone for {days}, from Receipts in the sidebar."
