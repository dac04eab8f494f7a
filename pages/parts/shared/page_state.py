"""What a page remembers between runs: one dataclass per screen, dropped when the page is left."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import streamlit as st

_PAGE: Final = "page_shown"
_STATE: Final = "page_state"

T = TypeVar("T")


def enter(page: str) -> None:
    """Drop what another page has remembered; called by `main.py` before each run of a page."""
    if st.session_state.get(_PAGE) != page:
        st.session_state.pop(_STATE, None)
        st.session_state[_PAGE] = page


def page_state(kind: type[T]) -> T:
    """Return what this page remembers, which is a new one of this kind on a first visit."""
    state: Any = st.session_state.get(_STATE)
    # By name: a module that is loaded again has another class of the same name.
    if type(state).__qualname__ != kind.__qualname__:
        state = st.session_state[_STATE] = kind()
    found: T = state
    return found
