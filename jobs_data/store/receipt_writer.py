"""Writes the receipt of one deletion.

The rows of a batch of jobs are committed here, as pending, before the platform's transaction commits.
The outcome follows with a later batch, or at the end. After a kill in between, a reader of the receipt
looks the pending jobs, of one batch or of two at once, up in the platform's database.
"""

from __future__ import annotations

import json
import logging
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, update

from jobs_data.audit import Actor
from jobs_data.store.database import Store, StoreUnavailable
from jobs_data.store.schema import Outcome, batch, job, name, receipt

log = logging.getLogger(__name__)

BUSY_SECONDS: Final = 60
"""For how long after its last batch a deletion or restore counts as running."""


class Action(StrEnum):
    """What a user did that deletes jobs."""

    DELETE = "delete"
    """Deleted chosen jobs."""
    DELETE_ALL = "delete-all-finished"
    CLEAN_UP = "clean-up"
    """Deleted the jobs that rules match."""


@dataclass(frozen=True)
class Reason:
    """Who deletes jobs, by which action, and in words which jobs."""

    by: Actor
    action: Action
    filter: str


class ReceiptNotWritten(StoreUnavailable):
    """The receipt could not be written, so its jobs were not deleted. The message is a sentence."""


class ReceiptWriter:
    """The receipt of one deletion. It exists from the first batch on; one thread at a time uses it."""

    def __init__(
        self, store: Store, reason: Reason, platform: str, columns: Mapping[str, Sequence[str]]
    ) -> None:
        """Prepare a receipt; `platform` is the identity of the database, `columns` are by table."""
        at = datetime.now(UTC)
        self.id = ""
        """Empty while nothing is written."""
        self._store = store
        by, which = encodable(reason.by.name), encodable(reason.filter)
        self._receipt = {
            "id": f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            "at": at,
            "by": by,
            "action": reason.action,
            "filter": which,
            "words": f"{by}\ndeleted\n{reason.action}\n{which}".casefold(),
            "platform": platform,
            "columns": json.dumps({table: list(names) for table, names in columns.items()}),
        }
        self._key = 0
        self._number = 0
        """Of the last batch, counted from 1."""
        self._became: dict[int, Outcome | None] = {}
        """Of each batch whose outcome is not written: pending, removed, or none if rolled back."""
        self._has_removed = False
        self._stayed: list[tuple[int, Outcome]] = []
        """Jobs that were not deleted, written with the next batch or at the end."""

    def write(self, ids: Iterable[int], content: bytes, names: Mapping[str, int]) -> int:
        """Write a batch: its jobs, their rows as in `batch_content`, and how many have which name.

        Returns its number; it is then pending. Raises ReceiptNotWritten: its jobs must then not be
        deleted.
        """
        data = zlib.compress(content, 1)
        number = self._number + 1
        busy = {"busy_until": datetime.now(UTC) + timedelta(seconds=BUSY_SECONDS)}
        try:
            with self._store.writing() as connection:
                key = self._key
                if key:
                    self._update(connection, busy)
                else:
                    new = connection.execute(insert(receipt).values(self._receipt | busy))
                    key = int(new.lastrowid)
                values = {"receipt": key, "number": number, "size": len(data), "lines": data}
                connection.execute(insert(batch).values(values))
                _insert_pending(connection, key, number, ids)
                counted = ((encodable(each), jobs) for each, jobs in names.items())
                rows = ((None, key, number, each, each.casefold(), jobs) for each, jobs in counted)
                _insert(connection, name, rows)
        except StoreUnavailable as error:
            raise ReceiptNotWritten(
                f"The jobs could not be saved for a restore, so they were not deleted. {error}"
            ) from error
        if self._key:  # the first write has none of them
            self._stayed.clear()
        self._key, self._number = key, number
        self._became = {n: each for n, each in self._became.items() if each is Outcome.PENDING}
        self._became[number] = Outcome.PENDING
        self.id = str(self._receipt["id"])
        return number

    def confirm(self, outcomes: Mapping[Outcome, Sequence[int]], number: int = 0) -> None:
        """Note outcomes; `number` is the batch of the removed ones, which are deleted and committed."""
        if outcomes.get(Outcome.REMOVED):
            self._became[number], self._has_removed = Outcome.REMOVED, True
        for outcome, ids in outcomes.items():
            if outcome is not Outcome.REMOVED:
                self._stayed += ((job_id, outcome) for job_id in ids)

    def roll_back(self, number: int) -> None:
        """Note that a batch was rolled back: its jobs still exist."""
        self._became[number] = None

    def close(self, error: str) -> None:
        """Write the end; `error` says why it ended early. A receipt without deleted jobs is erased."""
        if not self._key:
            return
        is_empty = not (self._has_removed or any(self._became.values()))
        ended = {"ended_at": datetime.now(UTC), "busy_until": None, "error": error or None}
        try:
            with self._store.writing() as connection:
                if is_empty:
                    connection.execute(delete(receipt).where(receipt.c.key == self._key))
                else:
                    self._update(connection, ended)
        except StoreUnavailable as problem:
            # The jobs are deleted and their rows are safe: the next reader looks them up.
            log.warning("the end of receipt %s was not written: %s", self.id, problem)
        if is_empty:
            self.id = ""
        self._key = 0

    def _update(self, connection: Connection, values: Mapping[str, object]) -> None:
        """Write values, and the outcomes since the last write."""
        connection.execute(update(receipt).where(receipt.c.key == self._key).values(values))
        for number, outcome in self._became.items():
            if outcome is Outcome.REMOVED:
                own = (job.c.receipt == self._key, job.c.batch == number)
                pending = update(job).where(*own, job.c.outcome == Outcome.PENDING)
                connection.execute(pending.values(outcome=outcome))
            elif outcome is None:
                for table, of in ((job, job.c.batch), (name, name.c.batch), (batch, batch.c.number)):
                    connection.execute(delete(table).where(table.c.receipt == self._key, of == number))
        stayed = ((self._key, 0, job_id, outcome.value, None) for job_id, outcome in self._stayed)
        _insert(connection, job, stayed)


def _insert_pending(connection: Connection, key: int, number: int, ids: Iterable[int]) -> None:
    pending = Outcome.PENDING.value
    if connection.dialect.name != "sqlite":
        _insert(connection, job, ((key, number, job_id, pending, None) for job_id in ids))
        return
    # In half the time that it takes row by row.
    statement = f"INSERT INTO {job.name} SELECT ?, ?, value, ?, NULL FROM json_each(?)"  # noqa: S608
    connection.exec_driver_sql(statement, (key, number, pending, json.dumps(list(ids))))


def _insert(connection: Connection, into: Table, rows: Iterable[tuple[int | str | None, ...]]) -> None:
    """Insert rows, which have a value for each column of the table."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join(mark for _ in into.columns)
    # The driver's executemany: SQLAlchemy's is slow for a million rows.
    if values := list(rows):
        connection.exec_driver_sql(
            f"INSERT INTO {into.name} VALUES ({marks})",  # noqa: S608 - names of our own
            values,
        )


def encodable(text: str) -> str:
    """Return a text without characters that UTF-8 cannot encode, as a system user's name may have."""
    return text.encode("utf-8", "replace").decode()
