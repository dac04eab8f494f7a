"""What the jobs of a period tell: how many, how they ended, how long, when, whose, and what is stuck.

A job belongs to the period in which it was created, and counts by the state it is in now. What reads
many rows looks at the newest jobs alone, and says at how many of how many it looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from jobs_data.jobs.where import duration_seconds
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.owners import owner_names
from jobs_data.platform.status import (
    COMPLETED,
    ERROR,
    State,
    is_finished,
    is_in,
    is_unfinished,
    state_of,
)
from jobs_data.platform.tables import JOB_CLASS, job, job_execution, object_

NEWEST_JOBS: Final = 100_000
"""At how many jobs of a period the reads of durations and owners look: the newest."""

ACTIVE_JOBS: Final = 2_000
"""How many active jobs are looked at: the oldest, for they are the likeliest to be stuck."""

LISTED_FAILURES: Final = 50
FEWEST_RUNS: Final = 5
SPREADS: Final = 5
SHORTEST_STUCK_SECONDS: Final = 600

SEARCH_ABOVE_IDS: Final = 50_000
"""Below so many ids a search for a period's first costs more than it saves."""

SEARCH_MARGIN: Final = timedelta(days=1)
PROBES: Final = 32

_QUARTER_SECONDS: Final = 900
_QUARTERS_MEANT: Final = range(2**23)
"""From 1970 to 2209: any other time stands for never, or for nothing."""

_TO_SECONDS_OF_1970: Final = 62_167_219_200


class Period(StrEnum):
    """The periods of the report, as the URL spells them: so many days of which today is the last."""

    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"
    ALL = "all"

    @property
    def days(self) -> int | None:
        """Return how many days it has, None where it has no beginning."""
        return None if self is Period.ALL else int(self.value)

    def start(self, zone: ZoneInfo, now: datetime) -> datetime | None:
        """Return the aware beginning of its first day in a zone."""
        if self.days is None:
            return None
        first = now.astimezone(zone).date() - timedelta(days=self.days - 1)
        return datetime.combine(first, time(), zone)

    def start_before(self, zone: ZoneInfo, now: datetime) -> datetime | None:
        """Return the aware beginning of the period of the same length before it."""
        if self.days is None:
            return None
        first = now.astimezone(zone).date() - timedelta(days=2 * self.days - 1)
        return datetime.combine(first, time(), zone)


def parse_period(value: str | None) -> Period:
    """Return the period that a URL asks for; what makes no sense is 30 days."""
    try:
        return Period((value or "").strip().lower())
    except ValueError:
        return Period.MONTH


@dataclass(frozen=True)
class Outcomes:
    """How many jobs were created in a period, and how many of them are in each state now."""

    total: int
    completed: int
    failed: int
    active: int

    @property
    def failure_rate(self) -> float | None:
        """Return which share of the finished jobs failed, 0 to 1; None where none is finished."""
        finished = self.completed + self.failed
        return self.failed / finished if finished else None


@dataclass(frozen=True)
class Activity:
    """When the jobs of a period were created, and how they ended. Nothing of it is sampled."""

    outcomes: Outcomes
    before: Outcomes | None
    """The same of the period before, of the same length; None where there is no such period."""
    by_day: pd.DataFrame
    """Index `day`: each day's aware start in the viewer's zone, none left out. int64 columns `total`,
    `completed`, `failed`, `active`."""
    by_hour: pd.DataFrame
    """168 rows: int64 columns `weekday` (0 is Monday), `hour`, `jobs`, in the viewer's zone."""
    read_at: datetime

    @property
    def rate_change(self) -> float | None:
        """Return by how much the failure rate grew on the period before, None where one is missing."""
        now = self.outcomes.failure_rate
        before = self.before.failure_rate if self.before else None
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Durations:
    """How long the finished jobs took, in seconds: as recorded, else completed minus created."""

    recorded: int
    derived: int
    mean: float | None
    median: float | None
    by_name: pd.DataFrame
    """A row per job name, most runs first: `name` str, `runs` int64, `median`, `p95`, `slowest`
    float64 seconds, `slowest_job` int64 its id, `change` float64: how the median of the later half of
    the time compares to the earlier half's (0.5 is half as long again; NaN: no runs in one half)."""
    looked_at: int
    has_more: bool
    """Whether the period has more jobs than were looked at, which are the newest."""


@dataclass(frozen=True)
class Owners:
    """Whose jobs they were."""

    by_owner: pd.DataFrame
    """A row per owner, most jobs first: `owner` str, `total`, `completed`, `failed` int64."""
    looked_at: int
    has_more: bool
    """As for durations."""


@dataclass(frozen=True)
class Stuck:
    """Active jobs that run far longer than is usual for their name."""

    jobs: pd.DataFrame
    """Longest first: `id` int64, `name` str, `since` UTC, `seconds`, `usual` (the name's median) and
    `limit` float64 seconds. `since` is the recorded start, else the creation."""
    cannot_tell: pd.DataFrame
    """Those that run longer than ten minutes and whose name has fewer than 5 finished runs: the same
    columns, the last two NaN."""
    active: int
    looked_at: int
    """How many active jobs were looked at, the oldest first."""
    runs: int
    """From how many of the newest jobs the usual was learnt."""


@dataclass(frozen=True)
class News:
    """What has ended since a time, among the newest jobs."""

    completed: int
    failed: int
    failures: pd.DataFrame
    """The latest 50 failures: `id` int64, `name` str, `at` UTC (its completion time)."""
    looked_at: int
    has_more: bool
    """Whether there are older jobs, at which was not looked."""


@dataclass(frozen=True)
class Scope:
    """Which jobs a read looks at: the newest of those created in a period."""

    where: tuple[ColumnElement[bool], ...]
    looked_at: int
    has_more: bool
    began: datetime | None
    """When the first that is looked at was created, naive, in the platform's zone."""


def read_activity(database: Database, period: Period, zone: ZoneInfo, now: datetime) -> Activity:
    """Return the counts of a period and of the one before; `now` is aware. Raises DatabaseUnavailable.

    A job whose creation time cannot be read, or lies before 1970 or after 2209, is left out.
    """
    start, start_before = period.start(zone, now), period.start_before(zone, now)
    with database.reading() as connection:
        counted = _by_quarter(connection, database, start_before)
    moments = pd.to_datetime(counted["quarter"] * _QUARTER_SECONDS, unit="s")
    local = moments.dt.tz_localize(
        database.timezone, ambiguous=np.ones(len(moments), bool), nonexistent="shift_forward"
    ).dt.tz_convert(zone)
    counted = counted.assign(local=local)
    before = None
    if start is not None:
        is_before = counted["local"] < start
        before = _outcomes(counted[is_before & (counted["local"] >= start_before)])
        counted = counted[~is_before]
    return Activity(
        outcomes=_outcomes(counted),
        before=before,
        by_day=_by_day(counted, start, zone, now),
        by_hour=_by_hour(counted),
        read_at=now,
    )


def read_durations(database: Database, period: Period, zone: ZoneInfo, now: datetime) -> Durations:
    """Return how long the jobs of a period took. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        scope = scope_of(connection, database, period.start(zone, now))
        began = scope.began or _naive(now, database)
        middle = began + (_naive(now, database) - began) / 2
        runs = _runs(connection, database, scope.where, middle)
    seconds = runs.loc[runs.index.repeat(runs["jobs"]), "seconds"]
    return Durations(
        recorded=int(runs.loc[runs["recorded"], "jobs"].sum()),
        derived=int(runs.loc[~runs["recorded"], "jobs"].sum()),
        mean=float(seconds.mean()) if len(seconds) else None,
        median=float(seconds.median()) if len(seconds) else None,
        by_name=_by_name(runs),
        looked_at=scope.looked_at,
        has_more=scope.has_more,
    )


def read_owners(database: Database, period: Period, zone: ZoneInfo, now: datetime) -> Owners:
    """Return whose the jobs of a period were. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        scope = scope_of(connection, database, period.start(zone, now))
        rows = connection.execute(
            select(job.c.user_id, job.c.status_id, func.count().label("jobs"))
            .join_from(job, object_, object_.c.id == job.c.id)
            .where(*scope.where)
            .group_by(job.c.user_id, job.c.status_id)
        ).all()
        owners = owner_names(connection, database, {row.user_id for row in rows})
    counted = pd.DataFrame(
        [
            (
                owners.get(row.user_id, values.SYSTEM_OWNER),
                row.jobs,
                row.jobs * (row.status_id == COMPLETED),
                row.jobs * (row.status_id == ERROR),
            )
            for row in rows
        ],
        columns=["owner", "total", "completed", "failed"],
    ).astype({"owner": "str", "total": "int64", "completed": "int64", "failed": "int64"})
    by_owner = counted.groupby("owner", as_index=False).sum()
    return Owners(
        by_owner.sort_values(["total", "owner"], ascending=[False, True], ignore_index=True),
        scope.looked_at,
        scope.has_more,
    )


def read_stuck(database: Database, now: datetime) -> Stuck:
    """Return the active jobs that run far longer than their name's finished runs usually do.

    Only the names of those that run for ten minutes already need runs to be compared with. Far longer
    is beyond the median plus five times the median absolute deviation, and ten minutes at least; a
    spread by quartiles or deviations would be moved by the very runs that were stuck.
    Raises DatabaseUnavailable.
    """
    with database.reading() as connection:
        active = _active(connection, database, now)
        of = connection.execute(select(func.count()).where(is_in(State.ACTIVE))).scalar_one()
        scope = scope_of(connection, database, None)
        long = active[active["seconds"] > SHORTEST_STUCK_SECONDS]
        # Those without a name have one in common, and are few.
        named = or_(job.c.name.in_(set(long["name"])), func.trim(func.coalesce(job.c.name, "")) == "")
        where = (*scope.where, named) if len(long) else (false(),)
        runs = _runs(connection, database, where, _naive(now, database))
    runs = runs[runs["name"].isin(long["name"])]
    each = runs.loc[runs.index.repeat(runs["jobs"]), ["name", "seconds"]]
    usual = each.groupby("name")["seconds"].agg(usual="median", runs="size")
    deviation = (each["seconds"] - each.groupby("name")["seconds"].transform("median")).abs()
    usual["limit"] = (usual["usual"] + SPREADS * deviation.groupby(each["name"]).median()).clip(
        lower=SHORTEST_STUCK_SECONDS
    )
    usual = usual.loc[usual["runs"] >= FEWEST_RUNS, ["usual", "limit"]].astype("float64")
    known = long.join(usual, on="name").sort_values("seconds", ascending=False, ignore_index=True)
    return Stuck(
        jobs=known[known["seconds"] > known["limit"]].reset_index(drop=True),
        cannot_tell=known[known["usual"].isna()].reset_index(drop=True),
        active=of,
        looked_at=len(active),
        runs=scope.looked_at,
    )


def read_news(database: Database, since: datetime) -> News:
    """Return what completed and what failed since an aware time. Raises DatabaseUnavailable."""
    with database.reading() as connection:
        scope = scope_of(connection, database, None)
        ended = (
            job.c.completed_at >= literal(_naive(since, database), job.c.completed_at.type),
            *scope.where,
        )
        counts = dict(
            map(
                tuple,
                connection.execute(
                    select(job.c.status_id, func.count())
                    .where(is_finished(), *ended)
                    .group_by(job.c.status_id)
                ),
            )
        )
        rows = connection.execute(
            select(job.c.id, job.c.name, job.c.completed_at)
            .where(job.c.status_id == ERROR, *ended)
            .order_by(job.c.completed_at.desc(), job.c.id.desc())
            .limit(LISTED_FAILURES)
        ).mappings()
        failures = pd.DataFrame(
            [
                (row["id"], values.name_of(row), times.utc(row["completed_at"], database.timezone))
                for row in rows
            ],
            columns=["id", "name", "at"],
        ).astype({"id": "int64", "name": "str", "at": "datetime64[us, UTC]"})
    return News(
        counts.get(COMPLETED, 0), counts.get(ERROR, 0), failures, scope.looked_at, scope.has_more
    )


def scope_of(connection: Connection, database: Database, start: datetime | None) -> Scope:
    """Return the newest jobs of a period that begins at an aware time, or of all time.

    Its conditions need the object joined only where the period has a beginning.
    """
    created = object_.c.created_at
    edge = connection.execute(
        select(object_.c.id, created)
        .where(object_.c.class_name == JOB_CLASS)
        .order_by(object_.c.id.desc())
        .offset(NEWEST_JOBS - 1)
        .limit(2)
    ).all()
    naive = None if start is None else _naive(start, database)
    since = () if naive is None else (created >= literal(naive, created.type),)
    # Most often the newest alone are more than enough: no search is needed for where it begins.
    if len(edge) > 1 and (naive is None or (edge[1].created_at and edge[1].created_at >= naive)):
        return _scope_from(connection, edge[0].id, since, has_more=True)
    began = created_since(connection, database, start)
    scope = _scope_from(connection, began.first_id, began.where, has_more=False)
    if scope.looked_at <= NEWEST_JOBS:
        return scope
    return _scope_from(connection, edge[0].id, since, has_more=True)


def _scope_from(
    connection: Connection, first_id: int, where: tuple[ColumnElement[bool], ...], *, has_more: bool
) -> Scope:
    # Objects are counted, not jobs: they alone know when, they are narrow, and each job is one.
    created = object_.c.created_at
    looked_at, began = connection.execute(
        select(func.count(), func.min(created, type_=created.type)).where(
            object_.c.class_name == JOB_CLASS, object_.c.id >= first_id, *where
        )
    ).one()
    return Scope((job.c.id >= first_id, *where), looked_at, has_more, began)


@dataclass(frozen=True)
class CreatedSince:
    """The condition that a job was created since a time, and an id before all such jobs."""

    first_id: int
    where: tuple[ColumnElement[bool], ...]
    begins_with_the_first: bool = True
    """Whether no job has a smaller id: then a read need not name the id, which an index may forgo."""


def created_since(connection: Connection, database: Database, start: datetime | None) -> CreatedSince:
    """Return what tells the jobs created since an aware time.

    The creation time has no index, but ids ascend with it nearly always: a search on the primary key
    finds where to begin. It begins a day early, and looks at some jobs before that; where one of them
    belongs to the period, ids do not tell, and all objects are looked at.
    """
    lowest, highest = connection.execute(select(func.min(job.c.id), func.max(job.c.id))).one()
    if start is None or lowest is None:
        return CreatedSince(lowest or 0, ())
    created = object_.c.created_at
    naive = _naive(start, database)
    first_id = lowest
    if highest - lowest > SEARCH_ABOVE_IDS:
        first_id = _search(connection, lowest, highest, naive)
    where = (created >= literal(naive, created.type),)
    return CreatedSince(first_id, where, first_id <= lowest)


def _search(connection: Connection, lowest: int, highest: int, start: datetime) -> int:
    low, high = lowest, highest + 1
    while low < high:
        middle = (low + high) // 2
        found = _job_from(connection, middle)
        if found is None or (found[1] is not None and found[1] >= start - SEARCH_MARGIN):
            high = middle
        else:
            low = found[0] + 1
    step = max(1, (low - lowest) // PROBES)
    for probe in range(lowest, low, step):
        found = _job_from(connection, probe)
        if found and found[0] < low and found[1] is not None and found[1] >= start:
            return lowest
    return low


def _job_from(connection: Connection, job_id: int) -> tuple[int, datetime | None] | None:
    row = connection.execute(
        select(job.c.id, object_.c.created_at)
        .join_from(job, object_, object_.c.id == job.c.id)
        .where(job.c.id >= job_id)
        .order_by(job.c.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.id, row.created_at)


def _naive(moment: datetime, database: Database) -> datetime:
    return moment.astimezone(database.timezone).replace(tzinfo=None)


def _by_quarter(connection: Connection, database: Database, start: datetime | None) -> pd.DataFrame:
    """Return how many jobs were created in each quarter of an hour, by state.

    All of a quarter are counted among the objects alone, which is several times as fast as joining a
    million jobs; only those that have not completed are joined, and the others are the rest. Where
    jobs and their objects are not one to one, everything is joined.
    """
    began = created_since(connection, database, start)
    quarter = _quarter(database).label("quarter")
    objects = connection.execute(
        select(quarter, func.count().label("jobs"))
        .where(object_.c.class_name == JOB_CLASS, object_.c.id >= began.first_id)
        .group_by("quarter")
    ).all()
    # Named, the id would have the whole rows read, which hold the outputs, and not just an index.
    in_reach = () if began.begins_with_the_first else (job.c.id >= began.first_id,)
    jobs = connection.execute(select(func.count()).select_from(job).where(*in_reach)).scalar_one()
    ended = job.c.completed_at.is_not(None)

    def count(ended: ColumnElement[bool], *where: ColumnElement[bool]) -> list[tuple[Any, str, int]]:
        rows = connection.execute(
            select(quarter, job.c.status_id, ended.label("ended"), func.count().label("jobs"))
            .join_from(job, object_, object_.c.id == job.c.id)
            .where(job.c.id >= began.first_id, *where)
            .group_by("quarter", job.c.status_id, "ended")
        )
        return [(r.quarter, state_of(r.status_id, bool(r.ended)).value, r.jobs) for r in rows]

    if sum(row.jobs for row in objects) == jobs:
        # Of a failed job the index on the status tells all; whether it has ended, only its row.
        records = count(true(), job.c.status_id == ERROR) + count(ended, is_unfinished())
        uncompleted = [(quarter, State.COMPLETED.value, -jobs) for quarter, _, jobs in records]
        records += [(row.quarter, State.COMPLETED.value, row.jobs) for row in objects]
        records += uncompleted
    else:
        records = count(ended)
    found = pd.DataFrame(
        [record for record in records if record[0] is not None and record[0] in _QUARTERS_MEANT],
        columns=["quarter", "state", "jobs"],
    ).astype({"quarter": "int64", "state": "str", "jobs": "int64"})
    return found.groupby(["quarter", "state"], as_index=False).sum()


def _quarter(database: Database) -> ColumnElement[int]:
    """Return the number of the quarter of an hour since 1970 in which an object was created."""
    if database.engine.dialect.name == "sqlite":
        seconds: ColumnElement[int] = cast(func.strftime("%s", object_.c.created_at), Integer)
    else:
        seconds = func.to_seconds(object_.c.created_at, type_=Integer) - _TO_SECONDS_OF_1970
    # Both divide whole numbers to whole numbers; 8 is the precedence of SQLAlchemy's own division.
    division = "/" if database.engine.dialect.name == "sqlite" else "DIV"
    return seconds.op(division, precedence=8)(_QUARTER_SECONDS)


def _outcomes(counted: pd.DataFrame) -> Outcomes:
    jobs = counted.groupby("state")["jobs"].sum()
    return Outcomes(
        total=int(jobs.sum()),
        completed=int(jobs.get(State.COMPLETED.value, 0)),
        failed=int(jobs.get(State.FAILED.value, 0)),
        active=int(jobs.get(State.ACTIVE.value, 0)),
    )


def _by_day(
    counted: pd.DataFrame, start: datetime | None, zone: ZoneInfo, now: datetime
) -> pd.DataFrame:
    dates = counted["local"].dt.date
    today = now.astimezone(zone).date()
    first = start.date() if start else min([*dates, today])
    # A clock that runs ahead puts a job into tomorrow; what lies beyond has no day here.
    last = min(max([*dates, today]), today + timedelta(days=1))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    counts = counted.assign(day=dates).pivot_table(
        index="day", columns="state", values="jobs", aggfunc="sum", fill_value=0
    )
    counts = counts.reindex(index=days, fill_value=0)
    states = [state.value for state in (State.COMPLETED, State.FAILED, State.ACTIVE)]
    total = counts.sum(axis=1)
    counts = counts.reindex(columns=states, fill_value=0)
    counts.insert(0, "total", total)
    counts.columns.name = None
    counts.index = pd.DatetimeIndex([datetime.combine(day, time(), zone) for day in days], name="day")
    return counts.astype("int64")


def _by_hour(counted: pd.DataFrame) -> pd.DataFrame:
    local = counted["local"].dt
    jobs = counted["jobs"].groupby([local.day_of_week, local.hour]).sum()
    hours = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    return jobs.reindex(hours, fill_value=0).rename("jobs").reset_index().astype("int64")


def _runs(
    connection: Connection,
    database: Database,
    where: Sequence[ColumnElement[bool]],
    middle: datetime,
) -> pd.DataFrame:
    """Return the finished jobs, grouped by what they took: the database sends few rows that way.

    Columns: `name`, `seconds`, `recorded` (not derived), `is_late` (created since the middle), `jobs`,
    `last_job` (the largest id).
    """
    created = object_.c.created_at
    source = job.join(object_, object_.c.id == job.c.id)
    recorded: ColumnElement[bool] = false()
    derived = seconds = duration_seconds()
    if "duration" in database.columns.get(job_execution.name, ()):
        source = source.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
        recorded = job_execution.c.duration.is_not(None)
        seconds = func.coalesce(job_execution.c.duration, derived)
    rows = connection.execute(
        select(
            job.c.name,
            seconds.label("seconds"),
            recorded.label("recorded"),
            (created >= literal(middle, created.type)).label("is_late"),
            func.count().label("jobs"),
            func.max(job.c.id).label("last_job"),
        )
        .select_from(source)
        .where(is_finished(), *where)
        .group_by(job.c.name, "seconds", "recorded", "is_late")
    ).mappings()
    return pd.DataFrame(
        [
            (
                values.name_of(row),
                row["seconds"],
                bool(row["recorded"]),
                bool(row["is_late"]),
                row["jobs"],
                row["last_job"],
            )
            for row in rows
            # Clocks that disagree can put the end before the beginning: that is no duration.
            if row["seconds"] is not None and row["seconds"] >= 0
        ],
        columns=["name", "seconds", "recorded", "is_late", "jobs", "last_job"],
    ).astype(
        {
            "name": "str",
            "seconds": "float64",
            "recorded": "bool",
            "is_late": "bool",
            "jobs": "int64",
            "last_job": "int64",
        }
    )


def _by_name(runs: pd.DataFrame) -> pd.DataFrame:
    each = runs.loc[runs.index.repeat(runs["jobs"])]
    seconds = each.groupby("name")["seconds"]
    halves = each.groupby(["name", "is_late"])["seconds"].median().unstack()
    halves = halves.reindex(columns=[False, True])
    slowest = runs.sort_values(["seconds", "last_job"]).groupby("name").last()
    found = pd.DataFrame(
        {
            "runs": seconds.size(),
            "median": seconds.median(),
            "p95": seconds.quantile(0.95),
            "slowest": slowest["seconds"],
            "slowest_job": slowest["last_job"],
            # From nothing to something is no share of it.
            "change": halves[True] / halves[False].where(halves[False] > 0) - 1,
        }
    ).reset_index(names="name")
    found = found.sort_values(["runs", "name"], ascending=[False, True], ignore_index=True)
    return found.astype({"name": "str", "runs": "int64", "slowest_job": "int64", "change": "float64"})


def _active(connection: Connection, database: Database, now: datetime) -> pd.DataFrame:
    source = job.outerjoin(object_, object_.c.id == job.c.id)
    started: ColumnElement[Any] = null()
    if "started_at" in database.columns.get(job_execution.name, ()):
        source = source.outerjoin(job_execution, job_execution.c.job_id == job.c.id)
        started = job_execution.c.started_at
    rows = connection.execute(
        select(job.c.id, job.c.name, object_.c.created_at.label("created"), started.label("started"))
        .select_from(source)
        .where(is_in(State.ACTIVE))
        .order_by(job.c.id)
        .limit(ACTIVE_JOBS)
    ).mappings()
    records = []
    for row in rows:
        since = times.utc(row["started"] or row["created"], database.timezone)
        if since is not None:
            records.append(
                (row["id"], values.name_of(row), since, (now.astimezone(UTC) - since).total_seconds())
            )
    return pd.DataFrame(records, columns=["id", "name", "since", "seconds"]).astype(
        {"id": "int64", "name": "str", "since": "datetime64[us, UTC]", "seconds": "float64"}
    )
