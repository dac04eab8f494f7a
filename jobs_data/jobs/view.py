"""Which jobs a screen, an export or a removal speaks of: parsed once from the URL, then never again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from jobs_data.platform.status import State

MAX_PAGE_SIZE: Final = 200
DEFAULT_PAGE_SIZE: Final = 10
MAX_TEXT: Final = 200
"""How many characters of a text to search for, or of a name, are looked at."""

MAX_CHOICES: Final = 50
"""How many owners, names or types one filter can name."""

NO_OWNER: Final = 0
"""What stands for the owner of a job that has none; no user has this id."""

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
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_DAY: Final = timedelta(days=1)


class Sort(StrEnum):
    """The columns that the list can be sorted by, each in its usual direction; ties by largest id."""

    DATE = "date"
    """Newest creation first."""
    NAME = "name"
    """By name, from A on."""
    STATUS = "status"
    """Active, completed, failed, then the others."""
    OWNER = "owner"
    """By the owner's name, from A on."""
    COMPLETED = "completed"
    """Latest completion first, then those without one."""
    RELATED = "related"
    """By the address of the related record, from A on, those without one first."""

    @property
    def is_descending(self) -> bool:
        """Return whether its usual direction is from the largest down."""
        return self in {Sort.DATE, Sort.COMPLETED}


@dataclass(frozen=True)
class Dates:
    """When something happened: between two moments, in the last so long, or longer ago than that."""

    since: datetime | None = None
    """Aware and in UTC; this moment is included."""
    before: datetime | None = None
    """Aware and in UTC; this moment is not included."""
    last: timedelta | None = None
    ago: timedelta | None = None

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Return the first moment and the one behind the last, None where there is no bound."""
        try:
            since = now - self.last if self.last else self.since
            before = now - self.ago if self.ago else self.before
        except OverflowError:  # before the year 1: all jobs are of the last so many days
            return (None, None) if self.last else (None, datetime.min.replace(tzinfo=UTC))
        return since, before

    def at(self, now: datetime) -> Dates:
        """Return the same with its bounds fixed as they are now."""
        return Dates(*self.bounds(now))


ANY_TIME: Final = Dates()


@dataclass(frozen=True)
class JobFilter:
    """Which jobs: the one value that list, counts, export, preview and removal share."""

    state: State | None = None
    search: str = ""
    """A text in the job's name, its owner's names, or its related record's address."""
    owners: tuple[int, ...] = ()
    """Ids of users, NO_OWNER for jobs without one; a job of any of them."""
    names: tuple[str, ...] = ()
    """Whole names, `frames.UNKNOWN_NAME` for jobs without one."""
    types: tuple[str, ...] = ()
    """Heratio's types of jobs."""
    created: Dates = ANY_TIME
    finished: Dates = ANY_TIME
    has_result: bool | None = None
    """Whether the job names a result file."""
    has_errors: bool | None = None
    """Whether it failed, or the platform noted an error for it."""
    longer_than: int | None = None
    """Took more than so many seconds, as recorded or else completed minus created."""

    @property
    def in_any_state(self) -> JobFilter:
        """Return the filter without its state: what the cards count."""
        return replace(self, state=None)

    @property
    def is_search(self) -> bool:
        """Return whether it asks for more than a state, so that no index alone answers it."""
        return self.in_any_state != EVERYTHING

    def at(self, now: datetime) -> JobFilter:
        """Return the same filter with what is relative to now fixed."""
        return replace(self, created=self.created.at(now), finished=self.finished.at(now))


EVERYTHING: Final = JobFilter()


@dataclass(frozen=True)
class ListView:
    """A filter, an order and a page of it: everything that the list's URL says."""

    filter: JobFilter = EVERYTHING
    sort: Sort = Sort.DATE
    page: int = 1
    limit: int | None = None
    """Rows on a page; None for the platform's own setting."""
    is_reversed: bool = False
    """Whether the order is the other way round than the column's usual one."""
    fold: bool | None = None
    """Whether repeated jobs are folded into one line; None for the installation's own setting."""
    after: int | None = field(default=None)
    """The job behind which a page of a folded list begins; None for the first."""
    before: int | None = field(default=None)
    """The job before which a page of a folded list ends."""

    def with_filter(self, job_filter: JobFilter) -> ListView:
        """Return the first page of other jobs."""
        return replace(self, filter=job_filter, page=1, after=None, before=None)

    def with_state(self, state: State | None) -> ListView:
        """Return the first page of the jobs in another state."""
        return self.with_filter(replace(self.filter, state=state))

    def with_sort(self, sort: Sort, *, is_reversed: bool = False) -> ListView:
        """Return the first page in another order."""
        return replace(self, sort=sort, is_reversed=is_reversed, page=1, after=None, before=None)

    def with_fold(self, fold: bool) -> ListView:
        """Return the first page with repeated jobs folded, or not."""
        return replace(self, fold=fold, page=1, after=None, before=None)

    def on_page(self, page: int) -> ListView:
        """Return another page of the same jobs in the same order."""
        return replace(self, page=page)

    @property
    def unpaged(self) -> ListView:
        """Return the same jobs in the same order, as an export has them."""
        return ListView(self.filter, self.sort, is_reversed=self.is_reversed)


Params = Mapping[str, str | Sequence[str]]
"""A URL's query; a parameter that is there several times is a sequence."""


def clamp_limit(value: int) -> int:
    """Return a usable number of rows on a page, 1 to 200."""
    return max(1, min(MAX_PAGE_SIZE, value))


def parse_number(text: str | None) -> int | None:
    """Return the whole number that a stranger's text is, or None; never more than 18 digits."""
    if text is None or not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        return None
    return int(text)


def parse_duration(text: str) -> timedelta | None:
    """Return how long `90s`, `5m`, `2h` or `30d` is, or None for anything else, zero included."""
    found = _SPAN.fullmatch(text.strip().lower())
    if not found or not int(found[1]):
        return None
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def spell_duration(duration: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, in the largest unit that it is whole in."""
    seconds = int(duration.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


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
    page = parse_number(_one(params, "page"))
    limit = parse_number(_one(params, "limit"))
    sort = _one(params, "sort").strip().lower()
    usual = Sort(sort) if sort in set(Sort) else Sort.DATE
    direction = _one(params, "dir").strip().lower()
    return ListView(
        filter=parse_filter(params),
        sort=usual,
        is_reversed=direction == ("asc" if usual.is_descending else "desc"),
        page=max(1, page or 1),
        limit=None if limit is None else clamp_limit(limit),
        fold={"on": True, "off": False}.get(_one(params, "fold").strip().lower()),
        after=parse_number(_one(params, "after")),
        before=parse_number(_one(params, "before")),
    )


def parse_filter(params: Params) -> JobFilter:
    """Return the filter alone of what a URL's query asks for."""
    longer_than = parse_duration(_one(params, "longer"))
    owners = (parse_number(owner) for owner in _all(params, "owner"))
    return JobFilter(
        state=_STATES.get(_one(params, "status").strip().lower()),
        search=clean_text(_one(params, "q")),
        owners=tuple(dict.fromkeys(o for o in owners if o is not None and o >= NO_OWNER)),
        names=_texts(params, "name"),
        types=_texts(params, "type"),
        created=parse_dates(_one(params, "created")),
        finished=parse_dates(_one(params, "finished")),
        has_result=_YES_OR_NO.get(_one(params, "result").strip().lower()),
        has_errors=_YES_OR_NO.get(_one(params, "errors").strip().lower()),
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


def clean_text(text: str) -> str:
    """Return a stranger's text as one that a database can be asked for: no NULs, not too long."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return " ".join(text.split())[:MAX_TEXT].strip()


def _one(params: Params, name: str) -> str:
    """Return a parameter's value, the last of several, empty where it is not there."""
    return next(reversed(_all(params, name)), "")


def _all(params: Params, name: str) -> Sequence[str]:
    value = params.get(name, ())
    return [value] if isinstance(value, str) else list(value)[:MAX_CHOICES]


def _texts(params: Params, name: str) -> tuple[str, ...]:
    # A name is compared as it is, its spaces included.
    found = (text.replace("\0", "")[: 2 * MAX_TEXT] for text in _all(params, name))
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
