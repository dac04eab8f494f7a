"""How long each way to search and to sort takes: counts and a page, read anew, in a million jobs."""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median
from typing import Final

from benchmarks.bench import FULL_SIZE, Bench
from benchmarks.figures import Figure, limited
from jobs_data.jobs import list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.searching import SEARCH_SECONDS
from jobs_data.jobs.view import Dates, JobFilter, ListView, Sort
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine

ROUNDS: Final = 3

VIEWS: Final = {
    "for a word that many names have": ListView(JobFilter(search="export")),
    "for a word that nothing has": ListView(JobFilter(search="no such word")),
    "for a job's name": ListView(JobFilter(names=("arFindingAidJob",))),
    "for an owner": ListView(JobFilter(owners=(1,))),
    "for a type": ListView(JobFilter(types=("finding_aid",))),
    "created in the last 7 days": ListView(JobFilter(created=Dates(last=timedelta(days=7)))),
    "finished more than 90 days ago": ListView(JobFilter(finished=Dates(ago=timedelta(days=90)))),
    "with a result file": ListView(JobFilter(has_result=True)),
    "with errors": ListView(JobFilter(has_errors=True)),
    "longer than a minute": ListView(JobFilter(longer_than=60)),
    "for a word, by owner": ListView(JobFilter(search="export"), Sort.OWNER),
}
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
    """Return the seconds of each search, held against its bound, and of each order."""
    database = Database(make_engine(bench.url(FULL_SIZE)))
    order = CreationOrder(database)
    order.survey()  # as the app does when it starts
    figures = [
        limited(f"Search {what}, {FULL_SIZE:,} jobs", _seconds(database, order, view), SEARCH_SECONDS)
        for what, view in VIEWS.items()
    ]
    figures += [
        limited(f"List {what}, {FULL_SIZE:,} jobs", _seconds(database, order, view), SEARCH_SECONDS)
        for what, view in ORDERS.items()
    ]
    database.engine.dispose()
    return figures


def _seconds(database: Database, order: CreationOrder, view: ListView) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        jobs = list_page.read_list(database, view, order)
        taken.append(time.perf_counter() - began)
        if jobs.looked_at is not None:
            raise RuntimeError("a search did not get through")
    return median(taken)
