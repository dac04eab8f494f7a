"""The rules of a clean-up: one sentence, then names, users and what the list was filtered by.

All rules are in the URL. The boxes are set from it on every run and only ever write to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs import filter_words
from jobs_data.jobs.choices import Choices
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter
from jobs_data.plain_text import on_one_line
from jobs_data.platform.cleanup import read_cleanup_days
from jobs_data.platform.status import State
from jobs_data.removal.retention import (
    KEEP_LAST_PARAM,
    MAX_KEEP_LAST,
    NO_RULES,
    RULE_PARAMS,
    Rules,
    cleanup_sentence,
    parse_rules,
    rules_params,
    starting_rules,
)
from jobs_data.url_values import MAX_CHOICES
from pages.parts.shared import reads
from pages.parts.shared.address import put_into_url
from pages.parts.shared.page_state import page_state
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

OUTCOMES: Final[dict[str, State | None]] = {
    "completed and failed": None,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
}
_MAY_BE_EMPTY: Final[dict[str, Any]] = {"value": None, "placeholder": "any"}
_DAY: Final = timedelta(days=1)
_MAX_DAYS: Final = 36_500


@dataclass
class _Shown:
    rules: Rules = NO_RULES


def rules_in_url() -> Rules:
    """Return the rules that the URL asks for; those to begin with where it has no age and no number."""
    rules = parse_rules({name: st.query_params.get_all(name) for name in st.query_params})
    if not {"finished", KEEP_LAST_PARAM} & set(st.query_params):
        rules = starting_rules(get_services().database, rules.filter)
    page_state(_Shown).rules = rules
    return rules


def show_rules(rules: Rules, offered: Choices, users: Mapping[int, str], zone: ZoneInfo) -> None:
    """Show the rules; `users` has what the users in them are called."""
    with st.container(border=True, key="rules"):
        with st.container(horizontal=True, vertical_alignment="center", key="rules_sentence"):
            st.markdown("Delete", width="content")
            outcome = next((each for each in OUTCOMES if OUTCOMES[each] is rules.filter.state), None)
            _box(
                st.selectbox,
                "cleanup_outcome",
                outcome,
                "Status",
                list(OUTCOMES),
                label_visibility="collapsed",
                width=220,
            )
            st.markdown("jobs older than", width="content")
            days = _whole_days(rules.filter.finished)
            _number("cleanup_days", days, "Older than, in days", 1, _MAX_DAYS, **_MAY_BE_EMPTY)
            st.markdown("days, but keep the newest", width="content")
            _number(KEEP_LAST_PARAM, rules.keep_last, "Keep the newest of each name", 0, MAX_KEEP_LAST)
            st.markdown("of each name.", width="content")
        with st.container(horizontal=True, key="rules_choices"):
            _names(rules.filter.names, offered)
            _users(rules.filter.owners, offered, users)
        _from_the_list(_without_box(rules.filter), zone)
    notes = ["Without a rule, all finished jobs match."] if rules == NO_RULES else []
    database = get_services().database
    notes.append(cleanup_sentence(reads.read_cached(read_cleanup_days, database)))
    st.caption(" ".join(notes))


def chosen_rules() -> Rules:
    """Return the rules as the boxes have them now, in a callback."""
    # All boxes, not the changed one alone: another one may have changed a moment before.
    box, shown = st.session_state, page_state(_Shown).rules
    days: int | None = box["cleanup_days"]
    other_age = ANY_TIME if _whole_days(shown.filter.finished) else shown.filter.finished
    return Rules(
        filter=replace(
            shown.filter,
            state=OUTCOMES.get(box["cleanup_outcome"], shown.filter.state),
            owners=tuple(box["cleanup_users"]),
            names=tuple(box["cleanup_names"]),
            finished=Dates(ago=days * _DAY) if days else other_age,
        ),
        keep_last=box[KEEP_LAST_PARAM],
    )


def _changed() -> None:
    _put(chosen_rules())


def _put(rules: Rules) -> None:
    page_state(_Shown).rules = rules
    # A number to keep is always there: without any rule in the URL the usual ones would be back.
    put_into_url({KEEP_LAST_PARAM: "0", **rules_params(rules)}, RULE_PARAMS)


def _box(widget: Any, key: str, content: Any, label: str, *arguments: Any, **more: Any) -> None:
    st.session_state[key] = content
    widget(label, *arguments, key=key, on_change=_changed, **more)


def _number(key: str, number: int | None, label: str, least: int, most: int, **more: Any) -> None:
    more |= {"label_visibility": "collapsed", "width": 130}
    _box(st.number_input, key, number, label, least, most, **more)


def _names(chosen: tuple[str, ...], offered: Choices) -> None:
    _box(
        st.multiselect,
        "cleanup_names",
        list(chosen),
        "Only these names",
        list(dict.fromkeys([*chosen, *(offered.names or ())])),
        format_func=_name_words,
        max_selections=MAX_CHOICES,
        accept_new_options=True,
        filter_mode="contains",
        select_all=False,
        placeholder="Any name; choose one, or type all of it",
    )


def _name_words(name: str) -> str:
    said = human_name(name)
    return on_one_line(name if said == name else f"{said} ({name})")


def _users(chosen: tuple[int, ...], offered: Choices, users: Mapping[int, str]) -> None:
    called = {user: filter_words.owner_called(user, users) for user in (*chosen, NO_OWNER)}
    called |= offered.owners or {}
    _box(
        st.multiselect,
        "cleanup_users",
        list(chosen),
        "Only these users",
        list(called),
        format_func=lambda user: on_one_line(called.get(user, str(user))),
        max_selections=MAX_CHOICES,
        filter_mode="contains",
        select_all=False,
        placeholder="Any user",
    )


def _from_the_list(job_filter: JobFilter, zone: ZoneInfo) -> None:
    """Show what else the list was filtered by, each part as a button that drops it."""
    chips = filter_words.chips(job_filter, {}, zone)
    if not chips:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chips"):
        st.caption("From the list:", width="content")
        for number, chip in enumerate(chips):
            st.button(
                f"{plain(chip.words)} ✕",
                key=f"cleanup_chip_{number}_{chip.words}",
                help="Drops this rule.",
                on_click=_drop,
                args=(chip.words, zone),
            )


def _drop(words: str, zone: ZoneInfo) -> None:
    # From what is in force now: another chip may have been pressed a moment before.
    now = chosen_rules()
    for chip in filter_words.chips(_without_box(now.filter), {}, zone):
        if chip.words == words:
            finished = (
                now.filter.finished if _whole_days(now.filter.finished) else chip.without.finished
            )
            left = replace(
                chip.without, owners=now.filter.owners, names=now.filter.names, finished=finished
            )
            _put(replace(now, filter=left))
            return


def _without_box(job_filter: JobFilter) -> JobFilter:
    """Return the part of a filter that has no box of its own here."""
    finished = ANY_TIME if _whole_days(job_filter.finished) else job_filter.finished
    return replace(job_filter, owners=(), names=(), finished=finished)


def _whole_days(finished: Dates) -> int | None:
    """Return how many days ago they are, None where the box for days cannot say it."""
    return finished.ago // _DAY if finished.ago and not finished.ago % _DAY else None
