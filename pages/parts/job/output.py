"""What a job wrote: the errors of its rows, and the log from its first error on, or its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses, wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.log_lines import LogLine, RowLine, log_lines, row_lines
from jobs_data.jobs.output_parts import (
    NOTHING,
    OutputPart,
    read_around,
    read_earlier,
    read_end,
    read_later,
)
from jobs_data.plain_text import cut_line
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.reasons.lines import read_record
from jobs_data.reasons.outputs import CUT_CHARACTERS
from jobs_data.url_values import parse_number
from pages.parts.job.log_viewer import Log, Position, log_viewer
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table
from pages.parts.shared.text import plain

LINE_PARAM: Final = "line"
ROWS_SHOWN: Final = 20
TIMED_LINES: Final = 20
"""An output that has times has one among this many of its last lines."""

_ROWS: Final = [
    Column("row", "Row", kind="number"),
    Column("message", "Error", kind="name", main=True),
    Column("line", "Line", kind="number", phone="last"),
]


@dataclass
class Output:
    """Which part of a job's output is shown, and where in it the viewer opens."""

    job_id: int = 0
    part: OutputPart = NOTHING
    bytes_seen: int = -1
    """How long the output was when it was read."""
    lines: Sequence[LogLine] = ()
    rows: Sequence[RowLine] = ()
    """The errors of rows at the end of the output, which all of a short one is."""
    position: Position = field(default_factory=Position)
    step: Callable[[Database, int, OutputPart], OutputPart] | None = None
    """What a press has asked for: reads another part."""
    problem: str = ""
    """Why the line that the address names is not shown."""


def read_output(database: Database, job: JobReport) -> Output:
    """Return what is to be shown of a job's output; it is read where it has changed."""
    output = page_state(Output)
    if output.job_id != job.id:
        asked = st.query_params.get(LINE_PARAM)
        output.__init__(job.id)
    else:
        asked = None
    try:
        _read(output, database, job)
        if asked is not None:
            _open(output, database, job, asked)
    except DatabaseUnavailable as problem:
        output.problem = str(problem)
    return output


def _read(output: Output, database: Database, job: JobReport) -> None:
    step, output.step = output.step, None
    if step is None:
        if output.bytes_seen == job.output_bytes or output.part.has_later:
            return
        step = read_end
    output.part = step(database, job.id, output.part)
    output.bytes_seen = job.output_bytes
