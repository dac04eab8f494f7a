"""When the demo's jobs were created: office hours, quiet weekends, and bursts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final

DAYS: Final = 60
RECENT: Final = timedelta(minutes=20)
BURST_CHANCE: Final = 0.015
BURST_SIZES: Final = (8, 36)
PER_SECOND: Final = 4


def moments(
    rng: Random, jobs: int, recent: Sequence[timedelta], now: datetime
) -> Iterator[tuple[datetime, bool]]:
    """Yield the creation time of each of `jobs` jobs, oldest first, and whether it is in a burst.

    The last of them are as old as `recent` has it, newest first, whatever the hour.
    """
    end = now - max(recent, default=RECENT)
    start = end - timedelta(days=DAYS)
    days = [
        [_business(start + timedelta(days=day, hours=hour)) for hour in range(24)]
        for day in range(DAYS)
    ]
    busy_until = list(accumulate(sum(hours) for hours in days))
    done = 0
    for day, (hours, busy) in enumerate(zip(days, busy_until, strict=True)):
        until = round((jobs - len(recent)) * busy / busy_until[-1])
        for second, burst in _seconds(rng, until - done, hours):
            yield start + timedelta(days=day, seconds=second), burst
        done = until
    for age in reversed(recent):
        yield now - age, False


def _business(hour: datetime) -> int:
    if hour.weekday() >= 5:
        return 1
    return 12 if 7 <= hour.hour < 18 else 1


def _seconds(rng: Random, count: int, hours: list[int]) -> list[tuple[int, bool]]:
    """Return `count` sorted seconds of a day with weighted hours, and which are in a burst."""
    seconds: list[tuple[int, bool]] = []
    starts = iter(rng.choices(range(24), hours, k=count))
    while len(seconds) < count:
        second = next(starts) * 3600 + int(rng.random() * 3600)
        if rng.random() < BURST_CHANCE:
            size = min(rng.randint(*BURST_SIZES), count - len(seconds))
            seconds.extend((min(second + n // PER_SECOND, 86_399), True) for n in range(size))
        else:
            seconds.append((second, False))
    return sorted(seconds)
