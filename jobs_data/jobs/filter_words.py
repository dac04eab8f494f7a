"""A filter in words, as a part of a sentence or as one label for each of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from jobs_data.jobs.job_names import both_names
from jobs_data.jobs.search_words import Within, parse_search, without
from jobs_data.jobs.view import ANY_TIME, EVERYTHING, NO_OWNER, Dates, JobFilter
from jobs_data.platform.status import Alive, State
from jobs_data.platform.values import SYSTEM_OWNER
from jobs_data.url_values import spell_duration
from jobs_data.wording import counted, one_of

MAX_NAMED: Final = 5
"""How many users, names or types a sentence names; it counts the others."""

STATE_WORDS: Final = {
    State.ACTIVE: "active",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.OTHER: "with another status",
}
ALIVE_WORDS: Final = {
    Alive.WORKING: "that are working",
    Alive.SILENT: "that are silent",
    Alive.OVERDUE: "that are overdue",
    Alive.NEVER_STARTED: "that have never started",
    Alive.WAITING: "that wait for another job",
    Alive.UNKNOWN: "without enough finished jobs of their name to tell whether they run as usual",
}
ALIVE_LABELS: Final = {
    Alive.WORKING: "Working",
    Alive.SILENT: "Silent",
    Alive.OVERDUE: "Overdue",
    Alive.NEVER_STARTED: "Never started",
    Alive.WAITING: "Waiting",
    Alive.UNKNOWN: "Cannot tell",
}
WITHIN_WORDS: Final = {
    Within.ERROR: "error text",
    Within.OUTPUT: "output",
    Within.NOTE: "notes",
    Within.PARAMETER: "parameters",
}
_UNITS: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second"}


@dataclass(frozen=True)
class Chip:
    """One part of a filter, and the filter without it."""

    words: str
    without: JobFilter


def words(job_filter: JobFilter, owner_names: Mapping[int, str], zone: ZoneInfo) -> str:
    """Return which jobs a filter means, as a part of a sentence: `failed jobs of Ada`.

    `owner_names` has the users' names by id. Dates are in the zone, which is named.
    The names and the searched text in it are untrusted.
    """
    if job_filter == EVERYTHING:
        return "all jobs"
    state = job_filter.state
    if state is State.OTHER:
        jobs = f"jobs {STATE_WORDS[state]}"
    else:
        jobs = f"{STATE_WORDS[state]} jobs" if state else "jobs"
    return " ".join(filter(None, [jobs, ", ".join(_parts(job_filter, owner_names, zone))]))


def chips(job_filter: JobFilter, owner_names: Mapping[int, str], zone: ZoneInfo) -> list[Chip]:
    """Return each part of a filter that can be removed alone.

    Of the statuses only the one without a button of its own.
    """
    shown: dict[int | str, str] = {name: both_names(name) for name in job_filter.names}
    shown |= {owner: owner_called(owner, owner_names) for owner in job_filter.owners}
    left = partial(replace, job_filter)
    found = []
    if job_filter.state is State.OTHER:
        found.append(Chip("Status: other", left(state=None)))
    search = parse_search(job_filter.search)
    for each in search:
        label = WITHIN_WORDS[each.within].capitalize() if each.within else "Search"
        found.append(Chip(f"{label}: {each.words}", left(search=without(search, each))))
    for part, label in (("owners", "User"), ("names", "Name"), ("types", "Type")):
        chosen = getattr(job_filter, part)
        for value in chosen:
            others = tuple(other for other in chosen if other != value)
            found.append(Chip(f"{label}: {shown.get(value, value)}", left(**{part: others})))
    for part, label in (("created", "Created"), ("finished", "Finished")):
        if (dates := getattr(job_filter, part)) != ANY_TIME:
            found.append(Chip(f"{label}: {date_words(dates, zone)}", left(**{part: ANY_TIME})))
    for part, label in (("has_result", "Result file"), ("has_errors", "Errors")):
        if (wanted := getattr(job_filter, part)) is not None:
            found.append(Chip(f"{label}: {_with_or_without(wanted)}", left(**{part: None})))
    if job_filter.longer_than is not None:
        longer = span_words(timedelta(seconds=job_filter.longer_than))
        found.append(Chip(f"Took longer than {longer}", left(longer_than=None)))
    if job_filter.alive is not None:
        found.append(Chip(f"Active jobs: {ALIVE_LABELS[job_filter.alive]}", left(alive=None)))
    if job_filter.below is not None:
        found.append(Chip(f"Older than job {job_filter.below:,}", left(below=None)))
    return found


def owner_called(owner: int, owner_names: Mapping[int, str]) -> str:
    """Return the name of a user in a filter; without a name here, the number."""
    return SYSTEM_OWNER if owner == NO_OWNER else owner_names.get(owner, f"user {owner}")


def span_words(span: timedelta) -> str:
    """Return a timespan in the largest whole unit: `90 days`, `24 hours`."""
    if span == timedelta(days=1):
        return "24 hours"  # the last day would be a date
    spelt = spell_duration(span)
    return counted(int(spelt[:-1]), _UNITS[spelt[-1]])


def date_words(dates: Dates, zone: ZoneInfo) -> str:
    """Return when something happened: `last 7 days`, `from 2026-11-01 to 2026-11-23`.

    Any time is empty.
    """
    if dates.last:
        return f"last {span_words(dates.last)}"
    if dates.ago:
        return f"more than {span_words(dates.ago)} ago"
    parts = []
    if dates.since:
        since = _in(dates.since, zone)
        parts.append(f"from {since if since.time() != time() else since.date()}")
    if dates.before:
        before = _in(dates.before, zone)
        # There is no day before the first one.
        last = date.fromordinal(max(1, before.toordinal() - 1))
        parts.append(f"before {before}" if before.time() != time() else f"to {last}")
    return " ".join(parts)


def _parts(job_filter: JobFilter, owner_names: Mapping[int, str], zone: ZoneInfo) -> Iterator[str]:
    for part in parse_search(job_filter.search):
        where = WITHIN_WORDS[part.within] if part.within else "name, user or related record"
        yield f"with “{part.words}” in their {where}"
    if job_filter.names:
        yield f"named {_few(job_filter.names)}"
    if job_filter.types:
        yield f"of the type {_few(job_filter.types)}"
    if job_filter.owners:
        yield f"of {_few([owner_called(owner, owner_names) for owner in job_filter.owners])}"
    for verb, dates in (("created", job_filter.created), ("finished", job_filter.finished)):
        if dates.last:
            yield f"{verb} in the {date_words(dates, zone)}"
        elif dates != ANY_TIME:
            yield f"{verb} {date_words(dates, zone)}" + ("" if dates.ago else f" ({zone.key})")
    if job_filter.has_result is not None:
        yield f"{_with_or_without(job_filter.has_result)} a result file"
    if job_filter.has_errors is not None:
        yield f"{_with_or_without(job_filter.has_errors)} errors"
    if job_filter.longer_than is not None:
        yield f"that took longer than {span_words(timedelta(seconds=job_filter.longer_than))}"
    if job_filter.alive is not None:
        yield ALIVE_WORDS[job_filter.alive]
    if job_filter.below is not None:
        yield f"older than job {job_filter.below:,}"


def _few(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED
    return one_of([*names[:MAX_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def _with_or_without(wanted: bool) -> str:
    return "with" if wanted else "without"


def _in(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock in a zone shows."""
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # at the edge of the calendar
        return moment.replace(tzinfo=None)
