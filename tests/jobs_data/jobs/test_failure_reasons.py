"""Which of a job's texts says why it failed, in the report and in the statistics, on both databases."""

import pytest

from jobs_data.jobs import job_report
from jobs_data.jobs.failure_reasons import read_reasons
from jobs_data.jobs.job_report import JobReport
from tests.support.lists import report_of
from tests.support.store import Store

CLOSING = "Import finished with 3 error(s). 120 record(s) imported."


def imported(rows: int, before: int = 0, row: str = "Row {} imported: Größe 📷.\n") -> str:
    """Return an import's output: its first error has so many rows before it, and after it."""
    steps = "".join(row.format(n) for n in range(before))
    rest = "".join(row.format(n) for n in range(rows))
    errors = "ERROR: Row 8: Bad.\nERROR: Row 9: Bad.\n"
    return f"Reading\n{steps}ERROR: Row 12: No parent.\n{rest}{errors}{CLOSING}\n"


def read(store: Store, job_id: int) -> JobReport:
    """Return a job's report, whose reason is the one that the statistics read."""
    database = store.database()
    report = report_of(database, job_id)
    with database.reading() as connection:
        reasons = read_reasons(connection, database, [job_id])
    assert report.reason == (reasons[job_id].text if job_id in reasons else "")
    return report


@pytest.mark.parametrize(("before", "rows"), [(0, 0), (0, 700), (900, 9_000), (9_000, 900)])
def test_the_line_of_an_import_is_found_however_far_up(store: Store, before: int, rows: int) -> None:
    """The message says no more than that there were errors."""
    job_id = store.job(status_id=185, output=imported(rows, before))
    store.execution(job_id, error_message=CLOSING)
    report = read(store, job_id)
    assert report.reason == "Row 12: No parent."
    assert report.more_errors == (0 if report.output_is_tail else 2)
    around, *message = report.errors
    # The message is the output's last line, and so among those around the reason of a short one.
    assert [around.source, *(one.source for one in message)] == (
        ["Output", "Error message"] if rows else ["Output, Error message"]
    )
    assert around.reason_line is not None
    assert around.text.splitlines()[around.reason_line] == "ERROR: Row 12: No parent."
    assert len(around.text.splitlines()) <= job_report.EXCERPT_LINES
    assert "▶ ERROR: Row 12: No parent." in around.marked.splitlines()


def test_a_message_that_is_specific_wins_over_the_output(store: Store) -> None:
    """And an error note over both; the trace says it where they do not."""
    job_id = store.job(status_id=185, output=imported(5))
    store.execution(
        job_id, error_message="No space left.", stack_trace="RuntimeException: x\n#0 {main}"
    )
    assert read(store, job_id).reason == "No space left."
    for text in ("The row is gone.", "/var/www/lib/x.php", "117"):
        store.note(job_id, en=text)
    report = read(store, job_id)
    assert report.reason == "The row is gone."
    assert [error.reason_line for error in report.errors] == [0, None, None, None]
    job_id = store.job(status_id=185, output=imported(5))
    store.execution(job_id, error_message="Job failed.", stack_trace="RuntimeException: x\n#0 {main}")
    report = read(store, job_id)
    assert report.reason == "RuntimeException: x"
    assert report.errors[0].source == "Stack trace"


def test_an_exception_above_a_long_trace_is_found(store: Store) -> None:
    """Its frames fill more than is read of the end at first."""
    trace = "".join(f"#{n} /var/www/vendor/laravel/ErrorHandler.php({n}): run()\n" for n in range(900))
    text = "ValueError: bad date in /var/www/x.php:3"
    job_id = store.job(status_id=185, output=f"Start\nPHP Fatal error:  Uncaught {text}\n{trace}")
    assert read(store, job_id).reason == "ValueError: bad date"


@pytest.mark.parametrize(
    "line",
    [
        "\x1b[31mERROR\x1b[0m: Disk full",
        "Fehler: Die Platte ist voll",
        "エラー: ディスクが一杯です",
        "ERROR 1045 (28000): Access denied",
        '{"level_name":"ERROR","message":"Disk full"}',
        'Exception in thread "main" java.lang.OutOfMemoryError: heap',
        "2026-11-25T09:14:02Z ERROR Disk full",
        "Segmentation fault (core dumped)",
    ],
)
def test_an_error_far_above_the_end_is_found_in_every_form(store: Store, line: str) -> None:
    """The report reads all of an output, the statistics what is around such lines."""
    rows = "Row 5 imported: the Ministry of Works\n"
    output = f"{rows * 700}{line}\n{rows * 300}"
    assert read(store, store.job(status_id=185, output=output)).reason


def test_a_job_that_went_well_has_no_reason(store: Store) -> None:
    """Nor has a failed one whose output says that all went well: that text is shown as it is."""
    completed = read_report(store, store.job(output=imported(5)))
    assert (completed.reason, completed.errors) == ("", ())
    output = "Reading\nImport complete. 5 record(s) imported."
    report = read_report(store, store.job(status_id=185, output=output))
    assert (report.reason, [error.reason_line for error in report.errors]) == ("", [None])


def read_report(store: Store, job_id: int) -> JobReport:
    """Return a job's report."""
    return report_of(store.database(), job_id)


def test_a_long_line_does_not_bury_the_reason(store: Store) -> None:
    """Lines around it are cut."""
    output = f"{'x' * 60_000}\nERROR: Row 5: bad\n{'y' * 60_000}"
    [error] = read_report(store, store.job(status_id=185, output=output)).errors
    assert len(error.text) < 3 * job_report.EXCERPT_COLUMNS
    assert "▶ ERROR: Row 5: bad" in error.marked


@pytest.mark.parametrize("before", [0, 150_000])
def test_the_lines_around_the_reason_come_once(store: Store, before: int) -> None:
    """Those of a long output's end, whose error is found in the whole output too."""
    output = "".join(f"line {at}\n" for at in range(before // 8, 30_000))
    output = f"{'x' * before}\n{output}ERROR: Row 5: bad\nThe end"
    report = read_report(store, store.job(status_id=185, output=output))
    assert report.output_is_tail
    [error] = report.errors
    lines = error.text.splitlines()
    assert lines.count("ERROR: Row 5: bad") == 1
    assert "▶ ERROR: Row 5: bad" in error.marked.splitlines()
    assert lines[-1] == "The end"


def test_lines_around_the_reason_are_short(store: Store) -> None:
    """So that on a phone the reason is in sight; its own line is longer."""
    output = f"{'x' * 900}\nERROR: {'y' * 900}"
    [error] = read_report(store, store.job(status_id=185, output=output)).errors
    around, reason = error.text.splitlines()
    assert len(around) < len(output) / 4 < len(reason)
