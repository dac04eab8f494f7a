"""Result files of jobs: opened in the platform's result folders, or refused with a sentence."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Self

from jobs_data.jobs import file_names
from jobs_data.settings import RESULTS_FOLDERS
from jobs_data.wording import counted, size

MAX_LOOKED_AT: Final = 5_000
"""At how many of many jobs' result files is looked."""

LOOK_SECONDS: Final = 3

LARAVELS_LINK: Final = (("storage",), ("storage", "app", "public"))
"""The name of the link in Laravel's web root, and the end of its target's path."""

LARAVELS_OWN: Final = ("app", "framework", "logs")
"""The contents of Laravel's own `storage` beside the web root: sessions, logs, keys, private files."""

LARAVELS_PUBLIC: Final = (("downloads",), ("app", "public"))
"""The served part of Laravel's `storage`: what its web root shows, and Heratio's downloads."""

# O_PATH, if it exists: a folder that may be entered need not be readable.
_FOLDER: Final[int] = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW
# O_NONBLOCK: the opening of a pipe does not wait for its writer.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


class ResultUnavailable(Exception):
    """A result file cannot be served. The message is a sentence with the reason."""


@dataclass(frozen=True)
class ResultRoots:
    """The folders from which result files are served."""

    web_root: Path
    """As the settings spell it."""
    real_web_root: Path
    """The same without any symbolic link."""
    folders: Mapping[tuple[str, ...], Path]
    """By the parts of their paths below the web root: their real paths.

    The web root itself has no part, if it is one of the folders.
    """


def read_result_roots(
    web_root: Path | None, names: Sequence[str] = RESULTS_FOLDERS
) -> ResultRoots | None:
    """Return the folders of result files as they are on disk now; None where no web root is set.

    `names` are paths below the web root. One may be a link: Heratio's `storage` leads to
    `storage/app/public`, as Laravel's `artisan storage:link` makes it. Read them once, at the start:
    a later link is not followed.
    """
    if web_root is None:
        return None
    real_root = web_root.resolve()
    folders: dict[tuple[str, ...], Path] = {}
    for parts in (Path(name).parts for name in names):
        folder = real_root.joinpath(*parts)
        ends = [root.parts[-len(parts) :] for root in (web_root, real_root)]
        if parts in ends or (parts, real_root.parts[-3:]) == LARAVELS_LINK:
            folders[()] = real_root
            folder = folder if os.path.lexists(folder) else real_root
        with suppress(OSError, RuntimeError):  # missing, a loop, or not for us: opening it says so
            real = folder.resolve(strict=True)
            # A link to a folder around the web root would expose passwords.
            if folder == real_root or not real_root.is_relative_to(real):
                folder = real
        folders[parts] = folder
    # `storage/exports` before `storage`, and the web root itself last.
    deepest_first = sorted(folders, key=len, reverse=True)
    return ResultRoots(web_root, real_root, {parts: folders[parts] for parts in deepest_first})


@dataclass(frozen=True)
class ResultFile:
    """A regular file below one of the folders, open for reading. Close it, or use it in a `with`."""

    file: BinaryIO
    name: str
    """The name to show and to save it under, without harmful characters."""
    status: os.stat_result
    """Of this open file, whatever happens to its name."""

    @property
    def size(self) -> int:
        """Return its size in bytes at its opening."""
        return self.status.st_size

    def read(self) -> bytes:
        """Return its content; for small files only. Raises ResultUnavailable, also for a part."""
        try:
            content = self.file.read(self.size)
        except OSError as error:
            raise ResultUnavailable(_NOT_NOW) from error
        if len(content) < self.size:
            raise ResultUnavailable("The result file changed while it was read. Try again.")
        return content

    def close(self) -> None:
        """Close it; closing it again does nothing."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class FileSizes:
    """The sizes of some jobs' result files, as far as they were checked."""

    named: int
    """How many of the jobs name a result file."""
    looked_at: int
    """How many of these were checked: all, unless there are many or the disk is slow."""
    there: int
    """How many of those have a file that can be read."""
    bytes: int
    """The sum of their sizes; a file that several jobs name counts once."""
    has_root: bool
    """Whether the folder of result files is known; if not, none was checked."""

    def sentence(self) -> str:
        """Return how many there are and their size, for the screen and the command line."""
        if not self.named:
            return "None of these jobs has a result file."
        have = f"{counted(self.named)} {'has' if self.named == 1 else 'have'} a result file"
        if not self.has_root:
            return f"{have}. Their sizes are not known: HERATIO_JOBS_RESULTS_ROOT is not set."
        found = f"{self.there:,} found, {size(self.bytes)} in total" if self.there else "none found"
        among = f" among the first {self.looked_at:,}" if self.looked_at < self.named else ""
        return f"{have}: {found}{among}. Result files are kept."


def file_sizes(roots: ResultRoots | None, paths: Iterable[str], named: int) -> FileSizes:
    """Return the sizes of the files that some jobs' download paths name below the roots.

    It checks the first 5,000 of `paths`, for three seconds at most; `named` is their number.
    """
    deadline = time.monotonic() + LOOK_SECONDS
    looked_at = there = 0
    sizes: dict[tuple[int, int], int] = {}
    for path in islice(paths, MAX_LOOKED_AT) if roots else ():
        if time.monotonic() > deadline:
            break
        looked_at += 1
        with suppress(ResultUnavailable):
            if result := open_result(roots, path):
                result.close()
                there += 1
                sizes[result.status.st_dev, result.status.st_ino] = result.size
    return FileSizes(named, looked_at, there, sum(sizes.values()), has_root=roots is not None)


def measure(roots: ResultRoots | None, paths: Iterable[str]) -> dict[str, int | None]:
    """Return the sizes in bytes of the files that a page's download paths name, by these paths.

    None for a path whose file is not served; empty paths are left out. It checks for three seconds at
    most, and leaves out the paths after that.
    """
    deadline = time.monotonic() + LOOK_SECONDS
    sizes: dict[str, int | None] = {}
    for path in dict.fromkeys(path for path in paths if path.strip()):
        if time.monotonic() > deadline:
            break
        sizes[path] = None
        with suppress(ResultUnavailable):
            if result := open_result(roots, path):
                with result:
                    sizes[path] = result.size
    return sizes


def size_in_words(roots: ResultRoots | None, download_path: str) -> str:
    """Return the size of a job's result file, or that it is missing; empty without one."""
    try:
        result = open_result(roots, download_path)
    except ResultUnavailable:
        return "not there" if roots else "not known"
    if result is None:
        return ""
    with result:
        return size(result.size)


def open_result(roots: ResultRoots | None, download_path: str) -> ResultFile | None:
    """Return the open file that a job's download path names, or None for an empty path.

    A path with a leading slash (Heratio) or without one (AtoM) is below the web root. A path may also
    be absolute.
    Raises ResultUnavailable where the path leads outside the folders that are served, names a hidden
    file, code or configuration, or where the file is missing, unreadable or not a regular file.

    From the root down each folder is opened in the one before, and no symbolic link is followed:
    swapping a file or a folder for a link during the walk makes it fail. Checks, size and content are
    of the open file. A hard link looks like the file itself.
    """
    if not download_path.strip():
        return None
    if roots is None:
        raise ResultUnavailable(
            "This job has a result file, but HERATIO_JOBS_RESULTS_ROOT is not set, so this app does "
            "not know where the platform keeps it."
        )
    root, parts = _split(roots, Path(download_path))
    with ExitStack() as opened:
        folder = _open_root(root, opened)
        try:
            return _open_below(folder, parts, opened)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ResultUnavailable(_GONE) from error
        except PermissionError as error:
            raise ResultUnavailable(_FORBIDDEN) from error
        except ValueError as error:  # a NUL byte, or a character that no name has
            raise ResultUnavailable(_IMPOSSIBLE) from error
        except OSError as error:
            impossible = error.errno in {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
            raise ResultUnavailable(_IMPOSSIBLE if impossible else _NOT_NOW) from error


def _split(roots: ResultRoots, path: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder that a download path belongs to, and the parts of the path below it."""
    for root in (roots.web_root, roots.real_web_root):
        if path.is_relative_to(root):
            path = path.relative_to(root)
    parts = path.parts[1:] if path.root else path.parts
    if ".." in parts:
        raise ResultUnavailable(_OUTSIDE)
    for of_folder, folder in roots.folders.items():
        if parts[: len(of_folder)] == of_folder:
            return folder, parts[len(of_folder) :]
    names = ", ".join("/".join(of_folder) for of_folder in roots.folders)
    raise ResultUnavailable(
        "The job's result path does not lie in a folder that this app serves files from, so the file "
        f"is not served. HERATIO_JOBS_RESULTS_FOLDERS names these folders: {names}."
    )


def _open_root(root: Path, opened: ExitStack) -> int:
    """Return a descriptor of a folder whose path has no symbolic link."""
    folder = os.open(root.anchor, _FOLDER)
    opened.callback(os.close, folder)
    try:
        for part in root.parts[1:]:
            folder = os.open(part, _FOLDER, dir_fd=folder)
            opened.callback(os.close, folder)
    except OSError as error:
        raise ResultUnavailable(_UNREACHABLE) from error
    return folder


def _open_below(folder: int, parts: Sequence[str], opened: ExitStack) -> ResultFile:
    """Return the open file with a path below a folder."""
    if any(map(file_names.is_secret, parts)):
        raise ResultUnavailable(_NEVER_SERVED)
    if any(_kind(folder, name.encode()) == stat.S_IFDIR for name in LARAVELS_OWN) and not any(
        tuple(parts[: len(public)]) == public for public in LARAVELS_PUBLIC
    ):
        raise ResultUnavailable(_LARAVELS)
    for part in parts[:-1]:
        folder, _ = _open(folder, part, _FOLDER)
        opened.callback(os.close, folder)
    descriptor, name = _open(folder, parts[-1] if parts else ".", _FILE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ResultUnavailable(_NO_FILE)
    except BaseException:
        os.close(descriptor)
        raise
    return ResultFile(os.fdopen(descriptor, "rb"), file_names.shown(name), status)


def _open(folder: int, part: str, flags: int) -> tuple[int, bytes]:
    """Return a descriptor of what a folder has under a name, and how the disk spells that name."""
    for name in file_names.spellings(folder, part):
        if name != b"." and file_names.is_secret(os.fsdecode(name)):
            raise ResultUnavailable(_NEVER_SERVED)
        try:
            return os.open(name, flags, dir_fd=folder), name
        except FileNotFoundError:
            continue
        except OSError as error:
            kind = _kind(folder, name)
            if kind == stat.S_IFLNK:
                raise ResultUnavailable(_LINK) from error
            if kind == stat.S_IFSOCK:
                raise ResultUnavailable(_NO_FILE) from error
            raise
    raise FileNotFoundError(errno.ENOENT, "no such file", part)


def _kind(folder: int, name: bytes) -> int | None:
    """Return what a name in a folder is, None where that cannot be read."""
    try:
        return stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return None


_GONE: Final = "The result file is no longer on the server: it was moved, renamed or cleaned up."
_FORBIDDEN: Final = (
    "This app may not read the result file. Give the user that runs the app permission for the file "
    "and its folders."
)
_IMPOSSIBLE: Final = "The job's result path is not a possible path of a file."
_NOT_NOW: Final = "The result file cannot be read now. Try again in a moment."
_NO_FILE: Final = "The job's result path does not name a file."
_OUTSIDE: Final = (
    "The job's result path leads outside the folder in HERATIO_JOBS_RESULTS_ROOT, so the file is not "
    "served."
)
_NEVER_SERVED: Final = (
    "The job's result path names a hidden file, or a file of code, configuration, keys or a database. "
    "Such files are never served."
)
_LARAVELS: Final = (
    "The job's result path is in Laravel's own storage, which also holds sessions, logs and keys. Only "
    "its folders `downloads` and `app/public` are served."
)
_LINK: Final = (
    "The job's result path goes through a symbolic link, so the file is not served. Only a folder in "
    "HERATIO_JOBS_RESULTS_FOLDERS may itself be a link."
)
_UNREACHABLE: Final = (
    "The folder of the result file, below HERATIO_JOBS_RESULTS_ROOT, cannot be reached. If it was "
    "moved, or linked after the app's start, for example by `artisan storage:link`, restart the app."
)
