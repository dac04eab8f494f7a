"""Deleted jobs: a row for each removal, in words, and the search for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.removal import receipt_words
from jobs_data.store.database import Store
from jobs_data.store.receipts import Receipt, State, list_receipts
from jobs_data.url_values import parse_number
from jobs_data.wording import counted
from pages.parts.removal import progress
from pages.parts.shared.address import put_into_url
from pages.parts.shared.look import pager
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

PAGE_RECEIPTS: Final = 25
TOP_NAMES: Final = 3
COLORS: Final[dict[State, Color]] = {
    State.AT_WORK: "blue",
    State.COMPLETE: "gray",
    State.ENDED_EARLY: "orange",
    State.RESTORED: "green",
    State.PARTLY_RESTORED: "violet",
}
_SEARCH: Final = "deleted_search"
_COLUMNS: Final = (
    Column("what", "Deleted", main=True, kind="name"),
    Column("state", "State"),
    Column("when", "When", kind="time", phone="last"),
)
_RESTORE: Final = Action("restore", "Restore", shows_label=True)


def show_list(store: Store, days: int, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show the removals that the URL's search means, or why there is none. Raises StoreUnavailable."""
    text = st.query_params.get("search", "")
    number = parse_number(st.query_params.get("page")) or 1
    found = list_receipts(store, text, number, PAGE_RECEIPTS)
    if not (found.total or text.strip()):
        st.info(
            f"No jobs have been deleted in the last {counted(days, 'day')}. Jobs deleted here can be "
            "restored from this page.",
            icon=":material/delete:",
        )
        return
    st.caption(f"Jobs deleted here can be restored for {counted(days, 'day')}.")
    _search_box(text)
    if not found.total:
        st.info(
            "No deletion matches this search. It looks for the user, and for the names and numbers of "
            "the deleted jobs.",
            icon=":material/filter_alt_off:",
        )
        st.button("Clear search", icon=":material/close:", on_click=_search_for, args=("",))
        return
    rows_table(
        "deleted",
        "Deleted jobs",
        _COLUMNS,
        [_row(receipt, zone, viewer) for receipt in found.items],
        Handlers(on_open=open_receipt, on_action=lambda receipt_id, _: progress.restore(receipt_id)),
        actions=[_RESTORE],
    )
    last = found.first + len(found.items) - 1
    shown = f"{found.first:,}–{last:,} of {counted(found.total, 'deletion')} · times in {zone.key}"
    pager(shown, found.number, found.pages, _go_to)


def why_not_restorable(receipt: Receipt, viewer: Viewer) -> str:
    """Return why this viewer cannot restore the jobs of a receipt now; empty where they can."""
    platform = get_services().database.identity
    return receipt_words.why_not_restorable(receipt, platform, may_restore=viewer.may_remove)


def open_receipt(receipt_id: str) -> None:
    """Show one removal; the search stays in the URL, to come back to."""
    st.query_params["receipt"] = receipt_id


def _row(receipt: Receipt, zone: ZoneInfo, viewer: Viewer) -> Row:
    title = receipt_words.title(receipt)
    which = receipt.filter[:1].upper() + receipt.filter[1:]
    detail = " · ".join(filter(None, (which, receipt_words.names_words(receipt, TOP_NAMES))))
    return Row(
        receipt.id,
        title,
        {
            "what": Cell(title, detail=detail),
            "state": Cell(
                receipt_words.state_words(receipt),
                color=COLORS[receipt.state],
                detail=receipt_words.not_deleted_words(receipt),
            ),
            "when": time_cell(receipt.at, zone, datetime.now(UTC)),
        },
        addresses.receipt_page_url(receipt.id),
        () if why_not_restorable(receipt, viewer) else (_RESTORE.id,),
    )


def _search_box(text: str) -> None:
    # The URL is the truth: the box is set from it on every run and only ever writes to it.
    st.session_state[_SEARCH] = text
    st.text_input(
        "Search deleted jobs",
        key=_SEARCH,
        type="search",
        placeholder="User, job name or number",
        max_chars=200,
        on_change=lambda: _search_for(st.session_state[_SEARCH]),
        label_visibility="collapsed",
    )


def _search_for(text: str) -> None:
    put_into_url({"search": text} if text else {}, ("search", "page"))


def _go_to(page: int) -> None:
    put_into_url({"page": str(page)} if page > 1 else {}, ("page",))
