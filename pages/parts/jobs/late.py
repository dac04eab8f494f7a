"""What a page of the list lacks when it is drawn: counts, bars, and the rest of a search.

The rows do not wait for it. The page is drawn again once it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final

import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import ListView
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.services import Services
from jobs_data.wording import counted
from pages.parts.jobs.state import JobsState
from pages.parts.shared.reads import Reading

WAIT_SECONDS: Final = 1.0
"""So long a run waits for it. After that the page looks every second."""

LOOK_SECONDS: Final = 0.05


def draw_again(
    jobs: JobsList, readings: Sequence[Reading[Any]], services: Services, state: JobsState
) -> None:
    """Draw the page once more when it is known what it lacks; nothing where it lacks nothing."""

    def is_known() -> bool:
        shown = services.shared_list.wait_for_counts(jobs, 0)
        return shown.is_counted and all(reading.is_done for reading in readings)

    if jobs.is_counted and all(reading.is_done for reading in readings):
        state.was_late = False
        return
    until = monotonic() + WAIT_SECONDS
    while not state.was_late and monotonic() < until:
        if is_known():
            state.was_late = True
            st.rerun()
        sleep(LOOK_SECONDS)
        st.session_state.get("late")  # where a press ends this run
    _look_again(is_known)


@st.fragment(run_every=1.0)
def _look_again(is_known: Callable[[], bool]) -> None:
    if is_known():
        st.rerun()


@st.fragment(run_every=1.0)
def follow_search(jobs: JobsList, asked: ListView, services: Services) -> None:
    """Say how far a search got, and draw the page again when it has more rows or the search ends."""
    now = jobs
    with suppress(DatabaseUnavailable):  # it has been logged, and the page looks again
        now = services.shared_list.read(asked)
    is_done = now.found is None or now.found.is_done
    if is_done or len(now.rows) > len(jobs.rows):
        st.rerun()
    st.caption(
        f"Searched the newest {now.looked_at or 0:,} of {counted(now.everything.total)} · "
        f"{now.matching:,} found so far",
        width="content",
    )
