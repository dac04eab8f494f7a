"""The audit log: one line of JSON for each thing that a user did or was refused.

An action neither waits for its entry nor fails because of it: a thread writes the entries. Entries have
no passwords, codes, cookies or secrets of tokens, and nothing of what jobs wrote.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final, TextIO

log = logging.getLogger(__name__)

FILE_BYTES: Final = 10_000_000
OLD_FILES: Final = 9
"""How many full files are kept beside the one that is written."""

MOST_WAITING: Final = 10_000
"""How many entries wait to be written. Of more, only the number is written."""

LONGEST_TEXT: Final = 500
"""Of a value, in characters: names and filters come from outside."""

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
    """A job's whole output, or the errors of rows in it, was downloaded."""
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


APP: Final = Actor("Heratio Jobs")
"""What the app does by itself."""

NOBODY: Final = Actor("")


class Audit:
    """Writes entries to a file or a stream, and to `keep`; safe to use from several threads."""

    def __init__(
        self,
        path: Path | None = None,
        stream: TextIO | None = None,
        keep: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """Write to a file, which is opened at the first entry, else to a stream, else only to `keep`.

        `keep` gets the lines, oldest first, and raises nothing that it can expect.
        """
        self._handlers: list[logging.Handler] = []
        if path or stream:
            self._handlers.append(_File(path) if path else _Stream(stream))
        self._keep = keep
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._lost = 0
        self._is_writing = False

    @cached_property
    def _logger(self) -> Any:
        """Return what makes a line of an entry and puts it into the queue."""
        import structlog  # noqa: PLC0415 - no start waits for it

        return structlog.wrap_logger(
            _Queue(self._put),
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
        """Add an entry; details that are empty are left out. Returns at once and raises nothing."""
        self._logger.info(
            event.value,
            user_id=actor.id,
            user=actor.name,
            client=actor.client,
            request_id=actor.request,
            **{name: value for name, value in details.items() if value not in (None, "")},
        )

    def flush(self, seconds: float = CLOSE_SECONDS) -> None:
        """Wait until all entries are written, for at most `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing, seconds)

    def close(self) -> None:
        """Write what waits, for at most CLOSE_SECONDS, and close the file; a further entry opens it."""
        self.flush()
        for handler in self._handlers:
            if isinstance(handler, _File):
                handler.reopen()

    def _put(self, line: str) -> None:
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self._lost += 1
                return
            self._waiting.append(line)
            if self._is_writing:
                return
            self._is_writing = True
        try:
            threading.Thread(target=self._write_waiting, name="audit", daemon=True).start()
        except RuntimeError as error:  # the next entry tries again
            log.error("no thread for the audit log: %s", error)
            with self._changed:
                self._is_writing = False

    def _write_waiting(self) -> None:
        while lines := self._take():
            for line in lines:
                for handler in self._handlers:
                    handler.handle(logging.makeLogRecord({"msg": line}))
            try:
                self._keep(lines)
            except Exception:
                log.exception("entries of the audit log could not be kept for the screen")

    def _take(self) -> list[str]:
        """Return what waits; nothing where the thread must end."""
        with self._changed:
            lost, self._lost = self._lost, 0
            lines, self._waiting = self._waiting, []
            self._is_writing = bool(lines)
            self._changed.notify_all()
        if lost:
            log.error(
                "%d entries of the audit log were lost: they came faster than it is written", lost
            )
            self.write(Event.LOST, APP, entries=lost)
        return lines


class _Queue:
    """What structlog gives its lines to."""

    def __init__(self, put: Callable[[str], None]) -> None:
        self.info = put


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
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                if self._has_moved():
                    self.reopen()
                super().emit(record)
            finally:
                os.close(folder)
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
    return {
        name: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in ordered.items()
    }
