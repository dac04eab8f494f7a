"""What the sessions read together, and how long they wait for it."""

import threading

import pytest

from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts.shared import reads

PATIENCE = 10.0


def test_a_failed_read_is_shared() -> None:
    """Five viewers who want the same while it is read get the one error; the next one reads anew."""
    times = []
    may_end = threading.Event()

    def read(period: str) -> str:
        times.append(period)
        assert may_end.wait(PATIENCE)
        raise DatabaseUnavailable(period)

    begun = [reads.begin(read, "week") for _ in range(5)]
    may_end.set()
    for each in begun:
        with pytest.raises(DatabaseUnavailable, match="week"):
            each.result()
        assert each.has_failed
    with pytest.raises(DatabaseUnavailable):
        reads.begin(read, "week").result()
    assert times == ["week", "week"]


def test_a_read_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panel then has a sentence; who comes later gets what the read came to."""
    monkeypatch.setattr(reads, "WAIT_SECONDS", 0.05)
    may_end = threading.Event()

    def read() -> bool:
        return may_end.wait(PATIENCE)

    reading = reads.begin(read)
    reading.wait()
    assert not reading.is_done
    assert reading.has_failed
    with pytest.raises(DatabaseUnavailable):
        reading.result()
    monkeypatch.setattr(reads, "WAIT_SECONDS", PATIENCE)
    late = reads.begin(read)
    may_end.set()
    assert late.result()
    assert not late.has_failed
