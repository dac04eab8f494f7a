"""Many ids of jobs at once: as numbers in little memory, and as lists in one database value.

The driver is slow with each row, so ids come as texts that list thousands of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from jobs_data.platform.errors import DatabaseUnavailable

Ids: TypeAlias = npt.NDArray[np.int64]
"""Ids of jobs, each once; never changed in place."""

LIST_BYTES: Final = 4 * 1024 * 1024
"""How long a list may be; by default a server cuts one off after as little as 1 KB."""


def allow_lists(connection: Connection) -> None:
    """Let GROUP_CONCAT list as many ids as are asked for at once."""
    if connection.dialect.name != "sqlite":  # which has no limit
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {LIST_BYTES}")


def parse_list(text: str | None, jobs: int) -> Ids:
    """Return the ids that a value lists. Raises DatabaseUnavailable where they are not `jobs` ids."""
    # A list of a single id is a number on SQLite.
    listed = str(text or "")
    found = np.fromstring(listed, dtype=np.int64, sep=",")
    if len(found) != jobs or len(listed) >= LIST_BYTES:
        # A value cut short could end in half an id, which is the id of some other job.
        raise DatabaseUnavailable(
            "The database did not send all the ids of the jobs: max_allowed_packet may be set "
            "too low on the server."
        )
    return found


def joined(lists: Sequence[Ids]) -> Ids:
    """Return the ids of some lists, ascending."""
    return np.sort(np.concatenate([np.empty(0, np.int64), *lists]))
