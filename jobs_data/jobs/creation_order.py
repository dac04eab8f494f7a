"""Newest first without an index: what is known of the creation times of each thousand of ids.

A job's creation time, `object.created_at`, has no index, but ids are given out in ascending order, so
the two orders nearly always agree. Where they do not, the list has to be exact all the same. So the
table is read once, in the background, and of each span of ids only the earliest and the latest
creation time and the number of jobs are kept (as a block range index does). A page is then looked for
in the spans whose times reach into it, and in no others: a few thousand rows where ids and times
agree, more the less they do, and always all that could belong to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Integer, case, false, func, or_, select
from sqlalchemy.ext.compiler import compiles

from jobs_data.platform.tables import job, object_
from jobs_data.single_flight import SingleFlight

SPAN_IDS: Final = 1_000
UNSETTLED_IDS: Final = 5_000
"""The newest ids are read anew each time: one of them may belong to a transaction that is not ended."""

SLICE_IDS: Final = 250_000
"""How many ids one statement of a survey covers, so that each of them is short."""

SURVEY_SECONDS: Final = 600
"""After this a survey is made anew, for jobs that something put below the newest ids."""

MAX_RANGES: Final = 200
"""Of more ranges than this, SQL is given one that covers them all."""

MAX_ID: Final = 2**63 - 1
BEFORE_ALL_TIMES: Final = datetime(1000, 1, 1)  # noqa: DTZ001 - the platform's times are naive
"""What stands for a creation time that is NULL: such a job is older than all others."""

Ids = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]


class _BeforeAllTimes(ColumnElement[datetime]):
    """BEFORE_ALL_TIMES in SQL."""

    inherit_cache = True
    type = object_.c.created_at.type


@compiles(_BeforeAllTimes)
def _as_text(*_: object, **__: object) -> str:
    return f"'{BEFORE_ALL_TIMES}'"


@compiles(_BeforeAllTimes, "mysql", "mariadb")
def _as_time(*_: object, **__: object) -> str:
    # With a text in its place they would turn every time into a text, at three times the cost.
    return f"TIMESTAMP'{BEFORE_ALL_TIMES}'"


def before_all_times() -> ColumnElement[datetime]:
    """Return BEFORE_ALL_TIMES in SQL."""
    return _BeforeAllTimes()


def created() -> ColumnElement[datetime]:
    """Return when a job was created, for comparisons: never NULL, and never the zeros of MySQL."""
    time = object_.c.created_at
    return case((time > before_all_times(), time), else_=before_all_times())


def span_number(*, is_sqlite: bool = False) -> ColumnElement[int]:
    """Return the number of the span that a job's id lies in."""
    return job.c.id.op("/" if is_sqlite else "DIV", return_type=Integer())(SPAN_IDS)


Reading = Callable[[], AbstractContextManager[Connection]]
"""Opens a transaction: `Database.reading`."""


@dataclass(frozen=True)
class Range:
    """The ids from `first` to `last`, both included."""

    first: int
    last: int


def within(ranges: Sequence[Range], ids: ColumnElement[int] = job.c.id) -> ColumnElement[bool]:
    """Return the SQL condition of ids that lie in one of some ranges."""
    return or_(false(), *(ids.between(r.first, r.last) for r in ranges))


@dataclass(frozen=True)
class Window:
    """Where the rows of a page are: in `ranges`, not created before `since`, after `skip` others."""

    ranges: list[Range]
    since: datetime | None
    skip: int


@dataclass(frozen=True)
class Piece:
    """The jobs in `ranges` created since a time and before another; there are at most `at_most`."""

    ranges: list[Range]
    since: datetime | None
    before: datetime | None
    at_most: int


@dataclass(frozen=True)
class Spans:
    """The spans that hold jobs, in the order of their ids. Times are naive, as in the database."""

    numbers: Ids
    earliest: Times
    latest: Times
    jobs: Ids

    @property
    def total(self) -> int:
        """Return how many jobs all spans have."""
        return int(self.jobs.sum())

    def __add__(self, later: Spans) -> Spans:
        """Return these spans and those behind them."""
        return Spans(
            np.concatenate([self.numbers, later.numbers]),
            np.concatenate([self.earliest, later.earliest]),
            np.concatenate([self.latest, later.latest]),
            np.concatenate([self.jobs, later.jobs]),
        )

    def counting(self, counted: Mapping[int, int]) -> Spans:
        """Return the spans with the numbers of other jobs: those of a filter, for example."""
        return replace(self, jobs=np.array([counted.get(n, 0) for n in self.numbers], dtype=np.int64))

    def window(self, offset: int, limit: int) -> Window:
        """Return where the rows from `offset` on are in the order of creation, newest first."""
        since = self._time_of(offset + limit)
        newer = self._surely_before(offset)
        reaching = ~newer if since is None else ~newer & (self.latest >= np.datetime64(since))
        ranges = self._ranges(reaching)
        if len(ranges) > MAX_RANGES:
            return Window([Range(0, MAX_ID)], since, offset)
        return Window(ranges, since, offset - int(self.jobs[newer].sum()))

    def reaching(self, since: datetime | None, until: datetime | None) -> list[Range]:
        """Return where jobs created between two times, both included, can be; None is no limit."""
        ranges = self._ranges(self._there(since, until))
        return ranges if len(ranges) <= MAX_RANGES else [Range(ranges[0].first, ranges[-1].last)]

    def _there(self, since: datetime | None, until: datetime | None) -> npt.NDArray[np.bool_]:
        there = np.ones(len(self.numbers), dtype=bool)
        if since is not None:
            there &= self.latest >= np.datetime64(since)
        if until is not None:
            there &= self.earliest <= np.datetime64(until)
        return there

    def pieces(self, jobs: int) -> Iterator[Piece]:
        """Yield the list cut into pieces of about so many jobs, the newest first."""
        newest_first = np.argsort(self.earliest)[::-1]
        rows = self.jobs[newest_first].cumsum()
        before: datetime | None = None
        enough = jobs
        for at, span in enumerate(newest_first[:-1]):
            since = _as_datetime(self.earliest[span])
            if rows[at] >= enough and since != before and since > BEFORE_ALL_TIMES:
                yield self._piece(since, before)
                before, enough = since, int(rows[at]) + jobs
        yield self._piece(None, before)

    def _piece(self, since: datetime | None, before: datetime | None) -> Piece:
        there = self._there(since, before)
        return Piece(self.reaching(since, before), since, before, int(self.jobs[there].sum()))

    def overlap(self) -> float:
        """Return how many spans, on average, reach over a moment; about 1 where times follow ids."""
        if not len(self.numbers):
            return 1.0
        latest, earliest = np.sort(self.latest), np.sort(self.earliest)
        begun = np.searchsorted(earliest, self.earliest, side="right")
        ended = np.searchsorted(latest, self.earliest, side="left")
        return float((begun - ended).mean())

    def _time_of(self, position: int) -> datetime | None:
        """Return a time since which at least so many jobs were created; None where that is all time."""
        order = np.argsort(self.earliest)[::-1]
        enough = np.flatnonzero(self.jobs[order].cumsum() >= position)
        if not len(enough):
            return None
        since = _as_datetime(self.earliest[order[enough[0]]])
        return since if since > BEFORE_ALL_TIMES else None

    def _surely_before(self, offset: int) -> npt.NDArray[np.bool_]:
        """Return which spans hold only jobs that are among the first `offset`."""
        order = np.argsort(self.latest)[::-1]
        # Jobs newer than the latest time of the first span that does not fit any more are all in the
        # spans before it, and those fit.
        overflowing = np.flatnonzero(self.jobs[order].cumsum() > offset)
        if not len(overflowing):
            return np.ones(len(self.numbers), dtype=bool)
        sure: npt.NDArray[np.bool_] = self.earliest > self.latest[order[overflowing[0]]]
        return sure

    def _ranges(self, chosen: npt.NDArray[np.bool_]) -> list[Range]:
        numbers = self.numbers[chosen]
        cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
        return [
            Range(int(run[0]) * SPAN_IDS, int(run[-1]) * SPAN_IDS + SPAN_IDS - 1)
            for run in np.split(numbers, cuts)
            if len(run)
        ]


NO_SPANS: Final = Spans(
    *(np.array([], dtype=t) for t in ("int64", "datetime64[us]", "datetime64[us]", "int64"))
)


class Survey:
    """What this process knows of one database's spans, for all its threads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        # The spans below an id, and that id.
        self._settled: tuple[Spans, int] | None = None
        self._made_at = -math.inf
        self._flights = SingleFlight[None]()

    @property
    def is_known(self) -> bool:
        """Return whether a survey has been made."""
        return self._settled is not None

    @property
    def is_old(self) -> bool:
        """Return whether it is time to make one."""
        return time.monotonic() - self._made_at > SURVEY_SECONDS

    def forget(self) -> None:
        """Know nothing any more: jobs were put below the newest ids."""
        self._settled, self._made_at = None, -math.inf

    def make(self, reading: Reading) -> None:
        """Read the spans of all jobs but the newest; `reading` opens a transaction, one for each slice.

        Where another thread is at it, waits until that is through. Raises what `reading` raises, in
        whichever thread, and TimeoutError where the other thread takes long.
        """
        self._flights.run("survey", lambda: self._make(reading))

    def _make(self, reading: Reading) -> None:
        began = time.monotonic()
        with reading() as connection:
            lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
        spans, start, end = NO_SPANS, 0, 0
        if lowest is not None:
            start = lowest - lowest % SPAN_IDS
            end = max(start, highest - highest % SPAN_IDS - UNSETTLED_IDS)
        for first in range(start, end, SLICE_IDS):
            with reading() as connection:
                spans += _read(connection, first, min(first + SLICE_IDS, end))
        self._settled, self._made_at = (spans, end), began

    def reaching(self, since: datetime | None, until: datetime | None = None) -> list[Range] | None:
        """Return where jobs created between two times, both included, can be.

        None where no survey has been made: then they can be anywhere.
        """
        if self._settled is None:
            return None
        settled, end = self._settled
        return [*settled.reaching(since, until), Range(end, MAX_ID)]

    def spans(self, reading: Reading, connection: Connection, total: int | None = None) -> Spans:
        """Return the spans as one transaction sees them, making a survey where there is none.

        Where `total`, the number of jobs that the transaction sees, is given, the numbers of jobs are
        exact; otherwise they may count jobs that have been removed since the survey.
        """
        while (known := self._settled) is None:
            self.make(reading)
        settled, end = known
        newest = _read(connection, end)
        if total is None or settled.total + newest.total == total:
            return settled + newest
        # Something has removed jobs. The times still are bounds, but numbers have to be right.
        settled = settled.counting(count_by_span(connection, [job.c.id < end]))
        if settled.total + newest.total != total:
            # Something has put jobs where there were none. The next survey will find them too.
            self.forget()
            return _read(connection, 0)
        if self._settled is known:
            self._settled = settled, end
        return settled + newest


def count_by_span(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> dict[int, int]:
    """Return how many jobs that meet some conditions each span has, by its number."""
    number = span_number().label("number")
    rows = connection.execute(select(number, func.count()).where(*conditions).group_by("number"))
    return {row[0]: row[1] for row in rows}


def _read(connection: Connection, first: int, end: int | None = None) -> Spans:
    """Read the spans of the ids from `first` on, up to but without `end`."""
    number = span_number().label("number")
    statement = (
        select(number, func.min(created()), func.max(created()), func.count())
        .select_from(job.outerjoin(object_, object_.c.id == job.c.id))
        .where(job.c.id >= first, *([] if end is None else [job.c.id < end]))
        .group_by("number")
        .order_by("number")
    )
    # Any, because a time that cannot be read is None: 0000-00-00, which sorts before all others.
    rows: Sequence[Any] = connection.execute(statement).all()
    return Spans(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] or BEFORE_ALL_TIMES for row in rows], dtype="datetime64[us]"),
        np.array([row[2] or BEFORE_ALL_TIMES for row in rows], dtype="datetime64[us]"),
        np.array([row[3] for row in rows], dtype=np.int64),
    )


def _as_datetime(moment: np.datetime64) -> datetime:
    return cast("datetime", moment.astype("datetime64[us]").item())
