"""How the newest jobs of this job's name ended, and the way to all of them."""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.view import ListView
from jobs_data.platform.status import State
from jobs_data.statistics.name_history import NameHistory
from pages.parts.shared import address, marks


def show_link(job: JobReport) -> DeltaGenerator:
    """Show the link to the page of this job's name; return the line, for what is read later."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small", key="same_name")
    line.page_link(
        "job_name.py",
        label="This name over time",
        icon=":material/timeline:",
        query_params={"name": job.name, "job": str(job.id), **address.origin_params()},
    )
    return line


def show_newest(history: NameHistory, job: JobReport, came_from: ListView, zone: ZoneInfo) -> None:
    """Show how many of the name's newest runs completed, and a mark for each of its newest jobs."""
    if (share := history.completed_share) is not None:
        # Cut, not rounded: with a failure it is never 100 %.
        st.caption(f"{math.floor(share * 100)} % completed", width="content")
    marks.show_marks(history.newest, zone, lambda job_id: address.open_job(came_from, job_id), job.id)


def show_sentence(history: NameHistory, job: JobReport, came_from: ListView) -> None:
    """Say of a failed job how the newest jobs of its name ended, with a link to the last good one."""
    if job.state is State.FAILED:
        st.markdown(marks.linked_sentence(history, came_from), width="content")
