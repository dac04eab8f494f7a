"""How MariaDB carries out what the panels send: where all records outnumber the jobs by far."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import read_liveness
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.database import Database
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.name_history import NameHistory, read_name_history
from jobs_data.statistics.news import read_news
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period
from tests.support.mariadb import MariaDB
from tests.support.statements import plans
from tests.support.statistics import NOW, UTC_ZONE
from tests.support.store import Store

JOBS = 200
OBJECTS = 20_000

# Records of one kind or another, and among them the jobs, at one record in a hundred.
FILLING = (
    "INSERT INTO object (class_name, created_at, updated_at)"
    " SELECT 'QubitInformationObject', TIMESTAMP'2026-05-10 00:00:00' + INTERVAL seq MINUTE, NOW()"
    f" FROM seq_1_to_{OBJECTS}",
    f"UPDATE object SET class_name = 'QubitJob' WHERE id % {OBJECTS // JOBS} = 0",
    "INSERT INTO job (id, name, status_id, completed_at)"
    " SELECT id, 'export', 183 + id DIV 100 % 3, IF(id DIV 100 % 3 = 0, NULL, created_at)"
    " FROM object WHERE class_name = 'QubitJob'",
    "ANALYZE TABLE job, object",
)


@pytest.fixture(scope="module")
def database(mariadb_server: MariaDB) -> Iterator[Database]:
    """Give a platform with a hundred records for each job."""
    with mariadb_server.database() as url, closing(Store(url)) as store:
        with store.engine.begin() as connection:
            for statement in FILLING:
                connection.execute(text(statement))
        yield store.database()


@pytest.mark.parametrize("read", [read_activity, read_durations, read_owners, read_failures])
@pytest.mark.parametrize("is_surveyed", [False, True])
@pytest.mark.parametrize("period", [Period.MONTH, Period.ALL])
def test_objects_are_looked_up_by_the_ids_of_jobs(
    database: Database, read: Callable[..., object], is_surveyed: bool, period: Period
) -> None:
    """No statement searches the records for jobs, of which there are few among them."""
    database.job_sets[WITH_ERRORS] = lambda: range(100, OBJECTS, 300)
    order = CreationOrder(database)
    if is_surveyed:
        order.survey()
    assert_starts_from_jobs(database, lambda: read(database, order, period, UTC_ZONE, NOW))


@pytest.mark.parametrize("read", [read_durations, read_owners, read_failures])
def test_what_is_known_of_the_order_narrows_each_read(
    database: Database, read: Callable[..., object]
) -> None:
    """Its first statement looks at the ids alone that jobs of the period can have."""
    order = CreationOrder(database)
    order.survey()
    (first, _), *_ = plans_of(database, lambda: read(database, order, Period.MONTH, UTC_ZONE, NOW))
    assert "job.id >= " in first


def read_history(database: Database, now: datetime) -> NameHistory:
    """Return the history of the name that all jobs have."""
    return read_name_history(database, "export", None, now)


@pytest.mark.parametrize("read", [read_liveness, read_news, read_history])
def test_objects_are_looked_up_without_a_period_too(
    database: Database, read: Callable[[Database, datetime], object]
) -> None:
    """The newest jobs are found by their own key."""
    assert_starts_from_jobs(database, lambda: read(database, NOW))


def assert_starts_from_jobs(database: Database, read: Callable[[], object]) -> None:
    """Assert that each statement of a read has objects by their key, and no more rows than jobs."""
    found = plans_of(database, read)
    assert found
    for statement, steps in found:
        for step in steps:
            if step["table"] == "object":
                assert step["type"] == "eq_ref", statement
            assert int(step["rows"] or 0) <= JOBS, statement


def plans_of(database: Database, read: Callable[[], object]) -> list[tuple[str, list[Any]]]:
    """Return every SELECT on jobs that a read sends, with the lines of its plan."""

    def reads_jobs(statement: str) -> bool:
        is_read = statement.startswith("SELECT")
        return is_read and ("FROM job" in statement or "object" in statement)

    return plans(database.engine, read, reads_jobs)
