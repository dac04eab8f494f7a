"""Receipts: the exact rows of jobs, written down and synced before anything of them is removed.

A receipt is one file for one removal, `{time}-{8 hex digits}.jsonl.gz`: gzip members one after
another, each written whole and synced. Its lines are JSON:

    {"receipt": 1, "at", "by", "action", "filter", "database", "columns": {table: [column, ...]}}
    {"job": id, "rows": {table: [[value, ...], ...]}}         before the removal of this job commits
    {"outcome": {"removed": [id, ...], "active", "missing", "held"}}        after a commit
    {"end": {"removed": number, "active", "missing", "held", "error"}}

A value is null, a number (an integer, or a REAL of SQLite's), a string, or {"base64": "..."} for
bytes that are no UTF-8 text; where SQLite holds such bytes as text, there is `"is_text": true` beside.
A job has several lines where its removal was tried anew: the last counts. After a kill the last
member may be cut.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import logging
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from jobs_data.platform.database import Database, identity
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.removal.kept_receipts import SUFFIX, discard_old

S = TypeVar("S", bound=str)

log = logging.getLogger(__name__)


class Action(StrEnum):
    """What somebody did that removes jobs."""

    DELETE = "delete"
    CLEAR = "clear"
    TIDY = "tidy"


OUTCOMES: Final = ("removed", "active", "missing", "held")
"""What can become of a job that was to be removed, as receipts name it."""


@dataclass(frozen=True)
class Cause:
    """Who removes jobs, by which action, and in words which jobs are meant."""

    by: str
    action: Action
    filter: str


class ReceiptNotWritten(Exception):
    """The receipt could not be written, so the jobs it was for were not removed; a sentence."""


class ReceiptWriter:
    """The receipt of one removal; there is a file from the first job on whose rows are written.

    Use it as a context manager: what it ends with, the end of the receipt tells.
    """

    def __init__(self, database: Database, cause: Cause, columns: Mapping[str, Sequence[str]]) -> None:
        """Prepare the receipt; `columns` are those of the rows to come, by table."""
        at = datetime.now(UTC)
        self.id = ""
        """The file's name without its suffix; empty while nothing is written."""
        self._name = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._folder = database.receipts_dir
        self._days = database.receipts_days
        self._file: int | None = None
        self._length = 0
        self._counts: Counter[str] = Counter()
        self._taken_back: set[int] = set()
        header = {
            "receipt": 1,
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "by": cause.by,
            "action": cause.action,
            "filter": cause.filter,
            "database": identity(database),
            "columns": {table: list(names) for table, names in columns.items()},
        }
        self._waiting = [_line(header)]

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        """Write the end, with the problem that ended the removal, if any."""
        if problem is None:
            self.close("")
        elif isinstance(problem, DatabaseUnavailable | ReceiptNotWritten):
            self.close(str(problem))
        else:
            self.close("An unexpected error came up; the log of this app has it.")

    def write(self, jobs: Mapping[int, bytes]) -> None:
        """Write the lines of some jobs, given by id; when this returns they are on the disk.

        Raises ReceiptNotWritten: then these jobs must not be removed.
        """
        try:
            self._append(jobs.values())
            self._taken_back.difference_update(jobs)
        except OSError as error:
            log.error("a receipt in %s was not written: %s", self._folder, error)
            raise ReceiptNotWritten(
                "The receipt of the jobs to be removed could not be written "
                f"({error.strerror or type(error).__name__}), so they were not removed. "
                "HERATIO_JOBS_RECEIPTS_DIR names the folder for receipts."
            ) from error

    def take_back(self, ids: Iterable[int]) -> None:
        """Note that jobs whose lines are written were not removed, for all that is known so far.

        Those that are neither tried again nor told of are "held" in the end: without an outcome an undo
        would take it, once they go some other way, that they went by this removal.
        """
        self._taken_back.update(ids)

    def tell(self, outcomes: Mapping[S, Sequence[int]]) -> None:
        """Note what became of jobs, once that is committed; it is written with what comes next.

        `outcomes` has their ids by one of OUTCOMES.
        """
        told = {str(outcome): list(ids) for outcome, ids in outcomes.items() if ids}
        if told:
            self._counts.update({outcome: len(ids) for outcome, ids in told.items()})
            self._taken_back.difference_update(*told.values())
            self._waiting.append(_line({"outcome": told}))

    def close(self, error: str) -> None:
        """Write the end, where anything was written; `error` says why the removal stopped early."""
        if self._file is None:
            return
        self.tell({"held": sorted(self._taken_back)})
        end = {outcome: self._counts[outcome] for outcome in OUTCOMES} | {"error": error}
        # The jobs are gone, and their rows are safe: that the end is missing costs the reader a look.
        with suppress(OSError):
            self._append([_line({"end": end})])
        os.close(self._file)
        self._file = None

    def _append(self, lines: Iterable[bytes]) -> None:
        member = memoryview(gzip.compress(b"".join([*self._waiting, *lines]), 1, mtime=0))
        file = self._file if self._file is not None else self._create()
        try:
            written = 0
            while written < len(member):
                written += os.write(file, member[written:])
            os.fsync(file)
            if not os.fstat(file).st_nlink:
                raise FileNotFoundError(errno.ENOENT, "its file was erased meanwhile")
        except OSError:
            # Half a member would hide all that is written behind it.
            with suppress(OSError):
                os.ftruncate(file, self._length)
                os.lseek(file, self._length, os.SEEK_SET)
            raise
        self._length += len(member)
        self._waiting = []
        self.id = self._name

    def _create(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        discard_old(self._folder, self._days)
        path = self._folder / f"{self._name}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # Held until it is closed, or the process ends: who reads it can tell that it is at work.
        fcntl.flock(self._file, fcntl.LOCK_EX)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._file


def job_line(job_id: int, rows: Iterable[tuple[str, Sequence[bytes]]]) -> bytes:
    """Return the line of one job; its rows come table by table, each a JSON array already."""
    tables = [b'"%s": [%s]' % (table.encode(), b", ".join(found)) for table, found in rows]
    return b'{"job": %d, "rows": {%s}}\n' % (job_id, b", ".join(tables))


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
