"""Whether the statistics have to be drawn again, or show what there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from jobs_data.jobs.liveness import Liveness
from jobs_data.statistics.activity import Activity
from pages.parts.shared.reads import Reading


def watcher(
    activity: Reading[Activity], liveness: Reading[Liveness], read_at: datetime
) -> Callable[[], datetime | None]:
    """Return a function for `refresh.keep_refreshing` that looks whether a page is still up to date.

    Call it once the page is drawn; `read_at` is when what it shows was read. Its panels are cached
    together: where the jobs by day have been read again, so have the others, or soon are.
    """
    has_failed, states = activity.has_failed, liveness.found and liveness.found.states

    def look() -> datetime | None:
        again = activity.again()
        alive = liveness.again()
        again.wait()
        alive.wait()
        if again.has_failed or has_failed:
            return read_at if again.has_failed and has_failed else None
        is_same = again.result().read_at == read_at
        return read_at if is_same and (alive.found and alive.found.states) == states else None

    return look
