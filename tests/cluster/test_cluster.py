"""The app against three nodes of a Galera cluster; `make cluster` runs this, `make test` does not."""

import csv
import itertools
import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Executable, insert, select, text, update

from jobs_data import demo
from jobs_data.jobs import export, export_rows, job_report, list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.platform.errors import DatabaseBusy, DatabaseUnavailable
from jobs_data.platform.status import FINISHED_IDS, State, is_in
from jobs_data.platform.tables import job, job_execution, note, object_
from jobs_data.removal import removal
from jobs_data.removal.removal import Removal, RemovalRuns
from jobs_data.store.schema import Outcome
from tests.support.galera import Cluster, proxied, wait_until_it_answers
from tests.support.lists import read_list, report_of
from tests.support.removals import cleared
from tests.support.store import CAUSE, CLEARING, NOON, Store

FIRST_ID = 10_001
ACTIVE_EVERY = 10


def fill(store: Store, jobs: int) -> None:
    """Insert jobs, each tenth of them active; each has a note and an execution record."""
    ids = range(FIRST_ID, FIRST_ID + jobs)
    with store.engine.begin() as connection:
        connection.execute(
            insert(object_),
            [
                {
                    "id": i,
                    "class_name": "QubitJob",
                    "created_at": NOON + timedelta(seconds=i),
                    "updated_at": NOON,
                }
                for i in ids
            ],
        )
        active = {"status_id": 183, "completed_at": None}
        finished = [{"status_id": status_id, "completed_at": NOON} for status_id in (184, 185)]
        connection.execute(
            insert(job),
            [{"id": i, **(finished[i % 2] if i % ACTIVE_EVERY else active)} for i in ids],
        )
        connection.execute(insert(note), [{"object_id": i, "source_culture": "en"} for i in ids])
        connection.execute(insert(job_execution), [{"job_id": i} for i in ids])


def ids_where(store: Store, condition: ColumnElement[bool]) -> set[int]:
    """Return the ids of the jobs that meet a condition."""
    with store.engine.connect() as connection:
        return set(connection.execute(select(job.c.id).where(condition)).scalars())


def finished_ids(store: Store) -> set[int]:
    """Return the ids of the finished jobs."""
    return ids_where(store, job.c.status_id.in_(FINISHED_IDS))


def assert_whole(stores: list[Store]) -> None:
    """Assert that all nodes have the same jobs, each with all that is its own, and nothing else."""
    jobs = stores[0].ids()
    for store in stores:
        assert store.ids() == jobs
        assert [i for i in store.ids(object_) if i >= FIRST_ID] == jobs
        assert store.ids(note, "object_id") == jobs
        assert store.ids(job_execution, "job_id") == jobs


def plain_order(store: Store, state: State | None, sort: Sort) -> list[int]:
    """Return the ids of all jobs of a state in the order of the list, as one plain query has them."""
    where = {None: "TRUE", State.FAILED: "j.status_id = 185", State.COMPLETED: "j.status_id = 184"}
    order = {Sort.DATE: "o.created_at DESC", Sort.NAME: "COALESCE(j.name, '')"}
    with store.engine.connect() as connection:
        return list(
            connection.execute(
                text(
                    "SELECT j.id FROM job j JOIN object o ON o.id = j.id "
                    f"WHERE {where[state]} ORDER BY {order[sort]}, j.id DESC"
                )
            ).scalars()
        )


def test_every_node_shows_the_same_list(cluster: Cluster, stores: list[Store]) -> None:
    """Cards, pages near and far, neighbours, reports and the export equal a plain query, anywhere.

    Ids interleave between the nodes: those of jobs made in turn at three nodes do not ascend.
    """
    with stores[0].engine.begin() as connection:
        connection.execute(text("SET SESSION foreign_key_checks = 0"))
        for table in reversed(job.metadata.sorted_tables):
            connection.execute(text(f"DROP TABLE `{table.name}`"))
    demo.create(stores[0].engine, jobs=3_000, seed=1)
    cluster.settle()
    latest = datetime(2100, 1, 1)
    made: list[int] = []
    for turn in range(10):
        with ExitStack() as open_:
            # All three are at it when the first is committed, and the last node begins.
            connections = [open_.enter_context(store.engine.begin()) for store in reversed(stores)]
            for number, connection in enumerate(connections):
                created = latest + timedelta(seconds=3 * turn + number)
                times = {"created_at": created, "updated_at": created}
                key = connection.execute(insert(object_).values(class_name="QubitJob", **times))
                made.append(key.lastrowid)
                own = {"id": made[-1], "name": "from each node", "status_id": 183}
                connection.execute(insert(job).values(**own))
        cluster.settle()
    assert made != sorted(made)
    cluster.settle()
    for store in stores[1:]:
        database = store.database()
        for state in (None, State.FAILED, State.COMPLETED):
            for sort in (Sort.DATE, Sort.NAME):
                expected = plain_order(stores[0], state, sort)
                view = ListView(JobFilter(state), sort=sort, limit=25)
                pages = -(-len(expected) // 25)
                for page in (1, 2, pages // 2, pages):
                    jobs = read_list(database, ListView(view.filter, sort=sort, page=page, limit=25))
                    assert jobs.rows["id"].tolist() == expected[(page - 1) * 25 : page * 25]
                    assert jobs.matching == len(expected)
                for at in (1, 15, 30, len(expected) // 2):
                    found = job_report.read_neighbours(database, view, expected[at])
                    assert found == (expected[at - 1], expected[at + 1])
        counts = list_page.count_jobs(database)
        assert (counts.total, counts.active, counts.finished) == (
            len(stores[0].ids()),
            len(ids_where(stores[0], is_in(State.ACTIVE))),
            len(finished_ids(stores[0])),
        )
        report = report_of(database, made[-1])
        assert (report.id, report.name) == (made[-1], "from each node")
        exported = b"".join(export.csv_chunks(database, ListView())).decode("utf-8-sig")
        assert [row[0] for row in csv.reader(exported.splitlines())][1:31] == ["from each node"] * 30
        assert exported == b"".join(export.csv_chunks(stores[0].database(), ListView())).decode(
            "utf-8-sig"
        )
        assert exported.count("\r\n") == 1 + len(stores[0].ids())


def test_a_job_deleted_at_one_node_is_gone_from_all(cluster: Cluster, stores: list[Store]) -> None:
    """With everything that is its own; another job stays whole at each node."""
    fill(stores[0], 2)
    cluster.settle()
    assert stores[1].removals().remove_jobs([FIRST_ID], CAUSE).outcome is Outcome.REMOVED
    cluster.settle()
    assert stores[0].ids() == [FIRST_ID + 1]
    assert_whole(stores)


def test_a_node_that_waits_for_the_others_never_shows_a_deleted_job(
    cluster: Cluster, stores: list[Store]
) -> None:
    """With wsrep_sync_wait, as docs/scaling.md advises, a read elsewhere sees the removal at once."""
    fill(stores[0], 30)
    cluster.settle()
    with stores[1].engine.connect() as elsewhere:
        elsewhere.execute(text("SET SESSION wsrep_sync_wait = 1"))
        for job_id in sorted(finished_ids(stores[0])):
            assert stores[0].removals().remove_jobs([job_id], CAUSE).outcome is Outcome.REMOVED
            there = elsewhere.execute(select(job.c.id).where(job.c.id == job_id)).scalar()
            elsewhere.rollback()
            assert there is None


class Worker(threading.Thread):
    """Restarts finished jobs and writes to active ones at one node, as fast as it can."""

    def __init__(self, store: Store, seed: int) -> None:
        """Know which jobs there are."""
        super().__init__(daemon=True)
        self._database, self._random = store.database(), random.Random(seed)
        self._finished = sorted(finished_ids(store))
        self._active = sorted(set(store.ids()) - set(self._finished))
        self._told_to_stop = threading.Event()
        self.restarted: set[int] = set()
        self.missed: list[int] = []

    def run(self) -> None:
        """Restart a job, write to another, and so on until told to stop."""
        while not self._told_to_stop.is_set():
            finished = self._random.choice(self._finished)
            restart = update(job).where(job.c.id == finished, job.c.status_id.in_(FINISHED_IDS))
            if self._rows(restart.values(status_id=183, completed_at=None)):
                self.restarted.add(finished)
            active = self._random.choice(self._active)
            write = update(job).where(job.c.id == active)
            if self._rows(write.values(output=f"{self._random.random()}")) == 0:
                self.missed.append(active)

    def _rows(self, statement: Executable) -> int | None:
        """Return how many rows a change has met, None where it has lost against another node."""
        try:
            with self._database.writing() as connection:
                return connection.execute(statement).rowcount
        except DatabaseBusy:
            return None

    def stop(self) -> None:
        """Return when it has ended."""
        self._told_to_stop.set()
        self.join()


def test_a_clearing_and_workers_elsewhere_do_each_other_no_harm(
    cluster: Cluster, stores: list[Store]
) -> None:
    """Conflicts occur and are tried again: what was restarted stays, all else goes, no half job."""
    fill(stores[0], 4_000)
    cluster.settle()
    active = set(stores[0].ids()) - finished_ids(stores[0])
    lost = cluster.nodes[0].lost()
    workers = [Worker(stores[1], seed) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    clearing = cleared(stores[0])
    for worker in workers:
        worker.stop()
    cluster.settle()
    restarted = set().union(*(worker.restarted for worker in workers))
    assert cluster.nodes[0].lost() > lost
    assert restarted
    assert [worker.missed for worker in workers] == [[], []]
    assert (clearing.error, clearing.locked) == ("", 0)
    assert set(stores[0].ids()) == active | restarted
    assert clearing.removed == 4_000 - len(active | restarted)
    assert_whole(stores)


def behind(cluster: Cluster, stores: list[Store], change: Callable[[], object]) -> None:
    """Commit a change at node 2 that node 1 cannot apply yet, because of a large one before it."""
    with stores[0].engine.begin() as connection:
        connection.execute(text("CREATE TABLE large (id INT PRIMARY KEY, n INT)"))
        connection.execute(text("INSERT INTO large SELECT seq, 0 FROM seq_1_to_200000"))
    cluster.settle()
    with stores[1].engine.begin() as connection:
        connection.execute(text("UPDATE large SET n = 1"))
    change()


@pytest.mark.parametrize("by", ["deleting", "clearing"])
def test_a_job_restarted_elsewhere_is_not_lost_to_a_node_that_is_behind(
    cluster: Cluster, stores: list[Store], by: str
) -> None:
    """The node still shows it as finished; certification refuses the removal when it is committed."""
    fill(stores[0], 2)
    cluster.settle()
    database = stores[0].database()
    assert database.tables
    failures = cluster.nodes[0].certification_failures()
    behind(cluster, stores, lambda: stores[1].set_status(FIRST_ID, 183))
    assert finished_ids(stores[0]) == {FIRST_ID, FIRST_ID + 1}
    if by == "deleting":
        outcome = Outcome.LOCKED
        while outcome is Outcome.LOCKED:  # the node may be behind for longer than the app is patient
            outcome = stores[0].removals(database).remove_jobs([FIRST_ID], CAUSE).outcome
        assert outcome is Outcome.ACTIVE
    else:
        cleared(stores[0])
    assert cluster.nodes[0].certification_failures() > failures
    cluster.settle()
    assert FIRST_ID in stores[0].ids()
    assert finished_ids(stores[0]) == (set() if by == "clearing" else {FIRST_ID + 1})
    assert_whole(stores)


def test_two_clearings_through_two_nodes_do_no_harm(
    cluster: Cluster, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither knows of the other and they get in each other's way; each job is removed once."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 50)
    fill(stores[0], 4_000)
    cluster.settle()
    finished = finished_ids(stores[0])
    lost = sum(node.lost() for node in cluster.nodes)
    clearings = [store.removals().start(None, CLEARING) for store in stores[:2]]
    for clearing in clearings:
        clearing.wait()
    cluster.settle()
    assert sum(node.lost() for node in cluster.nodes) > lost
    assert [clearing.error for clearing in clearings] == ["", ""]
    left = finished_ids(stores[0])
    assert sum(clearing.removed for clearing in clearings) == len(finished - left)
    assert len(left) <= max(clearing.locked for clearing in clearings)
    assert len(stores[0].ids()) == 4_000 // ACTIVE_EVERY + len(left)
    assert_whole(stores)


def test_the_lock_on_clearing_is_one_of_its_node(cluster: Cluster, stores: list[Store]) -> None:
    """A second process at the same node is refused; one at another node is not."""
    name = f"heratio-jobs clearing {stores[0].engine.url.database}"
    with cluster.nodes[0].server.cursor() as another_process:
        another_process.execute(f"SELECT GET_LOCK('{name}', 0)")
        with pytest.raises(RemovalRuns):
            stores[0].removals().start(None, CLEARING)
        assert cleared(stores[1]).error == ""


def in_the_middle(clearing: Removal) -> None:
    """Return when a clearing has dealt with some batches."""
    while clearing.is_running and clearing.removed < 100:
        time.sleep(0.01)
    assert clearing.is_running


def test_a_clearing_ends_with_its_node_and_goes_on_at_another(
    cluster: Cluster, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in a sentence, no job is half removed, and a new one removes the rest."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 20)
    fill(stores[0], 4_000)
    cluster.settle()
    clearing = stores[0].removals().start(None, CLEARING)
    in_the_middle(clearing)
    cluster.nodes[0].kill()
    clearing.wait()
    assert "before the deletion stopped" in clearing.sentence()
    survivors = stores[1:]
    cluster.settle()
    assert_whole(survivors)
    left = finished_ids(survivors[0])
    assert left
    # The answer to the last batch may have been lost with the node.
    assert 0 <= clearing.total - clearing.removed - len(left) <= removal.BATCH_JOBS
    monkeypatch.undo()
    rest = cleared(survivors[0])
    assert (rest.removed, rest.error) == (len(left), "")
    cluster.mend()
    cluster.settle()
    assert len(stores[0].ids()) == 4_000 // ACTIVE_EVERY
    assert_whole(stores)


def test_behind_a_proxy_the_app_goes_on_at_the_next_node(
    cluster: Cluster, stores: list[Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the same URL and in the same process it lists, and a new clearing removes the rest."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 20)
    fill(stores[0], 4_000)
    cluster.settle()
    with proxied(cluster, tmp_path) as proxy:
        name = stores[0].engine.url.database
        assert name is not None
        through = Store.on(proxy.url(name))
        database = through.database()
        clearing = through.removals(database).start(None, CLEARING)
        in_the_middle(clearing)
        cluster.nodes[0].kill()
        clearing.wait()
        assert "before the deletion stopped" in clearing.sentence()
        wait_until_it_answers(proxy)
        assert len(read_list(database, ListView(limit=10)).rows) == 10
        # What the dead node has committed last is applied when the others have given it up.
        cluster.settle()
        left = finished_ids(stores[1])
        assert list_page.count_jobs(database).finished == len(left)
        monkeypatch.undo()
        rest = cleared(through)
        assert (rest.removed, rest.error) == (len(left), "")
        through.close()
    cluster.settle()
    assert len(stores[1].ids()) == 4_000 // ACTIVE_EVERY
    assert_whole(stores[1:])


def test_a_clearing_outlives_another_node(
    cluster: Cluster, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits until the others have missed the node, and goes on."""
    monkeypatch.setattr(removal, "BATCH_JOBS", 20)
    fill(stores[0], 4_000)
    cluster.settle()
    clearing = stores[0].removals().start(None, CLEARING)
    in_the_middle(clearing)
    cluster.nodes[2].kill()
    clearing.wait()
    assert (clearing.removed, clearing.error) == (clearing.total, "")
    cluster.mend()
    cluster.settle()
    assert len(stores[0].ids()) == 4_000 // ACTIVE_EVERY
    assert_whole(stores)


def test_a_node_without_the_others_changes_and_shows_nothing(
    cluster: Cluster, stores: list[Store]
) -> None:
    """A minority refuses every statement; that is a sentence, and all goes on when it is over."""
    fill(stores[0], 2)
    cluster.settle()
    database = stores[0].database()
    assert database.tables
    for node in cluster.nodes[1:]:
        node.kill()
    first = cluster.nodes[0]
    while first.status("wsrep_cluster_status") == "Primary":
        time.sleep(0.1)
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        read_list(database, ListView())
    assert "does not answer" in stores[0].removals(database).remove_jobs([FIRST_ID], CAUSE).error
    # What an administrator does who knows that the others are really down.
    first.ask("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
    while first.status("wsrep_ready") != "ON":
        time.sleep(0.1)
    assert list_page.count_jobs(database).total == 2
    assert stores[0].removals(database).remove_jobs([FIRST_ID], CAUSE).outcome is Outcome.REMOVED


def test_another_node_alters_a_table_while_the_list_is_shown(
    cluster: Cluster, stores: list[Store]
) -> None:
    """The list keeps no transaction open, so the alteration ends none; the next page is right."""
    fill(stores[0], 40)
    cluster.settle()
    database = stores[0].database()
    shared_list = SharedList(database, CreationOrder(database))
    first = shared_list.wait_for_counts(shared_list.read(ListView(limit=10)), 20)
    assert first.counts.total == 40
    assert stores[1].removals().remove_jobs([FIRST_ID], CAUSE).outcome is Outcome.REMOVED
    cluster.settle()
    aborts = cluster.nodes[0].aborts()
    with stores[1].engine.begin() as connection:
        connection.execute(text("ALTER TABLE job ADD COLUMN another INT"))
    cluster.settle()
    assert cluster.nodes[0].aborts() == aborts
    last = shared_list.read(ListView(page=4, limit=10), max_age=0)
    last = shared_list.wait_for_counts(last, 20)
    assert len(last.rows) == 9
    assert last.counts.total == 39


def test_an_export_that_an_alteration_ends_says_so(
    cluster: Cluster, stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has been sent is not all, and whoever reads on is told; the next export is whole."""
    monkeypatch.setattr(export_rows, "PIECE_JOBS", 1_000)
    fill(stores[0], 6_000)
    cluster.settle()
    database = stores[0].database()
    exporting = export.csv_chunks(database, ListView())
    sent = b"".join(itertools.islice(exporting, 3))
    with stores[1].engine.begin() as connection:
        connection.execute(text("ALTER TABLE job ADD COLUMN another INT"))
    cluster.settle()
    with pytest.raises(DatabaseUnavailable):
        sent += b"".join(exporting)
    assert sent.count(b"\r\n") < 6_000
    whole = b"".join(export.csv_chunks(database, ListView()))
    assert whole.count(b"\r\n") == 1 + 6_000


def test_a_clearing_fits_itself_to_the_largest_change_that_is_allowed(
    cluster: Cluster, stores: list[Store]
) -> None:
    """Where a batch has more rows than the cluster is set to allow, smaller ones follow."""
    fill(stores[0], 2_000)
    cluster.settle()
    cluster.nodes[0].ask("SET GLOBAL wsrep_max_ws_rows = 200")
    try:
        clearing = cleared(stores[0])
    finally:
        cluster.nodes[0].ask("SET GLOBAL wsrep_max_ws_rows = 0")
    assert (clearing.removed, clearing.error) == (clearing.total, "")
    cluster.settle()
    assert_whole(stores)
