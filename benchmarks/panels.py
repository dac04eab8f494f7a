"""How long each panel of the statistics takes: with few jobs among many records, and with many jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.bench import FULL_SIZE, USUAL_JOBS, Bench
from benchmarks.figures import Figure, limited, seconds
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import COUNTED_SECONDS, read_liveness
from jobs_data.jobs.trend import read_trend
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.platform.times import day_starts
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.name_history import read_name_history
from jobs_data.statistics.news import read_news
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period

ROUNDS: Final = 3
PERIODS: Final = (Period.WEEK, Period.MONTH, Period.ALL)
FIRST_PANEL: Final = "May be stuck"
"""The first on the page: the others are read when it has been."""

FIRST_SECONDS: Final = 0.3
FULL_SECONDS: Final = 1.0
USUAL_SECONDS: Final = 0.05
JOB_NAME: Final = "arInformationObjectCsvExportJob"
HUGE_SECONDS: Final = 5.0
"""Of more jobs a panel counts the newest."""

JOIN_OF_JOBS: Final = "SELECT max(created_at) FROM job JOIN object ON object.id = job.id"
"""One look at the creation time of every job, of which no index knows."""


def measure(bench: Bench) -> list[Figure]:
    """Return the seconds of each panel where no survey of the order of creation has run yet.

    Each is that of the slowest of PERIODS.
    """
    usual, full = bench.usual_url(), bench.url(FULL_SIZE)
    join = _statement_seconds(full, JOIN_OF_JOBS)
    measured = [
        (f"{USUAL_JOBS:,} jobs among a million records", usual, USUAL_SECONDS, 0.0),
        (f"{FULL_SIZE:,} jobs", full, FULL_SECONDS, join),
    ]
    measured += [
        (f"{size:,} jobs", bench.url(size), HUGE_SECONDS, 0.0)
        for size in bench.sizes
        if size > FULL_SIZE
    ]
    figures = []
    for among, url, at_most, beside in measured:
        for panel, taken in _panel_seconds(url):
            is_first = panel == FIRST_PANEL and url == full
            figure = limited(f"Panel {panel}, {among}", taken, FIRST_SECONDS if is_first else at_most)
            if beside:
                figure = replace(
                    figure,
                    beside=f"join of all jobs {seconds(beside)}",
                    ratio=f"{taken / beside:.2f} ×",
                )
            figures.append(figure)
    return figures


def _panel_seconds(url: str) -> list[tuple[str, float]]:
    database, now = Database(make_engine(url)), datetime.now(UTC)
    order, zone = CreationOrder(database), ZoneInfo("UTC")
    of_periods: dict[str, Callable[..., object]] = {
        "By day": read_activity,
        "By name": read_durations,
        "Users": read_owners,
        "Top errors": read_failures,
    }
    found = [
        (name, max(_seconds(partial(read, database, order, period, zone, now)) for period in PERIODS))
        for name, read in of_periods.items()
    ]
    others: dict[str, Callable[[], object]] = {
        FIRST_PANEL: partial(read_liveness, database, now, counted=_not_yet_counted),
        "Since your last visit": partial(read_news, database, now - timedelta(days=1)),
        "The cards' bars": partial(read_trend, database, day_starts(zone), order),
        "A job name's page": partial(read_name_history, database, JOB_NAME, None, now),
    }
    found += [(name, _seconds(read)) for name, read in others.items()]
    database.close()
    return found


def _not_yet_counted() -> None:
    time.sleep(COUNTED_SECONDS)


def _statement_seconds(url: str, statement: str) -> float:
    engine = make_engine(url)
    with engine.connect() as connection:
        taken = _seconds(lambda: connection.exec_driver_sql(statement).all())
    engine.dispose()
    return taken


def _seconds(work: Callable[[], object]) -> float:
    work()  # the first one finds nothing in the server's memory
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)
