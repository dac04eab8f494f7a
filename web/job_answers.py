"""The answers of the plain HTTP routes: they send jobs' data or remove jobs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from time import monotonic
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from jobs_data import addresses
from jobs_data.accounts.rights import NotAllowed
from jobs_data.audit import Event
from jobs_data.background import NotStarted
from jobs_data.jobs import csv_format, export, job_report
from jobs_data.jobs.result_files import ResultUnavailable, open_result
from jobs_data.jobs.row_errors import csv_of_row_errors
from jobs_data.jobs.view import ListView
from jobs_data.jobs.view_url import parse_view
from jobs_data.platform.database import Database
from jobs_data.removal.removal import ALL_FINISHED, RemovalRuns, sentence_on
from jobs_data.services import Services
from jobs_data.store import receipts
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.schema import Outcome
from jobs_data.url_values import parse_number
from web import api_queries as queries
from web.answers import forbidden, plain, wants_json
from web.api_answers import ApiAnswers
from web.downloads import Download, FileDownload
from web.gate import actor_of, claim_of

HTTP_OK: Final = 200

READING_SECONDS: Final = 60
"""How often the audit log has that a user reads a job's output in ranges: programs follow it so."""

MOST_READINGS: Final = 1_000


class JobAnswers:
    """Answers the routes that send jobs' data or remove jobs (see `routes.JobRoutes`)."""

    def __init__(self, services: Services) -> None:
        """Answer for these services."""
        self.services = services
        self.api = ApiAnswers(services)
        self._readings: dict[tuple[int, int | str | None], float] = {}

    async def export_csv(self, request: Request) -> Response:
        """Stream the CSV of the jobs that the query names, else of all; `columns=all` has all columns.

        `csv_format.parse_format` has the parameters for spreadsheets.
        """
        if wants_json(request):  # a browser's address falls back to the defaults, as a screen's
            queries.check(request.query_params, queries.EXPORT)
        all_columns = request.query_params.get("columns") == "all"
        view, actor = _view_of(request), actor_of(request)
        chunks = export.csv_chunks(
            self.services.database,
            view,
            all_columns=all_columns,
            order=self.services.order,
            csv_format=csv_format.parse_format(request.query_params),
            outcomes=self.services.outcomes,
            on_end=partial(export.write_audit, self.services.audit, actor, view),
        )
        file_name = export.ALL_COLUMNS_FILE_NAME if all_columns else export.FILE_NAME
        # The header comes once the database answers: without it this is answered with 503.
        first = await run_in_threadpool(next, chunks)
        return Download(file_name, "text/csv; charset=utf-8", chunks, first)

    async def download(self, request: Request) -> Response:
        """Stream a job's result file, in ranges where the client asks for them."""
        queries.check(request.query_params, {})
        job_id = request.path_params["job_id"]
        download_path = await run_in_threadpool(
            job_report.read_download_path, self.services.database, job_id
        )
        if download_path is None:
            return plain(request, 404, f"There is no job {job_id}.")
        try:
            result = await run_in_threadpool(open_result, self.services.result_roots, download_path)
        except ResultUnavailable as problem:
            return plain(request, 404, str(problem))
        if result is None:
            return plain(request, 404, f"Job {job_id} has no result file.")
        self._write(request, Event.DOWNLOAD, job=job_id, file=result.name, bytes=result.size)
        return FileDownload(result, job_id)

    async def output(self, request: Request) -> Response:
        """Stream a job's whole output as a text file; with `offset` answer with a range in JSON."""
        queries.check(request.query_params, queries.OUTPUT)
        if "offset" in request.query_params:
            answer = await self.api.output(request)
            if answer.status_code == HTTP_OK and self._begins_to_read(request):
                self._write(request, Event.OUTPUT, job=request.path_params["job_id"], what="a range")
            return answer
        return await self._of_output(
            request, "output.txt", "text/plain; charset=utf-8", job_report.stream_output
        )

    async def row_errors(self, request: Request) -> Response:
        """Stream the errors of rows in a job's output as CSV."""
        queries.check(request.query_params, {})
        return await self._of_output(
            request, "row-errors.csv", "text/csv; charset=utf-8", csv_of_row_errors
        )

    def _begins_to_read(self, request: Request) -> bool:
        """Return whether a user has not read a job's output in ranges for READING_SECONDS."""
        reading, now = (request.path_params["job_id"], actor_of(request).id), monotonic()
        if now < self._readings.get(reading, 0.0):
            return False
        self._readings.pop(reading, None)
        self._readings[reading] = now + READING_SECONDS
        if len(self._readings) > MOST_READINGS:
            del self._readings[next(iter(self._readings))]
        return True

    async def _of_output(
        self,
        request: Request,
        name: str,
        media_type: str,
        stream: Callable[[Database, int], Generator[bytes]],
    ) -> Response:
        database, job_id = self.services.database, request.path_params["job_id"]
        if await run_in_threadpool(job_report.read_download_path, database, job_id) is None:
            return plain(request, 404, f"There is no job {job_id}.")
        self._write(request, Event.OUTPUT, job=job_id, what=name)
        return Download(f"job-{job_id}-{name}", media_type, stream(database, job_id))

    async def receipt(self, request: Request) -> Response:
        """Stream a receipt as JSON lines; each batch as it is when it is read."""
        queries.check(request.query_params, {})
        receipt_id = request.path_params["receipt_id"]
        lines = receipts.stream(self.services.store, receipt_id)
        first = await run_in_threadpool(next, lines, b"")
        if not first:
            return plain(request, 404, "There is no such record of deleted jobs, or it has expired.")
        self._write(request, Event.DOWNLOAD, receipt=receipt_id)
        return Download(f"{receipt_id}.jsonl", "application/jsonl", lines, first)

    async def delete_job(self, request: Request) -> Response:
        """Delete a job: 200 removed, 404 no such job, 409 not finished, 503 the database refuses."""
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        queries.check(request.query_params, {})
        job_id = parse_number(request.path_params["job_id"])
        outcome = Outcome.MISSING
        if job_id is not None:
            reason = Reason(actor_of(request), Action.DELETE, f"job {job_id}")
            try:
                await self._require_administrator(request)
            except NotStarted as problem:
                return self._not_started(request, problem)
            removal = await run_in_threadpool(self.services.removals.remove_jobs, [job_id], reason)
            if removal.error:
                return self._changed(request, 503, 0, removal.sentence())
            outcome = removal.outcome
        # Only a number is repeated: the path may hold any text.
        shown = "with this number" if job_id is None else job_id
        return self._changed(
            request,
            {Outcome.REMOVED: 200, Outcome.MISSING: 404}.get(outcome, 409),
            int(outcome is Outcome.REMOVED),
            sentence_on(outcome, str(shown)),
        )

    async def clear_inactive(self, request: Request) -> Response:
        """Remove all finished jobs and answer at the end: 200, or 409 while another removal runs.

        The removal goes on when the client leaves before.
        """
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        queries.check(request.query_params, {})  # a filter here must not delete all jobs
        try:
            await self._require_administrator(request)
            reason = Reason(actor_of(request), Action.DELETE_ALL, ALL_FINISHED)
            clearing = await run_in_threadpool(self.services.removals.start, None, reason)
        except NotStarted as problem:
            return self._not_started(request, problem)
        await run_in_threadpool(clearing.wait)
        return self._changed(
            request, 503 if clearing.error else 200, clearing.removed, clearing.sentence()
        )

    async def _require_administrator(self, request: Request) -> None:
        """Ask the database for the right: the gate may have read it some seconds ago."""
        claim = claim_of(request)
        await run_in_threadpool(self.services.rights.require_administrator, claim)

    def _write(self, request: Request, event: Event, **details: object) -> None:
        if request.method != "HEAD":  # which gets nothing of a file
            self.services.audit.write(event, actor_of(request), **details)

    def _not_started(self, request: Request, problem: NotStarted) -> Response:
        if isinstance(problem, NotAllowed):
            self._write(request, Event.ACCESS_REFUSED, reason="right withdrawn", path=request.url.path)
            return forbidden(request.scope, str(problem), is_inside=True)
        status = 409 if isinstance(problem, RemovalRuns) else 503
        return self._changed(request, status, 0, str(problem))

    def _changed(self, request: Request, status: int, removed: int, message: str) -> Response:
        """Answer a program with the outcome, or redirect a browser to the list, which shows it."""
        if wants_json(request):
            return JSONResponse({"removed": removed, "message": message}, status_code=status)
        notice = self.services.notices.sign(message, is_good=status == HTTP_OK)
        return RedirectResponse(addresses.list_url(ListView(), notice=notice), status_code=303)


def _view_of(request: Request) -> ListView:
    query = request.query_params
    return parse_view({name: query.getlist(name) for name in query})
