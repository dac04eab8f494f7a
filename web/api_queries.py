"""What the JSON API is asked: the parameters of each query as JSON schemas, and the check against them.

They are the screens' own parameters. A screen ignores a value that makes no sense; a program gets 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.datastructures import QueryParams

from jobs_data import addresses
from jobs_data.jobs.csv_format import Separator
from jobs_data.jobs.view import ANY_TIME, Sort
from jobs_data.jobs.view_url import STATES, parse_dates
from jobs_data.platform.status import Alive
from jobs_data.queues.filters import DEFAULT_QUEUE_PAGE_SIZE, QUEUE_STATES
from jobs_data.queues.model import Kind
from jobs_data.statistics.period import Period
from jobs_data.url_values import MAX_CHOICES, MAX_PAGE, MAX_PAGE_SIZE, MAX_TEXT, parse_number
from web.answers import BadQuery

PAGE_JOBS: Final = 50
"""How many jobs a page of the JSON list has if the request does not say."""

SCREEN_PARAMETERS: Final = frozenset({"fold", "after", "before", "auto", "notice"})
"""Those that only a screen has: its address may be copied with them."""

Schema = dict[str, Any]


def _one_of(words: Iterable[str], default: str | None = None) -> Schema:
    return {"type": "string", "enum": [*words]} | ({"default": default} if default else {})


def _several(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "maxItems": MAX_CHOICES}


TEXT: Final = {"type": "string"}
# A text without these characters filters nothing: the parsers of the screens drop it.
_NAME: Final = {**TEXT, "pattern": "[^ ]"}
_SEARCH: Final = {**TEXT, "pattern": r"[^\s\0]", "maxLength": MAX_TEXT}
NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_FROM_1: Final = {**NUMBER, "minimum": 1}
_PAGE: Final = {**_FROM_1, "maximum": MAX_PAGE}
_LIMIT: Final = {**_FROM_1, "maximum": MAX_PAGE_SIZE}
_DATES: Final = {
    **TEXT,
    "description": "`7d`, the last seven days; `over-90d`, longer ago; or from one day in UTC, or "
    "moment, to another: `2026-11-01..2026-11-23`, of which either may be left out",
    "examples": ["7d", "over-90d", "2026-11-01..2026-11-23", "2026-11-01T08:00:00Z.."],
}
_WITH: Final = _one_of(("with", "without"))

LIST: Final[Mapping[str, Schema]] = {
    "status": _one_of(STATES),
    "q": _SEARCH,
    "owner": _several({**NUMBER, "description": "the number of a user, 0 for System"}),
    "name": _several(_NAME),
    "type": _several(_NAME),
    "created": _DATES,
    "finished": _DATES,
    "result": _WITH,
    "errors": _WITH,
    "longer": {**TEXT, "pattern": "^(?=.*[1-9])[0-9]{1,6}[smhd]$"},
    "alive": _one_of(Alive),
    "below": _FROM_1,
    "sort": _one_of(Sort, Sort.DATE),
    "dir": _one_of(("asc", "desc")),
    "page": _PAGE,
    "limit": {**_LIMIT, "default": PAGE_JOBS},
}
EXPORT: Final[Mapping[str, Schema]] = {
    **LIST,
    "columns": _one_of(("all",)),
    "separator": _one_of(Separator, Separator.COMMA),
    "times": _one_of(("local",)),
    "zone": TEXT,
}
STATISTICS: Final[Mapping[str, Schema]] = {"period": _one_of(Period, Period.MONTH)}
QUEUES: Final[Mapping[str, Schema]] = {
    "queue": _NAME,
    "status": _one_of(QUEUE_STATES),
    "type": _NAME,
    "batch": _FROM_1,
    "worker": _NAME,
    "kind": _one_of(Kind),
    "search": _SEARCH,
    "page": _PAGE,
    "limit": {**_LIMIT, "default": DEFAULT_QUEUE_PAGE_SIZE},
}
OUTPUT: Final[Mapping[str, Schema]] = {
    "offset": {
        **NUMBER,
        "description": "where the range begins, in bytes of UTF-8; without it the whole output comes "
        "as text",
    }
}


def check(query: QueryParams, schemas: Mapping[str, Schema]) -> None:
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
    if len(value) > schema.get("maxLength", len(value)):
        return False
    return value in schema.get("enum", (value,)) and bool(re.search(schema.get("pattern", ""), value))
