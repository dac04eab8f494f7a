"""The rules of a tidying: all of them are in the URL, and each change takes the preview away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs import filter_words
from jobs_data.jobs.choices import Choices
from jobs_data.jobs.view import ANY_TIME, NO_OWNER, Dates, JobFilter
from jobs_data.plain_text import on_one_line
from jobs_data.platform.status import State
from jobs_data.removal.retention import MAX_KEEP_LAST, RULE_PARAMS, Rules, parse_rules, rules_params
from jobs_data.url_values import MAX_CHOICES
from pages.parts.shared.address import put_into_url
from pages.parts.shared.text import plain

OUTCOMES: Final[dict[str, State | None]] = {
    "Completed or failed": None,
    "Completed": State.COMPLETED,
    "Failed": State.FAILED,
}
_DAY: Final = timedelta(days=1)
_MAX_DAYS: Final = 36_500


def rules_in_url() -> Rules:
    """Return the rules that the URL asks for."""
    return parse_rules({name: st.query_params.get_all(name) for name in st.query_params})


def show_rules(rules: Rules, offered: Choices, names: Mapping[int, str], zone: ZoneInfo) -> None:
    """Show what can be ruled; `names` has what the owners in the rules are called."""
    with st.container(border=True, key="rules"):
        with st.container(horizontal=True, vertical_alignment="bottom", key="rules_numbers"):
            _days(rules.filter.finished)
            _keep_last(rules.keep_last)
            _outcome(rules.filter.state)
            st.session_state["tidy_keep_failures"] = rules.keep_failures
            st.toggle("Keep failures", key="tidy_keep_failures", on_change=take_rules)
        with st.container(horizontal=True, key="rules_choices"):
            _names(rules.filter.names, offered)
            _owners(rules.filter.owners, offered, names)
        _rest(_of_the_list(rules.filter), zone)


def take_rules() -> None:
    """Put the rules that the boxes say into the URL: when one changes, and before they are used."""
    # What all boxes say, and not the one that changed alone: the URL that came with it does not have
    # yet what was changed in another one a moment before.
    box, now = st.session_state, rules_in_url()
    days: int | None = box["tidy_days"]
    finished = ANY_TIME if _whole_days(now.filter.finished) else now.filter.finished
    _put(
        Rules(
            filter=replace(
                now.filter,
                state=OUTCOMES.get(box["tidy_outcome"], now.filter.state),
                owners=tuple(box["tidy_owners"]),
                names=tuple(box["tidy_names"]),
                finished=Dates(ago=days * _DAY) if days else finished,
            ),
            keep_last=box["tidy_keep_last"],
            keep_failures=box["tidy_keep_failures"],
        )
    )


def _days(finished: Dates) -> None:
    st.session_state["tidy_days"] = _whole_days(finished)
    st.number_input(
        "Finished more than … days ago",
        1,
        _MAX_DAYS,
        None,
        key="tidy_days",
        placeholder="Any time",
        on_change=take_rules,
    )


def _keep_last(keep_last: int) -> None:
    st.session_state["tidy_keep_last"] = keep_last
    st.number_input(
        "Keep the last … of each name",
        0,
        MAX_KEEP_LAST,
        key="tidy_keep_last",
        on_change=take_rules,
    )


def _outcome(state: State | None) -> None:
    label = next((label for label, outcome in OUTCOMES.items() if outcome is state), None)
    st.session_state["tidy_outcome"] = label
    st.selectbox(
        "Outcome",
        list(OUTCOMES),
        None if label is None else 0,
        key="tidy_outcome",
        placeholder="None that can be removed",
        on_change=take_rules,
        filter_mode=None,
    )


def _names(chosen: tuple[str, ...], offered: Choices) -> None:
    st.session_state["tidy_names"] = list(chosen)
    st.multiselect(
        "Only these job names",
        list(dict.fromkeys([*chosen, *(offered.names or ())])),
        format_func=on_one_line,
        key="tidy_names",
        max_selections=MAX_CHOICES,
        accept_new_options=True,
        filter_mode="contains",
        select_all=False,
        placeholder="Any name; choose, or type a whole one",
        on_change=take_rules,
    )


def _owners(chosen: tuple[int, ...], offered: Choices, names: Mapping[int, str]) -> None:
    called = {owner: filter_words.owner_called(owner, names) for owner in (*chosen, NO_OWNER)}
    called |= offered.owners or {}
    st.session_state["tidy_owners"] = list(chosen)
    st.multiselect(
        "Only these owners",
        list(called),
        format_func=lambda owner: on_one_line(called.get(owner, str(owner))),
        key="tidy_owners",
        max_selections=MAX_CHOICES,
        filter_mode="contains",
        select_all=False,
        placeholder="Any owner",
        on_change=take_rules,
    )


def _rest(job_filter: JobFilter, zone: ZoneInfo) -> None:
    """Show what else the list was filtered by, each part as a button that takes it away."""
    chips = filter_words.chips(job_filter, {}, zone)
    if not chips:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Also, from the list:", width="content")
        for number, chip in enumerate(chips):
            st.button(
                f"{plain(chip.words)} ✕",
                key=f"tidy_chip_{number}_{chip.words}",
                help="Takes this rule away.",
                on_click=_take_away,
                args=(chip.words, zone),
            )


def _of_the_list(job_filter: JobFilter) -> JobFilter:
    """Return the part of a filter that has no box of its own here."""
    finished = ANY_TIME if _whole_days(job_filter.finished) else job_filter.finished
    return replace(job_filter, owners=(), names=(), finished=finished)


def _whole_days(finished: Dates) -> int | None:
    """Return how many days ago they are, None where the box for days cannot say it."""
    return finished.ago // _DAY if finished.ago and not finished.ago % _DAY else None


def _put(rules: Rules) -> None:
    put_into_url(rules_params(rules), RULE_PARAMS)


def _take_away(words: str, zone: ZoneInfo) -> None:
    # From what is in force now: another chip may have been pressed a moment before.
    now = rules_in_url().filter
    for chip in filter_words.chips(_of_the_list(now), {}, zone):
        if chip.words == words:
            finished = now.finished if _whole_days(now.finished) else chip.without.finished
            left = replace(chip.without, owners=now.owners, names=now.names, finished=finished)
            _put(replace(rules_in_url(), filter=left))
            return
