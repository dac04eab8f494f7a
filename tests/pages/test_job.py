"""A job's page, run as Streamlit runs it but without a browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from streamlit.testing.v1 import AppTest

from jobs_data import addresses
from jobs_data.accounts.accounts import Right
from jobs_data.jobs.job_report import read_report
from pages.parts.job.header import BUTTON_MAX_BYTES
from pages.parts.job.timeline import steps_of
from tests.support import web_roots
from tests.support.pages import (
    component,
    fire,
    introduce,
    log,
    log_data,
    press,
    show,
    table,
    until,
    words,
)
from tests.support.store import NOON, Store

pytestmark = pytest.mark.usefixtures("served", "administrator")

JOINER = "\u2060"


def open_job(job_id: int, **query: str) -> AppTest:
    """Show the page of a job."""
    return show("job.py", id=str(job_id), **query)


def text_of(app: AppTest) -> str:
    """Return all text of the page as it is read."""
    return words(app).replace(JOINER, "")


def links(app: AppTest) -> dict[str, str]:
    """Return where the page's link buttons lead, by their labels."""
    return {button.proto.label: button.proto.url for button in app.get("link_button")}


def test_the_page_shows_the_job_and_deletes_it(store: Store) -> None:
    """Name, reason, facts, trace and output; after the deletion the list says what happened."""
    job_id = store.job("<b>*bold*</b>", status_id=185, output="# no heading")
    store.execution(job_id, type="x", duration=65, error_message="[no](link)", stack_trace="#0")
    app = open_job(job_id, status="failed")
    assert "&lt;b&gt;*bold*&lt;/b&gt;" in "".join(str(part.proto) for part in app.get("html"))
    assert [error.value for error in app.error] == [r"\[no\](link)"]
    assert [code.value for code in app.code] == ["#0"]
    assert log(app) == ["# no heading"]
    assert f"Job {job_id} · System · 2026-06-15 12:00:00 (UTC) · ran 1 min 5 s · x" in text_of(app)
    press(app, "Delete…")
    assert f"Job {job_id}" in words(app)
    press(app, "Delete")
    assert store.ids() == []
    assert f"Job {job_id} was deleted." in words(app)


def test_a_class_has_a_human_name_and_keeps_its_own(store: Store) -> None:
    """The heading is read by people; the class is what one searches the platform's code for."""
    app = open_job(store.job("arFindingAidJob"))
    assert ">Finding aid<" in "".join(str(part.proto) for part in app.get("html"))
    assert "· arFindingAidJob" in text_of(app)


def test_the_reason_comes_first_and_once(store: Store) -> None:
    """It stands far above the end of the output; a text that only counts the errors is folded."""
    closing = "Import finished with 2 error(s). 900 record(s) imported."
    rows = "".join(f"Row {n} imported.\n" for n in range(900))
    job_id = store.job(status_id=185, output=f"Start\nERROR: [a](b) gone\n{rows}ERROR: x\n{closing}")
    store.execution(job_id, error_message=closing)
    store.note(job_id, en=closing)
    app = open_job(job_id)
    assert [error.value for error in app.error] == [r"\[a\](b) gone"]
    assert "The output has 1 more error." in words(app)
    assert [expander.label.partition(" ·")[0] for expander in app.expander] == [
        "Error note, Error message"
    ]
    assert app.code[0].value == closing


def test_failures_like_this_are_counted(store: Store) -> None:
    """The link leads to them; a job that is alone with its error has none."""
    for parent in (46, 47, 48):
        job_id = store.job(status_id=185, output=f"ERROR: Parent {parent} does not exist.")
    alone = store.job(status_id=185, output="ERROR: Disk full.")
    app = open_job(job_id)
    [link] = [each.proto for each in app.get("page_link") if each.proto.page.endswith("report")]
    assert link.label == "2 more with this error"
    assert "period=all" in link.query_string
    assert [each.proto.page for each in open_job(alone).get("page_link")] == ["name"]


def test_the_newest_jobs_of_the_same_name_stand_below_the_facts(store: Store) -> None:
    """This one is marked; a failed one says how it goes with the name; the link leads to its page."""
    good = store.job("a&b")
    failed = [store.job("a&b", 185, output=f"ERROR: Parent {n} does not exist.") for n in (46, 47, 48)]
    store.job("another")
    app = open_job(failed[1], status="failed")
    marks = component(app, "marks")["marks"]
    assert [mark["id"] for mark in marks] == [good, *failed]
    assert [mark["sign"] for mark in marks] == ["✔", "✖", "✖", "✖"]
    assert [mark["is_marked"] for mark in marks] == [False, False, True, False]
    assert f"Job {failed[2]}: failed · 2026-06-15 12:00:00 (UTC) · Parent 48" in marks[3]["title"]
    assert "25 % completed" in text_of(app)
    link = f"[#{good}](/admin/jobs/job?status=failed&id={good})"
    sentence = f"The last 3 of this name failed alike; the last good one was {link}."
    assert sentence in text_of(app)
    [link] = [each.proto for each in app.get("page_link") if each.proto.page == "name"]
    assert link.query_string == f"name=a%26b&job={failed[1]}&list=status%3Dfailed"
    assert "The last 3" not in text_of(open_job(good))
    fire(app, "opened", failed[2], "marks")
    assert app.query_params["id"] in (str(failed[2]), [str(failed[2])])
    assert component(app, "marks")["marks"][3]["is_marked"]


def test_a_completed_job_says_that_its_output_has_errors(store: Store) -> None:
    """An import is completed as soon as one record got in."""
    rows = "ERROR: Row 12: *No* parent.\nERROR: Row 13: No date.\n"
    app = open_job(store.job(output=f"Start\n{rows}Import finished with 2 error(s).\n"))
    assert "Completed with 2 errors" in app.warning[0].value
    assert r"Row 12: \*No\* parent." in app.warning[0].value
    assert not open_job(store.job(output="All went well.\n")).warning


def test_a_completed_job_says_which_error_is_noted_elsewhere(store: Store) -> None:
    """Once; its status counts it too. One that is cancelled has no outcome, and its texts below."""
    done = store.job(output="fine")
    cancelled = store.job(status_id=186, completed_at=NOON)
    for job_id in (done, cancelled):
        store.note(job_id, en="No *parent*.")
    app = open_job(done)
    assert [warning.value for warning in app.warning] == [r"Completed with 1 error: No \*parent\*."]
    assert "Completed · 1 error" in text_of(app)
    assert not app.expander
    app = open_job(cancelled)
    assert "did not fail" in app.warning[0].value
    assert len(app.expander) == 1


def test_the_page_says_what_the_job_was_started_with(store: Store) -> None:
    """Notes under their types, parameters without the job's own id and name, and who started it."""
    store.term(174, en="Remark")
    prefix = '[info] [2026-11-25 09:14:02] Job 1 "arFileImportJob": '
    parameters = '{"file":{"name":"<b>.csv"},"name":"arFileImportJob","index":true}'
    job_id = store.job("arFileImportJob", output=f"{prefix}Parameters: {parameters}\n")
    store.property(job_id, "abc", name="userToken")
    for type_id, text in ((None, "Exporting *2* items"), (None, "2 items exported"), (174, "Seen")):
        store.note(job_id, type_id=type_id, en=text)
    app = open_job(job_id)
    text = text_of(app)
    assert "· public export ·" in text
    assert [text.index(each) for each in ("Description", "Note", "Remark")] == sorted(
        text.index(each) for each in ("Description", "Note", "Remark")
    )
    assert "Exporting *2* items" in text
    [table] = [str(part.proto) for part in app.get("html") if "<table" in str(part.proto)]
    assert "&lt;b&gt;.csv" in table
    assert "arFileImportJob" not in table
    assert [one.label for one in app.expander] == ["Parameters · 2 values"]
    assert not open_job(store.job()).expander


def test_the_steps_of_a_job_have_their_waits(store: Store) -> None:
    """A running job goes on counting; where no start is known, the whole time is named."""
    minute, zone = timedelta(minutes=1), ZoneInfo("UTC")
    done = store.job(completed_at=NOON + 3 * minute)
    store.execution(done, started_at=NOON + minute)
    running = store.job(status_id=183)
    cancelled = store.job(status_id=186, completed_at=NOON + minute)

    def steps(job_id: int) -> list[tuple[str, str, int | None]]:
        report = read_report(store.database(), job_id)
        assert report
        found = steps_of(report, zone, NOON.replace(tzinfo=UTC) + 5 * minute)
        return [(step["name"], step["wait"], step["elapsed"]) for step in found]

    assert steps(done) == [
        ("Queued", "waited 1 min", None),
        ("Started", "ran 2 min", None),
        ("Completed", "", None),
    ]
    assert steps(running) == [("Queued", "running for", 300)]
    assert steps(cancelled) == [("Queued", "took 1 min", None), ("Cancelled", "", None)]


def test_a_running_job_is_live_and_says_what_is_usual(store: Store) -> None:
    """Without the toggle of the list; one that is over has no timer, whatever the address says."""
    for _ in range(5):
        store.job("arSlow", completed_at=NOON + timedelta(seconds=48))
    running = store.job("arSlow", status_id=183)
    app = open_job(running)
    assert "again every 15 seconds" in words(app)
    assert "Never started" in words(app)
    assert "usually 48 s (95 % within 48 s)" in words(app)
    assert [tab.label for tab in app.tabs] == ["Heratio", "AtoM"]
    assert all(f"WHERE job.id = {running} " in tab.code[-1].value for tab in app.tabs)
    store.set_status(running, 184)
    app.run()
    assert "again every" not in words(app)
    assert not app.tabs
    assert "again every" not in words(open_job(running, auto="true"))


@pytest.mark.parametrize("status_id", [183, 186])
def test_what_is_not_finished_cannot_be_deleted(store: Store, status_id: int) -> None:
    """Running and cancelled jobs: the button says why."""
    ended = NOON if status_id == 186 else None
    app = open_job(store.job(status_id=status_id, completed_at=ended))
    [button] = [button for button in app.button if button.label == "Delete…"]
    assert button.disabled
    assert "Only completed and failed jobs" in button.help


def test_a_job_that_became_active_under_the_dialog_stays(store: Store) -> None:
    """The confirmation comes too late, and a sentence says so."""
    job_id = store.job()
    app = open_job(job_id)
    press(app, "Delete…")
    store.set_status(job_id, 183)
    press(app, "Delete")
    assert store.ids() == [job_id]
    until(app, f"Job {job_id} is not finished")


def test_a_question_that_a_reader_forges_removes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a dialog opened behind the screen's back does not."""
    job_id = store.job()
    app = open_job(job_id)
    press(app, "Delete…")
    introduce(monkeypatch, Right.READER)
    press(app, "Delete")
    assert store.ids() == [job_id]


@pytest.mark.parametrize("job_id", ["1", "", "abc", "-1", "9" * 30])
def test_an_id_that_does_not_exist_has_a_clear_page(store: Store, job_id: str) -> None:
    """It says what may have happened and leads back."""
    app = show("job.py", id=job_id)
    assert "There is no job with this number" in words(app)
    press(app, "Back to jobs")
    assert app.title[0].value == "Jobs"


def test_a_result_that_cannot_be_served_is_explained(store: Store) -> None:
    """Without a root the setting is named."""
    app = open_job(store.job(download_path="downloads/x.zip"))
    assert "HERATIO_JOBS_RESULTS_ROOT is not set" in text_of(app)


def test_a_small_result_is_downloaded_even_if_it_vanishes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read with the page; a larger one comes from the route; one that is gone is explained."""
    root = web_roots.laravel(tmp_path)
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(root))
    job_id = store.job(download_path="/storage/downloads/finding-aid-7.pdf")
    file = root / "storage" / "downloads" / "finding-aid-7.pdf"
    [button] = open_job(job_id).get("download_button")
    assert button.proto.label == "Result · PDF 8 bytes"
    file.write_bytes(b"." * (BUTTON_MAX_BYTES + 1))
    app = open_job(job_id)
    assert not app.get("download_button")
    assert addresses.download_url(job_id) in links(app).values()
    file.unlink()
    assert "no longer on the server" in text_of(open_job(job_id))


def test_a_result_with_a_name_that_is_no_utf_8_is_offered(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lone byte would break the page's wire format, a mark of direction what follows it."""
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(web_roots.atom(tmp_path)))
    for name in ("f\udcfcr\u202e\n.csv", "f\udcfcr.csv"):
        (tmp_path / "atom" / "downloads" / name).write_bytes(b"12345")
        job_id = store.job(download_path="downloads/x.csv")
        with store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE job SET download_path = CAST(? AS TEXT) WHERE id = ?",
                (f"downloads/{name}".encode(errors="surrogateescape"), job_id),
            )
        [button] = open_job(job_id).get("download_button")
        assert "\u202e" not in button.proto.help
    assert button.proto.label == "Result · CSV 5 bytes"
    assert button.proto.help == "für.csv"


def test_a_time_beyond_all_zones_is_shown(store: Store) -> None:
    """The last second of the year 9999 stands for never in some databases."""
    app = open_job(store.job(created=datetime(9999, 12, 31, 23, 59, 59)))
    assert "9999-12-31 23:59:59" in text_of(app)


def test_a_record_without_a_page_is_no_link(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number stands in its place."""
    monkeypatch.setenv("HERATIO_JOBS_SITE_URL", "https://a.example")
    record = store.record()
    assert f"· record #{record}" in text_of(open_job(store.job(object_id=record)))
    linked = open_job(store.job(object_id=store.record("fonds-1")))
    assert "[fonds-1](https://a.example/fonds-1)" in words(linked)


def test_a_long_line_is_cut_and_all_of_it_offered(store: Store) -> None:
    """The error behind it is in sight, with how much is left out and the way to the whole."""
    job_id = store.job(output="x" * 150_000 + "\nERROR: full")
    app = open_job(job_id)
    [long, error] = log(app)
    assert len(long) < 2_000
    assert error == "ERROR: full"
    assert "148,700 characters" in words(app)
    assert addresses.output_url(job_id) in links(app).values()


def test_an_output_in_json_is_laid_out_as_it_is_written(store: Store) -> None:
    """Heratio keeps the results of its newer jobs so."""
    app = open_job(store.job(output='{"a":1e400,"a":0.10}'))
    assert log(app) == ["{", '  "a": 1e400,', '  "a": 0.10', "}"]


def test_the_times_of_a_log_have_their_zone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """AtoM's become the user's; others are the platform's, which is said."""
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_TIMEZONE", "Europe/Berlin")
    line = '[info] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": Job started.\n'
    app = open_job(store.job(output=line))
    assert log_data(app)["lines"][0][1:3] == ["info", "2026-11-25 08:14:02"]
    assert log_data(app)["zone"] == "UTC"
    assert "Europe/Berlin" not in words(app)
    assert "Europe/Berlin" in words(open_job(store.job(output="2026-11-25 09:14:02 Job started.\n")))


def test_a_row_with_a_warning_is_no_error(store: Store) -> None:
    """It is listed with its word, so that the list does not seem to count wrongly."""
    prefix = '[2026-11-25 09:14:02] Job 1 "import": Row'
    output = f"[err] {prefix} 12: no title\n[warning] {prefix} 48: no date\n"
    app = open_job(store.job(output=output))
    messages = [row["message"] for row in table(app, "Errors of rows")]
    assert messages == ["no title", "no date / Warning"]
    assert "Completed with 1 error" in words(app)


def test_what_a_job_writes_in_place_of_older_lines_is_shown(store: Store) -> None:
    """Its output is as long as before."""
    job_id = store.job("import", 183, output="Row 1 imported.\n")
    app = open_job(job_id)
    store.set_job(job_id, output="Row 2 imported.\n")
    assert log(app.run()) == ["Row 2 imported."]


def test_the_errors_of_rows_lead_to_their_lines(store: Store) -> None:
    """The first twenty are listed, all are in the CSV, and a press shows the line."""
    rows = "".join(f"Row {n} imported.\nERROR: Row {n}: =No *parent*\n" for n in range(1, 31))
    job_id = store.job(output=f"Start\n{rows}Import finished with 30 error(s).\n")
    app = open_job(job_id)
    shown = table(app, "Errors of rows")
    assert len(shown) == 20
    assert shown[1] == {"row": "2", "message": "=No *parent*", "line": "5"}
    assert "and 10 more" in words(app)
    assert addresses.row_errors_url(job_id) in links(app).values()
    before = log_data(app)
    fire(app, "opened", "5", key="row_error_lines")
    assert (log_data(app)["line"], log_data(app)["seq"]) == (5, before["seq"] + 1)


@pytest.mark.parametrize("line", ["0", "-3", "4", "abc", "9" * 30, ""])
def test_a_line_that_is_not_there_is_explained(store: Store, line: str) -> None:
    """The viewer opens where it would without it."""
    app = open_job(store.job(output="one\ntwo\nthree\n"), line=line)
    assert "This output has no line" in app.warning[0].value
    assert log_data(app)["line"] is None
    app.run()
    assert not app.warning


def test_a_line_outside_the_end_of_a_long_output_is_shown(store: Store) -> None:
    """With the lines around it, and ways to what comes before and after."""
    job_id = store.job(output="".join(f"line {n}\n" for n in range(1, 60_001)))
    app = open_job(job_id, line="30000")
    shown = log_data(app)
    assert (shown["line"], shown["earlier"], shown["later"]) == (30_000, True, True)
    numbers = [number for number, *_ in shown["lines"]]
    assert log(app)[numbers.index(30_000)] == "line 30000"
    for move, is_at in (("earlier", 30_000), ("beginning", 1), ("later", 25_000), ("end", 60_000)):
        fire(app, "move", move, key="log_viewer")
        assert is_at in [number for number, *_ in log_data(app)["lines"]]
    assert not log_data(app)["later"]


def test_a_cut_output_says_so(store: Store) -> None:
    """AtoM keeps the first characters, its column the first bytes: the end with the error is lost."""
    app = open_job(store.job(output="läuft\n" * 10_922 + "xx"))
    assert "cut this output at 65,534 characters" in app.warning[0].value
    app = open_job(store.job(output="läuft\n" * 9_362 + "x"))
    assert "cut this output at 65,535 bytes" in app.warning[0].value


def test_a_job_that_fails_without_a_word_has_its_error_marked(store: Store) -> None:
    """What it wrote before says why; while it ran, that was no error."""
    job_id = store.job(status_id=183, output="Start\nRuntimeException: Disk full in /a/b.php:3\n#0\n")
    app = open_job(job_id)
    assert [line[1] for line in log_data(app)["lines"]] == ["", "", ""]
    store.set_status(job_id, 185)
    app.run()
    assert [line[1] for line in log_data(app)["lines"]] == ["", "error", ""]


def test_a_description_is_no_error(store: Store) -> None:
    """AtoM's note without a type is shown, and a job that went well has no panel of errors."""
    job_id = store.job(output="done")
    store.note(job_id, type_id=None, en="Exporting 2 descriptions")
    app = open_job(job_id)
    assert "Description\n" in f"{words(app)}\n"
    assert "Exporting 2 descriptions" in words(app)
    assert log(app) == ["done"]
    assert not app.error
    assert not app.warning
