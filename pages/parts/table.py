"""The table of one page of jobs: its columns, its row buttons and its selection."""

from __future__ import annotations

from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import links
from jobs_data.filters import Sort
from jobs_data.queries import JobsList
from jobs_data.status import FINISHED_STATES, OTHER_LABELS, State
from jobs_data.wording import counted
from pages.parts import dialogs
from pages.parts.state import go_to, view_in_url
from pages.parts.viewer import Viewer

CHIP_COLORS: Final = {State.ACTIVE: "blue", State.COMPLETED: "green", State.FAILED: "red"}
SORT_OF_COLUMN: Final = {"name": Sort.NAME, "created": Sort.DATE}
REPORT_BUTTON: Final = ":material/description:"
# What a link in the grid shows of its address: the slug, or the `#` and number behind it.
_AFTER_LAST_SLASH_OR_HASH: Final = r"([^/#]+|#\d+)$"

DELETE_BUTTON: Final = ":material/delete:"


def show_table(jobs: JobsList, zone: ZoneInfo, site_url: str, viewer: Viewer) -> list[int]:
    """Show a page of jobs and return the ids of the rows that are selected.

    A press of a row's report button leaves the job's id in the session as `wants_report`.
    """
    st.dataframe(
        _cells(jobs.rows, site_url, with_delete=viewer.may_remove),
        key=grid_key(),
        hide_index=True,
        height="content",
        placeholder="",
        alt="Jobs",
        lazy=False,
        on_select=_sort_by_header,
        selection_mode=["multi-row", "single-column"],
        column_config={
            "name": st.column_config.TextColumn(
                "Job name ↑" if jobs.view.sort is Sort.NAME else "Job name", width=200
            ),
            "status": st.column_config.MultiselectColumn(
                "Status",
                width=105,
                options=[*jobs.status_labels.values(), *OTHER_LABELS],
                color=[*(CHIP_COLORS[state] for state in jobs.status_labels), *["gray"] * 2],
            ),
            "owner": st.column_config.TextColumn("User", width=140),
            "created": _time_column("Created ↓" if jobs.view.sort is Sort.DATE else "Created", zone),
            "completed": _time_column("Completed", zone),
            "related": st.column_config.LinkColumn(
                "Related record", width=130, display_text=_AFTER_LAST_SLASH_OR_HASH
            )
            if site_url
            else st.column_config.TextColumn("Related record", width=130),
            "report": st.column_config.ButtonColumn(
                "Report",
                width=60,
                type="tertiary",
                key="report_click",
                on_click=_report_pressed,
            ),
            "delete": st.column_config.ButtonColumn(
                "Delete",
                width=60,
                type="tertiary",
                key="delete_click",
                on_click=_delete_pressed,
            ),
        },
    )
    return selected_ids(jobs)


def show_pages(jobs: JobsList, zone: ZoneInfo) -> None:
    """Show which jobs these are of how many, and the way to the others."""
    st.session_state["page_number"] = jobs.view.page
    last = jobs.first + len(jobs.rows) - 1
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        st.caption(f"Showing {jobs.first:,}–{last:,} of {counted(jobs.matching)} · times in {zone.key}")
        if jobs.pages > 1:
            # It leaves pages out until it fits the width it is given.
            st.pagination(jobs.pages, key="page_number", on_change=_page_picked, width=420)


def show_selection(jobs: JobsList, selected: list[int], viewer: Viewer) -> None:
    """Show what can be done with the selected rows; the same as the row buttons, by keyboard too."""
    if not selected:
        return
    chosen = jobs.rows[jobs.rows["id"].isin(selected)]
    finished = chosen["state"].isin(FINISHED_STATES).sum()
    with st.container(horizontal=True, vertical_alignment="center", key="selection"):
        st.caption(f"{counted(len(selected))} selected, {finished:,} finished")
        if len(selected) == 1:
            st.button(
                "Open report",
                shortcut="O",
                icon=":material/description:",
                on_click=lambda: st.session_state.update(wants_report=selected[0]),
            )
        if viewer.may_remove:
            st.button(
                "Delete selected…",
                icon=":material/delete:",
                on_click=dialogs.ask_delete,
                args=(selected,),
                disabled=not finished,
                help="Asks first." if finished else "None of them is finished; active jobs stay.",
            )
        st.button("Select none", icon=":material/deselect:", on_click=forget_selection)


def _page_picked() -> None:
    go_to(view_in_url().on_page(st.session_state["page_number"]))


def grid_key() -> str:
    """Return the table's key; a new one forgets the selection, which is kept by position."""
    return f"grid-{st.session_state.get('generation', 0)}"


def forget_selection() -> None:
    """Give the table a new key."""
    st.session_state["generation"] = st.session_state.get("generation", 0) + 1


def selected_ids(jobs: JobsList) -> list[int]:
    """Return the ids of the selected rows of a page of jobs."""
    rows = _selection("rows")
    return [int(jobs.rows["id"].iloc[row]) for row in rows if row < len(jobs.rows)]


def has_selection() -> bool:
    """Return whether any row is selected."""
    return bool(_selection("rows"))


def _selection(axis: Literal["rows", "columns"]) -> list[Any]:
    state = st.session_state.get(grid_key())
    return list(state["selection"][axis]) if state else []


def _sort_by_header() -> None:
    """Sort the whole list when a header is pressed: the grid itself would sort one page of it."""
    for column in _selection("columns"):
        if column in SORT_OF_COLUMN:
            go_to(view_in_url().with_sort(SORT_OF_COLUMN[column]))
        forget_selection()


def _report_pressed() -> None:
    st.session_state["wants_report"] = _pressed_id("report_click")


def _delete_pressed() -> None:
    if job_id := _pressed_id("delete_click"):
        dialogs.ask_delete([job_id])


def _pressed_id(click: str) -> int | None:
    """Return the id of the job whose row button was pressed, by what this viewer has seen."""
    jobs: JobsList = st.session_state["seen"][1]
    row = st.session_state[click]["row"]
    return int(jobs.rows["id"].iloc[row]) if 0 <= row < len(jobs.rows) else None


def _cells(rows: pd.DataFrame, site_url: str, *, with_delete: bool) -> pd.DataFrame:
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "status": [[label] for label in rows["status"]],
            "owner": rows["owner"],
            "created": rows["created"],
            "completed": rows["completed"],
            "related": [
                _related(*row, site_url)
                for row in zip(rows["id"], rows["slug"], rows["object_id"], strict=True)
            ],
            "report": REPORT_BUTTON,
        }
    )
    if with_delete:
        finished = rows["state"].isin(FINISHED_STATES)
        cells["delete"] = [DELETE_BUTTON if is_finished else "" for is_finished in finished]
    return cells


def _related(job_id: int, slug: str, object_id: Any, site_url: str) -> str:
    """Return the record's address, or its number where it has none."""
    if pd.isna(object_id):
        return ""
    if url := links.record_url(site_url, slug):
        return url
    # A column of links makes a link of whatever is in it: the job's report tells of the record too.
    return f"{links.report_url(job_id, {}) if site_url else ''}#{object_id}"


def _time_column(label: str, zone: ZoneInfo) -> Any:
    return st.column_config.DatetimeColumn(
        label, format="YYYY-MM-DD HH:mm", timezone=zone.key, width=130
    )
