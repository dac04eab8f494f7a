"""Why jobs failed: the commonest errors, and the jobs of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses, plain_text
from jobs_data.jobs.view import ListView
from jobs_data.platform.database import Database
from jobs_data.platform.tables import job_execution, note, note_i18n
from jobs_data.statistics.failures import Failures
from jobs_data.statistics.period import Period
from jobs_data.wording import counted, relative_time
from pages.parts.shared import address
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table, time_cell
from pages.parts.statistics.panel import below_rows, first_rows, say_lacking

ERROR_PARAM: Final = "failure"
HELP: Final = (
    "Numbers, paths, times and quoted names are folded, so that the same error counts once. New: not "
    "among the failures looked at before the period."
)
_ERRORS: Final = [
    Column("pattern", "Error", kind="name", main=True),
    Column("jobs", "Jobs", kind="number"),
    Column("last", "Last", kind="time", phone="last"),
]
_JOBS: Final = [
    Column("name", "Job", kind="name", main=True),
    Column("id", "Number", kind="number"),
    Column("at", "When", kind="time", phone="last"),
]


def show_errors(
    database: Database, failures: Failures, period: Period, zone: ZoneInfo, now: datetime
) -> None:
    """Show the patterns of the error texts, and over the page the jobs of the one in the URL."""
    if is_error_open():
        _show_jobs(failures, period, zone, now)
    if failures.patterns.empty:
        st.success("No job of this period failed.", icon=":material/check_circle:")
    else:
        rows_table(
            "top_errors",
            "Top errors",
            _ERRORS,
            [
                _error_row(error, period, zone, now)
                for error in first_rows("top-errors", failures.patterns).to_dict("records")
            ],
            Handlers(on_open=lambda key: st.query_params.update({ERROR_PARAM: key})),
        )
        below_rows(
            "top-errors",
            failures.patterns,
            {
                "jobs": "Jobs",
                "pattern": "Error",
                "example": "Example",
                "is_new": "New",
                "first": "First seen",
                "last": "Last seen",
            },
        )
    if failures.looked_at < failures.of:
        st.caption(f"Only the newest {failures.looked_at:,} of {counted(failures.of, 'failure')}.")
    for table in (note, note_i18n):
        say_lacking(
            database,
            table,
            "the reason is that of the recorded message, the stack trace or the job's output",
        )
    say_lacking(database, job_execution, "the reason is that of the job's notes or of its output")


def is_error_open() -> bool:
    """Return whether the jobs of an error are shown."""
    return ERROR_PARAM in st.query_params


def _error_row(error: dict[Any, Any], period: Period, zone: ZoneInfo, now: datetime) -> Row:
    first = f"first {relative_time(error['first'], now, zone)}"
    return Row(
        error["key"],
        error["pattern"],
        {
            "pattern": Cell(error["pattern"], detail=f"New · {first}" if error["is_new"] else first),
            "jobs": f"{error['jobs']:,}",
            "last": time_cell(error["last"], zone, now),
        },
        href=addresses.statistics_url({"period": period.value, ERROR_PARAM: error["key"]}),
    )


def _close() -> None:
    st.query_params.pop(ERROR_PARAM, None)


# Below or above a long table they would be out of sight; a dialog is not, and has the keyboard too.
@st.dialog(
    "Jobs with this error",
    width="large",
    icon=":material/list:",
    on_dismiss=_close,
)
def _show_jobs(failures: Failures, period: Period, zone: ZoneInfo, now: datetime) -> None:
    found = failures.patterns[failures.patterns["key"] == st.query_params.get(ERROR_PARAM)]
    if found.empty:
        st.info(_no_such_error(failures, period), icon=":material/search_off:")
        return
    pattern, count = found.iloc[0]["pattern"], int(found.iloc[0]["jobs"])
    jobs = failures.jobs[failures.jobs["pattern"] == pattern]
    st.code(plain_text.panel(pattern).text, language=None, wrap_lines=True)
    st.caption(
        counted(count) + (f"; the newest {len(jobs):,} are listed." if len(jobs) < count else ".")
    )
    rows_table(
        "error_jobs",
        "Jobs with this error",
        _JOBS,
        [
            Row(
                str(job["id"]),
                job["name"],
                {
                    "name": Cell(job["name"], detail=job["text"], tone="red"),
                    "id": str(job["id"]),
                    "at": time_cell(job["at"], zone, now),
                },
                href=addresses.report_url(job["id"], {}),
            )
            for job in jobs.to_dict("records")
        ],
        Handlers(on_open=lambda job_id: address.open_job(ListView(), int(job_id))),
    )
    if address.is_leaving():
        # A press in a dialog runs the dialog alone; it is `main.py` that leads to the job.
        st.rerun()


def _no_such_error(failures: Failures, period: Period) -> str:
    if failures.looked_at < failures.of:
        return (
            f"This error is not among the {failures.looked_at:,} newest failures of the period. A "
            "shorter period may have it."
        )
    if period.days is None:
        return "No job has failed with this error."
    return "No job of this period has failed with this error. A longer period may have one that did."
