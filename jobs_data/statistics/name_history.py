"""How the newest jobs of one name ended, how long they took, and which errors they had."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection, Row, select

from jobs_data.jobs.durations import seconds_taken, with_execution
from jobs_data.jobs.outcomes import Outcomes, read_finished, read_outcomes_of
from jobs_data.jobs.usual_duration import FEWEST_RUNS, NEWEST_RUNS
from jobs_data.jobs.where import WITH_ERRORS, ids_in_set, is_called
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.status import COMPLETED, State, is_finished, is_unfinished, state_of
from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.statistics.error_patterns import fold
from jobs_data.statistics.failures import ENDS_WELL, EXAMPLE_CHARACTERS, NO_TEXT, read_errors
from jobs_data.statistics.period import newest_jobs

NEWEST: Final = 20
"""How many jobs are shown one by one, and their errors read."""

SECONDS: Final = 2
"""How long each statement may take."""

_RUNS: Final = {"id": "int64", "outcome": "str", "at": "datetime64[us, UTC]", "seconds": "float64"}
_VERBS: Final = {State.FAILED.value: "failed", WITH_ERRORS: "completed with errors"}


@dataclass(frozen=True)
class NameHistory:
    """The newest jobs of one name.

    An outcome is a State, or WITH_ERRORS for a completed job in whose output errors were found. A run
    is a finished job; a good one completed without known errors.
    """

    newest: pd.DataFrame
    """The newest 20 jobs in any state, the oldest first: `id` int64, `outcome` str, `at` UTC
    (completed, else created), `seconds` float64 (NaN: not known), `text` and `pattern` str: the error
    and its pattern, empty for jobs without one."""
    runs: pd.DataFrame
    """The newest 200 runs, the oldest first: `id`, `outcome`, `at`, `seconds` as in `newest`."""
    patterns: pd.DataFrame
    """The errors of `newest`, the most frequent first: `pattern` and `text` (the newest's) str, `jobs`
    int64, `completed` int64 those of them that completed, `last_job` int64, `last` UTC."""
    is_searched_through: bool
    """Whether all jobs of the database were searched, not the newest alone."""

    @property
    def completed_share(self) -> float | None:
        """Return the share of the runs that completed, 0 to 1; None without runs."""
        return None if self.runs.empty else float((self.runs["outcome"] != State.FAILED).mean())

    @property
    def with_errors(self) -> int:
        """Return how many of the runs completed with errors."""
        return int((self.runs["outcome"] == WITH_ERRORS).sum())

    @property
    def median_seconds(self) -> float | None:
        """Return the usual duration; None for fewer known durations than FEWEST_RUNS."""
        return self._quantile(0.5)

    @property
    def p95_seconds(self) -> float | None:
        """Return the time that nineteen of twenty runs took at most; None as for the median."""
        return self._quantile(0.95)

    @property
    def last_good(self) -> int | None:
        """Return the id of the newest good run; None where there is none."""
        return self._last(self.runs["outcome"] == State.COMPLETED)

    @property
    def last_bad(self) -> int | None:
        """Return the id of the newest run that was not good; None where there is none."""
        return self._last(self.runs["outcome"] != State.COMPLETED)

    @property
    def first_bad(self) -> int | None:
        """Return the id of the first run after the last good one; None where either is missing."""
        good = self.last_good
        later = self.runs.loc[self.runs["id"] > good, "id"] if good is not None else self.runs["id"][:0]
        return None if later.empty else int(later.iloc[0])

    @property
    def sentence(self) -> str:
        """Return how the newest runs ended, in a sentence; a job in it is `#4711`."""
        outcomes = self.runs["outcome"].tolist()[::-1]
        if not outcomes:
            some = "has finished yet" if self.is_searched_through else "among the newest has finished"
            return f"No job of this name {some}."
        bad = list(takewhile(lambda outcome: outcome != State.COMPLETED, outcomes))
        return self._after_bad(bad) if bad else self._after_good(outcomes)

    def _after_good(self, outcomes: Sequence[str]) -> str:
        good = len(list(takewhile(lambda outcome: outcome == State.COMPLETED, outcomes)))
        last = "The last job of this name" if good == 1 else f"The last {good} of this name"
        last += " all" if good > 2 else ""
        before = ""
        if good < len(outcomes):
            it = "it" if good == 1 else "them"
            before = f"; #{self.last_bad} before {it} {_VERBS[outcomes[good]]}"
        return f"{last} completed{before}."

    def _after_bad(self, bad: Sequence[str]) -> str:
        count, alike = len(bad), self._alike()
        last = "The last job of this name" if count == 1 else f"The last {count} of this name"
        how = " or ".join(verb for outcome, verb in _VERBS.items() if outcome in bad)
        if alike >= count > 1:
            how = "failed alike" if how == "failed" else how.replace("errors", "the same error")
        elif alike > 1:
            how += f", the newest {alike} alike"
        elif alike == 1 < count:
            how += ", not all alike"
        if self.last_good is not None:
            return f"{last} {how}; the last good one was #{self.last_good}."
        is_all = self.is_searched_through and len(self.runs) < NEWEST_RUNS
        return f"{last} {how}; {'none' if is_all else 'none of those searched'} has ended well."

    def _alike(self) -> int:
        """Return how many of the newest runs have the error of the newest one; 0 if it has none."""
        is_run = self.newest["outcome"].isin([State.COMPLETED, *_VERBS])
        patterns = self.newest.loc[is_run, "pattern"].tolist()[::-1]
        if not patterns or patterns[0] in {"", NO_TEXT, ENDS_WELL}:
            return 0
        return len(list(takewhile(lambda pattern: pattern == patterns[0], patterns)))

    def _quantile(self, part: float) -> float | None:
        seconds = self.runs["seconds"].dropna()
        return float(seconds.quantile(part)) if len(seconds) >= FEWEST_RUNS else None

    def _last(self, among: pd.Series[bool]) -> int | None:
        ids = self.runs.loc[among, "id"]
        return None if ids.empty else int(ids.iloc[-1])


def read_name_history(
    database: Database, name: str, outcomes: Outcomes | None, now: datetime
) -> NameHistory:
    """Return the newest jobs of exactly this name, of the newest 100,000; `now` is aware.

    `values.UNKNOWN_NAME` means the jobs without a name. `outcomes` remembers the errors found in the
    outputs of the newest 20; those of older runs are known if the background has read them. Raises
    DatabaseUnavailable, and TookTooLong after SECONDS.
    """
    with database.reading(SECONDS) as connection:
        finished, others, is_searched_through = _read_jobs(connection, database, name, now)
        newest_ids = sorted(row.id for row in (*finished, *others))[-NEWEST:]
        newest_finished = read_finished(connection, job.c.id.in_(newest_ids))
        found = read_outcomes_of(connection, database, newest_finished, outcomes)
        known = frozenset(ids_in_set(database, WITH_ERRORS))
        with_errors = (known - found.keys()) | {i for i, outcome in found.items() if outcome.errors}
        runs = _frame(finished, with_errors, database)
        newest = pd.concat([runs, _frame(others, with_errors, database)])
        newest = newest.sort_values("id").tail(NEWEST).reset_index(drop=True)
        failed, completed = (
            newest.loc[newest["outcome"] == outcome, "id"].tolist() for outcome in _VERBS
        )
        texts = read_errors(connection, database, failed, completed)
    newest["text"] = newest["id"].map(lambda job_id: texts.get(job_id, "")[:EXAMPLE_CHARACTERS])
    newest["pattern"] = newest["id"].map(lambda job_id: fold(texts[job_id]) if job_id in texts else "")
    newest = newest.astype({"text": "str", "pattern": "str"})
    return NameHistory(newest, runs, _patterns(newest), is_searched_through)


def _patterns(newest: pd.DataFrame) -> pd.DataFrame:
    bad = newest[newest["pattern"] != ""]
    is_completed = (bad["outcome"] == WITH_ERRORS).astype("int64")
    found = bad.assign(completed=is_completed).groupby("pattern", sort=False)
    patterns = found.agg(
        text=("text", "last"),
        jobs=("id", "size"),
        completed=("completed", "sum"),
        last_job=("id", "last"),
        last=("at", "last"),
    )
    return patterns.reset_index().sort_values(["jobs", "last_job"], ascending=False, ignore_index=True)


def _read_jobs(
    connection: Connection, database: Database, name: str, now: datetime
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]], bool]:
    """Return the newest finished jobs, the newest others, and whether all jobs were searched."""
    source, (recorded,) = with_execution(database, job_execution.c.duration)
    took = seconds_taken(object_.c.created_at, job.c.completed_at, recorded, database.timezone, now)
    where, oldest = newest_jobs(connection)
    columns = (job.c.id, job.c.status_id, job.c.completed_at, object_.c.created_at, took.label("took"))
    jobs = select(*columns).select_from(source).where(is_called([name]), *where)
    jobs = jobs.order_by(job.c.id.desc())
    finished = connection.execute(jobs.where(is_finished()).limit(NEWEST_RUNS)).all()
    others = connection.execute(jobs.where(is_unfinished()).limit(NEWEST)).all()
    return finished, others, oldest is None


def _frame(rows: Sequence[Row[Any]], with_errors: Collection[int], database: Database) -> pd.DataFrame:
    jobs = [
        (
            row.id,
            WITH_ERRORS if row.status_id == COMPLETED and row.id in with_errors else _state(row),
            times.utc(row.completed_at or row.created_at, database.timezone),
            row.took,
        )
        for row in reversed(rows)
    ]
    return pd.DataFrame(jobs, columns=list(_RUNS)).astype(_RUNS)


def _state(row: Row[Any]) -> State:
    return state_of(row.status_id, row.completed_at is not None)
