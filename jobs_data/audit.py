"""The audit log: one line of JSON for each thing that a user did or was refused.

An action neither waits for its entry nor fails because of it: threads write the entries. Entries have
no passwords, codes, cookies or secrets of tokens, and nothing of what jobs wrote.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TextIO

log = logging.getLogger(__name__)

FILE_BYTES: Final = 10_000_000
OLD_FILES: Final = 9
"""How many full files are kept beside the one that is written."""

MOST_WAITING: Final = 10_000
"""How many entries wait for the file, and for the store. Of more, only the number is written."""

LONGEST_TEXT: Final = 1_000
"""Of a value, in bytes as it is written: names and filters come from outside."""

LONGEST_OF_NOBODY: Final = 200
"""Of a value in an entry without a user, in bytes as it is written."""

REPEAT_SECONDS: Final = 60.0
"""How often the same refusal of the same client is written, where nobody has signed in."""

MOST_REPEATS: Final = 100
"""How many different refusals are counted separately. Further ones are counted by event."""

MOST_IDS: Final = 100
"""Up to this many jobs are named by their ids; of more, the entry has the number alone."""

CLOSE_SECONDS: Final = 5.0


class Event(StrEnum):
    """What an entry is about."""

    SIGN_IN = "sign-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGN_OUT = "sign-out"
    ACCESS_REFUSED = "access-refused"
    EXPORT = "export"
    DOWNLOAD = "download"
    """Of a job's result file, or of a receipt."""
    OUTPUT = "output"
    """A job's output, or a range of it, or the errors of rows in it, was downloaded."""
    REMOVAL = "removal"
    RESTORE = "restore"
    RETENTION = "retention"
    """Receipts were erased that were too old: their jobs cannot be restored any more."""
    TOKEN_MADE = "token-made"
    TOKEN_REVOKED = "token-revoked"
    TOKEN_USED = "token-used"
    """An API token was accepted; one entry a minute for each token, because programs poll."""
    TOKEN_REFUSED = "token-refused"
    LOST = "entries-lost"
    """Entries could not be written, because too many were waiting."""


@dataclass(frozen=True)
class Actor:
    """Who did something, from where, and in which request."""

    name: str
    id: int | str | None = None
    """The user's id, or the name from a trusted proxy; None without an account."""
    client: str = ""
    """The address of the visitor; empty on the command line."""
    request: str = ""
    token_id: int | None = None
    """Of the API token that they act with."""


APP: Final = Actor("Heratio Jobs")
"""What the app does by itself."""

NOBODY: Final = Actor("")


BY_ANYBODY: Final = frozenset({Event.SIGN_IN_REFUSED, Event.TOKEN_REFUSED})
"""Events that need no sign-in, also where they name an account."""


class Audit:
    """Writes entries to a file or a stream, and to `keep`; safe to use from several threads."""

    def __init__(
        self,
        path: Path | None = None,
        stream: TextIO | None = None,
        keep: Callable[[Sequence[str]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to a file, which is opened at the first entry, else to a stream, else only to `keep`.

        `keep` gets the lines, oldest first, and raises nothing that it can expect. A slow one delays no
        line of the file. `clock` counts seconds.
        """
        self._handler: logging.Handler = logging.NullHandler()
        if path or stream:
            self._handler = _File(path) if path else _Stream(stream)
        self._to_keep = _Lines("screen", keep, self._lose)
        self._to_file = _Lines("log", self._write_lines, self._lose)
        self._repeats = _Repeats(clock)

    @cached_property
    def _logger(self) -> Any:
        """Return what makes a line of an entry and puts it into the queue."""
        import structlog  # noqa: PLC0415 - no start waits for it

        return structlog.wrap_logger(
            SimpleNamespace(info=lambda line: self._to_file.put([line])),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                _in_order,
                # In ASCII: no character of a value ends the line or turns its direction.
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
            cache_logger_on_first_use=False,
        )

    def load(self) -> None:
        """Load what the first entry needs, which takes a twentieth of a second."""
        self._logger.new()

    def write(self, event: Event, actor: Actor, **details: object) -> None:
        """Add an entry; details that are empty are left out. Returns at once and raises nothing.

        Without a sign-in, the same refusal of the same client is written once in REPEAT_SECONDS, and
        then how many more there were: nobody can fill the log without an account.
        """
        self._write_repeats(self._repeats.take_due())
        if event in BY_ANYBODY or not actor.name:
            refusal = _Refusal(event, actor.client, str(details.get("reason", "")), actor.id)
            if not self._repeats.is_new(refusal, actor):
                return
        self._add(event, actor, **details)

    def flush(self, seconds: float = CLOSE_SECONDS) -> None:
        """Wait until all entries are written, for at most `seconds`."""
        self._write_repeats(self._repeats.take_due())
        end = time.monotonic() + seconds
        for lines in (self._to_file, self._to_keep):
            lines.wait(end - time.monotonic())

    def close(self) -> None:
        """Write what waits, for at most CLOSE_SECONDS, and close the file; a further entry opens it."""
        self._write_repeats(self._repeats.take_all())
        self.flush()
        if isinstance(self._handler, _File):
            self._handler.reopen()

    def _add(self, event: Event, actor: Actor, **details: object) -> None:
        details = {"token_id": actor.token_id, **details}
        self._logger.info(
            event.value,
            user_id=actor.id,
            user=actor.name,
            client=actor.client,
            request_id=actor.request,
            **{name: value for name, value in details.items() if value not in (None, "")},
        )

    def _write_repeats(self, repeats: Sequence[_Repeat]) -> None:
        for each in repeats:
            actor = replace(each.actor, request="")
            self._add(each.refusal.event, actor, reason=each.refusal.reason, repeated=each.more)

    def _write_lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._handler.handle(logging.makeLogRecord({"msg": line}))
        self._to_keep.put(lines)

    def _lose(self, entries: int, place: str) -> None:
        log.error("%d entries of the audit log were lost: they came faster than it is written", entries)
        self._add(Event.LOST, APP, entries=entries, place=place)


class _Lines:
    """Lines that wait for one place, where a thread writes them."""

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[str]], None],
        lose: Callable[[int, str], None],
    ) -> None:
        self._name = name
        self._write = write
        self._lose = lose
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._lost = 0
        self._is_writing = False

    def put(self, lines: Sequence[str]) -> None:
        """Let lines be written, as many as there is room for."""
        with self._changed:
            room = MOST_WAITING - len(self._waiting)
            self._waiting += lines[:room]
            self._lost += len(lines[room:])
            if self._is_writing:
                return
            self._is_writing = True
        try:
            threading.Thread(
                target=self._write_waiting, name=f"audit {self._name}", daemon=True
            ).start()
        except RuntimeError as error:  # the next entry tries again
            log.error("no thread for the audit log: %s", error)
            with self._changed:
                self._is_writing = False

    def wait(self, seconds: float) -> None:
        """Wait until all are written, for at most `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing, max(0.0, seconds))

    def _write_waiting(self) -> None:
        while lines := self._take():
            try:
                self._write(lines)
            except Exception:
                log.exception("entries of the audit log could not be written: %s", self._name)

    def _take(self) -> list[str]:
        """Return what waits; nothing where the thread must end."""
        with self._changed:
            lost, self._lost = self._lost, 0
            lines, self._waiting = self._waiting, []
            self._is_writing = bool(lines)
            self._changed.notify_all()
        if lost:
            self._lose(lost, self._name)
        return lines


@dataclass(frozen=True)
class _Refusal:
    """What is the same in refusals that are written once."""

    event: Event
    client: str = ""
    reason: str = ""
    account: int | str | None = None


@dataclass
class _Repeat:
    """A refusal that was written, and how often it was repeated since."""

    refusal: _Refusal
    actor: Actor
    until: float
    more: int = 0


class _Repeats:
    """Counts refusals that are the same; safe to use from several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._written: dict[_Refusal, _Repeat] = {}

    def is_new(self, refusal: _Refusal, actor: Actor) -> bool:
        """Return whether a refusal is to be written; else it is counted."""
        with self._lock:
            if refusal not in self._written and len(self._written) >= MOST_REPEATS:
                refusal, actor = _Refusal(refusal.event), NOBODY
            if known := self._written.get(refusal):
                known.more += 1
                return False
            self._written[refusal] = _Repeat(refusal, actor, self._clock() + REPEAT_SECONDS)
            return True

    def take_due(self) -> list[_Repeat]:
        """Return those repeated in a time that is over; they are written, and the next time begins."""
        with self._lock:
            now = self._clock()
            over = [each for each in self._written.values() if each.until <= now]
            for each in over:
                del self._written[each.refusal]
                if each.more:
                    self._written[each.refusal] = replace(each, until=now + REPEAT_SECONDS, more=0)
            return [each for each in over if each.more]

    def take_all(self) -> list[_Repeat]:
        """Return those repeated so far, and forget all."""
        with self._lock:
            written, self._written = self._written, {}
            return [each for each in written.values() if each.more]


class _Reporting(logging.Handler):
    """Says in the app's own log why an entry cannot be written; the action it tells of goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own
        log.error("an entry of the audit log cannot be written: %s", sys.exc_info()[1])


class _Stream(_Reporting, logging.StreamHandler[Any]):
    pass


class _File(_Reporting, RotatingFileHandler):
    """A file that rotates, for several processes, and for programs that move it away."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="ascii", delay=True)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write an entry while no other process writes or rotates."""
        try:
            # A file of its own: anybody who may read the folder could lock that.
            lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._has_moved():
                    self.reopen()
                super().emit(record)
            finally:
                os.close(lock)
        except OSError:
            self.handleError(record)

    def reopen(self) -> None:
        """Close the file; the next entry opens it."""
        stream, self.stream = self.stream, None
        with suppress(OSError):  # what a full disk did not take
            if stream:
                stream.close()

    def _has_moved(self) -> bool:
        if self.stream is None:
            return False
        try:
            return not os.path.samestat(os.fstat(self.stream.fileno()), self._path.stat())
        except FileNotFoundError:
            return True

    def _open(self) -> Any:
        """Open the file, which is made for the app's own user alone."""
        return open(
            self._path, "a", encoding=self.encoding, opener=lambda path, how: os.open(path, how, 0o600)
        )


def _in_order(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Put time and event first, and cut long texts."""
    ordered = {"time": entry["time"], "event": entry["event"], **entry}
    most = LONGEST_TEXT if entry["user"] else LONGEST_OF_NOBODY
    return {
        name: _cut(value, most) if isinstance(value, str) else value for name, value in ordered.items()
    }


def _cut(text: str, most: int) -> str:
    """Return as much of a text as has `most` bytes in JSON, where a character can have twelve."""
    text = text[:most]
    while (more := len(json.dumps(text)) - 2 - most) > 0:
        text = text[: -max(1, more // 12)]
    return text
