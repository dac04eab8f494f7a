"""What a page remembers between runs: a dataclass for each part, dropped when the page is left."""

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
    """Return what this page remembers of a kind, which is a new one on a first visit."""
    states: dict[str, Any] = st.session_state.setdefault(_STATE, {})
    # By name: a module that is loaded again has another class of the same name.
    found: T = states.setdefault(f"{kind.__module__}.{kind.__qualname__}", kind())
    return found
