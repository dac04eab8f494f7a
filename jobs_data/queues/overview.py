"""The figures of each queue, by its exact name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, or_, text, true

from jobs_data.platform import times, values
from jobs_data.platform.dialects import exactly, is_blank, is_one_of
from jobs_data.platform.types import ExactText
from jobs_data.queues.model import Kind, Queue


@dataclass(frozen=True)
class Overview:
    """All queues, from one snapshot."""

    read_at: datetime
    queues: tuple[Queue, ...] = ()
    workers: tuple[str, ...] = ()
    """The workers seen, by name."""
    types: tuple[str, ...] = ()
    """The types of jobs, by name."""
    capped: tuple[str, ...] = ()
    """The tables of which some figures cover only the newest MOST_ROWS."""


class Figures(dict[str, dict[str, Any]]):
    """The figures of each queue by their names; several statements add to them."""

    def add(self, connection: Connection, statement: Select[Any]) -> None:
        """Add the aggregates that a statement selects beside a `queue_name` of these queues."""
        for row in connection.execute(statement.group_by(text("name"))).mappings():
            self.setdefault(values.text(row["name"]), {}).update(row)

    def queues(
        self, kind: Kind, counts: Iterable[str], zone: ZoneInfo, now: datetime
    ) -> tuple[Queue, ...]:
        """Return the queues, sorted by name. Missing `counts` are 0.

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


def queue_name(queue: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a queue's name; a queue without one is `[Unknown]`."""
    unknown = literal(values.UNKNOWN_NAME, ExactText())
    return case((is_blank(queue), unknown), else_=exactly(queue)).label("name")


def is_called(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the SQL condition of the rows with a whole name; of all rows where it is empty."""
    if not name:
        return true()
    called = is_one_of(column, [name])
    return or_(called, is_blank(column)) if name == values.UNKNOWN_NAME else called


def number_of(condition: ColumnElement[bool], jobs: Any = 1) -> ColumnElement[int]:
    """Return the aggregate that counts the jobs of the rows that meet a condition."""
    return func.sum(case((condition, jobs), else_=0))
