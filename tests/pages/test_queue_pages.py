"""The queues' screens, run as Streamlit runs them but without a browser."""

from datetime import UTC
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data.platform import tables
from jobs_data.platform.errors import TookTooLong
from jobs_data.queues import history, listing, reads
from jobs_data.queues.model import QueueState
from pages.parts.queues import cards
from pages.parts.shared.services import get_services
from pages.parts.shared.text import plain
from tests.support.pages import component, fire, press, rows, show, words
from tests.support.queue_rows import QUEUE_TABLES, make_long_without_index, queued
from tests.support.statements import statements
from tests.support.store import NOON, Store

HOSTILE = "**bold** <script>alert(1)</script> [x](https://evil.example)"
pytestmark = pytest.mark.usefixtures("served", "reader")


DROP_INDEX = {
    "sqlite": "DROP INDEX ix_ahg_queue_job_job_type",
    "mysql": "DROP INDEX ix_ahg_queue_job_job_type ON ahg_queue_job",
}
TOO_LONG = "The database took too long over this."
tried: list[str] = []


def too_long(*_: object, **__: object) -> None:
    """Stand in for a read whose statement was stopped, and note that it was tried."""
    tried.append(TOO_LONG)
    raise TookTooLong(TOO_LONG)


def cells(app: AppTest, key: str, column: str) -> list[Any]:
    """Return the cells of a column of a table, as it was given them."""
    return [row["cells"][column] for row in component(app, key)["rows"]]


def texts(app: AppTest, key: str, column: str) -> list[str]:
    """Return the texts of the cells of a column of a table."""
    return [row[column] for row in rows(app, key)]


def press_row(app: AppTest, key: str, row: str) -> None:
    """Press the link of a row, whether the table shows it or not."""
    fire(app, "opened", row, key)


def given(app: AppTest) -> str:
    """Return what all components were given."""
    return "".join(part.proto.json for part in app.get("bidi_component"))


def markup(app: AppTest) -> str:
    """Return all that the page shows as HTML."""
    return "".join(str(part.proto) for part in app.get("html"))


def test_the_queues_and_their_jobs(store: Store) -> None:
    """A card for each queue, and below them the jobs, newest first, failed ones with their reason."""
    first, second = queued(store), queued(store, "failed", queue="imports", error_message="broke")
    app = show("queues.py")
    assert texts(app, "queues", "queue") == ["default", "imports"]
    assert texts(app, "queues", "waiting") == ["1", "0"]
    assert texts(app, "queue_jobs", "number") == [str(second), str(first)]
    assert [cell.get("detail", "") for cell in cells(app, "queue_jobs", "job")] == ["broke", ""]
    assert "Showing 1–2 of 2 jobs" in words(app)
    assert "Updated" in words(app)


def test_a_card_is_red_with_its_reason_and_filters_the_jobs(store: Store) -> None:
    """The one that needs attention comes first; pressed, it alone is shown, and pressed again all."""
    queued(store, "completed", queue="a-calm-one")
    late = queued(store, queue=HOSTILE)
    queued(store, "failed", queue=HOSTILE)
    app = show("queues.py", status="waiting")
    cards = [part.proto.body for part in app.get("html")]
    assert ["class='alert'" in card for card in cards] == [True, False]
    assert "The oldest job has waited for" in cards[0]
    card = next(button for button in app.button if "evil" in button.label)
    assert "[x](" not in card.label
    card.click().run()
    assert texts(app, "queue_jobs", "number") == [str(late)]
    assert set(app.query_params) == {"queue", "kind", "status"}
    press(app, "Clear filters")
    assert set(app.query_params) == set()
    press_row(app, "queues", component(app, "queues")["rows"][0]["id"])
    assert len(texts(app, "queue_jobs", "number")) == 2
    next(button for button in app.button if "evil" in button.label).click().run()
    assert len(texts(app, "queue_jobs", "number")) == 3


def test_of_many_queues_those_that_need_attention_have_cards(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has all of them."""
    monkeypatch.setattr(cards, "MOST_CARDS", 2)
    for name in ("a", "b"):
        queued(store, "completed", queue=name)
    queued(store, queue="late")
    app = show("queues.py")
    labels = [button.label for button in app.button if "Heratio" in button.label]
    assert labels == ["late · Heratio", "a · Heratio"]
    assert app.expander[0].label == "All figures and 1 more queue"
    assert texts(app, "queues", "queue") == ["a", "b", "late"]


def test_a_late_press_opens_the_row_that_was_meant(store: Store) -> None:
    """A row is named by its id: newer jobs above it change nothing."""
    meant = queued(store, job_type="arMeant")
    app = show("queues.py")
    queued(store, job_type="arNewer")
    app.run()
    press_row(app, "queue_jobs", f"id={meant}")
    assert f"Queued job {meant}" in words(app)
    assert "arMeant" in markup(app)


def test_the_url_filters_and_a_page_past_the_end_is_the_last(store: Store) -> None:
    """What makes no sense falls back."""
    ids = [queued(store, queue="imports") for _ in range(5)]
    queued(store)
    app = show("queues.py", queue="imports", limit="2", page="99", status="nonsense")
    assert texts(app, "queue_jobs", "number") == [str(ids[0])]
    assert "Showing 5–5 of 5 jobs" in words(app)
    assert [box.value for box in app.selectbox][:2] == ["imports", ""]
    assert "Queue: imports ✕" in [button.label for button in app.button]


def test_more_jobs_than_a_list_has_are_not_all_paged_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says that there are more."""
    ids = [queued(store) for _ in range(4)]
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    app = show("queues.py", limit="2", page="99")
    assert texts(app, "queue_jobs", "number") == [str(ids[1])]
    assert "Showing 3–3 of more than 3 jobs" in words(app)


@pytest.mark.parametrize(
    ("asked", "told"),
    [("arX", "Showing 1–1 of at least 1 job"), ("arRare", "No job among the newest 3 of each table")],
)
def test_a_search_that_took_too_long_says_how_far_it_got(
    store: Store, monkeypatch: pytest.MonkeyPatch, asked: str, told: str
) -> None:
    """For good: the database is really stopped, and the newest rows are searched."""
    queued(store, job_type="arRare")
    with store.engine.begin() as connection:
        for _ in range(16):
            connection.exec_driver_sql("INSERT INTO ahg_queue_job (queue) SELECT '' FROM ahg_queue_job")
    queued(store)
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    monkeypatch.setattr(listing, "SEARCH_SECONDS", 0.0001)
    # Both names are sought in a column without an index: of all rows.
    with store.engine.begin() as connection:
        connection.exec_driver_sql(DROP_INDEX[connection.dialect.name])
    assert told in words(show("queues.py", type=asked))


def test_picking_a_filter_writes_the_url(store: Store) -> None:
    """It starts at page one, and what is written shows the same again."""
    for n in range(6):
        queued(store, "failed" if n % 2 else "completed")
    app = show("queues.py", limit="2", page="2")
    app.button_group(key="queue_filter_status").set_value(QueueState.FAILED).run()
    assert not app.exception
    assert app.query_params["status"] in ("failed", ["failed"])
    assert "page" not in app.query_params
    assert "Showing 1–2 of 3 jobs" in words(app)
    app.text_input(key="queue_filter_search").set_value("#2").run()
    assert texts(app, "queue_jobs", "number") == ["2"]
    press(app, "Search: #2 ✕")
    app.text_input(key="queue_filter_batch").set_value("7").run()
    assert "No job in the queues matches this filter" in words(app)
    assert "Laravel" in words(app)
    press(app, "Batch: 7 ✕")
    assert "Showing 1–2 of 3 jobs" in words(app)


def test_empty_queues_say_so(store: Store) -> None:
    """Once, and without a word on missing tables; with a filter, that may be why."""
    app = show("queues.py")
    assert "There is nothing in any queue" in words(app)
    assert not app.text_input
    assert "No job in the queues matches" in words(show("queues.py", queue="x"))
    assert "normal on AtoM" not in words(app)
    assert "There are no batches" in words(show("batches.py"))


@pytest.mark.parametrize("script", ["queues.py", "batches.py", "queue_job.py"])
def test_missing_tables_are_named_with_the_reason(store: Store, script: str) -> None:
    """On an AtoM there is nothing else to see."""
    with store.engine.begin() as connection:
        for missing in QUEUE_TABLES:
            connection.exec_driver_sql(f"DROP TABLE {missing.name}")
    text = words(show(script, id="1"))
    assert "This database has no table named ahg_queue_" in text
    assert "normal on AtoM" in text


def test_one_missing_table_leaves_the_rest(store: Store) -> None:
    """The sentence names that one alone."""
    queued(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE ahg_queue_failed")
    app = show("queues.py")
    assert "no table named ahg_queue_failed." in words(app)
    assert "Laravel" not in app.info[0].value
    assert "Showing 1–1 of 1 job" in words(app)


def test_batches_and_one_of_them(store: Store) -> None:
    """A batch opens to its facts, its jobs and its log, and leads back."""
    batch = store.insert(
        tables.queue_batch,
        name=HOSTILE,
        status="running",
        total_jobs=4,
        completed_jobs=1,
        options='{"a": 1}',
        started_at=NOON,
    )
    job_id = queued(store, batch_id=batch)
    queued(store)
    store.insert(
        tables.queue_log, batch_id=batch, event_type="started", message=HOSTILE, created_at=NOON
    )
    app = show("batches.py")
    assert texts(app, "batches", "name") == [HOSTILE]
    assert cells(app, "batches", "progress") == [{"text": "1 of 4", "tone": "red", "share": 0.25}]
    assert "Showing 1–1 of 1 batch" in words(app)
    press_row(app, "batches", str(batch))
    assert texts(app, "queue_jobs", "number") == [str(job_id)]
    assert "1 of 4" in app.get("progress")[0].proto.text
    assert '{\n  "a": 1\n}' in [code.value for code in app.code]
    assert "<script>" not in markup(app)
    assert "&lt;script&gt;" in markup(app)
    press(app, "Back to batches")
    assert texts(app, "batches", "name") == [HOSTILE]


@pytest.mark.parametrize("batch", ["99", "no-uuid", "x" * 500, "9" * 40])
def test_a_batch_that_does_not_exist_has_a_page(store: Store, batch: str) -> None:
    """With the way back."""
    assert "There is no batch with this number" in words(show("batches.py", batch=batch))


def test_laravels_batch_says_what_it_cannot(store: Store) -> None:
    """Which jobs belong to it nobody notes; the failed ones' uuids are there."""
    with store.engine.begin() as connection:
        connection.execute(
            tables.laravel_batches.insert().values(id="a-1", name="mails", failed_job_ids='["u7"]')
        )
    app = show("batches.py", batch="a-1")
    assert "Laravel does not record the jobs of a batch" in words(app)
    assert '["u7"]' in [code.value for code in app.code]


def test_a_queued_job_shows_everything_as_it_is(store: Store) -> None:
    """Hostile text stays text, malformed JSON is shown as it is, and the log is a timeline."""
    batch = store.insert(tables.queue_batch, name="b")
    job_id = queued(
        store,
        "failed",
        job_type=HOSTILE,
        payload='{"a": [1]}',
        result_data="{broken",
        error_message=HOSTILE,
        error_trace="#0 x",
        attempt_count=3,
        max_attempts=3,
        progress_current=1,
        progress_total=2,
        progress_message=HOSTILE,
        batch_id=batch,
        chain_id=3,
        chain_order=1,
        worker_id="host:1",
    )
    record = {"original_job_id": job_id, "error_message": "gone", "error_trace": "#0 x"}
    store.insert(tables.queue_failed, **record, failed_at=NOON)
    store.insert(tables.queue_log, job_id=job_id, event_type="failed", message=HOSTILE)
    app = show("queue_job.py", id=str(job_id), queue="imports")
    codes = [code.value for code in app.code]
    # Each text once: the message is the error's line, and the failed record has the same trace.
    assert [error.value for error in app.error] == [plain(HOSTILE)]
    assert codes == ["#0 x", '{\n  "a": [\n    1\n  ]\n}', "{broken", "gone"]
    text = words(app)
    for expected in (
        "3 of 3",
        "host:1",
        "It failed and will not",
        "3, number 1",
        "Failed record 1, of",
    ):
        assert expected in text
    assert cells(app, "chain", "job")[0]["detail"] == "This job"
    assert "<script>" not in markup(app)
    assert app.get("progress")[0].proto.text.startswith("1 of 2")
    press(app, "Open its batch")
    assert "Batch" in words(app)


def test_a_queued_jobs_texts_are_shown_as_a_terminal_does(store: Store) -> None:
    """Its progress, what is no JSON, and the messages of its log."""
    bar = "\x1b[32m10%\x1b[0m\r\x1b[32m20%\x1b[0m"
    values = {"progress_current": 1, "progress_total": 2, "progress_message": bar}
    job_id = queued(store, "running", payload='{"a":\r[]}', result_data=f"one\rtwo\n{bar}", **values)
    store.insert(tables.queue_log, job_id=job_id, event_type="started", message=f"{bar}\r")
    app = show("queue_job.py", id=str(job_id))
    assert app.get("progress")[0].proto.text == "1 of 2 · 20%"
    assert [code.value for code in app.code] == ['{\n  "a": []\n}', "one\ntwo\n20%"]
    assert "<b>started</b> 20% </div>" in markup(app)


@pytest.mark.parametrize("job_id", ["1", "", "abc", "-1", "9" * 30])
def test_a_queued_job_that_does_not_exist_has_a_page(store: Store, job_id: str) -> None:
    """It says what may have happened and leads back to the same view."""
    app = show("queue_job.py", id=job_id, queue="imports")
    assert "There is no job with this number" in words(app)
    press(app, "Back to queues")
    assert app.title[0].value == "Queues"


def test_a_panel_that_took_too_long_leaves_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overview says so, and the jobs are there."""
    queued(store)
    monkeypatch.setattr(reads, "read_overview", too_long)
    app = show("queues.py")
    assert TOO_LONG in words(app)
    assert "Showing 1–1 of 1 job" in words(app)


@pytest.fixture
def eventful(store: Store) -> int:
    """Give a failed job in a batch and a chain of the same number, 1, with a record and a log."""
    batch = store.insert(tables.queue_batch, name="the batch", total_jobs=1)
    job_id = queued(store, "failed", batch_id=batch, chain_id=1, chain_order=1, payload="the payload")
    store.insert(tables.queue_failed, original_job_id=job_id, error_message="the record")
    store.insert(
        tables.queue_log, job_id=job_id, batch_id=batch, event_type="failed", message="the event"
    )
    assert (batch, job_id) == (1, 1)
    return job_id


PARTS_OF_A_JOB = {
    "read_queue_job": "the payload",
    "read_chain": "This job",
    "read_failed_record": "the record",
    "read_log": "the event",
}
PARTS_OF_A_BATCH = {
    "read_batch": "the batch",
    "read_queue_jobs": "Showing 1–1 of 1 job",
    "read_log": "the event",
}


@pytest.mark.parametrize(
    ("script", "query", "parts", "slow"),
    [
        *(("queue_job.py", "id", PARTS_OF_A_JOB, slow) for slow in PARTS_OF_A_JOB),
        *(("batches.py", "batch", PARTS_OF_A_BATCH, slow) for slow in PARTS_OF_A_BATCH),
    ],
)
def test_each_part_is_read_by_itself(
    store: Store,
    eventful: int,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    query: str,
    parts: dict[str, str],
    slow: str,
) -> None:
    """The one that took too long says so in its place, and all others are there."""
    module = history if hasattr(history, slow) else reads
    monkeypatch.setattr(module, slow, too_long)
    app = show(script, **{query: str(eventful)})
    problems = [problem.value for problem in app.error]
    assert [problem for problem in problems if "no error text" not in problem] == [TOO_LONG]
    shown = words(app) + markup(app) + given(app) + "\n".join(code.value for code in app.code)
    # Without its own row a job cannot name its chain.
    lost = {slow, "read_chain"} if slow == "read_queue_job" else {slow}
    assert {part for part, told in parts.items() if told not in shown} == lost
    assert "Updated" in words(app)


def test_the_batches_that_took_too_long_leave_the_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The title, the sentence and the ways to try again stand."""
    monkeypatch.setattr(reads, "read_batches", too_long)
    app = show("batches.py")
    assert app.title[0].value == "Batches"
    assert TOO_LONG in words(app)
    assert "Updated" in words(app)


def test_a_log_without_an_index_is_given_up(
    store: Store, eventful: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For good: the database is really stopped, both panels say so, and the job is there."""
    make_long_without_index(store)
    monkeypatch.setattr(history, "LOOKUP_SECONDS", 0.001)
    app = show("queue_job.py", id=str(eventful))
    told = [problem.value for problem in app.error if "took too long" in problem.value]
    assert len(told) == 2
    assert "the payload" in [code.value for code in app.code]


@pytest.mark.parametrize(
    ("script", "query"),
    [
        ("queues.py", {}),
        ("batches.py", {}),
        ("batches.py", {"batch": "1"}),
        ("queue_job.py", {"id": "1"}),
        ("queue_job.py", {"laravel": "1"}),
        ("queue_job.py", {"failed": "1"}),
    ],
)
def test_all_sessions_share_what_one_has_read(
    store: Store,
    eventful: int,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    query: dict[str, str],
) -> None:
    """A second one sends no statement, not even for a part that took too long; Refresh does."""
    store.insert(tables.laravel_jobs, queue="q")
    store.insert(tables.laravel_failed, queue="q")
    monkeypatch.setattr(history, "read_log", too_long)
    tried.clear()
    first = show(script, **query)
    has_log = {"id", "batch"} & query.keys()
    assert len(tried) == bool(has_log)
    with statements(get_services().database.engine) as sent:
        second = show(script, **query)
        assert (words(second), len(tried)) == (words(first), bool(has_log))
        assert [statement for statement in sent if "queue" in statement] == []
        press(second, "Refresh")
        assert any("queue" in statement for statement in sent)
    assert len(tried) == 2 * bool(has_log)


def test_a_job_of_laravel_has_a_page(store: Store) -> None:
    """Its fields and its payload; hostile text stays text."""
    job_id = store.insert(
        tables.laravel_jobs,
        queue=HOSTILE,
        payload='{"displayName": "App\\\\Jobs\\\\Harvest"}',
        attempts=2,
        reserved_at=NOON.replace(tzinfo=UTC),
    )
    app = show("queue_job.py", laravel=str(job_id))
    for expected in (plain(HOSTILE), f"Job of Laravel {job_id}", "Running"):
        assert expected in words(app)
    assert "2026-06-15 12:00:00 (UTC)" in given(app)
    assert ">Harvest</h1>" in markup(app)
    assert [code.value for code in app.code] == ['{\n  "displayName": "App\\\\Jobs\\\\Harvest"\n}']
    assert "Log" not in [title.value for title in app.header]


def test_a_failed_job_of_laravel_shows_its_exception_whole(store: Store) -> None:
    """With connection, uuid and time; hostile text stays text."""
    exception = f"E: {HOSTILE}\nStack trace:\n#0 x"
    failed_id = store.insert(
        tables.laravel_failed,
        uuid="u-1",
        connection="redis",
        queue="mail",
        payload="{broken",
        exception=exception,
        failed_at=NOON.replace(tzinfo=UTC),
    )
    app = show("queue_job.py", failed=str(failed_id))
    assert [code.value for code in app.code] == [exception, "{broken"]
    for expected in ("u-1", "redis", "mail", "Failed"):
        assert expected in words(app)
    assert "2026-06-15 12:00:00 (UTC)" in given(app)
    assert "<script>" not in markup(app)


@pytest.mark.parametrize(
    ("query", "told"),
    [("laravel", "Laravel forgets a job that completes"), ("failed", "among Laravel's failed ones")],
)
def test_a_job_of_laravel_that_does_not_exist_has_a_page(store: Store, query: str, told: str) -> None:
    """It says what may have happened."""
    assert told in words(show("queue_job.py", **{query: "1"}))


def test_back_leads_to_where_one_came_from(store: Store, eventful: int) -> None:
    """To the batch, where the address says so; else to the queues, and never anywhere else."""
    app = show("queue_job.py", **{"id": "1", "from": "batch", "batch": "1", "list": "3"})
    press(app, "Back to batch 1")
    assert "Batch 1 of Heratio" in words(app)
    assert app.query_params["list"] in ("3", ["3"])
    app = show("queue_job.py", **{"id": "1", "from": "nowhere", "batch": "1"})
    press(app, "Back to queues")
    assert app.title[0].value == "Queues"


def test_failed_jobs_count_as_done_and_are_named(store: Store) -> None:
    """In the list of batches, and beside the bar of one that has any."""
    batch = store.insert(tables.queue_batch, name="b", total_jobs=4, completed_jobs=1, failed_jobs=1)
    [progress] = cells(show("batches.py"), "batches", "progress")
    assert (progress["share"], progress["detail"]) == (0.5, "1 failed")
    assert "A failed job counts as done" in words(show("batches.py", batch=str(batch)))
