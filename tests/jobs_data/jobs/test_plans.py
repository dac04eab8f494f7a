"""How MariaDB carries out what the list sends it: by which index, and how many rows it looks at."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from jobs_data import demo
from jobs_data.jobs import paging
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from tests.support import statements
from tests.support.lists import read_list
from tests.support.mariadb import MariaDB

JOBS = 20_000
FIRST = ListView(limit=10)
OLDEST = replace(FIRST, is_reversed=True)
DEEP = replace(FIRST, page=1_000)

NEWEST = "AS time FROM job LEFT OUTER JOIN object"
"""In the statement that reads the newest ids, which no survey has seen."""

IN_ORDER = "AS `window` LEFT OUTER JOIN object"
"""In the statement that reads the ids in order."""


@dataclass(frozen=True)
class Step:
    """A line of a plan."""

    table: str
    key: str
    rows: int
    extra: str

    @property
    def sorts(self) -> bool:
        """Return whether the server sorts what it has found."""
        return "filesort" in self.extra


@pytest.fixture(scope="module")
def order(mariadb_server: MariaDB) -> Iterator[CreationOrder]:
    """Give what a survey knows of a demo of twenty thousand jobs."""
    with mariadb_server.database() as url, closing(Database(make_engine(url))) as database:
        demo.create(database.engine, jobs=JOBS, seed=3)
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE TABLE job, object")
        order = CreationOrder(database)
        order.survey()
        assert order.known
        yield order


def plans(order: CreationOrder, view: ListView) -> dict[str, list[Step]]:
    """Return every statement on jobs that reads a view of the list, with its plan."""

    def reads_jobs(statement: str) -> bool:
        is_read = statement.startswith("SELECT")
        return (is_read and "FROM job" in statement) or "FROM object" in statement

    database = order._database
    found = statements.plans(database.engine, lambda: read_list(database, view, order), reads_jobs)
    return {" ".join(sql.split()): [*map(step, plan)] for sql, plan in found}


def plan_of(part: str, order: CreationOrder, view: ListView) -> list[Step]:
    """Return the plan of the one statement for a view that has this in its text."""
    [plan] = [plan for sql, plan in plans(order, view).items() if part in sql]
    return plan


def step(row: Mapping[Any, Any]) -> Step:
    """Return a line of a plan."""
    return Step(row["table"] or "", row["key"] or "", int(row["rows"] or 0), row["Extra"] or "")


def test_the_counts_read_an_index_alone(order: CreationOrder) -> None:
    """Jobs of a status are counted in its index; only of the few unfinished ones rows are read."""
    counted = [plan for sql, plan in plans(order, FIRST).items() if "SELECT count(*)" in sql]
    assert {step.key for [step] in counted} == {"ix_job_status_id"}
    reads_rows = [step for [step] in counted if "Using index" not in step.extra]
    assert len(reads_rows) < len(counted)
    assert all(step.rows < JOBS / 10 for step in reads_rows)


def test_the_default_view_takes_the_newest_ids_from_the_end_of_the_key(order: CreationOrder) -> None:
    """Its jobs are read by id; nothing is sorted but the newest ids, which no survey has seen."""
    newest, in_order = plan_of(NEWEST, order, FIRST), plan_of(IN_ORDER, order, OLDEST)
    assert not [sql for sql in plans(order, FIRST) if IN_ORDER in sql]
    assert newest[0].rows < JOBS / 10
    assert {found.key for found in (*newest, *in_order) if found.table in {"job", "object"}} == {
        "PRIMARY"
    }
    assert not any(found.sorts for found in in_order)


@pytest.mark.parametrize("state", [State.FAILED, State.COMPLETED])
def test_a_filter_goes_by_the_index_on_status(order: CreationOrder, state: State) -> None:
    """Its jobs come in the order of their ids, unsorted."""
    view = replace(OLDEST, filter=JobFilter(state))
    in_order = [step for step in plan_of(IN_ORDER, order, view) if step.key]
    assert "ix_job_status_id" in {step.key for step in in_order}
    assert not any(step.sorts for step in in_order)


def test_few_unfinished_jobs_are_looked_up(order: CreationOrder) -> None:
    """The newest are found in the index on the status; others could be millions."""
    view = replace(FIRST, filter=JobFilter(State.ACTIVE))
    found = plan_of("job.id + ", order, view)
    newest = next(step for step in found if step.key == "ix_job_status_id")
    assert "Using index" in newest.extra
    assert all(step.rows <= 10 for step in found if step.table == "job" and step is not newest)


@pytest.mark.parametrize(
    "view",
    [
        FIRST,
        DEEP,
        replace(DEEP, filter=JobFilter(State.COMPLETED)),
        replace(DEEP, is_reversed=True),
        *(replace(FIRST, filter=JobFilter(state)) for state in (State.FAILED, State.ACTIVE)),
    ],
)
def test_nothing_sorts_the_whole_table(order: CreationOrder, view: ListView) -> None:
    """What is sorted by time is what no survey has seen; all else is read in the order of an index."""
    for plan in plans(order, view).values():
        for found in plan:
            assert found.key or not found.table or found.table.startswith("<"), found
            assert not found.sorts or found.rows < JOBS / 2 or "Using index" in found.extra, found


def test_by_name_sorts_only_names_that_can_be_on_the_page(order: CreationOrder) -> None:
    """There is no index on names: all are compared with the last one of a sample, few are sorted."""
    by_name = replace(FIRST, sort=Sort.NAME)
    sampled = plan_of("AS sample", order, by_name)
    found = plan_of("FROM job WHERE (coalesce(job.name", order, by_name)
    assert sampled[0].rows == paging.SAMPLE_JOBS
    assert "Using where" in found[0].extra
