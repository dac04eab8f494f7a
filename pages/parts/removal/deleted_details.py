"""One removal: who deleted which jobs, what could not be deleted or restored, download and restore."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses, wording
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times
from jobs_data.platform.status import ERROR, FIXED_LABELS
from jobs_data.removal.receipt_words import NOT_DELETED, names_words, state_words, title
from jobs_data.store import receipts
from jobs_data.store.receipts import Receipt, State
from pages.parts.removal import progress
from pages.parts.removal.deleted_list import COLORS, why_not_restorable
from pages.parts.shared.facts import show_facts
from pages.parts.shared.services import get_services
from pages.parts.shared.text import heading, plain, visible_cells
from pages.parts.shared.viewer import Viewer

SAMPLE_JOBS: Final = 50
LISTED_JOBS: Final = 100
NAMES: Final = 20
_SAMPLE_COLUMNS: Final = {
    "id": "Job",
    "name": "Job name",
    "status_id": "Status",
    "created_at": "Created",
    "completed_at": "Completed",
    "output": "Output",
}


def show_receipt(receipt: Receipt, zone: ZoneInfo, viewer: Viewer) -> None:
    """Show a removal from its facts to its jobs."""
    heading(title(receipt))
    progress.show_progress()
    progress.show_notice()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state_words(receipt), color=COLORS[receipt.state])
        st.space("stretch")
        st.link_button("Download", addresses.receipt_url(receipt.id), icon=":material/download:")
        why_not = why_not_restorable(receipt, viewer)
        st.button(
            "Restore",
            icon=":material/restore:",
            on_click=progress.restore,
            args=(receipt.id,),
            disabled=bool(why_not),
            help=why_not or "Restores the jobs under their old numbers.",
        )
    if why_not:
        st.caption(why_not)
    _show_state(receipt)
    show_facts(
        {
            "When": times.shown(receipt.at, zone),
            "Which jobs": receipt.filter,
            "Not known": f"{receipt.pending:,}" if receipt.pending else "",
            "Names": names_words(receipt, NAMES),
            "Size": wording.size(receipt.size),
            "Number": receipt.id,
        }
    )
    for at, by, jobs in receipt.restores:
        restored = wording.counted(jobs)
        st.text(f"{restored} restored by {on_one_line(by)} on {times.shown(at, zone)}")
    _show_not_deleted(receipt)
    _show_problems(receipt)
    _show_sample(receipt)


def _show_state(receipt: Receipt) -> None:
    if receipt.pending and receipt.state is not State.AT_WORK:
        st.warning(
            f"It is not known yet whether {wording.counted(receipt.pending)} were deleted: the "
            "platform's database has not answered. Open this page again in a moment.",
            icon=":material/question_mark:",
        )
    if receipt.state is State.ENDED_EARLY:
        st.warning(
            plain(receipt.error)
            or "The deletion stopped early. The jobs deleted until then are below.",
            icon=":material/info:",
        )


def _show_not_deleted(receipt: Receipt) -> None:
    for outcome, why in NOT_DELETED.items():
        if number := receipt.counts.get(outcome, 0):
            with st.expander(f"{wording.counted(number)} not deleted: {why}"):
                ids = receipts.job_ids(get_services().store, receipt.key, outcome, LISTED_JOBS)
                st.text(", ".join(map(str, ids)))
                _say_first(len(ids), number)


def _show_problems(receipt: Receipt) -> None:
    if not receipt.problems:
        return
    problems = receipts.problems(get_services().store, receipt.key, LISTED_JOBS)
    st.header("Could not be restored", anchor=False)
    _table(pd.DataFrame(problems.items(), columns=["Job", "Why"]), "Jobs that could not be restored")
    _say_first(len(problems), receipt.problems)


def _say_first(shown: int, number: int) -> None:
    if number > shown:
        st.caption(f"The first {shown:,}. The download has all.")


def _show_sample(receipt: Receipt) -> None:
    jobs = receipts.read_sample(get_services().store, receipt, SAMPLE_JOBS)
    if not jobs:
        return
    st.header("Jobs", anchor=False)
    rows = [[_in_words(name, job.get(name)) for name in _SAMPLE_COLUMNS] for job in jobs]
    _table(pd.DataFrame(rows, columns=[*_SAMPLE_COLUMNS.values()]), "Deleted jobs")
    first = f"The first {len(jobs):,}, as" if len(jobs) == SAMPLE_JOBS else "As"
    st.caption(
        f"{first} the platform's tables had them. The download has their notes and properties too."
    )


def _table(rows: pd.DataFrame, alt: str) -> None:
    st.dataframe(
        visible_cells(rows), hide_index=True, height="content" if len(rows) < 12 else 460, alt=alt
    )


def _in_words(column: str, value: object) -> str:
    if isinstance(value, dict):
        return "(no text)"
    if column == "status_id" and isinstance(value, int):
        return (FIXED_LABELS | {ERROR: "Failed"}).get(value, str(value))
    return "" if value is None else " ".join(str(value).splitlines())
