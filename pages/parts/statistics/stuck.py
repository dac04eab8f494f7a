"""The active jobs that may be stuck."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.usual_duration import FEWEST_RUNS
from jobs_data.platform import times
from jobs_data.platform.tables import job_execution
from jobs_data.statistics.stuck import Stuck
from jobs_data.wording import counted, elapsed, ran
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row
from pages.parts.statistics.panel import Scope, open_job, show_rows

ABOUT: Final = (
    "Active jobs that run longer than ten minutes, and longer than the median of their name's finished "
    "jobs plus five times the usual deviation from it. Of a name with fewer than "
    f"{FEWEST_RUNS} finished jobs the usual duration is unknown."
)
_COLUMNS: Final = [
    Column("name", "Job", kind="name", main=True),
    Column("runs", "Runs for", kind="number", phone="below"),
    Column("usual", "Usual", kind="number", phone="below"),
]


def show_stuck(stuck: Stuck, scope: Scope) -> None:
    """Show the active jobs that run far longer than usual, then those of which that is unknown."""
    jobs = pd.concat([stuck.jobs, stuck.cannot_tell], ignore_index=True)
    jobs = jobs.round({"seconds": 0, "usual": 0, "limit": 0})

    def row(job: dict[Any, Any]) -> Row:
        name, since = f"{job['name']}, job {job['id']}", job["since"]
        usual: Cell | str = "unknown"
        if pd.notna(job["usual"]):
            usual = Cell(ran(job["usual"]), title=f"limit {ran(job['limit'])}")
        runs = Cell(
            elapsed(job["seconds"]),
            title=f"since {times.shown(since, scope.zone)}",
            since=int(since.timestamp() * 1000),
        )
        return Row(
            str(job["id"]),
            name,
            {"name": Cell(human_name(job["name"]), title=name), "runs": runs, "usual": usual},
            href=addresses.report_url(job["id"], {}),
        )

    if jobs.empty:
        st.success("No active job runs longer than usual.", icon=":material/check_circle:")
    else:
        show_rows("may-be-stuck", _COLUMNS, jobs, row, Handlers(on_open=open_job))
    if stuck.looked_at < stuck.active:
        st.caption(f"Only the {stuck.looked_at:,} oldest of {counted(stuck.active, 'active job')}.")
    scope.say_lacking(job_execution, "a job counts as running since it was created")
