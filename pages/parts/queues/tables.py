"""The tables of the queues' screens: queues, queued jobs, a chain, batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.job_names import human_name
from jobs_data.queues import listing
from jobs_data.queues.filters import Origin, parse_job_key
from jobs_data.queues.listing import QueuePage
from jobs_data.queues.model import Batch, JobKey, QueuedJob, QueueState
from jobs_data.wording import counted, ran
from pages.parts.queues.address import batch_url, job_url, open_batch, open_queue_job
from pages.parts.queues.looks import status_cell
from pages.parts.shared import look
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table, time_cell

_JOB_COLUMNS: Final = (
    Column("status", "Status"),
    Column("job", "Job", kind="name", main=True),
    Column("queue", "Queue", width="6.5rem"),
    Column("progress", "Progress", phone="wide"),
    Column("user", "User", phone="wide"),
    Column(
        "when",
        "When",
        kind="time",
        phone="last",
        help="When it ended; else when it started, or since when or until when it waits",
    ),
    Column("took", "Duration", kind="number", phone="wide"),
    Column("attempts", "Attempts", kind="number", phone="wide"),
    Column("number", "Number", kind="number", phone="wide"),
    *(
        Column(name.lower(), name, kind="time", phone="wide", hidden=True)
        for name in ("Created", "Available", "Started", "Ended")
    ),
    *(Column(name.lower(), name, phone="wide", hidden=True) for name in ("Worker", "Batch", "Kind")),
)
_CHAIN_COLUMNS: Final = ("status", "job", "attempts", "number", "created", "ended")
_BATCH_COLUMNS: Final = (
    Column("status", "Status"),
    Column("name", "Batch", kind="name", main=True),
    Column(
        "progress", "Progress", help="A failed job counts as done, as on the platform", width="11rem"
    ),
    Column("started", "Started", kind="time", phone="wide"),
    Column("ended", "Ended", kind="time", phone="last"),
    Column(
        "estimated",
        "Estimated end",
        kind="time",
        phone="wide",
        help="At its rate so far; empty where no job has ended yet, or the batch does not go on",
    ),
    Column("queue", "Queue", phone="wide", width="6.5rem"),
    Column("user", "User", phone="wide"),
    Column("kind", "Kind", phone="wide", hidden=True),
    *(
        Column(name.lower(), name, kind="number", phone="wide", hidden=True)
        for name in ("Completed", "Failed", "Total")
    ),
)


def show_queue_jobs(
    jobs: QueuePage[QueuedJob], zone: ZoneInfo, on_page: Callable[[int], None], origin: Origin
) -> None:
    """Show a page of queued jobs, each of which can be opened, and the way to the other pages."""
    _show_jobs("queue_jobs", "Queued jobs", _JOB_COLUMNS, jobs.page.items, zone, origin)
    _show_pages(jobs, counted(jobs.page.total), zone, on_page)


def show_chain(chain: Sequence[QueuedJob], own_id: int, zone: ZoneInfo, origin: Origin) -> None:
    """Show the jobs of a chain in their order, the one of this page marked; each can be opened."""
    columns = [column for column in _JOB_COLUMNS if column.id in _CHAIN_COLUMNS]
    shown = [Column(each.id, each.label, each.kind, main=each.main) for each in columns]
    _show_jobs("chain", "Chain", shown, chain, zone, origin, own_id)


def show_batches(batches: QueuePage[Batch], zone: ZoneInfo, on_page: Callable[[int], None]) -> None:
    """Show a page of batches, each of which can be opened, and the way to the other pages."""
    now, page = datetime.now(UTC), batches.page

    def row(batch: Batch) -> Row:
        cells: dict[str, Cell | str] = {
            "status": status_cell(batch),
            "name": Cell(batch.name),
            "progress": Cell(
                batch.progress_text,
                detail=f"{batch.failed:,} failed" if batch.failed else "",
                tone="red",
                share=batch.progress,
            ),
            "failed": f"{batch.failed:,}",
            "started": time_cell(batch.started, zone, now),
            "ended": time_cell(batch.ended, zone, now),
            "estimated": time_cell(batch.estimated_end, zone, now),
            "queue": batch.queue or "",
            "user": batch.owner or "",
            "kind": batch.kind.capitalize(),
            "completed": f"{batch.completed:,}",
            "total": f"{batch.total:,}",
        }
        return Row(batch.id, batch.name, cells, batch_url(batch.id, page.limit, page.number))

    def opened(batch: str) -> None:
        open_batch(batch, page.limit, list_page=page.number)

    rows = [row(batch) for batch in page.items]
    rows_table("batches", "Batches", _BATCH_COLUMNS, rows, Handlers(on_open=opened), remembers=True)
    total = "1 batch" if page.total == 1 else f"{page.total:,} batches"
    _show_pages(batches, total, zone, on_page)


def _show_jobs(
    key: str,
    label: str,
    columns: Sequence[Column],
    jobs: Sequence[QueuedJob],
    zone: ZoneInfo,
    origin: Origin,
    own_id: int | None = None,
) -> None:
    now = datetime.now(UTC)

    def row(job: QueuedJob) -> Row:
        key = JobKey(job.source, job.id)
        title = f"{human_name(job.type)}, job {job.id}"
        cells = _job_cells(job, zone, now)
        if job.id == own_id:
            cells["job"] = Cell(human_name(job.type), title=job.type, detail="This job")
        return Row(urlencode({job.source.value: job.id}), title, cells, job_url(key, origin))

    def opened(row: str) -> None:
        if job := parse_job_key(dict(parse_qsl(row))):
            open_queue_job(job, origin)

    remembers = own_id is None
    rows = [row(job) for job in jobs]
    rows_table(key, label, columns, rows, Handlers(on_open=opened), remembers=remembers)


def _job_cells(job: QueuedJob, zone: ZoneInfo, now: datetime) -> dict[str, Cell | str]:
    # A job that its batch or chain holds back is available in the year 9999.
    available = None if job.available and job.available.year == 9999 else job.available
    pending = available or job.created if job.state is QueueState.WAITING else available
    took: Cell | str = ""
    if job.started and job.state is QueueState.RUNNING:
        took = Cell("", since=int(job.started.timestamp() * 1000))
    elif job.started and job.ended:
        took = ran((job.ended - job.started).total_seconds())
    times = {
        "when": job.ended or job.started or pending,
        "created": job.created,
        "available": available,
        "started": job.started,
        "ended": job.ended,
    }
    has_failed = job.state is QueueState.FAILED
    is_over = job.state is QueueState.COMPLETED
    return {
        "status": status_cell(job),
        "job": Cell(
            human_name(job.type), title=job.type, detail=job.error, tone="red" if has_failed else ""
        ),
        "queue": job.queue,
        "progress": Cell(job.progress_text, share=None if is_over else job.progress),
        "user": job.owner or "",
        "took": took,
        "attempts": job.tries,
        "number": str(job.id),
        "worker": job.worker or "",
        "batch": "" if job.batch_id is None else str(job.batch_id),
        "kind": job.source.kind.capitalize(),
        **{name: time_cell(moment, zone, now) for name, moment in times.items()},
    }


def _show_pages(
    listed: QueuePage[QueuedJob] | QueuePage[Batch],
    total: str,
    zone: ZoneInfo,
    on_page: Callable[[int], None],
) -> None:
    """Show the way to the other pages, and how far the rows were counted."""
    page = listed.page
    if listed.is_partial:
        total = f"at least {total}"
    elif listed.has_more:
        total = f"more than {total}"
    last = page.first + len(page.items) - 1
    shown = f"Showing {page.first:,}–{last:,} of {total} · times in {zone.key}"
    look.pager(shown, page.number, page.pages, on_page)
    if listed.is_partial:
        st.caption(
            "A search of all rows took the database too long. Only the newest "
            f"{listing.MOST_ROWS:,} rows of each table were searched."
        )
    elif listed.has_more:
        st.caption(
            f"The list ends after {listing.MOST_ROWS:,} rows. A narrower filter finds the others."
        )
