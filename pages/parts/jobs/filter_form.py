"""The filters behind their button: each choice is applied at once, so that none can be lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs import choices, filter_words
from jobs_data.jobs.choices import Choices
from jobs_data.jobs.job_names import both_names
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter, ListView, Sort
from jobs_data.plain_text import on_one_line
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import Alive, State
from jobs_data.url_values import MAX_CHOICES, parse_duration
from pages.parts.jobs import groups
from pages.parts.shared import reads
from pages.parts.shared.address import go_to, notify, view_in_url
from pages.parts.shared.look import set_widget
from pages.parts.shared.text import plain

OPEN: Final = "filters_open"
ORDERS: Final = {
    Sort.DATE: ("Newest first", "Oldest first"),
    Sort.DURATION: ("Longest first", "Shortest first"),
    Sort.COMPLETED: ("Completed last", "Completed first"),
    Sort.NAME: ("Name A–Z", "Name Z–A"),
    Sort.STATUS: ("Status, active first", "Status, failed first"),
    Sort.OWNER: ("User A–Z", "User Z–A"),
    Sort.RELATED: ("Related record A–Z", "Related record Z–A"),
}
"""What each order is called, in its usual direction and in the other one."""

_PRESETS: Final = (
    ANY_TIME,
    *(Dates(last=timedelta(days=days)) for days in (1, 7, 30, 90)),
    *(Dates(ago=timedelta(days=days)) for days in (30, 90, 365)),
)
_BETWEEN: Final = "Between these days"
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
_ANY_WITH_WITHOUT: Final = {"Any": None, "With": True, "Without": False}
_ANY_ACTIVITY: Final = "Any"
_DURATIONS: Final = (60, 300, 1_800, 3_600, 21_600, 86_400)
_TYPED: Final = re.compile(r"(\d+) ?(s|m|h|d)(?:ec\w*|in\w*|ours?|ays?)?", re.ASCII)
_ANY: Final = 0
"""In place of a number: any duration, or the platform's own number of rows."""

_SIZES: Final = (10, 25, 50, 100)


def show_filters(jobs: JobsList, database: Database, zone: ZoneInfo) -> None:
    """Show the button that opens the filters. What there is to choose from is read only then.

    Where that cannot be read, a sentence stands in its place.
    """
    popover = st.popover("Filters", icon=":material/filter_alt:", key=OPEN, on_change="rerun")
    if number := len(filter_words.chips(_behind(jobs.view.filter), {}, zone)):
        # Not in the label: with another label it would be another button, which is closed.
        st.html(f"<style>.st-key-{OPEN} button p::after {{ content: ' · {number}' }}</style>")
    if not popover.open:
        return
    view = view_in_url()
    owners = view.filter.owners
    try:
        offered = reads.read_cached(choices.read_choices, database)
        has_types = choices.has_types(database)
        names = reads.read_cached(choices.read_owner_names, database, owners) if owners else {}
    except DatabaseUnavailable as problem:
        popover.error(plain(str(problem)), icon=":material/cloud_off:")
        return
    values = _values(view, zone)
    for part, value in values.items():
        set_widget(_key(part), value)
    with popover:
        _choose(view.filter, offered, names, zone, has_types=has_types)
        with st.container(horizontal=True):
            _when("created", values, zone)
            _when("finished", values, zone)
        with st.container(horizontal=True):
            for label, part in (("Result file", "has_result"), ("Errors", "has_errors")):
                st.segmented_control(
                    label,
                    list(_ANY_WITH_WITHOUT),
                    default=values[part],
                    required=True,
                    **_applied(part, zone),
                )
            _longer_than(values, zone)
            _select(
                "Active jobs",
                [_ANY_ACTIVITY, *Alive],
                *("alive", values, zone),
                format_func=lambda choice: filter_words.ALIVE_LABELS.get(choice, choice),
                filter_mode=None,
            )
        _order(jobs, values, zone)


def _behind(job_filter: JobFilter) -> JobFilter:
    """Return a filter without what is chosen elsewhere: the status, the search and where it goes on."""
    return replace(job_filter, state=None, search="", below=None)


def _choose(
    shown: JobFilter,
    offered: Choices,
    owners: Mapping[int, str],
    zone: ZoneInfo,
    *,
    has_types: bool,
) -> None:
    names = {owner: filter_words.owner_called(owner, {}) for owner in shown.owners}
    names |= owners
    names |= offered.owners or {NO_OWNER: filter_words.owner_called(NO_OWNER, {})}
    st.multiselect(
        "User",
        sorted(names, key=lambda owner: (owner != NO_OWNER, names[owner].casefold())),
        list(shown.owners),
        format_func=lambda owner: on_one_line(names.get(owner, str(owner))),
        placeholder="Any user",
        **_applied("owners", zone),
        **_SEVERAL,
    )
    st.multiselect(
        "Job name",
        sorted({*shown.names, *(offered.names or ())}, key=lambda name: both_names(name).casefold()),
        list(shown.names),
        format_func=lambda name: on_one_line(both_names(name)),
        accept_new_options=True,
        placeholder="Any name. Choose, or type a whole one",
        **_applied("names", zone),
        **_SEVERAL,
    )
    st.multiselect(
        "Type",
        _sorted(*shown.types, *(offered.types or ())),
        list(shown.types),
        format_func=on_one_line,
        accept_new_options=has_types,
        placeholder="Any type" if has_types else "This platform records no types of jobs",
        disabled=not has_types,
        **_applied("types", zone),
        **_SEVERAL,
    )
    if None in (offered.owners, offered.names, offered.types):
        st.caption("The database took too long to list every choice.")


_SEVERAL: Final[dict[str, Any]] = {
    "max_selections": MAX_CHOICES,
    "filter_mode": "contains",
    "select_all": False,
}


def _select(
    label: str,
    options: Sequence[Any],
    part: str,
    values: Mapping[str, Any],
    zone: ZoneInfo,
    **more: Any,
) -> None:
    st.selectbox(label, options, options.index(values[part]), **_applied(part, zone), **more)


def _when(part: str, values: Mapping[str, Any], zone: ZoneInfo) -> None:
    with st.container(key=f"when_{part}", width="stretch"):
        _select(
            part.capitalize(),
            list(dict.fromkeys([*_PRESETS, values[part], _BETWEEN])),
            *(part, values, zone),
            format_func=lambda choice: _preset_words(choice, zone),
            filter_mode=None,
        )
        if values[part] != _BETWEEN:
            return
        with st.container(horizontal=True):
            for day, label in (("first", "from"), ("last", "to")):
                st.date_input(
                    f"{part.capitalize()} {label}",
                    values[f"{part}_{day}"],
                    _FIRST_DAY,
                    _LAST_DAY,
                    format="YYYY-MM-DD",
                    **_applied(f"{part}_{day}", zone),
                )


def _longer_than(values: Mapping[str, Any], zone: ZoneInfo) -> None:
    _select(
        "Took longer than",
        [_ANY, *sorted({*_DURATIONS, values["longer"]} - {_ANY})],
        *("longer", values, zone),
        format_func=lambda seconds: _span(seconds) if seconds else "Any duration",
        accept_new_options=True,
        help="Choose, or type a duration such as 45 min, 2 h or 3 days.",
    )


def _order(jobs: JobsList, values: Mapping[str, Any], zone: ZoneInfo) -> None:
    """Show what the table's headers are for, which a phone has none of, and the rows of a page."""
    chosen = values["limit"]
    own = "Default" if chosen else f"Default ({jobs.limit})"
    with st.container(horizontal=True):
        labels = [label for both in ORDERS.values() for label in both]
        _select("Order", labels, "order", values, zone, filter_mode=None)
        _select(
            "Rows per page",
            [_ANY, *sorted({*_SIZES, chosen} - {_ANY})],
            *("limit", values, zone),
            format_func=lambda rows: str(rows) if rows else own,
            filter_mode=None,
        )
    groups.show_toggle(jobs)


def _values(view: ListView, zone: ZoneInfo) -> dict[str, Any]:
    """Return what each box shows for a view."""
    asked = view.filter
    words = {wanted: word for word, wanted in _ANY_WITH_WITHOUT.items()}
    values = {
        "owners": list(asked.owners),
        "names": list(asked.names),
        "types": list(asked.types),
        "has_result": words[asked.has_result],
        "has_errors": words[asked.has_errors],
        "longer": asked.longer_than or _ANY,
        "alive": asked.alive or _ANY_ACTIVITY,
        "order": ORDERS[view.sort][view.is_reversed],
        "limit": view.limit or _ANY,
    }
    for part, dates in (("created", asked.created), ("finished", asked.finished)):
        is_preset = dates == ANY_TIME or dates.last or dates.ago
        values[part] = dates if is_preset else _BETWEEN
        values[f"{part}_first"] = _day(dates.since, zone)
        values[f"{part}_last"] = _day(dates.before, zone, is_end=True)
    return values


def _applied(part: str, zone: ZoneInfo) -> dict[str, Any]:
    return {"key": _key(part), "on_change": _apply, "args": (zone,)}


def _apply(zone: ZoneInfo) -> None:
    """Put what the boxes say into the URL."""
    view = view_in_url()
    was = _values(view, zone)
    now = {part: st.session_state.get(_key(part), value) for part, value in was.items()}
    sort, is_reversed = next(
        (sort, labels.index(now["order"]) == 1)
        for sort, labels in ORDERS.items()
        if now["order"] in labels
    )
    wanted = replace(
        view.filter,
        owners=tuple(now["owners"]),
        names=tuple(now["names"]),
        types=tuple(now["types"]),
        created=_dates("created", view.filter.created, was, now, zone),
        finished=_dates("finished", view.filter.finished, was, now, zone),
        has_result=_ANY_WITH_WITHOUT[now["has_result"]],
        has_errors=_ANY_WITH_WITHOUT[now["has_errors"]],
        longer_than=_seconds(now["longer"], view.filter.longer_than),
        alive=now["alive"] if isinstance(now["alive"], Alive) else None,
    )
    if wanted.alive and wanted.alive is not view.filter.alive:
        wanted = replace(wanted, state=State.ACTIVE)
    in_order = view.with_filter(wanted).with_sort(sort, is_reversed=is_reversed)
    go_to(replace(in_order, limit=now["limit"] or None))


def _dates(
    part: str, shown: Dates, was: Mapping[str, Any], now: Mapping[str, Any], zone: ZoneInfo
) -> Dates:
    """Return the dates that the boxes of a part ask for; unchanged ones stay what they are."""
    parts = (part, f"{part}_first", f"{part}_last")
    if all(now[each] == was[each] for each in parts):
        return shown  # a time within a day stays what it is
    if now[part] != _BETWEEN:
        chosen: Dates = now[part]
        return chosen
    first, last = now[parts[1]], now[parts[2]]
    if was[part] != _BETWEEN:
        # Begin with the days of the choice before.
        present = datetime.now(UTC)
        begin = shown if shown != ANY_TIME else Dates(last=timedelta(days=6))
        dates = begin.at(present)
        first, last = _day(dates.since, zone), _day(dates.before or present, zone)
    elif first and last and first > last:
        first, last = (first, first) if first != was[parts[1]] else (last, last)
    return Dates(
        since=_start_of(first, zone) if first else None,
        before=_start_of(last + timedelta(days=1), zone) if last else None,
    )


def _seconds(chosen: int | str, shown: int | None) -> int | None:
    """Return how long a chosen or typed duration is; a notice says so where it is none."""
    if isinstance(chosen, int):
        return chosen or None
    typed = _TYPED.fullmatch(chosen.strip().lower())
    if typed and (duration := parse_duration("".join(typed.groups()))):
        return int(duration.total_seconds())
    notify(f"“{chosen}” is no duration. Type one such as 45 min, 2 h or 3 days.", is_good=False)
    return shown


def _key(part: str) -> str:
    return f"filter_{part}"


def _sorted(*texts: str) -> list[str]:
    return sorted(set(texts), key=lambda text: (text.casefold(), text))


def _day(moment: datetime | None, zone: ZoneInfo, *, is_end: bool = False) -> date | None:
    if moment is None:
        return None
    try:
        local = moment.astimezone(zone) - timedelta(microseconds=1 if is_end else 0)
    except OverflowError:  # at the edge of the calendar
        local = moment
    return max(_FIRST_DAY, min(_LAST_DAY, local.date()))


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _span(seconds: int) -> str:
    return filter_words.span_words(timedelta(seconds=seconds))


def _preset_words(choice: Dates | str, zone: ZoneInfo) -> str:
    if isinstance(choice, str):
        return choice
    words = filter_words.date_words(choice, zone)
    return words[:1].upper() + words[1:] or "Any time"
