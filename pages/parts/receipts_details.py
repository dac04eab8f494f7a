"""One receipt: who removed what, what became of it, a sample of its jobs, download and undo."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses, wording
from jobs_data.platform import times
from jobs_data.platform.status import FIXED_LABELS
from jobs_data.removal import kept_receipts
from jobs_data.removal.kept_receipts import ACTIONS, Receipt, State
from pages.parts import receipts_undo
from pages.parts.queue_details import show_facts
from pages.parts.receipts_table import STATE_COLORS, names_told
from pages.parts.text import plain
from pages.parts.viewer import Viewer

SAMPLE_JOBS: Final = 50
NAMES_TOLD: Final = 20
_STAYED: Final = {
    "active": "were no longer finished",
    "missing": "were gone before",
    "held": "were in use, or something still refers to them",
}


def show_receipt(receipt: Receipt, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show a receipt from its facts to its jobs."""
    said, state = receipt.summary, receipt.state()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state, color=_badge_color(state))
        st.text(receipt.id)
        st.space("stretch")
        st.link_button(
            "Download", addresses.receipt_url(receipt.id), icon=":material/download:", shortcut="D"
        )
        receipts_undo.undo_button(receipt.id, viewer)
    _show_state(receipt, state)
    show_facts(
        "The removal",
        {
            "When": times.shown(receipt.at, zone),
            "Who": said.by,
            "What": ACTIONS.get(said.action, said.action),
            "Which jobs": said.filter,
            "Removed": f"{said.removed:,}" + (" so far read" if receipt.is_being_read else ""),
            "Stayed": f"{said.stayed_count:,}" if said.stayed_count else "",
            "Put back": f"{said.returned:,}" if said.returned else "",
            "Size": wording.size(receipt.size),
            "Names": names_told(receipt, NAMES_TOLD),
        },
    )
    _show_undos(receipt, zone)
    _show_jobs_by_number(receipt)
    _show_sample(receipt)


def _badge_color(state: State) -> Any:
    return STATE_COLORS[state]


def _show_state(receipt: Receipt, state: State) -> None:
    said = receipt.summary
    if receipt.is_being_read:
        st.info(
            "This receipt is long and still being read, so its numbers are not final. Open it again in "
            "a moment.",
            icon=":material/hourglass_top:",
        )
    if state is State.ENDED_EARLY and said.error:
        st.warning(plain(said.error), icon=":material/info:")
    elif state is State.ENDED_EARLY:
        st.warning(
            "The removal was cut off before its end. Undo finds out in the database which of "
            f"the last {len(said.pending):,} jobs had gone."
            if said.pending
            else "The removal was cut off before its end. What it removed until then is below.",
            icon=":material/info:",
        )


def _show_undos(receipt: Receipt, zone: ZoneInfo) -> None:
    for undo in receipt.summary.undos:
        try:
            moment = pd.Timestamp(undo["at"]).to_pydatetime()
            when = times.shown(moment, zone)
        except (ValueError, TypeError):
            when = "–"
        st.text(f"{undo['returned']:,} put back by {undo['by']} on {when}")


def _show_jobs_by_number(receipt: Receipt) -> None:
    said = receipt.summary
    for outcome, ids in said.stayed.items():
        number = getattr(said, outcome)
        with st.expander(f"{number:,} {_STAYED.get(outcome, 'stayed')}"):
            st.text(", ".join(map(str, ids)))
            if number > len(ids):
                st.caption(f"The first {len(ids):,}; the receipt itself has all.")
    if said.could_not:
        with st.expander("Could not return", expanded=True, icon=":material/block:"):
            st.dataframe(
                pd.DataFrame(said.could_not.items(), columns=["Job", "Why"]),
                hide_index=True,
                height="content" if len(said.could_not) < 12 else 400,
                alt="Jobs that could not return",
            )
            if len(said.could_not) == kept_receipts.MAX_TOLD:
                st.caption("No more than 100 are listed; the receipt itself has all.")


def _show_sample(receipt: Receipt) -> None:
    try:
        jobs = kept_receipts.read_sample(receipt.path, SAMPLE_JOBS)
    except OSError:
        jobs = []
    if not jobs:
        st.caption("It holds no job.")
        return
    st.subheader("Its jobs", anchor=False)
    columns = {
        "id": "Job",
        "name": "Job name",
        "status_id": "Status",
        "created_at": "Created",
        "completed_at": "Completed",
        "output": "Output",
    }
    st.dataframe(
        pd.DataFrame(
            [[_told(name, job.get(name)) for name in columns] for job in jobs],
            columns=[*columns.values()],
        ),
        hide_index=True,
        height="content" if len(jobs) < 12 else 460,
        alt="Its jobs",
        placeholder="",
    )
    st.caption(
        f"The first {len(jobs):,}, as the platform's tables had them. The download has all, with their "
        "notes and properties."
        if len(jobs) == SAMPLE_JOBS
        else "As the platform's tables had them. The download has their notes and properties too."
    )


def _told(column: str, value: object) -> str:
    if isinstance(value, dict):
        return "(no text)"
    if column == "status_id" and isinstance(value, int):
        return FIXED_LABELS.get(value, str(value))
    return "" if value is None else str(value)
