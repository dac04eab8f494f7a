"""What the addresses of the queues' screens say, and the ways between these screens."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data import addresses
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


def queue_view_in_url() -> QueueView:
    """Return the view of the queues' jobs that the URL asks for."""
    return parse_queue_view(st.query_params)


def go_to_queue_view(view: QueueView) -> None:
    """Put a view into the URL, so that this run or the next one shows it."""
    put_into_url(queue_view_params(view), _VIEW_PARAMS)


def queue_view_url(view: QueueView) -> str:
    """Return the address of a view of the queues' jobs."""
    return addresses.queues_url({**queue_view_params(view), **auto_params()})


def forget_job() -> None:
    """Take what only a queued job's address says out of the URL: the browser's Back leaves it there."""
    put_into_url({}, (*Source, "from", "list"))


def job_url(job: JobKey, origin: Origin) -> str:
    """Return the address of a queued job, from which one comes back to the origin."""
    return addresses.queue_job_url(_job_params(job, origin))


def open_queue_job(job: JobKey, origin: Origin) -> None:
    """Leave for a queued job, from which one comes back to the origin."""
    leave_for("queue_job.py", _job_params(job, origin))


def batch_url(batch: str, limit: int, list_page: int) -> str:
    """Return the address of a batch, from which one comes back to a page of the batches."""
    return addresses.queue_batches_url(_batch_params(batch, limit, 1, list_page))


def open_batch(batch: str, limit: int, page: int = 1, list_page: int = 1) -> None:
    """Leave for a page of a batch's jobs, from which one comes back to a page of the batches."""
    leave_for("batches.py", _batch_params(batch, limit, page, list_page))


def open_batches(limit: int, list_page: int) -> None:
    """Leave for a page of the batches."""
    params = queue_view_params(QueueView(page=list_page, limit=limit))
    leave_for("batches.py", {**params, **auto_params()})


def back_button(origin: Origin) -> None:
    """Show the way back to where one came from."""
    batch = origin.view.filter.batch
    label = f"Back to batch {batch}" if origin.is_batch else "Back to queues"
    st.button(label, icon=":material/arrow_back:", type="tertiary", on_click=_go_back, args=(origin,))


def _go_back(origin: Origin) -> None:
    view = origin.view
    if origin.is_batch:
        open_batch(str(view.filter.batch), view.limit, view.page, origin.list_page)
    else:
        leave_for("queues.py", {**queue_view_params(view), **auto_params()})


def _job_params(job: JobKey, origin: Origin) -> dict[str, str]:
    return {**origin_params(origin), **auto_params(), job.source.value: str(job.id)}


def _batch_params(batch: str, limit: int, page: int, list_page: int) -> dict[str, str]:
    params = origin_params(Origin(QueueView(page=page, limit=limit), list_page=list_page))
    return {**params, **auto_params(), "batch": batch}
