"""The questions before jobs are deleted, and how long they stay open."""

import pytest

from tests.support.pages import press, show, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")


def test_a_question_does_not_outlive_its_page(store: Store) -> None:
    """Neither that of the list, nor that of a job's page on the page of another job."""
    first, second = store.job(), store.job()
    app = show("jobs.py")
    press(app, "Clear inactive…")
    assert "2 finished jobs" in words(app)
    app.switch_page("statistics.py").run()
    app.switch_page("jobs.py").run()
    assert "will be deleted" not in words(app)
    app = show("job.py", id=str(first))
    press(app, "Delete…")
    assert "can be restored for" in words(app)
    app.query_params["id"] = str(second)
    app.run()
    assert "can be restored for" not in words(app)
