"""Removals, for tests of what comes after them."""

from collections.abc import Sequence

import numpy as np

from jobs_data.audit import Actor
from jobs_data.store.receipt_writer import Action, Reason
from tests.support.store import Store

CAUSE = Reason(Actor("ada"), Action.DELETE, "2 selected jobs")


def remove(store: Store, ids: Sequence[int], reason: Reason = CAUSE) -> str:
    """Remove finished jobs and return the id of the receipt."""
    work = store.removals().start(np.array(sorted(ids), dtype=np.int64), reason)
    work.wait()
    assert (work.removed, work.error) == (len(ids), "")
    return work.receipt
