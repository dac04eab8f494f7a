"""The active jobs that may be stuck."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.job_names import human_name
from jobs_data.jobs.liveness import NEWEST_UNFINISHED, Liveness
from jobs_data.jobs.usual_duration import FEWEST_RUNS
from jobs_data.platform import times
from jobs_data.platform.status import Alive
from jobs_data.platform.tables import job_execution
from jobs_data.wording import counted, elapsed, ran
from pages.parts.shared.look import alive_cell
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, time_cell
from pages.parts.statistics.panel import Scope, open_job, show_rows

ABOUT: Final = (
    "Active jobs that never started, or have been running or silent for longer than ten minutes, than "
    "95 of 100 finished jobs of their name, and than the median plus five times the usual deviation "
    f"from it. Of a name with fewer than {FEWEST_RUNS} finished jobs that is unknown."
)
_STATES: Final = (Alive.SILENT, Alive.NEVER_STARTED, Alive.OVERDUE, Alive.UNKNOWN)
_COLUMNS: Final = [
    Column("state", "State", width="8rem"),
    Column("name", "Job", main=True),  # as narrow as half a page needs
    Column("runs", "Runs for", kind="number", phone="below"),
    Column("wrote", "Last wrote", kind="number", phone="below"),
    Column("usual", "Usual", kind="number", phone="below"),
]


def show_stuck(liveness: Liveness, scope: Scope) -> None:
    """Show the active jobs that may be stuck, then those of which that is unknown."""
    jobs = liveness.jobs[liveness.jobs["state"].isin(_STATES)]
    jobs = jobs.sort_values("state", key=lambda states: states == Alive.UNKNOWN, kind="stable")
    jobs = jobs.round({"seconds": 0, "usual": 0, "p95": 0, "limit": 0})

    def row(job: dict[Any, Any]) -> Row:
        name, since = f"{job['name']}, job {job['id']}", job["since"]
        usual: Cell | str = "unknown"
        if pd.notna(job["usual"]):
            usual = Cell(ran(job["usual"]), title=f"limit {ran(job['limit'])}")
        runs: Cell | str = ""
        if pd.notna(since):
            runs = Cell(
                elapsed(job["seconds"]),
                title=f"since {times.shown(since, scope.zone)}",
                since=int(since.timestamp() * 1000),
            )
        return Row(
            str(job["id"]),
            name,
            {
                "state": alive_cell(Alive(job["state"])),
                "name": Cell(human_name(job["name"]), title=name),
                "runs": runs,
                "wrote": time_cell(job["wrote"], scope.zone, liveness.read_at) or "never",
                "usual": usual,
            },
            href=addresses.report_url(job["id"], {}),
        )

    if jobs.empty:
        st.success("No active job is silent, overdue or never started.", icon=":material/check_circle:")
    else:
        show_rows("may-be-stuck", _COLUMNS, jobs, row, Handlers(on_open=open_job))
    if not liveness.is_whole:
        st.caption(
            f"Only among the newest {NEWEST_UNFINISHED:,} unfinished jobs. Refresh finds older ones "
            "once all jobs have been counted."
        )
    elif liveness.looked_at < liveness.active:
        st.caption(f"Only {liveness.looked_at:,} of {counted(liveness.active, 'active job')}.")
    scope.say_lacking(job_execution, "a job counts as running since it was created")
