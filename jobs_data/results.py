"""Result files of jobs: found below the platform's web root, or refused with a sentence."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import humanize

from jobs_data.wording import counted

MAX_LOOKED_AT: Final = 5_000
"""At how many of many jobs' result files is looked."""

LOOK_SECONDS: Final = 3


class ResultUnavailable(Exception):
    """A result file cannot be served; the message is a sentence that says why."""


@dataclass(frozen=True)
class ResultFile:
    """A result file that exists, is a regular file that can be read, and lies below the root."""

    path: Path
    """The real path, without any symbolic link."""
    size: int
    """In bytes."""

    @property
    def name(self) -> str:
        """Return the name under which it is offered."""
        return self.path.name

    def open(self) -> BinaryIO:
        """Open it for reading; raises ResultUnavailable where that no longer works."""
        try:
            # It was no link when it was found; should it be one by now, it is not followed.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ResultUnavailable(f"The result file {self.name} can no longer be read.") from error
        return os.fdopen(descriptor, "rb")

    def read(self) -> bytes:
        """Return its content; for small files only. Raises ResultUnavailable as `open` does."""
        with self.open() as file:
            return file.read()


@dataclass(frozen=True)
class FileSizes:
    """What the result files of some jobs take on disk, as far as was looked."""

    named: int
    """How many of the jobs name a result file."""
    looked_at: int
    """At how many of these was looked: all of them, unless there are many or the disk is slow."""
    there: int
    """How many of those have a file that can be read."""
    bytes: int
    """What these files take together, a file that several jobs name once."""
    has_root: bool
    """Whether it is known where the platform keeps its files; if not, none was looked at."""

    def sentence(self) -> str:
        """Return how many there are and how much they take, for the screen and the command line."""
        if not self.named:
            return "None of these jobs names a result file."
        names = f"{counted(self.named)} {'names' if self.named == 1 else 'name'} a result file"
        if not self.has_root:
            return f"{names}; where these are is not known: HERATIO_JOBS_RESULTS_ROOT is not set."
        is_all = self.looked_at == self.named
        scope = "" if is_all else f", of which {self.looked_at:,} were looked at"
        least = "" if is_all else "at least "
        return (
            f"{names}{scope}: {least}{self.there:,} {'is' if self.there == 1 else 'are'} there, "
            f"{least}{humanize.naturalsize(self.bytes)} in all. They stay on disk: none is erased."
        )


def file_sizes(root: Path | None, paths: Iterable[str], named: int) -> FileSizes:
    """Return what the files that some jobs' download paths name below the root take.

    Looks at the first 5,000 of `paths`, for three seconds at most; `named` says how many there are.
    """
    deadline = time.monotonic() + LOOK_SECONDS
    looked_at = there = 0
    sizes: dict[Path, int] = {}
    for path in paths if root else ():
        if looked_at == MAX_LOOKED_AT or time.monotonic() > deadline:
            break
        looked_at += 1
        try:
            found = find_result(root, path)
        except ResultUnavailable:
            continue
        if found:
            there += 1
            sizes[found.path] = found.size
    return FileSizes(named, looked_at, there, sum(sizes.values()), has_root=root is not None)


def size_in_words(root: Path | None, download_path: str) -> str:
    """Return how large a job's result file is, or that it is not there; empty where it names none."""
    try:
        found = find_result(root, download_path)
    except ResultUnavailable:
        return "not there" if root else "not known"
    return humanize.naturalsize(found.size) if found else ""


def find_result(root: Path | None, download_path: str) -> ResultFile | None:
    """Return the file that a job's download path names below the root, or None for an empty path.

    Both of the platform's spellings are understood: with a leading slash (Heratio) and without one
    (AtoM); both mean a path below the web root. Raises ResultUnavailable where the path leads outside
    the root by `..` or a symbolic link, or the file is missing, unreadable or not a regular file.
    """
    if not download_path.strip():
        return None
    if root is None:
        raise ResultUnavailable(
            "This job has a result file, but HERATIO_JOBS_RESULTS_ROOT is not set, so this app does "
            "not know where the platform keeps it."
        )
    try:
        real_root = root.resolve(strict=True)
    except OSError as error:
        raise ResultUnavailable(
            "The folder in HERATIO_JOBS_RESULTS_ROOT cannot be reached right now."
        ) from error
    # A path may also be spelt out in full, from the server's root down through the web root.
    within = Path(download_path)
    if within.is_absolute() and not within.is_relative_to(real_root):
        within = Path(download_path.lstrip("/"))
    try:
        if ".." in within.parts:
            raise ResultUnavailable(_OUTSIDE)
        path = (real_root / within).resolve(strict=True)
        if not path.is_relative_to(real_root):
            raise ResultUnavailable(_OUTSIDE)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ResultUnavailable("The job's result path does not name a file.")
        if not os.access(path, os.R_OK):
            raise ResultUnavailable(
                "The result file is there, but this app has no right to read it: its file "
                "permissions must allow the user that runs the app."
            )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultUnavailable(
            "The result file is no longer on the server: it was moved, renamed or cleaned up."
        ) from error
    except PermissionError as error:
        raise ResultUnavailable(
            "This app has no right to look into the folder of the result file."
        ) from error
    except (OSError, ValueError, RuntimeError) as error:  # too long, NUL bytes, a loop of links
        raise ResultUnavailable("The job's result path is not one that a file can have.") from error
    return ResultFile(path, status.st_size)


_OUTSIDE = (
    "The job's result path leads outside the folder in HERATIO_JOBS_RESULTS_ROOT, so the file is not "
    "served."
)
