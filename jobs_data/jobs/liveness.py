"""What the active jobs do, as far as their traces show: their output, times and earlier runs.

Nothing on the platform reports that a worker has died. A job that a dead worker left keeps its status
for ever; only the time since it last wrote, and how long its name usually takes, tell it from one that
works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, func, select

from jobs_data.jobs.counts import Counts
from jobs_data.jobs.durations import with_execution
from jobs_data.jobs.frames import FrameRow, records
from jobs_data.jobs.usual_duration import SHORTEST_LIMIT_SECONDS, read_usual_durations
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import last_characters
from jobs_data.platform.errors import translated_errors
from jobs_data.platform.status import Alive, State, is_in, is_unfinished
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.reasons.outputs import is_waiting_in, last_time_in
from jobs_data.settings import SHARED_SECONDS
from jobs_data.single_flight import SingleFlight

ACTIVE_JOBS: Final = 2_000
"""How many active jobs are looked at: the oldest, which are the likeliest to be stuck."""

FEW_UNFINISHED: Final = 20_000
"""With more unfinished jobs, most of which ended long ago, not each is looked up: no index tells
which are active."""

NEWEST_UNFINISHED: Final = 2_000
"""How many of these are looked up then, beside the active ones that are known from counting all."""

COUNTED_SECONDS: Final = 0.3
"""How long a read waits for the first counts."""

TAIL_CHARACTERS: Final = 2_000
"""How much of an output's end is read: more than a job writes while it waits for another one."""

START_SECONDS: Final = 60
"""After this a job without any trace counts as never started."""

FILTER_AGE: Final = timedelta(minutes=1)
"""A filter uses what was read up to this long ago."""

_TRACES: Final = {
    "id": "int64",
    "name": "str",
    "since": "datetime64[us, UTC]",
    "wrote": "datetime64[us, UTC]",
    "has_begun": "bool",
    "is_waiting": "bool",
}
_COLUMNS: Final = {
    "id": "int64",
    "name": "str",
    "state": "str",
    "since": "datetime64[us, UTC]",
    "seconds": "float64",
    "wrote": "datetime64[us, UTC]",
    "usual": "float64",
    "p95": "float64",
    "limit": "float64",
    "runs": "int64",
}


@dataclass(frozen=True)
class Liveness:
    """The active jobs and what they do."""

    jobs: pd.DataFrame
    """A row per job, the longest running first: `id` int64, `name` str, `state` str, an `Alive`;
    `since` UTC, the recorded start, else the creation, and float64 `seconds` until `read_at`; `wrote`
    UTC, when it last wrote, NaT: never. Of the finished runs of its name int64 `runs`, those whose
    duration is known, and float64 seconds `usual` (the median), `p95` and `limit`, NaN: unknown."""
    active: int
    """How many active jobs there are of those asked for."""
    looked_at: int
    """How many of them are in `jobs`, the oldest."""
    read_at: datetime
    """Aware."""
    is_whole: bool = True
    """Whether older active jobs than the newest are known."""

    def count(self, state: Alive) -> int:
        """Return how many jobs are in a state."""
        return self.states.get(state, 0)

    @property
    def is_recent(self) -> bool:
        """Return whether it is young enough to be shared."""
        age = abs(datetime.now(UTC) - self.read_at)
        return self.is_whole and age < timedelta(seconds=SHARED_SECONDS)

    @cached_property
    def states(self) -> Mapping[str, int]:
        """Return how many jobs are in each state."""
        return Counter(self.jobs["state"])

    @cached_property
    def by_id(self) -> Mapping[int, FrameRow]:
        """Return the rows of `jobs` by their ids."""
        return {row["id"]: row for row in records(self.jobs)}

    @cached_property
    def traces(self) -> Mapping[int, tuple[str, datetime]]:
        """Return the state of each job and when it last wrote, by their ids; NaT: never."""
        columns = self.jobs["id"], self.jobs["state"], self.jobs["wrote"]
        return {job_id: (state, wrote) for job_id, state, wrote in zip(*columns, strict=True)}


def read_liveness(
    database: Database,
    now: datetime,
    job_id: int | None = None,
    counted: Callable[[], Counts | None] = lambda: None,
) -> Liveness:
    """Return what the oldest ACTIVE_JOBS do, or one alone if it is active; `now` is aware.

    Of more unfinished jobs than FEW_UNFINISHED, these are the active ones among the newest and those
    that `counted` knows; it returns the last counts of all jobs, None before the first.

    A job is *never started* without an output and a recorded start a minute after its creation,
    *waiting* while its last lines say so, *silent* where it has written nothing for longer than the
    limit of its name, *overdue* where it runs longer than that and still writes, and *unknown* where
    its name has no limit and it runs longer than ten minutes. One that waits writes every few seconds,
    so that ten minutes without a line are silent. Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        counts, which = None, [] if job_id is None else [job.c.id == job_id]
        unfinished = select(func.count()).where(is_unfinished())
        is_bounded = job_id is None and connection.execute(unfinished).scalar_one() > FEW_UNFINISHED
        if is_bounded:
            counts = counted()
            # By an expression, because the server would otherwise search all jobs from the newest on.
            newest = select(job.c.id).where(is_unfinished()).order_by((job.c.id + 0).desc())
            ids = connection.execute(newest.limit(NEWEST_UNFINISHED)).scalars()
            which = [job.c.id.in_({*ids, *(counts.active_ids if counts else ())})]
        traces = _read_traces(connection, database, now, which)
        active = len(traces)
        if counts:
            active = max(active, counts.active if active == ACTIVE_JOBS else 0)
        elif active == ACTIVE_JOBS and not is_bounded:
            count = select(func.count()).where(is_in(State.ACTIVE))
            active = connection.execute(count).scalar_one()
        usual = read_usual_durations(connection, database, set(traces["name"]), now)
    jobs = traces.join(usual, on="name")
    jobs["seconds"] = (now - jobs["since"]).dt.total_seconds().clip(lower=0)
    jobs["state"] = _states(jobs, (now - jobs["wrote"]).dt.total_seconds())
    jobs = jobs.sort_values("seconds", ascending=False, ignore_index=True)
    is_whole = not is_bounded or counts is not None
    return Liveness(jobs[list(_COLUMNS)].astype(_COLUMNS), active, len(jobs), now, is_whole)


def _states(jobs: pd.DataFrame, silence: pd.Series[float]) -> Any:
    """Return the state of each job; a comparison with NaN is false."""
    seconds, limit = jobs["seconds"], jobs["limit"]
    silence = silence.fillna(seconds)
    is_unknown = limit.isna() | seconds.isna()
    limit_of_silence = limit.mask(jobs["is_waiting"], SHORTEST_LIMIT_SECONDS)
    rules = {
        Alive.NEVER_STARTED: ~jobs["has_begun"] & (seconds > START_SECONDS),
        Alive.SILENT: silence > limit_of_silence,
        Alive.WAITING: jobs["is_waiting"],
        Alive.OVERDUE: seconds > limit,
        Alive.UNKNOWN: is_unknown & ~(seconds <= SHORTEST_LIMIT_SECONDS),
    }
    return np.select(list(rules.values()), [state.value for state in rules], Alive.WORKING.value)


def _read_traces(
    connection: Connection, database: Database, now: datetime, which: Sequence[ColumnElement[bool]]
) -> pd.DataFrame:
    source, (started, written) = with_execution(
        database, job_execution.c.started_at, job_execution.c.updated_at
    )
    # By an expression, because the server would otherwise search all jobs in the order of their key.
    oldest = select(job.c.id).where(is_in(State.ACTIVE), *which).order_by(job.c.id + 0)
    oldest = oldest.limit(ACTIVE_JOBS)
    found_ids = oldest.subquery("oldest")
    active = select(
        job.c.id,
        job.c.name,
        object_.c.created_at,
        started.label("started_at"),
        object_.c.updated_at,
        written.label("written_at"),
        last_characters(job.c.output, TAIL_CHARACTERS).label("tail"),
    ).select_from(source.join(found_ids, found_ids.c.id == job.c.id))
    rows = connection.execute(active).mappings()
    found = [_trace(row, database, now) for row in rows]
    return pd.DataFrame(found, columns=list(_TRACES)).astype(_TRACES)


def _trace(row: Any, database: Database, now: datetime) -> tuple[Any, ...]:
    """Return the values of _TRACES; times that are impossible or in the future are none."""
    earliest, latest = times.EARLIEST.replace(tzinfo=UTC), now + times.CLOCK_TOLERANCE

    def moment(value: datetime | None, after: datetime = earliest) -> datetime | None:
        found = times.utc(value, database.timezone, after=after)
        return found if found and after <= found <= latest else None

    tail = values.text(row["tail"])
    is_whole = len(tail) < TAIL_CHARACTERS
    created = moment(row["created_at"]) or earliest
    started = moment(row["started_at"], created)
    # An object is written once when it is created, which is no sign of life.
    traces = [moment(row[name], created) for name in ("updated_at", "written_at")]
    seen = [trace for trace in traces if trace and trace > created]
    if last := moment(last_time_in(tail), created):
        seen.append(last)
    since = started or (created if created > earliest else None)
    return (
        row["id"],
        values.name_called(row["name"]),
        since,
        max(seen, default=None),
        bool(started or tail.strip()),
        is_whole and is_waiting_in(tail),
    )


class SharedLiveness:
    """What the active jobs do, read once for all sessions; also the filter by that."""

    def __init__(
        self, database: Database, counted: Callable[[float], Counts | None] = lambda _: None
    ) -> None:
        """Read nothing yet, and make each `Alive` one of the database's sets of jobs.

        `counted` is `SharedList.counted`.
        """
        self._database = database
        self._counted = counted
        self._flights = SingleFlight[Liveness]()
        self._last: Liveness | None = None
        database.job_sets.update({state: partial(self._ids, state) for state in Alive})

    @property
    def last(self) -> Liveness | None:
        """Return what was read last, which may be old; None before."""
        return self._last

    def read(self) -> Liveness:
        """Return as `read_liveness`, at most SHARED_SECONDS old. Raises DatabaseUnavailable.

        It waits for the first counts, where it needs them, for at most COUNTED_SECONDS.
        """
        if self._last and self._last.is_recent:
            return self._last
        with translated_errors():  # of another thread that takes too long
            return self._flights.run("all", self._read)

    def _read(self) -> Liveness:
        counted = partial(self._counted, COUNTED_SECONDS)
        self._last = read_liveness(self._database, datetime.now(UTC), counted=counted)
        return self._last

    def _ids(self, state: Alive) -> Sequence[int]:
        # The transaction that asks has a connection, and those that wait may have all the others: what
        # is a minute old will do, because reading takes one more.
        last = self._last
        if last is None or not last.is_whole or datetime.now(UTC) - last.read_at > FILTER_AGE:
            last = self.read()
        jobs = last.jobs
        found: list[int] = jobs.loc[jobs["state"] == state, "id"].tolist()
        return found
