"""Which queued jobs a screen or a link asks for: parsed once from the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jobs_data.queues.model import JobKey, Kind, QueueState, Source
from jobs_data.url_values import clamp_limit, clean_text, parse_number, whole_text

DEFAULT_QUEUE_PAGE_SIZE: Final = 25

# `pending` means waiting and delayed ones together on the platform; most of them wait.
QUEUE_STATES: Final = {
    **{state.value: state for state in QueueState},
    "pending": QueueState.WAITING,
    "reserved": QueueState.RUNNING,
    "processing": QueueState.RUNNING,
    "error": QueueState.FAILED,
    "cancelled": QueueState.OTHER,
}
_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(frozen=True)
class QueueFilter:
    """Which queued jobs: the one value that list and count share."""

    queue: str = ""
    status: QueueState | None = None
    type: str = ""
    batch: int | None = None
    worker: str = ""
    kind: Kind | None = None
    search: str = ""
    """A part of a type, a queue, a worker or an error, or `#` and a number."""

    @property
    def heratio_alone(self) -> bool:
        """Return whether the filter needs columns that Laravel's tables lack."""
        return bool(self.type or self.worker or self.batch)


@dataclass(frozen=True)
class QueueView:
    """A filter and a page of it: everything in the address of the queues."""

    filter: QueueFilter = QueueFilter()
    page: int = 1
    limit: int = DEFAULT_QUEUE_PAGE_SIZE


@dataclass(frozen=True)
class Origin:
    """The screen that Back leads to from a queued job."""

    view: QueueView = QueueView()
    is_batch: bool = False
    """Whether it is the batch in the view's filter; otherwise the queues."""
    list_page: int = 1
    """The page of the batches on which that batch was opened."""


def parse_queue_view(params: Mapping[str, str]) -> QueueView:
    """Return the view that a URL's query asks for; a bad value falls back to its default."""
    page = parse_number(params.get("page"))
    limit = parse_number(params.get("limit"))
    batch = parse_number(params.get("batch"))
    return QueueView(
        filter=QueueFilter(
            queue=_name(params, "queue"),
            status=QUEUE_STATES.get(params.get("status", "").strip().lower()),
            type=_name(params, "type"),
            batch=batch if batch and batch > 0 else None,
            worker=_name(params, "worker"),
            kind=_KINDS.get(params.get("kind", "").strip().lower()),
            search=clean_text(params.get("search", "")),
        ),
        page=max(1, page or 1),
        limit=DEFAULT_QUEUE_PAGE_SIZE if limit is None else clamp_limit(limit),
    )


def queue_view_params(view: QueueView) -> dict[str, str]:
    """Return the URL query of a view; defaults are left out, so that links stay short."""
    page = view.page if view.page > 1 else None
    limit = view.limit if view.limit != DEFAULT_QUEUE_PAGE_SIZE else None
    params = {**vars(view.filter), "page": page, "limit": limit}
    return {name: str(value) for name, value in params.items() if value}


def parse_job_key(params: Mapping[str, str]) -> JobKey | None:
    """Return the key of the queued job that a URL's query names, or None."""
    numbers = ((source, parse_number(params.get(source))) for source in Source)
    return next((JobKey(source, number) for source, number in numbers if number is not None), None)


def parse_origin(params: Mapping[str, str]) -> Origin:
    """Return the origin in a URL's query: a batch, or else the queues."""
    view = parse_queue_view(params)
    is_batch = params.get("from") == "batch" and view.filter.batch is not None
    return Origin(view, is_batch, parse_list_page(params))


def parse_list_page(params: Mapping[str, str]) -> int:
    """Return the page of the batches that Back leads to from a batch."""
    return max(1, parse_number(params.get("list")) or 1)


def origin_params(origin: Origin) -> dict[str, str]:
    """Return the part of a URL's query with the origin; defaults are left out."""
    params = queue_view_params(origin.view)
    if origin.is_batch:
        params["from"] = "batch"
    if origin.list_page > 1:
        params["list"] = str(origin.list_page)
    return params


def _name(params: Mapping[str, str], name: str) -> str:
    """Return a name from a URL unchanged, empty if it has only spaces."""
    value = whole_text(params.get(name, ""))
    return value if value.strip(" ") else ""
