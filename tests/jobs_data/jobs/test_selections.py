"""What is kept of a selection, for whom and for how long, and what is read of its jobs."""

import numpy as np
import pytest

from jobs_data.jobs import selections
from jobs_data.jobs.selections import Selections, TooManyJobs, ids_of
from jobs_data.jobs.view import EVERYTHING, NO_OWNER, JobFilter
from jobs_data.platform.status import State
from tests.support.names import SOME, insert_jobs_called
from tests.support.store import Store


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_token_works_for_its_account_alone() -> None:
    """Neither does another account see what is under it, nor change or forget it."""
    kept = Selections()
    token = kept.keep(1, None, ids_of([3, 1, 3]))
    assert kept.find(1, token) is not None
    assert kept.find("1", token) is None
    own = kept.keep(2, token, ids_of([9]))
    assert own != token
    kept.forget(2, token)
    assert kept.keep(1, token, ids_of([5, 4])) == token
    found = kept.find(1, token)
    assert found is not None
    assert found.tolist() == [4, 5]
    kept.forget(1, token)
    assert kept.find(1, token) is None


def test_a_selection_is_kept_while_it_is_seen() -> None:
    """Whoever comes back within the time finds it; later it is gone."""
    clock = Clock()
    kept = Selections(clock)
    seen, unseen = kept.keep(1, None, ids_of([1])), kept.keep(1, None, ids_of([2]))
    clock.now = selections.KEPT_SECONDS
    assert kept.find(1, seen) is not None
    clock.now += 1
    assert kept.find(1, unseen) is None
    assert kept.find(1, seen) is not None


def test_there_is_room_for_so_many_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Selections and ids are bounded, and one that is too large is refused with a sentence."""
    monkeypatch.setattr(selections, "MAX_SELECTIONS", 2)
    monkeypatch.setattr(selections, "MAX_JOBS", 4)
    monkeypatch.setattr(selections, "MAX_JOBS_IN_ALL", 6)
    kept = Selections()
    tokens = [kept.keep(1, None, ids_of([number])) for number in range(3)]
    assert [kept.find(1, token) is None for token in tokens] == [True, False, False]
    large = kept.keep(1, None, ids_of(range(4)))
    larger = kept.keep(1, large, ids_of([7, 8, 9, 10]))
    other = kept.keep(1, None, ids_of([5, 6, 7]))
    assert [kept.find(1, token) is None for token in (*tokens, large, other)] == [True] * 4 + [False]
    assert larger == large
    with pytest.raises(TooManyJobs, match="Tidy"):
        kept.keep(1, other, ids_of(range(5)))


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
