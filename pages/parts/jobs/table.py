"""The table of one page of jobs, and the way to the other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.frames import FrameRow
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.liveness import Liveness
from jobs_data.jobs.result_files import measure
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import FINISHED_STATES, State
from jobs_data.url_values import Params
from jobs_data.wording import counted, elapsed, file_kind_and_size, ran
from pages.parts.jobs import alive, groups
from pages.parts.jobs.alive import Activity
from pages.parts.jobs.filter_bar import has_numbers, is_searching
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs
from pages.parts.shared import selection
from pages.parts.shared.address import go_to, link_params, view_in_url
from pages.parts.shared.look import pager, state_cell
from pages.parts.shared.rows_table import (
    Action,
    Cell,
    Column,
    Handlers,
    Row,
    Selection,
    rows_table,
    time_cell,
)
from pages.parts.shared.selection import Lines
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import Viewer

KEY: Final = "jobs"
DELETE: Final = Action("delete", "Delete…")
SORT_OF_COLUMN: Final = {
    "status": Sort.STATUS,
    "name": Sort.NAME,
    "owner": Sort.OWNER,
    "created": Sort.DATE,
    "completed": Sort.COMPLETED,
    "duration": Sort.DURATION,
    "record": Sort.RELATED,
}


def lines(jobs: JobsList) -> Lines:
    """Return the ids of the jobs that each row stands for: one, unless repeated jobs are grouped."""
    if jobs.folded:
        return tuple(jobs.folded.lines)
    return tuple((int(job_id),) for job_id in jobs.rows["id"])


def show_table(
    jobs: JobsList,
    zone: ZoneInfo,
    viewer: Viewer,
    selected: Ids,
    state: JobsState,
    liveness: Liveness | None,
) -> None:
    """Show a page of jobs, those that are selected ticked; `liveness` is None while it is read."""
    line_of = {str(line[0]): line for line in lines(jobs)}

    def opened(row: str) -> None:
        if line := line_of.get(row):
            groups.open_group(jobs, line)

    def pressed(row: str, _action: str) -> None:
        if line := line_of.get(row):
            dialogs.ask_delete(line)

    def ticked(on: Sequence[str], off: Sequence[str]) -> None:
        selection.tick(*([line_of[row] for row in some if row in line_of] for some in (on, off)))

    def sorted_by(column: str) -> None:
        view, sort = view_in_url(), SORT_OF_COLUMN[column]
        go_to(view.with_sort(sort, is_reversed=sort is view.sort and not view.is_reversed))

    sizes, link = _sizes(jobs, state), link_params(view_in_url())
    # Liveness may be older than the rows: a job that has finished since does nothing any more.
    shown = [
        job_id
        for line, row in zip(lines(jobs), jobs.records, strict=True)
        if row["state"] == State.ACTIVE
        for job_id in line
    ]
    doing = alive.activities(liveness, shown, jobs.read_at)
    rows_table(
        KEY,
        "Jobs",
        _columns(jobs.view, with_results=any(size is not None for size in sizes.values())),
        [
            _row(row, jobs, zone, sizes, link, [doing[each] for each in line if each in doing])
            for line, row in zip(lines(jobs), jobs.records, strict=True)
        ],
        Handlers(on_open=opened, on_action=pressed, on_sort=sorted_by),
        actions=[DELETE] if viewer.may_remove else [],
        selection=Selection(
            [row for row, line in line_of.items() if np.isin(line, selected).all()], ticked
        ),
        remembers=True,
    )


def show_pager(jobs: JobsList, zone: ZoneInfo) -> None:
    """Show which jobs these are of how many, and the way to the others."""
    if not len(jobs.rows):
        st.empty()  # in its place, or it would stay until this run ends
        return
    if jobs.folded:
        groups.show_pager(jobs, jobs.folded, zone)
        return
    last = jobs.first + len(jobs.rows) - 1
    of, pages = f" of {counted(jobs.matching)}", jobs.pages
    among = jobs.sorted_matching
    if among is not None and (among < jobs.matching or not has_numbers(jobs)):
        of, pages = f" of {counted(among)} sorted", max(1, -(-among // jobs.limit))
    elif not has_numbers(jobs):
        of = ""
        # A full page may have a next one.
        pages = jobs.view.page + (len(jobs.rows) == jobs.limit)
    elif is_searching(jobs):
        of = " of those found so far"
    shown = f"{jobs.first:,}–{last:,}{of} · times in {zone.key}"
    pager(shown, jobs.view.page, pages, lambda page: go_to(replace(view_in_url(), page=page)))


def _columns(view: ListView, *, with_results: bool) -> list[Column]:
    def order(column: str) -> Any:
        if SORT_OF_COLUMN[column] is not view.sort:
            return ""
        return "desc" if view.sort.is_descending is not view.is_reversed else "asc"

    columns = [
        Column("status", "Status", sort=order("status"), width="7.5rem"),
        Column("name", "Job", "name", main=True, sort=order("name")),
        Column("owner", "User", sort=order("owner"), phone="wide"),
        Column("created", "Created", "time", sort=order("created"), phone="last"),
        Column("completed", "Completed", "time", sort=order("completed"), phone="wide"),
        Column("duration", "Duration", "time", sort=order("duration")),
        Column("record", "Related record", sort=order("record"), phone="wide"),
    ]
    return [*columns, Column("result", "Result", "time", phone="below")] if with_results else columns


def _sizes(jobs: JobsList, state: JobsState) -> Mapping[str, int | None]:
    """Return the sizes of the page's result files, measured once for each page that is read."""
    if state.sizes is None or state.sizes[0] is not jobs:
        state.sizes = jobs, measure(get_services().result_roots, jobs.rows["result"])
    return state.sizes[1]


def _row(
    row: FrameRow,
    jobs: JobsList,
    zone: ZoneInfo,
    sizes: Mapping[str, int | None],
    link: Params,
    doing: Sequence[Activity],
) -> Row:
    """Return a row; `doing` is what its active jobs do, as far as that is known."""
    number, now, state = int(row["id"]), jobs.read_at, State(row["state"])
    site_url = get_services().settings.site_url
    called = human_name(row["name"])
    cells: dict[str, Cell | str] = {
        "status": _status(row, state, doing),
        "name": _name(row, called, doing),
        "owner": row["owner"],
        "created": time_cell(row["created"], zone, now),
        "completed": time_cell(row["completed"], zone, now),
        "duration": _duration(row, state, now),
        "record": Cell(row["record"], href=addresses.record_url(site_url, row["slug"])),
        "result": _result(number, row["result"], sizes.get(row["result"])),
    }
    if row.get("jobs", 1) > 1:
        cells |= groups.cells_of(row, zone, doing)
    return Row(
        id=str(number),
        label=f"{called}, job {number}",
        cells=cells,
        href=addresses.report_url(number, link),
        leaves=row.get("jobs", 1) == 1,
        actions=(DELETE.id,) if state in FINISHED_STATES else (),
    )


def _status(row: FrameRow, state: State, doing: Sequence[Activity]) -> Cell:
    if doing:
        return alive.chip(doing)
    found = (0 if _is_missing(row[each]) else int(row[each]) for each in ("errors", "warnings"))
    return state_cell(state, row["status"], *found)


def _name(row: FrameRow, called: str, doing: Sequence[Activity]) -> Cell:
    """Return the name with one line below it: what a search found, why it failed, or what it did."""
    title, did = f"{row['name']}, job {row['id']}", row["did"]
    if row["hit"] or row["reason"]:
        title = " · ".join(filter(None, (title, did)))
        if row["hit"]:
            return Cell(called, title, row["hit"])
        return Cell(called, title, row["reason"], "red")
    evidence = doing[0].evidence if doing else ""
    return Cell(called, title, " · ".join(filter(None, (evidence, did))), "quiet")


def _duration(row: FrameRow, state: State, now: datetime) -> Cell | str:
    """Return how long a job took; for an active one how long it has been running, which goes on."""
    if state is not State.ACTIVE:
        return "" if _is_missing(row["seconds"]) else ran(row["seconds"])
    since = row["created"] if _is_missing(row["started"]) else row["started"]
    if _is_missing(since):
        return ""
    words = "Since it was started" if since is row["started"] else "Since it was created"
    seconds = (now - since).total_seconds()
    return Cell(elapsed(seconds), title=words, since=int(since.timestamp() * 1000))


def _is_missing(value: Any) -> bool:
    return bool(pd.isna(value))


def _result(job_id: int, path: str, size: int | None) -> Cell | str:
    if size is None:
        return ""
    text = f"⬇ {file_kind_and_size(path, size)}"
    return Cell(text, title="Download the result file", href=addresses.download_url(job_id))
