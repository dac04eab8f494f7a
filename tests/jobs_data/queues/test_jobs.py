"""The list of queued jobs, on both kinds of database."""

import pytest
from sqlalchemy import text

from jobs_data.platform import tables
from jobs_data.queues import listing, reads
from jobs_data.queues.filters import QueueFilter, QueueView
from jobs_data.queues.heratio import Heratio
from jobs_data.queues.listing import QueuePage
from jobs_data.queues.model import Kind, QueuedJob, QueueState
from tests.support.databases import on_mariadb
from tests.support.queue_rows import NOW, minutes, queued
from tests.support.statements import plans
from tests.support.store import Store


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (QueueFilter(), 16),
        (QueueFilter(kind=Kind.HERATIO), 11),
        (QueueFilter(search="IT BROKE"), 1),
        (QueueFilter(search="Harvest"), 4),
        (QueueFilter(search="refused"), 1),
        (QueueFilter(search="one:"), 2),
        (QueueFilter(search="#2"), 2),
        (QueueFilter(search="%🍣"), 0),
        (QueueFilter(kind=Kind.LARAVEL), 5),
        (QueueFilter(queue="default"), 15),
        (QueueFilter(queue="mail"), 1),
        (QueueFilter(queue="nowhere"), 0),
        (QueueFilter(status=QueueState.WAITING), 4),
        (QueueFilter(status=QueueState.DELAYED), 2),
        (QueueFilter(status=QueueState.RUNNING), 4),
        (QueueFilter(status=QueueState.COMPLETED), 3),
        (QueueFilter(status=QueueState.FAILED), 2),
        (QueueFilter(status=QueueState.OTHER), 1),
        (QueueFilter(worker="two:7"), 4),
        (QueueFilter(worker="two:7", status=QueueState.RUNNING), 1),
        (QueueFilter(type="arX"), 11),
        (QueueFilter(batch=1), 0),
    ],
)
def test_a_filter_lets_through_what_the_overview_counts(
    busy: Store, asked: QueueFilter, expected: int
) -> None:
    """Count and rows agree, and each row is in the state that was asked for."""
    found = reads.read_queue_jobs(busy.database(), QueueView(asked, limit=50), now=NOW)
    assert (found.page.total, len(found.page.items)) == (expected, expected)
    assert (found.has_more, found.is_partial) == (False, False)
    if asked.status:
        assert {job.state for job in found.page.items} == {asked.status}


@on_mariadb
@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (QueueFilter(queue="rare"), "ix_ahg_queue_job_dispatch"),
        (QueueFilter(type="rare"), "ix_ahg_queue_job_job_type"),
        (QueueFilter(worker="rare"), "ix_ahg_queue_job_worker_id"),
    ],
)
def test_an_index_finds_a_whole_name(store: Store, asked: QueueFilter, key: str) -> None:
    """Though it is compared by its characters, and the index by the collation."""
    for name in ("rare", *["often"] * 40):
        queued(store, queue=name, job_type=name, worker_id=name)
    [jobs] = Heratio(store.database(), NOW).jobs(asked)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE TABLE ahg_queue_job")

    def count() -> None:
        with store.engine.connect() as connection:
            assert jobs.count(connection) == 1

    [(_, steps)] = plans(store.engine, count, lambda sql: sql.startswith("SELECT"))
    [plan] = [step for step in steps if step["table"] == "ahg_queue_job"]
    assert (plan["key"], plan["type"]) == (key, "ref")


def test_pages_run_through_all_tables_without_gap_or_overlap(busy: Store) -> None:
    """The platform's jobs come first, each table's newest first; past the end is the last page."""
    whole = reads.read_queue_jobs(busy.database(), QueueView(limit=50), now=NOW)
    pages = [reads.read_queue_jobs(busy.database(), QueueView(page=n, limit=3)) for n in range(1, 7)]
    seen = [key for page in pages for key in keys(page.page.items)]
    assert seen == keys(whole.page.items)
    assert [source for source, _, _ in seen] == ["id"] * 11 + ["laravel"] * 4 + ["failed"]
    assert [number for _, _, number in seen][:11] == sorted(busy.ids(tables.queue_job))[::-1]
    past = reads.read_queue_jobs(busy.database(), QueueView(page=99, limit=3)).page
    assert (past.number, past.pages, past.first, len(past.items)) == (6, 6, 16, 1)


def ids(found: QueuePage[QueuedJob]) -> list[int]:
    """Return the numbers of the jobs of a page."""
    return [job.id for job in found.page.items]


def keys(jobs: list[QueuedJob]) -> list[tuple[str, str, int]]:
    """Return what tells the rows apart."""
    return [(job.source, job.queue, job.id) for job in jobs]


def test_a_queued_jobs_row_says_what_is_known(store: Store) -> None:
    """Owner as in the list, progress as a share and in words, the error's first line."""
    owner = store.user("ada", en="Ada")
    job_id = queued(
        store,
        "failed",
        user_id=owner,
        attempt_count=2,
        max_attempts=3,
        progress_current=34,
        progress_total=136,
        progress_message="reading *rows*",
        error_message="\n  it broke  \nbadly",
    )
    [job] = reads.read_queue_jobs(store.database(), QueueView(), now=NOW).page.items
    row = vars(job)
    assert (row["id"], row["owner"], row["progress"]) == (job_id, "Ada", 0.25)
    assert (row["attempts"], row["max_attempts"]) == (2, 3)
    assert row["progress_text"] == "34 of 136 · reading *rows*"
    assert row["error"] == "it broke"


def test_laravels_rows_have_their_class_and_exception(busy: Store) -> None:
    """Where the payload cannot be read, the name is unknown and the rest stands."""
    asked = QueueView(QueueFilter(kind=Kind.LARAVEL))
    rows = reads.read_queue_jobs(busy.database(), asked, now=NOW).page.items
    assert [job.type for job in rows] == ["App\\Jobs\\Harvest"] * 4 + ["[Unknown]"]
    assert [job.state for job in rows] == ["running", "delayed", "waiting", "waiting", "failed"]
    assert rows[-1].error == "RuntimeException: refused"
    assert rows[-1].ended == NOW - minutes(90)


def test_no_more_rows_are_counted_or_paged_through_than_a_list_has(
    busy: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest ones of the first table come first; past the end is the last page of these."""
    whole = reads.read_queue_jobs(busy.database(), QueueView(limit=50), now=NOW)
    monkeypatch.setattr(listing, "MOST_ROWS", 12)
    for number, expected in ((1, (0, 5)), (3, (10, 12)), (99, (10, 12))):
        found = reads.read_queue_jobs(busy.database(), QueueView(page=number, limit=5), now=NOW)
        assert (found.page.total, found.page.pages, found.has_more) == (12, 3, True)
        assert keys(found.page.items) == keys(whole.page.items)[slice(*expected)]
    [jobs] = Heratio(busy.database(), NOW).jobs(QueueFilter())
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    with busy.database().reading() as connection:
        assert jobs.count(connection) == 4
    monkeypatch.setattr(listing, "MOST_ROWS", 16)
    assert not reads.read_queue_jobs(busy.database(), QueueView(), now=NOW).has_more


def test_a_search_that_takes_too_long_goes_on_in_the_newest_rows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is old is not found, and the page says so; the connection goes on."""
    table = tables.queue_job
    old = queued(store, job_type="arRare")
    sqlite = store.engine.dialect.name == "sqlite"
    with store.engine.begin() as connection:
        for index in table.indexes:
            connection.execute(text(f"DROP INDEX {index.name}{'' if sqlite else f' ON {table.name}'}"))
        for _ in range(17):
            connection.execute(text(f"INSERT INTO {table.name} (status) SELECT 'x' FROM {table.name}"))
    new = queued(store, job_type="arRare")
    database = store.database()
    view = QueueView(QueueFilter(type="arRare"))
    whole = reads.read_queue_jobs(database, view)
    assert (ids(whole), whole.is_partial) == ([new, old], False)
    monkeypatch.setattr(listing, "SEARCH_SECONDS", 0.001)
    found = reads.read_queue_jobs(database, view)
    assert (ids(found), found.page.total, found.is_partial) == ([new], 1, True)
    monkeypatch.setattr(listing, "MOST_ROWS", 10**6)
    whole = reads.read_queue_jobs(database, view)
    assert (ids(whole), whole.is_partial) == ([new, old], False)
