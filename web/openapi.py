"""The OpenAPI 3.1 document of the routes for programs, and the check of a query against it.

The schemas of the answers are those of `api_records`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from pydantic.json_schema import models_json_schema
from starlette.datastructures import QueryParams

from jobs_data import addresses
from jobs_data.jobs.csv_format import Separator
from jobs_data.jobs.view import ANY_TIME, Sort
from jobs_data.jobs.view_url import STATES, parse_dates
from jobs_data.platform.status import Alive
from jobs_data.queues.filters import DEFAULT_QUEUE_PAGE_SIZE, QUEUE_STATES
from jobs_data.queues.model import Kind
from jobs_data.statistics.period import Period
from jobs_data.url_values import MAX_CHOICES, MAX_PAGE, MAX_PAGE_SIZE, parse_number
from web import api_records as records
from web.answers import BadQuery
from web.sessions import COOKIE, SECURE_COOKIE

VERSION: Final = "1.0.0"
"""The version of the API, not of the app: a new field or route raises it."""

PAGE_JOBS: Final = 50
"""How many jobs a page of the JSON list has if the request does not say."""

SCREEN_PARAMETERS: Final = frozenset({"fold", "after", "before", "auto", "notice"})
"""Those that only a screen has: its address may be copied with them."""

Schema = dict[str, Any]


def _one_of(words: Iterable[str], default: str | None = None) -> Schema:
    return {"type": "string", "enum": [*words]} | ({"default": default} if default else {})


def _several(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "maxItems": MAX_CHOICES}


_TEXT: Final = {"type": "string"}
_FROM_0: Final = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_FROM_1: Final = {**_FROM_0, "minimum": 1}
_PAGE: Final = {**_FROM_1, "maximum": MAX_PAGE}
_LIMIT: Final = {**_FROM_1, "maximum": MAX_PAGE_SIZE}
_DATES: Final = {
    **_TEXT,
    "description": "`7d`, the last seven days; `over-90d`, longer ago; or from one day in UTC, or "
    "moment, to another: `2026-11-01..2026-11-23`, of which either may be left out",
    "examples": ["7d", "over-90d", "2026-11-01..2026-11-23", "2026-11-01T08:00:00Z.."],
}
_WITH: Final = _one_of(("with", "without"))

LIST_QUERY: Final[Mapping[str, Schema]] = {
    "status": _one_of(STATES),
    "q": _TEXT,
    "owner": _several({**_FROM_0, "description": "the number of a user, 0 for System"}),
    "name": _several(_TEXT),
    "type": _several(_TEXT),
    "created": _DATES,
    "finished": _DATES,
    "result": _WITH,
    "errors": _WITH,
    "longer": {**_TEXT, "pattern": "^(?=.*[1-9])[0-9]{1,6}[smhd]$"},
    "alive": _one_of(Alive),
    "below": _FROM_1,
    "sort": _one_of(Sort, Sort.DATE),
    "dir": _one_of(("asc", "desc")),
    "page": _PAGE,
    "limit": {**_LIMIT, "default": PAGE_JOBS},
}
EXPORT_QUERY: Final[Mapping[str, Schema]] = {
    **LIST_QUERY,
    "columns": _one_of(("all",)),
    "separator": _one_of(Separator, Separator.COMMA),
    "times": _one_of(("local",)),
    "zone": _TEXT,
}
STATISTICS_QUERY: Final[Mapping[str, Schema]] = {"period": _one_of(Period, Period.MONTH)}
QUEUES_QUERY: Final[Mapping[str, Schema]] = {
    "queue": _TEXT,
    "status": _one_of(QUEUE_STATES),
    "type": _TEXT,
    "batch": _FROM_1,
    "worker": _TEXT,
    "kind": _one_of(Kind),
    "search": _TEXT,
    "page": _PAGE,
    "limit": {**_LIMIT, "default": DEFAULT_QUEUE_PAGE_SIZE},
}
OUTPUT_QUERY: Final[Mapping[str, Schema]] = {
    "offset": {
        **_FROM_0,
        "description": "where the range begins, in bytes of UTF-8; without it the whole output comes "
        "as text",
    }
}

_JOB: Final = f"{addresses.BASE}/{{job_id}}"
_OPERATIONS: Final[tuple[tuple[Any, ...], ...]] = (
    # the name, its address, what it answers (a record or a file), its query, and its own errors
    ("listJobs", addresses.LIST_JSON, records.Jobs, LIST_QUERY, "400"),
    ("getJob", f"{_JOB}.json", records.JobReport, {}, "404"),
    ("getOutput", f"{_JOB}/output", records.Output, OUTPUT_QUERY, "400", "404"),
    ("getStatistics", addresses.STATISTICS_JSON, records.Statistics, STATISTICS_QUERY, "400"),
    ("listQueues", addresses.QUEUES_JSON, records.Queues, QUEUES_QUERY, "400"),
    ("getDocument", addresses.OPENAPI, records.Document, {}),
    ("exportJobs", f"{addresses.BASE}/export-csv", "text/csv", EXPORT_QUERY, "400"),
    ("getRowErrors", f"{_JOB}/row-errors", "text/csv", {}, "404"),
    ("getResult", f"{_JOB}/download", "application/octet-stream", {}, "404"),
    ("getReceipt", f"{addresses.BASE}/receipts/{{receipt_id}}", "application/jsonl", {}, "404"),
    ("deleteJob", f"{addresses.BASE}/delete/{{job_id}}", records.Removed, {}, "404", "409"),
    ("deleteFinishedJobs", f"{addresses.BASE}/clear-inactive", records.Removed, {}, "409"),
)
_ERRORS: Final = {
    "400": "a parameter is unknown, or has a value that makes no sense",
    "401": "the token is missing, unknown, expired or revoked",
    "403": "the token or the account may not do this",
    "404": "there is no such thing",
    "409": "nothing was deleted: the job is not finished or in use, or another deletion runs",
    "429": "too many failed tokens from this address; Retry-After has the seconds to wait",
    "503": "the database does not answer; Retry-After has the seconds to wait",
}
_IDS: Final = {"job_id": _FROM_0, "receipt_id": _TEXT}
_KNOWN: Final = {"name": "If-None-Match", "in": "header", "schema": _TEXT}
_TAG: Final = {"ETag": {"description": "for If-None-Match", "schema": _TEXT}}
_NO_NEWS: Final = "nothing has changed since the answer with the ETag in If-None-Match; no body"


def check_query(query: QueryParams, schemas: Mapping[str, Schema]) -> None:
    """Check all parameters of a query, as a typing error in a filter must not mean all jobs.

    Raises BadQuery.
    """
    for name in query.keys() - SCREEN_PARAMETERS:
        schema, values = schemas.get(name), query.getlist(name)
        if schema is None:
            raise BadQuery(f"There is no parameter {name[:50]} here.")
        each = schema.get("items", schema)
        if len(values) > schema.get("maxItems", 1) or not all(_fits(each, value) for value in values):
            words = ", ".join(each.get("enum", ()))
            more = f"it is one of {words}" if words else f"{addresses.OPENAPI} says which it can have"
            raise BadQuery(f"The parameter {name} cannot have this value: {more}.")


def _fits(schema: Schema, value: str) -> bool:
    if schema is _DATES:
        return parse_dates(value) != ANY_TIME
    if schema["type"] == "integer":
        number = parse_number(value)
        return number is not None and schema["minimum"] <= number <= schema["maximum"]
    return value in schema.get("enum", (value,)) and bool(re.search(schema.get("pattern", ""), value))


@cache
def document() -> bytes:
    """Return the document as JSON."""
    kinds = {answer for _, _, answer, *_ in _OPERATIONS if not isinstance(answer, str)}
    _, schemas = models_json_schema(
        [(kind, "serialization") for kind in sorted(kinds | {records.Message}, key=str)],
        ref_template="#/components/schemas/{model}",
    )
    paths = {path: _operation(name, path, *more) for name, path, *more in _OPERATIONS}
    paths[addresses.LIST_JSON]["get"]["security"] = [{"token": []}]  # no client sends the cookie there
    of_output = paths[f"{_JOB}/output"]["get"]["responses"]["200"]["content"]
    of_output["text/plain"] = {"schema": _TEXT}  # without an offset
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Heratio Jobs",
            "version": VERSION,
            "description": "Background jobs of Heratio and AtoM. Times are in UTC. Fields may be "
            "added; none is renamed or removed. With a session's cookie in place of a token, send "
            "`Accept: application/json`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": f"Under TLS its name is {SECURE_COOKIE}.",
                },
            },
        },
        "security": [{"token": []}, {"session": []}],
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def _operation(
    name: str,
    path: str,
    answer: type[records.Record] | str,
    query: Mapping[str, Schema],
    *errors: str,
) -> dict[str, Any]:
    """Return what a path has: a POST that removes jobs, else a GET of a record or a file."""
    is_file, is_change = isinstance(answer, str), answer is records.Removed
    parameters = [
        *(
            {"name": each, "in": "path", "required": True, "schema": _IDS[each]}
            for each in re.findall(r"{(\w+)}", path)
        ),
        *({"name": each, "in": "query", "schema": schema} for each, schema in query.items()),
    ]
    wrong: dict[str, type[records.Record]] = dict.fromkeys(
        ("401", "403", "429", "503"), records.Message
    )
    wrong |= dict.fromkeys(errors, records.Removed if is_change else records.Message)
    responses = {"200": _answer("done", answer)} | {
        status: _answer(_ERRORS[status], kind) for status, kind in wrong.items()
    }
    if not (is_file or is_change):
        parameters.append(_KNOWN)
        responses["200"]["headers"] = _TAG
        responses["304"] = {"description": _NO_NEWS, "headers": _TAG}
    summary = re.sub("[A-Z]", lambda upper: f" {upper[0].lower()}", name).capitalize()
    operation = {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    }
    return {"post" if is_change else "get": operation}


def _answer(description: str, answer: type[records.Record] | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"description": description, "content": {answer: {}}}
    schema = {"$ref": f"#/components/schemas/{answer.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
