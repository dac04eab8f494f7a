"""What a queue's figures mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs_data.queues.model import Kind, Queue, QueuedJob, QueueState, Source, priority_words
from jobs_data.queues.reads import read_overview
from tests.support.queue_rows import NOW
from tests.support.store import Store


def queue(waiting: int, oldest: int | None = None, workers: int | None = 0, running: int = 0) -> Queue:
    """Return a queue with some figures."""
    return Queue(
        kind=Kind.LARAVEL if workers is None else Kind.HERATIO,
        queue="default",
        waiting=waiting,
        delayed=1,
        running=running,
        failed=1,
        oldest_waiting_seconds=oldest,
        workers=workers,
    )


@pytest.mark.parametrize(
    ("quiet", "loud"),
    [
        (queue(3, 600, workers=2), queue(3, 601, workers=2)),
        (queue(3, 600, workers=None), queue(3, 601, workers=None)),
        (queue(0), queue(1, 5)),
        (queue(1, 5, running=1), queue(1, None)),
    ],
)
def test_a_queue_needs_attention(quiet: Queue, loud: Queue) -> None:
    """Where its oldest job waits over ten minutes, or jobs wait and no worker was seen."""
    assert (quiet.needs_attention, quiet.why_attention) == (False, "")
    assert loud.needs_attention
    assert ("worker" in loud.why_attention) == (loud.workers == 0)


def test_the_queues_of_a_busy_platform(busy: Store) -> None:
    """Failures alone need no attention here; jobs that wait for twenty minutes and an hour do."""
    queues = read_overview(busy.database(), now=NOW).queues
    assert [(one.kind.value, one.queue) for one in queues if one.needs_attention] == [
        ("heratio", "default"),
        ("laravel", "default"),
    ]
    assert queues[0].why_attention == "The oldest job has waited for 1 hour."


def test_one_is_the_highest_priority() -> None:
    """As the platform's worker takes them; some rows have none."""
    assert priority_words(None) == ""
    assert "highest" in priority_words(1)
    assert "lowest" in priority_words(9)
    assert priority_words(5).startswith("5 (1 ")


def job(state: QueueState, **values: Any) -> QueuedJob:
    """Return a job that was tried once of three times."""
    tried = {"status": state.value, "attempts": 1, "max_attempts": 3}
    return QueuedJob(source=Source.HERATIO, id=1, queue="q", type="t", state=state, **tried | values)


@pytest.mark.parametrize(
    ("state", "values", "follows"),
    [
        (QueueState.WAITING, {}, "Waits for a worker, which will start attempt 2 of 3"),
        (QueueState.DELAYED, {"available": NOW}, "A worker may start attempt 2 of 3 then"),
        (
            QueueState.DELAYED,
            {"available": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
            "until its batch or its chain",
        ),
        (QueueState.FAILED, {}, "It failed after 1 attempt of 3"),
        (QueueState.FAILED, {"attempts": 3}, "will not be retried"),
        (QueueState.COMPLETED, {}, ""),
    ],
)
def test_a_job_says_what_follows(state: QueueState, values: dict[str, Any], follows: str) -> None:
    """The platform lets a job that its batch or chain holds back wait until the end of 9999."""
    text = job(state, **values).what_follows
    assert follows in text
    assert bool(follows) == bool(text)


def test_a_job_says_its_status_attempts_and_duration() -> None:
    """Of a status that is not described, the system's own word."""
    assert [job(QueueState.OTHER, status=word).status_word for word in ("cancelled", "")] == [
        "Cancelled",
        "Unknown",
    ]
    assert job(QueueState.RUNNING, status="reserved").status_word == "Running"
    tries = [(None, None), (None, 3), (2, None), (2, 3)]
    text = [job(QueueState.RUNNING, attempts=done, max_attempts=most).tries for done, most in tries]
    assert text == ["", "0 of 3", "2", "2 of 3"]
    later = NOW + timedelta(seconds=72)
    assert job(QueueState.COMPLETED, started=NOW, ended=later).ran(NOW) == "ran 1 min 12 s"
    assert job(QueueState.RUNNING, started=NOW).ran(later) == "running for 1 min 12 s"
    assert job(QueueState.WAITING).ran(later) == ""
