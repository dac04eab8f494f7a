"""What is kept of a selection, for whom and for how long, and what is read of its jobs."""

from typing import Final

import numpy as np
import pytest

from jobs_data.jobs import selections
from jobs_data.jobs.selections import Selections, SignIn, TooManyJobs, ids_of
from jobs_data.jobs.view import EVERYTHING, NO_OWNER, JobFilter
from jobs_data.platform.status import State
from tests.support.names import SOME, insert_jobs_called
from tests.support.store import Store
from tests.support.waiting import Clock

ADA: Final[SignIn] = (1, "session")


def test_each_sign_in_has_a_selection_of_its_own() -> None:
    """Neither another session of the account nor a name that looks like its number shares it."""
    kept = Selections()
    kept.keep(ADA, ids_of([3, 1, 3]))
    kept.keep(("1", "session"), ids_of([9]))
    assert kept.find(ADA).tolist() == [1, 3]
    assert kept.find((1, "another")).size == 0
    kept.keep(ADA, ids_of([5, 4]))
    assert kept.find(ADA).tolist() == [4, 5]
    kept.keep(ADA, ids_of([]))
    assert kept.find(ADA).size == 0
    assert kept.find(("1", "session")).tolist() == [9]


def test_a_selection_is_kept_while_it_is_seen() -> None:
    """A viewer who comes back within the time finds it; later it is gone."""
    clock = Clock()
    kept = Selections(clock)
    for session in ("seen", "unseen"):
        kept.keep((1, session), ids_of([1]))
    clock.now = selections.KEPT_SECONDS
    assert kept.find((1, "seen")).size
    clock.now += 1
    assert not kept.find((1, "unseen")).size
    assert kept.find((1, "seen")).size


def test_the_selections_of_a_process_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those seen longest ago go first, and one that is too large is refused with a sentence."""
    monkeypatch.setattr(selections, "MAX_SELECTIONS", 2)
    monkeypatch.setattr(selections, "MAX_JOBS", 4)
    monkeypatch.setattr(selections, "MAX_JOBS_IN_ALL", 6)
    kept = Selections()

    def left() -> list[int]:
        return [who for who in range(5) if kept.find((who, "")).size]

    for who in range(3):
        kept.keep((who, ""), ids_of([who]))
    assert left() == [1, 2]
    kept.keep((3, ""), ids_of(range(4)))
    assert left() == [2, 3]
    kept.keep((4, ""), ids_of(range(3)))
    assert left() == [4]
    with pytest.raises(TooManyJobs, match="Clean up"):
        kept.keep((4, ""), ids_of(range(5)))
    assert left() == [4]


def test_all_that_a_filter_lets_through_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far apart the ids are; and no more than one selection can have."""
    apart = [1_000, 5_000, 9_999, 10_000, 20_000_001, 2_000_000_000]
    for number, job_id in enumerate(apart):
        store.job(job_id=job_id, status_id=185 if number % 2 else 184)
    database = store.database()
    everything = selections.read_matching(database, EVERYTHING)
    assert everything.tolist() == apart
    assert everything.dtype == np.int64
    failed = JobFilter(state=State.FAILED)
    assert selections.read_matching(database, failed).tolist() == apart[1::2]
    nobody = JobFilter(state=State.FAILED, names=("no such",))
    assert selections.read_matching(database, nobody).size == 0
    monkeypatch.setattr(selections, "MAX_JOBS", 5)
    with pytest.raises(TooManyJobs, match="More than 5 jobs"):
        selections.read_matching(database, EVERYTHING)


def test_a_selection_tells_what_it_holds(store: Store) -> None:
    """By name and state, with those that are gone, or not in the filter, and those that may go."""
    done = [store.job("%_*x*", 184), store.job("%_*x*", 185), store.job(None, 184)]
    running = store.job(" ", None)
    cancelled = store.job("%_*x*", 186)
    unselected = store.job("other", 184)
    # Gone ones by the thousand: the ids do not fit into one statement.
    gone = range(3_000_000, 3_000_000 + 2 * selections.BLOCK)
    ids = ids_of([*done, running, cancelled, *gone])
    contents = selections.read_contents(
        store.database(), ids, JobFilter(state=State.COMPLETED, names=("%_*x*",))
    )
    assert contents.finished_ids.tolist() == done
    assert unselected not in ids
    assert (contents.finished, contents.missing, contents.outside) == (3, len(gone), 4)
    assert contents.in_state(State.ACTIVE) == 1
    assert contents.in_state(State.OTHER) == 1
    assert contents.names == [("%_*x*", 3), ("[Unknown]", 2)]
    assert set(contents.by_name) == {
        ("%_*x*", State.COMPLETED, 1),
        ("%_*x*", State.FAILED, 1),
        ("%_*x*", State.OTHER, 1),
        ("[Unknown]", State.COMPLETED, 1),
        ("[Unknown]", State.ACTIVE, 1),
    }
    # A job without an owner is outside of a filter by owner, too.
    of_a_user = JobFilter(owners=(7,))
    assert selections.read_contents(store.database(), ids_of(done), of_a_user).outside == 3
    of_nobody = JobFilter(owners=(NO_OWNER,))
    assert selections.read_contents(store.database(), ids_of(done), of_nobody).outside == 0


def test_a_selection_tells_names_apart_by_their_characters(store: Store) -> None:
    """As the filter by a name does, by which all jobs of that name are selected."""
    called = insert_jobs_called(store)
    database = store.database()
    for name in SOME:
        ids = selections.read_matching(database, JobFilter(names=(name,))).tolist()
        assert ids == called[name], name
    everything = selections.read_matching(database, EVERYTHING)
    contents = selections.read_contents(database, everything, JobFilter(names=("resume",)))
    assert dict(contents.names) == {name: len(ids) for name, ids in called.items()}
    assert contents.outside == everything.size - len(called["resume"])
