"""What the addresses of the queues' screens say, and the ways between these screens."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import streamlit as st

from jobs_data.queue_filters import QueueView, parse_queue_view, queue_view_params
from pages.parts.state import auto_params, put_into_url

_VIEW_PARAMS: Final = ("kind", "queue", "status", "type", "batch", "worker", "page", "limit")
_WANTED: Final = "wants_queue_job"


def queue_view_in_url() -> QueueView:
    """Return the view of the queues' jobs that the URL asks for."""
    return parse_queue_view(st.query_params)


def go_to_queue_view(view: QueueView) -> None:
    """Put a view into the URL, so that this run or the next one shows it."""
    put_into_url(queue_view_params(view), _VIEW_PARAMS)


def want_queue_job(job_id: int) -> None:
    """Remember, in a callback, which job this run is to open."""
    st.session_state[_WANTED] = job_id


def open_wanted_job(view: QueueView) -> None:
    """Leave for the job that a callback has asked for, if any has."""
    if job_id := st.session_state.pop(_WANTED, None):
        st.switch_page("queue_job.py", query_params=_link(view, id=str(job_id)))


def open_queues(view: QueueView) -> NoReturn:
    """Leave for a view of the queues."""
    st.switch_page("queue_browse.py", query_params=_link(view))


def open_batch(batch_id: str) -> NoReturn:
    """Leave for a batch."""
    st.switch_page("queue_batches.py", query_params=_link(QueueView(), batch=batch_id))


def pressed_row(click: str, rows: Any) -> int | None:
    """Return the position of the row whose button was pressed, among the rows last shown."""
    row: int = st.session_state[click]["row"]
    return row if 0 <= row < len(rows) else None


def _link(view: QueueView, **more: str) -> dict[str, str]:
    return {**queue_view_params(view), **auto_params(), **more}
