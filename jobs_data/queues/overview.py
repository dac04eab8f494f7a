"""The figures of each queue, in one statement that leaves it to the database which names are one.

Under a collation without case, `Default` and `default` are one queue, for the platform's workers too.
Joined by their text, they would be two, or one that counts some of its jobs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, literal, null, select, type_coerce, union_all
from sqlalchemy.types import TypeEngine

from jobs_data.queues.model import Queue

SUMS: Final = (
    "waiting",
    "delayed",
    "running",
    "completed",
    "failed",
    "other",
    "completed_last_hour",
    "workers",
)


@dataclass(frozen=True)
class Overview:
    """The queues of one system."""

    queues: Sequence[Queue] = ()
    workers: tuple[str, ...] = ()
    """The workers seen, by name."""
    types: tuple[str, ...] = ()
    """The types of job that there are, by name."""
    capped: tuple[str, ...] = ()
    """The tables of which only the newest rows were looked at for some of the figures."""


def figures(queue: ColumnElement[Any], **known: ColumnElement[Any]) -> Select[Any]:
    """Select some figures under their names, for `by_queue`; a sum that is left out is 0."""
    return select(
        queue.label("queue"),
        *(known.get(name, literal(0)).label(name) for name in SUMS),
        *(known.get(name, null()).label(name) for name in ("since", "undated", "seen")),
    )


def by_queue(parts: Sequence[Select[Any]], time: TypeEngine[datetime]) -> Select[Any]:
    """Select a row for each queue out of several tables' figures.

    `since` is the least time from which a waiting job could have started, `undated` the least id of a
    waiting job that has none, and `seen` the latest sign of a worker. `time` is the type of the times.
    """
    each = union_all(*parts).subquery("each")
    return select(
        each.c.queue,
        *(func.sum(each.c[name]).label(name) for name in SUMS),
        type_coerce(func.min(each.c.since), time).label("since"),
        func.min(each.c.undated).label("undated"),
        type_coerce(func.max(each.c.seen), time).label("seen"),
    ).group_by(each.c.queue)


def number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the aggregate that counts the rows that meet a condition."""
    return func.sum(case((condition, 1), else_=0))


def age_seconds(since: datetime | None, now: datetime) -> int | None:
    """Return how many whole seconds ago something was, at least 0."""
    return None if since is None else max(0, (now - since) // timedelta(seconds=1))
