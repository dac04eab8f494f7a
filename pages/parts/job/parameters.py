"""The parameters that a job was started with."""

from __future__ import annotations

import html
from typing import Final

import streamlit as st

from jobs_data import wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.plain_text import on_one_line

OPEN_ROWS: Final = 4
"""A longer table is folded: the output below it matters more."""


def show_parameters(job: JobReport) -> None:
    """Show the parameters as a table, without the job's own id and name, which stand above it."""
    known = {("id", str(job.id)), ("name", job.name)}
    rows = [row for row in job.facts.parameters if row not in known]
    if not rows:
        return
    with st.expander(
        f"Parameters · {wording.counted(len(rows), 'value')}",
        expanded=len(rows) <= OPEN_ROWS,
        icon=":material/tune:",
    ):
        cells = "".join(
            f"<tr><th scope='row'>{_text(name)}</th><td>{_text(value)}</td></tr>"
            for name, value in rows
        )
        st.html(f"<table class='parameters'><tbody>{cells}</tbody></table>")


def _text(text: str) -> str:
    return html.escape(on_one_line(text))
