"""How MariaDB carries out what the list sends it: by which index, and how many rows it looks at."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import event

from jobs_data import demo
from jobs_data.jobs import list_page, paging
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from tests.support.mariadb import MariaDB

JOBS = 20_000
FIRST = ListView(limit=10)
DEEP = replace(FIRST, page=1_000)


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
def database(mariadb_server: MariaDB) -> Iterator[Database]:
    """Give a demo of twenty thousand jobs, surveyed."""
    name = f"test_{secrets.token_hex(8)}"
    mariadb_server.create_database(name)
    engine = make_engine(mariadb_server.url(name))
    demo.create(engine, jobs=JOBS, seed=3)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE TABLE job, object")
    database = Database(engine)
    database.survey.make(database.reading)
    yield database
    engine.dispose()
    mariadb_server.drop_database(name)


def plans(database: Database, view: ListView) -> list[list[Step]]:
    """Return the plan of every statement on jobs that reads a view of the list."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if (statement.startswith("SELECT") and "FROM job" in statement) or "FROM object" in statement:
            sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        list_page.read_list(database, view)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        return [
            [step(row) for row in connection.exec_driver_sql(f"EXPLAIN {sql}", values).mappings()]
            for sql, values in sent
        ]


def step(row: Mapping[Any, Any]) -> Step:
    """Return a line of a plan."""
    return Step(row["table"] or "", row["key"] or "", int(row["rows"] or 0), row["Extra"] or "")


def test_the_counts_read_an_index_alone(database: Database) -> None:
    """One statement counts by status, and one looks at the few jobs that are not finished."""
    counted, active = plans(database, FIRST)[1:3]
    assert (counted[0].key, counted[0].extra) == ("ix_job_status_id", "Using index")
    assert active[0].key == "ix_job_status_id"
    assert active[0].rows < JOBS / 10


def test_the_default_view_takes_the_newest_ids_from_the_end_of_the_key(database: Database) -> None:
    """Its ten jobs are the only ones read; nothing is sorted but what reaches into their time."""
    newest = plans(database, FIRST)[0]
    assert [(found.table, found.key) for found in newest] == [("job", "PRIMARY"), ("object", "PRIMARY")]
    assert newest[0].rows == FIRST.limit
    assert not any(found.sorts for found in newest)


@pytest.mark.parametrize(
    ("state", "sorts"), [(State.FAILED, False), (State.COMPLETED, False), (State.ACTIVE, True)]
)
def test_a_filter_goes_by_the_index_on_status(database: Database, state: State, sorts: bool) -> None:
    """Only the active jobs, of which there are few, are sorted."""
    newest = plans(database, replace(FIRST, filter=JobFilter(state)))[0]
    assert newest[0].key == "ix_job_status_id"
    assert newest[0].sorts is sorts


@pytest.mark.parametrize(
    "view",
    [
        FIRST,
        DEEP,
        replace(DEEP, filter=JobFilter(State.COMPLETED)),
        *(replace(FIRST, filter=JobFilter(state)) for state in (State.FAILED, State.ACTIVE)),
    ],
)
def test_nothing_sorts_the_whole_table(database: Database, view: ListView) -> None:
    """What is sorted by time is a few spans of ids; spans are counted by an index."""
    for plan in plans(database, view):
        for found in plan:
            assert found.key, found
            assert not found.sorts or found.rows < JOBS / 2 or "Using index" in found.extra, found


def test_by_name_sorts_only_names_that_can_be_on_the_page(database: Database) -> None:
    """There is no index on names: all are compared with the last one of a sample, few are sorted."""
    sampled, found = plans(database, replace(FIRST, sort=Sort.NAME))[2:4]
    assert sampled[0].rows == paging.SAMPLE_JOBS
    assert "Using where" in found[0].extra
