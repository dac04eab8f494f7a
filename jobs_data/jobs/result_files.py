"""Result files of jobs: found below the platform's web root, or refused with a sentence."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from jobs_data.wording import counted, size

MAX_LOOKED_AT: Final = 5_000
"""At how many of many jobs' result files is looked."""

LOOK_SECONDS: Final = 3


class ResultUnavailable(Exception):
    """A result file cannot be served; the message is a sentence that says why."""


@dataclass(frozen=True)
class ResultRoots:
    """The folders that hold result files: the platform's web root, and where links in it lead.

    Heratio writes below `storage/app/public`; the link `storage` in its web root leads there. Laravel's
    `artisan storage:link` makes it.
    """

    web_root: Path
    """Its real path, without any symbolic link."""
    links: Mapping[str, Path]
    """The links directly below it that led to a folder, by name, with that folder's real path."""


def read_result_roots(web_root: Path | None) -> ResultRoots | None:
    """Return the roots of result files as they are on disk now; None where no web root is set.

    Read them once, at the start: whoever makes a link later cannot make the app serve what it leads to.
    """
    if web_root is None:
        return None
    web_root = web_root.resolve()
    links = {}
    with suppress(OSError):  # the web root is away: `find_result` says so
        for link in filter(Path.is_symlink, web_root.iterdir()):
            with suppress(OSError, RuntimeError):  # it leads nowhere or in a loop, or is not for us
                folder = link.resolve(strict=True)
                # One that the web root itself lies in also holds what nobody may fetch: passwords.
                if folder.is_dir() and not web_root.is_relative_to(folder):
                    links[link.name] = folder
    return ResultRoots(web_root, links)


@dataclass(frozen=True)
class ResultFile:
    """A result file that exists, is a regular file that can be read, and lies below its root."""

    path: Path
    """The real path, without any symbolic link."""
    size: int
    """In bytes."""

    @property
    def name(self) -> str:
        """Return the name under which it is offered."""
        return self.path.name

    def read(self) -> bytes:
        """Return its content; for small files only. Raises ResultUnavailable."""
        try:
            # It was no link when it was found; should it be one by now, it is not followed.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ResultUnavailable(f"The result file {self.name} can no longer be read.") from error
        with os.fdopen(descriptor, "rb") as file:
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
        scope = least = ""
        if self.looked_at < self.named:
            scope, least = f", of which {self.looked_at:,} were looked at", "at least "
        return (
            f"{names}{scope}: {least}{self.there:,} {'is' if self.there == 1 else 'are'} there, "
            f"{least}{size(self.bytes)} in all. They stay on disk: none is erased."
        )


def file_sizes(roots: ResultRoots | None, paths: Iterable[str], named: int) -> FileSizes:
    """Return what the files that some jobs' download paths name below the roots take.

    Looks at the first 5,000 of `paths`, for three seconds at most; `named` says how many there are.
    """
    deadline = time.monotonic() + LOOK_SECONDS
    looked_at = 0
    found: list[ResultFile] = []
    for path in islice(paths, MAX_LOOKED_AT) if roots else ():
        if time.monotonic() > deadline:
            break
        looked_at += 1
        with suppress(ResultUnavailable):
            found += filter(None, [find_result(roots, path)])
    sizes = {file.path: file.size for file in found}
    return FileSizes(named, looked_at, len(found), sum(sizes.values()), has_root=roots is not None)


def size_in_words(roots: ResultRoots | None, download_path: str) -> str:
    """Return how large a job's result file is, or that it is not there; empty where it names none."""
    try:
        found = find_result(roots, download_path)
    except ResultUnavailable:
        return "not there" if roots else "not known"
    return size(found.size) if found else ""


def find_result(roots: ResultRoots | None, download_path: str) -> ResultFile | None:
    """Return the file that a job's download path names below the web root, or None for an empty path.

    Both of the platform's spellings are understood: with a leading slash (Heratio) and without one
    (AtoM); both mean a path below the web root. A path that begins with the name of one of the roots'
    links belongs to the folder of that link. Raises ResultUnavailable where the path leads outside the
    root that it belongs to, by `..` or by any other symbolic link, or where the file is missing,
    unreadable or not a regular file.
    """
    if not download_path.strip():
        return None
    if roots is None:
        raise ResultUnavailable(
            "This job has a result file, but HERATIO_JOBS_RESULTS_ROOT is not set, so this app does "
            "not know where the platform keeps it."
        )
    root, below = _split(roots, Path(download_path))
    try:
        link = root / Path(*below.parts[:1])
        if root == roots.web_root and link.is_symlink() and not link.resolve().is_relative_to(root):
            raise ResultUnavailable(_UNKNOWN_LINK)
        path = (root / below).resolve(strict=True)
        if not path.is_relative_to(root):
            raise ResultUnavailable(_OUTSIDE)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ResultUnavailable("The job's result path does not name a file.")
        if not os.access(path, os.R_OK):
            raise PermissionError
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultUnavailable(
            "The result file is no longer on the server: it was moved, renamed or cleaned up."
        ) from error
    except PermissionError as error:
        raise ResultUnavailable(
            "This app has no right to read the result file: the permissions of the file and its "
            "folders must allow the user that runs the app."
        ) from error
    except (OSError, ValueError, RuntimeError) as error:  # too long, NUL bytes, a loop of links
        raise ResultUnavailable("The job's result path is not one that a file can have.") from error
    return ResultFile(path, status.st_size)


def _split(roots: ResultRoots, path: Path) -> tuple[Path, Path]:
    """Return the root that a download path belongs to, and the path below that root."""
    # A path may also be spelt out in full, from the server's root down through the web root.
    path = path.relative_to(roots.web_root) if path.is_relative_to(roots.web_root) else path
    path = Path(str(path).lstrip("/"))
    if ".." in path.parts:
        raise ResultUnavailable(_OUTSIDE)
    root, first = roots.web_root, "".join(path.parts[:1])
    if first in roots.links:
        root, path = roots.links[first], path.relative_to(first)
    if not os.access(root, os.F_OK) or root.resolve() != root:
        raise ResultUnavailable(_UNREACHABLE)
    return root, path


_UNKNOWN_LINK: Final = (
    "The job's result path goes through a symbolic link that this app does not follow. It follows the "
    "links in HERATIO_JOBS_RESULTS_ROOT that lead to another folder when it starts: after "
    "`artisan storage:link`, restart the app."
)
_UNREACHABLE: Final = (
    "The folder in HERATIO_JOBS_RESULTS_ROOT, or one that a link in it leads to, cannot be reached "
    "right now. If it was moved, restart the app."
)
_OUTSIDE: Final = (
    "The job's result path leads outside the folder in HERATIO_JOBS_RESULTS_ROOT, so the file is not "
    "served."
)
