"""How the jobs of one name ended, how long they took, and their usual errors."""

from __future__ import annotations

import math
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from jobs_data import addresses
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform import times
from jobs_data.platform.status import State
from jobs_data.statistics.name_history import NEWEST, NameHistory
from jobs_data.wording import counted, ran
from pages.parts.shared import address, marks
from pages.parts.shared.look import LOOKS
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, time_cell
from pages.parts.statistics.panel import Scope, channel, numbers, open_job, show_rows

_BOXES: Final = {State.COMPLETED: st.success, State.FAILED: st.error, WITH_ERRORS: st.warning}
_SHAPES: Final = {"Completed": "circle", "Completed with errors": "triangle-up", "Failed": "cross"}
_COLORS: Final = ["Completed", "Failed", "", "Completed with errors"]
"""In the order of the theme's chart colours."""

_UNITS: Final = ((86_400, "Days"), (3_600, "Hours"), (60, "Minutes"), (1, "Seconds"))
_LINE: Final = "#7f8791"  # stands out from a light and from a dark background by 3 : 1
_ERRORS: Final = [
    Column("pattern", "Error", kind="name", main=True),
    Column("jobs", "Jobs", kind="number"),
    Column("last", "Last", kind="time", phone="last"),
]


def show_outcome(history: NameHistory, name: str) -> None:
    """Show in a sentence how the newest jobs ended, with links to the jobs that matter most."""
    newest = "" if history.runs.empty else str(history.runs["outcome"].iloc[-1])
    _BOXES.get(newest, st.info)(marks.linked_sentence(history, jobs_called(name)))
    good, bad = ("Last good", history.last_good), ("First bad", history.first_bad)
    if history.first_bad is None:
        bad = ("Last bad", history.last_bad)
    with st.container(horizontal=True, key="name_links"):
        for (label, job_id), look in ((good, LOOKS[State.COMPLETED]), (bad, LOOKS[State.FAILED])):
            if job_id is not None:
                st.page_link(
                    "job.py",
                    label=f"{label}: #{job_id}",
                    icon=look.icon,
                    query_params=address.link_params(jobs_called(name), id=str(job_id)),
                )


def jobs_called(name: str) -> ListView:
    """Return the list of the jobs of a name."""
    return ListView(JobFilter(names=(name,)))


def show_newest(history: NameHistory, name: str, zone: ZoneInfo, marked: int | None) -> None:
    """Show a mark for each of the newest jobs, and the figures of the newest runs."""
    marks.show_marks(
        history.newest, zone, lambda job_id: address.open_job(jobs_called(name), job_id), marked
    )
    newest = "The only job" if len(history.newest) == 1 else f"The newest {len(history.newest)} jobs"
    st.caption(f"{newest}, oldest to newest: {marks.legend(history.newest)}")
    st.markdown(" · ".join(figures(history)))


def figures(history: NameHistory) -> list[str]:
    """Return the figures of the newest runs as Markdown, without those that are not known."""
    parts = []
    if (share := history.completed_share) is not None:
        # Cut, not rounded: with a failure it is never 100 %.
        parts.append(
            f"**{math.floor(share * 100)} %** of {counted(len(history.runs), 'run')} completed"
        )
    if history.with_errors:
        parts.append(f"**{history.with_errors:,}** with errors")
    if history.median_seconds is not None and history.p95_seconds is not None:
        parts.append(f"median **{ran(history.median_seconds)}**")
        parts.append(f"95 % took at most **{ran(history.p95_seconds)}**")
    return parts


def show_durations(history: NameHistory, zone: ZoneInfo, marked: int | None) -> None:
    """Show how long each of the newest runs took, beside the usual time; one job is marked."""
    runs = history.runs.dropna(subset="seconds")
    if runs.empty:
        st.info("No duration of a job of this name is known.", icon=":material/inbox:")
        return
    size, unit = next(
        (size, unit) for size, unit in _UNITS if runs["seconds"].max() >= size or size == 1
    )
    drawn = pd.DataFrame(
        {
            "run": range(1, len(runs) + 1),
            "time": runs["seconds"].to_numpy() / size,
            "how": runs["outcome"].map(marks.WORDS).to_numpy(),
            "job": runs["id"].map(lambda job_id: f"#{job_id}").to_numpy(),
            "took": runs["seconds"].map(ran).to_numpy(),
            "ended": runs["at"].map(lambda at: times.shown(at, zone)).to_numpy(),
        }
    )
    alt = f"How long each of {counted(len(runs), 'run')} took: the numbers are below"
    st.vega_lite_chart(drawn, _chart(drawn, unit, history, size, marked), height=260, alt=alt)
    if marked is not None and marked not in set(runs["id"]):
        st.caption(f"Job {marked} is not among these runs.")
    if history.median_seconds is None:
        st.caption("Too few runs to tell a usual duration.")
    shown = drawn.assign(
        id=runs["id"].to_numpy(), took=runs["seconds"].to_numpy(), outcome=drawn["how"]
    )
    numbers("durations", shown[["id", "outcome", "ended", "took"]].iloc[::-1])


def show_usual_errors(history: NameHistory, scope: Scope) -> None:
    """Show the errors of the newest jobs; a row opens the newest job that has it."""

    def row(error: dict[Any, Any]) -> Row:
        failed, completed = error["jobs"] - error["completed"], error["completed"]
        states = [f"{failed} failed"] * bool(failed) + [f"{completed} completed"] * bool(completed)
        job_id = str(error["last_job"])
        cells: dict[str, Cell | str] = {
            "pattern": Cell(error["pattern"], title=error["text"], detail=f"Newest: job {job_id}"),
            "jobs": Cell(f"{error['jobs']:,}", title=", ".join(states)),
            "last": time_cell(error["last"], scope.zone, scope.now),
        }
        href = addresses.report_url(error["last_job"], {})
        return Row(job_id, f"{error['pattern']}, job {job_id}", cells, href=href)

    if history.patterns.empty:
        sentence = f"No job of the newest {NEWEST} failed or is known to have errors in its output."
        st.success(sentence, icon=":material/check_circle:")
    else:
        show_rows("usual-errors", _ERRORS, history.patterns, row, Handlers(on_open=open_job))


def _chart(
    drawn: pd.DataFrame, unit: str, history: NameHistory, size: int, marked: int | None
) -> dict[str, Any]:
    """Return the specification of a chart: a sign for each run, the usual times as lines."""
    present = [word for word in _SHAPES if word in set(drawn["how"])]
    legend = {"orient": "top", "title": None, "values": present}
    shape = {"domain": list(_SHAPES), "range": list(_SHAPES.values())}
    # Without domains of their own, Vega warns of the figures that have not come yet.
    longest = max(float(drawn["time"].max()), (history.p95_seconds or 0) / size, 0.1)
    x = channel("run", "quantitative", axis=None, scale={"domain": [0, len(drawn) + 1], "nice": False})
    y = channel("time", "quantitative", unit, scale={"domain": [0, longest], "nice": True})
    tooltip = [("job", "Job"), ("how", "Outcome"), ("took", "Took"), ("ended", "Ended")]
    points = {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.9},
        "encoding": {
            "x": x,
            "y": y,
            "color": channel("how", "nominal", scale={"domain": _COLORS}, legend=legend),
            "shape": channel("how", "nominal", scale=shape, legend=legend),
            "tooltip": [channel(field, "nominal", title) for field, title in tooltip],
        },
    }
    this = [{"filter": f"datum.job == '#{marked}'"}]
    ring = {"type": "point", "size": 300, "filled": False, "strokeWidth": 2, "color": _LINE}
    lines = [
        _line(f"{name} {ran(seconds)}", seconds / size, is_dashed=name != "median")
        for name, seconds in (("median", history.median_seconds), ("95 %", history.p95_seconds))
        if seconds is not None
    ]
    return {
        "layer": [
            *lines,
            points,
            {"transform": this, "mark": ring, "encoding": {"x": x, "y": y}},
            {
                "transform": this,
                "mark": {"type": "text", "dy": -16, "fontWeight": "bold", "color": _LINE},
                "encoding": {"x": x, "y": y, "text": channel("job", "nominal")},
            },
        ]
    }


def _line(label: str, height: float, *, is_dashed: bool) -> dict[str, Any]:
    dash = [6, 4] if is_dashed else [1, 0]
    # Beside the chart, and so that the label of the upper line lies above that of the lower one.
    text = {"align": "left", "baseline": "bottom" if is_dashed else "top", "dx": 4, "color": _LINE}
    return {
        "data": {"values": [{}]},  # one line, not one for each run
        "encoding": {"y": {"datum": height, "type": "quantitative"}},
        "layer": [
            {"mark": {"type": "rule", "color": _LINE, "strokeDash": dash}},
            {
                "mark": {"type": "text", **text},
                "encoding": {"x": {"value": "width"}, "text": {"value": label}},
            },
        ],
    }
