"""The pages, run as Streamlit runs them but without a browser."""

from datetime import datetime

import pytest
from streamlit.runtime.context import ContextProxy

from jobs_data import __main__, __version__
from jobs_data.accounts.accounts import Right
from jobs_data.accounts.introductions import HEADER, Introduction, Introductions
from pages.parts.shared.services import get_services
from tests.support.databases import on_sqlite
from tests.support.mariadb import free_port
from tests.support.pages import (
    cards,
    component,
    export_menu,
    introduce,
    names,
    pick_in_menu,
    pick_status,
    press,
    rows,
    show,
    until,
    words,
)
from tests.support.store import Store

pytestmark = pytest.mark.usefixtures("served", "administrator")


def test_the_list_shows_cards_table_and_where_it_is(store: Store) -> None:
    """Cards, rows and the count agree."""
    for n in range(12):
        store.job(f"job {n}", status_id=185 if n % 3 else 184)
    store.job("running", status_id=183)
    store.job("cancelled", status_id=186)
    app = show()
    assert cards(app) == ["14", "1", "4", "8"]
    assert names(app)[:3] == ["cancelled", "running", "job 11"]
    assert "1–10 of 14 jobs" in words(app)


def test_the_version_stands_beside_each_page_and_on_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["--version"])
    sentence = capsys.readouterr().out.strip()
    assert __version__ in sentence
    assert show().sidebar.caption[-1].value == sentence


def test_the_url_says_what_is_shown(store: Store) -> None:
    """The platform's own words are understood, and a page past the end is the last."""
    for name in ("b", "c", "a"):
        store.job(name, status_id=185)
    store.job("completed")
    app = show(status="error", sort="name", limit="2", page="99")
    assert names(app) == ["c"]
    assert "3–3 of 3 jobs" in words(app)
    assert component(app, "status")["current"] == "failed"


def test_picking_a_filter_writes_the_url_and_starts_at_page_one(store: Store) -> None:
    """What is written can be shared: it shows the same again."""
    for n in range(25):
        store.job(f"job {n}", status_id=184 + n % 2)
    app = show(page="2", limit="5")
    pick_status(app, "failed")
    assert app.query_params["status"] in ("failed", ["failed"])
    assert "page" not in app.query_params
    assert "1–5 of 12 jobs" in words(app)


def test_an_empty_database_says_why(store: Store) -> None:
    """Nothing can be cleared or exported, and the reason is on the screen."""
    app = show()
    assert cards(app) == ["0", "0", "0", "0"]
    assert "There are no jobs" in words(app)
    assert "Delete all finished…" not in app.menu_button[0].options
    assert "nothing to export" in export_menu(app)["reason"]


def test_an_empty_filter_says_why_and_leads_back(store: Store) -> None:
    """One press shows all jobs again."""
    store.job("running", status_id=183)
    app = show(status="failed")
    assert "Found no failed jobs among 1 job" in words(app)
    app.button[-1].click().run()
    assert names(app) == ["running"]


def test_a_redirects_notice_is_shown_once(store: Store) -> None:
    """A sentence that nobody signed is not."""
    app = show(notice=get_services().notices.sign("Job 7 was deleted."))
    assert "Job 7 was deleted." in words(app)
    app.run()
    assert "Job 7 was deleted." not in words(app)
    assert "evil" not in words(show(notice="evil"))


def test_clearing_asks_first_and_then_tells(store: Store) -> None:
    """The dialog says exactly how many will go; active jobs stay."""
    for status_id in (184, 184, 185, 183):
        store.job(status_id=status_id)
    app = show()
    pick_in_menu(app, "Delete all finished…")
    assert "3 finished jobs" in words(app)
    assert "can be restored for 90 days" in words(app)
    assert len(store.ids()) == 4
    press(app, "Delete 3 jobs")
    until(app, "3 jobs deleted")
    assert len(store.ids()) == 1


def test_a_database_that_does_not_answer_is_a_sentence(store: Store) -> None:
    """Neither a traceback nor a blank page."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE job")
    app = show()
    assert "no table named job" in words(app)
    assert [button.label for button in app.button] == ["Try again"]


@on_sqlite
@pytest.mark.parametrize(
    "script",
    [
        *("", "job.py", "cleanup.py", "queues.py", "batches.py", "queue_job.py"),
        *("job_statistics.py", "job_name.py"),
    ],
)
def test_every_page_says_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """The first time that anything is read, too."""
    url = f"mysql://jobs:word@127.0.0.1:{free_port()}/atom"
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", url)
    assert "does not answer" in words(show(script, id="1", name="export"))


def test_the_clearing_asked_for_is_done_though_the_count_has_changed(store: Store) -> None:
    """A job that finished while the dialog was open does not swallow the press."""
    store.job(), store.job(status_id=183)
    app = show()
    pick_in_menu(app, "Delete all finished…")
    store.set_status(store.ids()[1], 184)
    press(app, "Delete 1 job")
    until(app, "2 jobs deleted")


@pytest.mark.parametrize(
    ("opens", "confirms"), [("Delete…", "Delete"), ("Delete all finished…", "Delete 1 job")]
)
def test_who_was_demoted_under_the_dialog_removes_nothing(
    store: Store, opens: str, confirms: str
) -> None:
    """The database is asked again when the button is pressed, and a sentence says so."""
    job_id = store.job()
    app = show("job.py", id=str(job_id)) if opens == "Delete…" else show()
    press(app, opens) if opens == "Delete…" else pick_in_menu(app, opens)
    store.leave_groups(1)
    press(app, confirms)
    assert store.ids() == [job_id]
    assert "may not delete or restore jobs" in words(app)


def test_a_reader_sees_everything_but_the_ways_to_remove(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither list nor report offers to delete or clear."""
    introduce(monkeypatch, Right.READER)
    job_id = store.job("import")
    app = show()
    assert names(app) == ["import"]
    assert component(app)["actions"] == []
    assert "Delete all finished…" not in app.menu_button[0].options
    assert "cannot delete" in words(app)
    report = show("job.py", id=str(job_id))
    assert not [button.label for button in report.button if "Delete" in button.label]


def test_without_the_gate_the_pages_show_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever serves the pages in another way serves no data."""
    introduce(monkeypatch, None)
    store.job("secret import")
    app = show()
    assert "Nobody has signed in" in words(app)
    assert names(app) == []


def test_whom_the_gate_has_not_introduced_sees_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that somebody else has made up, or another process has signed."""
    store.job("secret import")
    ada = Introduction(1, "Ada", Right.ADMINISTRATOR, session="s", fingerprint="f", until=None)
    for token in ("{}", Introductions().sign(ada), Introductions().sign(ada) + "x"):
        monkeypatch.setattr(ContextProxy, "headers", {HEADER: token})
        app = show()
        assert "Reload the page" in words(app)
        assert names(app) == []
        assert not app.button


@pytest.mark.parametrize("is_good", [True, False])
def test_a_notice_is_no_markdown(store: Store, *, is_good: bool) -> None:
    """What came of a change may repeat a stranger's text."""
    token = get_services().notices.sign("[x](y) :smile:", is_good=is_good)
    app = show(notice=token)
    [shown] = [notice.value for notice in (app.success if is_good else app.warning)]
    assert shown == r"\[x\](y) :" + "\u2060smile:"


def test_a_record_without_a_page_is_no_link(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown by its number."""
    monkeypatch.setenv("HERATIO_JOBS_SITE_URL", "https://a.example")
    record = store.record()
    store.job(object_id=store.record("fonds-1"))
    job_id = store.job(object_id=record, status_id=185)
    app = show()
    assert [row["record"] for row in rows(app)] == [f"#{record}", "fonds-1"]
    linked = [row["cells"]["record"].get("href", "") for row in component(app)["rows"]]
    assert linked == ["", "https://a.example/fonds-1"]
    assert f"#{record}" in words(show("job.py", id=str(job_id)))


def test_a_duration_that_cannot_be_says_why(store: Store) -> None:
    """On the job's page and under the statistics' figures."""
    job_id = store.job(completed_at=datetime(9999, 12, 31, 23, 59, 59))
    assert "duration unknown: the completion time" in words(show("job.py", id=str(job_id)))
    assert "1 finished job without a duration" in words(show("job_statistics.py", period="all"))


def test_the_sidebar_tells_who_is_signed_in(store: Store) -> None:
    """With the name as it is and what they may do."""
    app = show()
    assert "Administrators see" in words(app)
    assert r"\*Ada\* \<b>" in app.sidebar.markdown[0].value
