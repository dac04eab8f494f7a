"""How far a job or a batch is."""

from __future__ import annotations

from datetime import datetime


def share(done: float | None, total: int | None) -> float | None:
    """Return which share is done, from 0 to 1; None where it is not known."""
    if done is None or not total or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def progress_text(done: int | None, total: int | None, message: str = "") -> str:
    """Return a progress in words, such as `34 of 100 · reading rows`."""
    # Workers count before they know the total, and some say a message alone.
    count = f"{done or 0:,} of {total:,}" if total else f"{done:,}" if done else ""
    return " · ".join(part for part in (count, message) if part)


def estimated_end(done: int, total: int, started: datetime | None, now: datetime) -> datetime | None:
    """Return when a batch will end at its rate so far; None where that cannot be told.

    That is so before the first job has ended, when all have, and where the start is not known.
    """
    if started is None or done <= 0 or done >= total or now <= started:
        return None
    try:
        return now + (now - started) * ((total - done) / done)
    except OverflowError:
        return None
