"""Time zones: the platform's, whose times are naive, and the viewer's."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

TREND_DAYS: Final = 14

BEFORE_ALL_TIMES: Final = datetime(1000, 1, 1)  # noqa: DTZ001 - the platform's times are naive
"""The first time that MySQL can store; a missing creation time counts as this one."""

EARLIEST: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - in the platform's zone
"""The platform is younger than this: an earlier time of a job means none."""

CLOCK_TOLERANCE: Final = timedelta(minutes=1)
"""How far the platform's clock may be ahead of ours: a later end is not used."""

BETWEEN_CHANGES: Final = timedelta(days=5)
"""No zone has changed its clock twice in so short a time since EARLIEST: seven days are the least."""


def zone_named(name: str | None) -> ZoneInfo:
    """Return the zone that a browser reports, or UTC for an unusable one."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, OSError, ValueError):
        return ZoneInfo("UTC")


def day_starts(zone: ZoneInfo, now: datetime | None = None) -> list[datetime]:
    """Return the aware starts of the last 14 days in a zone, today last."""
    today = (now or datetime.now(UTC)).astimezone(zone).date()
    return [
        datetime.combine(today - timedelta(days=back), time(), zone)
        for back in reversed(range(TREND_DAYS))
    ]


def shown(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a time as the screens write it, with its zone; a dash where there is none."""
    if moment is None:
        return "–"
    try:
        return moment.astimezone(zone).strftime(f"%Y-%m-%d %H:%M:%S ({zone.key})")
    except OverflowError:  # the last hours of the year 9999, which stand for "never" in some databases
        return moment.strftime("%Y-%m-%d %H:%M:%S (UTC)")


def utc(
    value: datetime | None, timezone: ZoneInfo, *, after: datetime | None = None
) -> datetime | None:
    """Return a platform's naive time as an aware one in UTC; NULL stays None.

    A time in an hour that a clock change repeats is taken as its first pass: the data does not say
    which. It is the second where the first lies before `after`, which is aware: no job ends before it
    begins. A time that is aware already, as Laravel's are, keeps its own zone.
    """
    if value is None:
        return None
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    try:
        first = value.replace(tzinfo=timezone).astimezone(UTC)
        if after is None or first >= after:
            return first
        second = value.replace(tzinfo=timezone, fold=1).astimezone(UTC)
    except OverflowError:  # the first hours of the year 1, which mean no time
        return None
    return second if second >= after else first


@lru_cache(maxsize=16)
def utc_offsets(
    zone: ZoneInfo, year: int, *, is_second_pass: bool = False
) -> Sequence[tuple[datetime, int]]:
    """Return the offsets from UTC, in seconds, of a zone's naive times until the end of a year.

    Each with the first time that has it; the earliest is that of EARLIEST and of all times before. A
    repeated hour has the offset of its first pass or of its second.
    """
    moment, end = EARLIEST.replace(tzinfo=UTC), datetime(year + 1, 1, 2, tzinfo=UTC)
    found = [(EARLIEST, _offset(moment, zone))]
    while moment < end:
        old, new = found[-1][1], _offset(moment + BETWEEN_CHANGES, zone)
        if old != new:
            change = _next_change(moment, zone)
            shown = min(old, new) if is_second_pass else max(old, new)
            found.append((change.replace(tzinfo=None) + timedelta(seconds=shown), new))
        moment += BETWEEN_CHANGES
    return tuple(found)


def _next_change(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return when, within BETWEEN_CHANGES from a time, a zone's offset changes, to the second."""
    old = _offset(moment, zone)

    def has_changed(seconds: int) -> bool:
        return _offset(moment + timedelta(seconds=seconds), zone) != old

    within = range(int(BETWEEN_CHANGES.total_seconds()))
    return moment + timedelta(seconds=bisect(within, 0, key=has_changed))


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    """Return a zone's offset from UTC at a time in UTC, in seconds."""
    return int((moment.astimezone(zone).replace(tzinfo=UTC) - moment).total_seconds())


def to_platform(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an aware time as a naive one in a zone, to compare with the platform's times.

    It is the inverse of `utc`, and so the second pass of a repeated hour lies behind all times of that
    hour: a moment in it becomes the hour's end. At the edge of the calendar the moment keeps its zone.
    """
    try:
        local = moment.astimezone(zone)
        return _end_of_second_pass(moment, zone) if local.fold else local.replace(tzinfo=None)
    except OverflowError:
        return moment.replace(tzinfo=None)


def on_platform_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return an aware time as the naive one that the platform writes in a zone.

    Only for rows written as the platform writes them: the two passes of a repeated hour look the same.
    Use `to_platform` to compare with stored times.
    """
    return moment.astimezone(zone).replace(tzinfo=None)


def _end_of_second_pass(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the naive time at which the second pass of a repeated hour ends, to the second."""
    whole = moment.astimezone(UTC).replace(microsecond=0)

    def is_over(seconds: int) -> bool:
        return not (whole + timedelta(seconds=seconds)).astimezone(zone).fold

    # The second pass lasts as long as the clock change: a day at most.
    seconds = bisect(range(24 * 3600), 0, key=is_over)
    return (whole + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)
