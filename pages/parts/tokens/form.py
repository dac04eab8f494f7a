"""The form that makes an API token, and the token itself, which is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from jobs_data.accounts.tokens import MOST_CHARACTERS, Scope
from jobs_data.audit import Event
from jobs_data.background import NotStarted
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.url_values import clean_text
from jobs_data.wording import counted
from pages.parts.shared.page_state import page_state
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain
from pages.parts.shared.viewer import Viewer

DAYS: Final = (30, 90, 365)
USUAL_DAYS: Final = 90
NO_NAME: Final = "Give the token a name: the program that will use it."
NO_ACCOUNT: Final = "Your account cannot be found any more. No token was made."


@dataclass
class _State:
    name: str = ""
    value: str = ""
    """The token that was made, until the user has copied it or left the page."""
    problem: str = ""


def show_new_token() -> None:
    """Show the token that was just made, or why none was."""
    state = page_state(_State)
    if state.problem:
        st.warning(plain(state.problem), icon=":material/info:")
        state.problem = ""
    if not state.value:
        return
    with st.container(border=True, key="new_token"):
        st.success(
            f"Token {plain(state.name)} was made. Copy it now: it is not shown again.",
            icon=":material/key:",
        )
        st.code(state.value, language=None, wrap_lines=True)
        st.caption("A program sends it with each request, in the header `Authorization: Bearer …`.")
        st.button("Done", icon=":material/check:", on_click=_forget)


def show_form(viewer: Viewer) -> None:
    """Show the form for a new token."""
    with st.form("make_token"):
        st.text_input(
            "Name",
            key="token_name",
            max_chars=MOST_CHARACTERS,
            placeholder="The program that will use it",
        )
        with st.container(horizontal=True, gap="small"):
            st.segmented_control(
                "Scope",
                list(Scope),
                key="token_scope",
                default=Scope.READ,
                format_func=lambda scope: Scope(scope).words,
                required=True,
                width="content",
            )
            st.segmented_control(
                "Expires after",
                DAYS,
                key="token_days",
                default=USUAL_DAYS,
                format_func=lambda days: counted(days, "day"),
                required=True,
                width="content",
            )
        st.form_submit_button(
            "Make token", icon=":material/add:", type="primary", on_click=_make, args=(viewer,)
        )


def _make(viewer: Viewer) -> None:
    state, services = page_state(_State), get_services()
    name = clean_text(st.session_state["token_name"])[:MOST_CHARACTERS]
    scope, days = Scope(st.session_state["token_scope"]), st.session_state["token_days"]
    if not name:
        state.problem = NO_NAME
        return
    try:
        viewer.require_administrator()
        account = services.rights.read(viewer.who)
        if account is None:
            state.problem = NO_ACCOUNT
            return
        # The client's word: it could name any number of days.
        days = days if days in DAYS else USUAL_DAYS
        state.value, token_id = services.tokens.make(account, name, scope, days)
        state.name, details = name, {"token": name, "scope": scope.words, "days": days}
        services.audit.write(Event.TOKEN_MADE, viewer.actor, token_id=token_id, **details)
    except (NotStarted, DatabaseUnavailable) as problem:
        state.problem = str(problem)
        return
    # The next token is not made with more rights by mistake.
    st.session_state.update(token_name="", token_scope=Scope.READ, token_days=USUAL_DAYS)


def _forget() -> None:
    page_state(_State).value = ""
