"""The questions before jobs are deleted, and how long they stay open."""

import pytest

from tests.support.pages import press, show, words
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")
QUESTION = "can be restored for"


@pytest.mark.parametrize("leaves", [True, False])
def test_a_question_does_not_outlive_its_page(store: Store, *, leaves: bool) -> None:
    """Neither on its own page, once that was left, nor on the page of another job."""
    asked, other = store.job(), store.job()
    app = show("job.py", id=str(asked))
    press(app, "Delete…")
    assert QUESTION in words(app)
    if leaves:
        app.switch_page("deleted.py").run()
    app.switch_page("job.py")
    app.query_params["id"] = str(asked if leaves else other)
    app.run()
    assert not app.exception
    assert f"{asked if leaves else other}" in words(app)
    assert QUESTION not in words(app)
