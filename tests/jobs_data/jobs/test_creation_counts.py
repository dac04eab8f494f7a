"""When jobs were created, counted in slices, beside a plain computation, on both kinds of database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import delete, select, update

from jobs_data.jobs import creation_counts, creation_order, strays
from jobs_data.jobs.creation_counts import CreationCounts, count_created, quarter_of
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.trend import read_trend
from jobs_data.platform.database import Database
from jobs_data.platform.status import State, state_of
from jobs_data.platform.tables import job, object_
from tests.support.statements import statements
from tests.support.store import NOON, Store

STATUSES = (184, 184, 184, 184, 184, 185, 185, 183, 182, 186, None)


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation_counts, "SLICE_IDS", 16)
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 5)
    monkeypatch.setattr(strays, "MARK_JOBS", 5)


def fill(store: Store) -> None:
    """Insert jobs among many records and among few, two hours apart, some of them out of order."""
    random = Random(5)
    for number in range(120):
        for _ in range(15 if number in range(40, 60) else random.choice((0, 0, 1))):
            store.object()
        days = random.choice((0, 0, 0, 0, 0, 20, -20))
        created = NOON + timedelta(hours=2 * number - 200, days=days, seconds=random.randrange(7200))
        status = random.choice(STATUSES)
        completed = None if status in (183, 182) or random.random() < 0.1 else created
        store.job(status_id=status, created=created, completed_at=completed)


def plainly(store: Store, start: datetime | None, floor: int = 0) -> Counter[tuple[int | None, State]]:
    """Return the counts of the jobs from an id on, one by one."""
    jobs = select(job, object_.c.created_at).outerjoin_from(job, object_, object_.c.id == job.c.id)
    with store.engine.connect() as connection:
        rows = connection.execute(jobs.where(job.c.id >= floor)).all()
    return Counter(
        (
            row.created_at and quarter_of(row.created_at),
            state_of(row.status_id, row.completed_at is not None),
        )
        for row in rows
        if start is None or (row.created_at and row.created_at.replace(tzinfo=UTC) >= start)
    )


def count(database: Database, order: CreationOrder, start: datetime | None) -> CreationCounts:
    """Return what is read in a transaction of its own."""
    with database.reading() as connection:
        return count_created(connection, database, order, start)


STARTS = (None, NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC) - timedelta(days=5))


@pytest.mark.parametrize("start", STARTS)
def test_slices_have_what_a_plain_count_has(store: Store, start: datetime | None) -> None:
    """Whether most ids are those of jobs or few, and whether the order of creation is known or not."""
    fill(store)
    database = store.database()
    order, numbers = CreationOrder(database), []
    for _ in range(2):
        with statements(store.engine) as sent:
            found = count(database, order, start)
        assert (found.jobs, found.floor, found.bound) == (plainly(store, start), 0, None)
        assert any("class_name" in each for each in sent)  # among many jobs
        assert any("LEFT OUTER JOIN" in each and "status_id IN" in each for each in sent)
        numbers.append(len(sent))
        order.survey()
    if start and order.known:
        assert numbers[1] < numbers[0]


@pytest.mark.parametrize("start", STARTS)
def test_records_that_are_no_jobs_of_theirs_are_not_counted(
    store_without_foreign_keys: Store, start: datetime | None
) -> None:
    """Records of deleted jobs, jobs without a record, and as many whose record is of another class."""
    store = store_without_foreign_keys
    fill(store)
    ids = store.ids()
    with store.engine.begin() as connection:
        connection.execute(delete(job).where(job.c.id.in_(ids[5:20:5])))
        connection.execute(delete(object_).where(object_.c.id.in_(ids[2:30:9])))
        others = update(object_).where(object_.c.id.in_(ids[8:22:5]))
        connection.execute(others.values(class_name="QubitOther"))
    found = count(store.database(), CreationOrder(store.database()), start)
    assert found.jobs == plainly(store, start)
    store.engine.dispose()


def test_of_too_many_jobs_the_newest_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many, since when, and whether all of a later time are among them."""
    monkeypatch.setattr(creation_counts, "MOST_JOBS", 30)
    fill(store)
    database = store.database()
    order = CreationOrder(database)
    found = count(database, order, None)
    oldest = min(each for each in store.ids() if each >= found.floor)
    assert found.jobs == plainly(store, None, found.floor)
    assert found.bound is not None
    assert (found.bound.jobs, 30 <= found.bound.jobs <= 45) == (found.jobs.total(), True)
    with store.engine.connect() as connection:
        created = connection.execute(select(object_.c.created_at).where(object_.c.id == oldest))
        assert found.bound.since == created.scalar_one().replace(tzinfo=UTC)
    late, early = NOON + timedelta(days=30), NOON - timedelta(days=5)
    assert not found.has_all_since(order, late)
    order.survey()
    assert found.has_all_since(order, late) is (not database.is_sqlite)
    assert not found.has_all_since(order, early)


def test_bars_leave_out_the_days_that_are_not_covered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But today, which has a bar in any case."""
    days = [NOON.replace(hour=0, tzinfo=UTC) - timedelta(days=back) for back in (3, 2, 1, 0)]
    for back, jobs in ((3, 40), (2, 40), (1, 40), (0, 1)):
        for _ in range(jobs):
            store.job(created=NOON - timedelta(days=back))
    assert read_trend(store.database(), days)["total"].tolist() == [40, 40, 40, 1]
    monkeypatch.setattr(creation_counts, "MOST_JOBS", 50)
    bars = read_trend(store.database(), days)
    assert bars["total"].tolist() == [40, 1]
    assert bars.index.tolist() == days[2:]


def test_no_jobs_have_no_counts(store: Store) -> None:
    """Nor a bound."""
    found = count(store.database(), CreationOrder(store.database()), None)
    assert (found.jobs, found.floor, found.bound) == (Counter(), 0, None)
