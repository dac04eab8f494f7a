"""The figures of each queue. Which spellings of a name are one queue is the database's to say.

Under a collation without case, `Default` and `default` are one queue, for the platform's workers too.
Compared by their text here, they would be two rows, or one that counts jobs of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, text, true

from jobs_data.platform import times, values
from jobs_data.queues.frames import frame
from jobs_data.queues.model import Kind, Queue


@dataclass(frozen=True)
class Overview:
    """All queues, read at one moment."""

    read_at: datetime
    queues: tuple[Queue, ...] = ()
    workers: tuple[str, ...] = ()
    """The workers seen, by name."""
    types: tuple[str, ...] = ()
    """The types of job that there are, by name."""
    capped: tuple[str, ...] = ()
    """The tables of which only the newest MOST_ROWS were looked at for some of the figures."""

    @property
    def rows(self) -> pd.DataFrame:
        """Return a row per queue, a `Queue` each."""
        return frame(Queue, self.queues)


class Figures(dict[str, dict[str, Any]]):
    """The figures of each queue by their names; several statements add to them."""

    def add(self, connection: Connection, statement: Select[Any]) -> None:
        """Add the aggregates that a statement selects beside a `queue_name` of these queues."""
        for row in connection.execute(statement.group_by(text("name"))).mappings():
            self.setdefault(values.text(row["name"]), {}).update(row)

    def queues(
        self, kind: Kind, counts: Iterable[str], zone: ZoneInfo, now: datetime
    ) -> tuple[Queue, ...]:
        """Return the queues, sorted by name. Those of `counts` that no statement gave are 0.

        Their oldest job waits since `available` or `created`; naive times are those of a zone.
        """
        queues = []
        for name, known in sorted(self.items()):
            waits_since = min(filter(None, map(known.get, ("available", "created"))), default=None)
            since = times.utc(waits_since, zone)
            age = None if since is None else max(0, (now - since) // timedelta(seconds=1))
            queue = Queue(
                kind=kind,
                queue=name,
                **{count: int(known.get(count, 0)) for count in counts},
                oldest_waiting_seconds=age,
                worker_seen=times.utc(known.get("seen"), zone),
            )
            queues.append(queue)
        return tuple(queues)


def queue_name(queue: ColumnElement[Any], known: Iterable[str] = ()) -> ColumnElement[Any]:
    """Return a queue's name, in the spelling of the known queue that the database takes it for.

    A queue without a name is `[Unknown]`.
    """
    names = [*known, values.UNKNOWN_NAME]
    return case(*((in_queue(queue, name), name) for name in names), else_=queue).label("name")


def in_queue(queue: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the SQL condition of the rows of a queue; of all rows where it is empty."""
    if not name:
        return true()
    if name != values.UNKNOWN_NAME:
        return queue == name
    return or_(queue == name, func.trim(func.coalesce(queue, "")) == "")


def number_of(condition: ColumnElement[bool], jobs: Any = 1) -> ColumnElement[int]:
    """Return the aggregate that counts the jobs of the rows that meet a condition."""
    return func.sum(case((condition, jobs), else_=0))
