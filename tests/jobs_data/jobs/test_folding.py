"""Repeated jobs become one line: each job is in just one, in the list's order, on whatever page."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import pandas as pd
import pytest
from sqlalchemy import delete

from jobs_data.jobs import folding
from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.view import NO_OWNER, JobFilter, ListView, Sort
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.status import State
from tests.support.lists import read_list
from tests.support.store import NOON, Store

FOLDED = ListView(fold=True, limit=4)


def fill(store: Store) -> None:
    """Make runs of one to nine jobs, whose ids and times do not quite agree."""
    chance = random.Random(5)
    minute = 0
    for _ in range(18):
        name = chance.choice(["index", "Index", "import", None])
        status = chance.choice([184, 184, 185, 183])
        for _ in range(chance.randint(1, 9)):
            minute += 1
            created = NOON + timedelta(minutes=minute + chance.randint(-3, 3))
            result = chance.choice(["/downloads/a.csv", *(None, "", "  ") * 4])
            store.job(name, status, created, download_path=result)


def read(database: Database, view: ListView) -> JobsList:
    """Return a page of the list."""
    return read_list(database, view)


def all_lines(database: Database, view: ListView) -> list[tuple[int, ...]]:
    """Return the lines of all pages, going from each to the next."""
    lines: list[tuple[int, ...]] = []
    while True:
        jobs = read(database, view)
        assert jobs.folded is not None
        assert jobs.rows["jobs"].tolist() == [len(line) for line in jobs.folded.lines]
        lines += jobs.folded.lines
        if jobs.folded.older is None:
            return lines
        view = replace(view, after=jobs.folded.older)


def unfolded(database: Database, view: ListView) -> list[tuple[int, str, str, str]]:
    """Return id, name, state and result of all jobs, of which there are at most two pages."""
    view = replace(view, fold=False, limit=200)
    pages = [read(database, replace(view, page=page)) for page in (1, 2)]
    assert pages[0].pages <= 2
    found = pd.concat([page.rows for page in pages[: pages[0].pages]])
    columns = ("id", "name", "state", "result")
    return list(zip(*(found[column] for column in columns), strict=True))


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("job_filter", [JobFilter(), JobFilter(State.COMPLETED)])
def test_every_job_is_in_one_line_of_its_kind(
    store: Store, job_filter: JobFilter, is_reversed: bool
) -> None:
    """The lines of all pages, unfolded, are the list; three in a row or more are one line.

    Failed jobs and jobs with a result are in no such line.
    """
    fill(store)
    database = store.database()
    view = replace(FOLDED, filter=job_filter, is_reversed=is_reversed)
    listed = unfolded(database, view)
    expected: list[tuple[int, ...]] = []
    for (_, state, result), run in groupby(listed, key=lambda row: (*row[1:3], row[3].strip())):
        ids = tuple(row[0] for row in run)
        is_grouped = len(ids) >= folding.FEWEST_JOBS and state != State.FAILED and not result
        expected += [ids] if is_grouped else [(i,) for i in ids]
    assert all_lines(database, view) == expected
    assert any(len(line) > 2 for line in expected)
    store.engine.dispose()


def test_the_way_back_shows_the_same_lines(store: Store) -> None:
    """From the last page backwards to the first, every line comes again, and none is cut."""
    fill(store)
    database = store.database()
    lines = all_lines(database, FOLDED)
    view = replace(FOLDED, before=lines[-1][0])
    backwards = [lines[-1]]
    while True:
        jobs = read(database, view)
        assert jobs.folded is not None
        if jobs.folded.newer is None:
            break
        backwards = [*jobs.folded.lines, *backwards]
        view = replace(FOLDED, before=jobs.folded.newer)
    # The first page is full, so that it may reach into the one behind it.
    assert jobs.folded.lines == lines[: len(jobs.folded.lines)]
    assert len(jobs.folded.lines) == FOLDED.limit
    assert backwards == lines[-len(backwards) :]
    assert len(backwards) + len(jobs.folded.lines) >= len(lines)


def test_a_line_says_how_many_and_since_when(store: Store) -> None:
    """The first job of a run stands for it, with the number of its jobs and the oldest time."""
    ids = [store.job("index", created=NOON + timedelta(minutes=n)) for n in range(5)]
    store.job("index", 185, NOON + timedelta(minutes=9))
    rows = read(store.database(), FOLDED).rows
    assert rows[["name", "state", "jobs"]].values.tolist() == [
        ["index", "failed", 1],
        ["index", "completed", 5],
    ]
    assert rows["id"].iloc[1] == ids[-1]
    assert rows["oldest"].iloc[1].isoformat() == "2026-06-15T12:00:00+00:00"


def test_a_page_folds_no_more_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is too long goes on as another line on the next page; no job is lost."""
    monkeypatch.setattr(folding, "PAGE_JOBS", 10)
    ids = [store.job("index", created=NOON + timedelta(minutes=n)) for n in range(30)]
    lines = all_lines(store.database(), FOLDED)
    assert len(lines) > 1
    assert [job_id for line in lines for job_id in line] == ids[::-1]


def test_a_page_goes_on_from_a_job_that_is_gone(store: Store) -> None:
    """Somebody may have removed, meanwhile, the job behind which a page begins."""
    ids = [store.job(f"job {n}", created=NOON + timedelta(minutes=n)) for n in range(9)]
    database = store.database()
    view = replace(FOLDED, after=ids[5])
    before = read(database, view).rows["id"].tolist()
    with store.engine.begin() as connection:
        connection.execute(delete(tables.job).where(tables.job.c.id == ids[5]))
    assert before == ids[1:5][::-1]
    assert read(database, view).rows["id"].tolist() == before


@pytest.mark.parametrize(
    "view",
    [
        replace(FOLDED, sort=Sort.NAME),
        replace(FOLDED, filter=JobFilter(search="index")),
        replace(FOLDED, filter=JobFilter(names=("index",))),
        replace(FOLDED, filter=JobFilter(owners=(NO_OWNER,))),
        replace(FOLDED, filter=JobFilter(State.FAILED)),
    ],
)
def test_only_the_plain_list_is_folded(store: Store, view: ListView) -> None:
    """Who searches wants to see each job, and by name all jobs of one name would be one line."""
    for _ in range(5):
        store.job("index", 185)
    jobs = read(store.database(), view)
    assert jobs.folded is None
    assert len(jobs.rows) == FOLDED.limit


def test_behind_the_last_job_is_the_first_page(store: Store) -> None:
    """The jobs that there were may be gone; a page that has some leads back to the one before it."""
    ids = [store.job(f"job {n}", created=NOON + timedelta(minutes=n)) for n in range(3)]
    last = read(store.database(), replace(FOLDED, after=ids[1]))
    assert last.folded is not None
    assert (last.folded.lines, last.folded.newer, last.folded.older) == ([(ids[0],)], ids[0], None)
    first = read(store.database(), replace(FOLDED, after=ids[0]))
    assert first.folded is not None
    assert (first.rows["id"].tolist(), first.folded.newer) == (ids[::-1], None)
