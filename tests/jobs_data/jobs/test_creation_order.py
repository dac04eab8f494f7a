"""Newest first where ids and creation times agree, nearly agree and disagree: always exact."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select

from jobs_data.jobs import creation_order, export, export_rows, job_report, list_page, paging
from jobs_data.jobs.creation_order import BEFORE_ALL_TIMES
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.database import Database
from jobs_data.platform.status import State
from jobs_data.platform.tables import job, object_
from tests.support.store import NOON, Store

JOBS = 160
LIMIT = 7

Order = Callable[[random.Random, int], datetime]


def agreeing(_: random.Random, number: int) -> datetime:
    """Give the times that nearly every platform has: they ascend with the ids."""
    return NOON + timedelta(seconds=number // 3)


def jittering(rng: random.Random, number: int) -> datetime:
    """Give times that neighbours in id have swapped."""
    return NOON + timedelta(seconds=number + rng.randrange(-30, 30))


def straying(rng: random.Random, number: int) -> datetime:
    """Give ascending times with a few from far away."""
    return NOON + timedelta(seconds=rng.randrange(JOBS) if rng.random() < 0.05 else number)


def random_order(rng: random.Random, _: int) -> datetime:
    """Give times that have nothing to do with the ids."""
    return NOON + timedelta(seconds=rng.randrange(JOBS))


def descending(_: random.Random, number: int) -> datetime:
    """Give the oldest times to the newest ids."""
    return NOON - timedelta(seconds=number)


def at_once(_: random.Random, __: int) -> datetime:
    """Give all jobs the same time."""
    return NOON


ORDERS = [agreeing, jittering, straying, random_order, descending, at_once]


@pytest.fixture
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hundred jobs fill many spans, and most pages lie beyond the shallow ones."""
    monkeypatch.setattr(creation_order, "SPAN_IDS", 10)
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 25)
    monkeypatch.setattr(creation_order, "SLICE_IDS", 70)
    monkeypatch.setattr(paging, "SHALLOW_JOBS", 15)
    monkeypatch.setattr(export_rows, "PIECE_JOBS", 20)
    monkeypatch.setattr(export_rows, "PACKET_BYTES", 60 * export_rows.JOB_BYTES)


def fill(store: Store, times: Order, jobs: int = JOBS, seed: int = 7) -> None:
    """Insert jobs with gaps between their ids, in all states."""
    rng = random.Random(seed)
    first = max(store.ids(object_), default=0) + 1
    ids = sorted(rng.sample(range(first, first + 3 * jobs), jobs))
    with store.engine.begin() as connection:
        connection.execute(
            insert(object_),
            [
                {
                    "id": i,
                    "class_name": "QubitJob",
                    "created_at": times(rng, n),
                    "updated_at": NOON,
                    "serial_number": 0,
                }
                for n, i in enumerate(ids)
            ],
        )
        connection.execute(
            insert(job),
            [
                {"id": i, "name": f"job {i}", "status_id": rng.choice([183, 184, 184, 184, 185, None])}
                for i in ids
            ],
        )


def sorted_by_hand(store: Store, state: State | None = None) -> list[int]:
    """Return the ids newest first, as Python sorts them."""
    wanted = {None: set(range(1000)), State.FAILED: {185}, State.COMPLETED: {184}}
    with store.engine.connect() as connection:
        found = connection.execute(
            select(job.c.id, job.c.status_id, object_.c.created_at).outerjoin_from(
                job, object_, object_.c.id == job.c.id
            )
        ).all()
    kept = [
        (row.created_at or BEFORE_ALL_TIMES, row.id)
        for row in found
        if state is None or row.status_id in wanted[state]
    ]
    return [job_id for _, job_id in sorted(kept, reverse=True)]


def all_pages(database: Database, state: State | None = None) -> list[int]:
    """Return the ids of every page of a filter, one after the other."""
    found: list[int] = []
    page = pages = 1
    while page <= pages:
        jobs = list_page.read_list(database, ListView(JobFilter(state), page=page, limit=LIMIT))
        found += jobs.rows["id"].tolist()
        page, pages = page + 1, jobs.pages
    return found


def exported_names(database: Database, state: State | None = None) -> list[str]:
    """Return the names in the order of the export."""
    csv = b"".join(export.csv_chunks(database, ListView(JobFilter(state)))).decode()
    return [line.split(",")[0] for line in csv.splitlines()[1:]]


@pytest.mark.usefixtures("small_spans")
@pytest.mark.parametrize("times", ORDERS)
@pytest.mark.parametrize("state", [None, State.FAILED, State.COMPLETED])
def test_every_page_is_exact_whatever_the_ids_say(
    store: Store, times: Order, state: State | None
) -> None:
    """The pages, one after the other, and the export are the jobs as Python sorts them."""
    fill(store, times)
    expected = sorted_by_hand(store, state)
    database = store.database()
    assert all_pages(database, state) == expected
    assert exported_names(database, state) == [f"job {i}" for i in expected]


@pytest.mark.usefixtures("small_spans")
@pytest.mark.parametrize("times", ORDERS)
@pytest.mark.parametrize("surveyed", [True, False])
def test_the_first_page_is_exact_before_and_after_the_survey(
    store: Store, times: Order, surveyed: bool
) -> None:
    """A process that has just started shows no other page than one that knows the spans."""
    fill(store, times)
    database = store.database()
    if surveyed and not database.is_sqlite:
        database.survey.make(database.reading)
    jobs = list_page.read_list(database, ListView(limit=LIMIT))
    assert jobs.rows["id"].tolist() == sorted_by_hand(store)[:LIMIT]


@pytest.mark.usefixtures("small_spans")
@pytest.mark.parametrize("times", ORDERS)
@pytest.mark.parametrize("surveyed", [True, False])
def test_previous_and_next_follow_the_same_order(store: Store, times: Order, surveyed: bool) -> None:
    """From one job to the next the whole list can be walked, both ways."""
    fill(store, times, jobs=40)
    expected = sorted_by_hand(store)
    database = store.database()
    if surveyed and not database.is_sqlite:
        database.survey.make(database.reading)
    found = [job_report.read_neighbours(database, ListView(), job_id) for job_id in expected]
    assert [before for before, _ in found] == [None, *expected[:-1]]
    assert [after for _, after in found] == [*expected[1:], None]


@pytest.mark.usefixtures("small_spans")
def test_jobs_that_come_and_go_after_the_survey_are_seen(store: Store) -> None:
    """Neither new jobs, in order or not, nor removed ones make a page wrong."""
    fill(store, straying)
    database = store.database()
    assert all_pages(database) == sorted_by_hand(store)
    fill(store, straying, jobs=60, seed=8)
    removed = random.Random(9).sample(sorted_by_hand(store), 80)
    with store.engine.begin() as connection:
        connection.execute(delete(job).where(job.c.id.in_(removed)))
    assert all_pages(database) == sorted_by_hand(store)


@pytest.mark.usefixtures("small_spans")
def test_jobs_put_where_none_were_are_counted(store: Store) -> None:
    """Rows restored into a gap of ids make every count of the survey wrong, and no page."""
    fill(store, agreeing)
    database = store.database()
    all_pages(database)
    gap = range(max(store.ids(object_)) + 1_000, max(store.ids(object_)) + 1_005)
    store.job("far above", job_id=gap[0] + 20_000)
    all_pages(database)
    if not database.is_sqlite:
        database.survey.make(database.reading)
    for job_id in gap:
        store.job("put back", job_id=job_id)
    assert all_pages(database) == sorted_by_hand(store)


@pytest.mark.usefixtures("small_spans")
def test_many_gaps_and_random_times_are_exact(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more ranges than a statement should name, one is named that covers them all."""
    monkeypatch.setattr(creation_order, "MAX_RANGES", 5)
    fill(store, random_order)
    database = store.database()
    assert all_pages(database) == sorted_by_hand(store)
    assert exported_names(database) == [f"job {i}" for i in sorted_by_hand(store)]


@pytest.mark.usefixtures("small_spans")
def test_jobs_put_below_the_newest_ids_are_seen_after_the_next_survey(store: Store) -> None:
    """A job with an old id and a new time is found once the survey is forgotten or made anew."""
    fill(store, agreeing)
    database = store.database()
    all_pages(database)
    oldest = min(store.ids(job))
    store.job("put back", created=NOON + timedelta(days=1), job_id=oldest + 30_000)
    assert all_pages(database)[0] == oldest + 30_000  # above the survey's end
    with store.engine.begin() as connection:
        connection.execute(
            object_.update().where(object_.c.id == oldest).values(created_at=NOON + timedelta(days=2))
        )
    database.survey.forget()
    assert all_pages(database) == sorted_by_hand(store)


@pytest.mark.usefixtures("small_spans")
def test_jobs_without_an_object_are_the_oldest(store_without_foreign_keys: Store) -> None:
    """A dump restored without foreign keys may have lost some objects; their jobs are listed still."""
    store = store_without_foreign_keys
    fill(store, agreeing)
    lost = random.Random(3).sample(store.ids(job), 20)
    with store.engine.begin() as connection:
        connection.execute(delete(object_).where(object_.c.id.in_(lost)))
    database = store.database()
    assert set(sorted_by_hand(store)[-20:]) == set(lost)
    assert all_pages(database) == sorted_by_hand(store)
    assert exported_names(database)[-20:] == [f"job {i}" for i in sorted(lost, reverse=True)]


def test_the_export_knows_what_it_may_put_into_one_value(store: Store) -> None:
    """Quotes, line ends, NULLs and four-byte characters come out as from any other export."""
    names = ['say "hi"', "back\\slash", "two\nlines", "naïve 😀", "\x01\x1f", None, "", "tab\there"]
    owner = store.user('o"w,ner')
    for number, name in enumerate(names):
        store.job(name, created=NOON + timedelta(seconds=number), user_id=owner if number % 2 else None)
    view = ListView()
    fast = list(export_rows.stream_jobs(store.database(), view))
    with store.database().reading() as connection:
        exporting = export_rows._Exporting(connection, store.database(), view)
        slow = list(exporting.in_order())
    assert [row for rows in fast for row in rows] == [row for rows in slow for row in rows]
    assert len(slow[0]) == len(names)
