"""The OpenAPI 3.1 document of the routes for programs, from `api_queries` and `api_records`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from jobs_data import addresses
from web import api_queries as queries
from web import api_records as records
from web.sessions import COOKIE, SECURE_COOKIE

VERSION: Final = "1.0.0"
"""The version of the API, not of the app: a new field or route raises it."""

_JOB: Final = f"{addresses.BASE}/{{job_id}}"
_OPERATIONS: Final[tuple[tuple[Any, ...], ...]] = (
    # the name, its address, what it answers (a record or a file), its query, and its own errors
    ("listJobs", addresses.LIST_JSON, records.Jobs, queries.LIST),
    ("getJob", f"{_JOB}.json", records.JobReport, {}, "404"),
    ("getOutput", f"{_JOB}/output", records.Output, queries.OUTPUT, "404"),
    ("getStatistics", addresses.STATISTICS_JSON, records.Statistics, queries.STATISTICS),
    ("listQueues", addresses.QUEUES_JSON, records.Queues, queries.QUEUES),
    ("getDocument", addresses.OPENAPI, records.Document, {}),
    ("exportJobs", f"{addresses.BASE}/export-csv", "text/csv", queries.EXPORT),
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
_IDS: Final = {"job_id": queries.NUMBER, "receipt_id": queries.TEXT}
_KNOWN: Final = {"name": "If-None-Match", "in": "header", "schema": queries.TEXT}
_TAG: Final = {"ETag": {"description": "for If-None-Match", "schema": queries.TEXT}}
_NO_NEWS: Final = "nothing has changed since the answer with the ETag in If-None-Match; no body"


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
    of_output["text/plain"] = {"schema": queries.TEXT}  # without an offset
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
    query: Mapping[str, queries.Schema],
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
        ("400", "401", "403", "429", "503"), records.Message
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
