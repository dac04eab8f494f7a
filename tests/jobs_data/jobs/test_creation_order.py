"""Newest first where ids and creation times agree, nearly agree and disagree: always exact."""

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from jobs_data import csv_lines
from jobs_data.jobs import (
    counts,
    creation_order,
    export,
    export_rows,
    job_report,
    list_page,
    paging,
    strays,
)
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.paging import OrderedJobs
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.errors import TookTooLong
from jobs_data.platform.status import State
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import BEFORE_ALL_TIMES
from tests.support.lists import read_list
from tests.support.statements import statements
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


def swapping(rng: random.Random, number: int) -> datetime:
    """Give times that a few neighbours in id have swapped."""
    return NOON + timedelta(seconds=number + rng.randrange(-3, 4))


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


def with_an_outlier(_: random.Random, number: int) -> datetime:
    """Give ascending times with one job that is never to come."""
    return datetime(9999, 12, 31) if number == JOBS // 2 else agreeing(_, number)


def repeated_hour(_: random.Random, number: int) -> datetime:
    """Give the times of a night in which the clock is put back by an hour."""
    return NOON + timedelta(minutes=number if number < JOBS // 2 else number - 60)


def merged(_: random.Random, number: int) -> datetime:
    """Give the times of two databases of which one has been put behind the other."""
    return NOON + timedelta(minutes=2 * (number % (JOBS // 2)) + number // (JOBS // 2))


ORDERS = [
    *(agreeing, jittering, straying, random_order, descending, at_once),
    *(with_an_outlier, repeated_hour, merged),
]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hundred jobs fill many slices and pieces, with most pages beyond the shallow ones."""
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 25)
    monkeypatch.setattr(creation_order, "SLICE_JOBS", 30)
    monkeypatch.setattr(strays, "MARK_JOBS", 7)
    monkeypatch.setattr(paging, "SHALLOW_JOBS", 15)
    monkeypatch.setattr(export_rows, "PIECE_JOBS", 20)
    monkeypatch.setattr(export_rows, "PACKET_BYTES", 60 * export_rows.JOB_BYTES)
    monkeypatch.setattr(export_rows, "FIRST_REPORTS", 9)
    monkeypatch.setattr(export_rows, "REPORTS_TOGETHER", 9)


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


def order_unsettled(order: CreationOrder) -> int:
    """Return how many jobs a survey may have left out at the end."""
    return creation_order.UNSETTLED_IDS if order.known else 0


def surveyed(store: Store) -> CreationOrder:
    """Return what a survey knows of the database."""
    order = CreationOrder(store.database())
    order.survey()
    assert order._order or store.database().is_sqlite
    return order


def all_pages(
    order: CreationOrder, state: State | None = None, *, is_reversed: bool = False
) -> list[int]:
    """Return the ids of every page of a filter, one after the other."""
    found: list[int] = []
    page = pages = 1
    while page <= pages:
        view = ListView(JobFilter(state), page=page, limit=LIMIT, is_reversed=is_reversed)
        jobs = read_list(order._database, view, order)
        found += jobs.rows["id"].tolist()
        page, pages = page + 1, jobs.pages
    return found


def exported_names(
    order: CreationOrder, state: State | None = None, *, is_reversed: bool = False
) -> list[str]:
    """Return the names in the order of the export, which both kinds of export agree on."""
    view = ListView(JobFilter(state), is_reversed=is_reversed)
    few = b"".join(export.csv_chunks(order._database, view, order=order)).decode("utf-8-sig")
    whole = export.csv_chunks(order._database, view, order=order, all_columns=True)
    every = b"".join(whole).decode("utf-8-sig")
    names = [line[0] for line in csv.reader(io.StringIO(few, newline=""))]
    assert [line[1] for line in csv.reader(io.StringIO(every, newline=""))] == names
    return names[1:]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", ORDERS)
def test_every_page_is_exact_whatever_the_ids_say(store: Store, times: Order) -> None:
    """The pages, one after the other, and the export are the jobs as Python sorts them."""
    fill(store, times)
    order = surveyed(store)
    for state in (None, State.FAILED, State.COMPLETED):
        expected = sorted_by_hand(store, state)
        assert all_pages(order, state) == expected
        assert all_pages(order, state, is_reversed=True) == expected[::-1]
        names = [f"job {i}" for i in expected]
        assert exported_names(order, state) == names
        assert exported_names(order, state, is_reversed=True) == names[::-1]
    if not store.database().is_sqlite:
        assert order.known  # and no page has found it stale


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", ORDERS)
def test_every_page_is_exact_before_the_survey_and_where_there_are_too_many_strays(
    store: Store, times: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has just started, and one whose database sorts, show no other pages."""
    fill(store, times)
    expected = sorted_by_hand(store)
    assert all_pages(CreationOrder(store.database())) == expected
    monkeypatch.setattr(strays, "MAX_STRAYS", 3)
    order = surveyed(store)
    assert all_pages(order) == expected
    assert exported_names(order) == [f"job {i}" for i in expected]
    assert order.known or order.since(NOON) == []


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", [agreeing, swapping, straying, descending])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_an_export_waits_for_no_survey(
    store: Store, times: Order, is_reversed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has each job once; in order if none is far from its id's place, or if all are few."""
    fill(store, times)
    order = CreationOrder(store.database())
    begun: list[None] = []
    monkeypatch.setattr(order, "keep_surveyed", lambda: begun.append(None))
    by_date = sorted_by_hand(store)
    places = zip(by_date, sorted(by_date, reverse=True), strict=True)
    furthest = max(abs(by_date.index(by_id) - by_date.index(i)) for i, by_id in places)
    for few, state in product((10, JOBS), (None, State.COMPLETED)):
        monkeypatch.setattr(export_rows, "FEW_JOBS", few)
        expected = [f"job {i}" for i in sorted_by_hand(store, state)][:: -1 if is_reversed else 1]
        found = exported_names(order, state, is_reversed=is_reversed)
        assert sorted(found) == sorted(expected)
        if furthest <= export_rows.PIECE_JOBS // 2 or few == JOBS:
            assert found == expected
    assert furthest > 0 or times is agreeing
    assert begun or store.database().is_sqlite


def test_before_the_survey_the_newest_jobs_are_sorted_and_ids_give_the_order_of_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page waits for the survey, each job is on one page, and the list says so until it is there."""
    monkeypatch.setattr(creation_order, "ASSUMED_JOBS", 40)
    fill(store, random_order)
    order = CreationOrder(store.database())
    by_id = sorted(store.ids(job), reverse=True)
    by_time = sorted_by_hand(store)
    newest = [i for i in by_time if i in by_id[:40]]
    likely = by_time if store.database().is_sqlite else newest + by_id[40:]
    assert all_pages(order) == likely
    assert all_pages(order, is_reversed=True) == likely[::-1]
    assert read_list(order._database, ListView(), order).is_order_known is (likely == by_time)
    order.survey()
    assert all_pages(order) == by_time
    assert read_list(order._database, ListView(), order).is_order_known


@pytest.mark.parametrize("most_active", [1, 9])
def test_unfinished_jobs_are_found_however_many_others_are_newer(
    store: Store, monkeypatch: pytest.MonkeyPatch, most_active: int
) -> None:
    """Before they are counted, an older active one may be missing, which the page then says."""
    monkeypatch.setattr(paging, "UNFINISHED_JOBS", 1)
    monkeypatch.setattr(counts, "MOST_ACTIVE", most_active)
    ids = [store.job(None, 183, completed_at=end) for end in (None, NOON, NOON, NOON, None, None, None)]
    database = store.database()
    for state, expected in (State.ACTIVE, [*ids[:3:-1], ids[0]]), (State.OTHER, ids[3:0:-1]):
        view = ListView(JobFilter(state))
        with database.reading() as connection:
            snapshot = list_page.Snapshot(database, connection)
            overview = snapshot.overview(counts.read_counts(connection))
            view = replace(view, limit=1)
            for page, job_id in enumerate(expected, 1):
                for known in (None, overview):
                    found = snapshot.page(replace(view, page=page), known)
                    shown = found.rows["id"].tolist()
                    assert shown == [job_id] or (found.lacks_active and not (shown or known))
        newest = overview.everything.active_ids
        assert newest == ((*ids[:3:-1], ids[0]) if most_active == 9 else (ids[-1],))


@pytest.mark.parametrize("is_surveyed", [False, True])
def test_of_too_many_jobs_the_newest_are_sorted(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_surveyed: bool, small_steps: None
) -> None:
    """The list says among how many; it is never silently another one."""
    fill(store, agreeing)
    order = surveyed(store) if is_surveyed else CreationOrder(store.database())
    view = ListView(sort=Sort.COMPLETED, limit=5, is_reversed=True)
    assert read_list(order._database, view, order).sorted_among is None
    monkeypatch.setattr(paging, "MOST_SORTED", 50)
    jobs = read_list(order._database, view, order)
    assert jobs.sorted_among == 50
    first = 7 if order.known else 0  # to the next mark
    among = sorted(store.ids(job))[-50 - order_unsettled(order) - first :]
    assert set(jobs.rows["id"]) <= set(among)


def test_a_page_past_the_sorted_jobs_becomes_their_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that match the filter there may be fewer pages than were sorted, and than match."""
    monkeypatch.setattr(paging, "MOST_SORTED", 4)
    statuses = [185, 185, 185, 184, 185, 184, 185]
    ids = [store.job(f"job {place}", status_id) for place, status_id in enumerate(statuses)]
    failed = [job_id for job_id, status_id in zip(ids, statuses, strict=True) if status_id == 185]
    for state, sorted_ids in (None, ids[3:]), (State.FAILED, failed[3:]):
        view = ListView(JobFilter(state), Sort.NAME, limit=1)
        pages = [read_list(store.database(), replace(view, page=n)) for n in (1, 2, 4, 9)]
        last = len(sorted_ids)
        assert [jobs.view.page for jobs in pages] == [1, 2, last, last]
        assert [int(jobs.rows["id"][0]) for jobs in pages] == [*sorted_ids[:2], *sorted_ids[-1:] * 2]
        assert {(jobs.sorted_among, jobs.sorted_matching) for jobs in pages} == {(4, last)}


def test_users_are_sorted_among_fewer_jobs_where_all_take_too_long(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list by user is never an error that no second try mends."""
    monkeypatch.setattr(paging, "MOST_SORTED", 20)
    users = [store.user("zoe"), store.user("ada"), store.user("bob")]
    ids = [store.job("import", user_id=user) for user in users]

    def slow(_: paging.OrderedJobs) -> None:
        raise TookTooLong

    monkeypatch.setattr(paging.OrderedJobs, "_owners", slow)
    database, view = store.database(), ListView(sort=Sort.OWNER, limit=5)
    if database.is_sqlite:  # the time of its transaction is over
        with pytest.raises(TookTooLong):
            read_list(database, view)
    else:
        jobs = read_list(database, view)
        assert jobs.rows["id"].tolist() == [ids[1], ids[2]]
        assert jobs.sorted_among == 2


@pytest.mark.parametrize(
    ("times", "at_most"), [(agreeing, 0), (at_once, 0), (with_an_outlier, 1), (repeated_hour, 60)]
)
def test_few_jobs_are_strays(store: Store, times: Order, at_most: int, small_steps: None) -> None:
    """One job of the year 9999 does not make strays of all that come after it."""
    fill(store, times)
    if not store.database().is_sqlite:
        known = surveyed(store).known
        assert known
        assert len(known.strays) <= at_most


def test_a_descending_order_is_given_up_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, small_steps: None
) -> None:
    """A survey ends where it has found more strays than it is worth to merge in."""
    monkeypatch.setattr(strays, "MAX_STRAYS", 40)
    fill(store, descending)
    order = surveyed(store)
    assert order.known is None
    assert order._order is None or len(order._order.strays) < JOBS / 2


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", ORDERS)
def test_previous_and_next_follow_the_same_order(store: Store, times: Order) -> None:
    """From one job to the next the whole list can be walked, both ways."""
    fill(store, times, jobs=60)
    expected = sorted_by_hand(store)
    for order in (CreationOrder(store.database()), surveyed(store)):
        found = [job_report.read_neighbours(order._database, ListView(), i, order) for i in expected]
        assert [before for before, _ in found] == [None, *expected[:-1]]
        assert [after for _, after in found] == [*expected[1:], None]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", ORDERS)
def test_a_folded_list_goes_on_behind_any_job(store: Store, times: Order) -> None:
    """The jobs behind one, or before it, come in the order of the list, that of a removed job too."""
    fill(store, times, jobs=60)
    expected = sorted_by_hand(store)
    order = surveyed(store)
    with order._database.reading() as connection:
        jobs = OrderedJobs(connection, order._database, ListView(), order)
        for at, job_id in enumerate(expected):
            assert jobs.following(job_id, 5) == expected[at + 1 : at + 6]
            assert jobs.following(job_id, 5, backwards=True) == expected[max(0, at - 5) : at][::-1]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("times", ORDERS)
def test_conditions_on_ids_contain_all_jobs_created_since_a_time(store: Store, times: Order) -> None:
    """The conditions leave out no job of the time, and where ids tell the time most of the others."""
    fill(store, times)
    order = surveyed(store)
    moments = [NOON + timedelta(seconds=seconds) for seconds in (-JOBS, -1, 0, 1, 20, 53, 159, 10_000)]
    with order._database.reading() as connection:
        for moment in moments:
            conditions = order.since(moment)
            found = set(connection.execute(select(job.c.id).where(*conditions)).scalars())
            newer = select(job.c.id).join(object_, object_.c.id == job.c.id)
            newer = newer.where(object_.c.created_at >= moment)
            assert set(connection.execute(newer).scalars()) <= found
    if times is agreeing and not order._database.is_sqlite:
        assert len(found) < JOBS / 2


@pytest.mark.usefixtures("small_steps")
def test_jobs_that_come_and_go_after_the_survey_are_seen(store: Store) -> None:
    """Neither new jobs, in order or not, nor removed ones make a page wrong."""
    fill(store, straying)
    order = surveyed(store)
    assert all_pages(order) == sorted_by_hand(store)
    fill(store, straying, jobs=60, seed=8)
    removed = random.Random(9).sample(sorted_by_hand(store), 80)
    with store.engine.begin() as connection:
        connection.execute(delete(job).where(job.c.id.in_(removed)))
    assert all_pages(order) == sorted_by_hand(store)
    assert exported_names(order) == [f"job {i}" for i in sorted_by_hand(store)]


@pytest.mark.usefixtures("small_steps")
def test_a_survey_is_extended_to_new_jobs_without_reading_the_others_again(store: Store) -> None:
    """It goes on where it ended, and the order stays exact, also where the new jobs are older."""
    fill(store, straying)
    order = surveyed(store)
    before = order.known
    fill(store, descending, jobs=60, seed=8)
    with statements(store.engine, "SELECT") as sent:
        order.survey()
    assert all_pages(order) == sorted_by_hand(store)
    if before and order.known:
        assert order.known.end > before.end
        assert set(before.strays) <= set(order.known.strays)
        assert len(sent) <= 2 + 3 * 60 // creation_order.SLICE_JOBS


@pytest.mark.usefixtures("small_steps")
def test_a_job_put_below_the_newest_ids_is_seen_once_the_order_is_forgotten(store: Store) -> None:
    """What this app restores is at its place at once; what others insert, with the next survey."""
    fill(store, agreeing)
    order = surveyed(store)
    gone = store.ids(job)[20]
    with store.engine.begin() as connection:
        connection.execute(delete(object_).where(object_.c.id == gone))
    store.job("put back", created=NOON + timedelta(days=1), job_id=gone)
    exported = exported_names(order)
    assert len(exported) == JOBS  # at whichever place, once
    order.forget()
    assert order.known is None
    assert all_pages(order)[0] == gone
    order.survey()
    assert all_pages(order) == sorted_by_hand(store)


@pytest.mark.usefixtures("small_steps")
def test_a_page_that_finds_the_order_stale_is_exact(store: Store) -> None:
    """Where the jobs of a page are not in the order that is known, the database sorts them."""
    fill(store, agreeing)
    order = surveyed(store)
    changed = sorted_by_hand(store)[50]
    with store.engine.begin() as connection:
        early = object_.update().where(object_.c.id == changed).values(created_at=datetime(2001, 1, 1))
        connection.execute(early)
    view = ListView(page=50 // LIMIT + 1, limit=LIMIT)
    shown = read_list(order._database, view, order).rows["id"].tolist()
    first = (view.page - 1) * LIMIT
    assert shown == sorted_by_hand(store)[first : first + LIMIT]
    assert order.known is None


def test_what_is_forgotten_while_a_survey_reads_stays_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A survey that began before a job was put back does not know of it."""
    fill(store, agreeing)
    order = CreationOrder(store.database())
    read = creation_order._read_slice

    def meanwhile(connection: Connection, first: int, end: int) -> tuple[strays.Ids, strays.Times]:
        order.forget()
        return read(connection, first, end)

    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 25)
    monkeypatch.setattr(creation_order, "_read_slice", meanwhile)
    order.survey()
    assert order.known is None


@pytest.mark.usefixtures("small_steps")
def test_any_name_comes_through_the_servers_json(store: Store) -> None:
    """The server writes many jobs as one value; no name is more or less than a name in it."""
    hostile = [
        'a "b" \\',
        "],[0",
        "\0",
        "\x1b[31m \b\x1f\x7f\x85",
        "x\u2028\r\n",
        "\u202e \U0001f363",
        "a;=1+1",
    ]
    for name in hostile:
        store.job(name)
    assert exported_names(surveyed(store)) == [csv_lines.defuse(name) for name in hostile[::-1]]


@pytest.mark.usefixtures("small_steps")
def test_jobs_without_an_object_or_a_time_are_the_oldest(store_without_foreign_keys: Store) -> None:
    """A dump restored without foreign keys may have lost some objects; their jobs are listed still."""
    store = store_without_foreign_keys
    fill(store, agreeing)
    lost = random.Random(3).sample(store.ids(job), 20)
    with store.engine.begin() as connection:
        connection.execute(delete(object_).where(object_.c.id.in_(lost[:15])))
        if store.database().is_sqlite:
            connection.execute(delete(object_).where(object_.c.id.in_(lost[15:])))
        else:
            connection.exec_driver_sql("SET sql_mode = ''")
            zeros = ",".join(map(str, lost[15:]))
            connection.exec_driver_sql(f"UPDATE object SET created_at = 0 WHERE id IN ({zeros})")
            connection.exec_driver_sql("SET sql_mode = DEFAULT")
    order = surveyed(store)
    assert set(sorted_by_hand(store)[-20:]) == set(lost)
    assert all_pages(order) == sorted_by_hand(store)
    assert exported_names(order)[-20:] == [f"job {i}" for i in sorted(lost, reverse=True)]
    store.engine.dispose()


def test_the_export_knows_what_it_may_put_into_one_value(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes, line ends, NULLs and four-byte characters come out as from any other export."""
    names = ['say "hi"', "back\\slash", "two\nlines", "naïve 😀", "\x01\x1f", None, "", "tab\there"]
    owner = store.user('o"w,ner')
    for number, name in enumerate(names):
        store.job(name, created=NOON + timedelta(seconds=number), user_id=owner if number % 2 else None)
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 3)
    database = store.database()
    with export_rows.exporting(database, ListView(), surveyed(store)) as rows:
        fast = list(rows.jobs())
    with export_rows.exporting(database, ListView()) as rows:
        slow = list(rows.jobs())
    assert [row for rows in fast for row in rows] == [row for rows in slow for row in rows]
    assert len(slow[0]) == len(names)


def as_times(numbers: Sequence[int]) -> strays.Times:
    """Return numbers as the texts of times."""
    return np.array([f"{number:03}" for number in numbers], dtype="S26")


def sliced(slices: Sequence[Sequence[int]]) -> strays.IdOrder:
    """Return the order of jobs whose times are numbers, as a survey learns it slice by slice."""
    order = strays.IdOrder()
    for times in slices:
        ids = np.arange(order.end, order.end + len(times))
        order = order.extended(ids, as_times(times), order.end + len(times))
    return order


@given(st.lists(st.integers(0, 9)))
def test_a_longest_run_in_order_is_found(numbers: list[int]) -> None:
    """It is in order, and no longer one can be chosen."""
    chosen = strays.longest_in_order(as_times(numbers))
    kept = [number for number, is_kept in zip(numbers, chosen, strict=True) if is_kept]
    assert kept == sorted(kept)
    longest = [1] * len(numbers)
    for at, number in enumerate(numbers):
        longest[at] += max((longest[i] for i in range(at) if numbers[i] <= number), default=0)
    assert len(kept) == max(longest, default=0)


@pytest.mark.parametrize("outlier", [0, 999])
def test_an_outlier_makes_no_strays_of_others_wherever_a_slice_ends(outlier: int) -> None:
    """Not of all that come after a job of the year 9999: of one beside it at most."""
    for at in range(2, 38):
        times = [*range(100, 100 + at), outlier, *range(100 + at, 139)]
        order = sliced([times[first : first + 5] for first in range(0, 40, 5)])
        assert at in order.strays
        assert len(order.strays) <= 2


@given(st.lists(st.lists(st.integers(0, 30), max_size=15), max_size=8), st.integers(0, 30))
def test_however_jobs_are_sliced_those_in_order_are(slices: list[list[int]], moment: int) -> None:
    """The jobs that are no strays ascend, and the marks tell where a time is among them."""
    order, time_of = sliced(slices), dict(enumerate(chain(*slices)))
    kept = [i for i in time_of if order.has_in_order(i)]
    assert len(kept) + len(order.strays) == len(time_of)
    assert [time_of[i] for i in kept] == sorted(time_of[i] for i in kept)
    text = f"{moment:03}"
    assert all(time_of[i] < moment for i in kept if i < order.first_since(text))
    assert all(time_of[i] > moment for i in kept if i >= order.end_of(text))
    for position in range(len(kept)):
        first, before = order.before_position(position, from_end=False)
        assert [i for i in kept if i >= first][position - before :] == kept[position:]
        end, behind = order.before_position(position, from_end=True)
        assert [i for i in kept if i < end][::-1][position - behind :] == kept[::-1][position:]
    assert set(order.strays_since(text)) == {i for i in order.strays if time_of[i] >= moment}
