"""What the screens of the queues read: at most once in ten seconds for all sessions.

Where the list is not shared (HERATIO_JOBS_LIST_SECONDS=0), each session reads for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import streamlit as st

from jobs_data.platform.database import Database
from jobs_data.platform.errors import TookTooLong, translated_errors
from jobs_data.single_flight import SingleFlight
from pages.parts.shared import refresh
from pages.parts.shared.services import get_services

SECONDS: Final = 10
"""Less than the interval of auto refresh, which thus always reads anew."""

P = ParamSpec("P")
T = TypeVar("T")
_flights: Final = SingleFlight[Any]()


def shared(
    read: Callable[Concatenate[Database, P], T],
    database: Database,
    *arguments: P.args,
    **named: P.kwargs,
) -> T:
    """Return what a function of `queues` returns, or what this session has seen of it last.

    Raises DatabaseUnavailable where it has seen nothing.
    """
    key = (read.__name__, database.identity, arguments, tuple(named.items()))
    reading = partial(_shared, key, read, database, *arguments, **named)
    return refresh.last_good(read.__name__, key, reading)


def _shared(
    key: Hashable,
    read: Callable[Concatenate[Database, P], T],
    database: Database,
    *arguments: P.args,
    **named: P.kwargs,
) -> T:
    if not get_services().settings.list_seconds:
        return read(database, *arguments, **named)
    reading = partial(_read, read.__name__, database.identity, arguments, named, read, database)
    with translated_errors():
        found: T | TookTooLong = _flights.run(key, reading)
    if isinstance(found, TookTooLong):
        raise found
    return found


def forget() -> None:
    """Let the next run read anew."""
    _read.clear()


# Streamlit leaves arguments that begin with an underscore out of the key: the name and the identity
# stand for them.
@st.cache_data(ttl=SECONDS, max_entries=300, max_size="100MB", show_spinner=False)
def _read(
    name: str,  # noqa: ARG001 - the key
    database_identity: str,  # noqa: ARG001 - the key
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
    _function: Callable[..., T],
    _database: Database,
) -> T | TookTooLong:
    try:
        return _function(_database, *arguments, **named)
    except TookTooLong as problem:
        # Kept like an answer: else each of many watchers would let the database work in vain anew.
        return problem
