"""How many errors and warnings the outputs of the platform's finished jobs have, as they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, delete, insert, select

from jobs_data.store.database import Store
from jobs_data.store.schema import job_outcome

ROWS_TOGETHER: Final = 2_000
"""How many rows one transaction writes."""


class Remembered(NamedTuple):
    """The outcome of one job and what it depends on: if that has changed, the job is read again."""

    job_id: int
    completed: str
    """When the job was completed, as the platform has it; empty without a time."""
    is_completed: bool
    """False: it failed."""
    errors: int
    warnings: int


def read_some(store: Store, platform: str, ids: Sequence[int]) -> dict[int, Remembered]:
    """Return what is remembered of some jobs of a platform, by their ids. Raises StoreUnavailable."""
    found: dict[int, Remembered] = {}
    for some in _together(ids):
        found |= _read(store, platform, job_outcome.c.job_id.in_(some))
    return found


def read_between(store: Store, platform: str, first: int, end: int | None) -> dict[int, Remembered]:
    """Return what is remembered of the jobs from one id up to another, which is not included.

    None is no end. Raises StoreUnavailable.
    """
    below = [] if end is None else [job_outcome.c.job_id < end]
    return _read(store, platform, job_outcome.c.job_id >= first, *below)


def read_with_errors(store: Store, platform: str, most: int) -> list[int]:
    """Return the ids of the completed jobs with errors, the newest `most`, descending.

    Raises StoreUnavailable.
    """
    asked = (
        select(job_outcome.c.job_id)
        .where(
            job_outcome.c.platform == platform,
            job_outcome.c.is_completed == 1,
            job_outcome.c.errors > 0,
        )
        # An expression, because the server would otherwise look at all jobs in this order.
        .order_by((job_outcome.c.job_id + 0).desc())
        .limit(most)
    )
    with store.reading() as connection:
        return list(connection.execute(asked).scalars())


def remember(
    store: Store, platform: str, rows: Sequence[Remembered], forgotten: Sequence[int] = ()
) -> None:
    """Store the outcomes of some jobs, each in place of an older one, and forget others.

    Raises StoreUnavailable.
    """
    is_here = job_outcome.c.platform == platform
    # Another process may store the same jobs.
    statement = insert(job_outcome).prefix_with("OR IGNORE", dialect="sqlite")
    for dialect in ("mysql", "mariadb"):
        statement = statement.prefix_with("IGNORE", dialect=dialect)
    for some in _together(forgotten):
        with store.writing() as connection:
            connection.execute(delete(job_outcome).where(is_here, job_outcome.c.job_id.in_(some)))
    for part in _together(sorted(rows)):
        among = (is_here, job_outcome.c.job_id.in_([row.job_id for row in part]))
        with store.writing() as connection:
            # Only rows that exist: InnoDB would lock the gaps of the others until the COMMIT.
            older = connection.execute(select(job_outcome.c.job_id).where(*among)).scalars().all()
            if older:
                connection.execute(delete(job_outcome).where(is_here, job_outcome.c.job_id.in_(older)))
            connection.execute(statement, [{"platform": platform, **row._asdict()} for row in part])


def forget_below(store: Store, platform: str, job_id: int) -> None:
    """Forget the jobs below an id. Raises StoreUnavailable."""
    with store.writing() as connection:
        connection.execute(
            delete(job_outcome).where(job_outcome.c.platform == platform, job_outcome.c.job_id < job_id)
        )


def _read(store: Store, platform: str, *where: ColumnElement[bool]) -> dict[int, Remembered]:
    c = job_outcome.c
    columns = (c.job_id, c.completed, c.is_completed, c.errors, c.warnings)
    with store.reading() as connection:
        rows = connection.execute(select(*columns).where(c.platform == platform, *where)).all()
    return {
        job_id: Remembered(job_id, completed, bool(is_completed), errors, warnings)
        for job_id, completed, is_completed, errors, warnings in rows
    }


T = TypeVar("T")


def _together(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(rows), ROWS_TOGETHER):
        yield rows[first : first + ROWS_TOGETHER]
