"""What a job wrote: how it ended, the errors of its rows, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from jobs_data import addresses, wording
from jobs_data.jobs import output_parts
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.log_lines import LogLine, RowLine, log_lines, row_lines
from jobs_data.jobs.output_parts import OutputPart
from jobs_data.plain_text import cut_line
from jobs_data.platform.database import Database
from jobs_data.platform.errors import DatabaseUnavailable
from jobs_data.platform.status import State
from jobs_data.reasons.lines import read_record
from jobs_data.url_values import parse_number
from pages.parts.job.log_viewer import Log, Move, Position, log_viewer
from pages.parts.shared.page_state import page_state
from pages.parts.shared.rows_table import Cell, Column, Handlers, Row, rows_table
from pages.parts.shared.text import plain

LINE_PARAM: Final = "line"
ROWS_SHOWN: Final = 20
ROWS_HIGH: Final = 8
ROWS_PIXELS: Final = 310
"""With more rows than ROWS_HIGH the list has this height and scrolls: the log is to be in sight."""

TIMED_LINES: Final = 20
"""An output that has times has one among this many of its last lines."""

_ROWS: Final = [
    Column("row", "Row", kind="number", width="4rem"),
    Column("message", "What is wrong", kind="name", main=True),
    Column("line", "Line", kind="number", phone="last", width="5rem"),
]


@dataclass
class Output:
    """Which part of a job's output is shown, and where in it the viewer opens."""

    job_id: int
    asked: str | None = None
    """The number of a line that is to be shown, untrusted."""
    move: Move | None = None
    """The other part that is to be read."""
    part: OutputPart = output_parts.NOTHING
    bytes_seen: int = -1
    """The length of the output when its end was read."""
    state: State | None = None
    """The job's state then: of a failed job other lines are errors."""
    lines: Sequence[LogLine] = ()
    rows: Sequence[RowLine] = ()
    """The errors of rows in the end of the output, which is all of a short one."""
    position: Position = field(default_factory=Position)
    problem: str = ""
    """Why a line or a part is not shown."""

    @property
    def is_empty(self) -> bool:
        """Return whether the job wrote nothing to be seen."""
        return self.was_read and self.part.is_whole and not self.part.text.strip()

    @property
    def was_read(self) -> bool:
        """Return whether any of it was read; not in an outage."""
        return self.bytes_seen >= 0


@dataclass
class _Shown:
    output: Output | None = None


def read_output(database: Database, job: JobReport) -> Output:
    """Return what is to be shown of a job's output; it is read where it is new."""
    shown = page_state(_Shown)
    if shown.output is None or shown.output.job_id != job.id:
        shown.output = Output(job.id, st.query_params.get(LINE_PARAM))
    output = shown.output
    output.problem = ""
    is_failed = job.state is State.FAILED
    is_active = job.state is State.ACTIVE  # which may have written as much as it has removed
    is_same = (output.bytes_seen, output.state) == (job.output_bytes, job.state) and not is_active
    try:
        if not is_same and not output.part.has_later:
            output.part = output_parts.read_end(database, job.id, output.part)
            output.lines = log_lines(output.part, database.timezone, is_failed=is_failed)
            output.rows = row_lines(output.lines)
            output.bytes_seen, output.state = job.output_bytes, job.state
        if part := _asked_part(output, database):
            output.part = part
            output.lines = log_lines(part, database.timezone, is_failed=is_failed)
    except DatabaseUnavailable as problem:
        output.problem = str(problem)
    output.asked = output.move = None
    return output


def _asked_part(output: Output, database: Database) -> OutputPart | None:
    """Return another part, if one is asked for, and note where the viewer opens."""
    if output.asked is not None:
        number = parse_number(output.asked) or 0
        part = None
        if all(line.number != number for line in output.lines):
            can_have = number > 0 and not output.part.is_whole
            part = output_parts.read_around(database, output.job_id, number) if can_have else None
            if part is None:
                output.problem = f"This output has no line {output.asked[:20]}."
                return None
        output.position = Position(number, output.position.seq + 1)
        return part
    if output.move is Move.END:
        output.position = Position(None, output.position.seq + 1)
        return output_parts.read_end(database, output.job_id)
    if output.move is not None:
        read = {Move.EARLIER: output_parts.read_earlier, Move.LATER: output_parts.read_later}
        return read[output.move](database, output.job_id, output.part)
    return None


def show_outcome(output: Output, job: JobReport) -> None:
    """Say where a job completed although its output has errors, and list the errors of rows."""
    facts = job.facts
    if job.state is State.COMPLETED and facts.errors:
        which = "" if facts.errors == 1 else ", first"
        first = f"{which}: {plain(facts.first_error)}" if facts.first_error else "."
        errors = wording.counted(facts.errors, "error")
        st.warning(f"Completed with {errors}{first}", icon=":material/warning:")
    if output.rows:
        _show_rows(output)


def _show_rows(output: Output) -> None:
    def row(one: RowLine) -> Row:
        number = str(one.number)
        cells: dict[str, Cell | str] = {
            "row": f"{one.row:,}",
            "message": Cell(one.message, detail="Warning" if one.is_warning else ""),
            "line": f"{one.number:,}",
        }
        href = addresses.report_url(output.job_id, {LINE_PARAM: number})
        return Row(number, f"row {one.row}", cells, href=href)

    def open_line(number: str) -> None:
        output.asked = number

    more = len(output.rows) - ROWS_SHOWN
    is_end = output.part.size > output_parts.PART_BYTES
    where = " in the end of the output" if is_end else ""
    sentence = f"and {more:,} more{where}" if more > 0 else where.strip()
    shown = [row(one) for one in output.rows[:ROWS_SHOWN]]
    with st.container(key="row_errors"):
        with st.container(height=ROWS_PIXELS if len(shown) > ROWS_HIGH else "content", border=False):
            rows_table("row_error_lines", "Errors of rows", _ROWS, shown, Handlers(on_open=open_line))
        with st.container(horizontal=True, vertical_alignment="center"):
            if sentence:
                st.caption(sentence, width="content")
            st.link_button(
                "Download all as CSV" if sentence else "Download as CSV",
                addresses.row_errors_url(output.job_id),
                type="tertiary",
                icon=":material/download:",
            )


def show_title(output: Output, job: JobReport, database: Database) -> None:
    """Show the heading with how much of the output there is."""
    facts = [wording.size(job.output_bytes)]
    part = output.part
    if output.is_empty:
        facts = ["Nothing yet." if job.state is State.ACTIVE else "This job did not write any output."]
    elif output.was_read and not part.is_whole:
        facts.append(f"{wording.size(part.end - part.start)} of it shown")
    if left_out := sum(cut_line(line.message)[1] for line in output.lines):
        facts.append(f"{left_out:,} characters of long lines are left out")
    if any(read_record(line.message).has_time for line in output.lines[-TIMED_LINES:]):
        facts.append(f"times in its lines are in {database.timezone.key}, the platform's zone")
    st.header("Output", anchor=False, width="content")
    st.caption(" · ".join(facts), width="content")


def show_download(output: Output) -> None:
    """Show the link to the whole output, byte for byte."""
    if not output.is_empty:
        st.link_button(
            "Download output",
            addresses.output_url(output.job_id),
            type="tertiary",
            icon=":material/download:",
        )


def show_log(output: Output, job: JobReport, zone: ZoneInfo) -> None:
    """Show the lines of the output, at the first error or at the end."""
    with st.container(key="output"):
        if job.facts.cut_at:
            sentence = f"The platform cut this output at {job.facts.cut_at}: the end is lost."
            st.warning(sentence, icon=":material/content_cut:")
        if output.problem:
            st.warning(plain(output.problem), icon=":material/info:")
    if output.is_empty or not output.was_read:
        return

    def go_to(move: Move) -> None:
        if move is Move.BEGINNING:
            output.asked = "1"
        else:
            output.move = move

    log_viewer(
        "log_viewer",
        Log(
            str(job.id),
            "Output",
            addresses.report_url(job.id, {}),
            output.lines,
            follows=job.state is State.ACTIVE and not output.part.has_later,
            has_earlier=output.part.start > 0,
            has_later=output.part.has_later,
        ),
        output.position,
        zone,
        go_to,
    )
