"""Deleted jobs: a row for each removal, in words, and the search for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.job_names import human_name
from jobs_data.store.database import Store
from jobs_data.store.receipts import Receipt, State, list_receipts
from jobs_data.store.schema import Outcome
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
NOT_DELETED: Final = {
    Outcome.ACTIVE: "not finished",
    Outcome.MISSING: "already deleted",
    Outcome.LOCKED: "in use elsewhere",
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
    shown = f"{found.first:,}–{last:,} of {counted(found.total, 'deletion')}"
    pager(shown, found.number, found.pages, _go_to)


def title(receipt: Receipt) -> str:
    """Return who deleted how many jobs; the name is untrusted."""
    return f"{receipt.by} deleted {counted(receipt.removed + receipt.pending)}"


def state_words(receipt: Receipt) -> str:
    """Return how things are with a removal: `2 of 3 restored`."""
    if receipt.state is State.PARTLY_RESTORED:
        return f"{receipt.restored:,} of {receipt.removed:,} restored"
    return receipt.state


def names_in_words(receipt: Receipt, number: int) -> str:
    """Return the names that most jobs of a receipt have, with how many have each."""
    words = [f"{human_name(name)} ×{jobs:,}" for name, jobs in receipt.names[:number]]
    if more := len(receipt.names) + receipt.other_names - len(words):
        words.append(f"and {more:,} more")
    return ", ".join(words)


def why_not_restorable(receipt: Receipt, viewer: Viewer) -> str:
    """Return why the jobs of a receipt cannot be restored now; empty where they can."""
    reasons = {
        "Only administrators can restore jobs.": not viewer.may_remove,
        "These jobs are still being deleted or restored.": receipt.state is State.AT_WORK,
        "These jobs were deleted from another database than the one that is set now.": (
            receipt.platform != get_services().database.identity
        ),
        "All of these jobs have been restored.": bool(receipt.removed) and not receipt.to_restore,
        "No job was deleted, so there is nothing to restore.": not receipt.to_restore,
    }
    return next((sentence for sentence, holds in reasons.items() if holds), "")


def open_receipt(receipt_id: str) -> None:
    """Show one removal; the search stays in the URL, to come back to."""
    st.query_params["receipt"] = receipt_id


def _row(receipt: Receipt, zone: ZoneInfo, viewer: Viewer) -> Row:
    counts = receipt.counts
    others = [f"{counts[each]:,} {why}" for each, why in NOT_DELETED.items() if counts.get(each)]
    which = receipt.filter[:1].upper() + receipt.filter[1:]
    detail = " · ".join(filter(None, (which, names_in_words(receipt, TOP_NAMES))))
    return Row(
        receipt.id,
        title(receipt),
        {
            "what": Cell(title(receipt), detail=detail),
            "state": Cell(
                state_words(receipt),
                color=COLORS[receipt.state],
                detail=f"Not deleted: {', '.join(others)}" if others else "",
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
