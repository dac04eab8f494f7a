"""Undoing a removal: the button, the question, the progress, and the result.

For every page that offers it: `take_result` at the top, `show_progress` and `show_dialog` below.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import streamlit as st

from jobs_data.background import NotStarted
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.store.receipts import Receipt, State, read_receipt
from jobs_data.wording import counted
from pages.parts.shared.address import notify
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer, get_viewer

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
        help=why or "Restores the jobs under their old numbers; asks first.",
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
    """Leave a notice when the restore that this viewer watched has ended."""
    work = get_services().restores.last(st.session_state.get(_WATCHED, ""))
    if work and not work.is_running:
        del st.session_state[_WATCHED]
        notify(work.sentence(), is_good=not (work.error or work.failed))


def show_progress() -> None:
    """Show how far a running restore of this server is; when it has ended, the page runs anew."""
    if running := get_services().restores.running():
        st.session_state[_WATCHED] = running.receipt_id
    if st.session_state.get(_WATCHED):
        _progress()


@st.fragment(run_every=1.0)
def _progress() -> None:
    work = get_services().restores.last(st.session_state.get(_WATCHED, ""))
    if work is None or not work.is_running:
        st.rerun()
    st.progress(
        min(1.0, work.done / max(1, work.total)),
        f"Restoring jobs: {work.done:,} of {work.total:,}. It goes on if you leave this page.",
    )


def read_settled(receipt_id: str) -> Receipt | None:
    """Return a receipt, None where there is none; first find out what became of its pending jobs.

    Where the platform's database does not answer they stay pending. Raises StoreUnavailable.
    """
    store = get_services().store
    receipt = read_receipt(store, receipt_id)
    if receipt is None or not receipt.pending or receipt.is_busy or not _is_of_this_database(receipt):
        return receipt
    with suppress(DatabaseUnavailable):
        get_services().restores.settle(receipt)
    return read_receipt(store, receipt_id)


def _is_of_this_database(receipt: Receipt) -> bool:
    return receipt.platform == get_services().database.identity


def _why_not(receipt_id: str, viewer: Viewer) -> str:
    """Return why a removal cannot be undone (now), empty where it can."""
    receipt = read_receipt(get_services().store, receipt_id)
    if receipt is None:
        return "Its receipt is not there (any more)."
    reasons = {
        "Only administrators may undo a removal.": not viewer.may_remove,
        "A removal or a restore is writing this receipt right now.": receipt.state is State.AT_WORK,
        "This receipt is of another database than the one that is set now.": (
            not _is_of_this_database(receipt)
        ),
        "All of its jobs have been restored.": bool(receipt.removed) and not receipt.to_restore,
        "Nothing was removed, so there is nothing to restore.": not receipt.to_restore,
    }
    return next((sentence for sentence, holds in reasons.items() if holds), "")


def _ask(receipt_id: str) -> None:
    st.session_state[_ASKED] = receipt_id


def _close() -> None:
    st.session_state.pop(_ASKED, None)


@st.dialog("Undo the removal?", on_dismiss=_close, icon=":material/undo:")
def _dialog(receipt_id: str) -> None:
    receipt = read_receipt(get_services().store, receipt_id)
    if receipt is None:
        st.info("Its receipt is not there any more, so nothing can be restored.")
    else:
        st.markdown(
            f"**{counted(receipt.to_restore)}** will return to the platform's database under the old "
            "numbers, with all their rows as they were. Nothing that is there now is changed."
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
    try:
        viewer.require_administrator()
        get_services().restores.start(receipt_id, viewer.name)
        st.session_state[_WATCHED] = receipt_id
    except (NotStarted, DatabaseUnavailable) as problem:
        notify(str(problem), is_good=False)
