"""How long the list's data takes: first pages, counts, deep pages, sorts, and the shared cache."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks import platform_shapes
from benchmarks.bench import FULL_SIZE, Bench, in_fresh_process
from benchmarks.figures import Figure, faster, limited, seconds, within
from benchmarks.platform_shapes import SHAPES
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.list_page import Snapshot
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.trend import read_trend
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from jobs_data.platform.times import day_starts
from jobs_data.store.database import file_store

PROCESSES: Final = 5
ROUNDS: Final = 3
CACHED_READS: Final = 1_000
"""One alone takes microseconds, which a clock cannot tell from what else the processor does."""

FIRST_SECONDS: Final = 0.1
CACHE_SECONDS: Final = 0.005
SORT_SECONDS: Final = 5
COUNTS_SECONDS: Final = 120
COUNTS_TIMES: Final = 1.3
DEEP_TIMES: Final = 1.5
FASTER: Final = dict(zip((shape.name for shape in SHAPES), (10.0, 6.0, 20.0, 15.0), strict=True))

FIRST_PAGES: Final = {
    "by date": ListView(),
    "failed": ListView(JobFilter(State.FAILED)),
    "active": ListView(JobFilter(State.ACTIVE)),
    "completed": ListView(JobFilter(State.COMPLETED)),
}
DEEP: Final = ListView(page=50_000, limit=10)
DEEP_OFFSET: Final = "SELECT id FROM job ORDER BY id DESC LIMIT 10 OFFSET 499990"
GROUP_BY: Final = "SELECT status_id, count(*) FROM job GROUP BY status_id"
SORTS: Final = {
    Sort.NAME: "FROM job ORDER BY name",
    Sort.STATUS: "FROM job ORDER BY status_id",
    Sort.OWNER: "FROM job LEFT JOIN user ON user.id = job.user_id ORDER BY user.username",
    Sort.COMPLETED: "FROM job ORDER BY completed_at DESC",
    Sort.RELATED: "FROM job LEFT JOIN slug ON slug.object_id = job.object_id ORDER BY slug.slug",
    Sort.DURATION: (
        "FROM job LEFT JOIN object AS its ON its.id = job.id"
        " LEFT JOIN ahg_job_execution AS run ON run.job_id = job.id"
        " ORDER BY coalesce(run.duration, timestampdiff(SECOND, its.created_at, job.completed_at)) DESC"
    ),
}
"""What one sort of the ids by each column is, with the joins that it needs."""

Pair = tuple[float, float]
"""Our seconds, and those of the statement beside it."""


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of each size."""
    return [figure for jobs in bench.sizes for figure in _of_size(bench, jobs)]


def _of_size(bench: Bench, jobs: int) -> list[Figure]:
    url, size = bench.url(jobs), f"{jobs:,} jobs"
    figures = []
    for name in FIRST_PAGES:
        first = median(
            float(in_fresh_process("benchmarks.list_reads", url, name)) for _ in range(PROCESSES)
        )
        figures.append(limited(f"First page, {name}, {size}, new process", first, FIRST_SECONDS))
    found = in_fresh_process("benchmarks.list_reads", url, "rest")
    figures.append(limited(f"A page from the shared cache, {size}", found["cached"], CACHE_SECONDS))
    figures.append(_plain(f"The cards' bars, {size}", found["trend"]))
    ours, theirs = found["counts"]
    figures.append(within(f"Counts, {size}", ours, theirs, "GROUP BY", COUNTS_TIMES))
    for when in ("before the survey", "after it"):
        what, (ours, theirs) = f"Page {DEEP.page:,}, {size}, {when}", found[when]
        figures.append(within(what, ours, theirs, "OFFSET on the key", DEEP_TIMES))
    figures.append(_plain(f"Survey of all creation times, in the background, {size}", found["survey"]))
    for sort in SORTS:
        ours, theirs = found[sort]
        what = f"Sorted by {'user' if sort is Sort.OWNER else sort}, {size}"
        if jobs == FULL_SIZE:
            figures.append(within(what, ours, theirs, "one sort of the ids", 1))
        else:
            figures.append(limited(f"{what}, of the newest", ours, SORT_SECONDS))
    if jobs == FULL_SIZE:
        for shape in SHAPES:
            theirs = platform_shapes.seconds_of(bench.server, f"jobs_{jobs}", shape)
            ours = found[f"shape {shape.name}"]
            what = f"{shape.name}, {size}, any later page"
            figures.append(faster(what, ours, theirs, "platform", FASTER[shape.name]))
    return figures


def _plain(what: str, value: float) -> Figure:
    return Figure(what, seconds(value))


def _timed(work: Callable[[], object], times: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def _alternately(ours: Callable[[], float], theirs: Callable[[], float]) -> Pair:
    """Return the medians of some rounds, in which each is measured once."""
    both = [(ours(), theirs()) for _ in range(ROUNDS)]
    return median(pair[0] for pair in both), median(pair[1] for pair in both)


class _Reads:
    """What is measured in one process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.order = CreationOrder(database)

    def statement(self, sql: str) -> float:
        """Return the seconds of a statement, as the database's own client would send it."""
        with self.database.reading(COUNTS_SECONDS) as connection:
            return _timed(lambda: connection.exec_driver_sql(sql).all())

    def page(self, view: ListView, order: CreationOrder) -> float:
        """Return the seconds of a page that nobody has read yet, counts aside."""

        def read() -> None:
            with self.database.reading() as connection:
                Snapshot(self.database, connection, order).page(view, None)

        return _timed(read)

    def counts(self) -> float:
        """Return the seconds from the first page to its counts, in the background."""
        shared = SharedList(self.database, self.order)
        jobs = shared.read(ListView())
        return _timed(lambda: shared.wait_for_counts(jobs, COUNTS_SECONDS))

    def all(self, jobs: int) -> dict[str, float | Pair]:
        """Return everything but the first page of a process."""
        new = CreationOrder(self.database)
        found: dict[str, float | Pair] = {}
        offset = partial(self.statement, DEEP_OFFSET)
        found["before the survey"] = _alternately(lambda: self.page(DEEP, new), offset)
        found["survey"] = _timed(self.order.survey)
        shared = SharedList(self.database, self.order)
        known = shared.wait_for_counts(shared.read(ListView()), COUNTS_SECONDS)
        found["cached"] = median(
            _timed(lambda: shared.read(ListView()), CACHED_READS) for _ in range(ROUNDS)
        )
        days = day_starts(ZoneInfo("UTC"))
        found["trend"] = _timed(lambda: read_trend(self.database, days, self.order))

        def counted_page(view: ListView) -> float:
            def read() -> None:
                with self.database.reading() as connection:
                    Snapshot(self.database, connection, self.order).page(view, known.overview)

            return _timed(read)

        found["after it"] = _alternately(lambda: counted_page(DEEP), offset)
        found["counts"] = _alternately(self.counts, lambda: self.statement(GROUP_BY))
        for sort, source in SORTS.items():
            ours = partial(counted_page, ListView(sort=sort))
            plain = partial(self.statement, f"SELECT job.id {source}, job.id DESC LIMIT 10")
            # Of more jobs not all are sorted, so there is nothing to compare with.
            found[sort] = _alternately(ours, plain if jobs == FULL_SIZE else lambda: 0.0)
        for shape in SHAPES:
            found[f"shape {shape.name}"] = median(counted_page(shape.view) for _ in range(ROUNDS))
        return found


def main() -> None:
    """Measure in this process, which has just begun, and print it as JSON."""
    url, what = sys.argv[1:]
    database = Database(make_engine(url))
    # What the app does when it starts is no part of a read: connecting, a look at the tables, and to
    # except what was loaded from the search for garbage, which takes 70 ms.
    with database.engine.connect(), database.engine.connect():
        database.tables  # noqa: B018
    gc.freeze()
    if what == "rest":
        jobs = int(str(database.engine.url.database).rpartition("_")[2])
        print(json.dumps(_Reads(database).all(jobs)))
        return
    with (
        # What runs in the background may write once more.
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        closing(file_store(Path(folder))) as store,
        closing(Outcomes(database, store)) as outcomes,
    ):
        with store.reading():  # as the app does, which looks for receipts that are too old
            pass
        database.job_sets[WITH_ERRORS] = outcomes.with_errors
        # The survey in the background ends with the process.
        shared = SharedList(database, CreationOrder(database), outcomes=outcomes)
        print(_timed(lambda: shared.read(FIRST_PAGES[what])), flush=True)


if __name__ == "__main__":
    main()
