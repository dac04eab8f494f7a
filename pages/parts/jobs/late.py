"""What a page of the list lacks when it is drawn: counts, bars, and the rest of a search.

The rows do not wait for it. The page is drawn again once it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.liveness import Liveness
from jobs_data.jobs.view import ListView
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.services import Services
from jobs_data.wording import counted
from pages.parts.jobs.beside import CACHED_SECONDS, Beside
from pages.parts.jobs.since_visit import Since
from pages.parts.jobs.state import JobsState
from pages.parts.shared import address
from pages.parts.shared.look import give_time_to_draw
from pages.parts.shared.reads import Reading

WAIT_SECONDS: Final = 0.2
"""How long a run waits for it, after which the page looks every second. A press has to wait, too: it
runs a fragment, which ends no run."""

LOOK_SECONDS: Final = 0.05


def pause(begun: Beside, since: Since | None, state: JobsState) -> None:
    """Give the browser time to draw rows that are awaited; what is cached is read by then."""
    if state.is_awaited:
        give_time_to_draw()
    else:
        wait([reading.future for reading in _readings(begun, since)], CACHED_SECONDS)


def _readings(begun: Beside, since: Since | None) -> list[Reading[Any]]:
    return begun.readings if since is None else [*begun.readings, since.reading]


def still_read(
    begun: Beside, shown: Liveness | None, jobs: JobsList, since: Since | None
) -> list[Reading[Any]]:
    """Return the reads that the page lacks; `shown` is what its rows say of active jobs."""
    pending = [reading for reading in _readings(begun, since) if not reading.is_done]
    if shown is None and State.ACTIVE in set(jobs.rows["state"]) and begun.liveness not in pending:
        pending.append(begun.liveness)
    return pending


def draw_again(
    jobs: JobsList, lacking: Sequence[Reading[Any]], services: Services, state: JobsState
) -> None:
    """Draw the page once more when it is known what it lacks: some reads, and counts.

    It lacks counts if it has none, or if they are older than a change of ours or than Refresh wants.
    """
    wants_counts, state.wants_counts = state.wants_counts, False
    shown = jobs.overview.read_at if jobs.overview and wants_counts else None

    def is_known() -> bool:
        counted = services.shared_list.wait_for_counts(jobs, 0).overview
        is_counted = counted is not None and counted.read_at != shown
        return is_counted and all(reading.is_done for reading in lacking)

    def has_failed() -> bool:
        is_counted = jobs.is_counted and not wants_counts
        return is_counted and all(reading.is_done and reading.has_failed for reading in lacking)

    was_late, state.was_late = state.was_late, False
    until = monotonic() + WAIT_SECONDS
    while not has_failed():
        if was_late or monotonic() > until:
            _look_again(is_known, state)
            return
        if is_known():
            state.was_late = True
            _run_again(state)
        sleep(LOOK_SECONDS)
        st.session_state.get("late")  # here Back and links end this run


@st.fragment(run_every=1.0)
def _look_again(is_known: Callable[[], bool], state: JobsState) -> None:
    if is_known():
        _run_again(state)


@dataclass
class _Search:
    """A search that one run of the page follows."""

    jobs: JobsList
    is_shown: bool = False


def follow_search(jobs: JobsList, asked: ListView, services: Services, state: JobsState) -> None:
    """Say how far a search got, and draw the page again when it has more rows or the search ends."""
    _follow(_Search(jobs), len(jobs.rows), asked, services, state)


@st.fragment(run_every=1.0)
def _follow(search: _Search, rows: int, asked: ListView, services: Services, state: JobsState) -> None:
    if search.is_shown:  # else a read would keep the progress of the search before in its place
        with suppress(DatabaseUnavailable):  # it has been logged, and the page looks again
            search.jobs = services.shared_list.read(asked)
    search.is_shown, now = True, search.jobs
    is_done = now.found is None or now.found.is_done
    if is_done or len(now.rows) > rows:
        _run_again(state)
    st.caption(
        f"Searched the newest {now.looked_at or 0:,} of {counted(now.everything.total)} · "
        f"{now.matching:,} found so far",
        width="content",
    )


def _run_again(state: JobsState) -> None:
    if state.notice and not address.has_notice():  # else it would be gone before it can be read
        address.notify(state.notice.sentence, is_good=state.notice.is_good)
    st.rerun()
