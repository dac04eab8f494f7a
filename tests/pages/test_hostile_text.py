"""Characters that nobody sees, on every screen: none of them reaches the browser."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.platform import tables
from jobs_data.store.receipts import list_receipts
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain
from tests.support.pages import press, show
from tests.support.store import NOON, Store

REVERSED = "\u202egnp"
SHOWN = "\u2039U+202E\u203agnp"
pytestmark = pytest.mark.usefixtures("served", "administrator")


def sent(app: AppTest) -> Iterator[bytes]:
    """Yield each element of a page as it is sent to the browser, without what only tells it apart."""
    for element in app._tree:
        proto = getattr(element, "proto", None)
        if proto is not None and element.type == "bidi_component":
            # Its data alone, and no character of it escaped.
            data = json.loads(proto.json or "null", object_hook=without_id)
            yield json.dumps(data, ensure_ascii=False).encode()
        elif proto is not None and hasattr(proto, "SerializeToString"):
            yield proto.SerializeToString().replace(getattr(proto, "id", "").encode() or b"\0\0", b"")


def without_id(data: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its id, which nobody sees."""
    return {name: value for name, value in data.items() if name != "id"}


def fill(store: Store) -> tuple[int, int]:
    """Put the character into every text that a screen shows; return a job and a queued job."""
    user = store.user("ada", en=f"Ada {REVERSED}")
    record = store.record("fonds")
    job_id = store.job(
        f"name {REVERSED}",
        185,
        user_id=user,
        object_id=record,
        output=f"ERROR: out {REVERSED}\n{'x' * 100_000}",
    )
    store.note(job_id, en=f"note {REVERSED}")
    store.note(job_id, type_id=None, en=f"description {REVERSED}")
    store.execution(
        job_id, type=f"type {REVERSED}", error_message=f"m {REVERSED}", stack_trace=f"#0 {REVERSED}"
    )
    batch = store.insert(
        tables.queue_batch, name=f"b {REVERSED}", queue=REVERSED, status=REVERSED, options=REVERSED
    )
    queued = store.insert(
        tables.queue_job,
        **dict.fromkeys(("queue", "job_type", "payload", "error_message", "error_trace"), REVERSED),
        **dict.fromkeys(("error_code", "worker_id", "progress_message", "result_data"), REVERSED),
        status="failed",
        chain_id=1,
        batch_id=batch,
        created_at=NOON,
    )
    store.insert(
        tables.queue_log, job_id=queued, event_type=REVERSED, message=REVERSED, details=REVERSED
    )
    store.insert(
        tables.queue_failed, original_job_id=queued, error_message=REVERSED, error_trace=REVERSED
    )
    return job_id, queued


def test_no_text_reverses_what_follows(store: Store) -> None:
    """Names, owners, types, notes, errors, outputs and payloads have a sign for the character."""
    job_id, queued = fill(store)
    pages = [
        ("jobs.py", {}),
        ("job.py", {"id": str(job_id)}),
        ("cleanup.py", {"older": "1d"}),
        ("queues.py", {}),
        ("batches.py", {}),
        ("batches.py", {"batch": "1"}),
        ("queue_job.py", {"id": str(queued)}),
        ("job_statistics.py", {"period": "all"}),
        ("job_name.py", {"name": f"name {REVERSED}"}),
    ]
    for script, query in pages:
        assert_seen(show(script, **query))
    app = show("job.py", id=str(job_id))
    press(app, "Delete…")
    assert_seen(app)
    press(app, "Delete")
    [receipt] = list_receipts(get_services().store, "", 1, 5).items
    assert_seen(show("deleted.py"))
    assert_seen(show("deleted.py", receipt=receipt.id))


@pytest.mark.parametrize("text", ["\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"])
def test_a_name_written_from_the_right_stands_apart(text: str) -> None:
    """The figures of the sentence around it stay at their place."""
    assert plain(text) == f"\u2068{text}\u2069"
    assert plain("a b") == "a b"


def assert_seen(app: AppTest) -> None:
    """Fail where a page has the character itself, or not its sign, or a text without bounds."""
    elements = list(sent(app))
    assert max(map(len, elements)) < 50_000
    assert [element for element in elements if REVERSED.encode() in element] == []
    assert any(SHOWN.encode() in element for element in elements)
