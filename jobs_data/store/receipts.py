"""Reading the receipts: listed, searched, one by one, and as JSON lines."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, exists, func, or_, select

from jobs_data.page import Page
from jobs_data.platform.dialects import exactly
from jobs_data.store.batch_content import job_lines, parse_line
from jobs_data.store.database import Store
from jobs_data.store.receipt_writer import BUSY_SECONDS
from jobs_data.store.schema import Outcome, batch, job, name, receipt, restore

MAX_JOB_ID: Final = 2**63 - 1
NAMES: Final = 20
"""How many names of a receipt's jobs are read, the most frequent first."""

SAMPLE_TEXT: Final = 300
STAYED: Final = (Outcome.ACTIVE, Outcome.MISSING, Outcome.LOCKED)


class State(StrEnum):
    """The state of a receipt; the values are for the screen."""

    AT_WORK = "In progress"
    """A deletion or a restore is writing it."""
    COMPLETE = "Deleted"
    ENDED_EARLY = "Stopped early"
    """The deletion was interrupted, or ended with an error."""
    RESTORED = "Restored"
    """All deleted jobs have been restored."""
    PARTLY_RESTORED = "Partly restored"


@dataclass(frozen=True)
class Receipt:
    """A receipt without its rows."""

    key: int
    id: str
    at: datetime
    """When the deletion began, aware and in UTC."""
    by: str
    action: str
    filter: str
    platform: str
    """The identity of the platform's database."""
    columns: dict[str, list[str]]
    """The columns of each table in the rows."""
    busy_until: datetime | None
    ended_at: datetime | None
    error: str
    counts: dict[Outcome, int]
    problems: int
    """How many jobs could not be restored."""
    names: list[tuple[str, int]]
    """The most frequent names, at most 20, with how many jobs have each."""
    other_names: int
    """How many more names there are."""
    size: int
    """Bytes of the compressed rows."""
    restores: list[tuple[datetime, str, int]]
    """When, by whom, and how many jobs were restored."""

    @property
    def removed(self) -> int:
        """Return how many jobs were deleted."""
        return self.counts.get(Outcome.REMOVED, 0) + self.restored

    @property
    def restored(self) -> int:
        """Return how many of them have been restored."""
        return self.counts.get(Outcome.RESTORED, 0)

    @property
    def pending(self) -> int:
        """Return for how many jobs only the platform's database has the outcome."""
        return self.counts.get(Outcome.PENDING, 0)

    @property
    def stayed(self) -> int:
        """Return how many jobs were not deleted."""
        return sum(self.counts.get(outcome, 0) for outcome in STAYED)

    @property
    def to_restore(self) -> int:
        """Return how many jobs may be restored."""
        return self.counts.get(Outcome.REMOVED, 0) + self.pending

    @property
    def is_busy(self) -> bool:
        """Return whether a deletion or a restore, in any process, is writing it."""
        left = self.busy_until - datetime.now(UTC) if self.busy_until else timedelta()
        return timedelta() < left <= timedelta(seconds=BUSY_SECONDS)

    @property
    def state(self) -> State:
        """Return its present state."""
        if self.is_busy:
            return State.AT_WORK
        if self.restored:
            return State.PARTLY_RESTORED if self.to_restore else State.RESTORED
        return State.ENDED_EARLY if self.error or not self.ended_at else State.COMPLETE


def list_receipts(store: Store, text: str, page: int, limit: int) -> Page[list[Receipt]]:
    """Return a page of the receipts that match a search, newest first; without a text, of all.

    Each word has to be in who, which action, which jobs or a job's name, be the number of a job whose
    rows the receipt has, or be its id. Raises StoreUnavailable.
    """
    where = [_has(word) for word in dict.fromkeys(text.split())]
    with store.reading() as connection:
        total = connection.execute(select(func.count()).select_from(receipt).where(*where)).scalar_one()
        page = min(max(1, page), max(1, -(-total // limit)))
        rows = connection.execute(
            select(receipt)
            .where(*where)
            .order_by(receipt.c.key.desc())
            .limit(limit)
            .offset((page - 1) * limit)
        )
        return Page(_complete(connection, rows.all()), total, page, limit)


def read_receipt(store: Store, receipt_id: str) -> Receipt | None:
    """Return a receipt, None if it does not exist. Raises StoreUnavailable."""
    with store.reading() as connection:
        found = connection.execute(select(receipt).where(receipt.c.id == receipt_id)).all()
        return next(iter(_complete(connection, found)), None)


def _has(word: str) -> ColumnElement[bool]:
    folded = word.casefold()
    conditions = [
        receipt.c.id == word,
        receipt.c.words.contains(folded, autoescape=True),
        exists().where(name.c.receipt == receipt.c.key, name.c.words.contains(folded, autoescape=True)),
    ]
    if word.isascii() and word.isdigit() and len(word) <= len(str(MAX_JOB_ID)):
        number = int(word)
        if number <= MAX_JOB_ID:
            conditions.append(
                receipt.c.key.in_(select(job.c.receipt).where(job.c.job_id == number, job.c.batch > 0))
            )
    return or_(*conditions)


_AS_STORED: Final = ("key", "id", "at", "by", "action", "filter", "platform", "busy_until", "ended_at")


def _complete(connection: Connection, rows: Sequence[Row[Any]]) -> list[Receipt]:
    keys = [row.key for row in rows]
    counts: dict[int, dict[Outcome, int]] = defaultdict(dict)
    problem_counts: dict[int, int] = defaultdict(int)
    # In the order of the key: grouped by outcome, a million jobs would be sorted first.
    of_each = [func.count(case((job.c.outcome == outcome, 1))) for outcome in Outcome]
    counted = select(job.c.receipt, func.count(job.c.problem), *of_each)
    counted = counted.where(job.c.receipt.in_(keys)).group_by(job.c.receipt)
    for key, problem_counts[key], *jobs in connection.execute(counted):
        counts[key] = {outcome: n for outcome, n in zip(Outcome, jobs, strict=True) if n}
    sizes = select(batch.c.receipt, func.sum(batch.c.size)).where(batch.c.receipt.in_(keys))
    size_of = {row[0]: int(row[1]) for row in connection.execute(sizes.group_by(batch.c.receipt))}
    restores: dict[int, list[tuple[datetime, str, int]]] = defaultdict(list)
    done = select(restore).where(restore.c.receipt.in_(keys)).order_by(restore.c.id)
    for row in connection.execute(done):
        restores[row.receipt].append((row.at, row.by, row.restored))
    found = []
    for row in rows:
        own, exact = name.c.receipt == row.key, exactly(name.c.name)
        most_first = select(exact.label("name"), func.sum(name.c.jobs).label("jobs")).where(own)
        names = connection.execute(
            most_first.group_by(exact).order_by(func.sum(name.c.jobs).desc(), exact).limit(NAMES)
        ).all()
        distinct = select(func.count(exact.distinct())).where(own)
        found.append(
            Receipt(
                **{each: row._mapping[each] for each in _AS_STORED},
                columns=json.loads(row.columns),
                error=row.error or "",
                counts=counts[row.key],
                problems=problem_counts[row.key],
                names=[(each.name, int(each.jobs)) for each in names],
                other_names=connection.execute(distinct).scalar_one() - len(names),
                size=size_of.get(row.key, 0),
                restores=restores[row.key],
            )
        )
    return found


def job_ids(store: Store, key: int, outcome: Outcome, limit: int) -> list[int]:
    """Return the first jobs of an outcome. Raises StoreUnavailable."""
    own = (job.c.receipt == key, job.c.outcome == outcome)
    first = select(job.c.job_id).where(*own).order_by(job.c.batch, job.c.job_id).limit(limit)
    with store.reading() as connection:
        return list(connection.execute(first).scalars())


def problems(store: Store, key: int, limit: int) -> dict[int, str]:
    """Return why jobs could not be restored, of the first of them. Raises StoreUnavailable."""
    own = (job.c.receipt == key, job.c.outcome == Outcome.REMOVED, job.c.problem.is_not(None))
    first = select(job.c.job_id, job.c.problem).where(*own).order_by(job.c.batch, job.c.job_id)
    with store.reading() as connection:
        return {row.job_id: row.problem for row in connection.execute(first.limit(limit))}


def _batches(store: Store, key: int) -> Sequence[int]:
    numbers = select(batch.c.number).where(batch.c.receipt == key).order_by(batch.c.number)
    with store.reading() as connection:
        return connection.execute(numbers).scalars().all()


def batch_lines(store: Store, key: int, number: int) -> list[bytes]:
    """Return the JSON lines of a batch, none where there is no such batch. Raises StoreUnavailable."""
    one = select(batch.c.lines).where(batch.c.receipt == key, batch.c.number == number)
    with store.reading() as connection:
        data = connection.execute(one).scalar()
    return job_lines(zlib.decompress(data)) if data else []


def stream(store: Store, receipt_id: str) -> Generator[bytes]:
    """Yield a receipt as JSON lines, a batch at a time; nothing if it does not exist.

    docs/removing.md describes the lines. Raises StoreUnavailable.
    """
    found = read_receipt(store, receipt_id)
    if found is None:
        return
    yield _line(
        {
            "receipt": found.id,
            "at": f"{found.at:%Y-%m-%dT%H:%M:%SZ}",
            "by": found.by,
            "action": found.action,
            "filter": found.filter,
            "database": found.platform,
            "columns": found.columns,
        }
    )
    for number in (*_batches(store, found.key), 0):
        pieces = [line + b"\n" for line in batch_lines(store, found.key, number)]
        if outcomes := _outcomes(store, found.key, number):
            yield b"".join([*pieces, _line({"outcome": outcomes})])
    if why := problems(store, found.key, MAX_JOB_ID):
        yield _line({"not_restored": why})
    yield _line({"end": bool(found.ended_at), "error": found.error})


def _outcomes(store: Store, key: int, number: int) -> dict[str, list[int]]:
    own = (job.c.receipt == key, job.c.batch == number)
    by_outcome: dict[str, list[int]] = defaultdict(list)
    with store.reading() as connection:
        for job_id, outcome in connection.execute(select(job.c.job_id, job.c.outcome).where(*own)):
            by_outcome[outcome].append(job_id)
    return dict(by_outcome)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def read_sample(store: Store, found: Receipt, number: int) -> list[dict[str, Any]]:
    """Return the columns of `object` and `job` of a receipt's first jobs.

    Long texts are cut. Raises StoreUnavailable.
    """
    sample = []
    batches = (batch_lines(store, found.key, each) for each in _batches(store, found.key))
    for line in islice(chain.from_iterable(batches), number):
        values: dict[str, Any] = {}
        for table in ("object", "job"):
            for row in parse_line(line)["rows"].get(table, []):
                values |= dict(zip(found.columns.get(table, []), row, strict=False))
        sample.append({n: v[:SAMPLE_TEXT] if isinstance(v, str) else v for n, v in values.items()})
    return sample
