"""Removals, for tests of what comes after them."""

from collections.abc import Sequence

import numpy as np

from jobs_data.audit import Actor
from jobs_data.platform.database import Database
from jobs_data.removal.removal import Removal
from jobs_data.store.receipt_writer import Action, Reason
from tests.support.store import CLEARING, Store

CAUSE = Reason(Actor("ada"), Action.DELETE, "2 selected jobs")


def cleared(store: Store, database: Database | None = None) -> Removal:
    """Delete all finished jobs and return the deletion when it has ended."""
    work = store.removals(database).start(None, CLEARING)
    work.wait()
    return work


def remove(store: Store, ids: Sequence[int], reason: Reason = CAUSE) -> str:
    """Remove finished jobs and return the id of the receipt."""
    work = store.removals().start(np.array(sorted(ids), dtype=np.int64), reason)
    work.wait()
    assert (work.removed, work.error) == (len(ids), "")
    return work.receipt
