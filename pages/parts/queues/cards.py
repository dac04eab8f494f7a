"""The queues above their jobs: a card for each, and all their figures in a table."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.queues import listing
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.model import Kind, Queue
from jobs_data.queues.overview import Overview
from jobs_data.wording import counted, duration, relative_time
from pages.parts.queues.address import go_to_queue_view, queue_view_in_url, queue_view_url
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table, time_cell
from pages.parts.shared.text import plain

MOST_CARDS: Final = 12
"""Those that need attention come first; the table below has every queue."""

_COUNTS: Final = {
    "waiting": ("Waiting", "May start now"),
    "delayed": ("Delayed", "May start later"),
    "running": ("Running", "Taken by a worker"),
    "completed": ("Completed", "Laravel forgets a job that completes"),
    "failed": ("Failed", "Each job once, also one of which only a failed record is left"),
    "other": ("Other", "Cancelled, or with an unknown status"),
    "completed_last_hour": ("Last hour", "How many were completed in it"),
    "workers": ("Workers", "Laravel does not name its workers"),
}
_COLUMNS: Final = (
    Column("queue", "Queue", "name", main=True),
    Column("kind", "Kind", phone="last"),
    *(Column(name, label, "number", help=why) for name, (label, why) in _COUNTS.items()),
    Column("oldest", "Oldest waits", "number"),
    Column("seen", "Worker seen", "time", help="When one last took, started or completed a job"),
)


def show_cards(overview: Overview, asked: QueueFilter, zone: ZoneInfo) -> None:
    """Show a card for each queue, which filters the jobs below by it; a second press removes that."""
    queues = sorted(overview.queues, key=lambda queue: not queue.needs_attention)
    with st.container(horizontal=True, key="queue_cards"):
        for queue in queues[:MOST_CARDS]:
            _show_card(queue, asked, zone)
    more = len(queues) - MOST_CARDS
    label = f"All figures and {counted(more, 'more queue')}" if more > 0 else "All figures"
    with st.expander(label, icon=":material/table:"):
        _show_table(overview, zone)


def _show_card(queue: Queue, asked: QueueFilter, zone: ZoneInfo) -> None:
    is_chosen = (asked.queue, asked.kind) == (queue.queue, queue.kind)
    name = _id_of(queue)
    look = "queue_chosen" if is_chosen else "queue"
    with st.container(border=True, gap=None, key=f"{look} {name}"):
        st.button(
            plain(f"{queue.queue} · {queue.kind.capitalize()}"),
            key=name,
            icon=":material/filter_alt:" if is_chosen else None,
            type="tertiary",
            help="Show the jobs of all queues" if is_chosen else "Show only the jobs of this queue",
            on_click=_choose,
            args=("", None) if is_chosen else (queue.queue, queue.kind),
        )
        st.html(_figures(queue, zone))


def _figures(queue: Queue, zone: ZoneInfo) -> str:
    """Return what a card says as HTML; what the queue's system does not tell is left out."""
    counts = {"running": queue.running, "waiting": queue.waiting, "failed": queue.failed}
    if queue.delayed:
        counts["delayed"] = queue.delayed
    terms = "".join(f"<div><dt>{name}</dt><dd>{count:,}</dd></div>" for name, count in counts.items())
    facts, alert = [], ""
    if queue.needs_attention:
        alert = f"<p class='alert'><span aria-hidden='true'>▲</span> {queue.why_attention}</p>"
    elif queue.oldest_waiting_seconds is not None:
        facts.append(f"oldest waits {duration(queue.oldest_waiting_seconds, units=1)}")
    if queue.workers:
        facts.append(counted(queue.workers, "worker"))
    if queue.worker_seen:
        facts.append(f"last seen {relative_time(queue.worker_seen, datetime.now(UTC), zone)}")
    return f"<dl>{terms}</dl>{alert}<p>{html.escape(' · '.join(facts))}</p>"


def _show_table(overview: Overview, zone: ZoneInfo) -> None:
    now = datetime.now(UTC)
    rows = []
    for queue in overview.queues:
        counts = {name: getattr(queue, name) for name in _COUNTS}
        age = queue.oldest_waiting_seconds
        cells: dict[str, Cell | str] = {
            "queue": Cell(queue.queue),
            "kind": queue.kind.capitalize(),
            **{name: "" if count is None else f"{count:,}" for name, count in counts.items()},
            "oldest": "" if age is None else duration(age, units=1),
            "seen": time_cell(queue.worker_seen, zone, now),
        }
        href = queue_view_url(_view_of(queue.queue, queue.kind))
        rows.append(Row(_id_of(queue), queue.queue, cells, href))

    def opened(row: str) -> None:
        for queue in overview.queues:
            if _id_of(queue) == row:
                _choose(queue.queue, queue.kind)

    rows_table("queues", "All figures", _COLUMNS, rows, Handlers(on_open=opened))
    if overview.capped:
        st.caption(
            "Workers, the last hour, failed records and Laravel's queues are counted in the newest "
            f"{listing.MOST_ROWS:,} rows of each table. These tables have more: "
            f"{', '.join(overview.capped)}."
        )


def _id_of(queue: Queue) -> str:
    """Return what a browser calls a queue: not by its name, whose characters could be any."""
    return blake2b(f"{queue.kind} {queue.queue}".encode(), digest_size=8).hexdigest()


def _view_of(name: str, kind: Kind | None) -> QueueView:
    view = queue_view_in_url()
    return QueueView(replace(view.filter, queue=name, kind=kind), limit=view.limit)


def _choose(name: str, kind: Kind | None) -> None:
    go_to_queue_view(_view_of(name, kind))
