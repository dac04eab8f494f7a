"""The filters behind their button: one form, so that no change starts a search of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs import choices, filter_words
from jobs_data.jobs.choices import Choices
from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter
from jobs_data.plain_text import on_one_line
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.url_values import MAX_CHOICES, parse_duration, spell_duration
from pages.parts.shared import reads
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.text import plain

OPEN: Final = "filters_open"
_PRESETS: Final = (
    ANY_TIME,
    *(Dates(last=timedelta(days=days)) for days in (1, 7, 30, 90)),
    *(Dates(ago=timedelta(days=days)) for days in (30, 90, 365)),
)
_BETWEEN: Final = None
"""The choice that leaves it to the two days beside it."""

_When = tuple[Dates | None, date | None, date | None]
"""Dates as the form has them: one of its choices, and two days, both included."""

_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
_ANY_WITH_WITHOUT: Final = {"Any": None, "With": True, "Without": False}
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_NUMBER: Final = 999_999


def is_open() -> bool:
    """Return whether the form is open: a refresh would take away what is not sent yet."""
    return bool(st.session_state.get(OPEN))


def show_filters(shown: JobFilter, database: Database, zone: ZoneInfo) -> None:
    """Show the button that opens the form. What there is to choose from is read only when it is open.

    Where that cannot be read, a sentence stands in its place.
    """
    popover = st.popover("Filters", icon=":material/filter_alt:", key=OPEN, on_change="rerun")
    if not popover.open:
        return
    try:
        offered, has_types = (
            reads.read_cached(choices.read_choices, database),
            choices.has_types(database),
        )
        owners = (
            reads.read_cached(choices.read_owner_names, database, shown.owners) if shown.owners else {}
        )
    except DatabaseUnavailable as problem:
        popover.error(plain(str(problem)), icon=":material/cloud_off:")
        return
    with popover, st.form("filters", border=False):
        _choose(shown, offered, owners, has_types=has_types)
        _when("created", shown.created, shown, zone)
        _when("finished", shown.finished, shown, zone)
        with st.container(horizontal=True):
            _with_or_without("Result file", "has_result", shown.has_result, shown)
            _with_or_without("Errors", "has_errors", shown.has_errors, shown)
        _longer_than(shown)
        st.form_submit_button(
            "Show jobs",
            key="show_jobs",
            type="primary",
            on_click=_send,
            args=(shown, zone),
            width="stretch",
        )


def _choose(shown: JobFilter, offered: Choices, owners: Mapping[int, str], *, has_types: bool) -> None:
    names = {owner: filter_words.owner_called(owner, {}) for owner in shown.owners}
    names |= owners
    names |= offered.owners or {NO_OWNER: filter_words.owner_called(NO_OWNER, {})}
    st.multiselect(
        "Owner",
        list(names),
        default=list(shown.owners),
        format_func=lambda owner: on_one_line(names.get(owner, str(owner))),
        key=_key("owners", shown),
        max_selections=MAX_CHOICES,
        filter_mode="contains",
        select_all=False,
        placeholder="Any owner",
    )
    st.multiselect(
        "Job name",
        list(dict.fromkeys([*shown.names, *(offered.names or ())])),
        default=list(shown.names),
        format_func=on_one_line,
        key=_key("names", shown),
        max_selections=MAX_CHOICES,
        accept_new_options=True,
        filter_mode="contains",
        select_all=False,
        placeholder="Any name; choose, or type a whole one",
    )
    st.multiselect(
        "Type",
        list(dict.fromkeys([*shown.types, *(offered.types or ())])),
        default=list(shown.types),
        format_func=on_one_line,
        key=_key("types", shown),
        max_selections=MAX_CHOICES,
        accept_new_options=has_types,
        filter_mode="contains",
        select_all=False,
        placeholder="Any type" if has_types else "This platform records no types of jobs",
        disabled=not has_types,
    )
    if None in (offered.owners, offered.names, offered.types):
        st.caption("The database took too long to list all there is to choose from.")


def _when(part: str, dates: Dates, shown: JobFilter, zone: ZoneInfo) -> None:
    preset, first, last = _split(dates, zone)
    offered = list(dict.fromkeys([*_PRESETS, *([preset] if preset else [])]))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"when_{part}"):
        st.selectbox(
            part.capitalize(),
            [*offered, _BETWEEN],
            index=len(offered) if preset is _BETWEEN else offered.index(preset),
            format_func=lambda choice: _preset_words(choice, zone),
            key=_key(part, shown),
            filter_mode=None,
        )
        for day, label, value in (("first", "from", first), ("last", "to", last)):
            st.date_input(
                f"{part.capitalize()} {label}",
                value,
                _FIRST_DAY,
                _LAST_DAY,
                key=_key(f"{part}_{day}", shown),
                format="YYYY-MM-DD",
            )


def _with_or_without(label: str, part: str, wanted: bool | None, shown: JobFilter) -> None:
    st.selectbox(
        label,
        list(_ANY_WITH_WITHOUT),
        index=list(_ANY_WITH_WITHOUT.values()).index(wanted),
        key=_key(part, shown),
        filter_mode=None,
    )


def _longer_than(shown: JobFilter) -> None:
    spelt = spell_duration(timedelta(seconds=shown.longer_than or 60))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Took longer than",
            1,
            _MAX_NUMBER,
            int(spelt[:-1]) if shown.longer_than else None,
            key=_key("longer", shown),
            placeholder="Any duration",
        )
        st.selectbox(
            "Unit",
            list(_UNITS),
            index=list(_UNITS).index(spelt[-1]),
            format_func=_UNITS.__getitem__,
            key=_key("unit", shown),
            filter_mode=None,
        )


def _send(shown: JobFilter, zone: ZoneInfo) -> None:
    def sent(part: str) -> Any:
        return st.session_state[_key(part, shown)]

    def when(part: str) -> _When:
        return sent(part), sent(f"{part}_first"), sent(f"{part}_last")

    number = sent("longer")
    longer = parse_duration(f"{number}{sent('unit')}") if number else None
    view = view_in_url()
    go_to(
        view.with_filter(
            replace(
                view.filter,
                owners=tuple(sent("owners")),
                names=tuple(sent("names")),
                types=tuple(sent("types")),
                created=_joined(shown.created, when("created"), zone),
                finished=_joined(shown.finished, when("finished"), zone),
                has_result=_ANY_WITH_WITHOUT[sent("has_result")],
                has_errors=_ANY_WITH_WITHOUT[sent("has_errors")],
                longer_than=int(longer.total_seconds()) if longer else None,
            )
        )
    )
    st.session_state[OPEN] = False


def _key(part: str, shown: JobFilter) -> str:
    # Another filter is another form: what was chosen for one is not sent for the other.
    return f"filter_{part}_{hash(shown)}"


def _split(dates: Dates, zone: ZoneInfo) -> _When:
    if dates == ANY_TIME or dates.last or dates.ago:
        return dates, None, None
    return _BETWEEN, _day(dates.since, zone), _day(dates.before, zone, is_end=True)


def _joined(shown: Dates, sent: _When, zone: ZoneInfo) -> Dates:
    """Return the dates that the form asks for; of its choice and its days the changed ones count."""
    if sent == _split(shown, zone):
        return shown  # a moment amid a day stays what it is
    preset, first, last = sent
    if preset is not _BETWEEN and (preset != _split(shown, zone)[0] or not (first or last)):
        return preset
    return Dates(
        since=_start_of(first, zone) if first else None,
        before=_start_of(last + timedelta(days=1), zone) if last else None,
    )


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


def _preset_words(choice: Dates | None, zone: ZoneInfo) -> str:
    if choice is _BETWEEN:
        return "Between these days"
    told = filter_words.date_words(choice, zone)
    return told[:1].upper() + told[1:] or "Any time"
