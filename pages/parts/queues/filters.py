"""Which of the queues' jobs are shown: the filters write to the URL and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from jobs_data.plain_text import on_one_line
from jobs_data.queues import listing
from jobs_data.queues.filters import QueueFilter, QueueView, parse_queue_view, queue_view_params
from jobs_data.queues.model import Kind, QueueState
from jobs_data.queues.overview import Overview
from pages.parts.queues.address import go_to_queue_view, queue_view_in_url


def show_filters(view: QueueView, overview: Overview | None) -> None:
    """Show a box for each part of the filter; without an overview only what is asked for is in it."""
    asked = view.filter
    names = [] if overview is None else sorted({queue.queue for queue in overview.queues})
    workers = () if overview is None else overview.workers
    types = () if overview is None else overview.types
    with st.container(horizontal=True, vertical_alignment="bottom", key="queue_filters"):
        _choice("Queue", "queue", names, asked.queue)
        _choice("Status", "status", [state.value for state in QueueState], str(asked.status or ""))
        _choice("Type", "type", types, asked.type)
        _choice("Worker", "worker", workers, asked.worker)
        _choice("Kind", "kind", [kind.value for kind in Kind], str(asked.kind or ""))
        key = "queue_filter_batch"
        st.session_state[key] = str(asked.batch or "")
        st.text_input("Batch", key=key, placeholder="Number", on_change=_picked, args=("batch", key))


def show_nothing(view: QueueView, *, is_partial: bool) -> None:
    """Say why there is nothing to show, and offer the way back to all jobs."""
    if view.filter == QueueFilter():
        st.info("There are no jobs in the queues right now.", icon=":material/inbox:")
        return
    sentences = ["No job in the queues matches this filter right now."]
    if is_partial:
        sentences = [
            f"No job among the newest {listing.MOST_ROWS:,} of each table matches this filter. A "
            "search through all of them took the database too long."
        ]
    if view.filter.heratio_alone:
        sentences.append("Of Laravel's jobs nobody knows the type, the batch or the worker.")
    st.info(" ".join(sentences), icon=":material/filter_alt_off:")
    st.button(
        "Show all jobs",
        icon=":material/list:",
        on_click=lambda: go_to_queue_view(QueueView(limit=view.limit)),
    )


def go_to_page(page: int) -> None:
    """Put another page of the same jobs into the URL."""
    go_to_queue_view(replace(queue_view_in_url(), page=page))


def _choice(label: str, name: str, options: Any, current: str) -> None:
    # The URL is the truth: the box is set from it on every run and only ever writes to it.
    key = f"queue_filter_{name}"
    st.session_state[key] = current
    offered = ["", *options]
    st.selectbox(
        label,
        offered if current in offered else [*offered, current],
        key=key,
        format_func=lambda value: on_one_line(
            (value.capitalize() if name in {"status", "kind"} else value) or "All"
        ),
        on_change=_picked,
        args=(name, key),
    )


def _picked(name: str, key: str) -> None:
    # Read as the URL is: what makes no sense is no filter.
    params = queue_view_params(queue_view_in_url())
    go_to_queue_view(parse_queue_view({**params, name: st.session_state[key], "page": "1"}))
