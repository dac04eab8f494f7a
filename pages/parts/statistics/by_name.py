"""How often the jobs of a name run and fail, and how long they take."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.database import Database
from jobs_data.platform.status import State
from jobs_data.platform.tables import job_execution
from jobs_data.statistics.durations import Durations
from jobs_data.statistics.period import Period
from jobs_data.wording import counted, ran
from pages.parts.shared import address
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import Action, Cell, Column, Handlers, Row, rows_table
from pages.parts.statistics.panel import (
    StatisticsState,
    below_rows,
    first_rows,
    say_has_more,
    say_lacking,
)

_COLUMNS: Final = [
    Column("name", "Job name", kind="name", main=True),
    Column("runs", "Runs", kind="number", help="Finished jobs of the period"),
    Column("failed_share", "Failed", kind="number", help="Share of the runs that failed", phone="last"),
    Column("median", "Median", kind="number"),
    Column("p95", "95 %", kind="number", help="95 of 100 runs end within this time"),
    Column("slowest", "Slowest", kind="number", phone="wide"),
    Column(
        "change",
        "Trend",
        kind="number",
        help="The median of the later half of the time, compared with the earlier half",
    ),
]
_ACTIONS: Final = [Action("failed", "Failed jobs"), Action("slowest", "Slowest job")]


def show_by_name(
    database: Database, durations: Durations, period: Period, zone: ZoneInfo, now: datetime
) -> None:
    """Show a row per job name; it opens the list, its failed jobs, or its slowest job."""
    by_name = durations.by_name
    if by_name.empty:
        st.info("No job of this period has finished.", icon=":material/inbox:")
        return
    state = page_state(StatisticsState)
    by_name = by_name.sort_values(
        state.sort, ascending=state.is_ascending, kind="stable", ignore_index=True
    )
    created = period.created(zone, now)

    def open_names(name: str, only: State | None = None) -> None:
        address.open_list(ListView(JobFilter(state=only, names=(name,), created=created)))

    def act(name: str, action: str) -> None:
        slowest = by_name.loc[by_name["name"] == name, "slowest_job"]
        if action == "failed":
            open_names(name, State.FAILED)
        elif len(slowest):
            address.open_job(ListView(), int(slowest.iloc[0]))

    rows_table(
        "by_name",
        "Jobs by name",
        [replace(column, sort=state.order_of(column.id)) for column in _COLUMNS],
        [_row(each) for each in first_rows("by-name", by_name).to_dict("records")],
        Handlers(on_open=open_names, on_action=act, on_sort=state.sort_by),
        actions=_ACTIONS,
    )
    below_rows(
        "by-name",
        by_name,
        {
            "name": "Job name",
            "runs": "Runs",
            "failed": "Failed",
            "median": "Median (s)",
            "p95": "95 % (s)",
            "slowest": "Slowest (s)",
            "slowest_job": "Slowest job",
            "change": "Change of the median",
        },
    )
    _say_what_durations_are(database, durations)


def _row(found: dict[Any, Any]) -> Row:
    failed, share = found["failed"], found["failed_share"]
    return Row(
        found["name"],
        found["name"],
        {
            "name": Cell(found["name"]),
            "runs": f"{found['runs']:,}",
            "failed_share": Cell(f"{share:.0%}", title=counted(failed, "failed job")),
            "median": _seconds(found["median"]),
            "p95": _seconds(found["p95"]),
            "slowest": _seconds(found["slowest"]),
            "change": _trend(found["change"]),
        },
        actions=("failed", "slowest") if failed else ("slowest",),
    )


def _seconds(seconds: float) -> str:
    return "" if math.isnan(seconds) else ran(seconds)


def _trend(change: float) -> str:
    if math.isnan(change):
        return ""
    return f"{'▲' if change > 0 else '▼' if change < 0 else '='} {abs(change):.0%}"


def _say_what_durations_are(database: Database, durations: Durations) -> None:
    if durations.mean is not None and job_execution.name in database.tables:
        st.caption(
            f"{durations.recorded:,} durations as the platform recorded them, {durations.derived:,} as "
            "completed minus created, the time in the queue included; "
            f"{ran(durations.mean)} on average."
        )
    if durations.unknown:
        st.caption(
            f"{counted(durations.unknown, 'finished job')} without a duration: a completion time that "
            "is missing, in the future or before the creation makes none, nor does a recorded number "
            "that cannot be right."
        )
    say_lacking(
        database, job_execution, "a duration is completed minus created, the time in the queue included"
    )
    say_has_more(durations.has_more)
