"""Which of the queues' jobs are shown: the filters write to the URL and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import streamlit as st

from jobs_data.plain_text import on_one_line
from jobs_data.queues import listing
from jobs_data.queues.filters import QueueFilter, QueueView, parse_queue_view, queue_view_params
from jobs_data.queues.model import Kind, QueueState
from jobs_data.queues.overview import Overview
from pages.parts.queues.address import go_to_queue_view, queue_view_in_url
from pages.parts.shared.text import plain

_ALL: Final = "all"
_BOXES: Final = ("search", "queue", "kind", "type", "worker", "batch")


def show_filters(asked: QueueFilter, overview: Overview | None) -> None:
    """Show the choice of a status, the other filters, and what of them is in force.

    Without an overview the boxes offer only what is asked for.
    """
    params = queue_view_params(QueueView(asked))
    in_force = {name: params[name] for name in _BOXES if name in params}
    with st.container(horizontal=True, vertical_alignment="center", key="queue_tools"):
        _status(asked.status)
        st.session_state["queue_filter_search"] = asked.search
        st.text_input(
            "Find queued jobs",
            key="queue_filter_search",
            type="search",
            placeholder="Search type, worker, error or #number",
            on_change=_picked,
            args=("search",),
            label_visibility="collapsed",
            width=330,
        )
        more = f" · {len(in_force)}" if in_force else ""
        with st.popover(f"Filters{more}", icon=":material/filter_list:", key="queue_filters"):
            names = {queue.queue for queue in overview.queues} if overview else ()
            _choice("queue", sorted(names), asked.queue)
            _choice("kind", list(Kind), str(asked.kind or ""))
            _choice("type", overview.types if overview else (), asked.type)
            _choice("worker", overview.workers if overview else (), asked.worker)
            st.session_state["queue_filter_batch"] = str(asked.batch or "")
            st.text_input(
                "Batch",
                key="queue_filter_batch",
                placeholder="Number",
                on_change=_picked,
                args=("batch",),
            )
    if not in_force:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chips"):
        for name, value in in_force.items():
            shown = value.capitalize() if name == "kind" else value
            st.button(
                f"{plain(f'{name.capitalize()}: {shown}')} ✕",
                key=f"chip_{name}",
                on_click=_set,
                args=(name, ""),
            )
        _clear_button("tertiary")


def show_nothing(view: QueueView, *, is_partial: bool) -> None:
    """Say why there is nothing to show, and offer all jobs."""
    if view.filter == QueueFilter():
        st.info("There are no jobs in the queues now.", icon=":material/inbox:")
        return
    sentences = ["No job in the queues matches this filter now."]
    if is_partial:
        sentences = [
            f"No job among the newest {listing.MOST_ROWS:,} of each table matches this filter. A "
            "search of all jobs took the database too long."
        ]
    if view.filter.heratio_alone:
        sentences.append("Laravel records no type, batch or worker of a job.")
    st.info(" ".join(sentences), icon=":material/filter_alt_off:")
    _clear_button("secondary")


def go_to_page(page: int) -> None:
    """Put another page of the same jobs into the URL."""
    go_to_queue_view(replace(queue_view_in_url(), page=page))


def _status(current: QueueState | None) -> None:
    # The URL is the truth: each widget is set from it on every run and only ever writes to it.
    st.session_state["queue_filter_status"] = current or _ALL
    st.pills(
        "Status",
        [_ALL, *QueueState],
        key="queue_filter_status",
        format_func=str.capitalize,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=_picked,
        args=("status",),
    )


def _choice(name: str, options: Iterable[str], current: str) -> None:
    key = f"queue_filter_{name}"
    st.session_state[key] = current
    offered = ["", *options]
    st.selectbox(
        name.capitalize(),
        offered if current in offered else [*offered, current],
        key=key,
        format_func=lambda value: on_one_line(
            (value.capitalize() if name == "kind" else value) or "All"
        ),
        on_change=_picked,
        args=(name,),
    )


def _clear_button(look: str) -> None:
    st.button(
        "Clear filters",
        key=f"clear_{look}",
        icon=":material/filter_alt_off:",
        type="tertiary" if look == "tertiary" else "secondary",
        on_click=lambda: go_to_queue_view(QueueView(limit=queue_view_in_url().limit)),
    )


def _picked(name: str) -> None:
    _set(name, st.session_state[f"queue_filter_{name}"])


def _set(name: str, value: str) -> None:
    # Read as the URL is: what makes no sense is no filter.
    params = queue_view_params(queue_view_in_url())
    go_to_queue_view(parse_queue_view({**params, name: value, "page": "1"}))
