"""Which jobs the list shows: the search box, the filters in force, and why nothing matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data import addresses
from jobs_data.jobs import filter_words, job_report
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ANY_TIME, EVERYTHING, JobFilter
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.url_values import clean_text
from jobs_data.wording import counted, ran
from pages.parts.jobs import groups, late, quick_filters
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs
from pages.parts.shared.address import go_to, notify, open_job, view_in_url
from pages.parts.shared.look import ALIVE_LOOKS, room
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain

MAX_TYPED: Final = 2_000
"""Room for an address that is pasted; a search uses less of a text."""

OLD_SECONDS: Final = 30
"""Counts older than this say so."""

_UNLIMITED: Final = "Export and Clean up have no time limit."
HELP: Final = """
**Words** are found in the name, user and related record. `4711` opens that job.

| Type | to find it in |
| --- | --- |
| `error:disk` | error texts, and outputs of jobs with errors |
| `output:"no space left"` | outputs |
| `note:clipboard` | notes, the description included |
| `param:accessions.csv` | parameters |

Put several words in quotes. Parts can be combined: `import error:disk`.
"""


def follow_number(database: Database, state: JobsState) -> None:
    """Open the job whose number was typed, or search for the number as a text.

    Where the database does not answer, a notice says so.
    """
    typed, state.typed_number = state.typed_number, None
    if typed is None:
        return
    view = view_in_url()
    job_id = addresses.job_meant(typed)
    try:
        is_there = job_id is not None and job_report.read_download_path(database, job_id) is not None
    except DatabaseUnavailable as problem:
        notify(str(problem), is_good=False)
        return
    if job_id is not None and is_there:
        open_job(view, job_id)
        st.rerun()
    go_to(view.with_filter(replace(view.filter, search=clean_text(typed), below=None)))


def show_search(job_filter: JobFilter, state: JobsState) -> None:
    """Show the box for a text or a number."""
    # The URL is the truth: the box is set from it on every run and only ever writes to it.
    st.session_state["search"] = job_filter.search
    st.text_input(
        "Find jobs",
        key="search",
        type="search",
        max_chars=MAX_TYPED,
        placeholder="Search name, user, record or number, or error:disk",
        on_change=_searched,
        args=(state, job_filter.search),
        label_visibility="collapsed",
    )
    with st.popover("Search help", icon=":material/help:", key="search_help", help="How to search"):
        st.markdown(HELP)


def place() -> DeltaGenerator:
    """Return the place of the line above the table, which has its height before it is there."""
    return room("line", horizontal=True, vertical_alignment="center", gap="small")


def show_chips(jobs: JobsList, names: Mapping[int, str], zone: ZoneInfo, state: JobsState) -> None:
    """Show each part of the filter as a button that removes it, and how many jobs match."""
    shown = jobs.view.filter
    if not filter_words.chips(shown, names, zone):
        st.caption(_number(jobs), width="content")
        return
    chips = filter_words.chips(quick_filters.without(shown), names, zone)
    for number, chip in enumerate(chips):
        st.button(
            f"{plain(chip.words)} ✕",
            key=f"chip_{number}_{chip.words}",
            on_click=_remove,
            args=(chip.words, names, zone),
        )
    if is_searching(jobs) and not dialogs.is_open():
        with st.container(width="content"):
            late.follow_search(jobs, groups.as_shown(view_in_url()), get_services(), state)
    else:
        st.caption(_number(jobs), width="content")
    if jobs.looked_at is not None and jobs.matching and not is_searching(jobs):
        _show_older(jobs)
    st.button(
        "Clear filters", icon=":material/filter_alt_off:", type="tertiary", on_click=clear_filters
    )


def has_numbers(jobs: JobsList) -> bool:
    """Return whether it is known how many jobs match, or how many a search has found so far."""
    return jobs.is_counted or jobs.found is not None


def is_searching(jobs: JobsList) -> bool:
    """Return whether the search for the page's jobs goes on."""
    return jobs.found is not None and not jobs.found.is_done


def _number(jobs: JobsList) -> str:
    """Return how many jobs match of how many, and among how many these are sorted if not among all."""
    number = _matching(jobs)
    if jobs.sorted_among is not None:
        number += f" · sorted among the newest {jobs.sorted_among:,}"
    return number


def _matching(jobs: JobsList) -> str:
    """Return how many jobs match of how many, and when that was counted if it is not of now."""
    if not has_numbers(jobs):
        missing = " Older active ones may be missing until then." if jobs.lacks_active else ""
        return f"The jobs are being counted…{missing}"
    if jobs.looked_at is not None:
        return f"{jobs.matching:,} of {jobs.looked_at:,} searched match"
    if not jobs.overview:
        return f"{jobs.matching:,} match"
    number = counted(jobs.matching)
    if jobs.view.filter != EVERYTHING:
        number = f"{jobs.matching:,} of {jobs.everything.total:,} match"
    seconds = int((datetime.now(UTC) - jobs.overview.read_at).total_seconds())
    is_old = seconds >= OLD_SECONDS and not jobs.found
    if is_old:
        number += f" · counted {ran(seconds)} ago"
    return number if jobs.is_order_known else f"{number} · the order of the older jobs is not known yet"


def show_limits(jobs: JobsList, limits: str) -> None:
    """Say which outputs have not been read for errors, where that matters."""
    if jobs.view.filter.has_errors is not None and limits:
        st.caption(limits)


def show_bound(jobs: JobsList) -> None:
    """Say so where not all jobs were sorted, or a search was stopped by time before the last one."""
    if jobs.sorted_among is not None:
        shown = jobs.view.filter
        has_dates = shown.created != ANY_TIME or shown.finished != ANY_TIME
        narrowing = ("" if has_dates else "date"), ("" if shown.state else "status")
        by = " or ".join(filter(None, narrowing))
        st.caption(
            ":material/timer: Sorting all jobs would take too long. "
            + (f"Filter by {by} to sort fewer, or sort by Created." if by else "Sort by Created.")
        )
    if jobs.looked_at is None or is_searching(jobs):
        return
    st.warning(
        f"The search took too long and was stopped. The list and the counts cover {_covered(jobs)}. "
        f"Search older jobs, or narrow it by creation date, user or status. {_UNLIMITED}",
        icon=":material/timer:",
    )


def show_nothing(jobs: JobsList, names: Mapping[int, str], zone: ZoneInfo) -> None:
    """Say why there is nothing to show, and what to do."""
    if is_searching(jobs) or not jobs.is_counted:
        what = "The search goes on." if is_searching(jobs) else "The jobs are still being counted."
        st.info(f"Nothing found yet. {what}", icon=":material/search:")
        return
    if not jobs.everything.total:
        st.info(
            "There are no jobs. The platform creates a job for each import, export, move or other task "
            "that it runs in the background.",
            icon=":material/inbox:",
        )
        return
    if jobs.view.page > 1:
        st.info("The list has no jobs on this page.", icon=":material/last_page:")
        st.button("First page", on_click=lambda: go_to(replace(view_in_url(), page=1)))
        return
    asked = jobs.view.filter
    what = "jobs" if asked == EVERYTHING else plain(filter_words.words(asked, names, zone))
    sentence = f"Found no {what} among {_covered(jobs)}."
    if asked.is_search and asked.state and jobs.counts.total:
        sentence += f" {jobs.counts.total:,} match in another status."
    if asked.alive:
        look = ALIVE_LOOKS[asked.alive]
        sentence += f" {look.word}: {look.meaning[:1].lower()}{look.meaning[1:]}"
    if asked.has_errors and asked.state is State.ACTIVE:
        sentence += " The output of an active job is read for errors when it has finished."
    if jobs.looked_at is not None:
        sentence += " The search took too long and was stopped: older jobs were not searched. "
        sentence += _UNLIMITED
    st.info(sentence, icon=":material/filter_alt_off:")
    with st.container(horizontal=True):
        _show_older(jobs)
        st.button("Clear filters", icon=":material/filter_alt_off:", on_click=clear_filters)


def _covered(jobs: JobsList) -> str:
    """Return which jobs a search has covered, for a sentence."""
    everything = counted(jobs.everything.total)
    if jobs.looked_at is None:
        return everything
    which = "newest" if jobs.view.filter.below is None else "next"
    return f"the {which} {jobs.looked_at:,} of {everything}"


def _show_older(jobs: JobsList) -> None:
    """Show the button with which a stopped search goes on."""
    if jobs.floor is not None:
        st.button(
            "Search older jobs",
            key="search_older",
            icon=":material/history:",
            on_click=_search_below,
            args=(jobs.floor,),
        )


def _search_below(job_id: int) -> None:
    view = view_in_url()
    go_to(view.with_filter(replace(view.filter, below=job_id)))


def clear_filters() -> None:
    """Show the list without any filter."""
    go_to(view_in_url().with_filter(EVERYTHING))


def _searched(state: JobsState, shown: str) -> None:
    typed: str = st.session_state["search"][:MAX_TYPED]
    if typed == shown:
        return  # Back has interrupted the run that showed it, and nothing was typed
    if addresses.job_meant(typed) is not None:
        # The page asks whether there is such a job: a callback cannot show the database's errors.
        state.typed_number = typed
        return
    view = view_in_url()
    go_to(view.with_filter(replace(view.filter, search=clean_text(typed), below=None)))


def _remove(words: str, names: Mapping[int, str], zone: ZoneInfo) -> None:
    # From what is in force now: another chip may have been pressed a moment before.
    view = view_in_url()
    for chip in filter_words.chips(view.filter, names, zone):
        if chip.words == words:
            go_to(view.with_filter(chip.without))
            return
