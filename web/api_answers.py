"""The JSON API: the list, a job, its output, the statistics and the queues, for programs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jobs_data import addresses
from jobs_data.jobs import frames
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.job_report import read_report
from jobs_data.jobs.key_pages import read_key_page
from jobs_data.jobs.output_parts import read_range
from jobs_data.jobs.view import ListView, Sort
from jobs_data.jobs.view_url import parse_view
from jobs_data.platform.errors import translated_errors
from jobs_data.queues.filters import parse_queue_view
from jobs_data.queues.reads import read_overview, read_queue_jobs
from jobs_data.services import Services
from jobs_data.single_flight import SingleFlight
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.failures import read_failures
from jobs_data.statistics.headline import headline
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period
from web import api_queries as queries
from web import api_records as records
from web.openapi import document

STATISTICS_SECONDS: Final = 60
QUEUES_SECONDS: Final = 5
"""How long an answer that takes the database long is shared."""

COUNTS_SECONDS: Final = 0.3
"""How long the first page waits for the first counts."""

MOST_SHARED: Final = 50
MOST_ROWS: Final = 1_000
"""How many names, users and errors the statistics list: those with the most jobs."""

_Page = tuple[pd.DataFrame, Counts | None, ListView | None]
"""The jobs of a page, the counts if they are known, and the next page; None if it is the last."""


class ApiAnswers:
    """Answers the routes of the JSON API (see `routes.JobRoutes`)."""

    def __init__(self, services: Services) -> None:
        """Answer for these services."""
        self.services = services
        self._flights = SingleFlight[bytes]()
        self._shared: OrderedDict[object, tuple[float, bytes]] = OrderedDict()

    async def jobs(self, request: Request) -> Response:
        """Answer with a page of the list: newest first by number, else as the list has it."""
        query = request.query_params
        queries.check(query, queries.LIST)
        view = parse_view({name: query.getlist(name) for name in query})
        view = replace(view, limit=view.limit or queries.PAGE_JOBS, fold=None, after=None, before=None)
        is_by_key = view.sort is Sort.DATE and not view.is_reversed and "page" not in query

        def read() -> bytes:
            rows, counts, following = self._by_key(view) if is_by_key else self._by_page(view)
            link = addresses.list_json_url(following) if following else None
            page = {"jobs": frames.records(rows), "counts": counts, "next": link}
            return _json(records.Jobs, page)

        return _answer(request, await run_in_threadpool(read))

    async def job(self, request: Request) -> Response:
        """Answer with all that is known of a job, except its output."""
        queries.check(request.query_params, {})
        job_id = request.path_params["job_id"]
        report = await run_in_threadpool(read_report, self.services.database, job_id)
        return _answer(request, None if report is None else _json(records.JobReport, report))

    async def output(self, request: Request) -> Response:
        """Answer with a range of a job's output; the query has a usable `offset`."""
        job_id, start = request.path_params["job_id"], int(request.query_params["offset"])
        part = await run_in_threadpool(read_range, self.services.database, job_id, start)
        return _answer(request, None if part is None else _json(records.Output, part))

    async def statistics(self, request: Request) -> Response:
        """Answer with the figures of a period."""
        queries.check(request.query_params, queries.STATISTICS)
        period = Period(request.query_params.get("period", Period.MONTH))
        key = (period, self.services.database.changes)
        return await self._share(request, key, STATISTICS_SECONDS, lambda: self._statistics(period))

    async def queues(self, request: Request) -> Response:
        """Answer with the queues and a page of their jobs."""
        queries.check(request.query_params, queries.QUEUES)
        view, database = parse_queue_view(request.query_params), self.services.database

        def read() -> bytes:
            found = read_queue_jobs(database, view)
            page, following = found.page, None
            if page.number < page.pages:
                following = addresses.queues_json_url(replace(view, page=page.number + 1))
            # Past the end it is the last page, as in `_by_page`.
            items = page.items if page.number == view.page else []
            jobs = {**vars(found), "jobs": items, "total": page.total, "next": following}
            return _json(records.Queues, {**jobs, **vars(read_overview(database))})

        return await self._share(request, view, QUEUES_SECONDS, read)

    async def openapi(self, request: Request) -> Response:
        """Answer with the description of the API."""
        queries.check(request.query_params, {})
        return _answer(request, document())

    def _by_key(self, view: ListView) -> _Page:
        services, limit = self.services, view.limit or queries.PAGE_JOBS
        page = read_key_page(
            services.database, services.searches, services.outcomes, view.filter, limit
        )
        counts = page.counts if page.is_search else services.shared_list.counted(COUNTS_SECONDS)
        next_filter = replace(view.filter, below=page.below)
        return page.rows, counts, replace(view, filter=next_filter) if page.below else None

    def _by_page(self, view: ListView) -> _Page:
        jobs = self.services.shared_list.read(view)
        # The list shows its last page past the end; a program would get these jobs twice.
        rows = jobs.rows if jobs.view.page == view.page else jobs.rows.head(0)
        counts = jobs.counts if jobs.is_counted and jobs.floor is None else None
        is_last = len(rows) < jobs.limit
        return rows, counts, None if is_last else replace(view, page=view.page + 1)

    def _statistics(self, period: Period) -> bytes:
        services = self.services
        services.outcomes.keep_reading()
        asked = (services.database, services.order, period, ZoneInfo("UTC"), datetime.now(UTC))
        activity, durations = read_activity(*asked), read_durations(*asked)
        most = {
            "by_name": durations.by_name,
            "by_user": read_owners(*asked).by_owner,
            "top_errors": read_failures(*asked).patterns,
        }
        figures = {
            **vars(activity.outcomes),
            "period": period,
            "completed_share": headline(activity, durations).completed_share,
            "median_seconds": durations.median,
            "by_day": frames.records(activity.by_day.reset_index()),
            "by_hour": frames.records(activity.by_hour),
            **{name: frames.records(frame.head(MOST_ROWS)) for name, frame in most.items()},
            "counted": activity.bound,
            "read_one_by_one": durations.bound,
        }
        return _json(records.Statistics, figures)

    async def _share(
        self, request: Request, key: object, seconds: float, read: Callable[[], bytes]
    ) -> Response:
        """Answer with what is read, or was read less than `seconds` ago, for all who ask for it."""
        until, body = self._shared.get(key, (0.0, b""))
        if monotonic() >= until:
            body = await run_in_threadpool(self._read_shared, key, read)
            self._shared[key] = (monotonic() + seconds, body)
            self._shared.move_to_end(key)
            if len(self._shared) > MOST_SHARED:
                self._shared.popitem(last=False)
        return _answer(request, body)

    def _read_shared(self, key: Any, read: Callable[[], bytes]) -> bytes:
        with translated_errors():
            return self._flights.run(key, read)


def _json(kind: type[records.Record], found: object) -> bytes:
    return kind.model_validate(found).model_dump_json().encode()


def _answer(request: Request, body: bytes | None) -> Response:
    """Answer with JSON; 304 if the client has it already, 404 if there is none."""
    if body is None:
        sentence = f"There is no job {request.path_params['job_id']}."
        return JSONResponse({"message": sentence}, 404, {"Cache-Control": "no-store"})
    etag = hashlib.sha256(body).hexdigest()[:32]
    # A browser would keep what it may store after the sign-out; a program keeps the tag itself.
    headers = {"ETag": f'"{etag}"', "Cache-Control": "no-store"}
    # A proxy that compresses makes the tag weak. Source: RFC 9110, section 13.1.2.
    known = request.headers.get("if-none-match", "").replace("W/", "").split(",")
    if not {f'"{etag}"', "*"}.isdisjoint(each.strip() for each in known):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
