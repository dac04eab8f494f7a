"""How long searches and orders take: the first hits in a fresh process, all hits, twenty at once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import Final

from sqlalchemy import func, select

from benchmarks.bench import FULL_SIZE, Bench, in_fresh_process
from benchmarks.figures import Figure, limited, seconds
from jobs_data.jobs import list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.searching import Searches, SearchResult
from jobs_data.jobs.view import Dates, JobFilter, ListView, Sort
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from jobs_data.platform.tables import job_execution

ROUNDS: Final = 3
PROCESSES: Final = 3
PAGE_JOBS: Final = 10
FIRST_SECONDS: Final = 0.3
ORDER_SECONDS: Final = 5
LOOK_SECONDS: Final = 0.02
END_SECONDS: Final = 600
"""After this a search that has not ended is an error."""

FREQUENT: Final = {
    "for a word that many names have": JobFilter(search="export"),
    "for a word in errors": JobFilter(search="error:disk"),
    "for a word in outputs": JobFilter(search="output:disk"),
    "for a word in notes": JobFilter(search="note:disk"),
    "for a word in parameters": JobFilter(search="param:csv"),
    "for a job's name": JobFilter(names=("arFindingAidJob",)),
    "for failed jobs and a word": JobFilter(State.FAILED, search="export"),
    "for a type": JobFilter(types=("finding_aid",)),
    "created in the last 7 days": JobFilter(created=Dates(last=timedelta(days=7))),
    "finished in the last 90 days": JobFilter(finished=Dates(last=timedelta(days=90))),
    "with a result file": JobFilter(has_result=True),
    "with errors": JobFilter(has_errors=True),
    "longer than a minute": JobFilter(longer_than=60),
}
RARE: Final = {"for a word that nothing has": JobFilter(search="no such word")}
SEARCHES: Final = {**FREQUENT, **RARE}
FROM_EXECUTIONS: Final = ("with errors", "longer than a minute")
TOGETHER: Final = (
    *FREQUENT.values(),
    *(JobFilter(search=w) for w in ("finding", "import", "move", "rights", "dates", "csv", "checksum")),
)
ORDERS: Final = {
    "oldest first": ListView(is_reversed=True),
    "by status": ListView(sort=Sort.STATUS),
    "by owner": ListView(sort=Sort.OWNER),
    "by completion": ListView(sort=Sort.COMPLETED),
    "by duration": ListView(sort=Sort.DURATION),
    "by related record": ListView(sort=Sort.RELATED),
    "with repeated jobs grouped": ListView(fold=True),
}


def measure(bench: Bench) -> list[Figure]:
    """Return the seconds of searches from a million jobs on, and of orders of a million."""
    figures = []
    for jobs in bench.sizes:
        if jobs >= FULL_SIZE:
            figures += _searches(bench.url(jobs), jobs)
    database = Database(make_engine(bench.url(FULL_SIZE)))
    order = CreationOrder(database)
    order.survey()  # as the app does when it starts
    figures += [
        limited(f"List {what}, {FULL_SIZE:,} jobs", _seconds(database, order, view), ORDER_SECONDS)
        for what, view in ORDERS.items()
    ]
    database.engine.dispose()
    return figures


def _searches(url: str, jobs: int) -> list[Figure]:
    figures = []
    for what in SEARCHES:
        runs = [
            in_fresh_process("benchmarks.searches", url, what)
            for _ in range(PROCESSES if jobs == FULL_SIZE else 1)
        ]
        first, end, scan = (median(run[part] for run in runs) for part in ("first", "end", "scan"))
        name = f"Search {what}, {jobs:,} jobs"
        if what in FREQUENT:
            figures.append(limited(f"{name}, first hits", first, FIRST_SECONDS))
        covered = runs[0]["looked_at"]
        ours = seconds(end) if covered is None else f"{seconds(end)}: the newest {covered:,} jobs"
        beside = (f"scan of durations {seconds(scan)}", f"{end / scan:.1f} ×")
        beside = beside if what in FROM_EXECUTIONS else ("", "")
        figures.append(Figure(f"{name}, all hits", ours, *beside))
    run = in_fresh_process("benchmarks.searches", url, "")
    name = f"{len(TOGETHER)} searches at once, {jobs:,} jobs"
    figures.append(Figure(f"{name}, until half of them have first hits", seconds(median(run["first"]))))
    figures.append(Figure(f"{name}, until all have first hits", seconds(max(run["first"]))))
    figures.append(Figure(f"{name}, until all have ended", seconds(max(run["end"]))))
    return figures


def _seconds(database: Database, order: CreationOrder, view: ListView) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        list_page.read_list(database, view, order)
        taken.append(time.perf_counter() - began)
    return median(taken)


def search(searches: Searches, job_filter: JobFilter) -> tuple[float, float, SearchResult]:
    """Return the seconds until a page of hits is known, and until the end, and the result."""
    began = time.perf_counter()
    result = searches.latest(job_filter, PAGE_JOBS, END_SECONDS)
    first = time.perf_counter() - began
    while not result.is_done:
        if time.perf_counter() - began > END_SECONDS:
            raise RuntimeError("a search does not end")
        time.sleep(LOOK_SECONDS)
        result = searches.latest(job_filter, PAGE_JOBS, 0)
    return first, time.perf_counter() - began, result


def _together(searches: Searches, filters: Sequence[JobFilter]) -> dict[str, list[float]]:
    with ThreadPoolExecutor(len(filters)) as pool:
        found = list(pool.map(lambda each: search(searches, each), filters))
    return {"first": [each[0] for each in found], "end": [each[1] for each in found]}


def main() -> None:
    """Measure a search, or twenty at once, in this process, which has just begun; print JSON."""
    url, what = sys.argv[1:]
    database = Database(make_engine(url))
    # What the app does when it starts is no part of it: connecting, and a look at the tables.
    with database.engine.connect(), database.engine.connect():
        database.tables  # noqa: B018 - reads them
    with closing(Searches(database, CreationOrder(database))) as searches:
        if not what:
            print(json.dumps(_together(searches, TOGETHER)))
            return
        first, end, result = search(searches, SEARCHES[what])
    with database.engine.connect() as connection:
        began = time.perf_counter()
        connection.execute(select(func.count()).where(job_execution.c.duration > 60))
        scan = time.perf_counter() - began
    print(json.dumps({"first": first, "end": end, "looked_at": result.looked_at, "scan": scan}))


if __name__ == "__main__":
    main()
