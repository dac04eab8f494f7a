"""Finds the few jobs that are out of order: without them, times ascend with ids."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

MAX_STRAYS: Final = 3_000
"""With more strays than this the order is too mixed, and the database sorts."""

MARK_JOBS: Final = 500
"""The id and time of every 500th job in order are kept, to find the place of any time."""

Ids = npt.NDArray[np.int64]
Times = npt.NDArray[np.bytes_]
"""Times as the database writes them, which sort as texts."""

NO_IDS: Final[Ids] = np.array([], dtype=np.int64)
NO_TIMES: Final[Times] = np.array([], dtype="S26")


@dataclass(frozen=True, eq=False)
class IdOrder:
    """The order below an id: the strays, and all others, whose times never descend by id."""

    end: int = 0
    """The survey ends before this id."""
    strays: Ids = field(default_factory=lambda: NO_IDS)
    stray_times: Times = field(default_factory=lambda: NO_TIMES)
    marks: Ids = field(default_factory=lambda: NO_IDS)
    mark_times: Times = field(default_factory=lambda: NO_TIMES)
    mark_ranks: Ids = field(default_factory=lambda: NO_IDS)
    """How many jobs in order came before each mark when it was read."""
    in_order: int = 0
    """How many jobs were in order."""
    is_assumed: bool = False
    """Whether nothing has been read: the times below the end are assumed to ascend with the ids."""
    _tail: Ids = field(default_factory=lambda: NO_IDS)
    """The last jobs in order: any of them may still turn out to be a stray."""
    _tail_times: Times = field(default_factory=lambda: NO_TIMES)

    @property
    def is_too_mixed(self) -> bool:
        """Return whether the strays are too many to merge, so that the database sorts."""
        return len(self.strays) > MAX_STRAYS

    @property
    def last_time(self) -> str:
        """Return when the last job in order was created, empty where there is none."""
        return self._tail_times[-1].decode() if len(self._tail_times) else ""

    def extended(self, ids: Ids, times: Times, end: int) -> IdOrder:
        """Return the order extended to a new end by ids, ascending, and their times.

        A longest run of these stays in order. If it begins before the earlier jobs end, both are
        cut at the time at which the fewest become strays: one job far in the future is one stray.
        """
        is_in_order = longest_in_order(times)
        later, later_times = ids[is_in_order], times[is_in_order]
        cut = _cheapest_cut(self._tail_times, later_times)
        stays, follows = self._tail_times <= cut, later_times >= cut
        is_marked = self.mark_times <= cut
        strays = (self.strays, self._tail[~stays], ids[~is_in_order], later[~follows])
        stray_times = (
            *(self.stray_times, self._tail_times[~stays]),
            *(times[~is_in_order], later_times[~follows]),
        )
        later, later_times = later[follows], later_times[follows]
        earlier = self.in_order - int((~stays).sum())
        ranks = np.arange(earlier, earlier + len(later))[::MARK_JOBS]
        return IdOrder(
            end,
            np.concatenate(strays),
            np.concatenate(stray_times),
            np.concatenate([self.marks[is_marked], later[::MARK_JOBS]]),
            np.concatenate([self.mark_times[is_marked], later_times[::MARK_JOBS]]),
            np.concatenate([self.mark_ranks[is_marked], ranks]),
            earlier + len(later),
            _tail=np.concatenate([self._tail[stays], later])[-MAX_STRAYS - 1 :],
            _tail_times=np.concatenate([self._tail_times[stays], later_times])[-MAX_STRAYS - 1 :],
        )

    def first_since(self, time: str) -> int:
        """Return an id below which all in order were created before a time; not the largest such."""
        at = int(np.searchsorted(self.mark_times, time.encode()))
        return int(self.marks[at - 1]) if at else 0

    def end_of(self, time: str) -> int:
        """Return an id from which all in order were created after a time; not the smallest such."""
        at = int(np.searchsorted(self.mark_times, time.encode(), side="right"))
        return int(self.marks[at]) if at < len(self.marks) else self.end

    def before_position(self, position: int, *, from_end: bool) -> tuple[int, int]:
        """Return an id from which to search for a position among the jobs in order, and its position.

        `from_end` counts from the largest id down; the id is then above the wanted ones. It is
        exact only while none of the jobs has been deleted.
        """
        if from_end:
            at = int(np.searchsorted(self.mark_ranks, self.in_order - position))
            if at == len(self.marks):
                return self.end, 0
            return int(self.marks[at]), self.in_order - int(self.mark_ranks[at])
        at = int(np.searchsorted(self.mark_ranks, position, side="right"))
        return (int(self.marks[at - 1]), int(self.mark_ranks[at - 1])) if at else (0, 0)

    def strays_since(self, time: str) -> Ids:
        """Return the strays that were created at a time or after it."""
        return self.strays[self.stray_times >= time.encode()]

    def has_in_order(self, job_id: int) -> bool:
        """Return whether a job with this id is, or would be, one of those in order."""
        return job_id < self.end and job_id not in self.strays


def longest_in_order(times: Times) -> npt.NDArray[np.bool_]:
    """Return a mask of a longest subsequence that never descends."""
    if (times[:-1] <= times[1:]).all():
        return np.ones(len(times), dtype=bool)
    # Patience sorting: the least last time of the subsequences of each length, and where it is.
    last_times: list[bytes] = []
    last_at: list[int] = []
    before = np.full(len(times), -1)
    for at, time in enumerate(times.tolist()):
        length = bisect_right(last_times, time)
        if length:
            before[at] = last_at[length - 1]
        last_times[length : length + 1] = [time]
        last_at[length : length + 1] = [at]
    chosen = np.zeros(len(times), dtype=bool)
    at = last_at[-1]
    while at >= 0:
        chosen[at] = True
        at = int(before[at])
    return chosen


def _cheapest_cut(earlier: Times, later: Times) -> bytes:
    """Return the time for which the fewest of `earlier` are after it and of `later` before it."""
    if not len(later) or not len(earlier):
        return bytes(later[0] if len(later) else earlier[-1] if len(earlier) else b"")
    if earlier[-1] <= later[0]:
        return bytes(later[0])
    cuts = np.concatenate([earlier[earlier >= later[0]], later[later <= earlier[-1]]])
    after = len(earlier) - np.searchsorted(earlier, cuts, side="right")
    costs = after + np.searchsorted(later, cuts)
    return bytes(cuts[np.argmin(costs)])
