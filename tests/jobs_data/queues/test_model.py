"""What a queue's figures mean."""

import pytest

from jobs_data.queues.model import Kind, Queue, priority_words
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
