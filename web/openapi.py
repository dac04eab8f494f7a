"""The OpenAPI 3.1 document of the routes for programs. Its schemas are those of `api_records`."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from jobs_data import addresses
from jobs_data.jobs.view_url import VIEW_PARAMS
from jobs_data.queues.filters import QueueFilter
from jobs_data.statistics.period import Period
from jobs_data.url_values import MAX_PAGE_SIZE
from web import api_records as records
from web.sessions import COOKIE, SECURE_COOKIE

VERSION: Final = "1.0.0"
"""The version of the API, not of the app: a new field or route raises it."""

PAGE_JOBS: Final = 50
"""How many jobs a page of the JSON list has if the request does not say."""

REPEATED: Final = frozenset({"owner", "name", "type"})
"""The list's parameters that may have several values."""

GROUPED: Final = frozenset({"fold", "after", "before"})
"""The list's parameters that only its screen has."""

_RECORDS: Final = (
    records.Jobs,
    records.JobReport,
    records.Output,
    records.Statistics,
    records.Queues,
    records.Removed,
    records.Message,
)
_INTEGER: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_JOB: Final = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "schema": {**_INTEGER, "minimum": 0},
}
_MATCHES: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "the ETag of an earlier answer",
    "schema": _TEXT,
}
_NO_NEWS: Final = "nothing has changed since the answer with the ETag in If-None-Match; no body"
_ERRORS: Final = {
    "401": "the token is missing, unknown, expired or revoked",
    "403": "the token or the account may not do this",
    "404": "there is no such thing",
    "409": "nothing was deleted: the job is not finished or in use, or another deletion runs",
    "429": "too many failed tokens from this address",
    "503": "the database does not answer; try again later",
}


@cache
def document() -> bytes:
    """Return the document as JSON."""
    template = "#/components/schemas/{model}"
    _, schemas = models_json_schema([(r, "serialization") for r in _RECORDS], ref_template=template)
    base = addresses.BASE
    paths = {
        addresses.LIST_JSON: _with_token(_read("Jobs", "A page of jobs", _list_parameters())),
        f"{base}/{{job_id}}.json": _read("JobReport", "A job", [_JOB], "404"),
        f"{base}/{{job_id}}/output": _output(),
        f"{base}/{{job_id}}/download": _file("The result file", "application/octet-stream", [_JOB]),
        f"{base}/{{job_id}}/row-errors": _file("The errors of rows", "text/csv", [_JOB]),
        f"{base}/export-csv": _file("The list as CSV", "text/csv", _list_parameters(), "401"),
        f"{base}/receipts/{{receipt_id}}": _file(
            "The receipt of a deletion",
            "application/jsonl",
            [{**_JOB, "name": "receipt_id", "schema": _TEXT}],
        ),
        addresses.STATISTICS_JSON: _read(
            "Statistics",
            "The figures of a period, at most a minute old",
            [_query("period", {"enum": list(Period), "default": Period.MONTH})],
        ),
        addresses.QUEUES_JSON: _read("Queues", "The queues and their jobs", _queue_parameters()),
        addresses.OPENAPI: {"get": _operation("This document", [_MATCHES], _any_json())},
        f"{base}/delete/{{job_id}}": _change("Delete a finished job", [_JOB], "404"),
        f"{base}/clear-inactive": _change("Delete all finished jobs", []),
    }
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Heratio Jobs",
            "version": VERSION,
            "description": "Background jobs of Heratio and AtoM. Times are in UTC. Fields may be "
            "added; none is renamed or removed.",
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


def _read(schema: str, summary: str, parameters: list[Any], *errors: str) -> dict[str, Any]:
    answers = {"200": _answer(summary, _ref(schema)), "304": _answer(_NO_NEWS)}
    return {"get": _operation(summary, [*parameters, _MATCHES], answers, *errors)}


def _with_token(path: dict[str, Any]) -> dict[str, Any]:
    """Return a path that only a token opens: clients do not send it the session's cookie."""
    return {method: {**one, "security": [{"token": []}]} for method, one in path.items()}


def _output() -> dict[str, Any]:
    answered = _read("Output", "A range of the output", [_JOB], "404")["get"]
    offset = "where the range begins, in bytes of UTF-8; without it the whole output comes as text"
    answered["parameters"].insert(1, {**_query("offset", _INTEGER), "description": offset})
    answered["responses"]["200"]["content"]["text/plain"] = {"schema": _TEXT}
    return {"get": answered}


def _file(summary: str, media_type: str, parameters: list[Any], *errors: str) -> dict[str, Any]:
    answer = {"description": summary, "content": {media_type: {}}}
    return {"get": _operation(summary, parameters, {"200": answer}, *(errors or ("404",)))}


def _change(summary: str, parameters: list[Any], *errors: str) -> dict[str, Any]:
    done = {"200": _answer(summary, _ref("Removed"))}
    operation = _operation(summary, parameters, done, *errors)
    operation["description"] = "Ask for application/json: else the answer redirects a browser."
    for status in ("409", "503", *errors):
        operation["responses"][status] = _answer(_ERRORS[status], _ref("Removed"))
    return {"post": operation}


def _operation(
    summary: str, parameters: list[Any], answers: dict[str, Any], *errors: str
) -> dict[str, Any]:
    wrong = {each: _answer(_ERRORS[each], _ref("Message")) for each in _always(errors)}
    return {"summary": summary, "parameters": parameters, "responses": {**answers, **wrong}}


def _always(errors: tuple[str, ...]) -> list[str]:
    return sorted({"401", "403", "429", "503", *errors})


def _answer(description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}} if schema else {}
    return {"description": description, **content}


def _any_json() -> dict[str, Any]:
    return {"200": _answer("this document", {"type": "object"}), "304": _answer(_NO_NEWS)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def _list_parameters() -> list[dict[str, Any]]:
    limit = {**_INTEGER, "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_JOBS}
    kinds: dict[str, dict[str, Any]] = {
        **{name: {"type": "array", "items": _TEXT} for name in REPEATED},
        **{name: {**_INTEGER, "minimum": 1} for name in ("page", "below")},
        "limit": limit,
    }
    names = [name for name in VIEW_PARAMS if name not in GROUPED]
    return [_query(name, kinds.get(name, _TEXT)) for name in names]


def _queue_parameters() -> list[dict[str, Any]]:
    texts = [_query(name, _TEXT) for name in vars(QueueFilter())]
    return [*texts, *(_query(name, {**_INTEGER, "minimum": 1}) for name in ("page", "limit"))]
