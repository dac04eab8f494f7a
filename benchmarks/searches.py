"""How long searches take: the first hits in a fresh process, all hits, and twenty at once."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import Any, Final

from sqlalchemy import func, select

from benchmarks.bench import FULL_SIZE, Bench, in_fresh_process
from benchmarks.figures import Figure, limited, seconds
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.searching import BEYOND_ALL_IDS, THREADS, Searches
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.view import Dates, JobFilter, ListView
from jobs_data.jobs.where import matching
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from jobs_data.platform.tables import job

PROCESSES: Final = 3
PAGE_JOBS: Final = 10
FIRST_SECONDS: Final = 0.3
ORDER_SECONDS: Final = 5
LOOK_SECONDS: Final = 0.1
"""How often a search is looked at: each look takes some of the time that is measured."""

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
TO_THEIR_END: Final = {
    "longer than a minute": 5.9,
    "with errors": 4.1,
    "for a word that many names have": None,
    "for a word that nothing has": None,
}
"""The searches that are followed to their end, and in how many seconds they must have covered all."""

TOGETHER: Final = (
    *FREQUENT.values(),
    *(JobFilter(search=w) for w in ("finding", "import", "move", "rights", "dates", "csv", "checksum")),
)
ORDERS: Final = {
    "oldest first": ListView(is_reversed=True),
    "with repeated jobs grouped": ListView(fold=True),
}
"""Orders that the part `list` does not measure."""


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of searches from a million jobs on, and of orders of a million."""
    figures = []
    for jobs in bench.sizes:
        if jobs >= FULL_SIZE:
            url, size = bench.url(jobs), f"{jobs:,} jobs"
            figures += [_first(url, what, size) for what in FREQUENT]
            figures += _together(url, size, to_end=jobs == FULL_SIZE)
    url, size = bench.url(FULL_SIZE), f"{FULL_SIZE:,} jobs"
    figures += [_all(url, what, size) for what in TO_THEIR_END]
    for what in ORDERS:
        took = median(float(_measured(url, "order", what)) for _ in range(PROCESSES))
        figures.append(limited(f"List {what}, {size}", took, ORDER_SECONDS))
    return figures


def _measured(url: str, how: str, what: str = "") -> Any:
    return in_fresh_process("benchmarks.searches", url, how, what)


def _first(url: str, what: str, size: str) -> Figure:
    took = median(float(_measured(url, "first", what)) for _ in range(PROCESSES))
    return limited(f"Search {what}, {size}, first hits", took, FIRST_SECONDS)


def _all(url: str, what: str, size: str) -> Figure:
    runs = [_measured(url, "all", what) for _ in range(PROCESSES)]
    ours, theirs = (median(run[part] for run in runs) for part in ("search", "statement"))
    covered, at_most = runs[0]["looked_at"], TO_THEIR_END[what]
    return Figure(
        f"Search {what}, {size}, all hits",
        seconds(ours) if covered is None else f"{seconds(ours)}: the newest {covered:,} jobs",
        f"one statement {seconds(theirs)}",
        f"{ours / theirs:.2f} ×",
        f"all jobs within {seconds(at_most)}" if at_most else "",
        ours <= at_most and covered is None if at_most else None,
    )


def _together(url: str, size: str, *, to_end: bool) -> list[Figure]:
    run = _measured(url, "together", "to the end" if to_end else "")
    name = f"{len(TOGETHER)} searches at once, {size}"
    figures = [
        limited(f"{name}, until half of them have first hits", median(run["first"]), FIRST_SECONDS),
        Figure(f"{name}, until all have first hits", seconds(max(run["first"]))),
    ]
    if to_end:
        ours, theirs = max(run["end"]), run["statements"]
        beside = f"their statements, {THREADS} at a time, {seconds(theirs)}"
        ended = f"{name}, until all have ended"
        figures.append(Figure(ended, seconds(ours), beside, f"{ours / theirs:.2f} ×"))
    return figures


class _Searching:
    """The searches of this process."""

    def __init__(self, database: Database, searches: Searches) -> None:
        self._database = database
        self._searches = searches

    def first(self, job_filter: JobFilter) -> float:
        """Return the seconds until a page of hits is known."""
        began = time.perf_counter()
        self._searches.latest(job_filter, PAGE_JOBS, END_SECONDS)
        return time.perf_counter() - began

    def end(self, job_filter: JobFilter) -> tuple[float, int | None]:
        """Return the seconds until the end, and how many jobs were searched; None for all."""
        began = time.perf_counter()
        while not (result := self._searches.latest(job_filter, PAGE_JOBS, 0)).is_done:
            if time.perf_counter() - began > END_SECONDS:
                raise RuntimeError("a search does not end")
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - began, result.looked_at

    def statement(self, job_filter: JobFilter) -> float:
        """Return the seconds of one statement that finds all hits."""
        where = matching(job_filter, self._database, None, (0, BEYOND_ALL_IDS))
        with self._database.reading(END_SECONDS) as connection:
            began = time.perf_counter()
            connection.execute(select(func.count()).select_from(job).where(*where)).one()
            return time.perf_counter() - began

    def together(self, filters: Sequence[JobFilter], *, to_end: bool) -> dict[str, Any]:
        """Return the seconds of searches that begin at once, and of the same as statements."""
        with ThreadPoolExecutor(len(filters)) as pool:
            first = list(pool.map(self.first, filters))
            if not to_end:
                return {"first": first}
            end = [took for took, _ in pool.map(self.end, filters)]
        began = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self.statement, filters))
        statements = time.perf_counter() - began
        return {"first": first, "end": [max(first) + took for took in end], "statements": statements}


def main() -> None:
    """Measure in this process, which has just begun, and print it as JSON."""
    url, how, what = sys.argv[1:]
    database = Database(make_engine(url))
    # What the app does when it starts is no part of it, as in `list_reads`.
    with database.engine.connect(), database.engine.connect():
        database.tables  # noqa: B018 - reads them
    gc.freeze()
    order = CreationOrder(database)
    with closing(Searches(database, order)) as searches:
        searching = _Searching(database, searches)
        found: Any
        if how == "first":
            found = searching.first(SEARCHES[what])
        elif how == "all":
            took, looked_at = searching.end(SEARCHES[what])
            statement = searching.statement(SEARCHES[what])
            found = {"search": took, "looked_at": looked_at, "statement": statement}
        elif how == "together":
            found = searching.together(TOGETHER, to_end=bool(what))
        else:
            began = time.perf_counter()
            SharedList(database, order).read(ORDERS[what])
            found = time.perf_counter() - began
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
