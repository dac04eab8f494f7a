"""How far a clearing of finished jobs is, for everybody who looks at the list meanwhile."""

from __future__ import annotations

import streamlit as st

from jobs_data import removal
from jobs_data.engine import get_database
from jobs_data.removal import Removal
from pages.parts.state import tell


def is_running() -> bool:
    """Return whether this server is clearing finished jobs now."""
    clearing = removal.current_removal(get_database())
    return clearing is not None and clearing.is_running


def watch(_work: Removal) -> None:
    """Show this viewer how far a removal is, and what came of it."""
    st.session_state["watches_clearing"] = True


def take_result() -> None:
    """Leave a notice when the clearing that this viewer watched has ended.

    To be called before the list is read: what the notice says must be true of the list below it.
    """
    clearing = removal.current_removal(get_database())
    watched = st.session_state.get("watches_clearing", False)
    if clearing and watched and not clearing.is_running:
        del st.session_state["watches_clearing"]
        tell(clearing.sentence(), is_good=not clearing.error)


def show_progress() -> None:
    """Show how far a running clearing is; when it has ended, the page runs anew."""
    if is_running():
        st.session_state["watches_clearing"] = True
    if st.session_state.get("watches_clearing"):
        _progress()


@st.fragment(run_every=1.0)
def _progress() -> None:
    clearing = removal.current_removal(get_database())
    if clearing is None or not clearing.is_running:
        st.rerun()
    # A job that finished meanwhile is cleared too, so more can go than there were at first.
    share = min(1.0, clearing.removed / clearing.total) if clearing.total else 1.0
    st.progress(
        share,
        f"Clearing finished jobs: {clearing.removed:,} of {clearing.total:,}. "
        "It goes on if you leave this page.",
    )
