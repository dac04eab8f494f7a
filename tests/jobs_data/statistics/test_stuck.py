"""Which active jobs run far longer than usual, on both kinds of database."""

from datetime import timedelta

from jobs_data.platform import tables
from jobs_data.statistics.stuck import read_stuck
from tests.support.names import compare_loosely
from tests.support.statistics import DAY, NOW, took
from tests.support.store import NOON, Store


def test_far_longer_than_usual_is_possibly_stuck(store: Store) -> None:
    """Beyond median plus five deviations and ten minutes; with four runs nobody can tell."""
    for minutes in (10, 20, 30, 40, 50):  # median 30 min, deviations 20 10 0 10 20: median 10 min
        took(store, minutes * 60, "import", NOON - DAY)
    for _ in range(5):
        took(store, 1, "quick", NOON - DAY)
    for _ in range(4):
        took(store, 1, "rare", NOON - DAY)

    def running(name: str, minutes: int) -> int:
        created = NOW.replace(tzinfo=None) - timedelta(minutes=minutes)
        return store.job(name, 183, created)

    running("import", 79)
    slow = running("import", 81)
    running("quick", 9)
    quick = running("quick", 11)
    rare = running("rare", 5000)
    begun_late = running("quick", 5000)
    store.execution(begun_late, started_at=NOW.replace(tzinfo=None) - timedelta(minutes=1))
    stuck = read_stuck(store.database(), NOW)
    columns = ["id", "seconds", "usual", "limit"]
    assert stuck.jobs[columns].to_numpy().tolist() == [
        [slow, 81 * 60, 30 * 60, 80 * 60],
        [quick, 11 * 60, 1, 600],
    ]
    assert stuck.cannot_tell["id"].tolist() == [rare]
    assert (stuck.active, stuck.looked_at) == (6, 6)


def test_runs_of_another_name_say_nothing(store: Store) -> None:
    """Whatever the collation takes for the same: three runs of each name are too few to tell."""
    compare_loosely(store, tables.job, "name")
    names = ("résumé", "resume", "abc\0d", "abc\0e", "Import 🍣", "Import 🍺", "abc", "abc ")
    for name in names:
        for _ in range(3):
            took(store, 60, name, NOON - DAY)
        store.job(name, 183, NOON - DAY)
    stuck = read_stuck(store.database(), NOW)
    assert sorted(stuck.cannot_tell["name"]) == sorted(names)
    assert stuck.jobs.empty


def test_no_active_jobs_are_not_stuck(store: Store) -> None:
    """Both frames are empty."""
    took(store, 5000)
    stuck = read_stuck(store.database(), NOW)
    assert (stuck.jobs.empty, stuck.cannot_tell.empty) == (True, True)
    assert stuck.active == 0
