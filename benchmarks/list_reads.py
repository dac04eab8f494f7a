"""How long the list's data takes, cards, count and page, beside the platform's own shape of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks import platform_shapes
from benchmarks.bench import FULL_SIZE, Bench
from benchmarks.figures import Figure, faster, limited, seconds
from benchmarks.platform_shapes import FIRST_PAGE, SHAPES, Shape
from jobs_data.jobs import list_page
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.trend import read_trend
from jobs_data.jobs.view import ListView
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.status import State
from jobs_data.platform.times import day_starts
from jobs_data.store.database import file_store
from tests.support.app_servers import ROOT

PROCESSES: Final = 3
ROUNDS: Final = 5
CACHED_READS: Final = 1_000
"""One alone takes microseconds, which a clock cannot tell from what else the processor does."""

ASKED: Final = dict(zip((shape.name for shape in SHAPES), (10.0, 6.0, 20.0, 15.0), strict=True))
CACHE_SECONDS: Final = 0.005
GROWTH: Final = 1.5


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of all four views with a million jobs, and the growth with their number."""
    figures = []
    page_by_size: dict[int, float] = {}
    cached_by_size: dict[int, float] = {}
    for jobs in bench.sizes:
        url = bench.url(jobs)
        for shape in SHAPES:
            if jobs < FULL_SIZE and shape is not FIRST_PAGE:
                continue
            cold, page, shared, trend = in_fresh_processes(url, shape)
            what = f"{shape.name}, {jobs:,} jobs"
            if shape is FIRST_PAGE:
                page_by_size[jobs] = page
            if jobs >= FULL_SIZE:
                theirs = platform_shapes.seconds_of(bench.server, f"jobs_{jobs}", shape)
                asked = ASKED[shape.name]
                figures += [
                    compared(f"{what}, cold", cold, theirs, asked if shape is FIRST_PAGE else None),
                    compared(f"{what}, counts shared", page, theirs, asked),
                ]
            else:
                figures.append(Figure(f"{what}, cold", seconds(cold)))
                figures.append(Figure(f"{what}, counts shared", seconds(page)))
            figures.append(limited(f"{what}, shared cache", shared, CACHE_SECONDS))
            if shape is FIRST_PAGE:
                cached_by_size[jobs] = shared
                figures.append(Figure(f"The cards' bars, {jobs:,} jobs", seconds(trend)))
    return [
        *figures,
        *_growth("a page whose counts are shared", page_by_size),
        *_growth("a read from the shared cache", cached_by_size),
    ]


def compared(what: str, ours: float, theirs: float, asked: float | None) -> Figure:
    """Return a time beside the platform's, and what is asked of it, if anything is."""
    if asked is not None:
        return faster(what, ours, theirs, "platform", asked)
    ratio = f"{theirs / ours:.1f} × faster"
    return Figure(what, seconds(ours), f"platform {seconds(theirs)}", ratio)


def in_fresh_processes(url: str, shape: Shape) -> tuple[float, ...]:
    """Return the medians of a first read, of a page, of one from the cache, and of the trend."""
    number = str(SHAPES.index(shape))
    told = []
    for _ in range(PROCESSES):
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.list_reads", url, number],
            check=True,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        told.append(json.loads(answer.stdout))
    return tuple(median(values) for values in zip(*told, strict=True))


def read(database: Database, view: ListView) -> None:
    """Read the page, its count and the cards' numbers from the database."""
    list_page.read_list(database, view)


def read_bars(database: Database, order: CreationOrder) -> None:
    """Read the cards' bars from the database, which the page shows as soon as they are there."""
    read_trend(database, day_starts(ZoneInfo("UTC")), order)


def _growth(what: str, by_size: dict[int, float]) -> list[Figure]:
    smallest = min(by_size)
    return [
        Figure(
            f"Growth of {what}, {smallest:,} to {jobs:,} jobs",
            seconds(taken),
            f"{smallest:,} jobs {seconds(by_size[smallest])}",
            f"{taken / by_size[smallest]:.2f} ×",
            f"at most {GROWTH:g} ×",
            taken / by_size[smallest] <= GROWTH,
        )
        for jobs, taken in by_size.items()
        if jobs >= FULL_SIZE
    ]


def _timed(work: Callable[[], object], times: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def _timed_page(database: Database, order: CreationOrder, view: ListView, outcomes: Outcomes) -> float:
    """Return the seconds of a page that nobody has asked for, while others look at the list."""
    shared_list = SharedList(database, order, outcomes=outcomes)
    shared_list.read(view.with_state(State.ACTIVE))
    return _timed(lambda: shared_list.read(view))


def main() -> None:
    """Measure one view in this process, which has just begun, and print the four times as JSON."""
    url, number = sys.argv[1:]
    database = Database(make_engine(url))
    view = SHAPES[int(number)].view
    # What the app does when it starts is no part of the read: connecting, and a look at the tables.
    with database.engine.connect(), database.engine.connect():
        database.tables  # noqa: B018
    cold = _timed(lambda: read(database, view))
    order = CreationOrder(database)
    order.survey()
    with (
        TemporaryDirectory() as folder,
        closing(file_store(Path(folder))) as store,
        closing(Outcomes(database, store)) as outcomes,  # the background reads outputs, as in the app
    ):
        database.job_sets[WITH_ERRORS] = outcomes.with_errors
        page = median(_timed_page(database, order, view, outcomes) for _ in range(ROUNDS))
        shared_list = SharedList(database, order, outcomes=outcomes)
        shared_list.read(view)
        shared = median(_timed(lambda: shared_list.read(view), CACHED_READS) for _ in range(ROUNDS))
        trend = _timed(lambda: read_bars(database, order))
    print(json.dumps([cold, page, shared, trend]))


if __name__ == "__main__":
    main()
