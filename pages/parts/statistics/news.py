"""Whether the statistics have to be drawn again, or show what there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from jobs_data.jobs.liveness import Liveness
from jobs_data.statistics.activity import Activity
from pages.parts.shared.reads import Reading

REDRAW_SECONDS: Final = 300
"""After this the page is drawn again in any case: it says how long ago jobs wrote."""


def watcher(
    activity: Reading[Activity], liveness: Reading[Liveness], read_at: datetime
) -> Callable[[], datetime | None]:
    """Return a function for `refresh.keep_refreshing` that looks whether a page is still up to date.

    Call it once the page is drawn; `read_at` is when what it shows was read. Its panels are drawn again
    where the jobs by day are others than those that it shows, or end otherwise, and now and then.
    """
    drawn, before, drawn_at = activity.found, _shown(liveness.found), time.monotonic()

    def look() -> datetime | None:
        if time.monotonic() - drawn_at > REDRAW_SECONDS:
            return None
        again = activity.again()
        alive = liveness.again()
        again.wait()
        alive.wait()
        now = again.found
        if now is None or drawn is None:
            return read_at if now is drawn else None
        is_same = now.shows_the_same(drawn) and _shown(alive.found) == before
        return now.read_at if is_same else None

    return look


def _shown(liveness: Liveness | None) -> object:
    return liveness and (liveness.states, liveness.is_whole)
