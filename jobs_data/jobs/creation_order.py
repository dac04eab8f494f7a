"""Newest first without an index: the order in which jobs were created.

A job's creation time, `object.created_at`, has no index, but ids are given out in ascending order, so
the two orders nearly always agree. A survey reads all ids and times once, in the background, and finds
the strays: the few jobs whose time disagrees with their place. Newest first then is descending ids,
with the strays merged in, and so are the newest ids, which no survey has seen yet. Before the first
survey only the newest ids are sorted by time. Where there are too many strays, the database sorts.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from jobs_data.background import Background
from jobs_data.jobs.strays import IdOrder, Ids, Times
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import before_all_times
from jobs_data.platform.errors import NO_ANSWER, DatabaseUnavailable
from jobs_data.platform.id_lists import allow_lists
from jobs_data.platform.tables import job, object_
from jobs_data.single_flight import WAIT_SECONDS

log = logging.getLogger(__name__)

UNSETTLED_IDS: Final = 1_000
"""The newest ids are not surveyed: one of them may belong to a transaction that has not ended."""

ASSUMED_JOBS: Final = 2_000
"""How many of the newest jobs are sorted by time before the first survey."""

SLICE_JOBS: Final = 20_000
"""How many jobs one statement of a survey reads: each is short, and its answer below 1 MB."""

SURVEY_SECONDS: Final = 600
"""After this a full survey runs again, for jobs inserted below the newest ids."""

EXTEND_SECONDS: Final = 60
"""After this a survey is extended to newer ids."""


def created() -> ColumnElement[datetime]:
    """Return when a job was created, for comparisons: never NULL, and never the zeros of MySQL."""
    moment = object_.c.created_at
    return case((moment > before_all_times(), moment), else_=before_all_times())


def created_text() -> ColumnElement[str]:
    """Return `created` as a text, which sorts as the time does and which every driver can read."""
    return cast(created(), String())


def with_object() -> FromClause:
    """Return the jobs with their objects, and NULLs where the object is missing."""
    return job.outerjoin(object_, object_.c.id == job.c.id)


def beyond(place: tuple[str, int], *, is_newer: bool) -> ColumnElement[bool]:
    """Return the condition of the jobs newer, or older, than a place: a `created_text` and an id."""
    moment, job_id = literal(place[0], String()), place[1]
    if is_newer:
        return or_(created() > moment, and_(created() == moment, job.c.id > job_id))
    return or_(created() < moment, and_(created() == moment, job.c.id < job_id))


def is_loose(order: IdOrder) -> ColumnElement[bool]:
    """Return the condition of the jobs whose id does not give their place: strays and the newest."""
    return or_(job.c.id >= order.end, job.c.id.in_(order.strays.tolist()))


def is_in_order(order: IdOrder, first: int = 0, end: int | None = None) -> ColumnElement[bool]:
    """Return the condition of all other jobs, or of those of some ids: times that never descend."""
    end = order.end if end is None else end
    among = order.strays[(order.strays >= first) & (order.strays < end)].tolist()
    # An expression, because the server would otherwise read the ranges between the strays.
    others = [(job.c.id + 0).not_in(among)] if among else []
    return and_(job.c.id >= first, job.c.id < end, *others)


class CreationOrder:
    """What this process knows about the order in one database; shared by its threads."""

    def __init__(self, database: Database) -> None:
        """Know nothing yet."""
        self._database = database
        self._order: IdOrder | None = None
        self._surveyed_at = self._extended_at = -math.inf
        self._forgotten = 0
        self._lock = threading.Lock()
        self._surveying = threading.Lock()
        self._surveyor = Background("survey")

    @property
    def known(self) -> IdOrder | None:
        """Return the strays and the end of the survey; None if the database must sort."""
        order = self._order
        return None if order is None or order.is_too_mixed else order

    @property
    def is_too_mixed(self) -> bool:
        """Return whether a survey found too many strays, so that the database must sort."""
        return self._order is not None and self._order.is_too_mixed

    def known_or_assumed(self, connection: Connection) -> IdOrder | None:
        """Return what is known, and before the first survey what is likely; None: the database sorts.

        Then ids are assumed to ascend with the times, but for the newest ASSUMED_JOBS.
        """
        if self._order is not None or self._database.is_sqlite:
            return self.known
        newest = select(job.c.id).order_by(job.c.id.desc()).limit(1).offset(ASSUMED_JOBS - 1)
        end = connection.execute(newest).scalar()
        return IdOrder() if end is None else IdOrder(end, is_assumed=True)

    def forget(self) -> None:
        """Forget the survey: jobs were inserted below the newest ids."""
        with self._lock:
            self._forgotten += 1
            self._order, self._surveyed_at, self._extended_at = None, -math.inf, -math.inf

    def since(self, moment: datetime) -> list[ColumnElement[bool]]:
        """Return conditions on `job.id` that every job created at or after a time meets.

        `moment` is naive, on the platform's clock. Older jobs may meet them too, and there is no
        condition before the first survey: the caller must still compare the times.
        """
        if (order := self.known) is None:
            return []
        text = str(moment)
        strays = order.strays_since(text).tolist()
        return [or_(job.c.id >= order.first_since(text), job.c.id.in_(strays))]

    def keep_surveyed(self) -> None:
        """Begin a survey in the background if one is due."""
        is_old = time.monotonic() - self._extended_at > EXTEND_SECONDS
        if is_old and not self._database.is_sqlite:
            self._surveyor.begin(self._survey_quietly)

    def survey(self) -> None:
        """Read the order of all jobs but the newest, or, soon after a survey, of newer jobs alone.

        Each slice is its own transaction. Waits for another thread's survey. Raises
        DatabaseUnavailable. SQLite sorts by itself.
        """
        if self._database.is_sqlite:
            return
        if not self._surveying.acquire(timeout=WAIT_SECONDS):
            raise DatabaseUnavailable(NO_ANSWER)
        try:
            self._survey()
        finally:
            self._surveying.release()

    def _survey(self) -> None:
        began, forgotten = time.monotonic(), self._forgotten
        is_anew = self._order is None or began - self._surveyed_at > SURVEY_SECONDS
        order = (None if is_anew else self._order) or IdOrder()
        end = self._settled_end()
        while order.end < end and not order.is_too_mixed:
            with self._database.reading() as connection:
                ids, times = _read_slice(connection, order.end, end)
            is_last = len(ids) < SLICE_JOBS
            order = order.extended(ids, times, end if is_last else int(ids[-1]) + 1)
        with self._lock:
            if self._forgotten != forgotten:
                return
            self._order, self._extended_at = order, began
            if is_anew:
                self._surveyed_at = began
        if is_anew and order.is_too_mixed:
            log.info("ids and creation times disagree too often, so the database sorts the list")

    def close(self) -> None:
        """Wait for a survey that is running."""
        self._surveyor.wait()

    def _survey_quietly(self) -> None:
        try:
            self.survey()
        except DatabaseUnavailable as error:  # the next reader tries again
            log.warning("the order of creation was not read: %s", error)

    def _settled_end(self) -> int:
        with self._database.reading() as connection:
            highest = connection.execute(select(func.max(job.c.id))).scalar() or 0
        return int(highest) - UNSETTLED_IDS + 1


def _read_slice(connection: Connection, first: int, end: int) -> tuple[Ids, Times]:
    """Return the ids of the next jobs from one on, ascending, and their times.

    As two long values: drivers are slow for each row, but fast for one long value.
    """
    allow_lists(connection)
    rows = (
        select(job.c.id, created_text().label("time"))
        .select_from(with_object())
        .where(job.c.id >= first, job.c.id < end)
        .order_by(job.c.id)
        .limit(SLICE_JOBS)
        .subquery("rows")
    )
    both = select(func.count(), func.group_concat(rows.c.id), func.group_concat(rows.c.time))
    jobs, ids, times = connection.execute(both).one()
    if not jobs:
        return np.array([], dtype=np.int64), np.array([], dtype="S26")
    found = np.array(ids.split(","), dtype=np.int64), np.array(times.split(","), dtype="S26")
    if not len(found[0]) == len(found[1]) == jobs:
        raise DatabaseUnavailable(
            "The database's max_allowed_packet is below 1 MB. Raise it on the server."
        )
    by_id = np.argsort(found[0])
    return found[0][by_id], found[1][by_id]
