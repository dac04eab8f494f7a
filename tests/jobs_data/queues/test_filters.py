"""What the addresses of the queues say."""

from urllib.parse import parse_qsl, urlencode

import pytest

from jobs_data.queues.filters import (
    Origin,
    QueueFilter,
    QueueView,
    origin_params,
    parse_job_key,
    parse_origin,
    parse_queue_view,
    queue_view_params,
)
from jobs_data.queues.model import JobKey, Kind, QueueState, Source
from tests.support.names import HOSTILE


@pytest.mark.parametrize(
    ("params", "view"),
    [
        ({}, QueueView()),
        (
            {
                "kind": "laravel",
                "queue": "a b",
                "status": "FAILED",
                "type": "arX",
                "batch": "7",
                "worker": "h:1",
                "search": " broken\x00  pipe ",
                "page": "3",
                "limit": "50",
            },
            QueueView(
                QueueFilter("a b", QueueState.FAILED, "arX", 7, "h:1", Kind.LARAVEL, "broken pipe"),
                page=3,
                limit=50,
            ),
        ),
        ({"status": "pending"}, QueueView(QueueFilter(status=QueueState.WAITING))),
        ({"status": "cancelled"}, QueueView(QueueFilter(status=QueueState.OTHER))),
        ({"status": "x", "batch": "x", "kind": "x", "page": "-1", "limit": "x"}, QueueView()),
        ({"batch": "0", "queue": " ", "limit": "999"}, QueueView(limit=200)),
    ],
)
def test_the_url_is_a_view_and_a_view_is_a_url(params: dict[str, str], view: QueueView) -> None:
    """What makes no sense falls back, and what is written is read again."""
    assert parse_queue_view(params) == view
    assert parse_queue_view(queue_view_params(view)) == view


def test_a_name_is_taken_from_the_url_as_it_is() -> None:
    """Cleaned or cut, it would be another one."""
    for name in HOSTILE:
        view = QueueView(QueueFilter(name, type=name, worker=name))
        query = urlencode(queue_view_params(view))
        assert parse_queue_view(dict(parse_qsl(query))) == view, name


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({}, None),
        ({"id": "7"}, JobKey(Source.HERATIO, 7)),
        ({"laravel": "8"}, JobKey(Source.LARAVEL, 8)),
        ({"failed": "9"}, JobKey(Source.LARAVEL_FAILED, 9)),
        ({"id": "x", "failed": "9" * 19}, None),
    ],
)
def test_the_url_names_one_job(params: dict[str, str], key: JobKey | None) -> None:
    """Of the platform or of Laravel; a number that none can have names nobody."""
    assert parse_job_key(params) == key


@pytest.mark.parametrize(
    ("params", "origin"),
    [
        ({}, Origin()),
        ({"queue": "q", "page": "2"}, Origin(QueueView(QueueFilter("q"), page=2))),
        (
            {"from": "batch", "batch": "3", "page": "2", "list": "4"},
            Origin(QueueView(QueueFilter(batch=3), page=2), is_batch=True, list_page=4),
        ),
        ({"batch": "3"}, Origin(QueueView(QueueFilter(batch=3)))),
        ({"from": "batch", "batch": "x", "list": "-1"}, Origin()),
        ({"from": "https://evil.example"}, Origin()),
    ],
)
def test_the_way_back_is_in_the_url(params: dict[str, str], origin: Origin) -> None:
    """To a batch where it names one, else to the queues; what is written is read again."""
    assert parse_origin(params) == origin
    assert parse_origin(origin_params(origin)) == origin
