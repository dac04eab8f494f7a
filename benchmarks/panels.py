"""How long each panel of the statistics takes: with few jobs among many records, and with many jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.bench import FULL_SIZE, USUAL_JOBS, Bench
from benchmarks.figures import Figure, faster, seconds
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import read_liveness
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.news import read_news
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period

ROUNDS: Final = 5
SEARCH_OF_OBJECTS: Final = "SELECT count(*) FROM object WHERE class_name = 'QubitJob'"
"""What a panel would take at least that did not start from the jobs."""

JOIN_OF_JOBS: Final = "SELECT max(created_at) FROM job JOIN object ON object.id = job.id"
"""One look at the creation time of every job, of which no index knows."""

FASTER: Final = 3.0


def measure(bench: Bench) -> list[Figure]:
    """Return the seconds of each panel for 30 days, beside one plain statement."""
    usual, full = bench.usual_url(), bench.url(FULL_SIZE)
    search, join = _statement_seconds(usual, SEARCH_OF_OBJECTS), _statement_seconds(full, JOIN_OF_JOBS)
    among = f"{USUAL_JOBS:,} jobs among a million records"
    figures = [
        faster(f"Panel {panel}, {among}", taken, search, "search of all records", FASTER)
        for panel, taken in _panel_seconds(usual)
    ]
    figures += [
        Figure(
            f"Panel {panel}, {FULL_SIZE:,} jobs",
            seconds(taken),
            f"join of all jobs {seconds(join)}",
            f"{taken / join:.2f} ×",
        )
        for panel, taken in _panel_seconds(full)
    ]
    return figures


def _panel_seconds(url: str) -> list[tuple[str, float]]:
    database, now = Database(make_engine(url)), datetime.now(UTC)
    of_month = database, CreationOrder(database), Period.MONTH, ZoneInfo("UTC"), now
    panels: dict[str, Callable[[], object]] = {
        "By day": partial(read_activity, *of_month),
        "By name": partial(read_durations, *of_month),
        "Users": partial(read_owners, *of_month),
        "Top errors": partial(read_failures, *of_month),
        "May be stuck": partial(read_liveness, database, now),
        "Since your last visit": partial(read_news, database, now - timedelta(days=1)),
    }
    found = [(name, _seconds(read)) for name, read in panels.items()]
    database.close()
    return found


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
