"""The outcomes of finished jobs: how many errors and warnings their outputs have.

The platform marks a job as completed although rows of an import failed, and no column tells. So the
outputs are read: those of a page at once, the others in the background while the list is looked at,
from the newest id down. The store remembers each outcome until the job's completion time or status
changes.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Connection, String, cast, func, select

from jobs_data.background import Background, Stopped, StopSwitch
from jobs_data.jobs.where import WITH_ERRORS, in_set
from jobs_data.platform import values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import either_end
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.id_lists import Ids
from jobs_data.platform.status import COMPLETED, FINISHED_IDS, State, is_finished, is_in
from jobs_data.platform.tables import ERROR_NOTE_TYPE_ID, job, job_execution, note
from jobs_data.reasons.outputs import count_errors
from jobs_data.store import outcomes as memory
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.outcomes import Remembered
from jobs_data.wording import counted

log = logging.getLogger(__name__)

END_CHARACTERS: Final = 65_535
"""How much of an output's beginning and of its end is read: AtoM keeps no more."""

OUTPUTS_TOGETHER: Final = 48
"""How many outputs are in memory at a time."""

SLICE_JOBS: Final = 2_000
"""How many jobs are compared with the store at a time."""

READ_JOBS: Final = 480
"""How many jobs' outputs one transaction of the background reads."""

MOST_JOBS: Final = 1_000_000
"""How many jobs, from the newest down, the background reads and the store remembers."""

NEWEST_JOBS: Final = 10_000
NEWEST_SECONDS: Final = 15
"""After this the newest jobs are compared again."""

WHOLE_SECONDS: Final = 3_600
"""After this all jobs are compared again: an old one may have been deleted, restored or run again."""

WANTED_SECONDS: Final = 60
"""How long the background goes on after the list was last looked at."""

PAUSE_TIMES: Final = 4
"""How much longer than its work a pause is: the background takes a fifth of one core at most."""

RETRY_SECONDS: Final = 30
"""How long a database or a store that did not answer is not asked again."""

MOST_WITH_ERRORS: Final = 10_000
WITH_ERRORS_SECONDS: Final = 5
"""How long `with_errors` is cached."""

MOST_UNWRITTEN: Final = 10_000
"""How many outcomes, read for pages, wait for the background to store them."""


@dataclass(frozen=True)
class Outcome:
    """How many errors and warnings a finished job's output has."""

    errors: int
    warnings: int


class Finished(NamedTuple):
    """A finished job, and what its outcome depends on."""

    id: int
    completed: str
    """When it was completed, as the platform has it; empty without a time."""
    is_completed: bool
    """False: it failed."""


@dataclass(frozen=True)
class Coverage:
    """How far the background has read."""

    down_to: int | None = None
    """All finished jobs from this id on are read; 0 if all are, None before the first."""
    jobs: int = 0
    """How many finished jobs these are."""
    is_done: bool = False
    """Whether it has read all jobs, or MOST_JOBS of them."""

    @property
    def sentence(self) -> str:
        """Return how far it has read, for a screen that counts errors; empty if it has read all."""
        if self.is_done and not self.down_to:
            return ""
        older = "are not read." if self.is_done else "are being read: Refresh shows how far it is."
        if self.down_to is None:
            return f"Errors in outputs are known of the jobs that were shown. Other outputs {older}"
        return (
            f"Errors in outputs are known down to job {self.down_to}, of {counted(self.jobs)}. "
            f"Older outputs {older}"
        )


def read_finished(connection: Connection, *where: ColumnElement[bool]) -> list[Finished]:
    """Return the finished jobs that meet some conditions."""
    rows = connection.execute(_columns().where(is_finished(), *where))
    return [finished_of(*row) for row in rows]


def read_outcomes(
    connection: Connection, database: Database, jobs: Sequence[Finished]
) -> dict[int, Outcome]:
    """Return the outcomes of finished jobs by their ids, without those of jobs that no longer exist.

    Of an output longer than both, the first and the last END_CHARACTERS are read. A completed job
    without an error in its output, for which the platform noted errors elsewhere, has that many. An
    output that cannot be searched has none; the log names its job. Raises what the database driver
    raises, inside `Database.reading`.
    """
    found: dict[int, Outcome] = {}
    for first in range(0, len(jobs), OUTPUTS_TOGETHER):
        ids = [each.id for each in jobs[first : first + OUTPUTS_TOGETHER]]
        outputs = select(job.c.id, *either_end(job.c.output, END_CHARACTERS))
        for job_id, *parts in connection.execute(outputs.where(job.c.id.in_(ids))):
            found[job_id] = _outcome(job_id, _text(*parts))
    silent = [i for i, _, is_completed in jobs if is_completed and i in found and not found[i].errors]
    for job_id, errors in _noted_errors(connection, database, silent).items():
        found[job_id] = Outcome(errors, found[job_id].warnings)
    return found


def read_outcomes_of(
    connection: Connection,
    database: Database,
    finished: Sequence[Finished],
    outcomes: Outcomes | None,
) -> dict[int, Outcome]:
    """Return the outcomes of finished jobs by their ids.

    As `Outcomes.of`; without it as `read_outcomes`, and nothing is remembered.
    """
    if outcomes:
        return outcomes.of(connection, finished)
    return read_outcomes(connection, database, finished)


def completed_text() -> ColumnElement[str]:
    """Return the completion time of a job as `finished_of` wants it."""
    return cast(job.c.completed_at, String()).label("completed_text")


def finished_of(job_id: int, completed: str | None, status_id: int) -> Finished:
    """Return a finished job from its id, `completed_text` and status."""
    # SQLite can store any text as a time.
    return Finished(job_id, str(completed or "")[:26], status_id == COMPLETED)


def _columns() -> Any:
    return select(job.c.id, completed_text(), job.c.status_id)


def _text(length: int | None, beginning: Any, end: Any) -> str:
    """Return the text of what `either_end` of an output returns."""
    last = values.text(end)
    if (length or 0) > 2 * END_CHARACTERS:
        # The end begins in the middle of a line, which may look like another one.
        last = "\n" + last.partition("\n")[2]
    return values.text(beginning) + last


def _outcome(job_id: int, output: str) -> Outcome:
    try:
        counts = count_errors(output)
    except Exception:  # whatever it is, the page and the background go on with the other outputs
        log.warning("the output of job %s cannot be searched for errors", job_id, exc_info=True)
        return Outcome(0, 0)
    return Outcome(counts.errors, counts.warnings)


def _noted_errors(connection: Connection, database: Database, ids: Sequence[int]) -> dict[int, int]:
    """Return how many errors the platform noted for some jobs outside of their outputs."""
    found: dict[int, int] = {}
    if ids and "error_message" in database.columns.get(job_execution.name, ()):
        said = func.trim(job_execution.c.error_message) != ""
        asked = select(job_execution.c.job_id).where(job_execution.c.job_id.in_(ids), said)
        found = dict.fromkeys(connection.execute(asked).scalars(), 1)
    if ids and note.name in database.tables:
        of = note.c.object_id
        noted = select(of).where(of.in_(ids), note.c.type_id == ERROR_NOTE_TYPE_ID)
        found |= Counter(connection.execute(noted).scalars())
    return found


T = TypeVar("T")


class Outcomes:
    """The outcomes of one database's jobs, as a store remembers them; shared by a process's threads."""

    def __init__(self, database: Database, store: Store, switch: StopSwitch | None = None) -> None:
        """Read nothing yet. The background also ends at the switch."""
        self._database = database
        self._store = store
        self._switch = switch or StopSwitch()
        self._coverage = Coverage()
        self._unwritten: dict[int, Remembered] = {}
        self._with_errors: tuple[float, Ids] = (-math.inf, np.empty(0, np.int64))
        self._wanted_until = self._retry_at = self._store_retry_at = self._whole_at = -math.inf
        self._below: int | None = None
        """Where the pass over all jobs goes on, once it has begun."""
        self._jobs = self._seen = 0
        """How many finished jobs, and how many in all, that pass has compared."""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._background = Background("outcomes")
        self._clock: Callable[[], float] = time.monotonic
        self._wait: Callable[[float], object] = self._stopped.wait

    @property
    def coverage(self) -> Coverage:
        """Return how far the background of this process has read."""
        return self._coverage

    @property
    def limits(self) -> str:
        """Return which errors are not known, for a screen that counts them; empty if all are."""
        most = f"Only the newest {MOST_WITH_ERRORS:,} completed jobs with errors are counted and found."
        is_capped = len(self.with_errors()) >= MOST_WITH_ERRORS
        return " ".join(filter(None, [self.coverage.sentence, most if is_capped else ""]))

    def of(self, connection: Connection, finished: Sequence[Finished]) -> dict[int, Outcome]:
        """Return the outcomes of finished jobs by their ids.

        Those that are not remembered, or have changed, are read now, as `read_outcomes`, and stored
        later. `connection` is of `Database.reading`.
        """
        known = self._remembered([each.id for each in finished])
        new = [each for each in finished if not _is_same(known.get(each.id), each)]
        read = read_outcomes(connection, self._database, new)
        with self._lock:
            self._unwritten |= {row.job_id: row for row in _rows(new, read)}
            for oldest in list(self._unwritten)[:-MOST_UNWRITTEN]:
                del self._unwritten[oldest]
        of_known = {i: Outcome(known[i].errors, known[i].warnings) for i, *_ in finished if i in known}
        return of_known | read

    def with_errors(self) -> Ids:
        """Return the completed jobs in which errors were found, the newest MOST_WITH_ERRORS, ascending.

        Some may have been deleted since, or not be completed any more. What no page has shown and the
        background has not reached is missing.
        """
        read_at, ids = self._with_errors
        if self._clock() - read_at > WITH_ERRORS_SECONDS:
            most = MOST_WITH_ERRORS
            stored = self._ask(
                lambda: memory.read_with_errors(self._store, self._database.identity, most)
            )
            with self._lock:
                unwritten = [row.job_id for row in self._unwritten.values() if _has_errors(row)]
            ids = np.unique(np.array([*(stored or ()), *unwritten], np.int64))[-most:]
            self._with_errors = (self._clock(), ids)
        return ids

    def count_with_errors(self, connection: Connection, *where: ColumnElement[bool]) -> int:
        """Return how many completed jobs that meet some conditions are in `with_errors` now."""
        among = (is_in(State.COMPLETED), in_set(self._database, WITH_ERRORS), *where)
        return connection.execute(select(func.count()).select_from(job).where(*among)).scalar_one()

    def keep_reading(self) -> None:
        """Let the background read for the next minute. Call this where outcomes are looked at."""
        self._wanted_until = self._clock() + WANTED_SECONDS
        if self._clock() >= self._retry_at:
            self._background.begin(self._read_quietly)

    def close(self) -> None:
        """End the background and wait for its transaction."""
        self._wanted_until = -math.inf
        self._stopped.set()
        self._background.wait()
        self._stopped.clear()

    def _read_quietly(self) -> None:
        try:
            self._read()
        except Stopped:
            pass
        except DatabaseUnavailable as error:  # the next look at the list tries again
            self._retry_at = self._clock() + RETRY_SECONDS
            log.warning("the outcomes of jobs were not read: %s", error)

    def _read(self) -> None:
        """Compare the newest jobs again and again, and between that, all jobs."""
        while self._goes_on():
            self._read_newest()
            until = self._clock() + NEWEST_SECONDS
            while self._goes_on() and (seconds := until - self._clock()) > 0:
                if self._clock() - self._whole_at > WHOLE_SECONDS:
                    self._read_older()
                else:
                    self._wait(seconds)

    def _goes_on(self) -> bool:
        self._switch.check()
        return self._clock() < self._wanted_until

    def _read_newest(self) -> None:
        below: int | None = None
        jobs = 0
        for _ in range(NEWEST_JOBS // SLICE_JOBS):
            below, finished, _ = self._read_slice(below)
            jobs += finished
            if not self._goes_on():  # it may have ended within the slice
                return
            if below == 0:
                self._end_pass(Coverage(0, jobs, is_done=True))
                return
            self._cover(below, jobs)

    def _read_older(self) -> None:
        """Read the next slice of the pass over all jobs."""
        below, finished, seen = self._read_slice(self._below)
        if not self._goes_on():
            return
        self._below, self._jobs, self._seen = below, self._jobs + finished, self._seen + seen
        if below == 0 or self._seen >= MOST_JOBS:
            if below:
                memory.forget_below(self._store, self._database.identity, below)
            self._end_pass(Coverage(below, self._jobs, is_done=True))
        else:
            self._cover(below, self._jobs)

    def _cover(self, down_to: int, jobs: int) -> None:
        """Note how far the first pass is; the newest jobs are read before it."""
        if not self._coverage.is_done and jobs > self._coverage.jobs:
            self._coverage = Coverage(down_to, jobs)

    def _end_pass(self, coverage: Coverage) -> None:
        self._coverage, self._whole_at = coverage, self._clock()
        self._below, self._jobs, self._seen = None, 0, 0

    def _read_slice(self, below: int | None) -> tuple[int, int, int]:
        """Compare the next jobs below an id with the store, and read those that are new or changed.

        None is the newest. Returns the lowest id, 0 at the end, and how many finished jobs and how many
        jobs there were. Raises DatabaseUnavailable.
        """
        began = self._clock()
        is_below = [] if below is None else [job.c.id < below]
        with self._database.reading() as connection:
            asked = _columns().where(*is_below).order_by(job.c.id.desc()).limit(SLICE_JOBS)
            rows = connection.execute(asked).all()
        first = rows[-1].id if len(rows) == SLICE_JOBS else 0
        finished = {row.id: finished_of(*row) for row in rows if row.status_id in FINISHED_IDS}
        known = memory.read_between(self._store, self._database.identity, first, below)
        with self._lock:
            unwritten = self._unwritten.copy()
        self._remember(list(unwritten.values()), [i for i in known if i not in finished])
        with self._lock:
            for job_id, row in unwritten.items():
                if self._unwritten.get(job_id) is row:
                    del self._unwritten[job_id]
        known |= unwritten
        new = [each for each in finished.values() if not _is_same(known.get(each.id), each)]
        self._pause(began)
        for at in range(0, len(new), READ_JOBS):
            if not self._goes_on():
                break
            began = self._clock()
            some = new[at : at + READ_JOBS]
            with self._database.reading() as connection:
                read = read_outcomes(connection, self._database, some)
            self._remember(_rows(some, read))
            self._pause(began)
        return first, len(finished), len(rows)

    def _remember(self, rows: Sequence[Remembered], forgotten: Sequence[int] = ()) -> None:
        memory.remember(self._store, self._database.identity, rows, forgotten)
        if any(map(_has_errors, rows)):
            self._with_errors = (-math.inf, self._with_errors[1])

    def _pause(self, began: float) -> None:
        self._wait(PAUSE_TIMES * (self._clock() - began))

    def _remembered(self, ids: Sequence[int]) -> dict[int, Remembered]:
        stored = self._ask(lambda: memory.read_some(self._store, self._database.identity, ids)) or {}
        with self._lock:
            return stored | {i: self._unwritten[i] for i in ids if i in self._unwritten}

    def _ask(self, read: Callable[[], T]) -> T | None:
        """Return what is read from the store, or None while it does not answer."""
        if self._clock() < self._store_retry_at:
            return None
        try:
            return read()
        except StoreUnavailable:  # it has been logged
            self._store_retry_at = self._clock() + RETRY_SECONDS
            return None


def _is_same(known: Remembered | None, now: Finished) -> bool:
    return known is not None and known[:3] == tuple(now)


def _has_errors(row: Remembered) -> bool:
    return row.is_completed and row.errors > 0


def _rows(jobs: Sequence[Finished], outcomes: dict[int, Outcome]) -> list[Remembered]:
    return [
        Remembered(*each, outcomes[each.id].errors, outcomes[each.id].warnings)
        for each in jobs
        if each.id in outcomes
    ]
