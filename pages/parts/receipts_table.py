"""The list of receipts: its search, its table, and the ways to open one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import wording
from jobs_data.removal import kept_receipts
from jobs_data.removal.kept_receipts import ACTIONS, Receipt, State
from jobs_data.url_values import parse_number
from pages.parts.queue_state import forget_selection, grid_key, selected_row
from pages.parts.queue_table import show_pages
from pages.parts.state import put_into_url

TABLE: Final = "receipts"
OPEN: Final = ":material/description:"
PAGE_RECEIPTS: Final = 25
TOP_NAMES: Final = 3
STATE_COLORS: Final = {
    State.AT_WORK: "blue",
    State.COMPLETE: "green",
    State.ENDED_EARLY: "orange",
    State.UNDONE: "gray",
    State.PARTLY_UNDONE: "violet",
}
_SEARCH: Final = "receipts_search"


def show_list(receipts: Sequence[Receipt], days: int, zone: ZoneInfo) -> None:
    """Show the receipts that the URL's search means, or why there is none."""
    st.caption(
        "What is deleted, cleared or tidied is written down here first, and can be put back. "
        f"Receipts are kept for {days} days."
    )
    if not receipts:
        st.info(
            "There are no receipts. When jobs are deleted, cleared or tidied, a receipt of their rows "
            f"will show up here, with a way to undo it for {days} days.",
            icon=":material/receipt_long:",
        )
        return
    text = _search_box()
    found, unread = (list(receipts), 0) if not text.strip() else kept_receipts.search(receipts, text)
    if unread:
        st.caption(
            f"{unread:,} of the {len(receipts):,} receipts could not be looked through in time; ask "
            "again in a moment."
        )
    if not found:
        st.info(
            "No receipt matches this search. It looks at who, what, which jobs, the jobs' names and "
            "their numbers.",
            icon=":material/filter_alt_off:",
        )
        st.button("Show all receipts", icon=":material/list:", on_click=_search_for, args=("",))
        return
    _show_table(found, zone)
    if any(receipt.is_being_read for receipt in found):
        st.caption("Some receipts are long and still being read: their numbers are not final yet.")


def open_receipt(receipt_id: str) -> None:
    """Put a receipt into the URL; the search stays, to come back to."""
    st.query_params["receipt"] = receipt_id


def back_button() -> None:
    """Show the way back to the list."""
    st.button(
        "Back to receipts",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=lambda: put_into_url({}, ("receipt",)),
    )


def _search_box() -> str:
    text = st.query_params.get("search", "")
    # The URL is the truth: the box is set from it on every run and only ever writes to it.
    st.session_state[_SEARCH] = text
    st.text_input(
        "Search",
        key=_SEARCH,
        type="search",
        placeholder="Who, which jobs, a job's name or number",
        max_chars=200,
        on_change=lambda: _search_for(st.session_state[_SEARCH]),
        label_visibility="collapsed",
    )
    return text


def _search_for(text: str) -> None:
    forget_selection(TABLE)
    put_into_url({"search": text} if text else {}, ("search", "page"))


def _show_table(receipts: Sequence[Receipt], zone: ZoneInfo) -> None:
    pages = -(-len(receipts) // PAGE_RECEIPTS)
    page = min(max(1, parse_number(st.query_params.get("page")) or 1), pages)
    first = (page - 1) * PAGE_RECEIPTS
    shown = receipts[first : first + PAGE_RECEIPTS]
    # A selection is kept by position: what it means must be what this viewer has seen.
    seen = [receipt.id for receipt in shown]
    if st.session_state.get("receipts_seen") != seen:
        forget_selection(TABLE)
        st.session_state["receipts_seen"] = seen

    def opened(row: int) -> None:
        forget_selection(TABLE)
        open_receipt(seen[row])

    def pressed() -> None:
        row: int = st.session_state["receipts_click"]["row"]
        if 0 <= row < len(seen):
            opened(row)

    st.dataframe(
        pd.DataFrame([_cells(receipt) for receipt in shown]),
        key=grid_key(TABLE),
        hide_index=True,
        height="content",
        alt="Receipts",
        placeholder="",
        lazy=False,
        on_select="rerun",
        selection_mode="single-row",
        column_config=_columns(zone)
        | {
            # In front, for on a phone what stands behind is only reached by scrolling sideways.
            "open": st.column_config.ButtonColumn(
                "Open", width=55, type="tertiary", key="receipts_click", on_click=pressed
            ),
        },
    )
    total = "1 receipt" if len(receipts) == 1 else f"{len(receipts):,} receipts"
    show_pages(first + 1, first + len(shown), f"{total} · times in {zone.key}", (page, pages), _go_to)
    row = selected_row(TABLE)
    if row is not None and row < len(seen):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("1 receipt selected")
            st.button("Open receipt", icon=OPEN, shortcut="O", on_click=opened, args=(row,))
            st.button(
                "Select none", icon=":material/deselect:", on_click=forget_selection, args=(TABLE,)
            )


def _go_to(page: int) -> None:
    put_into_url({"page": str(page)} if page > 1 else {}, ("page",))


def _cells(receipt: Receipt) -> dict[str, Any]:
    said = receipt.summary
    return {
        "open": OPEN,
        "at": receipt.at,
        "by": said.by,
        "action": [ACTIONS.get(said.action, said.action)],
        "removed": None if receipt.is_being_read else said.removed,
        "state": [receipt.state()],
        "filter": said.filter,
        "names": names_told(receipt, TOP_NAMES),
        "stayed": stayed_told(receipt),
        "size": wording.size(receipt.size),
    }


def _columns(zone: ZoneInfo) -> dict[str, Any]:
    return {
        "at": st.column_config.DatetimeColumn(
            "When", format="YYYY-MM-DD HH:mm:ss", timezone=zone.key, width=145
        ),
        "by": st.column_config.TextColumn("Who", width=120),
        "action": st.column_config.MultiselectColumn(
            "What", width=80, options=list(ACTIONS.values()), color=["gray"] * len(ACTIONS)
        ),
        "removed": st.column_config.NumberColumn("Removed", width=75, format="localized"),
        "state": st.column_config.MultiselectColumn(
            "State", width=110, options=list(STATE_COLORS), color=list(STATE_COLORS.values())
        ),
        "filter": st.column_config.TextColumn("Which jobs", width=190),
        "names": st.column_config.TextColumn("Most frequent", width=240),
        "stayed": st.column_config.TextColumn("Stayed", width=130),
        "size": st.column_config.TextColumn("Size", width=75),
    }


def names_told(receipt: Receipt, number: int) -> str:
    """Return the names that most jobs of a receipt have, with how many have each."""
    said = receipt.summary
    told = [f"{name or '[Unknown]'} ×{count:,}" for name, count in said.top_names(number)]
    more = len(said.names) - len(told)
    if more > 0 or said.other_names:
        told.append(f"and {more:,} more" if not said.other_names else "and others")
    return ", ".join(told)


def stayed_told(receipt: Receipt) -> str:
    """Return how many jobs were meant to go and did not, and why, empty where all went."""
    said = receipt.summary
    told = (("active", said.active), ("gone before", said.missing), ("in use", said.held))
    return ", ".join(f"{number:,} {why}" for why, number in told if number)
