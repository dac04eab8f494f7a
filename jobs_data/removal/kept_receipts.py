"""The receipts that are kept: what each says, which of them is meant, and when they go.

A receipt is read as a stream, however long it is. What it says in short is kept beside it, as
`{id}.json`, and is made anew from the receipt whenever that has changed: the receipt is the truth.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import secrets
import stat
import threading
import time
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

log = logging.getLogger(__name__)

SUFFIX: Final = ".jsonl.gz"
_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_OURS: Final = re.compile(rf"({_ID.pattern})(\.jsonl\.gz|\.json(\.[0-9a-f]{{8}}\.new)?)")
"""Every file that this app makes in the folder; no other is ever touched."""

_JOB_ID: Final = re.compile(rb'\{"job"\s*:\s*([0-9]{1,18})\s*,')
READ_BYTES: Final = 256 * 1024
TEXT_BYTES: Final = 1024 * 1024
"""How much is read, and how much text is made of it, at a time."""

MAX_NAMES: Final = 200
MAX_NAME_LENGTH: Final = 255
MAX_TOLD: Final = 100
"""How many jobs that stayed, or could not return, are named one by one."""

PART_JOBS: Final = 10_000
PART_BYTES: Final = 8 * 1024 * 1024
"""What a search for a job's number reads as a whole: no more jobs, or bytes, by much."""

SAMPLE_TEXT: Final = 300
SAMPLE_BYTES: Final = 16 * 1024 * 1024

LIST_SECONDS: Final = 1.0
SEARCH_SECONDS: Final = 2.0
AT_ONCE_BYTES: Final = 4 * 1024 * 1024
"""What is longer is read in the background when it is listed for the first time."""


MEMBER: Final = b"\x1f\x8b\x08" + bytes(5)
"""What every member begins with: gzip, and no time; it does not come up by chance."""


class ReceiptsUnreadable(Exception):
    """The folder of the receipts cannot be read; the message is a sentence for the screen."""


class ReceiptDamaged(Exception):
    """A receipt is not as it was written; the message is a sentence for the screen."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "The receipt is damaged: what it holds cannot be read as it was written. It was left as it "
            "is; docs/receipts.md tells how to read one by hand."
        )


NOT_OURS: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What a line raises that is JSON, but none of a receipt: somebody has edited the file."""

ACTIONS: Final = {"delete": "Deleted", "clear": "Cleared", "tidy": "Tidied"}
"""What was done, as the screen says it."""


class State(StrEnum):
    """How things are with a receipt; the values are for the screen."""

    AT_WORK = "At work"
    """The removal, or an undo, is writing it now."""
    COMPLETE = "Complete"
    ENDED_EARLY = "Ended early"
    """The removal was cut off, or ended by an error."""
    UNDONE = "Undone"
    """All that was removed has been put back."""
    PARTLY_UNDONE = "Partly undone"


@dataclass
class Summary:
    """What a receipt says in short, as far as it has been read."""

    at: str = ""
    """When the removal began: an ISO time in UTC, empty where the receipt does not say."""
    by: str = ""
    action: str = ""
    filter: str = ""
    database: str = ""
    removed: int = 0
    active: int = 0
    missing: int = 0
    held: int = 0
    returned: int = 0
    first_id: int | None = None
    last_id: int | None = None
    """The smallest and the largest number of the jobs whose rows it holds."""
    names: dict[str, int] = field(default_factory=dict)
    """How many jobs there are of each name, of the first 200 names."""
    other_names: int = 0
    """How many jobs have other names than these."""
    stayed: dict[str, list[int]] = field(default_factory=dict)
    """The first 100 jobs that were active, missing or held."""
    could_not: dict[str, str] = field(default_factory=dict)
    """Why jobs could not return, of the first 100 of them."""
    undos: list[dict[str, Any]] = field(default_factory=list)
    """When, by whom, and how many jobs were put back."""
    pending: list[int] = field(default_factory=list)
    """Jobs whose rows it holds, and of which it does not say what became of them."""
    has_ended: bool = False
    error: str = ""
    name_column: int = 1
    """Which of the columns of `job` is the name."""
    parts: list[list[int]] = field(default_factory=list)
    """Where each part begins in the file, and its smallest and largest number of a job."""
    whole: int = 0
    """How many bytes of the file all of this comes from: its whole gzip members."""
    size: int = 0
    """How many bytes the file had then, with what was cut off."""
    modified: int = 0
    """When the file was changed last: nanoseconds since 1970."""

    @property
    def stayed_count(self) -> int:
        """Return how many jobs were meant to go and did not."""
        return self.active + self.missing + self.held

    @property
    def can_be_undone(self) -> bool:
        """Return whether there may be jobs to put back."""
        return self.returned < self.removed or bool(self.pending)

    def top_names(self, number: int) -> list[tuple[str, int]]:
        """Return the names that most jobs have, with how many have it."""
        return sorted(self.names.items(), key=lambda item: (-item[1], item[0]))[:number]


@dataclass(frozen=True)
class Receipt:
    """One receipt of the list."""

    id: str
    at: datetime
    """When the removal began, in UTC."""
    path: Path
    size: int
    """Bytes, compressed."""
    summary: Summary
    is_being_read: bool = False
    """Whether the summary has only what the receipt's first line says, for now."""

    def state(self) -> State:
        """Return how things are with it at this moment."""
        if is_at_work(self.path):
            return State.AT_WORK
        said = self.summary
        if said.returned:
            return State.PARTLY_UNDONE if said.can_be_undone else State.UNDONE
        if said.error or not (said.has_ended or self.is_being_read):
            return State.ENDED_EARLY
        return State.COMPLETE


def read_pieces(
    path: Path, start: int = 0, stop: int | None = None, *, is_strict: bool = False
) -> Iterator[bytes | int]:
    """Yield the lines of a receipt from a place in the file on, and after each whole member its end.

    Lines behind the last end belong to a member that was cut off: they were never synced, so nothing
    was removed because of them. `stop` is a place up to which is read. Memory does not grow with the
    file, only with its longest line. Raises OSError, and where it is strict ReceiptDamaged, unless what
    cannot be read is the beginning of one last member; otherwise nothing is read from there on.
    """
    with path.open("rb") as file:
        file.seek(start)
        position, member, data = start, zlib.decompressobj(31), b""
        begin = start
        begun: list[bytes] = []
        while True:
            if not data:
                wanted = READ_BYTES if stop is None else min(READ_BYTES, stop - position)
                data = file.read(wanted)
                position += len(data)
            try:
                text = member.decompress(data, TEXT_BYTES)
            except zlib.error as error:
                if is_strict:
                    raise ReceiptDamaged from error
                return
            if not (data or text or member.eof):
                if is_strict and _is_no_beginning(file, begin):
                    raise ReceiptDamaged
                return
            *lines, rest = text.split(b"\n")
            for line in lines:
                yield b"".join([*begun, line])
                begun.clear()
            if rest:
                begun.append(rest)
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, zlib.decompressobj(31)
                begun.clear()
                begin = position - len(data)
                yield begin


def _is_no_beginning(file: BinaryIO, begin: int) -> bool:
    """Return whether what a file ends with is more, or something else, than a member's beginning."""
    file.seek(begin)
    before = file.read(len(MEMBER))
    if not MEMBER.startswith(before):
        return True
    while piece := file.read(READ_BYTES):
        if MEMBER in before[1:] + piece:
            return True
        before = (before + piece)[-len(MEMBER) :]
    return False


def parse(line: bytes) -> dict[str, Any]:
    """Return what a line says, nothing where it is none of a receipt."""
    try:
        # A server that renders JSON may leave control characters as they are.
        said = json.loads(line, strict=False)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def job_of(line: bytes) -> int | None:
    """Return the number of the job whose rows a line has, None for any other line."""
    found = _JOB_ID.match(line)
    return int(found[1]) if found else None


def read_header(path: Path) -> dict[str, Any]:
    """Return a receipt's first line, nothing where it has none that can be read. Raises OSError."""
    first = next(read_pieces(path), b"")
    said = parse(first) if isinstance(first, bytes) else {}
    return said if said.get("receipt") == 1 else {}


def is_at_work(path: Path) -> bool:
    """Return whether a removal or an undo, in whichever process, is writing a receipt now."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def find(folder: Path, receipt_id: str) -> Path | None:
    """Return the file of a receipt, None where there is no such receipt, or no such name can be."""
    if not _ID.fullmatch(receipt_id):
        return None
    path = folder / f"{receipt_id}{SUFFIX}"
    try:
        return path if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def stream(path: Path, size: int) -> Generator[bytes]:
    """Yield the first bytes of a receipt, so many, piece by piece. Raises OSError."""
    with path.open("rb") as file:
        while size and (piece := file.read(min(READ_BYTES, size))):
            size -= len(piece)
            yield piece


def read_receipt(folder: Path, receipt_id: str) -> Receipt | None:
    """Return one receipt as `list_receipts` does, None where there is no such receipt."""
    path = find(folder, receipt_id)
    if path is None:
        return None
    try:
        return _receipt(path, receipt_id, time.monotonic() + LIST_SECONDS)
    except OSError:
        return None


def list_receipts(folder: Path) -> list[Receipt]:
    """Return all receipts, the newest first; none where there is no folder yet.

    What takes long to read for the first time is read in the background: those have `is_being_read`.
    Raises ReceiptsUnreadable.
    """
    until = time.monotonic() + LIST_SECONDS
    found = []
    for receipt_id in sorted(_ids(folder), reverse=True):
        with suppress(OSError):  # it was discarded a moment ago
            found.append(_receipt(folder / f"{receipt_id}{SUFFIX}", receipt_id, until))
    # Of one second, the one that was written last is most likely the newest.
    found.sort(key=lambda receipt: (receipt.at, receipt.summary.modified), reverse=True)
    for gone in _known.keys() - {receipt.path for receipt in found}:
        if gone.parent == folder:
            _known.pop(gone, None)
    return found


def _ids(folder: Path) -> list[str]:
    try:
        return [
            match[1]
            for path in folder.iterdir()
            if (match := _OURS.fullmatch(path.name)) and match[2] == SUFFIX
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("the receipts cannot be listed: %s", error)
        raise ReceiptsUnreadable(
            f"The folder of the receipts cannot be read ({type(error).__name__}): check "
            "HERATIO_JOBS_RECEIPTS_DIR and its rights."
        ) from error


def search(receipts: Sequence[Receipt], text: str) -> tuple[list[Receipt], int]:
    """Return those receipts that a search means, and how many others could not be looked through.

    Each word has to be in who, which action, which jobs or a job's name, or be the number of a job.
    Numbers are looked for in the receipts themselves, for two seconds at most.
    """
    until = time.monotonic() + SEARCH_SECONDS
    words = text.casefold().split()
    found, unread = [], 0
    for receipt in receipts:
        said = receipt.summary
        action = ACTIONS.get(said.action, "")
        told = "\n".join((said.by, said.action, action, said.filter, *said.names)).casefold()
        missing = [word for word in words if word not in told and word != receipt.id.casefold()]
        if any(not (word.isascii() and word.isdigit()) for word in missing):
            unread += receipt.is_being_read
        elif missing and (receipt.is_being_read or time.monotonic() > until):
            unread += 1
        elif all(holds(receipt, int(word[:18])) for word in missing):
            found.append(receipt)
    return found, unread


def holds(receipt: Receipt, job_id: int) -> bool:
    """Return whether a receipt has the rows of a job."""
    said = receipt.summary
    ends = [*(part[0] for part in said.parts[1:]), said.whole]
    try:
        return any(
            job_of(piece) == job_id
            for (start, first, last), end in zip(said.parts, ends, strict=False)
            if first <= job_id <= last
            for piece in read_pieces(receipt.path, start, end)
            if isinstance(piece, bytes)
        )
    except OSError:
        return False


def read_sample(path: Path, number: int) -> list[dict[str, Any]]:
    """Return what a receipt has of its first jobs in the columns of `object` and `job`.

    Fewer where they are long, and of long texts the beginning. Raises OSError.
    """
    columns: dict[str, list[str]] = {}
    found: list[dict[str, Any]] = []
    size = 0
    for piece in read_pieces(path):
        if isinstance(piece, int):
            continue
        said = parse(piece)
        columns = said.get("columns", columns)
        if "job" in said:
            values: dict[str, Any] = {}
            with suppress(*NOT_OURS):
                for table in ("object", "job"):
                    for row in said["rows"].get(table, []):
                        values |= dict(zip(columns.get(table, []), row, strict=False))
            found.append(
                {
                    name: value[:SAMPLE_TEXT] if isinstance(value, str) else value
                    for name, value in values.items()
                }
            )
            size += len(piece)
        if len(found) == number or size > SAMPLE_BYTES:
            break
    return found


def discard_old(folder: Path, days: int, now: datetime | None = None) -> int:
    """Erase the receipts made more than some days ago, and return how many went.

    One that is at work stays. Only files with names of ours are touched; what cannot be erased is
    logged and left.
    """
    oldest = (now or datetime.now(UTC)) - timedelta(days=days)
    erased = 0
    try:
        names = [(path, match) for path in folder.iterdir() if (match := _OURS.fullmatch(path.name))]
    except FileNotFoundError:
        return 0
    except OSError as error:
        log.warning("old receipts cannot be erased: %s", error)
        return 0
    for path, match in names:
        made = _made_at(match[1])
        if made is None or made >= oldest or is_at_work(path):
            continue
        try:
            path.unlink(missing_ok=True)
            erased += match[2] == SUFFIX
        except OSError as error:
            log.warning("an old receipt cannot be erased: %s", error)
    return erased


def _made_at(receipt_id: str) -> datetime | None:
    try:
        return datetime.strptime(receipt_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


_known: Final[dict[Path, Summary]] = {}
_reading: Final = ThreadPoolExecutor(1, thread_name_prefix="receipts")
_being_read: Final[set[Path]] = set()
_starting: Final = threading.Lock()


def _receipt(path: Path, receipt_id: str, until: float) -> Receipt:
    """Return a receipt, whose summary is made now if that can be done by a moment. Raises OSError."""
    there = path.stat()
    made = _made_at(receipt_id) or datetime.fromtimestamp(there.st_mtime, UTC)
    known = _latest(path)
    if not _is_of(known, there.st_size, there.st_mtime_ns):
        ahead = there.st_size - known.whole
        if path in _being_read or ahead > AT_ONCE_BYTES or time.monotonic() > until:
            _read_in_background(path)
            if not known.whole:
                known = replace(Summary(), **_facts(read_header(path)))
            return Receipt(receipt_id, made, path, there.st_size, known, is_being_read=True)
        known = summarise(path)
    return Receipt(receipt_id, made, path, there.st_size, known)


def _is_of(known: Summary, size: int, modified: int) -> bool:
    return (known.size, known.modified) == (size, modified)


def _read_in_background(path: Path) -> None:
    def read() -> None:
        try:
            summarise(path)
        except OSError as error:
            log.warning("a receipt cannot be read: %s", error)
        finally:
            _being_read.discard(path)

    with _starting:
        if path not in _being_read:
            _being_read.add(path)
            _reading.submit(read)


def _latest(path: Path) -> Summary:
    """Return what is known of a receipt: from memory, from beside it, or nothing."""
    known = _known.get(path)
    if known is None:
        known = _from_file(_beside(path))
        _known[path] = known
    return known


def _from_file(path: Path) -> Summary:
    try:
        return Summary(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return Summary()


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + ".json")


def summarise(path: Path) -> Summary:
    """Return what a receipt says in short, reading only what has come since the last time.

    It is kept in memory and beside the receipt. Raises OSError.
    """
    there = path.stat()
    known = _latest(path)
    if known.whole > there.st_size:
        known = Summary()
    folding = _Folding(known)
    for piece in read_pieces(path, known.whole, there.st_size):
        if isinstance(piece, int):
            folding.end_member(piece)
        else:
            with suppress(*NOT_OURS):
                folding.take(piece)
    summary = folding.whole
    summary.size, summary.modified = there.st_size, there.st_mtime_ns
    _known[path] = summary
    _keep(_beside(path), summary)
    return summary


def _keep(path: Path, summary: Summary) -> None:
    """Write a summary whole or not at all; without it, the receipt will be read again."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        new.touch(mode=0o600, exist_ok=False)
        new.write_text(json.dumps(asdict(summary)), "utf-8")
        new.replace(path)
    except OSError as error:
        log.info("a receipt's summary is not kept: %s", error)
        with suppress(OSError):
            new.unlink(missing_ok=True)


class _Folding:
    """Adds a receipt's lines to a summary, member by member."""

    def __init__(self, known: Summary) -> None:
        self.whole = known
        """The summary of all members that are whole."""
        self._summary = _copied(known)
        self._pending = set(known.pending)
        self._part_jobs = PART_JOBS  # so that a new part begins

    def end_member(self, end: int) -> None:
        """Take what has been added as belonging to a whole member, which ends there."""
        summary = self._summary
        summary.whole = end
        summary.pending = sorted(self._pending)
        self.whole = summary
        self._summary = _copied(summary)

    def take(self, line: bytes) -> None:
        """Add what a line says."""
        said, summary = parse(line), self._summary
        if "job" in said:
            self._take_job(said)
        elif "outcome" in said:
            for outcome in ("removed", "active", "missing", "held"):
                ids = said["outcome"].get(outcome, [])
                setattr(summary, outcome, getattr(summary, outcome) + len(ids))
                self._pending.difference_update(ids)
                if outcome != "removed" and ids:
                    told = summary.stayed.setdefault(outcome, [])
                    told += ids[: MAX_TOLD - len(told)]
        elif "end" in said:
            summary.has_ended = True
            summary.error = str(said["end"].get("error", ""))
        elif "undone" in said:
            self._take_undone(said["undone"])
        elif said.get("receipt") == 1:
            for fact, value in _facts(said).items():
                setattr(summary, fact, value)
            with suppress(KeyError, ValueError):
                summary.name_column = said["columns"]["job"].index("name")

    def _take_job(self, said: Mapping[str, Any]) -> None:
        summary, job_id = self._summary, int(said["job"])
        self._pending.add(job_id)
        summary.first_id = job_id if summary.first_id is None else min(job_id, summary.first_id)
        summary.last_id = job_id if summary.last_id is None else max(job_id, summary.last_id)
        parts = summary.parts
        begins = summary.whole
        if not parts or (
            begins > parts[-1][0]
            and (self._part_jobs >= PART_JOBS or begins - parts[-1][0] >= PART_BYTES)
        ):
            parts.append([begins, job_id, job_id])
            self._part_jobs = 0
        self._part_jobs += 1
        parts[-1][1:] = [min(parts[-1][1], job_id), max(parts[-1][2], job_id)]
        name = self._name_of(said)
        if name in summary.names or len(summary.names) < MAX_NAMES:
            summary.names[name] = summary.names.get(name, 0) + 1
        else:
            summary.other_names += 1

    def _name_of(self, said: Mapping[str, Any]) -> str:
        rows, at = said["rows"].get("job"), self._summary.name_column
        name = rows[0][at] if rows and len(rows[0]) > at else None
        return name[:MAX_NAME_LENGTH] if isinstance(name, str) else ""

    def _take_undone(self, said: Mapping[str, Any]) -> None:
        summary = self._summary
        returned = said.get("returned", [])
        summary.returned += len(returned)
        for job_id in returned:
            summary.could_not.pop(str(job_id), None)
        for job_id, reason in said.get("could_not", {}).items():
            if job_id in summary.could_not or len(summary.could_not) < MAX_TOLD:
                summary.could_not[job_id] = reason
        undo = {"at": said.get("at", ""), "by": said.get("by", ""), "returned": 0}
        last = summary.undos[-1] if summary.undos else {}
        if (last.get("at"), last.get("by")) != (undo["at"], undo["by"]):
            summary.undos.append(undo)
        summary.undos[-1]["returned"] += len(returned)


def _facts(header: Mapping[str, Any]) -> dict[str, Any]:
    names = ("at", "by", "action", "filter", "database")
    return {name: str(header.get(name, "")) for name in names}


def _copied(summary: Summary) -> Summary:
    return replace(
        summary,
        names=dict(summary.names),
        stayed={outcome: list(ids) for outcome, ids in summary.stayed.items()},
        could_not=dict(summary.could_not),
        undos=[dict(undo) for undo in summary.undos],
        parts=[list(part) for part in summary.parts],
    )
