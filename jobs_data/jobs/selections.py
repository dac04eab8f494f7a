"""The selected jobs of each session: ids, kept on the server.

A selection is a set of ids, never of positions. It survives pages, filters and reloads. No address has
it, so a shared one carries none. A deletion checks each job in the database again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from sqlalchemy import and_, bindparam, case, func, select, true

from jobs_data.jobs.view import JobFilter
from jobs_data.jobs.where import matching
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly, whole_quotient
from jobs_data.platform.id_lists import Ids, allow_lists, joined, parse_list
from jobs_data.platform.status import FINISHED_STATES, State, state_of
from jobs_data.platform.tables import job

SignIn: TypeAlias = tuple[int | str, str]
"""The key of a selection: the user's id, or the name from a proxy, and the session."""

MAX_JOBS: Final = 2_000_000
"""How many jobs one selection can have: 16 MB."""

MAX_SELECTIONS: Final = 500
MAX_JOBS_IN_ALL: Final = 10_000_000
"""How many ids all selections of a process can have together: 80 MB."""

KEPT_SECONDS: Final = 8 * 3600
"""How long a selection is kept after it was last seen."""

BLOCK: Final = 5_000
"""One list holds the ids of the jobs in a range of this size."""


class TooManyJobs(Exception):
    """More jobs than one selection can have; the message is a sentence for the screen."""

    def __init__(self) -> None:
        """Make the sentence: how many, and what to do instead."""
        super().__init__(
            f"More than {MAX_JOBS:,} jobs cannot be selected at once. Narrow the filter, or use Clean "
            "up, which deletes any number of jobs by rules."
        )


class Selections:
    """The selections of a process. When they are full, those used longest ago are dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        # The ids by session, and when they were used; the last one was used last.
        self._kept: dict[SignIn, tuple[Ids, float]] = {}

    def find(self, sign_in: SignIn) -> Ids:
        """Return the selected ids; empty for none or an expired selection."""
        with self._lock:
            self._forget_old()
            ids, _ = self._kept.get(sign_in, (None, 0))
            if ids is None:
                return ids_of([])
            self._put(sign_in, ids)
            return ids

    def keep(self, sign_in: SignIn, ids: Ids) -> None:
        """Replace the selection. Raises TooManyJobs."""
        if ids.size > MAX_JOBS:
            raise TooManyJobs
        with self._lock:
            self._put(sign_in, ids)
            self._forget_old()

    def _put(self, sign_in: SignIn, ids: Ids) -> None:
        self._kept.pop(sign_in, None)
        if ids.size:
            self._kept[sign_in] = ids, self._clock()

    def _forget_old(self) -> None:
        jobs = sum(ids.size for ids, _ in self._kept.values())
        oldest = self._clock() - KEPT_SECONDS
        for key, (ids, seen) in list(self._kept.items()):
            if len(self._kept) <= MAX_SELECTIONS and jobs <= MAX_JOBS_IN_ALL and seen >= oldest:
                return
            del self._kept[key]
            jobs -= ids.size


def ids_of(values: Any) -> Ids:
    """Return ids from any sequence of integers, each once, ascending."""
    return np.unique(np.asarray(values, dtype=np.int64))


def read_matching(database: Database, job_filter: JobFilter) -> Ids:
    """Return the ids of all jobs that match a filter now.

    Memory: 8 bytes a job. Raises TooManyJobs, and DatabaseUnavailable.
    """
    blocks: list[Ids] = []
    jobs = 0
    with database.reading() as connection:
        allow_lists(connection)
        in_one = select(func.group_concat(job.c.id), func.count())
        in_one = in_one.where(*matching(job_filter, database)).group_by(whole_quotient(job.c.id, BLOCK))
        for text, listed in connection.execution_options(yield_per=10).execute(in_one):
            blocks.append(parse_list(text, listed))
            jobs += blocks[-1].size
            if jobs > MAX_JOBS:
                raise TooManyJobs
    return joined(blocks)


@dataclass(frozen=True)
class Contents:
    """What a selection holds, from one snapshot of the database."""

    selected: int
    """How many ids it has, including those of deleted jobs."""
    by_name: tuple[tuple[str, State, int], ...]
    """How many jobs of each name and state, most first."""
    outside: int
    """How many of the existing jobs a filter excludes."""
    finished_ids: Ids
    """The jobs that may be deleted, as of this snapshot."""

    def in_state(self, state: State) -> int:
        """Return how many of them are in a state."""
        return sum(jobs for _, found, jobs in self.by_name if found is state)

    @property
    def names(self) -> list[tuple[str, int]]:
        """Return how many jobs each name has, most first."""
        found: Counter[str] = Counter()
        for name, _, jobs in self.by_name:
            found[name] += jobs
        return found.most_common()

    @property
    def finished(self) -> int:
        """Return how many of them may be deleted."""
        return int(self.finished_ids.size)

    @property
    def missing(self) -> int:
        """Return how many of them no longer exist."""
        return self.selected - sum(jobs for _, _, jobs in self.by_name)


def read_contents(database: Database, ids: Ids, job_filter: JobFilter) -> Contents:
    """Return what some ids are, and how many of them a filter excludes.

    It takes half a second for 200,000 ids. Reads the primary, because the user may be about to delete
    them. Raises DatabaseUnavailable.
    """
    passes = and_(true(), *matching(job_filter, database))
    ended = job.c.completed_at.is_not(None).label("ended")
    outside = func.sum(case((passes, 0), else_=1))
    some = bindparam("ids", expanding=True, literal_execute=True, type_=job.c.id.type)
    statement = (
        select(
            func.min(job.c.name),
            job.c.status_id,
            ended,
            func.count(),
            outside,
            func.group_concat(job.c.id),
        )
        .where(job.c.id.in_(some))
        .group_by(exactly(job.c.name), job.c.status_id, "ended")
    )
    by_name: Counter[tuple[str, State]] = Counter()
    others = 0
    finished: list[Ids] = []
    with database.reading(primary=True) as connection:
        allow_lists(connection)
        for start in range(0, ids.size, BLOCK):
            together = ids[start : start + BLOCK].tolist()
            for name, status_id, has_ended, jobs, not_passed, listed in connection.execute(
                statement, {"ids": together}
            ):
                state = state_of(status_id, bool(has_ended))
                by_name[values.name_called(name), state] += jobs
                others += int(not_passed)
                if state in FINISHED_STATES:
                    finished.append(parse_list(listed, jobs))
    most_first = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    return Contents(
        selected=int(ids.size),
        by_name=tuple((name, state, jobs) for (name, state), jobs in most_first),
        outside=others,
        finished_ids=joined(finished),
    )
