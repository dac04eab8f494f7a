"""The API tokens: whose they are, what they may do, when they were last used."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.accounts.tokens import KEPT, Token
from jobs_data.audit import Event
from jobs_data.background import NotStarted
from jobs_data.platform import times
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.url_values import parse_number
from jobs_data.wording import counted
from pages.parts.shared import address
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import (
    Action,
    Cell,
    Color,
    Column,
    Handlers,
    Row,
    rows_table,
    time_cell,
)
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer

_COLUMNS: Final = (
    Column("state", "State", width="7rem"),
    Column("name", "Name", kind="name"),
    Column("scope", "Scope", phone="below", width="9rem"),
    Column("user", "User", phone="below"),
    Column("used", "Last used", kind="time", phone="last"),
    Column("valid", "Valid", kind="time", phone="below"),
    Column("created", "Created", kind="time", phone="wide"),
)
_COLORS: Final[dict[str, Color]] = {
    "Active": "green",
    "Expired": "gray",
    "Revoked": "orange",
    "Refused": "orange",
}
_REVOKE: Final = Action("delete", "Revoke", shows_label=True)


@dataclass
class _State:
    asked: int | None = None
    """The token that the user is asked about."""


def show_tokens(tokens: Sequence[Token], zone: ZoneInfo, viewer: Viewer) -> None:
    """Show all tokens, each of which an administrator can revoke."""
    address.show_notice()
    st.header("Tokens", anchor=False)
    if not tokens:
        st.info("There are no tokens. The form above makes one.", icon=":material/key_off:")
        return
    now = datetime.now(UTC)
    refused: set[int] = set()
    with suppress(DatabaseUnavailable):  # then no token can be used, and the gate says so
        refused = get_services().rights.refused(
            {token.user_id for token in tokens if token.state(now) == "Active"}
        )
    if refused:
        st.caption("Refused: the account that made the token is no administrator now.")
    st.caption(
        f"Tokens are listed for {counted(KEPT.days, 'day')} after they have ended · times in {zone.key}"
    )
    rows_table(
        "tokens",
        "API tokens",
        _COLUMNS,
        [_row(token, zone, now, refused) for token in tokens],
        Handlers(on_action=lambda row, _: _ask(parse_number(row))),
        actions=[_REVOKE],
    )
    asked = next((each for each in tokens if each.id == page_state(_State).asked), None)
    if asked and not asked.revoked_at:
        st.dialog("Revoke this token?", on_dismiss=_close, icon=":material/key_off:")(_dialog)(
            asked, viewer
        )


def _row(token: Token, zone: ZoneInfo, now: datetime, refused: Set[int]) -> Row:
    state, is_usable = token.state(now), token.state(now) == "Active"
    if is_usable and token.user_id in refused:
        state = "Refused"
    expires = token.expires_at.astimezone(zone)
    return Row(
        str(token.id),
        f"token {token.name}",
        {
            "state": Cell(state, color=_COLORS[state]),
            "name": token.name,
            "scope": token.scope.words,
            "user": token.by,
            "used": time_cell(token.used_at, zone, now) or "Never used",
            "valid": Cell(f"until {expires:%Y-%m-%d}", title=times.shown(expires, zone)),
            "created": time_cell(token.created_at, zone, now),
        },
        actions=(_REVOKE.id,) if is_usable else (),
    )


def _ask(token_id: int | None) -> None:
    page_state(_State).asked = token_id


def _close() -> None:
    page_state(_State).asked = None


def _dialog(token: Token, viewer: Viewer) -> None:
    if page_state(_State).asked != token.id:  # a button of it was pressed
        st.rerun()
    st.text(token.name)
    st.write("Programs that use it are refused at once. A revoked token cannot be used again.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Cancel", on_click=_close)
        st.button("Revoke", type="primary", key="revoke", on_click=_revoke, args=(token, viewer))


def _revoke(token: Token, viewer: Viewer) -> None:
    _close()
    try:
        viewer.require_administrator()
        if get_services().tokens.revoke(token.id):
            get_services().audit.write(
                Event.TOKEN_REVOKED, viewer.actor, token_id=token.id, token=token.name, of=token.by
            )
    except (NotStarted, DatabaseUnavailable) as problem:
        address.notify(str(problem), is_good=False)
    else:
        address.notify(f"Token {token.name} was revoked.")
