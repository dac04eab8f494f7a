"""What the screen of the queues reads: at most once in ten seconds for all sessions."""

from __future__ import annotations

from typing import Final

import streamlit as st

from jobs_data import queues
from jobs_data.engine import Database, identity
from jobs_data.queue_filters import QueueView
from jobs_data.queues import QueueJobsPage, QueuesOverview

SECONDS: Final = 10
"""Less than the interval of auto refresh, which thus always reads anew."""

_shared: Final = st.cache_data(ttl=SECONDS, max_entries=50, show_spinner=False)


def overview(database: Database) -> QueuesOverview:
    """Return a row per queue. Raises DatabaseUnavailable."""
    return _overview(database, identity(database))


def queue_jobs(database: Database, view: QueueView) -> QueueJobsPage:
    """Return a page of the queues' jobs. Raises DatabaseUnavailable."""
    return _queue_jobs(database, identity(database), view)


def forget() -> None:
    """Let the next run read anew."""
    _overview.clear()
    _queue_jobs.clear()


# Streamlit leaves arguments that begin with an underscore out of the key: the identity stands for the
# database.
@_shared
def _overview(_database: Database, database_identity: str) -> QueuesOverview:  # noqa: ARG001 - the key
    return queues.read_overview(_database)


@_shared
def _queue_jobs(
    _database: Database,
    database_identity: str,  # noqa: ARG001 - the key
    view: QueueView,
) -> QueueJobsPage:
    return queues.read_queue_jobs(_database, view)
