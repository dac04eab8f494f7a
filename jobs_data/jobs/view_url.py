"""A view of the list as the query of an address, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter, ListView, Sort
from jobs_data.platform.status import State
from jobs_data.url_values import (
    MAX_TEXT,
    Params,
    all_of,
    clamp_limit,
    clean_text,
    last_of,
    parse_duration,
    parse_number,
    spell_duration,
)

# `running` and `error` are the platform's own words, found in links that point at its screen.
_STATES: Final = {
    "active": State.ACTIVE,
    "running": State.ACTIVE,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "other": State.OTHER,
}


_YES_OR_NO: Final = {"with": True, "without": False}


_DAY: Final = timedelta(days=1)


def parse_dates(text: str) -> Dates:
    """Return the dates that a URL's text asks for; what makes no sense is any time.

    `7d` is the last seven days, `over-90d` longer ago than ninety, and `2026-11-01..2026-11-23` from
    one to the other: days in UTC, both included, or moments with an offset. Either may be left out.
    """
    text = text.strip().lower()
    if duration := parse_duration(text.removeprefix("over-")):
        return Dates(ago=duration) if text.startswith("over-") else Dates(last=duration)
    first, dots, last = text.partition("..")
    if not dots:
        last = first
    since, before = _moment(first), _moment(last)
    if (first and since is None) or (last and before is None):
        return ANY_TIME
    if before and _is_day(last):
        try:
            before += _DAY
        except OverflowError:
            before = None
    return ANY_TIME if since and before and since >= before else Dates(since, before)


def spell_dates(dates: Dates) -> str:
    """Return dates as `parse_dates` reads them; empty for any time."""
    if dates.last:
        return spell_duration(dates.last)
    if dates.ago:
        return f"over-{spell_duration(dates.ago)}"
    if dates == ANY_TIME:
        return ""
    return "..".join(
        "" if moment is None else f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        for moment in (dates.since, dates.before)
    )


def parse_view(params: Params) -> ListView:
    """Return the view that a URL's query asks for; what makes no sense falls back to the default."""
    page = parse_number(last_of(params, "page"))
    limit = parse_number(last_of(params, "limit"))
    sort = last_of(params, "sort").strip().lower()
    usual = Sort(sort) if sort in set(Sort) else Sort.DATE
    direction = last_of(params, "dir").strip().lower()
    return ListView(
        filter=parse_filter(params),
        sort=usual,
        is_reversed=direction == ("asc" if usual.is_descending else "desc"),
        page=max(1, page or 1),
        limit=None if limit is None else clamp_limit(limit),
        fold={"on": True, "off": False}.get(last_of(params, "fold").strip().lower()),
        after=parse_number(last_of(params, "after")),
        before=parse_number(last_of(params, "before")),
    )


def parse_filter(params: Params) -> JobFilter:
    """Return the filter alone of what a URL's query asks for."""
    longer_than = parse_duration(last_of(params, "longer"))
    owners = (parse_number(owner) for owner in all_of(params, "owner"))
    return JobFilter(
        state=_STATES.get(last_of(params, "status").strip().lower()),
        search=clean_text(last_of(params, "q")),
        owners=tuple(dict.fromkeys(o for o in owners if o is not None and o >= NO_OWNER)),
        names=_texts(params, "name"),
        types=_texts(params, "type"),
        created=parse_dates(last_of(params, "created")),
        finished=parse_dates(last_of(params, "finished")),
        has_result=_YES_OR_NO.get(last_of(params, "result").strip().lower()),
        has_errors=_YES_OR_NO.get(last_of(params, "errors").strip().lower()),
        longer_than=None if longer_than is None else int(longer_than.total_seconds()),
    )


def view_params(view: ListView) -> dict[str, str | list[str]]:
    """Return the URL query of a view; defaults are left out, so that links stay short."""
    params = filter_params(view.filter)
    if view.sort is not Sort.DATE:
        params["sort"] = view.sort.value
    if view.is_reversed:
        params["dir"] = "asc" if view.sort.is_descending else "desc"
    if view.page > 1:
        params["page"] = str(view.page)
    if view.limit is not None:
        params["limit"] = str(view.limit)
    if view.fold is not None:
        params["fold"] = "on" if view.fold else "off"
    for name, job_id in (("after", view.after), ("before", view.before)):
        if job_id is not None:
            params[name] = str(job_id)
    return params


def filter_params(job_filter: JobFilter) -> dict[str, str | list[str]]:
    """Return the URL query of a filter; what it does not ask for is left out."""
    words = {True: "with", False: "without", None: ""}
    longer = job_filter.longer_than
    params: dict[str, str | list[str]] = {
        "status": job_filter.state or "",
        "q": job_filter.search,
        "owner": [str(owner) for owner in job_filter.owners],
        "name": list(job_filter.names),
        "type": list(job_filter.types),
        "created": spell_dates(job_filter.created),
        "finished": spell_dates(job_filter.finished),
        "result": words[job_filter.has_result],
        "errors": words[job_filter.has_errors],
        "longer": "" if longer is None else spell_duration(timedelta(seconds=longer)),
    }
    return {name: value for name, value in params.items() if value}


FILTER_PARAMS: Final = (
    *("status", "q", "owner", "name", "type", "created"),
    *("finished", "result", "errors", "longer"),
)
"""The names of all parameters that say which jobs are meant."""


VIEW_PARAMS: Final = (*FILTER_PARAMS, "sort", "dir", "page", "limit", "fold", "after", "before")
"""The names of all parameters that say which view of the list is meant."""


def _texts(params: Params, name: str) -> tuple[str, ...]:
    # A name is compared as it is, its spaces included.
    found = (text.replace("\0", "")[: 2 * MAX_TEXT] for text in all_of(params, name))
    sound = (text.encode("utf-8", "replace").decode("utf-8") for text in found)
    return tuple(dict.fromkeys(text for text in sound if text.strip()))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_day(text: str) -> bool:
    return "t" not in text
