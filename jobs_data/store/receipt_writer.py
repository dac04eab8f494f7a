"""Writes the receipt of one removal.

The rows of a batch of jobs are committed here, as pending, before the platform's transaction commits.
What became of them follows with the next batch, or at the end. After a kill in between, whoever looks
asks the platform's database about the pending jobs.
"""

from __future__ import annotations

import json
import logging
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection, Table, delete, insert, update

from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.schema import Outcome, batch, job, name, receipt

log = logging.getLogger(__name__)

BUSY_SECONDS: Final = 60
"""For how long after its last batch a removal or restore counts as being at work."""


class Action(StrEnum):
    """What a user did that removes jobs."""

    DELETE = "delete"
    CLEAR = "clear"
    TIDY = "tidy"

    @property
    def label(self) -> str:
        """Return it as the screen says it."""
        return {"delete": "Deleted", "clear": "Cleared", "tidy": "Tidied"}[self]


@dataclass(frozen=True)
class Reason:
    """Who removes jobs, by which action, and in words which jobs are meant."""

    by: str
    action: Action
    filter: str


class ReceiptNotWritten(StoreUnavailable):
    """The receipt could not be written, so the jobs it was for were not removed; a sentence."""


_Row = tuple[int | str, ...]


class _Change(Protocol):
    def __call__(self, connection: Connection, key: int) -> None: ...


class ReceiptWriter:
    """The receipt of one removal. It exists from the first batch on; one thread at a time uses it."""

    def __init__(
        self, store: Store, reason: Reason, platform: str, columns: Mapping[str, Sequence[str]]
    ) -> None:
        """Prepare a receipt; `platform` is the identity of the database, `columns` are by table."""
        at = datetime.now(UTC)
        self.id = ""
        """Empty while nothing is written."""
        self._store = store
        by, which = encodable(reason.by), encodable(reason.filter)
        self._receipt = {
            "id": f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            "at": at,
            "by": by,
            "action": reason.action,
            "filter": which,
            "words": f"{by}\n{reason.action}\n{reason.action.label}\n{which}".casefold(),
            "platform": platform,
            "columns": json.dumps({table: list(names) for table, names in columns.items()}),
        }
        self._key = 0
        self._number = 0
        self._is_pending = False
        """Whether it is not known what became of the last batch."""
        self._has_removed = False
        self._changes: list[_Change] = []
        """What is known since the last write, and is written with the next."""

    def write(self, lines: Mapping[int, bytes], names: Mapping[str, int]) -> None:
        """Write a batch: the line of each job, by its id, and how many jobs have which name.

        Raises ReceiptNotWritten: then these jobs must not be removed.
        """
        data = zlib.compress(b"".join(lines.values()), 1)
        number = self._number + 1
        try:
            with self._store.writing() as connection:
                key = self._begin(connection)
                values = {"receipt": key, "number": number, "size": len(data), "lines": data}
                connection.execute(insert(batch).values(values))
                _insert(connection, _JOB, [(key, number, i, Outcome.PENDING.value) for i in lines])
                counted = [(encodable(each), jobs) for each, jobs in names.items()]
                rows = [(key, number, each, each.casefold(), jobs) for each, jobs in counted]
                _insert(connection, _NAME, rows)
        except StoreUnavailable as error:
            raise ReceiptNotWritten(
                f"The receipt could not be written, so these jobs were not deleted. {error}"
            ) from error
        self._key, self._number, self._is_pending = key, number, True
        self._changes.clear()
        self.id = str(self._receipt["id"])

    def confirm(self, outcomes: Mapping[Outcome, Sequence[int]]) -> None:
        """Note what became of jobs: the last batch was removed, and committed; others stayed."""
        if outcomes.get(Outcome.REMOVED):
            self._changes.append(partial(_set_removed, number=self._number))
            self._is_pending, self._has_removed = False, True
        stayed = [
            (job_id, outcome.value)
            for outcome, ids in outcomes.items()
            if outcome is not Outcome.REMOVED
            for job_id in ids
        ]
        if stayed:
            self._changes.append(partial(_insert_stayed, stayed=stayed))

    def roll_back(self) -> None:
        """Note that the last batch, where one is pending, was rolled back: its jobs are still there."""
        if self._is_pending:
            self._changes.append(partial(_delete_batch, number=self._number))
            self._is_pending = False

    def close(self, error: str) -> None:
        """Write the end; `error` says why it ended early. A receipt of no removed job is erased."""
        if not self._key:
            return
        own = receipt.c.key == self._key
        is_empty = not (self._has_removed or self._is_pending)
        ended = {"ended_at": datetime.now(UTC), "busy_until": None, "error": error or None}
        try:
            with self._store.writing() as connection:
                if is_empty:
                    connection.execute(delete(receipt).where(own))
                else:
                    self._write_changes(connection, self._key)
                    connection.execute(update(receipt).where(own).values(ended))
        except StoreUnavailable as problem:
            # The jobs are gone and their rows are safe: whoever looks next asks the platform.
            log.warning("the end of receipt %s was not written: %s", self.id, problem)
        if is_empty:
            self.id = ""
        self._key = 0

    def _begin(self, connection: Connection) -> int:
        """Insert the receipt, or write what is known since the last batch; return its key."""
        busy_until = datetime.now(UTC) + timedelta(seconds=BUSY_SECONDS)
        key = self._key
        if key:
            connection.execute(
                update(receipt).where(receipt.c.key == key).values(busy_until=busy_until)
            )
        else:
            new = connection.execute(insert(receipt).values(busy_until=busy_until, **self._receipt))
            key = int(new.lastrowid)
        self._write_changes(connection, key)
        return key

    def _write_changes(self, connection: Connection, key: int) -> None:
        for change in self._changes:
            change(connection, key)


def _set_removed(connection: Connection, key: int, *, number: int) -> None:
    own = (job.c.receipt == key, job.c.batch == number, job.c.outcome == Outcome.PENDING)
    connection.execute(update(job).where(*own).values(outcome=Outcome.REMOVED))


def _insert_stayed(connection: Connection, key: int, *, stayed: Sequence[tuple[int, str]]) -> None:
    _insert(connection, _JOB, [(key, 0, *each) for each in stayed])


def _delete_batch(connection: Connection, key: int, *, number: int) -> None:
    connection.execute(delete(batch).where(batch.c.receipt == key, batch.c.number == number))
    for table in (job, name):
        connection.execute(delete(table).where(table.c.receipt == key, table.c.batch == number))


_JOB: Final = (job, "receipt", "batch", "job_id", "outcome")
_NAME: Final = (name, "receipt", "batch", "name", "words", "jobs")


def _insert(connection: Connection, into: tuple[Table, *tuple[str, ...]], rows: Sequence[_Row]) -> None:
    """Insert rows into a table, whose values come in the order of the columns named."""
    if rows:
        table, *columns = into
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        statement = (
            f"INSERT INTO {table.name} ({', '.join(columns)}) "  # noqa: S608 - names of our own
            f"VALUES ({', '.join(mark for _ in columns)})"
        )
        # By the driver's executemany: SQLAlchemy's takes its time over each of a million rows.
        connection.exec_driver_sql(statement, list(rows))


def encodable(text: str) -> str:
    """Return a text without what UTF-8 cannot encode, as a name of the operating system may have."""
    return text.encode("utf-8", "replace").decode()
