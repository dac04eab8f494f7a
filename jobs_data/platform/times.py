"""The viewer's time zone, and the days of the trend in it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

TREND_DAYS: Final = 14


def zone_named(name: str | None) -> ZoneInfo:
    """Return the zone that a browser says it is in, or UTC where it says nothing usable."""
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


def utc(value: datetime | None, timezone: ZoneInfo) -> datetime | None:
    """Return a platform's naive time as an aware one in UTC; NULL stays None.

    An hour that a clock change repeats is taken as its first pass: the data does not say which.
    A time that is aware already, as Laravel's are, keeps its own zone.
    """
    if value is None:
        return None
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    try:
        return value.replace(tzinfo=timezone).astimezone(UTC)
    except OverflowError:  # the first hours of the year 1, which no platform means
        return None
