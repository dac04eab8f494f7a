"""How far a removal of many jobs is, for everybody who looks at the list meanwhile."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.removal.removal import Removal
from jobs_data.store.receipt_writer import Action
from pages.parts.shared.address import notify
from pages.parts.shared.services import get_services

_DOING: Final = {
    Action.CLEAR: "Clearing finished jobs",
    Action.DELETE: "Deleting the selected jobs",
    Action.TIDY: "Tidying",
}


def is_running() -> bool:
    """Return whether this server is removing many jobs now."""
    return get_services().removals.is_running


def watch(work: Removal) -> None:
    """Show this viewer how far a removal is, and its result."""
    st.session_state["watched"] = work


def take_result() -> None:
    """Leave a notice when the removal that this viewer watched has ended.

    To be called before the list is read: what the notice says must be true of the list below it.
    """
    work: Removal | None = st.session_state.get("watched")
    if work and not work.is_running:
        del st.session_state["watched"]
        notify(work.sentence(), is_good=not work.error, receipt=work.receipt)


def show_progress() -> None:
    """Show how far a running removal is; when it has ended, the page runs anew."""
    if (current := get_services().removals.current) and current.is_running:
        watch(current)
    if work := st.session_state.get("watched"):
        _progress(work)


@st.fragment(run_every=1.0)
def _progress(work: Removal) -> None:
    if not work.is_running:
        st.rerun()
    # A job that finished meanwhile is cleared too, so more can go than there were at first.
    st.progress(
        min(1.0, work.done / work.total) if work.total else 1.0,
        f"{_DOING[work.action]}: {work.done:,} of {work.total:,}. It goes on if you leave this page.",
    )
