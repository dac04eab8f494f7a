"""The active jobs that may be stuck."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.usual_duration import FEWEST_RUNS
from jobs_data.jobs.view import ListView
from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.tables import job_execution
from jobs_data.statistics.stuck import Stuck
from jobs_data.wording import counted, elapsed, ran
from pages.parts.shared import address
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table
from pages.parts.statistics.panel import below_rows, first_rows, say_lacking

HELP = (
    "Active jobs that run longer than ten minutes, and longer than the median of their name's finished "
    "jobs plus five times the usual deviation from it. Of a name with fewer than "
    f"{FEWEST_RUNS} finished jobs the usual duration is unknown."
)
_COLUMNS = [
    Column("name", "Job", kind="name", main=True),
    Column("runs", "Runs for", kind="number"),
    Column("usual", "Usual", kind="number"),
]


def show_stuck(database: Database, stuck: Stuck, zone: ZoneInfo) -> None:
    """Show the active jobs that run far longer than usual, then those of which that is unknown."""
    jobs = pd.concat([stuck.jobs, stuck.cannot_tell], ignore_index=True)
    if jobs.empty:
        st.success("No active job runs longer than usual.", icon=":material/check_circle:")
    else:
        rows_table(
            "stuck",
            "Jobs that may be stuck",
            _COLUMNS,
            [_row(job, zone) for job in first_rows("may-be-stuck", jobs).to_dict("records")],
            Handlers(on_open=lambda job_id: address.open_job(ListView(), int(job_id))),
        )
        below_rows(
            "may-be-stuck",
            jobs.round({"seconds": 0, "usual": 0, "limit": 0}),
            {
                "id": "Job",
                "name": "Job name",
                "since": "Running since",
                "seconds": "Runs for (s)",
                "usual": "Usual (s)",
                "limit": "Limit (s)",
            },
        )
    if stuck.looked_at < stuck.active:
        st.caption(f"Only the {stuck.looked_at:,} oldest of {counted(stuck.active, 'active job')}.")
    say_lacking(database, job_execution, "a job counts as running since it was created")


def _row(job: dict[Any, Any], zone: ZoneInfo) -> Row:
    since: datetime = job["since"]
    usual: Cell | str = "unknown"
    if pd.notna(job["usual"]):
        usual = Cell(ran(job["usual"]), title=f"limit {ran(job['limit'])}")
    return Row(
        str(job["id"]),
        job["name"],
        {
            "name": Cell(job["name"], title=f"Job {job['id']}"),
            "runs": Cell(
                elapsed(job["seconds"]),
                title=f"since {times.shown(since, zone)}",
                since=int(since.timestamp() * 1000),
            ),
            "usual": usual,
        },
        href=addresses.report_url(job["id"], {}),
    )
