"""Converts a view of the list to the query of an address, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from jobs_data import url_values
from jobs_data.jobs.view import ANY_TIME, EVERYTHING, NO_OWNER, Dates, JobFilter, ListView, Sort
from jobs_data.platform.status import Alive, State
from jobs_data.url_values import Params

# `running` and `error` are the platform's own words, found in links that point at its screen.
STATES: Final = {
    "active": State.ACTIVE,
    "running": State.ACTIVE,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "other": State.OTHER,
}
_WITH_OR_WITHOUT: Final = {None: "", True: "with", False: "without"}
_ON_OR_OFF: Final = {None: "", True: "on", False: "off"}


def parse_dates(text: str) -> Dates:
    """Return the dates that a URL's text asks for; a bad value means any time.

    `7d` is the last seven days, `over-90d` longer ago than ninety, and `2026-11-01..2026-11-23` from
    one to the other: days in UTC, both included, or moments with an offset. Either may be left out.
    """
    text = text.strip().lower()
    if duration := url_values.parse_duration(text.removeprefix("over-")):
        return Dates(ago=duration) if text.startswith("over-") else Dates(last=duration)
    first, dots, last = text.partition("..")
    if not dots:
        last = first
    since, before = _moment(first), _moment(last)
    if (first and since is None) or (last and before is None):
        return ANY_TIME
    if before and "t" not in last:  # it is a day, which is included
        try:
            before += timedelta(days=1)
        except OverflowError:  # the calendar ends with it
            before = before.replace(hour=23, minute=59, second=59)
    return ANY_TIME if since and before and since >= before else Dates(since, before)


def spell_dates(dates: Dates) -> str:
    """Return dates as `parse_dates` reads them; empty for any time."""
    if dates.last:
        return url_values.spell_duration(dates.last)
    if dates.ago:
        return f"over-{url_values.spell_duration(dates.ago)}"
    if dates == ANY_TIME:
        return ""
    return "..".join(
        "" if moment is None else f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
        for moment in (dates.since, dates.before)
    )


def parse_view(params: Params) -> ListView:
    """Return the view that a URL's query asks for; a bad value falls back to its default."""
    limit = _number(params, "limit")
    word = _word(params, "sort")
    sort = Sort(word) if word in set(Sort) else Sort.DATE
    return ListView(
        filter=parse_filter(params),
        sort=sort,
        is_reversed=_word(params, "dir") == _reversed(sort),
        page=min(url_values.MAX_PAGE, max(1, _number(params, "page") or 1)),
        limit=None if limit is None else url_values.clamp_limit(limit),
        fold=_choice(params, "fold", _ON_OR_OFF),
        after=_number(params, "after"),
        before=_number(params, "before"),
    )


def parse_filter(params: Params) -> JobFilter:
    """Return only the filter of a URL's query."""
    longer_than = url_values.parse_duration(url_values.last_of(params, "longer"))
    below = _number(params, "below")
    owners = map(url_values.parse_number, url_values.all_of(params, "owner"))
    return JobFilter(
        state=STATES.get(_word(params, "status")),
        search=url_values.clean_text(url_values.last_of(params, "q")),
        owners=tuple(dict.fromkeys(o for o in owners if o is not None and o >= NO_OWNER)),
        names=_texts(params, "name"),
        types=_texts(params, "type"),
        created=parse_dates(url_values.last_of(params, "created")),
        finished=parse_dates(url_values.last_of(params, "finished")),
        has_result=_choice(params, "result", _WITH_OR_WITHOUT),
        has_errors=_choice(params, "errors", _WITH_OR_WITHOUT),
        longer_than=None if longer_than is None else int(longer_than.total_seconds()),
        alive=next((each for each in Alive if each == _word(params, "alive")), None),
        below=below if below and below > 0 else None,
    )


def view_params(view: ListView) -> dict[str, str | list[str]]:
    """Return the URL query of a view; defaults are left out, so that links stay short."""
    return {name: value for name, value in _spell_view(view).items() if value}


def filter_params(job_filter: JobFilter) -> dict[str, str | list[str]]:
    """Return the URL query of a filter; what it does not ask for is left out."""
    return {name: value for name, value in _spell_filter(job_filter).items() if value}


def _spell_view(view: ListView) -> dict[str, str | list[str]]:
    numbers = {"limit": view.limit, "after": view.after, "before": view.before}
    return {
        **_spell_filter(view.filter),
        "sort": "" if view.sort is Sort.DATE else view.sort.value,
        "dir": _reversed(view.sort) if view.is_reversed else "",
        "page": str(view.page) if view.page > 1 else "",
        "fold": _ON_OR_OFF[view.fold],
        **{name: "" if number is None else str(number) for name, number in numbers.items()},
    }


def _spell_filter(job_filter: JobFilter) -> dict[str, str | list[str]]:
    longer = job_filter.longer_than
    return {
        "status": job_filter.state or "",
        "q": job_filter.search,
        "owner": [str(owner) for owner in job_filter.owners],
        "name": list(job_filter.names),
        "type": list(job_filter.types),
        "created": spell_dates(job_filter.created),
        "finished": spell_dates(job_filter.finished),
        "result": _WITH_OR_WITHOUT[job_filter.has_result],
        "errors": _WITH_OR_WITHOUT[job_filter.has_errors],
        "longer": "" if longer is None else url_values.spell_duration(timedelta(seconds=longer)),
        "alive": job_filter.alive or "",
        "below": "" if job_filter.below is None else str(job_filter.below),
    }


FILTER_PARAMS: Final = tuple(_spell_filter(EVERYTHING))
"""The names of all parameters that say which jobs are meant."""

VIEW_PARAMS: Final = tuple(_spell_view(ListView()))
"""The names of all parameters that say which view of the list is meant."""


def _word(params: Params, name: str) -> str:
    return url_values.last_of(params, name).strip().lower()


def _number(params: Params, name: str) -> int | None:
    return url_values.parse_number(url_values.last_of(params, name))


def _choice(params: Params, name: str, words: dict[bool | None, str]) -> bool | None:
    wanted = _word(params, name)
    return next((value for value, word in words.items() if word == wanted), None)


def _reversed(sort: Sort) -> str:
    """Return the word for the reverse of a column's usual direction."""
    return "asc" if sort.is_descending else "desc"


def _texts(params: Params, name: str) -> tuple[str, ...]:
    # A name is compared unchanged: cut or cleaned it would be another one. Spaces alone are no name.
    found = map(url_values.whole_text, url_values.all_of(params, name))
    return tuple(dict.fromkeys(text for text in found if text.strip(" ")))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
