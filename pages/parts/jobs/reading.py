"""The page of the list that a run shows: read again, or what the viewer has seen."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.shared_list import FRESH_SECONDS
from jobs_data.jobs.view import ListView, Sort
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from pages.parts.jobs.state import JobsState
from pages.parts.shared.address import go_to, view_in_url
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain


def read_jobs(
    state: JobsState, asked: ListView, *, keeps: bool
) -> tuple[JobsList, DatabaseUnavailable | None]:
    """Return the page that a view asks for, and why it could not be read again, if it could not.

    With `keeps` it stays as the viewer has seen it: a dialog speaks of it. Raises DatabaseUnavailable
    where the viewer has not seen this view yet.
    """
    seen = state.seen[1] if state.seen and state.seen[0] == asked else None
    state.is_awaited = seen is None or bool(state.wants_fresh)
    if seen and keeps:
        return seen, None
    shared_list = get_services().shared_list
    # Refresh and a first visit read fresh data, the visit only where that is quick; other reruns may
    # show a cached page.
    wants_fresh, state.wants_fresh = state.wants_fresh, False
    if wants_fresh is None:
        wants_fresh = shared_list.is_quick(asked)
    try:
        jobs = shared_list.read(asked, FRESH_SECONDS if wants_fresh else None)
    except DatabaseUnavailable as problem:
        if seen is None:
            if isinstance(problem, TookTooLong) and asked.sort is not Sort.DATE:
                st.info("A list of very many jobs can always be sorted by Created.")
                st.button("Sort by Created", on_click=lambda: go_to(view_in_url().with_sort(Sort.DATE)))
            raise
        return seen, problem
    is_counted_again = wants_fresh and shared_list.count_again(jobs)
    state.wants_counts = is_counted_again or shared_list.are_counts_wrong(jobs)
    state.seen = (asked, jobs)
    return jobs, None


def want_fresh(state: JobsState) -> None:
    """Let the next run read fresh data: what Refresh does."""
    state.wants_fresh = True


def title(site: str) -> None:
    """Show the page's heading, with the site whose jobs these are."""
    st.title("Jobs", anchor=False, width="content")
    if site:
        st.caption(plain(urlsplit(site).hostname or site), width="content")
