"""The list of receipts: its search, its table, and the ways to open one."""

from __future__ import annotations

from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import wording
from jobs_data.page import Page
from jobs_data.store.database import Store
from jobs_data.store.receipt_writer import Action
from jobs_data.store.receipts import Receipt, State, list_receipts
from jobs_data.store.schema import Outcome
from jobs_data.url_values import parse_number
from jobs_data.wording import counted
from pages.parts.queues.address import forget_selection, grid_key, selected_row
from pages.parts.queues.tables import show_pages
from pages.parts.shared.address import put_into_url
from pages.parts.shared.text import visible_cells

TABLE: Final = "receipts"
OPEN: Final = ":material/description:"
PAGE_RECEIPTS: Final = 25
TOP_NAMES: Final = 3
ACTIONS: Final = [action.label for action in Action]
STATE_COLORS: Final[dict[State, Literal["blue", "green", "orange", "gray", "violet"]]] = {
    State.AT_WORK: "blue",
    State.COMPLETE: "green",
    State.ENDED_EARLY: "orange",
    State.RESTORED: "gray",
    State.PARTLY_RESTORED: "violet",
}
_SEARCH: Final = "receipts_search"


def show_list(store: Store, days: int, zone: ZoneInfo) -> None:
    """Show the receipts that the URL's search means, or why there is none. Raises StoreUnavailable."""
    st.caption(
        "What is deleted, cleared or tidied is written down here first, and can be restored. "
        f"Receipts are kept for {days} days."
    )
    text = st.query_params.get("search", "")
    number = parse_number(st.query_params.get("page")) or 1
    found = list_receipts(store, text, number, PAGE_RECEIPTS)
    if not (found.total or text.strip()):
        st.info(
            "There are no receipts. When jobs are deleted, cleared or tidied, a receipt of their rows "
            f"will show up here, with a way to undo it for {days} days.",
            icon=":material/receipt_long:",
        )
        return
    _search_box(text)
    if found.total:
        _show_table(found, zone)
        return
    st.info(
        "No receipt matches this search. It looks at who, what, which jobs, the jobs' names and their "
        "numbers.",
        icon=":material/filter_alt_off:",
    )
    st.button("Show all receipts", icon=":material/list:", on_click=_search_for, args=("",))


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


def _search_box(text: str) -> None:
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


def _search_for(text: str) -> None:
    forget_selection(TABLE)
    put_into_url({"search": text} if text else {}, ("search", "page"))


def _show_table(found: Page[list[Receipt]], zone: ZoneInfo) -> None:
    # A selection is kept by position: what it means must be what this viewer has seen.
    seen = [receipt.id for receipt in found.items]
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
        visible_cells(pd.DataFrame([_cells(receipt) for receipt in found.items])),
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
    show_pages(
        found.first,
        found.first + len(seen) - 1,
        f"{counted(found.total, 'receipt')} · times in {zone.key}",
        (found.number, found.pages),
        _go_to,
    )
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
    return {
        "open": OPEN,
        "at": receipt.at,
        "by": receipt.by,
        "action": [receipt.label],
        "removed": receipt.removed,
        "state": [receipt.state],
        "filter": receipt.filter,
        "names": names_in_words(receipt, TOP_NAMES),
        "stayed": _stayed_in_words(receipt),
        "size": wording.size(receipt.size),
    }


def _columns(zone: ZoneInfo) -> dict[str, Any]:
    return {
        "at": st.column_config.DatetimeColumn(
            "When", format="YYYY-MM-DD HH:mm:ss", timezone=zone.key, width=145
        ),
        "by": st.column_config.TextColumn("Who", width=120),
        "action": st.column_config.MultiselectColumn(
            "What", width=80, options=ACTIONS, color=["gray"] * len(ACTIONS)
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


def names_in_words(receipt: Receipt, number: int) -> str:
    """Return the names that most jobs of a receipt have, with how many have each."""
    words = [f"{name or '[Unknown]'} ×{jobs:,}" for name, jobs in receipt.names[:number]]
    if more := len(receipt.names) + receipt.other_names - len(words):
        words.append(f"and {more:,} more")
    return ", ".join(words)


def _stayed_in_words(receipt: Receipt) -> str:
    """Return how many jobs were meant to go and did not, and why, empty where all went."""
    why = {Outcome.ACTIVE: "not finished", Outcome.MISSING: "gone before", Outcome.LOCKED: "in use"}
    counts = receipt.counts
    return ", ".join(f"{counts[each]:,} {words}" for each, words in why.items() if counts.get(each))
