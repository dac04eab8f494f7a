"""What is said of a removal."""

from dataclasses import replace

from jobs_data.audit import Actor
from jobs_data.removal import receipt_words
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.receipts import read_receipt
from jobs_data.store.schema import Outcome
from tests.support.databases import on_sqlite
from tests.support.store import Store


@on_sqlite
def test_a_removal_in_words(store: Store) -> None:
    """Who deleted how many, which names, what was not deleted, how many are restored, and why not."""
    jobs = [store.job("arFindingAidJob"), store.job("b"), store.job("b"), store.job("c")]
    jobs.append(store.job(status_id=183))
    work = store.removals().remove_jobs(jobs, Reason(Actor("Ada"), Action.DELETE, "x"))
    receipt = read_receipt(store.own, work.receipt)
    assert receipt
    platform = receipt.platform
    assert receipt_words.title(receipt) == "Ada deleted 4 jobs"
    assert receipt_words.names_words(receipt, 2) == "b ×2, Finding aid ×1, and 1 more"
    assert receipt_words.not_deleted_words(receipt) == "Not deleted: 1 not finished"
    assert receipt_words.why_not_restorable(receipt, platform, may_restore=True) == ""
    assert "administrators" in receipt_words.why_not_restorable(receipt, platform, may_restore=False)
    assert "another database" in receipt_words.why_not_restorable(receipt, "other", may_restore=True)
    partly = replace(receipt, counts={Outcome.REMOVED: 3, Outcome.RESTORED: 1})
    assert receipt_words.state_words(partly) == "1 of 4 restored"
