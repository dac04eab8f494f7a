"""The routes that are plain HTTP: what the platform's own screen offers at the same addresses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from jobs_data import addresses
from web.answers import RETRY_SECONDS, BadQuery, plain

if TYPE_CHECKING:  # it loads the whole data layer
    from web.job_answers import JobAnswers

_EVERY: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All methods come to our routes, so that Streamlit answers none of them."""

_Answer = Callable[[Request], Awaitable[Response]]


class _IdConvertor(Convertor[int]):
    """An id in an address: Starlette's own integers may be longer than Python reads."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("id", _IdConvertor())


async def browse(request: Request) -> Response:
    """Redirect the platform's other address of the list, and the site's root, to the list."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{addresses.BASE}{query}", status_code=307)


async def report(request: Request) -> Response:
    """Redirect the platform's address of a job's report to the page that shows it."""
    params = {n: request.query_params.getlist(n) for n in request.query_params if n != "id"}
    return RedirectResponse(
        addresses.report_url(request.path_params["job_id"], params), status_code=307
    )


async def queue_job(request: Request) -> Response:
    """Lead the platform's address of a queued job to the page that shows it."""
    params = {**request.query_params, "id": str(request.path_params["job_id"])}
    return RedirectResponse(addresses.queue_job_url(params), status_code=307)


class JobRoutes:
    """The routes that send jobs' data or remove jobs."""

    def __init__(self, answers: Callable[[], Awaitable[JobAnswers]]) -> None:
        """Take the answers from what `answers` returns once it is loaded."""
        self._answers = answers

    def routes(self) -> list[BaseRoute]:
        """Return the plain HTTP routes; Streamlit serves every other address."""
        base, deferred = addresses.BASE, self._deferred
        return [
            Route("/", browse),
            Route(addresses.BROWSE, browse),
            Route(f"{base}/export-csv", deferred(lambda answers: answers.export_csv)),
            Route(
                f"{base}/clear-inactive",
                deferred(lambda answers: answers.clear_inactive),
                methods=_EVERY,
            ),
            Route(
                f"{base}/delete/{{job_id}}",
                deferred(lambda answers: answers.delete_job),
                methods=_EVERY,
            ),
            Route(f"{base}/receipts/{{receipt_id}}", deferred(lambda answers: answers.receipt)),
            Route(addresses.LIST_JSON, deferred(lambda answers: answers.api.jobs)),
            Route(addresses.STATISTICS_JSON, deferred(lambda answers: answers.api.statistics)),
            Route(addresses.QUEUES_JSON, deferred(lambda answers: answers.api.queues)),
            Route(addresses.OPENAPI, deferred(lambda answers: answers.api.openapi)),
            Route(f"{base}/{{job_id:id}}.json", deferred(lambda answers: answers.api.job)),
            Route(f"{base}/queue/{{job_id:id}}", queue_job),
            Route(f"{base}/{{job_id:id}}", report),
            Route(f"{base}/{{job_id:id}}/download", deferred(lambda answers: answers.download)),
            Route(f"{base}/{{job_id:id}}/output", deferred(lambda answers: answers.output)),
            Route(f"{base}/{{job_id:id}}/row-errors", deferred(lambda answers: answers.row_errors)),
        ]

    def _deferred(self, chosen: Callable[[JobAnswers], _Answer]) -> _Answer:
        """Return a route's function that waits until the answers are loaded."""

        async def answer(request: Request) -> Response:
            try:
                return await chosen(await self._answers())(request)
            except BadQuery as problem:
                return plain(request, 400, str(problem))

        return answer


async def database_unavailable(request: Request, problem: Exception) -> Response:
    """Answer a DatabaseUnavailable with 503 and its sentence, whichever route it came from."""
    return plain(request, 503, str(problem), {"Retry-After": str(RETRY_SECONDS)})
