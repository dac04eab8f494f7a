"""How long jobs took: every figure is worked out by hand, on both kinds of database."""

import pytest
from sqlalchemy import delete

from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.tables import job, object_
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.period import Period
from tests.support.names import compare_loosely, insert_jobs_called
from tests.support.statistics import DAY, asked, took
from tests.support.store import NOON, Store


def test_durations_by_name(store: Store) -> None:
    """The recorded duration counts before completed minus created, which counts before none."""
    ids = [took(store, seconds) for seconds in (10, 20, 30, 40, 100)]
    recorded = took(store, 999, "import")
    store.execution(recorded, duration=7)
    took(store, None, "no end")
    took(store, -5, "ends before it begins")
    store.job("running", 183)
    took(store, 500, created=NOON - 40 * DAY)
    durations = read_durations(*asked(store))
    assert (durations.recorded, durations.derived) == (1, 5)
    assert durations.mean == pytest.approx(207 / 6)
    assert durations.median == 25
    assert durations.bound is None
    columns = ["name", "timed", "median", "p95", "slowest", "slowest_job"]
    # The 95th percentile of five lies at four fifths between the fourth and the fifth: 40 + 0.8 · 60.
    timed = durations.by_name[durations.by_name["timed"] > 0]
    assert timed[columns].to_numpy().tolist() == [
        ["export", 5, 30.0, pytest.approx(88.0), 100.0, ids[4]],
        ["import", 1, 7.0, 7.0, 7.0, recorded],
    ]


def test_each_name_has_its_failures(store: Store) -> None:
    """Also one whose jobs all failed, and one of which no duration is known."""
    timed = took(store, 10)
    for _ in range(2):
        store.job("export", 185, completed_at=None)
    store.job("import", 185)
    store.job("import", 185)
    unknown = [store.job("lost", 185, completed_at=None) for _ in range(2)][-1]
    by_name = read_durations(*asked(store)).by_name.set_index("name")
    assert by_name[["runs", "failed", "timed"]].to_dict("index") == {
        "export": {"runs": 3, "failed": 2, "timed": 1},
        "import": {"runs": 2, "failed": 2, "timed": 2},
        "lost": {"runs": 2, "failed": 2, "timed": 0},
    }
    assert by_name["failed_share"].tolist() == [pytest.approx(2 / 3), 1, 1]
    assert by_name["median"].isna().tolist() == [False, False, True]
    assert by_name["slowest_job"][["export", "lost"]].tolist() == [timed, unknown]


def test_each_name_has_its_runs_with_errors(store: Store) -> None:
    """Those of them that completed; the bytes of a name count, and no name is one too."""
    compare_loosely(store, job, "name")
    ids = [store.job(name) for name in ("import", "import", "Import", None, "export")]
    failed = store.job("import", 185)
    question = asked(store)
    question[0].job_sets[WITH_ERRORS] = lambda: [*ids[:4], failed]
    by_name = read_durations(*question).by_name.set_index("name")
    assert by_name["with_errors"].to_dict() == {"import": 2, "Import": 1, "[Unknown]": 1, "export": 0}


def test_a_trend_compares_the_later_half_with_the_earlier(store: Store) -> None:
    """Of the time from the first job looked at until now."""
    for seconds, days in ((10, 6), (30, 5), (40, 1), (20, 0)):
        took(store, seconds, created=NOON - days * DAY)
    took(store, 5, "only late")
    by_name = read_durations(*asked(store)).by_name
    assert by_name.set_index("name").loc["export", "change"] == pytest.approx(0.5)
    assert by_name.set_index("name")["change"].isna().to_dict() == {"export": False, "only late": True}


def test_names_differ_where_their_characters_differ(store: Store) -> None:
    """Whatever the collation takes for the same."""
    called = insert_jobs_called(store)
    by_name = read_durations(*asked(store, Period.ALL)).by_name
    runs = dict(zip(by_name["name"], by_name["runs"], strict=True))
    assert runs == {name: len(ids) for name, ids in called.items()}


def test_no_jobs_have_no_durations(store: Store) -> None:
    """There is no mean of nothing."""
    durations = read_durations(*asked(store, Period.WEEK))
    assert (durations.mean, durations.median) == (None, None)
    assert durations.by_name.empty


def test_a_recorded_duration_needs_no_creation_time(store_without_foreign_keys: Store) -> None:
    """Of all time, a job whose object is gone counts too."""
    store = store_without_foreign_keys
    lost = took(store, 10)
    store.execution(lost, duration=7)
    with store.engine.begin() as connection:
        connection.execute(delete(object_).where(object_.c.id == lost))
    durations = read_durations(*asked(store, Period.ALL))
    assert (durations.recorded, durations.derived, durations.mean) == (1, 0, 7)
    store.engine.dispose()
