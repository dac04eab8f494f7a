"""What the screens say of an active job, and the statement that ends it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from jobs_data.jobs.liveness import read_liveness
from jobs_data.jobs.liveness_words import evidence, exact_times, summary, ways_out
from jobs_data.platform import tables
from jobs_data.platform.status import ERROR
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.statistics import NOW, took
from tests.support.store import NOON, Store


@on_mariadb
@pytest.mark.parametrize("platform", [0, 1])
def test_the_statement_marks_this_active_job_alone(store: Store, platform: int) -> None:
    """With the time of its platform; a finished, a cancelled or another job stays as it is."""
    active = [store.job("import", status, completed_at=None) for status in (183, None, 182)]
    others = [
        store.job("import", 183),
        *(store.job("import", s, completed_at=NOON) for s in (184, 186)),
    ]
    failed_without_a_time = store.job("import", 185, completed_at=None)

    def run(job_id: int) -> int:
        sql = ways_out(store.database(), job_id)[platform].steps[-1].code
        with store.engine.begin() as connection:
            return connection.exec_driver_sql(sql).rowcount

    def stored() -> dict[int, tuple[int | None, datetime | None]]:
        columns = tables.job.c.id, tables.job.c.status_id, tables.job.c.completed_at
        with store.engine.connect() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(select(*columns))}

    with store.engine.connect() as connection:
        clock = (func.utc_timestamp(), func.now())[platform]
        began = connection.execute(select(clock)).scalar_one()
    before = stored()
    assert [run(job_id) for job_id in active] == [1, 1, 1]
    assert [run(job_id) for job_id in (*active, *others[1:], failed_without_a_time)] == [0] * 6
    after = stored()
    for job_id in active:
        status, completed = after.pop(job_id)
        assert status == ERROR
        assert completed is not None
        assert completed >= began
    assert after == {job_id: before[job_id] for job_id in (*others, failed_without_a_time)}


@on_sqlite
@pytest.mark.parametrize(
    ("fixture", "platforms"), [("store", ["Heratio", "AtoM"]), ("atom_store", ["AtoM", "Heratio"])]
)
def test_the_platform_of_the_database_comes_first(
    kind: str, request: pytest.FixtureRequest, fixture: str, platforms: list[str]
) -> None:
    """Both are there, each with its own commands and the job's number."""
    assert kind == "sqlite"  # which the store is made of
    store: Store = request.getfixturevalue(fixture)
    ways = {way.platform: way for way in ways_out(store.database(), 4711)}
    assert list(ways) == platforms
    code = {name: "\n".join(step.code for step in way.steps) for name, way in ways.items()}
    assert "php artisan queue:work" in code["Heratio"]
    assert "utc_timestamp" in code["Heratio"]
    assert "php symfony jobs:worker" in code["AtoM"]
    assert "restart atom-worker" in code["AtoM"]
    assert "now()" in code["AtoM"]
    assert all("id = 4711 " in text for text in code.values())


@on_sqlite
def test_the_line_of_a_job(store: Store) -> None:
    """It compares with what is usual, or says that it cannot."""
    began = NOW.replace(tzinfo=None) - timedelta(hours=3, minutes=10)
    for _ in range(5):
        took(store, 240, "import")
    wrote = began + timedelta(hours=3)
    job_id = store.job("import", 183, began, output=f"[{wrote:%Y-%m-%d %H:%M:%S}] Row 7")
    lonely = store.job("only once", 183, began)

    def line(number: int) -> str:
        [job] = read_liveness(store.database(), NOW, number).jobs.to_dict("records")
        assert "06-15" in exact_times(job, NOW, ZoneInfo("Europe/Amsterdam"))
        assert "Europe/Amsterdam" in exact_times(job, NOW, ZoneInfo("Europe/Amsterdam"))
        assert evidence(job, NOW)
        return summary(job, NOW)

    assert (
        line(job_id) == "running 3 h 10 min · last wrote 10 min ago · usually 4 min (95 % within 4 min)"
    )
    assert line(lonely).startswith("created 3 h 10 min ago · has written nothing · no finished job")
