"""The tables of the queues' screens, the ways to open a row, and the way from page to page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data.queues import listing
from jobs_data.queues.filters import Origin, QueueFilter, QueueView
from jobs_data.queues.listing import QueuePage
from jobs_data.queues.model import JobKey, Kind, QueueState, Source
from jobs_data.queues.overview import Overview
from jobs_data.wording import counted, duration
from pages.parts.queues.address import (
    forget_selection,
    go_to_queue_view,
    grid_key,
    open_queue_job,
    queue_view_in_url,
    selected_row,
)
from pages.parts.shared.text import visible_cells

Color = Literal["blue", "green", "red", "gray", "violet", "orange"]

STATE_COLORS: Final[dict[QueueState, Color]] = {
    QueueState.WAITING: "orange",
    QueueState.DELAYED: "violet",
    QueueState.RUNNING: "blue",
    QueueState.COMPLETED: "green",
    QueueState.FAILED: "red",
    QueueState.OTHER: "gray",
}
BATCH_COLORS: Final[dict[str, Color]] = {
    "pending": "orange",
    "running": "blue",
    "paused": "violet",
    "completed": "green",
    "failed": "red",
    "cancelled": "gray",
}
CANCELLED: Final = "cancelled"
OPEN: Final = ":material/description:"
OVERVIEW, JOBS, BATCHES, CHAIN = "queues", "queue_jobs", "batches", "chain"
"""The names of the tables, for what is selected in them."""


def show_overview(overview: Overview, zone: ZoneInfo) -> None:
    """Show a row per queue, which opens to its jobs; what the tables do not tell is an empty cell."""
    rows = overview.rows
    ages = [
        "" if pd.isna(seconds) else duration(int(seconds), units=1)
        for seconds in rows["oldest_waiting_seconds"]
    ]
    cells = rows.assign(kind=rows["kind"].str.capitalize(), oldest_waiting_seconds=ages)
    cells.insert(0, "queue", cells.pop("queue"))

    def open_queue(row: int) -> None:
        asked = QueueFilter(queue=rows["queue"].iloc[row], kind=Kind(rows["kind"].iloc[row]))
        go_to_queue_view(QueueView(asked, limit=queue_view_in_url().limit))

    _show_rows(
        OVERVIEW,
        cells,
        "Queues",
        {
            "queue": st.column_config.TextColumn("Queue", width=120),
            "kind": st.column_config.TextColumn("Kind", width=70),
            "waiting": _number("Waiting"),
            "delayed": _number("Delayed"),
            "running": _number("Running"),
            "completed": _number("Completed"),
            "failed": _number("Failed"),
            "other": _number("Other"),
            "oldest_waiting_seconds": st.column_config.TextColumn("Oldest waits", width=100),
            "completed_last_hour": st.column_config.NumberColumn(
                "Last hour", width=76, format="localized"
            ),
            "workers": _number("Workers"),
            "worker_seen": time_column("Worker seen", zone),
        },
        open_queue,
    )
    _show_selection(OVERVIEW, len(rows), "Show its jobs", open_queue)
    with st.expander("What the columns count", icon=":material/help:"):
        st.markdown(
            "- **Waiting** jobs may start now, **delayed** ones later; **running** ones have been "
            "taken by a worker. **Other** are cancelled.\n"
            "- **Failed** are jobs with that status, and failed records whose job has left the queue's "
            "table, each such job once.\n"
            "- **Last hour** is how many were completed in it. Laravel forgets a job that completes, "
            "so its cells are empty, and it does not name its workers.\n"
            "- **Worker seen** is when a worker last took, started or completed a job."
        )
    if overview.capped:
        st.caption(
            f"These tables are large, and of each only the newest {listing.MOST_ROWS:,} rows were "
            "looked at, for workers, the last hour, failed records and Laravel's queues: "
            f"{', '.join(overview.capped)}."
        )


def show_queue_jobs(
    jobs: QueuePage, zone: ZoneInfo, go_to_page: Callable[[int], None], origin: Origin
) -> None:
    """Show a page of queued jobs, each of which can be opened, and the way to the others."""
    rows = jobs.page.items
    cells = pd.DataFrame(
        {
            "job": [f"#{number}" for number in rows["id"]],
            "type": rows["type"],
            "state": [
                [(CANCELLED if status == CANCELLED else state).capitalize()]
                for state, status in zip(rows["state"], rows["status"], strict=True)
            ],
            "queue": rows["queue"],
            "progress": rows["progress"] * 100,
            "message": rows["progress_text"],
            "error": rows["error"],
            "attempts": _attempts(rows),
            "created": rows["created"],
            "available": rows["available"],
            "started": rows["started"],
            "ended": rows["ended"],
            "worker": rows["worker"],
            "batch": rows["batch_id"],
            "owner": rows["owner"],
            "kind": [Source(source).kind.capitalize() for source in rows["source"]],
        }
    )
    _show_rows(
        JOBS,
        cells,
        "Queued jobs",
        {
            "job": st.column_config.TextColumn("Job", width=65),
            "type": st.column_config.TextColumn("Type", width=190),
            "state": st.column_config.MultiselectColumn(
                "Status",
                width=95,
                options=[name.capitalize() for name in (*STATE_COLORS, CANCELLED)],
                color=[*STATE_COLORS.values(), "gray"],
            ),
            "queue": st.column_config.TextColumn("Queue", width=90),
            "progress": _progress_column("How far the job says it is."),
            "message": st.column_config.TextColumn("Progress", width=170),
            "error": st.column_config.TextColumn("Error", width=190),
            "attempts": st.column_config.TextColumn("Attempts", width=75),
            "created": time_column("Created", zone),
            "available": time_column("Available", zone),
            "started": time_column("Started", zone),
            "ended": time_column("Ended", zone),
            "worker": st.column_config.TextColumn("Worker", width=120),
            "batch": st.column_config.NumberColumn("Batch", width=65, format="plain"),
            "owner": st.column_config.TextColumn("User", width=130),
            "kind": st.column_config.TextColumn("Kind", width=75),
        },
        _job_opener(rows, origin),
    )
    _show_pages(jobs, counted(jobs.page.total), go_to_page)
    _show_selection(JOBS, len(rows), "Open job", _job_opener(rows, origin))


def show_chain(rows: pd.DataFrame, own_id: int, zone: ZoneInfo, origin: Origin) -> None:
    """Show the jobs of a chain in their order, one of them marked; each can be opened."""
    cells = pd.DataFrame(
        {
            "id": rows["id"],
            "here": ["This job" if number == own_id else "" for number in rows["id"]],
            "type": rows["type"],
            "state": [[state.capitalize()] for state in rows["state"]],
            "attempts": _attempts(rows),
            "created": rows["created"],
            "ended": rows["ended"],
        }
    )
    _show_rows(
        CHAIN,
        cells,
        "Chain",
        {
            "id": st.column_config.NumberColumn("Job", width=70, format="plain"),
            "here": st.column_config.TextColumn("", width=75),
            "type": st.column_config.TextColumn("Type", width=220),
            "state": st.column_config.MultiselectColumn(
                "Status",
                width=95,
                options=[name.capitalize() for name in STATE_COLORS],
                color=list(STATE_COLORS.values()),
            ),
            "attempts": st.column_config.TextColumn("Attempts", width=80),
            "created": time_column("Created", zone),
            "ended": time_column("Ended", zone),
        },
        _job_opener(rows, origin),
    )
    _show_selection(CHAIN, len(rows), "Open job", _job_opener(rows, origin))


def show_batches(
    batches: QueuePage,
    zone: ZoneInfo,
    go_to_page: Callable[[int], None],
    open_batch: Callable[[str], None],
) -> None:
    """Show a page of batches and the way to the others; `open_batch` is called with a batch's id."""
    rows = batches.page.items

    def opened(row: int) -> None:
        open_batch(rows["id"].iloc[row])

    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "status": [[status] for status in rows["status"]],
            "progress": rows["progress"] * 100,
            "completed": rows["completed"],
            "failed": rows["failed"],
            "total": rows["total"],
            "started": rows["started"],
            "estimated_end": rows["estimated_end"],
            "ended": rows["ended"],
            "queue": rows["queue"],
            "owner": rows["owner"],
            "kind": rows["kind"].str.capitalize(),
        }
    )
    _show_rows(
        BATCHES,
        cells,
        "Batches",
        {
            "name": st.column_config.TextColumn("Batch", width=210),
            "status": st.column_config.MultiselectColumn(
                "Status", width=95, options=list(BATCH_COLORS), color=list(BATCH_COLORS.values())
            ),
            "progress": _progress_column(
                "How many of the jobs have ended. A failed job counts as done, as on the platform."
            ),
            "completed": _number("Completed"),
            "failed": _number("Failed"),
            "total": _number("Total"),
            "started": time_column("Started", zone),
            "ended": time_column("Ended", zone),
            "estimated_end": time_column("Estimated end", zone),
            "queue": st.column_config.TextColumn("Queue", width=90),
            "owner": st.column_config.TextColumn("User", width=130),
            "kind": st.column_config.TextColumn("Kind", width=75),
        },
        opened,
    )
    total = batches.page.total
    _show_pages(batches, "1 batch" if total == 1 else f"{total:,} batches", go_to_page)
    _show_selection(BATCHES, len(rows), "Open batch", opened)


def attempts_text(attempts: int | None, most: int | None) -> str:
    """Return how often a job was tried of how often it may be: `1 of 3`; empty where none knows."""
    if attempts is None and most is None:
        return ""
    return f"{attempts or 0} of {most}" if most else f"{attempts}"


def show_pages(
    first: int, last: int, total: str, page_of: tuple[int, int], go_to_page: Callable[[int], None]
) -> None:
    """Show which rows these are of how many, and the way to the others."""
    page, pages = page_of
    st.session_state["queue_page"] = page
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        st.caption(f"Showing {first:,}–{last:,} of {total}")
        if pages > 1:
            st.pagination(
                pages,
                key="queue_page",
                on_change=lambda: go_to_page(st.session_state["queue_page"]),
                width=420,
            )


def time_column(label: str, zone: ZoneInfo) -> Any:
    """Return a column of times in the viewer's zone."""
    return st.column_config.DatetimeColumn(
        label, format="YYYY-MM-DD HH:mm:ss", timezone=zone.key, width=150
    )


def _show_pages(listed: QueuePage, total: str, go_to_page: Callable[[int], None]) -> None:
    """Show the way to the other pages, and how far the rows were counted."""
    page = listed.page
    if listed.is_partial:
        total = f"at least {total}"
    elif listed.has_more:
        total = f"more than {total}"
    last = page.first + len(page.items) - 1
    show_pages(page.first, last, total, (page.number, page.pages), go_to_page)
    if listed.is_partial:
        st.caption(
            "A search through all rows took the database too long, so only the newest "
            f"{listing.MOST_ROWS:,} rows of each table were searched."
        )
    elif listed.has_more:
        st.caption(
            f"The pages end after {listing.MOST_ROWS:,} rows; a narrower filter leads to the others."
        )


def _attempts(rows: pd.DataFrame) -> list[str]:
    counts = rows[["attempts", "max_attempts"]].astype(object).replace({pd.NA: None})
    return [attempts_text(*row) for row in counts.itertuples(index=False)]


def _show_rows(
    table: str,
    cells: pd.DataFrame,
    label: str,
    columns: dict[str, Any],
    opened: Callable[[int], None],
) -> None:
    """Show rows that can be selected; the button before each calls `opened` with its position."""
    # In front, for on a phone what stands behind is only reached by scrolling sideways.
    cells.insert(0, "open", OPEN)
    click = f"{table}_click"

    def pressed() -> None:
        row: int = st.session_state[click]["row"]
        if 0 <= row < len(cells):
            opened(row)

    st.dataframe(
        visible_cells(cells),
        key=grid_key(table),
        hide_index=True,
        height="content",
        alt=label,
        placeholder="",
        lazy=False,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "open": st.column_config.ButtonColumn(
                "Open", width=55, type="tertiary", key=click, on_click=pressed
            ),
            **columns,
        },
    )


def _show_selection(table: str, rows: int, action: str, opened: Callable[[int], None]) -> None:
    """Show what can be done with the selected row: the same as its button, by keyboard too."""
    row = selected_row(table)
    if row is None or row >= rows:
        return

    def act() -> None:
        forget_selection(table)
        opened(row)

    with st.container(horizontal=True, vertical_alignment="center", key=f"{table}_selection"):
        st.caption("1 row selected")
        # Of two tables on a screen one alone has the key.
        st.button(
            action,
            key=f"{table}_open",
            icon=OPEN,
            shortcut=None if table == OVERVIEW else "O",
            on_click=act,
        )
        st.button(
            "Select none",
            key=f"{table}_none",
            icon=":material/deselect:",
            on_click=forget_selection,
            args=(table,),
        )


def _job_opener(rows: pd.DataFrame, origin: Origin) -> Callable[[int], None]:
    """Return what opens the job of a row, by the rows as they are shown now."""

    def opened(row: int) -> None:
        open_queue_job(JobKey(Source(rows["source"].iloc[row]), int(rows["id"].iloc[row])), origin)

    return opened


def _number(label: str) -> Any:
    return st.column_config.NumberColumn(label, width=76, format="localized")


def _progress_column(told: str) -> Any:
    return st.column_config.ProgressColumn(
        "Done", width=110, help=told, min_value=0, max_value=100, format="%d%%"
    )
