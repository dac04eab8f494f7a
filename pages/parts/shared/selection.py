"""What the viewer has selected in the list, on whatever page of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jobs_data.jobs.selections import SignIn, TooManyJobs, ids_of, read_matching
from jobs_data.jobs.view import JobFilter
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from pages.parts.shared.address import notify
from pages.parts.shared.services import get_services
from pages.parts.shared.viewer import get_viewer

Lines = tuple[tuple[int, ...], ...]
"""The ids of the jobs that each row of a table stands for: one, unless repeated jobs are grouped."""


def selected_ids() -> Ids:
    """Return what is selected, ascending."""
    return get_services().selections.find(_sign_in())


def tick(on: Iterable[Iterable[int]], off: Iterable[Iterable[int]]) -> None:
    """Select the jobs of the lines that were ticked, and no longer those of the lines unticked."""
    _keep(np.union1d(np.setdiff1d(selected_ids(), _all_of(off)), _all_of(on)))


def add_matching(job_filter: JobFilter) -> None:
    """Select all jobs that match a filter now; where that cannot be, a notice says why."""
    try:
        matching = read_matching(get_services().database, job_filter)
    except (TooManyJobs, DatabaseUnavailable) as problem:
        notify(str(problem), is_good=False)
    else:
        _keep(np.union1d(selected_ids(), matching))


def drop(ids: Ids) -> None:
    """Select some jobs no longer."""
    _keep(np.setdiff1d(selected_ids(), ids))


def clear() -> None:
    """Select nothing."""
    _keep(ids_of([]))


def _keep(ids: Ids) -> None:
    try:
        get_services().selections.keep(_sign_in(), ids)
    except TooManyJobs as problem:
        notify(str(problem), is_good=False)


def _sign_in() -> SignIn:
    viewer = get_viewer()
    return viewer.who, viewer.claim.session


def _all_of(lines: Iterable[Iterable[int]]) -> Ids:
    return ids_of([job_id for line in lines for job_id in line])
