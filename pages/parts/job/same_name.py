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


def make_place() -> DeltaGenerator:
    """Return the place of the line, which has its room before it is read."""
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key="same_name")


def show_same_name(history: NameHistory, job: JobReport, came_from: ListView, zone: ZoneInfo) -> None:
    """Show a mark for each of the newest jobs of the name, how many completed, and a link to more."""
    st.caption(f"Newest {len(history.newest)} of this name:", width="content")
    marks.show_marks(history.newest, zone, lambda job_id: address.open_job(came_from, job_id), job.id)
    if (share := history.completed_share) is not None:
        # Cut, not rounded: with a failure it is never 100 %.
        st.caption(f"{math.floor(share * 100)} % completed", width="content")
    st.page_link(
        "job_name.py",
        label="All jobs of this name",
        icon=":material/timeline:",
        query_params={"name": job.name, "job": str(job.id), **address.origin_params()},
    )


def show_sentence(history: NameHistory, job: JobReport) -> None:
    """Say of a failed job how the newest jobs of its name ended."""
    if job.state is State.FAILED:
        st.markdown(history.sentence, width="content")
