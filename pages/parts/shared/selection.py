"""What the viewer has selected in the list, on whatever page of it: ids, under a token in the URL."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from jobs_data.jobs.selections import TooManyJobs, ids_of, read_matching
from jobs_data.jobs.view import JobFilter
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from pages.parts.shared.address import SELECTION_PARAM, notify
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

Lines = tuple[tuple[int, ...], ...]
"""The ids of the jobs that each row of a table stands for: one, unless repeated jobs are folded."""

FORGOTTEN: Final = (
    "What was selected here is not known any more: a selection is kept for eight hours, until the app "
    "restarts, and for the account that made it alone. Nothing is selected now."
)


def selected_ids() -> Ids:
    """Return what is selected; nothing where the URL names no selection, or one that is forgotten."""
    found = _find()
    if found is None:
        del st.query_params[SELECTION_PARAM]
        notify(FORGOTTEN, is_good=False)
    return ids_of([]) if found is None else found


def _find() -> Ids | None:
    """Return what is selected; None where the URL names a selection that is not known."""
    token = st.query_params.get(SELECTION_PARAM)
    return ids_of([]) if token is None else get_services().selections.find(get_viewer().who, token)


def tick(shown: Lines, ticked: Lines) -> None:
    """Select the jobs of those lines shown that are ticked, and of no others of them."""
    _keep(np.union1d(np.setdiff1d(selected_ids(), _all_of(shown)), _all_of(ticked)))


def add(shown: Lines) -> None:
    """Select all jobs of some lines, too."""
    _keep(np.union1d(selected_ids(), _all_of(shown)))
    draw_table_anew()


def add_matching(job_filter: JobFilter) -> None:
    """Select everything that a filter lets through now; a notice tells where that cannot be."""
    try:
        _keep(np.union1d(selected_ids(), read_matching(get_services().database, job_filter)))
    except (TooManyJobs, DatabaseUnavailable) as problem:
        notify(str(problem), is_good=False)
    draw_table_anew()


def drop(ids: Ids) -> None:
    """Select some jobs no longer."""
    if (selected := _find()) is not None:
        _keep(np.setdiff1d(selected, ids))
    draw_table_anew()


def clear() -> None:
    """Select nothing."""
    _keep(ids_of([]))
    draw_table_anew()


def _keep(ids: Ids) -> None:
    who, token = get_viewer().who, st.query_params.get(SELECTION_PARAM)
    if not ids.size:
        if token is not None:
            get_services().selections.forget(who, token)
            del st.query_params[SELECTION_PARAM]
        return
    try:
        kept = get_services().selections.keep(who, token, ids)
    except TooManyJobs as problem:
        notify(str(problem), is_good=False)
        draw_table_anew()
        return
    if kept != token:
        st.query_params[SELECTION_PARAM] = kept


def table_key(shown: Lines) -> str:
    """Return the key of the table that shows some lines of jobs.

    The table tells of positions. So that none of them ever speaks for another job, it is another
    table as soon as it shows other jobs, or the same in another order.
    """
    if st.session_state.get("in_table") != shown:
        st.session_state["in_table"] = shown
        st.session_state["tables"] = st.session_state.get("tables", 0) + 1
    return f"grid-{st.session_state['tables']}"


def draw_table_anew() -> None:
    """Let the table forget what it shows as ticked, and take that from the selection."""
    st.session_state.pop("in_table", None)


def _all_of(lines: Lines) -> Ids:
    return ids_of([job_id for line in lines for job_id in line])
