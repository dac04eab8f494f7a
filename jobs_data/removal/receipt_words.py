"""What the page Deleted jobs says of a removal. User names, job names and filters are untrusted."""

from __future__ import annotations

from typing import Final

from jobs_data.jobs.job_names import human_name
from jobs_data.store.receipts import Receipt, State
from jobs_data.store.schema import Outcome
from jobs_data.wording import counted

NOT_DELETED: Final = {
    Outcome.ACTIVE: "not finished",
    Outcome.MISSING: "already deleted",
    Outcome.LOCKED: "in use elsewhere",
}
"""Why jobs that were meant were not deleted."""


def title(receipt: Receipt) -> str:
    """Return who deleted how many jobs: `Layla deleted 3 jobs`."""
    return f"{receipt.by} deleted {counted(receipt.removed + receipt.pending)}"


def state_words(receipt: Receipt) -> str:
    """Return how things are with a removal: `2 of 3 restored`."""
    if receipt.state is State.PARTLY_RESTORED:
        return f"{receipt.restored:,} of {receipt.removed:,} restored"
    return receipt.state


def names_words(receipt: Receipt, number: int) -> str:
    """Return the names that most of its jobs have, at most `number`: `Import ×2, and 3 more`."""
    words = [f"{human_name(name)} ×{jobs:,}" for name, jobs in receipt.names[:number]]
    if more := len(receipt.names) + receipt.other_names - len(words):
        words.append(f"and {more:,} more")
    return ", ".join(words)


def not_deleted_words(receipt: Receipt) -> str:
    """Return how many jobs were not deleted, and why; empty where all were."""
    counts = receipt.counts
    why = [f"{counts[each]:,} {words}" for each, words in NOT_DELETED.items() if counts.get(each)]
    return f"Not deleted: {', '.join(why)}" if why else ""


def why_not_restorable(receipt: Receipt, platform: str, *, may_restore: bool) -> str:
    """Return why its jobs cannot be restored now; empty where they can.

    `platform` is the identity of the platform's database that is set now.
    """
    reasons = {
        "Only administrators can restore jobs.": not may_restore,
        "These jobs are still being deleted or restored.": receipt.state is State.AT_WORK,
        "These jobs were deleted from another database than the one that is set now.": (
            receipt.platform != platform
        ),
        "All of these jobs have been restored.": bool(receipt.removed) and not receipt.to_restore,
        "No job was deleted, so there is nothing to restore.": not receipt.to_restore,
    }
    return next((sentence for sentence, holds in reasons.items() if holds), "")
