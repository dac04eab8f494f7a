"""Undoing a removal: the button, the question, how far it is, and what came of it.

For every page that offers it: `take_result` at the top, `show_progress` and `show_dialog` below.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.platform.database import identity
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.removal import kept_receipts, restore
from jobs_data.removal.restore import UndoRefused
from jobs_data.wording import counted
from pages.parts.services import get_services
from pages.parts.state import tell
from pages.parts.viewer import Viewer, get_viewer

_ASKED: Final = "undo_asked"
_WATCHED: Final = "watches_undo"


def undo_button(receipt_id: str, viewer: Viewer) -> None:
    """Show the button that asks whether to undo the removal of a receipt, or says why it cannot be."""
    why = _why_not(receipt_id, viewer)
    st.button(
        "Undo…",
        key=f"undo-{receipt_id}",
        icon=":material/undo:",
        on_click=_ask,
        args=(receipt_id,),
        disabled=bool(why),
        help=why or "Puts the jobs back under their old numbers; asks first.",
    )
    if why:
        st.caption(why)


def is_open() -> bool:
    """Return whether the question is open."""
    return _ASKED in st.session_state


def show_dialog() -> None:
    """Show the question, if it is open."""
    if receipt_id := st.session_state.get(_ASKED):
        _dialog(receipt_id)


def take_result() -> None:
    """Leave a notice when the undo that this viewer watched has ended."""
    work = restore.current_undo(get_services().database, st.session_state.get(_WATCHED, ""))
    if work and not work.is_running:
        del st.session_state[_WATCHED]
        tell(work.sentence(), is_good=not (work.error or work.failed))


def show_progress() -> None:
    """Show how far an undo is that this server is at; when it has ended, the page runs anew."""
    if running := restore.running_undo(get_services().database):
        st.session_state[_WATCHED] = running.receipt_id
    if st.session_state.get(_WATCHED):
        _progress()


@st.fragment(run_every=1.0)
def _progress() -> None:
    work = restore.current_undo(get_services().database, st.session_state.get(_WATCHED, ""))
    if work is None or not work.is_running:
        st.rerun()
    if not work.total:
        st.progress(0.0, "Undo: reading the receipt. It goes on if you leave this page.")
        return
    done = work.returned + work.failed
    st.progress(
        min(1.0, done / work.total),
        f"Putting jobs back: {done:,} of {work.total:,}. It goes on if you leave this page.",
    )


def _why_not(receipt_id: str, viewer: Viewer) -> str:
    """Return why a removal cannot be undone (now), empty where it can."""
    receipt = kept_receipts.read_receipt(get_services().database.receipts_dir, receipt_id)
    if receipt is None:
        return "Its receipt is not there (any more)."
    said = receipt.summary
    reasons = {
        "Only administrators may undo a removal.": not viewer.may_remove,
        "A removal or an undo is writing this receipt right now.": kept_receipts.is_at_work(
            receipt.path
        ),
        "This receipt cannot be read: it was cut off before its first job.": not said.at,
        "This receipt is of another database than the one that is set now.": (
            said.database != identity(get_services().database)
        ),
        "All of its jobs have been put back.": (
            said.removed > 0 and not (said.can_be_undone or receipt.is_being_read)
        ),
        "Nothing was removed, so there is nothing to put back.": (
            not (said.can_be_undone or receipt.is_being_read)
        ),
    }
    return next((sentence for sentence, holds in reasons.items() if holds), "")


def _ask(receipt_id: str) -> None:
    st.session_state[_ASKED] = receipt_id


def _close() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Undo the removal?", on_dismiss=_close, icon=":material/undo:")
def _dialog(receipt_id: str) -> None:
    receipt = kept_receipts.read_receipt(get_services().database.receipts_dir, receipt_id)
    if receipt is None:
        st.info("Its receipt is not there any more, so nothing can be put back.")
    else:
        said = receipt.summary
        left = said.removed - said.returned + len(said.pending)
        amount = "All jobs of this receipt" if receipt.is_being_read else f"**{counted(left)}**"
        st.markdown(
            f"{amount} will return to the platform's database under the old numbers, with all their "
            "rows as they were. Nothing that is there now is changed."
        )
        st.caption(
            "A job stays away whose number is in use again, or whose user, related record or status "
            "is gone; the receipt then says why."
        )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel" if receipt else "Close"):
            _close()
            st.rerun()
        if receipt and st.button("Undo", key="confirm_undo", type="primary", icon=":material/undo:"):
            _start(receipt_id)
            _close()
            st.rerun()


def _start(receipt_id: str) -> None:
    viewer = get_viewer()
    if not viewer.may_remove:
        return
    try:
        restore.start_undo(get_services().database, receipt_id, viewer.name)
        st.session_state[_WATCHED] = receipt_id
    except (UndoRefused, DatabaseUnavailable) as problem:
        tell(str(problem), is_good=False)
