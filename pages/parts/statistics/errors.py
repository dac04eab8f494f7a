"""Why jobs failed or completed with errors: the most frequent errors, and the jobs of one."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from jobs_data import addresses, plain_text
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform.status import State
from jobs_data.platform.tables import job_execution, note, note_i18n
from jobs_data.statistics.failures import COUNTED_FAILURES, Failures
from jobs_data.wording import counted, relative_time
from pages.parts.shared import address, marks
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table, time_cell
from pages.parts.statistics.panel import Scope, open_job, show_rows

ERROR_PARAM: Final = "failure"
ABOUT: Final = (
    "Of the jobs that failed or completed with errors. Numbers, paths, times and quoted names are "
    "folded, so that the same error counts once. New: not among those looked at before the period."
)
_ERRORS: Final = [
    Column("pattern", "Error", kind="name", main=True),
    Column("jobs", "Jobs", kind="number"),
    Column("last", "Last", kind="time", phone="last"),
]
_JOBS: Final = [
    Column("name", "Job", kind="name", main=True),
    Column("state", "Status", phone="below"),
    Column("id", "Number", kind="number"),
    Column("at", "When", kind="time", phone="last"),
]


def show_errors(failures: Failures, scope: Scope) -> None:
    """Show the patterns of the error texts, and over the page the jobs of the one in the URL."""

    def row(error: dict[Any, Any]) -> Row:
        is_new = error["is_new"] and failures.looked_at_before
        seen = f"first seen {relative_time(error['first'], scope.now, scope.zone)}"
        cells: dict[str, Cell | str] = {
            "pattern": Cell(error["pattern"], detail=f"New · {seen}" if is_new else seen),
            "jobs": f"{error['jobs']:,}",
            "last": time_cell(error["last"], scope.zone, scope.now),
        }
        params = {"period": scope.period.value, ERROR_PARAM: error["key"]}
        return Row(error["key"], error["pattern"], cells, href=addresses.statistics_url(params))

    if is_error_open():
        _show_jobs(failures, scope)
    if failures.patterns.empty:
        sentence = "No job of this period failed or is known to have errors in its output."
        st.success(sentence, icon=":material/check_circle:")
    else:
        handlers = Handlers(on_open=lambda key: st.query_params.update({ERROR_PARAM: key}))
        show_rows("top-errors", _ERRORS, failures.patterns, row, handlers)
    if failures.looked_at < failures.of:
        of = counted(failures.of, "job") if failures.is_counted else f"at least {failures.of:,} jobs"
        st.caption(f"Only the newest {failures.looked_at:,} of {of} with errors.")
    elif not failures.is_counted:
        st.caption(f"Of the newest {COUNTED_FAILURES:,} jobs with errors.")
    for table in (note, note_i18n):
        scope.say_lacking(
            table, "the reason is that of the recorded message, the stack trace or the job's output"
        )
    scope.say_lacking(job_execution, "the reason is that of the job's notes or of its output")


def is_error_open() -> bool:
    """Return whether the jobs of an error are shown."""
    return ERROR_PARAM in st.query_params


def _close() -> None:
    st.query_params.pop(ERROR_PARAM, None)


# The list cannot be filtered by an error: its reason is found in texts, for the newest failures alone.
@st.dialog("Jobs with this error", width="large", icon=":material/list:", on_dismiss=_close)
def _show_jobs(failures: Failures, scope: Scope) -> None:
    found = failures.patterns[failures.patterns["key"] == st.query_params.get(ERROR_PARAM)]
    if found.empty:
        st.info(_no_such_error(failures, scope), icon=":material/search_off:")
        return
    pattern, count = found.iloc[0]["pattern"], int(found.iloc[0]["jobs"])
    jobs = failures.jobs[failures.jobs["pattern"] == pattern]
    newest = f"; the newest {len(jobs):,} are listed." if len(jobs) < count else "."
    st.code(plain_text.panel(pattern), language=None, wrap_lines=True)
    completed = int(found.iloc[0]["completed"])
    how = f", {completed:,} of them completed" if completed else ""
    st.caption(counted(count) + how + newest)

    def row(job: dict[Any, Any]) -> Row:
        is_completed = job["state"] == State.COMPLETED
        cells: dict[str, Cell | str] = {
            "name": Cell(human_name(job["name"]), title=job["name"], detail=job["text"], tone="red"),
            "state": marks.outcome_cell(WITH_ERRORS if is_completed else job["state"]),
            "id": str(job["id"]),
            "at": time_cell(job["at"], scope.zone, scope.now),
        }
        href = addresses.report_url(job["id"], {})
        return Row(str(job["id"]), f"{job['name']}, job {job['id']}", cells, href=href)

    rows = [row(job) for job in jobs.to_dict("records")]
    rows_table("error-jobs", "Jobs with this error", _JOBS, rows, Handlers(on_open=open_job))
    if address.is_leaving():
        # A press in a dialog runs the dialog alone; it is `main.py` that leads to the job.
        st.rerun()


def _no_such_error(failures: Failures, scope: Scope) -> str:
    if failures.looked_at < failures.of:
        return (
            f"This error is not among those of the period's {failures.looked_at:,} newest jobs with "
            "errors. A shorter period may have it."
        )
    if scope.period.days is None:
        return "No job has this error."
    return "No job of this period has this error. A longer period may have one."
