"""The numbers that say how a period went, worked out by hand, on both kinds of database."""

from datetime import timedelta

from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.headline import Headline, headline
from jobs_data.statistics.period import Period
from tests.support.statistics import DAY, Question, asked
from tests.support.store import NOON, Store


def read(*question: *Question) -> Headline:
    """Return the headline of a period."""
    return headline(read_activity(*question), read_durations(*question))


def test_a_period_is_compared_with_the_one_before(store: Store) -> None:
    """Three of four finished jobs completed, and before it one of two; the others do not count."""
    for seconds in (4, 8, 60):
        store.job(completed_at=NOON + timedelta(seconds=seconds))
    for status in (185, 183, 186):
        store.job(status_id=status, completed_at=None)
    for status in (184, 185):
        store.job(status_id=status, created=NOON - 8 * DAY)
    question = asked(store, Period.WEEK)
    question[0].job_sets[WITH_ERRORS] = lambda: store.ids()[:2]
    assert read(*question) == Headline(6, 0.75, 25, 8, with_errors=2)
    assert read(*asked(store, Period.ALL)).change_points is None


def test_without_finished_jobs_there_is_no_share(store: Store) -> None:
    """Nor a change or a median."""
    store.job(status_id=183)
    assert read(*asked(store, Period.WEEK)) == Headline(1, None, None, None)
