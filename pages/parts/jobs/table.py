"""The table of one page of jobs: its columns, its row buttons and its selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.selections import MAX_JOBS, Contents, TooManyJobs, read_contents
from jobs_data.jobs.view import EVERYTHING, ListView, Sort
from jobs_data.plain_text import on_one_line
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import FINISHED_STATES, OTHER_LABELS, State
from jobs_data.wording import counted
from pages.parts.jobs import groups
from pages.parts.removal import dialogs
from pages.parts.shared import selection
from pages.parts.shared.address import go_to, open_job, view_in_url
from pages.parts.shared.selection import Lines
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain, visible_cells
from pages.parts.shared.viewer import Viewer

CHIP_COLORS: Final = {State.ACTIVE: "blue", State.COMPLETED: "green", State.FAILED: "red"}
SORT_OF_COLUMN: Final = {
    "name": Sort.NAME,
    "status": Sort.STATUS,
    "owner": Sort.OWNER,
    "created": Sort.DATE,
    "completed": Sort.COMPLETED,
    "related": Sort.RELATED,
    "record": Sort.RELATED,
}
REPORT_BUTTON: Final = ":material/description:"
# What a link in the grid shows of its address: the slug.
_AFTER_LAST_SLASH: Final = r"([^/]+)$"

DELETE_BUTTON: Final = ":material/delete:"
MANY_SELECTED: Final = 10_000
MAX_LOOKED_AT: Final = 200_000
NAMES_TOLD: Final = 3

# Who comes to a table by Tab is given a cursor, unless a row is ticked already: then no key would do
# anything. The cells that the canvas tells screen readers of take the focus, and with it the cursor.
_CURSOR: Final = st.components.v2.component(
    "table_cursor",
    js="""
export default function () {
  // A page's first press focuses the table by a script, which passes for the keyboard, and moving
  // the cursor then would take back the tick that was just made.
  let pressed = 0
  const press = () => { pressed = Date.now() }
  const enter = ({ target }) => {
    if (Date.now() - pressed < 1000 || !target.matches(".stDataFrame canvas:focus-visible")) return
    setTimeout(() => {
      if (document.activeElement === target) target.querySelector('[role="gridcell"]')?.focus()
    }, 100)
  }
  document.addEventListener("pointerdown", press, true)
  document.addEventListener("focusin", enter)
  return () => {
    document.removeEventListener("pointerdown", press, true)
    document.removeEventListener("focusin", enter)
  }
}
""",
)


def show_table(jobs: JobsList, zone: ZoneInfo, site_url: str, viewer: Viewer, selected: Ids) -> None:
    """Show a page of jobs, those that are selected ticked."""
    shown = lines(jobs)
    key = selection.table_key(shown)
    cells = _cells(jobs, zone, site_url, with_delete=viewer.may_remove)
    ticked = [row for row, ids in enumerate(shown) if np.isin(ids, selected).all()]
    st.dataframe(
        cells,
        key=key,
        selection_default={"selection": {"rows": ticked}},
        hide_index=True,
        height="content",
        placeholder="",
        alt="Jobs",
        lazy=False,
        # These keep what is shown: a press that comes late speaks of the rows that it was made on.
        on_select=partial(_pressed_in_table, key, shown, jobs.view),
        selection_mode=["multi-row", "single-column"],
        column_config={
            "name": st.column_config.TextColumn(_header("Job name", "name", jobs.view), width=200),
            "status": st.column_config.MultiselectColumn(
                _header("Status", "status", jobs.view),
                width=105,
                options=[*map(on_one_line, jobs.status_labels.values()), *OTHER_LABELS],
                color=[
                    *(CHIP_COLORS[state] for state in jobs.status_labels),
                    *["gray"] * len(OTHER_LABELS),
                ],
            ),
            "owner": st.column_config.TextColumn(_header("User", "owner", jobs.view), width=140),
            "created": _time_column(_header("Created", "created", jobs.view), zone),
            "completed": _time_column(_header("Completed", "completed", jobs.view), zone),
            "related": st.column_config.LinkColumn(
                _header("Related record", "related", jobs.view),
                width=130,
                display_text=_AFTER_LAST_SLASH,
            ),
            "record": st.column_config.TextColumn(
                "Record number"
                if "related" in cells
                else _header("Related record", "record", jobs.view),
                width=130,
            ),
            "report": st.column_config.ButtonColumn(
                "Report",
                width=60,
                type="tertiary",
                key=f"{key}-report",
                on_click=partial(_report_pressed, f"{key}-report", shown, jobs),
            ),
            "delete": st.column_config.ButtonColumn(
                "Delete",
                width=60,
                type="tertiary",
                key=f"{key}-delete",
                on_click=partial(_delete_pressed, f"{key}-delete", shown),
            ),
        },
    )


def let_keys_in() -> None:
    """Let the keyboard into a table in which rows are ticked; to be called at the end of the page."""
    _CURSOR(key="table_cursor")


def lines(jobs: JobsList) -> Lines:
    """Return the ids of the jobs that each row stands for: one, unless repeated jobs are folded."""
    if jobs.folded:
        return tuple(jobs.folded.lines)
    return tuple((int(job_id),) for job_id in jobs.rows["id"])


def show_pages(jobs: JobsList, zone: ZoneInfo) -> None:
    """Show which jobs these are of how many, and the way to the others."""
    if jobs.folded:
        groups.show_ways(jobs, jobs.folded, zone)
        return
    st.session_state["page_number"] = jobs.view.page
    last = jobs.first + len(jobs.rows) - 1
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        st.caption(f"Showing {jobs.first:,}–{last:,} of {counted(jobs.matching)} · times in {zone.key}")
        if jobs.pages > 1:
            # It leaves pages out until it fits the width it is given.
            st.pagination(jobs.pages, key="page_number", on_change=_page_picked, width=420)


def show_selection(jobs: JobsList, selected: Ids, viewer: Viewer) -> None:
    """Show what is selected, on all pages, and what can be done with it: by keyboard, too."""
    if not jobs.matching and not selected.size:
        return
    try:
        contents = _contents(jobs, selected) if 0 < selected.size <= MAX_LOOKED_AT else None
    except DatabaseUnavailable as problem:
        contents = None
        st.warning(plain(str(problem)), icon=":material/cloud_off:")
    # What comes and goes stands behind the rest, so that no button moves to under a resting pointer.
    with st.container(key="selection"), st.container(horizontal=True):
        if jobs.matching:
            _more_buttons(jobs)
        if not selected.size:
            return
        st.button("Select none", icon=":material/deselect:", on_click=selection.clear)
        if viewer.may_remove:
            none_finished = contents is not None and not contents.finished
            st.button(
                "Delete selected…",
                icon=":material/delete:",
                on_click=dialogs.ask_delete,
                args=(selected,),
                disabled=none_finished,
                help="None of them is finished." if none_finished else None,
            )
        if selected.size == 1:
            st.button(
                "Open report",
                shortcut="O",
                icon=":material/description:",
                on_click=lambda: open_job(view_in_url(), int(selected[0])),
            )
        for line in lines(jobs):
            if len(line) > 1 and np.array_equal(np.sort(line), selected):
                st.button(
                    "Show these jobs",
                    icon=groups.OPEN_BUTTON,
                    on_click=groups.open_line,
                    args=(jobs, line),
                )
        st.markdown(_summary(selected, contents))


def _more_buttons(jobs: JobsList) -> None:
    st.button(
        "Select page",
        icon=":material/check_box:",
        on_click=selection.add,
        args=(lines(jobs),),
    )
    if jobs.pages == 1:
        return
    too_many = jobs.matching > MAX_JOBS
    # A search that was stopped has found some of the jobs that it looks for.
    number = f" {jobs.matching:,}" if jobs.looked_at is None else ""
    which = "" if jobs.view.filter == EVERYTHING else " matching"
    # A key, because without one a button is another button when its label changes.
    st.button(
        f"Select all{number}{which}",
        key="select_all",
        icon=":material/select_all:",
        on_click=selection.add_matching,
        args=(jobs.view.filter,),
        disabled=too_many,
        help=str(TooManyJobs()) if too_many else None,
    )


def _contents(jobs: JobsList, selected: Ids) -> Contents:
    """Return what is selected: read when it changes, and a small selection along with the list too."""
    asked = (
        jobs.view.filter,
        get_services().database.changes,
        selected.size <= MANY_SELECTED and jobs.read_at,
    )
    known = st.session_state.get("contents")
    if known and known[0] == asked and np.array_equal(known[1], selected):
        contents: Contents = known[2]
        return contents
    contents = read_contents(get_services().database, selected, jobs.view.filter)
    st.session_state["contents"] = (asked, selected, contents)
    return contents


def _summary(selected: Ids, contents: Contents | None) -> str:
    """Return as Markdown how many are selected, and what they are as far as that is known."""
    told = f"**{counted(selected.size)} selected**"
    if contents is None:
        return f"{told}. So many are looked at only when they are to be deleted."
    states = {
        "finished": contents.finished,
        "active": contents.in_state(State.ACTIVE),
        "neither": contents.in_state(State.OTHER),
        "no longer there": contents.missing,
        "not in this filter": contents.outside,
    }
    told += "".join(f", {n:,} {what}" for what, n in states.items() if n or what == "finished")
    by_name = contents.names
    names = [f"{jobs:,} × {plain(name)}" for name, jobs in by_name[:NAMES_TOLD]]
    if len(by_name) > NAMES_TOLD:
        names.append(f"{counted(len(by_name) - NAMES_TOLD, 'more name')}")
    return f"{told}  \n{', '.join(names)}"


def _page_picked() -> None:
    go_to(replace(view_in_url(), page=st.session_state["page_number"]))


def _header(label: str, column: str, view: ListView) -> str:
    """Return a column's header, with an arrow where the list is sorted by it."""
    if view.sort is not SORT_OF_COLUMN[column]:
        return label
    return f"{label} {'↓' if view.sort.is_descending is not view.is_reversed else '↑'}"


def _pressed_in_table(key: str, shown: Lines, view: ListView) -> None:
    """Take over which rows are ticked, or sort by a header: the grid itself would sort one page."""
    pressed = st.session_state[key]["selection"]
    if not pressed["columns"]:
        selection.tick(shown, _pressed(pressed["rows"], shown))
        return
    selection.draw_table_anew()
    [column] = pressed["columns"]
    if sort := SORT_OF_COLUMN.get(column):
        again = sort is view.sort
        go_to(view_in_url().with_sort(sort, is_reversed=again and not view.is_reversed))


def _report_pressed(key: str, shown: Lines, jobs: JobsList) -> None:
    for line in _pressed([st.session_state[key]["row"]], shown):
        if len(line) > 1:
            groups.open_line(jobs, line)
        else:
            open_job(view_in_url(), line[0])


def _delete_pressed(key: str, shown: Lines) -> None:
    for line in _pressed([st.session_state[key]["row"]], shown):
        dialogs.ask_delete(line)


def _pressed(rows: Sequence[int], shown: Lines) -> Lines:
    """Return the lines of some rows, as far as there are such: what a browser says is no fact."""
    return tuple(shown[row] for row in rows if 0 <= row < len(shown))


def _cells(jobs: JobsList, zone: ZoneInfo, site_url: str, *, with_delete: bool) -> pd.DataFrame:
    rows = jobs.rows
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "status": [[label] for label in rows["status"]],
            "owner": rows["owner"],
            "created": rows["created"],
            "completed": rows["completed"],
            # Streamlit makes a link of each text in a column of links, so numbers have their own.
            "related": [addresses.record_url(site_url, slug) for slug in rows["slug"]],
            "record": [
                "" if pd.isna(number) or (site_url and slug) else f"#{number}"
                for number, slug in zip(rows["object_id"], rows["slug"], strict=True)
            ],
            "report": REPORT_BUTTON,
        }
    )
    if not site_url:
        del cells["related"]
    elif not cells["record"].any():
        del cells["record"]
    if with_delete:
        finished = rows["state"].isin(FINISHED_STATES)
        cells["delete"] = [DELETE_BUTTON if is_finished else "" for is_finished in finished]
    if jobs.folded:
        groups.write_lines(cells, rows, zone)
    return visible_cells(cells)


def _time_column(label: str, zone: ZoneInfo) -> Any:
    return st.column_config.DatetimeColumn(
        label, format="YYYY-MM-DD HH:mm", timezone=zone.key, width=130
    )
