"""The figures of each queue. Which spellings of a name are one queue is the database's to say.

Under a collation without case, `Default` and `default` are one queue, for the platform's workers too.
Compared by their text here, they would be two rows, or one that counts jobs of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, case, func, or_

from jobs_data.platform import values
from jobs_data.queues.frames import frame
from jobs_data.queues.model import Queue


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
        """Add the figures that a statement selects beside `queue`, a `queue_name` of these queues."""
        for row in connection.execute(statement).mappings():
            self.setdefault(values.text(row["queue"]), {}).update(row)


def queue_name(queue: ColumnElement[Any], known: Iterable[str] = ()) -> ColumnElement[Any]:
    """Return a queue's name, in the spelling of the known queue that the database takes it for.

    A queue without a name is `[Unknown]`.
    """
    names = [*known, values.UNKNOWN_NAME]
    return case(*((in_queue(queue, name), name) for name in names), else_=queue).label("queue")


def in_queue(queue: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the SQL condition of the rows of a queue."""
    if name != values.UNKNOWN_NAME:
        return queue == name
    return or_(queue == name, func.trim(func.coalesce(queue, "")) == "")


def number_of(condition: ColumnElement[bool], jobs: Any = 1) -> ColumnElement[int]:
    """Return the aggregate that counts the jobs of the rows that meet a condition."""
    return func.sum(case((condition, jobs), else_=0))


def age_seconds(since: datetime | None, now: datetime) -> int | None:
    """Return how many whole seconds ago something was, at least 0."""
    return None if since is None else max(0, (now - since) // timedelta(seconds=1))
