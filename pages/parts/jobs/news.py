"""Whether the list has to be drawn again, or shows what there is.

To draw a page costs ten times what it costs to look into the caches that all sessions share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.liveness import Liveness
from jobs_data.jobs.view import ListView
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.services import Services
from jobs_data.wording import relative_time
from pages.parts.jobs import beside, table
from pages.parts.jobs.beside import Beside
from pages.parts.jobs.state import JobsState
from pages.parts.removal import dialogs, progress
from pages.parts.shared import selection

REDRAW_SECONDS: Final = 300
"""After this a page is drawn again in any case: little of it is not compared, such as tooltips with
times and the sizes of result files."""

AGE_FACTOR: Final = 1.5
AGE_MARGIN: Final = timedelta(seconds=20)
"""A row that said "last wrote 4 min ago" is drawn again after 6 minutes and 20 seconds. That the job is
silent by then is news at once."""

BESIDE_SECONDS: Final = 60
"""How often a session compares what is cached for a minute."""


@dataclass(frozen=True)
class Drawn:
    """What a run has drawn that others than its viewer can change."""

    asked: ListView
    jobs: JobsList
    problem: DatabaseUnavailable | None
    """Why the jobs could not be read again."""
    liveness: Liveness | None
    """What the rows say of active jobs."""
    visit: datetime | None
    zone: ZoneInfo


def watcher(
    services: Services, state: JobsState, drawn: Drawn, begun: Beside
) -> Callable[[], datetime | None]:
    """Return a function for `refresh.keep_refreshing` that looks whether a page is still up to date.

    Call it once the page is drawn. `begun` are the reads whose results it shows.
    """
    before = _parts(services, drawn, drawn.jobs, drawn.liveness, begun)
    drawn_at = looked_at = time.monotonic()

    def known_beside() -> tuple[Liveness | None, Beside | None]:
        """Return what active jobs do and, now and then, all that is read beside the list."""
        nonlocal looked_at
        last, now = services.liveness.last, time.monotonic()
        if last and last.is_recent and now - looked_at < BESIDE_SECONDS:
            return last, None
        looked_at, found = now, beside.begin(services, drawn.asked.filter, drawn.zone)
        found.wait(beside.CACHED_SECONDS)
        return found.liveness.found, found

    def look() -> datetime | None:
        if dialogs.is_open():  # opened in the moment in which the timer fired
            return drawn.jobs.read_at
        # With a selection its summary would have to be read, too.
        is_old = time.monotonic() - drawn_at > REDRAW_SECONDS
        if is_old or selection.selected_ids().size or progress.has_begun_elsewhere():
            return None
        try:
            jobs = services.shared_list.read(drawn.asked)
            parts = _parts(services, drawn, jobs, *known_beside())
        except DatabaseUnavailable as problem:
            return drawn.jobs.read_at if str(problem) == str(drawn.problem) else None
        # What is not known in time is not news.
        is_news = any(before.get(name) != part for name, part in parts.items())
        active = parts.get("active", {})
        if drawn.problem or is_news or _have_aged(active, drawn.jobs.read_at, jobs.read_at):
            return None
        state.seen = (drawn.asked, jobs)
        return jobs.read_at

    return look


def _parts(
    services: Services,
    drawn: Drawn,
    jobs: JobsList,
    liveness: Liveness | None,
    begun: Beside | None,
) -> dict[str, Any]:
    """Return what a page shows, or what it is made of, as far as it is known."""
    now, job_filter = jobs.read_at, drawn.asked.filter
    parts: dict[str, Any] = {
        "list": jobs.content,
        "day": now.astimezone(drawn.zone).date(),
        "visit": relative_time(drawn.visit, now, drawn.zone),
    }
    if begun and begun.trend and (days := begun.trend.found) is not None:
        parts["trend"] = days.index[-1], days.to_numpy().tobytes()
    if begun:
        parts["with errors"] = jobs.with_errors
    if begun and job_filter.is_search and (with_errors := begun.with_errors.found) is not None:
        parts["with errors everywhere"] = len(with_errors)
    if job_filter.has_errors is not None:
        parts["limits"] = services.outcomes.limits
    if everywhere := begun.liveness.found if begun else liveness:
        parts["alive"] = everywhere.states
    if liveness:
        lines = zip(table.lines(jobs), jobs.rows["state"], strict=True)
        active = [each for line, state in lines if state == State.ACTIVE for each in line]
        traces = liveness.traces
        parts["active"] = {each: traces[each] for each in active if each in traces}
    return parts


def _have_aged(active: Mapping[int, tuple[str, datetime]], drawn_at: datetime, now: datetime) -> bool:
    """Return whether what a row says of the time since its job last wrote is too far off."""
    return any(
        now - wrote > AGE_FACTOR * (drawn_at - wrote) + AGE_MARGIN for _, wrote in active.values()
    )
