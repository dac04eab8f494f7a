"""One receipt: who deleted what, the outcome, a sample of its jobs, download and undo."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses, wording
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.status import FIXED_LABELS
from jobs_data.store import receipts
from jobs_data.store.receipts import Receipt, State
from jobs_data.store.schema import Outcome
from pages.parts.removal import undo
from pages.parts.removal.receipts import STATE_COLORS, names_in_words
from pages.parts.shared.facts import show_facts
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer

SAMPLE_JOBS: Final = 50
LISTED_JOBS: Final = 100
NAMES: Final = 20
_STAYED: Final = {
    Outcome.ACTIVE: "were not finished",
    Outcome.MISSING: "were gone before",
    Outcome.LOCKED: "were in use, or something still refers to them",
}


def show_receipt(receipt: Receipt, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show a receipt from its facts to its jobs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(receipt.state, color=STATE_COLORS[receipt.state])
        st.text(receipt.id)
        st.space("stretch")
        st.link_button(
            "Download", addresses.receipt_url(receipt.id), icon=":material/download:", shortcut="D"
        )
        undo.undo_button(receipt.id, viewer)
    _show_state(receipt)
    show_facts(
        {
            "When": times.shown(receipt.at, zone),
            "Who": receipt.by,
            "What": receipt.label,
            "Which jobs": receipt.filter,
            "Removed": f"{receipt.removed:,}",
            "Not known": f"{receipt.pending:,}" if receipt.pending else "",
            "Stayed": f"{receipt.stayed:,}" if receipt.stayed else "",
            "Restored": f"{receipt.restored:,}" if receipt.restored else "",
            "Size": wording.size(receipt.size),
            "Names": names_in_words(receipt, NAMES),
        },
        "The removal",
    )
    for at, by, jobs in receipt.restores:
        st.text(f"{jobs:,} restored by {on_one_line(by)} on {times.shown(at, zone)}")
    _show_jobs_by_number(receipt)
    _show_sample(receipt)


def _show_state(receipt: Receipt) -> None:
    if receipt.pending and receipt.state is not State.AT_WORK:
        st.warning(
            f"It is not known yet whether {receipt.pending:,} jobs were removed: the platform's "
            "database has not answered, or is still at it. Open this page again in a moment.",
            icon=":material/question_mark:",
        )
    if receipt.state is State.ENDED_EARLY:
        st.warning(
            plain(receipt.error)
            or "The removal was cut off before its end. What it removed until then is below.",
            icon=":material/info:",
        )


def _show_jobs_by_number(receipt: Receipt) -> None:
    store = get_services().store
    for outcome, words in _STAYED.items():
        if number := receipt.counts.get(outcome, 0):
            with st.expander(f"{number:,} {words}"):
                ids = receipts.job_ids(store, receipt.key, outcome, LISTED_JOBS)
                st.text(", ".join(map(str, ids)))
                if number > len(ids):
                    st.caption(f"The first {len(ids):,}; the download has all.")
    if receipt.problems:
        problems = receipts.problems(store, receipt.key, LISTED_JOBS)
        with st.expander("Could not return", expanded=True, icon=":material/block:"):
            st.dataframe(
                visible_cells(pd.DataFrame(problems.items(), columns=["Job", "Why"])),
                hide_index=True,
                height="content" if len(problems) < 12 else 400,
                alt="Jobs that could not return",
            )
            if receipt.problems > len(problems):
                st.caption(f"The first {len(problems):,}; the download has all.")


def _show_sample(receipt: Receipt) -> None:
    jobs = receipts.read_sample(get_services().store, receipt, SAMPLE_JOBS)
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
        visible_cells(
            pd.DataFrame(
                [[_in_words(name, job.get(name)) for name in columns] for job in jobs],
                columns=[*columns.values()],
            )
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


def _in_words(column: str, value: object) -> str:
    if isinstance(value, dict):
        return "(no text)"
    if column == "status_id" and isinstance(value, int):
        return FIXED_LABELS.get(value, str(value))
    return "" if value is None else str(value)
