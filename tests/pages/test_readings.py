"""What the sessions read together, and how long they wait for it."""

import threading

import pytest

from jobs_data.platform.errors import DatabaseUnavailable
from pages.parts import readings

PATIENCE = 10.0


def test_a_failed_read_is_shared() -> None:
    """Five viewers who want the same while it is read get the one error; the next one reads anew."""
    times = []
    may_end = threading.Event()

    def read(period: str) -> str:
        times.append(period)
        assert may_end.wait(PATIENCE)
        raise DatabaseUnavailable(period)

    begun = [readings.begin(read, "week") for _ in range(5)]
    may_end.set()
    for each in begun:
        with pytest.raises(DatabaseUnavailable, match="week"):
            each.result()
        assert each.has_failed
    with pytest.raises(DatabaseUnavailable):
        readings.begin(read, "week").result()
    assert times == ["week", "week"]


def test_a_read_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panel then has a sentence; who comes later gets what the read came to."""
    monkeypatch.setattr(readings, "WAIT_SECONDS", 0.05)
    may_end = threading.Event()

    def read() -> bool:
        return may_end.wait(PATIENCE)

    reading = readings.begin(read)
    reading.wait()
    assert not reading.is_done
    assert reading.has_failed
    with pytest.raises(DatabaseUnavailable):
        reading.result()
    monkeypatch.setattr(readings, "WAIT_SECONDS", PATIENCE)
    late = readings.begin(read)
    may_end.set()
    assert late.result()
    assert not late.has_failed
