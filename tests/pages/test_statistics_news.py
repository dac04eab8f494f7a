"""When statistics that refresh by themselves are drawn again."""

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.statistics.activity import Activity, Outcomes
from pages.parts.shared.reads import Reading
from pages.parts.statistics import news

THEN = datetime(2026, 6, 15, 12, tzinfo=UTC)
LATER = THEN + timedelta(minutes=1)
AWAY = DatabaseUnavailable("The database is away.")


def read(first: Any, again: Any) -> Reading[Any]:
    """Return what was read, and what is read once more; an exception is raised by that."""
    future: Future[Any] = Future()
    if isinstance(first, Exception):
        future.set_exception(first)
    else:
        future.set_result(first)
    return Reading("", "", future, 0, lambda: read(again, again))


def activity(read_at: datetime, jobs: int = 1) -> Activity:
    by_day, by_hour = pd.DataFrame({"total": [jobs]}), pd.DataFrame({"jobs": [jobs]})
    return Activity(Outcomes(jobs, jobs, 0, 0), None, by_day, by_hour, None, read_at)


def alive(**states: int) -> Any:
    return SimpleNamespace(states=states, is_whole=True)


@pytest.mark.parametrize(
    ("activities", "states", "expected"),
    [
        ((activity(THEN), activity(THEN)), (alive(silent=1), alive(silent=1)), THEN),
        ((activity(THEN), activity(LATER)), (alive(silent=1), alive(silent=1)), LATER),
        ((activity(THEN), activity(LATER, 2)), (alive(silent=1), alive(silent=1)), None),
        ((activity(THEN), activity(THEN)), (alive(silent=1), alive(silent=2)), None),
        ((activity(THEN), AWAY), (alive(), alive()), None),
        ((AWAY, AWAY), (alive(), alive()), THEN),
        ((AWAY, activity(LATER)), (alive(), alive()), None),
    ],
)
def test_statistics_are_drawn_again_where_they_show_something_else(
    activities: tuple[Any, Any], states: tuple[Any, Any], expected: datetime | None
) -> None:
    """Which also is the case where a job fell silent, an outage began, or one has ended."""
    assert news.watcher(read(*activities), read(*states), THEN)() == expected
