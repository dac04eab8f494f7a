"""Figures of the jobs, the queues and this process, in Prometheus' formats.

Most are known already, because the screens show them. One read in CACHE_SECONDS, in a thread of its
own, adds the others; what it does not know yet is left out, and so is everything of a database that is
away.
"""

from __future__ import annotations

import logging
import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Engine, case, event, func, select

from jobs_data.background import Background
from jobs_data.plain_text import on_one_line
from jobs_data.platform import times, values
from jobs_data.platform.database import Database
from jobs_data.platform.dialects import exactly
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.platform.status import Alive, State, state_of
from jobs_data.platform.tables import job
from jobs_data.queues.model import Queue
from jobs_data.queues.reads import read_overview

if TYPE_CHECKING:  # it loads pandas, which a start does not wait for
    from jobs_data.services import Services

log = logging.getLogger(__name__)

CACHE_SECONDS: Final = 15
"""How long what was read is served, at least."""

REST_TIMES: Final = 20
"""How many times longer than a read the pause after it is, at least."""

PATIENCE_SECONDS: Final = 2
"""How long an answer waits for a read; after that it has what the read before found."""

COUNTED_SECONDS: Final = 0.5
"""How long an answer waits for the first counts, which the background reads."""

READ_SECONDS: Final = 5
"""How long the database may take for the names; if it takes longer, they are left out."""

NEWEST_JOBS: Final = 100_000
"""Among how many of the newest jobs the figures of each name are: a name has no index."""

MOST_NAMES: Final = 50
"""How many names, the most frequent, and how many queues have series of their own."""

OTHER_NAMES: Final = "other"
"""The name of all other names together."""

_STATEMENT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics(Collector):
    """The figures of one process. Make it before other threads use the database: it adds listeners."""

    def __init__(
        self,
        database: Database,
        open_pages: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Measure statements from now on. `open_pages` returns how many pages are open in browsers."""
        self._services: Services | None = None
        self._open_pages = open_pages
        self._clock = clock
        self._registry = CollectorRegistry()
        self._statements = Histogram(
            "heratio_jobs_statement_seconds",
            "How long statements on the platform's database took, until their first row.",
            buckets=_STATEMENT_BUCKETS,
            registry=self._registry,
        )
        self._errors = Counter(
            "heratio_jobs_database_errors",
            "Connections and statements that the platform's database refused or did not answer.",
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        for engine in database.all_engines:
            self._watch(engine)
        self._read: list[Metric] = []
        self._is_up = False
        self._next_read = 0.0
        self._background = Background("metrics")

    def render(self, services: Services, accept: str) -> tuple[bytes, str]:
        """Return all figures, and their content type: OpenMetrics if an Accept header asks for it.

        `services` are those of the process, the same each time. Call it in one thread at a time.
        """
        self._services = services
        if self._clock() >= self._next_read:
            self._background.begin(partial(self._read_all, services))
        self._background.wait(PATIENCE_SECONDS)
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this process as they are, and what was read of the databases."""
        services = self._services
        if services is None:
            return
        yield _gauge("open_pages", "Pages open in browsers, each with a websocket.", self._open_pages())
        reads = CounterMetricFamily(
            "heratio_jobs_list_reads",
            "Pages of the list that sessions asked for, by where they came from.",
            labels=["source"],
        )
        reads.add_metric(["cache"], services.shared_list.hits)
        reads.add_metric(["database"], services.shared_list.misses)
        yield reads
        removals = services.removals
        yield _gauge("deletion_running", "1 while a deletion is running.", removals.is_running)
        totals = removals.totals
        for name, number, what in (
            ("deletions", totals.deletions, "Deletions that have ended."),
            ("deletions_stopped", totals.stopped, "Deletions that an error or a shutdown has ended."),
            ("deleted_jobs", totals.jobs, "Jobs deleted by deletions that have ended."),
        ):
            yield CounterMetricFamily(f"heratio_jobs_{name}", what, value=number)
        yield from self._read
        if self._is_up:  # old counts would hide that it is away
            yield from _counts(services)

    def _watch(self, engine: Engine) -> None:
        """Measure the statements of an engine, and count its errors."""

        @event.listens_for(engine, "before_cursor_execute")
        def _begins(*arguments: Any) -> None:
            arguments[4].heratio_jobs_began = time.perf_counter()  # the ExecutionContext

        @event.listens_for(engine, "after_cursor_execute")
        def _ends(*arguments: Any) -> None:
            if began := getattr(arguments[4], "heratio_jobs_began", None):
                self._statements.observe(time.perf_counter() - began)

        @event.listens_for(engine, "handle_error")
        def _fails(_context: Any) -> None:
            self._errors.inc()

    def _read_all(self, services: Services) -> None:
        began = self._clock()
        try:
            self._read = self._figures(services)
        except Exception:  # whatever it is, the other figures must still be served
            log.exception("the figures for monitoring were not read")
            self._read, self._is_up = [], False
        took = self._clock() - began
        self._next_read = began + took + max(CACHE_SECONDS, REST_TIMES * took)

    def _figures(self, services: Services) -> list[Metric]:
        found: list[Metric] = []
        what = "1 if the platform's database answers, else 0."
        try:
            found += _names(services.database)
        except TookTooLong:  # the others may be faster
            pass
        except DatabaseUnavailable:
            self._is_up = False
            return [_gauge("database_up", what, False)]
        self._is_up = True
        found.append(_gauge("database_up", what, True))
        for read in (_active, _queues):
            with suppress(DatabaseUnavailable):  # it has been logged
                found += read(services)
        return found


def _counts(services: Services) -> Iterable[Metric]:
    """Return the counts that all sessions share; nothing before the first."""
    overview = services.shared_list.overview(COUNTED_SECONDS)
    if overview is None:
        return []
    services.outcomes.keep_reading()
    counts = overview.everything
    by_state = {(state.value,): counts.matching(state) for state in State}
    found = [_family("jobs", "Jobs by state.", ["state"], by_state)]
    if services.outcomes.coverage.down_to is not None:
        what = "Completed jobs known to have errors in their outputs."
        found.append(_gauge("completed_with_errors", what, overview.with_errors))
    return found


def _names(database: Database) -> Iterable[Metric]:
    """Return the figures of each name among the newest jobs."""
    now = datetime.now(UTC)
    newest = select(job.c.name, job.c.status_id, job.c.completed_at).order_by(job.c.id.desc())
    some = newest.limit(NEWEST_JOBS).subquery()
    name, has_ended = exactly(some.c.name), some.c.completed_at.is_not(None)
    latest = times.to_platform(now + times.CLOCK_TOLERANCE, database.timezone)
    last = func.max(case((some.c.completed_at <= latest, some.c.completed_at)))
    grouped = select(name, some.c.status_id, has_ended, func.count(), last)
    with database.reading(READ_SECONDS) as connection:
        rows = connection.execute(grouped.group_by(name, some.c.status_id, has_ended)).all()
    jobs: Tally[tuple[str, str]] = Tally()
    ages: dict[str, float] = {}
    for stored, status_id, ended, number, completed in rows:
        called, state = on_one_line(values.name_called(stored)), state_of(status_id, bool(ended))
        jobs[called, state.value] += number
        succeeded = times.utc(completed, database.timezone)
        if state is State.COMPLETED and succeeded:
            age = max(0.0, (now - succeeded).total_seconds())
            ages[called] = min(age, ages.get(called, age))
    by_name: Tally[str] = Tally()
    for (called, _), number in jobs.items():
        by_name[called] += number
    kept = _most(by_name)
    bounded: Tally[tuple[str, ...]] = Tally()
    for (called, state_name), number in jobs.items():
        bounded[called if called in kept else OTHER_NAMES, state_name] += number
    what = f"Jobs among the newest {NEWEST_JOBS:,}, by name and state."
    since = "Seconds since the last job of a name completed, among the same jobs."
    seconds = {(called,): age for called, age in ages.items() if called in kept}
    return [
        _family("newest_jobs", what, ["name", "state"], bounded),
        _family("seconds_since_success", since, ["name"], seconds),
    ]


def _active(services: Services) -> Iterable[Metric]:
    """Return what the active jobs do."""
    liveness = services.liveness.read()
    what = "Active jobs by what their traces show; of very many, of the oldest 2,000."
    by_state = {(state.value,): liveness.count(state) for state in Alive}
    found = [_family("active_jobs", what, ["alive"], by_state)]
    ages = liveness.jobs["seconds"].dropna()
    if len(ages) or not liveness.active:
        oldest = float(ages.max()) if len(ages) else 0.0
        what = "Seconds since the oldest active job began; 0 without one."
        found.append(_gauge("oldest_active_seconds", what, oldest))
    return found


def _queues(services: Services) -> Iterable[Metric]:
    overview = read_overview(services.database)
    sizes = {_key(queue): queue.waiting + queue.running for queue in overview.queues}
    kept = _most(sizes)
    jobs: dict[tuple[str, ...], float] = {}
    waits: dict[tuple[str, ...], float] = {}
    for queue in overview.queues:
        if (key := _key(queue)) in kept:
            for state in ("waiting", "delayed", "running", "failed"):
                jobs[*key, state] = getattr(queue, state)
            waits[key] = queue.oldest_waiting_seconds or 0
    what, waited = "Queued jobs by queue and state.", "Seconds the oldest waiting job has waited."
    return [
        _family("queue_jobs", what, ["kind", "queue", "state"], jobs),
        _family("queue_wait_seconds", waited, ["kind", "queue"], waits),
    ]


def _key(queue: Queue) -> tuple[str, str]:
    return queue.kind.value, on_one_line(queue.queue)


def _most(sizes: Mapping[Any, int]) -> Collection[Any]:
    """Return the MOST_NAMES with the highest numbers."""
    return {
        name for name, _ in sorted(sizes.items(), key=lambda each: (-each[1], each[0]))[:MOST_NAMES]
    }


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"heratio_jobs_{name}", what, value=float(value))


def _family(name: str, what: str, labels: list[str], numbers: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"heratio_jobs_{name}", what, labels=labels)
    for key, number in sorted(numbers.items()):
        family.add_metric(key, float(number))
    return family
