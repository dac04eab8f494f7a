"""How often the jobs of a name run and fail, and how long they take."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, unquote

import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.job_names import human_name
from jobs_data.platform.status import State
from jobs_data.platform.tables import job_execution
from jobs_data.statistics.durations import Durations
from jobs_data.wording import counted, ran
from pages.parts.shared import address
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import Action, Cell, Column, Handlers, Row
from pages.parts.statistics.panel import Scope, StatisticsState, open_job, say_bound, show_rows

_COLUMNS: Final = [
    Column("name", "Job name", kind="name", main=True),
    Column("runs", "Runs", kind="number", help="Finished jobs of the period"),
    Column("failed_share", "Failed", "number", phone="below", help="Share of the runs that failed"),
    Column(
        "with_errors",
        "With errors",
        "number",
        phone="below",
        help="Share of the runs that completed with errors in their output",
    ),
    Column("median", "Median", "number", phone="below"),
    Column("p95", "95 %", "number", phone="below", help="95 of 100 runs end within this time"),
    Column("slowest", "Slowest", "number", phone="wide"),
    Column("change", "Trend", "number", phone="below", help="The later half's median to the earlier's"),
]
_ACTIONS: Final = [
    Action("list", "List of jobs"),
    Action("failed", "Failed jobs"),
    Action("slowest", "Slowest job"),
]


def show_by_name(durations: Durations, scope: Scope) -> None:
    """Show a row per job name; it opens the name's page, its jobs, failed jobs, or slowest job."""
    by_name, state = durations.by_name, page_state(StatisticsState)
    if by_name.empty:
        scope.say_none("has finished")
        return
    by_name = by_name.sort_values(state.sort, ascending=state.is_ascending, kind="stable")
    slowest = dict(zip(by_name["name"], by_name["slowest_job"], strict=True))

    def row(found: dict[Any, Any]) -> Row:
        name, runs = found["name"], found["runs"]
        cells: dict[str, Cell | str] = {
            "name": Cell(human_name(name), title=name),
            "runs": f"{runs:,}",
            "failed_share": Cell(
                _share(found["failed"] / runs), title=counted(found["failed"], "failed job")
            ),
            "with_errors": Cell(
                _share(found["with_errors"] / runs),
                title=f"{counted(found['with_errors'], 'job')} with errors",
            ),
            "change": _trend(found["change"]),
        }
        for each in ("median", "p95", "slowest"):
            cells[each] = "" if math.isnan(found[each]) else ran(found[each])
        actions = ("list", "failed", "slowest") if found["failed"] else ("list", "slowest")
        return Row(quote(name), name, cells, href=addresses.job_name_url(name), actions=actions)

    def act(row_id: str, action: str) -> None:
        name = unquote(row_id)
        if action in {"list", "failed"}:
            state = State.FAILED if action == "failed" else None
            address.open_list(scope.jobs(names=(name,), state=state))
        elif name in slowest:
            open_job(str(slowest[name]))

    columns = [replace(column, sort=state.order_of(column.id)) for column in _COLUMNS]
    handlers = Handlers(
        on_open=lambda row_id: address.leave_for("job_name.py", {"name": unquote(row_id)}),
        on_action=act,
        on_sort=state.sort_by,
    )
    show_rows("by-name", columns, by_name, row, handlers, _ACTIONS)
    if durations.mean is not None and job_execution.name in scope.database.tables:
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
    scope.say_lacking(
        job_execution, "a duration is completed minus created, the time in the queue included"
    )
    say_bound(durations.bound, scope)


def _share(share: float) -> str:
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _trend(change: float) -> str:
    if math.isnan(change):
        return ""
    return f"{'▲' if change > 0 else '▼' if change < 0 else '='} {abs(change):.0%}"
