"""What the addresses of the queues' screens say, what is selected there, and the ways between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import streamlit as st

from jobs_data.queues.filters import (
    Origin,
    QueueFilter,
    QueueView,
    origin_params,
    parse_queue_view,
    queue_view_params,
)
from jobs_data.queues.model import JobKey, Source
from pages.parts.shared.address import auto_params, leave_for, put_into_url

_VIEW_PARAMS: Final = (*vars(QueueFilter()), "page", "limit")

T = TypeVar("T")


def queue_view_in_url() -> QueueView:
    """Return the view of the queues' jobs that the URL asks for."""
    return parse_queue_view(st.query_params)


def go_to_queue_view(view: QueueView) -> None:
    """Put a view into the URL, so that this run or the next one shows it."""
    put_into_url(queue_view_params(view), _VIEW_PARAMS)


def forget_job() -> None:
    """Take what only a queued job's address says out of the URL: the browser's Back leaves it there."""
    put_into_url({}, (*Source, "from", "list"))


def open_queue_job(job: JobKey, origin: Origin) -> None:
    """Leave for a queued job, from which one comes back to the origin."""
    leave_for("queue_job.py", {**origin_params(origin), **auto_params(), job.source.value: str(job.id)})


def back_button(origin: Origin) -> None:
    """Show the way back to where one came from."""
    batch = origin.view.filter.batch
    label = f"Back to batch {batch}" if origin.is_batch else "Back to queues"
    st.button(label, icon=":material/arrow_back:", type="tertiary", on_click=_go_back, args=(origin,))


def _go_back(origin: Origin) -> None:
    if origin.is_batch:
        open_batch(origin.view, origin.list_page)
    else:
        leave_for("queues.py", {**queue_view_params(origin.view), **auto_params()})


def open_batch(view: QueueView, list_page: int = 1) -> None:
    """Leave for the batch in a view's filter, at the view's page of its jobs."""
    alone = QueueView(QueueFilter(batch=view.filter.batch), view.page, view.limit)
    link = origin_params(Origin(alone, list_page=list_page))
    leave_for("batches.py", {**link, **auto_params()})


def grid_key(table: str) -> str:
    """Return a table's key; a new one forgets the selection, which is kept by position."""
    return f"{table}-{st.session_state.get(f'{table}_generation', 0)}"


def forget_selection(table: str) -> None:
    """Give a table a new key."""
    st.session_state[f"{table}_generation"] = st.session_state.get(f"{table}_generation", 0) + 1


def selected_row(table: str) -> int | None:
    """Return the position of the row that is selected in a table, if one is."""
    state = st.session_state.get(grid_key(table))
    rows: list[int] = state["selection"]["rows"] if state else []
    return rows[0] if rows else None


def held(table: str, asked: object, read: Callable[[], T]) -> T:
    """Return what a table shows: what is read, but while a row is selected what the viewer has seen.

    A selection is kept by position: in rows that have moved it would be another job. `asked` says what
    the table shows; where that has changed, the selection is forgotten.
    """
    name = f"seen_{table}"
    if selected_row(table) is not None:
        seen: tuple[object, T] | None = st.session_state.get(name)
        if seen is not None and seen[0] == asked:
            return seen[1]
        forget_selection(table)
    shown = read()
    st.session_state[name] = (asked, shown)
    return shown


def paused_by_selection(*tables: str) -> str:
    """Return what forbids to read these tables anew; empty where nothing does."""
    return "a row is selected" if any(selected_row(table) is not None for table in tables) else ""
