"""Which jobs a screen, an export or a link speaks of: parsed once from the URL, then never again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from jobs_data.status import State

MAX_PAGE_SIZE: Final = 200
DEFAULT_PAGE_SIZE: Final = 10

# `running` and `error` are the platform's own words, found in links that point at its screen.
_STATES: Final = {
    "active": State.ACTIVE,
    "running": State.ACTIVE,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "error": State.FAILED,
}


class Sort(StrEnum):
    """The orders of the list."""

    DATE = "date"
    """Newest creation first, ties by descending id."""
    NAME = "name"
    """By name, ties by descending id."""


@dataclass(frozen=True)
class JobFilter:
    """Which jobs: the one value that list, counts, export and neighbours share."""

    state: State | None = None


@dataclass(frozen=True)
class ListView:
    """A filter, an order and a page of it: everything that the list's URL says."""

    filter: JobFilter = field(default_factory=JobFilter)
    sort: Sort = Sort.DATE
    page: int = 1
    limit: int | None = None
    """Rows on a page; None for the platform's own setting."""

    def with_state(self, state: State | None) -> ListView:
        """Return the first page of the jobs in another state."""
        return replace(self, filter=JobFilter(state), page=1)

    def with_sort(self, sort: Sort) -> ListView:
        """Return the first page in another order."""
        return replace(self, sort=sort, page=1)

    def on_page(self, page: int) -> ListView:
        """Return another page of the same jobs in the same order."""
        return replace(self, page=page)


def clamp_limit(value: int) -> int:
    """Return a usable number of rows on a page, 1 to 200."""
    return max(1, min(MAX_PAGE_SIZE, value))


def parse_number(text: str | None) -> int | None:
    """Return the whole number that a stranger's text is, or None; never more than 18 digits."""
    if text is None or not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        return None
    return int(text)


def parse_view(params: Mapping[str, str]) -> ListView:
    """Return the view that a URL's query asks for; what makes no sense falls back to the default."""
    page = parse_number(params.get("page"))
    limit = parse_number(params.get("limit"))
    by_name = params.get("sort", "").strip().lower() == Sort.NAME
    return ListView(
        filter=JobFilter(_STATES.get(params.get("status", "").strip().lower())),
        sort=Sort.NAME if by_name else Sort.DATE,
        page=max(1, page or 1),
        limit=None if limit is None else clamp_limit(limit),
    )


def view_params(view: ListView) -> dict[str, str]:
    """Return the URL query of a view; defaults are left out, so that links stay short."""
    params: dict[str, str] = {}
    if view.filter.state is not None:
        params["status"] = view.filter.state.value
    if view.sort is not Sort.DATE:
        params["sort"] = view.sort.value
    if view.page > 1:
        params["page"] = str(view.page)
    if view.limit is not None:
        params["limit"] = str(view.limit)
    return params
