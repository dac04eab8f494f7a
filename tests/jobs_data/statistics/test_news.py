"""What has ended since a visit, on both kinds of database."""

from datetime import UTC, timedelta

import pytest

from jobs_data.statistics import period
from jobs_data.statistics.news import read_news
from tests.support.store import NOON, Store


def test_news_is_what_ended_since(store: Store) -> None:
    """Whenever it was created; the latest failure first."""
    store.job(completed_at=NOON - timedelta(minutes=1))
    store.job(completed_at=NOON)
    store.job(completed_at=NOON + timedelta(hours=1), created=NOON - timedelta(days=40))
    first = store.job("a", 185, completed_at=NOON + timedelta(minutes=1))
    second = store.job(None, 185, completed_at=NOON + timedelta(minutes=2))
    store.job(status_id=186, completed_at=NOON + timedelta(minutes=2))
    news = read_news(store.database(), NOON.replace(tzinfo=UTC))
    assert (news.completed, news.failed, news.has_more) == (2, 2, False)
    assert news.failures["id"].tolist() == [second, first]
    assert news.failures["name"].tolist() == ["[Unknown]", "a"]


def test_only_the_newest_jobs_can_be_news(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that there are older ones."""
    monkeypatch.setattr(period, "NEWEST_JOBS", 2)
    for _ in range(3):
        store.job()
    news = read_news(store.database(), NOON.replace(tzinfo=UTC))
    assert (news.completed, news.has_more) == (2, True)
    assert news.failures.empty
