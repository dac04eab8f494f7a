"""The tables of the queues' screens: queues, their jobs, and the way from page to page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import humanize
import pandas as pd
import streamlit as st

from jobs_data.queue_filters import Kind, QueueState
from jobs_data.queues import BatchesPage, QueueJobsPage, QueuesOverview
from jobs_data.wording import counted
from pages.parts.queue_state import pressed_row, want_queue_job

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


def show_overview(overview: QueuesOverview, zone: ZoneInfo) -> None:
    """Show a row per queue; what the tables do not tell is an empty cell."""
    rows = overview.rows
    ages = [
        "" if pd.isna(seconds) else humanize.naturaldelta(int(seconds))
        for seconds in rows["oldest_waiting_seconds"]
    ]
    st.dataframe(
        rows.assign(kind=[Kind(kind).label for kind in rows["kind"]], oldest_waiting_seconds=ages),
        key="queues",
        hide_index=True,
        height="content",
        alt="Queues",
        placeholder="",
        lazy=False,
        column_order=["queue", *(column for column in rows.columns if column != "queue")],
        column_config={
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
    )
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
            "These tables are large, and of each only the newest 20,000 rows were looked at, for "
            "workers, the last hour, failed records and Laravel's queues: "
            f"{', '.join(overview.capped)}."
        )


def show_queue_jobs(jobs: QueueJobsPage, zone: ZoneInfo, go_to_page: Callable[[int], None]) -> None:
    """Show a page of queued jobs and the way to the others; a row's button opens its job."""
    rows = jobs.rows
    st.session_state["seen_queue_jobs"] = rows
    in_heratio = rows["kind"] == Kind.HERATIO
    st.dataframe(
        pd.DataFrame(
            {
                "job": [f"#{number}" for number in rows["id"]],
                "type": rows["type"],
                "state": [
                    [(CANCELLED if status == CANCELLED else state).capitalize()]
                    for state, status in zip(rows["state"], rows["status"], strict=True)
                ],
                "open": [OPEN if own else "" for own in in_heratio],
                "queue": rows["queue"],
                "progress": rows["progress"] * 100,
                "message": rows["progress_text"],
                "error": rows["error"],
                "attempts": rows["attempts"],
                "created": rows["created"],
                "available": rows["available"],
                "started": rows["started"],
                "ended": rows["ended"],
                "worker": rows["worker"],
                "batch": rows["batch_id"],
                "owner": rows["owner"],
                "kind": [Kind(kind).label for kind in rows["kind"]],
            }
        ),
        key="queue_jobs",
        hide_index=True,
        height="content",
        alt="Queued jobs",
        placeholder="",
        lazy=False,
        column_config={
            "job": st.column_config.TextColumn("Job", width=65),
            "type": st.column_config.TextColumn("Type", width=190),
            "state": st.column_config.MultiselectColumn(
                "Status",
                width=95,
                options=[name.capitalize() for name in (*STATE_COLORS, CANCELLED)],
                color=[*STATE_COLORS.values(), "gray"],
            ),
            "queue": st.column_config.TextColumn("Queue", width=90),
            "progress": _progress_column(),
            "message": st.column_config.TextColumn("Progress", width=170),
            "error": st.column_config.TextColumn("Error", width=190),
            "open": st.column_config.ButtonColumn(
                "Open", width=55, type="tertiary", key="queue_job_click", on_click=_job_pressed
            ),
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
    )
    last = jobs.first + len(rows) - 1
    show_pages(jobs.first, last, counted(jobs.total), (jobs.view.page, jobs.pages), go_to_page)


def show_batches(
    batches: BatchesPage, zone: ZoneInfo, go_to_page: Callable[[int], None], opened: Callable[[], None]
) -> None:
    """Show a page of batches and the way to the others; `opened` is called by a row's button."""
    rows = batches.rows
    st.session_state["seen_batches"] = rows["id"].tolist()
    st.dataframe(
        pd.DataFrame(
            {
                "name": rows["name"],
                "status": [[status] for status in rows["status"]],
                "open": OPEN,
                "progress": rows["progress"] * 100,
                "completed": rows["completed"],
                "failed": rows["failed"],
                "total": rows["total"],
                "started": rows["started"],
                "estimated_end": rows["estimated_end"],
                "ended": rows["ended"],
                "queue": rows["queue"],
                "owner": rows["owner"],
                "kind": [Kind(kind).label for kind in rows["kind"]],
            }
        ),
        key="batches",
        hide_index=True,
        height="content",
        alt="Batches",
        placeholder="",
        lazy=False,
        column_config={
            "name": st.column_config.TextColumn("Batch", width=210),
            "status": st.column_config.MultiselectColumn(
                "Status", width=95, options=list(BATCH_COLORS), color=list(BATCH_COLORS.values())
            ),
            "progress": _progress_column(),
            "open": st.column_config.ButtonColumn(
                "Open", width=55, type="tertiary", key="batch_click", on_click=opened
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
    )
    last = batches.first + len(rows) - 1
    total = "1 batch" if batches.total == 1 else f"{batches.total:,} batches"
    show_pages(batches.first, last, total, (batches.page, batches.pages), go_to_page)


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


def _job_pressed() -> None:
    rows = st.session_state["seen_queue_jobs"]
    row = pressed_row("queue_job_click", rows)
    if row is not None and rows["kind"].iloc[row] == Kind.HERATIO:
        want_queue_job(int(rows["id"].iloc[row]))


def _number(label: str) -> Any:
    return st.column_config.NumberColumn(label, width=76, format="localized")


def _progress_column() -> Any:
    return st.column_config.ProgressColumn("Done", width=110, min_value=0, max_value=100, format="%d%%")
