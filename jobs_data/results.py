"""Result files of jobs: found below the platform's web root, or refused with a sentence."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


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
