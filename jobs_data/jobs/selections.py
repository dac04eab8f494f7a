"""What people have selected in the list: ids of jobs, kept on the server under a token of their own.

A selection is a set of ids from the moment a row is ticked, and never of positions. It outlives pages,
filters and reloads, because only its token is in the URL. It is a wish, and decides nothing: whoever
acts on it asks the database again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from sqlalchemy import and_, bindparam, case, func, select, true

from jobs_data.jobs.view import JobFilter
from jobs_data.jobs.where import matching
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import whole_quotient
from jobs_data.platform.id_lists import Ids, allow_lists, joined, parse_list
from jobs_data.platform.status import FINISHED_STATES, State, state_of
from jobs_data.platform.tables import job

Account: TypeAlias = int | str
"""Whose a selection is: a user's id, or the name that a proxy vouches for."""

MAX_JOBS: Final = 2_000_000
"""How many jobs one selection can have: 16 MB."""

MAX_SELECTIONS: Final = 500
MAX_JOBS_IN_ALL: Final = 10_000_000
"""How many ids all selections of a process can have together: 80 MB."""

KEPT_SECONDS: Final = 8 * 3600
"""How long a selection is kept after it was last seen."""

BLOCK: Final = 5_000
"""The ids of so many possible jobs come as one list."""


class TooManyJobs(Exception):
    """More jobs than one selection can have; the message is a sentence for the screen."""


@dataclass(frozen=True)
class _Kept:
    account: Account
    ids: Ids
    seen: float


class Selections:
    """The selections of a process; those seen longest ago go first when there is no more room."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}  # the one seen last is the last

    def find(self, account: Account, token: str) -> Ids | None:
        """Return what an account has selected under a token; None where it has nothing by that name."""
        with self._lock:
            self._forget_old()
            kept = self._kept.get(token)
            if kept is None or kept.account != account:
                return None
            self._put(token, account, kept.ids)
            return kept.ids

    def keep(self, account: Account, token: str | None, ids: Ids) -> str:
        """Keep what an account has selected, in place of what it had under a token; return the token.

        It is a new one where the account has none by this name. Raises TooManyJobs.
        """
        if ids.size > MAX_JOBS:
            raise too_many()
        with self._lock:
            kept = self._kept.get(token) if token else None
            if token is None or kept is None or kept.account != account:
                token = secrets.token_urlsafe(16)
            self._put(token, account, ids)
            self._forget_old()
            return token

    def forget(self, account: Account, token: str) -> None:
        """Forget what an account has selected under a token."""
        with self._lock:
            if (kept := self._kept.get(token)) and kept.account == account:
                del self._kept[token]

    def _put(self, token: str, account: Account, ids: Ids) -> None:
        self._kept.pop(token, None)
        self._kept[token] = _Kept(account, ids, self._clock())

    def _forget_old(self) -> None:
        jobs = sum(kept.ids.size for kept in self._kept.values())
        oldest = self._clock() - KEPT_SECONDS
        for token, kept in list(self._kept.items()):
            fits = len(self._kept) <= MAX_SELECTIONS and jobs <= MAX_JOBS_IN_ALL
            if fits and kept.seen >= oldest:
                return
            del self._kept[token]
            jobs -= kept.ids.size


def too_many() -> TooManyJobs:
    """Return the sentence on what cannot be selected, to be raised or shown."""
    return TooManyJobs(
        f"More than {MAX_JOBS:,} jobs cannot be selected at once. Narrow the filter, or use Tidy, "
        "which removes any number of jobs by rules."
    )


def ids_of(values: Any) -> Ids:
    """Return ids from any sequence of integers, each once, ascending."""
    return np.unique(np.asarray(values, dtype=np.int64))


def read_matching(database: Database, job_filter: JobFilter) -> Ids:
    """Return the ids of all jobs that a filter lets through now.

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
                raise too_many()
    return joined(blocks)


@dataclass(frozen=True)
class Contents:
    """What a selection holds, as the database had it at one moment."""

    selected: int
    """How many ids it has, those of jobs that are gone included."""
    by_name: tuple[tuple[str, State, int], ...]
    """How many jobs of each name and state, most first."""
    outside: int
    """How many of those that are there a filter does not let through."""
    finished_ids: Ids
    """Those that may be removed, as far as this moment goes."""

    @cached_property
    def _by_state(self) -> Counter[State]:
        found: Counter[State] = Counter()
        for _, state, jobs in self.by_name:
            found[state] += jobs
        return found

    def in_state(self, state: State) -> int:
        """Return how many of them are in a state."""
        return self._by_state[state]

    @cached_property
    def names(self) -> list[tuple[str, int]]:
        """Return how many jobs each name has, most first."""
        found: Counter[str] = Counter()
        for name, _, jobs in self.by_name:
            found[name] += jobs
        return found.most_common()

    @property
    def finished(self) -> int:
        """Return how many of them may be removed."""
        return int(self.finished_ids.size)

    @property
    def missing(self) -> int:
        """Return how many of them are no longer there."""
        return self.selected - self._by_state.total()


def read_contents(database: Database, ids: Ids, job_filter: JobFilter) -> Contents:
    """Return what some ids stand for, and how many of them a filter does not let through.

    It takes half a second for 200,000 ids. Asked of the primary: somebody may be about to remove
    them. Raises DatabaseUnavailable.
    """
    passes = and_(true(), *matching(job_filter, database))
    ended = job.c.completed_at.is_not(None)
    some = bindparam("ids", expanding=True, literal_execute=True, type_=job.c.id.type)
    statement = (
        select(
            job.c.name,
            job.c.status_id,
            ended.label("ended"),
            func.count().label("jobs"),
            func.sum(case((passes, 0), else_=1)).label("outside"),
            func.group_concat(job.c.id).label("ids"),
        )
        .where(job.c.id.in_(some))
        .group_by(job.c.name, job.c.status_id, "ended")
    )
    by_name: Counter[tuple[str, State]] = Counter()
    outside = 0
    finished: list[Ids] = []
    with database.reading(primary=True) as connection:
        allow_lists(connection)
        for start in range(0, ids.size, BLOCK):
            together = ids[start : start + BLOCK].tolist()
            for row in connection.execute(statement, {"ids": together}):
                state = state_of(row.status_id, bool(row.ended))
                by_name[values.name_called(row.name), state] += row.jobs
                outside += int(row.outside)
                if state in FINISHED_STATES:
                    finished.append(parse_list(row.ids, row.jobs))
    most_first = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    return Contents(
        selected=int(ids.size),
        by_name=tuple((name, state, jobs) for (name, state), jobs in most_first),
        outside=outside,
        finished_ids=joined(finished),
    )
