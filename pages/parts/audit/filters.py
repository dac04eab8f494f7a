"""Which entries of the audit log are listed. The address says it; each widget only writes there."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data.audit import Event
from jobs_data.url_values import clean_text
from pages.parts.audit.entries import LABELS
from pages.parts.shared.address import put_into_url

_EVENT: Final = "audit_event"
_USER: Final = "audit_user"
_LONGEST_USER: Final = 200


def event_in_url() -> Event | None:
    """Return the event that the address names, None for all."""
    name = st.query_params.get("event", "")
    return Event(name) if name in list(Event) else None


def user_in_url() -> str:
    """Return the part of a user's name or id that the address has, empty without one."""
    return clean_text(st.query_params.get("user", ""))[:_LONGEST_USER]


def show_filters(event: Event | None, user: str) -> None:
    """Show the choice of an event and the search for a user."""
    st.session_state[_EVENT] = event or ""
    st.selectbox(
        "Event",
        ["", *Event],
        key=_EVENT,
        format_func=lambda each: LABELS[Event(each)] if each else "All events",
        on_change=lambda: _set("event", st.session_state[_EVENT]),
        width=220,
        label_visibility="collapsed",
    )
    st.session_state[_USER] = user
    st.text_input(
        "User",
        key=_USER,
        type="search",
        placeholder="User, by name or number",
        max_chars=_LONGEST_USER,
        on_change=lambda: _set("user", st.session_state[_USER]),
        width=220,
        label_visibility="collapsed",
    )


def go_to_page(page: int) -> None:
    """Put another page of the same entries into the address."""
    put_into_url({"page": str(page)} if page > 1 else {}, ("page",))


def clear() -> None:
    """List all entries."""
    put_into_url({}, ("event", "user", "page"))


def _set(name: str, value: str) -> None:
    put_into_url({name: value} if value else {}, (name, "page"))
