"""How far a clearing of finished jobs is, for everybody who looks at the list meanwhile."""

from __future__ import annotations

import streamlit as st

from jobs_data import removal
from jobs_data.engine import get_database
from pages.parts.state import tell


def is_running() -> bool:
    """Return whether this server is clearing finished jobs now."""
    clearing = removal.current_clearing(get_database())
    return clearing is not None and clearing.is_running


def follow_clearing() -> None:
    """Show the progress of a running clearing, and leave a notice when the one watched has ended."""
    clearing = removal.current_clearing(get_database())
    if clearing is None:
        return
    if clearing.is_running:
        st.session_state["watches_clearing"] = True
        _progress()
    elif st.session_state.pop("watches_clearing", False):
        tell(clearing.sentence(), is_good=not clearing.error)


@st.fragment(run_every=1.0)
def _progress() -> None:
    clearing = removal.current_clearing(get_database())
    if clearing is None or not clearing.is_running:
        st.rerun()
    # A job that finished meanwhile is cleared too, so more can go than there were at first.
    share = min(1.0, clearing.cleared / clearing.total) if clearing.total else 1.0
    st.progress(
        share,
        f"Clearing finished jobs: {clearing.cleared:,} of {clearing.total:,}. "
        "It goes on if you leave this page.",
    )
